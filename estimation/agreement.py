"""How far several measures of productivity agree: rank and linear correlations, in levels and in yearly growth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from estimation.groups import about_group_means
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit

__all__ = ["Agreement", "Correlation", "agreement_of"]


@dataclass(frozen=True, slots=True)
class Correlation:
    """Two measures on the rows that have both.

    Attributes
    ----------
    spearman, pearson : float
        NaN where one of them does not vary.
    n_obs, n_firms : int
    """

    spearman: float
    pearson: float
    n_obs: int
    n_firms: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """A pair of measures.

    Attributes
    ----------
    of : (str, str)
        The productivity entries.
    levels, growth : Correlation or None
        Of the columns, and of their change over a year; None where no two rows have both.
    within : tuple of str
        The columns of `separately_by` within whose groups levels were set about their means; empty where both come
        from one technology.
    outputs : tuple of str
        The output that each is the productivity of: gross output and value added are not one measure. Empty where an
        entry names none.
    """

    of: tuple[str, str]
    levels: Correlation | None
    growth: Correlation | None
    within: tuple[str, ...]
    outputs: tuple[str, ...] = ()


def agreement_of(fits: Mapping[str, ProductivityFit], firm: IntArray, year: IntArray) -> tuple[Agreement, ...]:
    """Correlate every pair of measures on their common rows.

    Parameters
    ----------
    fits : mapping of str to ProductivityFit
        In the order of the pairs.
    firm, year : (n,) integer arrays
        Of the panel's rows, sorted by firm and year.

    Returns
    -------
    tuple of Agreement

    Notes
    -----
    Spearman's coefficient is Pearson's of the ranks, ties at their average rank. Growth is the change from the year
    before; a gap gives none. Levels of technologies estimated separately are not in one unit: they are set about the
    mean of their group, the groups of both measures crossed, and growth is taken where the firm stays in its groups.
    """
    adjacent = np.zeros(firm.size, dtype=np.bool_)
    adjacent[1:] = (firm[1:] == firm[:-1]) & (year[1:] == year[:-1] + 1)
    return tuple(_pair((fits[one], fits[other]), firm, adjacent) for one, other in combinations(fits, 2))


def _pair(pair: tuple[ProductivityFit, ProductivityFit], firm: IntArray, adjacent: BoolArray) -> Agreement:
    one, other = pair
    group = np.zeros(firm.size, dtype=np.int64)
    for fit in pair:
        if len(fit.groups) > 1:
            group = np.where(fit.group_of_row < 0, -1, group * len(fit.groups) + fit.group_of_row)
    separate = any(len(fit.groups) > 1 for fit in pair)
    both: BoolArray = ~np.isnan(one.values) & ~np.isnan(other.values) & (group >= 0)
    x, y = np.where(both, one.values, np.nan), np.where(both, other.values, np.nan)
    grown: BoolArray = adjacent.copy()
    grown[1:] &= both[1:] & both[:-1] & (group[1:] == group[:-1])
    change = [np.diff(values, prepend=np.nan)[grown] for values in (x, y)]
    if separate:
        x, y = about_group_means(x, group), about_group_means(y, group)
    columns = (column for fit in pair if len(fit.groups) > 1 for column, _ in fit.groups[0].group)
    return Agreement(
        of=(one.name, other.name),
        levels=_correlation(x[both], y[both], firm[both]),
        growth=_correlation(change[0], change[1], firm[grown]),
        within=tuple(dict.fromkeys(columns)),
        outputs=tuple(str(fit.options.get("output") or "") for fit in pair),
    )


def _correlation(x: FloatArray, y: FloatArray, firm: IntArray) -> Correlation | None:
    if x.size < 2:
        return None
    return Correlation(_pearson(_ranks(x), _ranks(y)), _pearson(x, y), x.size, int(np.unique(firm).size))


def _pearson(x: FloatArray, y: FloatArray) -> float:
    x, y = x - x.mean(), y - y.mean()
    size = float(np.linalg.norm(x)) * float(np.linalg.norm(y))
    return float(np.clip(x @ y / size, -1.0, 1.0)) if size > 0 else float("nan")


def _ranks(x: FloatArray) -> FloatArray:
    """Return the ranks, ties at their average."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks
