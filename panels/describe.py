"""Descriptive statistics of a panel: its columns and its years, and on how many firms each number rests.

Nothing is withheld here but quantiles; `reports.panel_disclosure` says what of it may be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from panels.arrays import BoolArray, FloatArray, IntArray
from panels.distributions import SHARES, smoothed_quantile, two_values
from panels.frame import FirmPanel, Selection, TextColumn

__all__ = [
    "LEVELS", "ColumnSummary", "LevelCount", "Nesting", "YearCount", "YearSummary", "describe_columns",
    "describe_years",
]  # fmt: skip

LEVELS = 60
"""Text columns with more levels are not taken apart."""


@dataclass(frozen=True, slots=True)
class LevelCount:
    """The rows and firms of one level of a text column; which firms, where they are fewer than asked for."""

    level: str
    rows: int
    firms: int
    few: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Nesting:
    """Levels of one text column that make up a level of another: divisions of a section.

    Attributes
    ----------
    column, level : str
        The whole.
    within : str
        The column of the parts.
    parts : tuple of str
        Its levels; fewer rows than a number needs firms have none.
    """

    column: str
    level: str
    within: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class YearCount:
    """A column in one year: rows (each one firm) with a value, and of a column of two values those with either."""

    year: int
    rows: int
    ones: int = 0
    zeros: int = 0


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column.

    Attributes
    ----------
    name, kind, unit, source : str
        As in `ColumnFacts`.
    rows, firms : int
        With a value.
    missing : int
        Rows without one.
    of_survey : bool
        There are values in rows linked to the survey alone.
    years : tuple of YearCount
        Every year of the panel.
    mean, sd : float or None
        None for text, and where they are not defined.
    ones, zeros : int or None
        Firms that ever have the upper and the lower of two values; a column of nothing but 0 or 1 counts as one of two
        values. None for any other.
    largest, two_largest : float
        The share of the firm, and of the two firms, with most of the sum of absolute values.
    quantiles : mapping of float to (float or None)
        Means of neighbours; None where fewer firms than asked for lie on either side. Empty for text and for a column
        of two values.
    levels : tuple of LevelCount
        Of a text column with at most `LEVELS` levels.
    """

    name: str
    kind: str
    unit: str
    source: str
    rows: int
    firms: int
    missing: int
    of_survey: bool = False
    years: tuple[YearCount, ...] = ()
    mean: float | None = None
    sd: float | None = None
    ones: int | None = None
    zeros: int | None = None
    largest: float = 0.0
    two_largest: float = 0.0
    quantiles: Mapping[float, float | None] = field(default_factory=dict)
    levels: tuple[LevelCount, ...] = ()


@dataclass(frozen=True, slots=True)
class YearSummary:
    """One year: rows (each one firm), how many firms were there the year before, and how many are linked."""

    year: int
    firms: int
    also_year_before: int
    linked: int | None


def describe_columns(panel: FirmPanel, minimum_firms: int) -> tuple[tuple[ColumnSummary, ...], tuple[Nesting, ...]]:
    """Summarise every column but the keys, a column at a time, and say which levels make up others.

    Parameters
    ----------
    panel : FirmPanel
    minimum_firms : int
        Firms that must stand behind a quantile and lie on either side of it; of levels with fewer it is said which.
    """
    linked = panel.select(["linked"]).number("linked") == 1 if "linked" in panel.columns else None
    summaries, texts = [], {}
    for name, facts in panel.columns.items():
        if name in ("firm", "year"):
            continue
        rows = panel.select([name])
        column = rows.columns[name]
        there = ~column.missing()
        values = None if isinstance(column, TextColumn) else column.values[there]
        more = _levels(rows, column, minimum_firms) if isinstance(column, TextColumn) else {}
        if values is not None:
            more = _moments(values, rows.firm[there], minimum_firms)
        elif isinstance(column, TextColumn) and len(column.levels) <= LEVELS:
            # At most LEVELS codes fit into a byte each.
            texts[name] = TextColumn(column.codes.astype(np.int8), column.levels)
        summaries.append(
            ColumnSummary(
                name, facts.kind, facts.unit, facts.source, int(there.sum()), _firms(rows.firm[there]),
                int((~there).sum()), of_survey=linked is not None and name != "linked" and _only_in(there, linked),
                years=_years(panel.years, rows.year[there], values), **more,
            )
        )  # fmt: skip
    return tuple(summaries), _nestings(texts, minimum_firms)


def describe_years(panel: FirmPanel) -> tuple[YearSummary, ...]:
    """Count the firms of every year, those seen the year before, and those linked to the survey."""
    has_link = "linked" in panel.columns
    rows = panel.select(["linked"] if has_link else [])
    before = np.zeros(panel.n_rows, dtype=bool)
    before[1:] = (rows.firm[1:] == rows.firm[:-1]) & (rows.year[1:] == rows.year[:-1] + 1)
    summaries = []
    for year in panel.years:
        inside = rows.year == year
        linked = int(np.nansum(rows.number("linked")[inside])) if has_link else None
        summaries.append(YearSummary(year, int(inside.sum()), int(before[inside].sum()), linked))
    return tuple(summaries)


def _firms(firm: IntArray) -> int:
    return int(np.unique(firm).size)


def _only_in(there: BoolArray, linked: BoolArray) -> bool:
    return bool(there.any()) and not bool((there & ~linked).any())


def _years(years: tuple[int, ...], year: IntArray, values: FloatArray | None) -> tuple[YearCount, ...]:
    two = two_values(values) if values is not None and values.size else None
    found = []
    for one in years:
        inside = year == one
        zeros, ones = (int((values[inside] == value).sum()) for value in two) if two and values is not None else (0, 0)
        found.append(YearCount(one, int(inside.sum()), ones, zeros))
    return tuple(found)


def _levels(rows: Selection, column: TextColumn, minimum_firms: int) -> dict[str, Any]:
    if len(column.levels) > LEVELS:
        return {}
    found = []
    for code, level in enumerate(column.levels):
        inside = column.codes == code
        firms = np.unique(rows.firm[inside])
        few = frozenset(firms.tolist()) if firms.size < minimum_firms else frozenset()
        found.append(LevelCount(level, int(inside.sum()), int(firms.size), few))
    return {"levels": tuple(found)}


def _nestings(texts: Mapping[str, TextColumn], minimum_firms: int) -> tuple[Nesting, ...]:
    """Return every level of a column that levels of another make up, none of which goes beyond it."""
    found = []
    for whole, column in texts.items():
        for within, parts in texts.items():
            if within == whole:
                continue
            # Rows by level of either; the first place is of rows without one.
            width = len(column.levels) + 1
            places = (parts.codes.astype(np.int64) + 1) * width + column.codes + 1
            table = np.bincount(places, minlength=width * (len(parts.levels) + 1)).reshape(-1, width)
            rows = table.sum(axis=1)
            for code, level in enumerate(column.levels, 1):
                inside = np.flatnonzero(table[1:, code]) + 1
                # A few rows without a part hide little of what the others add up to.
                whole_but_few = table[0, code] < max(minimum_firms, 1)
                if inside.size and whole_but_few and bool((table[inside, code] == rows[inside]).all()):
                    found.append(Nesting(whole, level, within, tuple(parts.levels[place - 1] for place in inside)))
    return tuple(found)


def _moments(values: FloatArray, firm: IntArray, minimum_firms: int) -> dict[str, Any]:
    if not values.size:
        return {}
    found: dict[str, Any] = {
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)) if values.size > 1 else None,
    }
    _, own = np.unique(firm, return_inverse=True)
    sums = np.sort(np.bincount(own, np.abs(values)))[::-1]
    if (whole := float(sums.sum())) > 0:
        found |= {"largest": float(sums[0]) / whole, "two_largest": float(sums[:2].sum()) / whole}
    if two := two_values(values):
        zeros, ones = (_firms(firm[values == value]) for value in two)
        return found | {"ones": ones, "zeros": zeros}
    order = np.argsort(values, kind="stable")
    ranked, holders = values[order], firm[order]
    return found | {"quantiles": {share: smoothed_quantile(ranked, share, minimum_firms, holders) for share in SHARES}}
