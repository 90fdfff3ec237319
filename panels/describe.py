"""Descriptive statistics of a panel: its columns and its years. Aggregates only, each over enough firms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from panels.arrays import FloatArray, IntArray
from panels.frame import FirmPanel, Selection, TextColumn

__all__ = ["ColumnSummary", "LevelCount", "YearSummary", "describe_columns", "describe_years"]

QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90)


@dataclass(frozen=True, slots=True)
class LevelCount:
    """The rows and firms of one level of a text column; None where too few firms stand behind it."""

    level: str
    rows: int | None
    firms: int | None


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
    mean, sd : float or None
        None for text, and where fewer firms than asked for stand behind it.
    quantiles : mapping of float to (float or None)
        None where fewer firms than asked for lie on either side.
    levels : tuple of LevelCount
        Of a text column with at most 60 levels.
    """

    name: str
    kind: str
    unit: str
    source: str
    rows: int
    firms: int
    missing: int
    mean: float | None = None
    sd: float | None = None
    quantiles: Mapping[float, float | None] = field(default_factory=dict)
    levels: tuple[LevelCount, ...] = ()


@dataclass(frozen=True, slots=True)
class YearSummary:
    """One year: rows (each one firm), how many firms were there the year before, and how many are linked."""

    year: int
    firms: int
    also_year_before: int
    linked: int | None


def describe_columns(panel: FirmPanel, minimum_firms: int) -> tuple[ColumnSummary, ...]:
    """Summarise every column but the keys, a column at a time.

    Parameters
    ----------
    panel : FirmPanel
    minimum_firms : int
        Firms that must stand behind every number.
    """
    summaries = []
    for name, facts in panel.columns.items():
        if name in ("firm", "year"):
            continue
        rows = panel.select([name])
        column = rows.columns[name]
        there = ~column.missing()
        counts = (int(there.sum()), _firms(rows.firm[there]), int((~there).sum()))
        if isinstance(column, TextColumn):
            levels = _levels(rows, column, minimum_firms) if len(column.levels) <= 60 else ()
            summaries.append(ColumnSummary(name, facts.kind, facts.unit, facts.source, *counts, levels=levels))
        else:
            mean, sd, quantiles = _moments(column.values[there], rows.firm[there], minimum_firms)
            summaries.append(ColumnSummary(name, facts.kind, facts.unit, facts.source, *counts, mean, sd, quantiles))
    return tuple(summaries)


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


def _levels(rows: Selection, column: TextColumn, minimum_firms: int) -> tuple[LevelCount, ...]:
    found = []
    for code, level in enumerate(column.levels):
        inside = column.codes == code
        firms = _firms(rows.firm[inside])
        enough = firms >= minimum_firms
        found.append(LevelCount(level, int(inside.sum()) if enough else None, firms if enough else None))
    return tuple(found)


def _moments(
    values: FloatArray, firm: IntArray, minimum_firms: int
) -> tuple[float | None, float | None, dict[float, float | None]]:
    firms = _firms(firm)
    if firms < max(minimum_firms, 2):
        return None, None, dict.fromkeys(QUANTILES)
    quantiles: dict[float, float | None] = {}
    for share in QUANTILES:
        cut = float(np.quantile(values, share))
        beside = min(_firms(firm[values <= cut]), _firms(firm[values >= cut]))
        quantiles[share] = cut if beside >= minimum_firms else None
    return float(values.mean()), float(values.std(ddof=1)) if values.size > 1 else None, quantiles
