"""The table as data: rows, spanners, typed cells, notes. It knows no format, and no format knows a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

__all__ = ["Cell", "Column", "Note", "Row", "RowPanel", "Spanner", "Table", "colon", "listed"]


def colon(locale: str) -> str:
    """Return a colon as the language of a locale sets it: French puts a no-break space before it."""
    return "\N{NO-BREAK SPACE}: " if locale.startswith("fr") else ": "


@dataclass(frozen=True, slots=True)
class Cell:
    """One printed value.

    Attributes
    ----------
    kind : str
        ``estimate``, ``error``, ``p``, ``adjusted`` (a p-value for its family), ``count``, ``number``,
        ``text`` or ``empty``.
    text : str
        As printed in the table's locale, parentheses included.
    value : float, int or None
        The value itself, not rounded; None for texts.
    mark : str
        Stars or R's code, apart from the number so that a format can set it aside.
    span : int
        How many columns it covers.
    """

    kind: str
    text: str = ""
    value: float | None = None
    mark: str = ""
    span: int = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers.

    Attributes
    ----------
    model : str
        The model's or productivity entry's id.
    quantity : str
        ``estimate`` (with its error below it), ``std_error`` or ``p_value``.
    heading : str
    """

    model: str
    quantity: str
    heading: str


@dataclass(frozen=True, slots=True)
class Spanner:
    """A heading over several columns; empty where a column has none."""

    heading: str
    span: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line.

    Attributes
    ----------
    key : str
        The term as written, or the name of a statistic: ``size[20-49]``, ``n_obs``.
    label : str
        As a reader reads it; empty on a line that continues the one above.
    cells : tuple of Cell
        Their spans add up to the number of columns.
    continues : bool
        This line belongs to the term of the line above (a standard error below its estimate).
    """

    key: str
    label: str
    cells: tuple[Cell, ...]
    continues: bool = False


@dataclass(frozen=True, slots=True)
class RowPanel:
    """Lines that belong together under a heading (the levels of one factor); no heading for a single term."""

    heading: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A line below the table.

    Attributes
    ----------
    kind : str
        ``outcome``, ``reference``, ``errors``, ``legend``, ``method``, ``note``, ``label``, ``disclosure``,
        ``failed``, ``language`` or ``source``.
    text : str
    english : str
        The part of it that estimation worded, in English whatever the table's language; empty for none.
    """

    kind: str
    text: str
    english: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, ready for any format.

    Attributes
    ----------
    name, title, locale : str
    stub : str
        The heading above the labels; may be empty.
    spanners : tuple of Spanner
        Empty, or covering all columns.
    columns : tuple of Column
    panels : tuple of RowPanel
    footer : tuple of Row
        Observations, firms, the kind of standard error.
    notes : tuple of Note
    blocks : tuple of int
        Numbers of columns that are printed one block below the other; empty for one block of all.
    """

    name: str
    title: str
    locale: str
    stub: str
    spanners: tuple[Spanner, ...]
    columns: tuple[Column, ...]
    panels: tuple[RowPanel, ...]
    footer: tuple[Row, ...]
    notes: tuple[Note, ...]
    blocks: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        width = len(self.columns)
        if self.blocks and sum(self.blocks) != width:
            raise ValueError(f"table {self.name}: the blocks do not cover its {width} columns")
        if self.spanners and sum(spanner.span for spanner in self.spanners) != width:
            raise ValueError(f"table {self.name}: the spanners do not cover its {width} columns")
        for row in self.rows():
            if sum(cell.span for cell in row.cells) != width:
                raise ValueError(f"table {self.name}: row {row.key} does not cover its {width} columns")

    def rows(self) -> Iterator[Row]:
        """Yield every line of body and footer, in print order."""
        for panel in self.panels:
            yield from panel.rows
        yield from self.footer

    def in_blocks(self, most: int) -> Table:
        """Return the table in blocks of about so many columns; what stands under one heading stays together.

        Parameters
        ----------
        most : int
            A table with half as many more is left whole, and so is one that has its blocks already. What stands
            under one heading is parted where it is wider than that.
        """
        enough = most + most // 2
        if self.blocks or len(self.columns) <= enough:
            return self
        # No block of two beside others of eight.
        most = -(-len(self.columns) // -(-len(self.columns) // most))
        blocks = [0]
        for over in [one.span for one in self.spanners] or [1] * len(self.columns):
            parts = -(-over // most) if over > enough else 1
            for width in (over // parts + (part < over % parts) for part in range(parts)):
                if blocks[-1] and blocks[-1] + width > most:
                    blocks.append(0)
                blocks[-1] += width
        return replace(self, blocks=tuple(blocks))

    def parts(self) -> list[Table]:
        """Return a table a block, each with the lines that say something of its columns; notes stand with the last."""
        if len(self.blocks) < 2:
            return [self]
        parts, start = [], 0
        for number, width in enumerate(self.blocks, 1):
            stop = start + width
            spanners, columns = _cut(self.spanners, start, stop), self.columns[start:stop]
            if len(spanners) == width and not any(column.heading for column in columns):
                # A heading over one column alone is that column's own.
                columns = tuple(replace(one, heading=over.heading) for one, over in zip(columns, spanners, strict=True))
                spanners = ()
            panels = (RowPanel(one.heading, _rows(one.rows, start, stop)) for one in self.panels)
            part = replace(
                self,
                title=f"{self.title} ({number}/{len(self.blocks)})" if self.title else "",
                spanners=spanners if any(one.heading for one in spanners) else (),
                columns=columns,
                panels=tuple(one for one in panels if one.rows),
                footer=_rows(self.footer, start, stop),
                notes=self.notes if number == len(self.blocks) else (),
                blocks=(),
            )
            parts.append(part)
            start = stop
        return parts

    def marked(self) -> list[bool]:
        """Return for every column whether a mark occurs in it: room is then kept beside all its numbers."""
        marked = [False] * len(self.columns)
        for row in self.rows():
            place = 0
            for cell in row.cells:
                marked[place] = marked[place] or bool(cell.mark)
                place += cell.span
        return marked

    @property
    def colon(self) -> str:
        """A colon as the language sets it: French puts a no-break space before it."""
        return colon(self.locale)

    @property
    def language(self) -> str:
        """The locale as HTML writes it, ``nl-BE``."""
        return self.locale.replace("_", "-")


Spanning = TypeVar("Spanning", Cell, Spanner)


def _cut(cells: tuple[Spanning, ...], start: int, stop: int) -> tuple[Spanning, ...]:
    """Return the cells over these columns, each as wide as it is there."""
    found, place = [], 0
    for cell in cells:
        inside = min(place + cell.span, stop) - max(place, start)
        if inside > 0:
            found.append(replace(cell, span=inside))
        place += cell.span
    return tuple(found)


def _rows(rows: tuple[Row, ...], start: int, stop: int) -> tuple[Row, ...]:
    """Return the lines with a value in these columns."""
    found: list[Row] = []
    for row in rows:
        cells = _cut(row.cells, start, stop)
        if any(cell.kind != "empty" and cell.text for cell in cells):
            found.append(replace(row, cells=cells))
    return tuple(found)


def listed(headings: Sequence[str]) -> str:
    """Return headings in a row, so that each can be told: one may hold a comma, ``z, sector Food``."""
    return ("; " if any(", " in one for one in headings) else ", ").join(headings)
