"""HTML: a semantic table (caption, scopes, rowgroups), for a page or as a page of its own."""

from __future__ import annotations

from html import escape
from itertools import takewhile
from pathlib import Path

from reports.table import Cell, Note, Row, RowPanel, Table

__all__ = ["document", "render", "size_class", "style"]

SEVERAL, MANY = 5, 8
"""Columns beyond which a table is set closer, and in smaller type."""
MOST = 8
"""Columns of a block, of which about as many are read at one look and fit on a page of paper."""


def render(table: Table) -> str:
    """Return a ``<table>`` a block, each in a frame that scrolls sideways by itself, and the notes below the last.

    A table of many columns comes in blocks, as it does in LaTeX.
    """
    frames = [
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(part.title or table.name)}">\n'
        f"{_element(part)}</div>\n"
        for part in table.in_blocks(MOST).parts()
    ]
    if not table.notes:
        return "".join(frames)
    notes = "".join(f'<p class="{escape(note.kind)}">{_note(note, table)}</p>\n' for note in table.notes)
    return f'{"".join(frames)}<div class="tablenotes" lang="{escape(table.language)}">\n{notes}</div>\n'


def _note(note: Note, table: Table) -> str:
    """Return the text, what is in English in another table marked as such."""
    before, english, after = note.text.rpartition(note.english) if note.english else (note.text, "", "")
    if not english or table.language.startswith("en"):
        return escape(note.text)
    return escape(before) + _tag("span", escape(english), lang="en") + escape(after)


def _element(table: Table) -> str:
    width = len(table.columns) + 1
    marked = table.marked()
    lines = [f'<table class="estimates{size_class(len(table.columns))}" lang="{escape(table.language)}">']
    if table.title:
        lines.append(f"<caption>{escape(table.title)}</caption>")
    lines += ["<thead>", *_head(table), "</thead>"]
    for panel in table.panels:
        lines += _panel(panel, width, marked)
    if table.footer:
        lines += [
            '<tbody class="facts">',
            *(_row(row, [False] * width) for row in table.footer),
            "</tbody>",
        ]
    return "\n".join([*lines, "</table>"]) + "\n"


def size_class(columns: int) -> str:
    """Return the class of so many columns: headings of many break over lines, those of a few models do not."""
    return " many" if columns > MANY else " several" if columns > SEVERAL else ""


def document(table: Table) -> str:
    """Return a page with this table alone; no network, no script."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(table.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.title or table.name)}</title>\n<style>\n{style()}</style>\n</head>\n<body>\n"
        f"<main>\n{render(table)}</main>\n</body>\n</html>\n"
    )


def style() -> str:
    """Return the style sheet of tables and pages."""
    return (Path(__file__).parents[1] / "style.css").read_text(encoding="utf-8")


def _tag(name: str, content: str, **attributes: str | int | None) -> str:
    """Return an element; `content` is HTML already, attributes of None are left out."""
    given = "".join(
        f' {key.rstrip("_")}="{escape(str(value))}"' for key, value in attributes.items() if value is not None
    )
    return f"<{name}{given}>{content}</{name}>"


def _head(table: Table) -> list[str]:
    lines = []
    stub = _tag("th", escape(table.stub), scope="col", rowspan=2 if table.spanners else None, class_="stub")
    if table.spanners:
        over = "".join(
            _tag("th", _tag("span", escape(one.heading)), scope="colgroup", colspan=one.span, class_="spanner")
            for one in table.spanners
        )
        lines.append(_tag("tr", stub + over))
        stub = ""
    headings = "".join(
        _tag("th", escape(column.heading), scope="col", class_="marked" if marked else None)
        for column, marked in zip(table.columns, table.marked(), strict=True)
    )
    return [*lines, _tag("tr", stub + headings)]


def _panel(panel: RowPanel, width: int, marked: list[bool]) -> list[str]:
    lines = ['<tbody class="group">' if panel.heading else "<tbody>"]
    if panel.heading:
        heading = _tag("th", escape(panel.heading), scope="rowgroup", colspan=width)
        lines.append(_tag("tr", heading, class_="heading"))
    for index, row in enumerate(panel.rows):
        below = sum(1 for _ in takewhile(lambda one: one.continues, panel.rows[index + 1 :]))
        lines.append(_row(row, marked, rows=1 + below if below else None))
    return [*lines, "</tbody>"]


def _row(row: Row, marked: list[bool], rows: int | None = None) -> str:
    label = "" if row.continues else _tag("th", escape(row.label), scope="row", rowspan=rows)
    cells, place = [], 0
    for cell in row.cells:
        cells.append(_cell(cell, marked[place]))
        place += cell.span
    return _tag("tr", label + "".join(cells), class_="error" if row.continues else None)


def _cell(cell: Cell, marked: bool) -> str:
    shown = escape(cell.text)
    if marked and cell.kind == "p":
        # A space in the text keeps the code apart where the table is copied or read aloud.
        shown += " " + _tag("span", escape(cell.mark), class_="mark code")
    elif marked:
        shown += _tag("span", escape(cell.mark), class_="mark")
    return _tag("td", shown, colspan=cell.span if cell.span > 1 else None, class_=cell.kind)
