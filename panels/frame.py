"""The firm panel: one row a firm and year, its columns' facts and its ledger. What estimation may see of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ColumnFacts", "NumberColumn", "Selection", "TextColumn"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known of a column besides its values.

    Attributes
    ----------
    name : str
    kind : str
        ``number``, ``text`` or ``answer`` (1, 0, not applicable or missing).
    unit : str
        ``EUR``, ``FTE``, ``log``, or empty.
    source : str
        Where it came from: a rubric formula, a survey item, an expression of the spec.
    """

    name: str
    kind: str
    unit: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """Numbers; NaN where missing, never infinite."""

    values: FloatArray

    def missing(self) -> NDArray[np.bool_]:
        """Return where the column has no value."""
        return np.isnan(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """Text as codes.

    Attributes
    ----------
    codes : (n,) integer array
        Index into `levels`; -1 where missing.
    levels : tuple of str
        In ascending order (the order of the breaks for a `cut`); every level occurs in the panel.
    """

    codes: IntArray
    levels: tuple[str, ...]

    def missing(self) -> NDArray[np.bool_]:
        """Return where the column has no value."""
        return self.codes < 0


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Rows and columns taken from a panel, sorted by firm and year.

    Attributes
    ----------
    rows : (n,) integer array
        Positions of these rows in the panel, ascending.
    firm : (n,) integer array
        Codes of the firms, the same in every selection of one panel.
    year : (n,) integer array
    columns : mapping of str to NumberColumn or TextColumn
        What was asked for. `firm` as a column is a TextColumn; `year` is a NumberColumn.
    n_panel : int
        Rows of the whole panel.
    outside : mapping of str to int
        Rows that `where` left out, by reason: ``where is false``, ``where is missing``.
    """

    rows: IntArray
    firm: IntArray
    year: IntArray
    columns: Mapping[str, NumberColumn | TextColumn]
    n_panel: int
    outside: Mapping[str, int]

    def number(self, name: str) -> FloatArray:
        """Return the values of a number column, (n,)."""
        column = self.columns[name]
        if isinstance(column, TextColumn):
            raise TypeError(f"column {name!r} is text")
        return column.values

    def take(self, kept: NDArray[np.bool_]) -> Selection:
        """Return only the rows where `kept` is true; levels stay as they are."""
        taken: dict[str, NumberColumn | TextColumn] = {
            name: TextColumn(column.codes[kept], column.levels)
            if isinstance(column, TextColumn)
            else NumberColumn(column.values[kept])
            for name, column in self.columns.items()
        }
        return Selection(
            self.rows[kept], self.firm[kept], self.year[kept], taken, self.n_panel, self.outside
        )
