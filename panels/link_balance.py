"""Whether linked and unlinked units are alike: means, standardised differences, variance ratios."""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from panels.arrays import BoolArray, FloatArray
from panels.linkage import Balance
from panels.respondents import Respondents

__all__ = ["IMBALANCED", "balance"]

IMBALANCED = 0.1
"""The absolute standardised difference beyond which a covariate is flagged."""

_LOGS = ("survey_employees",)


def balance(units: Respondents, skipped: Container[str], link_weight: FloatArray | None = None) -> tuple[Balance, ...]:
    """Compare the linked with the unlinked units of each wave.

    Parameters
    ----------
    units : Respondents
    skipped : container of str
        Items that are not compared: those that a filter skips and the parts of others.
    link_weight : (n,) array, optional
        Of the linked units, NaN for all others.
    """
    found = []
    for wave in units.waves():
        inside = units.wave == wave
        seen: list[FloatArray] = []
        for name, values, yes_or_no in _covariates(units, inside, skipped):
            here = values[inside]
            # An item that says of everybody what another has said already is the same covariate.
            if not np.isfinite(here).any() or any(np.array_equal(here, one, equal_nan=True) for one in seen):
                continue
            seen.append(here)
            found.append(_compared(units, wave, name, values, yes_or_no, link_weight))
    return tuple(found)


def _covariates(
    units: Respondents, inside: BoolArray, skipped: Container[str]
) -> Iterator[tuple[str, FloatArray, bool]]:
    """Numbers first, then yes and no, then a column a section."""
    for name, values in units.numbers.items():
        if units.kinds[name] == "number":
            if name in _LOGS:
                logs = np.full(values.size, np.nan)
                np.log(values, out=logs, where=values > 0)
                yield f"log({name})", logs, False
            else:
                yield name, values, False
    for name, values in units.numbers.items():
        if units.kinds[name] == "answer" and name not in skipped:
            yield name, np.where((values == 0) | (values == 1), values, np.nan), True
    sections = units.texts.get("survey_nace")
    if sections is not None:
        known = np.array([one is not None for one in sections], dtype=bool)
        for level in sorted({one for one in sections[inside] if one is not None}):
            yield f"survey_nace[{level}]", np.where(known, (sections == level).astype(np.float64), np.nan), True


def _compared(
    units: Respondents, wave: int, name: str, values: FloatArray, yes_or_no: bool, link_weight: FloatArray | None
) -> Balance:
    known = (units.wave == wave) & np.isfinite(values)
    linked, unlinked = values[known & units.linked], values[known & ~units.linked]
    means = tuple(float(x.mean()) if x.size else None for x in (linked, unlinked))
    variances = tuple(float(x.var(ddof=1)) if x.size > 1 else None for x in (linked, unlinked))
    difference = ratio = weighted = None
    apart = False
    one, other = variances
    if one is not None and other is not None and means[0] is not None and means[1] is not None:
        spread = float(np.sqrt((one + other) / 2))
        if spread > 0:
            difference = (means[0] - means[1]) / spread
            weighted = _weighted_gap(units, known, values, link_weight, spread)
        apart = abs(difference) > IMBALANCED if difference is not None else means[0] != means[1]
        ratio = one / other if other > 0 else None
    ones_linked, ones_unlinked = (int(linked.sum()), int(unlinked.sum())) if yes_or_no else (None, None)
    return Balance(
        wave, name, linked.size, unlinked.size, ones_linked, ones_unlinked, means[0], means[1],
        difference, ratio, weighted, apart,
    )  # fmt: skip


def _weighted_gap(
    units: Respondents, known: BoolArray, values: FloatArray, link_weight: FloatArray | None, spread: float
) -> float | None:
    """How far the weighted linked units are from all respondents, in standard deviations."""
    if link_weight is None:
        return None
    design = units.weight if units.weight is not None else np.ones(values.size)
    everybody, standing = known & (design > 0), known & (link_weight > 0)
    if not everybody.any() or not standing.any():
        return None
    target = np.average(values[everybody], weights=design[everybody])
    return float((np.average(values[standing], weights=link_weight[standing]) - target) / spread)
