"""Panels in which firms stand as often as a bootstrap drew them, under new codes: what a draw must agree with."""

from __future__ import annotations

import numpy as np

from estimation.results import FloatArray, IntArray
from panels.frame import NumberColumn, Selection, TextColumn

__all__ = ["duplicated"]


def duplicated(rows: Selection, counts: FloatArray) -> tuple[Selection, IntArray]:
    """Return the panel with every firm as often as it was drawn, and the row of the panel behind each of its rows."""
    firms, first = np.unique(rows.firm, return_index=True)
    last = np.append(first[1:], len(rows.firm))
    at: list[IntArray] = []
    code: list[IntArray] = []
    for firm, start, stop in zip(firms, first, last, strict=True):
        for _ in range(int(counts[firm])):
            at.append(np.arange(start, stop))
            code.append(np.full(stop - start, len(code)))
    where = np.concatenate(at)
    columns: dict[str, NumberColumn | TextColumn] = {
        name: TextColumn(column.codes[where], column.levels)
        if isinstance(column, TextColumn)
        else NumberColumn(column.values[where])
        for name, column in rows.columns.items()
    }
    found = Selection(np.arange(len(where)), np.concatenate(code), rows.year[where], columns, len(where), {})
    return found, where
