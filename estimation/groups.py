"""Rows by group: the levels of a column, and levels of productivity that are comparable within a group alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from estimation.results import FloatArray, IntArray
from panels.frame import Selection, TextColumn

__all__ = ["about_group_means", "levels_of"]


def levels_of(rows: Selection, by: str | None) -> tuple[tuple[str, ...], IntArray]:
    """Return the levels of a column that occur, and the rows' index among them, (n,): -1 where it is missing.

    One level, empty, for all rows where `by` is None.
    """
    if by is None:
        return ("",), np.zeros(rows.rows.size, dtype=np.int64)
    column = rows.columns[by]
    if isinstance(column, TextColumn):
        present = np.unique(column.codes[column.codes >= 0])
        codes = np.where(column.codes < 0, -1, np.searchsorted(present, column.codes))
        return tuple(column.levels[code] for code in present), codes.astype(np.int64)
    known = ~np.isnan(column.values)
    levels, found = np.unique(column.values[known], return_inverse=True)
    numbered: IntArray = np.full(rows.rows.size, -1, dtype=np.int64)
    numbered[known] = found
    return tuple(f"{level:g}" for level in levels), numbered


def about_group_means(values: FloatArray, group: NDArray[np.signedinteger[Any]]) -> FloatArray:
    """Return the values less the mean of their group.

    Parameters
    ----------
    values : (n,) array
        NaN where missing.
    group : (n,) integer array
        -1 where there is none: these values stay as they are.
    """
    there = ~np.isnan(values) & (group >= 0)
    sums = np.bincount(group[there], weights=values[there])
    counts = np.bincount(group[there])
    centred: FloatArray = values.copy()
    centred[there] -= (sums / np.maximum(counts, 1))[group[there]]
    return centred
