"""Rows and columns of a panel that were asked for before: models that differ in little ask for the same again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from panels.arrays import FloatArray, IntArray
from panels.frame import FirmPanel, NumberColumn, Selection, TextColumn

if TYPE_CHECKING:
    from specs.expressions import Expression

__all__ = ["Selections"]

BYTES_AT_MOST = 256 * 2**20


class Selections:
    """Selections of one panel, each column and each condition fetched once.

    Parameters
    ----------
    panel : FirmPanel
    at_most : int
        Bytes that are kept. Columns of a panel for which they are too few are fetched by condition, and not kept.
    """

    def __init__(self, panel: FirmPanel, at_most: int = BYTES_AT_MOST) -> None:
        self._panel, self._at_most = panel, at_most
        self._whole: Selection | None = None
        self._rows: OrderedDict[str, Selection] = OrderedDict()
        self._latest: tuple[str, tuple[str, ...], Selection] | None = None

    def select(self, columns: Sequence[str], where: Expression | None = None) -> Selection:
        """Return what `panels.frame.FirmPanel.select` returns; its arrays cannot be written to.

        Raises
        ------
        EstimationError
        """
        key, wanted = "" if where is None else where.text, tuple(dict.fromkeys(columns))
        if self._latest is not None and self._latest[:2] == (key, wanted):
            # The same object: what was computed from it is with it.
            return self._latest[2]
        whole = self._with_columns(wanted)
        if whole is None:
            found = self._panel.select(wanted, where)
        elif where is None:
            found = replace(whole, columns={name: whole.columns[name] for name in wanted})
        else:
            rows = self._rows_of(key, where)
            found = replace(rows, columns={name: _taken(whole.columns[name], rows.rows) for name in wanted})
        self._latest = (key, wanted, _read_only(found))
        return found

    def _with_columns(self, wanted: Sequence[str]) -> Selection | None:
        """Return all rows with these columns and those that were wanted before; None where they are too many."""
        there = {} if self._whole is None else dict(self._whole.columns)
        missing = [name for name in wanted if name not in there]
        if self._whole is not None and not missing:
            return self._whole
        if 8 * self._panel.n_rows * (len(there) + len(missing) + 3) > self._at_most:
            self._whole = None
            if 8 * self._panel.n_rows * (len(wanted) + 3) > self._at_most:
                return None
            there, missing = {}, list(wanted)
        found = self._panel.select(missing)
        self._whole = _read_only(replace(found, columns={**there, **found.columns}))
        return self._whole

    def _rows_of(self, key: str, where: Expression) -> Selection:
        """Return the rows of a condition, without columns; those of the oldest are forgotten first."""
        if key not in self._rows:
            self._rows[key] = _read_only(self._panel.select((), where))
            while len(self._rows) > 1 and sum(map(_size, self._rows.values())) > self._at_most:
                self._rows.popitem(last=False)
        self._rows.move_to_end(key)
        return self._rows[key]


def _taken(column: NumberColumn | TextColumn, rows: IntArray) -> NumberColumn | TextColumn:
    if isinstance(column, TextColumn):
        return TextColumn(column.codes[rows], column.levels)
    return NumberColumn(column.values[rows])


def _read_only(found: Selection) -> Selection:
    for array in (found.rows, found.firm, found.year, *(_array(one) for one in found.columns.values())):
        array.flags.writeable = False
    return found


def _size(found: Selection) -> int:
    return found.rows.nbytes + found.firm.nbytes + found.year.nbytes


def _array(column: NumberColumn | TextColumn) -> IntArray | FloatArray:
    return column.codes if isinstance(column, TextColumn) else column.values
