"""Groups with a technology of their own, and the ladder that a group too small for one climbs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError

__all__ = ["ALL", "FEWEST_FIRMS", "ROWS_PER_PARAMETER", "GroupColumn", "Served", "climb", "group_columns", "in_groups"]

ALL = "all"
FEWEST_FIRMS = 30
"""Firms that a technology estimated with a control function needs at least."""
ROWS_PER_PARAMETER = 5
"""Rows that it needs for each of its parameters."""

Estimate = TypeVar("Estimate")
"""What an estimator finds on one group of rows."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupColumn:
    """A column of `separately_by`.

    Attributes
    ----------
    name : str
    codes : (n,) integer array
        Index into `labels`, -1 where missing.
    labels : tuple of str
    """

    name: str
    codes: IntArray
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Served(Generic[Estimate]):
    """A group of the finest column and the estimate that serves it.

    Attributes
    ----------
    group : tuple of (column, level)
        Empty for all rows together. Where a fine level lies in several coarse ones that serve it, the
        coarse level stands behind it.
    pooled_over : str
        The coarser column, or ``all``; empty where the group stands on its own.
    rows : (n,) bool array
        The panel's rows that the estimate serves.
    at : (r,) integer array or None
        The panel's rows that it was estimated on; None for all.
    estimate : Estimate
    notes : tuple of str
        Why the finer groups did not do.
    """

    group: tuple[tuple[str, str], ...]
    pooled_over: str
    rows: BoolArray
    at: IntArray | None
    estimate: Estimate
    notes: tuple[str, ...]


def group_columns(rows: Selection, names: Sequence[str]) -> tuple[GroupColumn, ...]:
    """Return the columns as codes; a number's distinct values are its levels."""
    return tuple(_group_column(name, rows.columns[name]) for name in names)


def in_groups(rows: Selection, names: Sequence[str], use: BoolArray) -> BoolArray:
    """Return the rows that may take part and have a value of each of these columns."""
    found = use.copy()
    for name in names:
        found &= ~rows.columns[name].missing()
    return found


def climb(
    columns: Sequence[GroupColumn],
    use: BoolArray,
    estimate: Callable[[IntArray | None], Estimate],
) -> list[Served[Estimate]]:
    """Give every group of the finest column the first estimate on its way up that can be had.

    Parameters
    ----------
    columns : sequence of GroupColumn
        From fine to coarse; none for one estimate on all rows.
    use : (n,) bool array
        Rows of the panel that may take part; a group without any is served by none.
    estimate : callable
        Estimates on the rows at these positions (None: all), or raises EstimationError.

    Raises
    ------
    EstimationError
        If a group finds no estimate, not even on all rows.
    """
    n_rows = len(use)
    if not columns:
        return [Served((), "", np.ones(n_rows, dtype=bool), None, estimate(None), ())]
    codes = np.stack([column.codes for column in columns])
    known = np.all(codes >= 0, axis=0)
    where_known = np.flatnonzero(known)
    tried: dict[tuple[int, int], Estimate | EstimationError] = {}
    positions: dict[tuple[int, int], IntArray] = {}

    def at(depth: int, code: int) -> Estimate | EstimationError:
        node = (depth, code)
        if node not in tried:
            inside = known if depth == len(columns) else known & (codes[depth] == code)
            positions[node] = where_known if depth == len(columns) else np.flatnonzero(inside)
            try:
                tried[node] = estimate(positions[node])
            except EstimationError as error:
                tried[node] = error
        return tried[node]

    combinations, member = np.unique(codes[:, known], axis=1, return_inverse=True)
    used = np.bincount(member.ravel()[use[known]], minlength=combinations.shape[1]) > 0
    served: dict[tuple[int, int, int], tuple[list[int], list[str]]] = {}
    for number, chain in enumerate(combinations.T.tolist()):
        if not used[number]:
            continue
        why: list[str] = []
        for depth, code in enumerate([*chain, 0]):
            found = at(depth, code)
            if not isinstance(found, EstimationError):
                members, _ = served.setdefault((chain[0], depth, code), ([], why))
                members.append(number)
                break
            why.append(f"{_label(columns, depth, code)}: {found}")
        else:
            raise EstimationError("; ".join(why))
    if not served:
        names = ", ".join(column.name for column in columns)
        raise EstimationError(f"no row in where has a value of separately_by: {names}; are the columns empty?")
    result: list[Served[Estimate]] = []
    for (fine, depth, code), (members, why) in sorted(served.items()):
        several = sum(key[0] == fine for key in served) > 1
        group = [(columns[0].name, columns[0].labels[fine])]
        if several and 0 < depth < len(columns):
            group.append((columns[depth].name, columns[depth].labels[code]))
        rows = np.zeros(n_rows, dtype=bool)
        rows[where_known[np.isin(member.ravel(), members)]] = True
        over = "" if depth == 0 else ALL if depth == len(columns) else columns[depth].name
        found = tried[depth, code]
        assert not isinstance(found, EstimationError)
        result.append(Served(tuple(group), over, rows, positions[depth, code], found, tuple(why)))
    return result


def _label(columns: Sequence[GroupColumn], depth: int, code: int) -> str:
    return "all rows" if depth == len(columns) else f"{columns[depth].name} {columns[depth].labels[code]}"


def _group_column(name: str, column: TextColumn | NumberColumn) -> GroupColumn:
    if isinstance(column, TextColumn):
        return GroupColumn(name, column.codes, column.levels)
    there = ~column.missing()
    levels, member = np.unique(column.values[there], return_inverse=True)
    codes = np.full(len(there), -1, dtype=np.int64)
    codes[there] = member.ravel()
    return GroupColumn(name, codes, tuple(_number(value) for value in levels))


def _number(value: FloatArray | float) -> str:
    return f"{float(value):.10g}"
