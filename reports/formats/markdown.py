"""Markdown: a pipe table that reads well as plain text too. Labels carry their group: no row headings."""

from __future__ import annotations

import re

from reports.table import Cell, Row, Table

__all__ = ["escape", "render"]

_SPECIAL = re.compile(r"([\\`|\[\]$~]|<(?=[\w/!?]))")
# Underscores within a word are text, and so are stars between spaces, as in a legend; others emphasise.
_EMPHASIS = re.compile(r"(?<!\w)_+|_+(?!\w)|(?<=[^\s*])\*+|\*+(?=[^\s*])|^\*+")
_ENTITY = re.compile(r"&(?=#?\w+;)")


def render(table: Table) -> str:
    """Return a table as GitHub-flavoured Markdown: title, table, notes; a table a block."""
    parts = [paragraph for part in table.parts() for paragraph in _titled(part)]
    parts += [escape(note.text) for note in table.notes]
    return "\n\n".join(parts) + "\n"


def _titled(table: Table) -> list[str]:
    rows = _headings(table)
    for panel in table.panels:
        rows += [_row(row, f"{panel.heading}{table.colon}" if panel.heading else "") for row in panel.rows]
    rows += [_row(row, "") for row in table.footer]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    rules = ["-" * max(widths[0], 3), *("-" * max(width - 1, 2) + ":" for width in widths[1:])]
    lines = [_line(rows[0], widths), _line(rules, widths), *(_line(row, widths) for row in rows[1:])]
    parts = [f"**{escape(table.title)}**"] if table.title else []
    return [*parts, "\n".join(lines)]


def escape(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    shown = " ".join(text.split()) if "\n" in text or "\r" in text else text
    shown = _SPECIAL.sub(r"\\\1", shown)
    shown = _EMPHASIS.sub(lambda found: "".join(f"\\{letter}" for letter in found[0]), shown)
    return _ENTITY.sub("&amp;", shown)


def _headings(table: Table) -> list[list[str]]:
    below = [escape(column.heading) for column in table.columns]
    if not table.spanners:
        return [[escape(table.stub), *below]]
    # A pipe table has one line of headings: the models' names take it, the columns' stand below.
    above: list[str] = []
    for spanner in table.spanners:
        above += [escape(spanner.heading), *[""] * (spanner.span - 1)]
    return [[escape(table.stub), *above], ["", *below]]


def _row(row: Row, group: str) -> list[str]:
    label = f"{group}{row.label}" if row.label else row.label
    cells: list[str] = []
    for cell in row.cells:
        cells += [_cell(cell), *[""] * (cell.span - 1)]
    return [escape(label), *cells]


def _cell(cell: Cell) -> str:
    # Numbers and marks contain nothing that Markdown would read: stars without a partner open no emphasis.
    if cell.kind == "text":
        return escape(cell.text)
    return f"{cell.text} {cell.mark}".rstrip() if cell.kind == "p" else cell.text + cell.mark


def _line(cells: list[str], widths: list[int]) -> str:
    first, *others = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return f"| {' | '.join([first, *others])} |"
