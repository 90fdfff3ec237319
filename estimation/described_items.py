"""Columns described in every group: means, spreads, quartiles and shares, and how each cluster moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from estimation.complete_rows import weights_of
from estimation.covariance import numbered
from estimation.described import Described
from estimation.design_matrix import clusters_of
from estimation.groups import levels_of
from estimation.quantiles import firms_beside, quantiles
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.second_stage import one_row_a_firm
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError

__all__ = ["GroupedRows", "Item", "grouped", "items_of", "standardised"]

Number = TypeVar("Number", int, float)

MOST_GROUPS, MOST_LEVELS = 30, 60
QUARTILES = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True, eq=False)
class GroupedRows:
    """n rows with a group, a weight and a cluster.

    Attributes
    ----------
    firm, group, cluster : (n,) integer arrays
    levels : tuple of str
        The J groups; one, empty, without `by`.
    weight : (n,) array
    n_clusters : int
    by : str
    plain : bool
        Whether rows are independent and without weights.
    apart : bool
        Whether no cluster has rows in two groups.
    """

    firm: IntArray
    group: IntArray
    cluster: IntArray
    levels: tuple[str, ...]
    weight: FloatArray
    n_clusters: int
    by: str
    plain: bool
    apart: bool


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A number, or one level of a text, described in all groups.

    Attributes
    ----------
    name, level : str
    share : bool
        Whether it is 0 or 1.
    values : (n,) array
    described : tuple of Described
        Of all firms, then of the groups; so are the arrays below.
    mean : (1 + J,) array
    sums : (G, 1 + J) array
        How each cluster moves these means, the small-sample factor inside.
    clusters : (1 + J,) array
        Clusters behind each.
    firms : (1 + J,) integer array
    sd : (1 + J,) array
    """

    name: str
    level: str
    share: bool
    values: FloatArray
    described: tuple[Described, ...]
    mean: FloatArray
    sums: FloatArray
    clusters: FloatArray
    firms: IntArray
    sd: FloatArray

    @property
    def term(self) -> str:
        """``ln_l`` or ``nace[C]``."""
        return f"{self.name}[{self.level}]" if self.level else self.name

    @property
    def covariance(self) -> FloatArray:
        """Of the means, (1 + J, 1 + J)."""
        return self.sums.T @ self.sums


def grouped(kept: Selection, by: str | None, weights: str | None, cluster: tuple[tuple[str, ...], ...]) -> GroupedRows:
    """Return complete rows with their group, weight and cluster.

    Parameters
    ----------
    kept : Selection
    by, weights : str or None
    cluster : tuple of tuple of str
        One way.

    Raises
    ------
    EstimationError
        If there is one group, too many of them, or a single cluster.
    """
    levels, group = levels_of(kept, by)
    if by is not None and len(levels) < 2:
        raise EstimationError(
            f"all rows have {by} {levels[0]}: there is no other group to compare with; widen where, or leave by out"
        )
    if len(levels) > MOST_GROUPS:
        raise EstimationError(
            f"{by} has {len(levels)} levels here, and {MOST_GROUPS} are the most that can stand side by side; "
            "take a coarser column, or make classes of it: cut()"
        )
    clusters = clusters_of(cluster[0], kept)
    codes, n_clusters = numbered(clusters.codes)
    if n_clusters < 2:
        raise EstimationError(
            f"standard errors: all rows lie in one cluster of {clusters.name}, so that the spread between clusters is "
            "unknown; cluster on a finer column"
        )
    pairs = np.unique(codes * len(levels) + group).size
    single = cluster == (("firm",),) and one_row_a_firm(kept.firm)
    return GroupedRows(
        firm=kept.firm,
        group=group,
        cluster=codes,
        levels=levels,
        weight=weights_of(kept, weights),
        n_clusters=n_clusters,
        by=by or "",
        plain=single and weights is None,
        apart=pairs == n_clusters,
    )


def items_of(name: str, kept: Selection, at: GroupedRows) -> list[Item]:
    """Return a column of numbers as it is, one of text as a share for every level that occurs."""
    column = kept.columns[name]
    if isinstance(column, NumberColumn):
        values = column.values
        known = values[~np.isnan(values)]
        if not known.size:
            raise EstimationError(f"{name} has no value in these rows; leave it out, or widen where")
        return [_item(name, "", values, bool(np.isin(known, (0.0, 1.0)).all()), at)]
    assert isinstance(column, TextColumn)
    levels, codes = levels_of(kept, name)
    if not levels:
        raise EstimationError(f"{name} has no value in these rows; leave it out, or widen where")
    if len(levels) > MOST_LEVELS:
        raise EstimationError(
            f"{name} is text with {len(levels)} levels here, a line each, and {MOST_LEVELS} are the most; take a "
            "coarser column"
        )
    return [
        _item(name, level, np.where(codes < 0, np.nan, (codes == number).astype(np.float64)), True, at)
        for number, level in enumerate(levels)
    ]


def _item(name: str, level: str, values: FloatArray, share: bool, at: GroupedRows) -> Item:
    there = ~np.isnan(values)
    cells: list[tuple[tuple[tuple[str, str], ...], BoolArray]] = [((), np.ones(len(values), dtype=np.bool_))]
    cells += [(((at.by, one),), at.group == number) for number, one in enumerate(at.levels) if at.by]
    described, sums = [], np.zeros((at.n_clusters, len(cells)))
    mean, sd, clusters, firms = (np.full(len(cells), np.nan) for _ in range(4))
    for number, (cell, inside) in enumerate(cells):
        own = inside & there
        firm = at.firm[own]
        n, n_firms = int(own.sum()), int(np.unique(firm).size)
        firms[number], clusters[number] = n_firms, np.unique(at.cluster[own]).size
        y, w = values[own], at.weight[own]
        quartile: list[float] = [float("nan")] * 3
        beside = [0, 0, 0]
        if n:
            total = float(w.sum())
            # About a value of their own: far from zero, squares lose the spread.
            about = y - y[0]
            centre = float(w @ about) / total
            mean[number] = y[0] + centre
            moves = w * (about - centre) / total
            g = clusters[number]
            factor = np.sqrt(g / (g - 1)) if g > 1 else np.nan
            sums[:, number] = factor * np.bincount(at.cluster[own], weights=moves, minlength=at.n_clusters)
            if n > 1:
                sd[number] = np.sqrt(n / (n - 1) * float(w @ (about - centre) ** 2) / total)
        if n and not share:
            order = np.argsort(y, kind="stable")
            quartile = quantiles(y[order], w[order], QUARTILES).tolist()
            beside = [firms_beside(y, firm, one) for one in quartile]
        yes = int(np.unique(firm[y == 1]).size) if share else None
        no = int(np.unique(firm[y == 0]).size) if share else None
        described.append(Described(
            name, level, cell, "share" if share else "mean", float("nan") if share else float(sd[number]),
            _three(quartile), _three(beside), n, int(inside.sum()) - n, yes, no, float("nan"),
        ))  # fmt: skip
    return Item(name, level, share, values, tuple(described), mean, sums, clusters, firms.astype(np.int64), sd)


def _three(values: Sequence[Number]) -> tuple[Number, Number, Number]:
    first, second, third = values
    return first, second, third


def standardised(item: Item, first: int, second: int) -> float:
    """Return the difference of two groups over the root of the mean of their variances; NaN where none varies."""
    if item.share:
        variance = sum(item.mean[one] * (1 - item.mean[one]) for one in (first, second)) / 2
    else:
        variance = (item.sd[first] ** 2 + item.sd[second] ** 2) / 2
    gap = float(item.mean[second] - item.mean[first])
    return gap / float(np.sqrt(variance)) if variance > 0 else float("nan")
