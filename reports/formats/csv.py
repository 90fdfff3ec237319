"""CSV: one line a printed number, with the value itself beside it. Safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from reports.table import Cell, Row, Table

__all__ = ["guard", "render", "write_rows"]

_HEADINGS = (
    "table",
    "model",
    "heading",
    "part",
    "group",
    "term",
    "label",
    "quantity",
    "value",
    "printed",
    "mark",
)
_QUANTITIES = {"estimate": "estimate", "error": "std_error", "p": "p_value", "adjusted": "p_adjusted"}
_GROUPS = ("group", "difference", "standardised")
"""Columns of descriptive statistics, whose own heading says of whom a number is."""
# A spreadsheet would take a text that begins like this for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def render(table: Table) -> str:
    """Return a table as tidy CSV (RFC 4180, comma, UTF-8, decimal points in `value`).

    `part` is ``body``, ``footer`` or ``note``; `printed` is in the table's locale.
    """
    return write_rows(_HEADINGS, _rows(table))


def write_rows(headings: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """Return lines of CSV; texts that a spreadsheet would run are guarded, numbers are not touched."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(headings)
    for row in rows:
        writer.writerow([guard(value) if isinstance(value, str) else _number(value) for value in row])
    return stream.getvalue()


def guard(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: an apostrophe before it where it could be one."""
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    # A printed number in any locale: digits, marks between them, a sign, an exponent.
    body = text.removeprefix("-")
    return body[:1].isdigit() and all(
        letter in "0123456789.,e+-\N{NARROW NO-BREAK SPACE}\N{NO-BREAK SPACE}" for letter in body
    )


def _number(value: object) -> str:
    return "" if value is None else repr(value)


def _rows(table: Table) -> Iterator[tuple[object, ...]]:
    for panel in table.panels:
        for row in panel.rows:
            yield from _cells(table, row, "body", panel.heading)
    for row in table.footer:
        yield from _cells(table, row, "footer", "")
    for note in table.notes:
        yield table.name, "", "", "note", "", note.kind, "", "", None, note.text, ""


def _cells(table: Table, row: Row, part: str, group: str) -> Iterator[tuple[object, ...]]:
    label = row.label
    if row.continues:
        label = next(other.label for other in table.rows() if other.key == row.key)
    over = [spanner.heading for spanner in table.spanners for _ in range(spanner.span)]
    # Where a model has one column only, the column's heading is the model's.
    if not over and all(column.quantity == "estimate" for column in table.columns):
        over = [column.heading for column in table.columns]
    place = 0
    for cell in row.cells:
        column = table.columns[place]
        heading = over[place] if over else ""
        if column.quantity in _GROUPS:
            heading = ": ".join(filter(None, (heading, column.heading)))
        place += cell.span
        if cell.kind == "empty":
            continue
        yield (
            table.name, column.model, heading, part, group, row.key, label, _quantity(cell, row, part),
            cell.value, cell.text, cell.mark,
        )  # fmt: skip


def _quantity(cell: Cell, row: Row, part: str) -> str:
    return row.key if part == "footer" else _QUANTITIES.get(cell.kind, cell.kind)
