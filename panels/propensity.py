"""The probability that a respondent is linked, and weights that let the linked ones stand for all.

Each wave has a logit of its own. Levels that tell the outcome for certain are set aside as its maximum has them: where
all units of a level are linked their probability is one; where none is, no weight can stand for them. Both are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from panels.arrays import BoolArray, FloatArray
from panels.expressions import NO_ANSWER
from panels.link_columns import SIZE_CLASS
from panels.linkage import Propensity, Term
from panels.logit import SeparationError, fit_logit
from panels.respondents import Respondents, Texts
from specs.linking import PropensitySpec

__all__ = ["PropensityError", "link_weights"]

_RANK = 1e-9
_NOT_ASKED = "not applicable"
_ANSWERS = {1.0: "yes", 0.0: "no", float(NO_ANSWER): "no answer"}


class PropensityError(ArithmeticError):
    """The probabilities of a wave cannot be estimated: what it is, what it means, what to try."""


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """Covariates of one wave: numbers, and texts of which each level has a column."""

    numbers: dict[str, FloatArray]
    factors: dict[str, Texts]
    complete: BoolArray


def link_weights(units: Respondents, spec: PropensitySpec) -> tuple[FloatArray, tuple[Propensity, ...]]:
    """Estimate the probabilities and return the weights.

    Parameters
    ----------
    units : Respondents
    spec : PropensitySpec

    Returns
    -------
    weights : (n,) array
        Of the linked units design weight / probability, drawn in to the quantiles and brought to a mean of one in each
        wave; NaN for all others.
    waves : tuple of Propensity

    Raises
    ------
    PropensityError
        If no unit of a wave is linked, or covariates tell the outcome for certain in a way that no level shows.
    """
    weights = np.full(units.wave.size, np.nan)
    found = []
    for wave in units.waves():
        inside = np.flatnonzero(units.wave == wave)
        weights[inside], told = _of_wave(units, wave, inside, spec)
        found.append(told)
    return weights, tuple(found)


def _of_wave(units: Respondents, wave: int, inside: np.ndarray, spec: PropensitySpec) -> tuple[FloatArray, Propensity]:
    linked = units.linked[inside]
    if not linked.any():
        raise PropensityError(f"no unit of {wave} is linked", "no weight can make up for all of them",
                              "leave the propensity or the wave out")  # fmt: skip
    if units.weight is not None and not (units.weight[inside][linked] > 0).any():
        raise PropensityError(
            f"no linked unit of {wave} has a design weight above zero",
            "there is nothing to weigh up",
            "mend the survey's weights, or leave the propensity out",
        )
    design = _design(units, inside, spec.covariates)
    probability = np.full(linked.size, np.nan)
    notes: list[tuple[str, int, int]] = []
    left = _set_aside(design, linked, probability, notes)
    terms: tuple[Term, ...] = ()
    if left.any() and linked[left].any() and not linked[left].all():
        columns, dropped = _columns(design, left)
        notes += [(f"{name}: says nothing beyond the others, left out", int(left.sum()), int(linked[left].sum()))
                  for name in dropped]  # fmt: skip
        x = np.column_stack(list(columns.values()))
        try:
            fit = fit_logit(x, linked[left].astype(np.float64))
        except SeparationError:
            raise PropensityError(
                f"the covariates tell for certain which units of {wave} are linked",
                "their probabilities are zero and one",
                "take fewer covariates or coarser classes",
            ) from None
        probability[left] = fit.probabilities
        terms = tuple(
            Term(name, float(b), float(se), int((one != 0).sum()), int((linked[left] & (one != 0)).sum()))
            for (name, one), b, se in zip(columns.items(), fit.coefficients, fit.std_errors, strict=True)
        )
    elif left.any():
        probability[left] = float(linked[left].mean())
        notes.append(("all units that are left are alike in the outcome", int(left.sum()), int(linked[left].sum())))
    weight, low, high = _weights(units, inside, linked, probability, spec.trim)
    standing = weight[np.isfinite(weight)]
    design_weight = units.weight[inside] if units.weight is not None else np.ones(inside.size)
    sizes = (_effective(standing), _effective(design_weight[np.isfinite(weight)]))
    used = design.complete
    return weight, Propensity(
        wave, int(used.sum()), int(linked[used].sum()), terms, int((~used).sum()), standing.size, low, high,
        *sizes, tuple(notes),
    )  # fmt: skip


def _effective(weight: FloatArray) -> float:
    return float(weight.sum() ** 2 / (weight**2).sum()) if weight.size else 0.0


def _design(units: Respondents, inside: np.ndarray, covariates: Sequence[str]) -> _Design:
    """Texts and answers have a level for what is not known; a unit without a number is left out."""
    numbers, factors = {}, {}
    complete = np.ones(inside.size, dtype=bool)
    for name in covariates:
        if name == SIZE_CLASS:
            size = units.size
            assert size is not None
            factors[name] = _known(size[inside])
        elif units.kinds[name] == "text":
            factors[name] = _known(units.texts[name][inside])
        elif units.kinds[name] == "answer":
            said = [None if np.isnan(v) else _ANSWERS.get(float(v), _NOT_ASKED) for v in units.numbers[name][inside]]
            factors[name] = _known(np.array(said, dtype=object))
        else:
            values = units.numbers[name][inside]
            complete &= np.isfinite(values)
            numbers[name] = values
    return _Design(numbers, factors, complete)


def _known(values: Texts) -> Texts:
    return np.array(["not known" if one is None else one for one in values], dtype=object)


def _set_aside(
    design: _Design, linked: BoolArray, probability: FloatArray, notes: list[tuple[str, int, int]]
) -> BoolArray:
    """Take out units of levels in which all are linked or none is; return those that are left for the logit."""
    left = design.complete.copy()
    again = True
    while again:
        again = False
        for name, values in design.factors.items():
            for level in sorted(set(values[left])):
                group = left & (values == level)
                hits = int(linked[group].sum())
                total = int(group.sum())
                if total == int(left.sum()) or hits not in (0, total):
                    continue
                what = (
                    "all are linked, their probability is one" if hits else "none is linked, no weight stands for them"
                )
                notes.append((f"{name}[{level}]: {what}", total, hits))
                probability[group] = 1.0 if hits else 0.0
                left &= ~group
                again = True
    return left


def _columns(design: _Design, left: BoolArray) -> tuple[dict[str, FloatArray], list[str]]:
    """The columns of the logit: a constant, numbers, levels besides the most frequent; what depends on others goes."""
    columns: dict[str, FloatArray] = {"constant": np.ones(int(left.sum()))}
    columns |= {name: values[left] for name, values in design.numbers.items()}
    for name, values in design.factors.items():
        here = values[left]
        levels = sorted(set(here), key=lambda level: (-int((here == level).sum()), level))
        columns |= {f"{name}[{level}]": (here == level).astype(np.float64) for level in sorted(levels[1:])}
    dropped: list[str] = []
    while True:
        names = list(columns)
        x = np.column_stack([columns[name] for name in names])
        lengths = np.sqrt((x**2).sum(axis=0))
        triangle = np.abs(np.diag(np.linalg.qr(x / np.where(lengths > 0, lengths, 1.0), mode="r")))
        dependent = [name for name, rest, length in zip(names, triangle, lengths, strict=False)
                     if rest < _RANK or length == 0]  # fmt: skip
        if not dependent and len(names) <= x.shape[0]:
            return columns, dropped
        lost = dependent[0] if dependent else names[-1]
        del columns[lost]
        dropped.append(lost)


def _weights(
    units: Respondents, inside: np.ndarray, linked: BoolArray, probability: FloatArray, trim: tuple[float, float]
) -> tuple[FloatArray, int, int]:
    """Design weight over probability, within its quantiles, with a mean of one; and how many were drawn in."""
    design = units.weight[inside] if units.weight is not None else np.ones(inside.size)
    standing = linked & (design > 0) & (probability > 0)
    weight = np.full(inside.size, np.nan)
    if not standing.any():
        return weight, 0, 0
    raw = design[standing] / probability[standing]
    low, high = np.quantile(raw, trim)
    drawn = np.clip(raw, low, high)
    weight[standing] = drawn / drawn.mean()
    return weight, int((raw < low).sum()), int((raw > high).sum())
