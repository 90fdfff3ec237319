"""Match rates, schemes and agreement of the survey's units, counted wave by wave."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from panels.arrays import BoolArray, FloatArray
from panels.link_status import STATUSES
from panels.linkage import Agreement, MatchRate, SchemeShare, WaveLink
from panels.respondents import SIZES, Respondents, Texts, size_classes

__all__ = ["agreements", "match_rates", "scheme_shares", "wave_links"]

_SCHEMES = ("full", "abridged", "micro")


def wave_links(units: Respondents) -> tuple[WaveLink, ...]:
    """Count the units of each wave by reason code, and those without a usable weight."""
    found = []
    for wave in units.waves():
        inside = units.wave == wave
        status, weight = units.status[inside], units.weight
        lacking = np.isnan(weight[inside]) if weight is not None else np.zeros(status.size, dtype=bool)
        low = weight[inside] <= 0 if weight is not None else np.zeros(status.size, dtype=bool)
        counts = {one.name: int((status == one.name).sum()) for one in STATUSES}
        found.append(
            WaveLink(wave, status.size, int(units.linked[inside].sum()), counts, int(lacking.sum()), int(low.sum()))
        )
    return tuple(found)


def match_rates(units: Respondents) -> tuple[MatchRate, ...]:
    """Return the share of linked units of each wave: of all, and by section, size class and region where known."""
    linked, weight = units.linked, units.weight
    found = []
    for wave in units.waves():
        inside = units.wave == wave
        found.append(_rate(wave, "all", "all", inside, linked, weight))
        for by, values, order in _groups(units):
            for level in _levels(values[inside], order):
                group = inside & (values == level)
                found.append(_rate(wave, by, level or "", group, linked, weight))
    return tuple(found)


def _groups(units: Respondents) -> Iterator[tuple[str, Texts, tuple[str, ...]]]:
    if "survey_nace" in units.texts:
        yield "nace", units.texts["survey_nace"], ()
    size = units.size
    if size is None and "employees" in units.accounts:
        size = size_classes(units.accounts["employees"])
    if size is not None:
        yield "size", size, SIZES
    region = units.texts.get("survey_region", units.accounts.get("region"))
    if region is not None:
        yield "region", region, ()


def _levels(values: Texts, order: tuple[str, ...]) -> list[str | None]:
    """The levels that occur, in their order; None, not known, stands last."""
    there = {value for value in values if value is not None}
    listed: list[str | None] = [one for one in (order or sorted(there)) if one in there]
    return [*listed, None] if any(value is None for value in values) else listed


def _weighted(weight: FloatArray | None, group: BoolArray, part: BoolArray) -> tuple[float | None, int, int]:
    """The weighted share of a part of a group, and the units behind it: those with a weight above zero."""
    if weight is None:
        return None, 0, 0
    usable = group & (weight > 0)
    total = float(weight[usable].sum())
    share = float(weight[usable & part].sum()) / total if total > 0 else None
    return share, int(usable.sum()), int((usable & part).sum())


def _rate(wave: int, by: str, level: str, group: BoolArray, linked: BoolArray, weight: FloatArray | None) -> MatchRate:
    count, hits = int(group.sum()), int((group & linked).sum())
    return MatchRate(wave, by, level, count, hits, hits / count, *_weighted(weight, group, linked))


def scheme_shares(units: Respondents) -> tuple[SchemeShare, ...]:
    """Return how the linked units of each wave filed."""
    if "scheme" not in units.accounts:
        return ()
    scheme: Texts = units.accounts["scheme"]
    found = []
    for wave in units.waves():
        inside = (units.wave == wave) & units.linked
        others = sorted({one for one in scheme[inside] if one is not None} - set(_SCHEMES))
        for level in _levels(scheme[inside], (*_SCHEMES, *others)):
            part = np.array([one == level for one in scheme], dtype=bool)
            count = int((inside & part).sum())
            share, behind, _ = _weighted(units.weight, inside, part)
            found.append(SchemeShare(wave, level or "", count, count / int(inside.sum()), share, behind))
    return tuple(found)


def agreements(units: Respondents) -> tuple[Agreement, ...]:
    """Compare what survey and accounts say of the section and the size class of the linked units."""
    found = []
    for wave in units.waves():
        inside = (units.wave == wave) & units.linked
        for of, said, filed, order in _pairs(units):
            found.append(_agreement(wave, of, said[inside], filed[inside], order))
    return tuple(found)


def _pairs(units: Respondents) -> Iterator[tuple[str, Texts, Texts, tuple[str, ...]]]:
    if "survey_nace" in units.texts and "nace" in units.accounts:
        yield "nace", units.texts["survey_nace"], units.accounts["nace"], ()
    if units.size is not None and "employees" in units.accounts:
        yield "size", units.size, size_classes(units.accounts["employees"]), SIZES


def _agreement(wave: int, of: str, said: Texts, filed: Texts, order: tuple[str, ...]) -> Agreement:
    cells: dict[tuple[str, str], int] = {}
    pairs: list[tuple[Any, Any]] = [(a, b) for a, b in zip(said, filed, strict=True) if a is not None and b is not None]
    for pair in pairs:
        cells[pair] = cells.get(pair, 0) + 1
    there = {level for pair in cells for level in pair}
    levels = tuple(one for one in (order or sorted(there)) if one in there)
    ordered = {(a, b): cells[a, b] for a in levels for b in levels if (a, b) in cells}
    agree = sum(count for (a, b), count in cells.items() if a == b)
    return Agreement(wave, of, levels, ordered, len(pairs), agree, said.size - len(pairs))
