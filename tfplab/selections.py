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
    """Selections of one panel, each column of a condition's rows fetched once, the oldest forgotten first.

    Parameters
    ----------
    panel : FirmPanel
    at_most : int
        Bytes that are kept.
    """

    def __init__(self, panel: FirmPanel, at_most: int = BYTES_AT_MOST) -> None:
        self._panel, self._at_most = panel, at_most
        self._kept: OrderedDict[str, Selection] = OrderedDict()
        self._bytes: dict[str, int] = {}
        self._latest: tuple[str, tuple[str, ...], Selection] | None = None

    def select(self, columns: Sequence[str], where: Expression | None = None) -> Selection:
        """Return what `panels.frame.FirmPanel.select` returns; its arrays cannot be written to.

        Raises
        ------
        EstimationError
        """
        key = "" if where is None else where.text
        wanted = tuple(dict.fromkeys(columns))
        if self._latest is not None and self._latest[:2] == (key, wanted):
            # The same object: what was computed from it is with it.
            return self._latest[2]
        known = self._kept.pop(key, None)
        missing = [name for name in wanted if known is None or name not in known.columns]
        if known is None:
            known = _read_only(self._panel.select(missing, where))
        elif missing:
            more = _read_only(self._panel.select(missing, where))
            known = replace(known, columns={**known.columns, **more.columns})
        self._keep(key, known)
        found = replace(known, columns={name: known.columns[name] for name in wanted})
        self._latest = (key, wanted, found)
        return found

    def _keep(self, key: str, found: Selection) -> None:
        self._kept[key] = found
        self._bytes[key] = _size(found)
        while len(self._kept) > 1 and sum(self._bytes.values()) > self._at_most:
            oldest, _ = self._kept.popitem(last=False)
            del self._bytes[oldest]
        if self._bytes[key] > self._at_most:
            # Even alone it is too much.
            self._kept.clear()
            self._bytes.clear()


def _read_only(found: Selection) -> Selection:
    for array in (found.rows, found.firm, found.year, *(_array(one) for one in found.columns.values())):
        array.flags.writeable = False
    return found


def _size(found: Selection) -> int:
    return sum(
        array.nbytes for array in (found.rows, found.firm, found.year, *(_array(one) for one in found.columns.values()))
    )


def _array(column: NumberColumn | TextColumn) -> IntArray | FloatArray:
    return column.codes if isinstance(column, TextColumn) else column.values
