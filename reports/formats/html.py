"""HTML: a semantic table (caption, scopes, rowgroups), for a page or as a page of its own."""

from __future__ import annotations

from html import escape
from importlib import resources

from reports.table import Cell, Column, Row, RowPanel, Table

__all__ = ["document", "render", "style"]


def render(table: Table) -> str:
    """Return the ``<table>`` element, its notes in the foot."""
    width = len(table.columns) + 1
    marked = table.marked()
    lines = [f'<table class="estimates" lang="{escape(table.language)}">']
    if table.title:
        lines.append(f"<caption>{escape(table.title)}</caption>")
    lines += ["<thead>", *_head(table), "</thead>"]
    for panel in table.panels:
        lines += _panel(panel, width, marked)
    if table.footer:
        lines += [
            '<tbody class="facts">',
            *(_row(row, [False] * width, rows=1) for row in table.footer),
            "</tbody>",
        ]
    if table.notes:
        lines.append("<tfoot>")
        notes = "".join(f'<p class="{escape(note.kind)}">{escape(note.text)}</p>' for note in table.notes)
        lines += [f'<tr><td colspan="{width}">{notes}</td></tr>', "</tfoot>"]
    return "\n".join([*lines, "</table>"]) + "\n"


def document(table: Table) -> str:
    """Return a page with this table alone; no network, no script."""
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(table.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.title or table.name)}</title>\n<style>\n{style()}</style>\n</head>\n<body>\n"
        f'<main>\n<div class="wide">\n{render(table)}</div>\n</main>\n</body>\n</html>\n'
    )


def style() -> str:
    """Return the style sheet of tables and pages."""
    return resources.files("reports").joinpath("style.css").read_text(encoding="utf-8")


def _head(table: Table) -> list[str]:
    lines = []
    rows = 2 if table.spanners else 1
    stub = f'<th scope="col" rowspan="{rows}" class="stub">{escape(table.stub)}</th>'
    if table.spanners:
        over = "".join(
            f'<th scope="colgroup" colspan="{spanner.span}" class="spanner">'
            f"<span>{escape(spanner.heading)}</span></th>"
            for spanner in table.spanners
        )
        lines.append(f"<tr>{stub}{over}</tr>")
        stub = ""
    marked = table.marked()
    headings = "".join(_heading(column, mark) for column, mark in zip(table.columns, marked, strict=True))
    return [*lines, f"<tr>{stub}{headings}</tr>"]


def _heading(column: Column, marked: bool) -> str:
    return f'<th scope="col"{" class=marked" if marked else ""}>{escape(column.heading)}</th>'


def _panel(panel: RowPanel, width: int, marked: list[bool]) -> list[str]:
    lines = [f"<tbody{' class=group' if panel.heading else ''}>"]
    if panel.heading:
        lines.append(
            f'<tr class="heading"><th scope="rowgroup" colspan="{width}">{escape(panel.heading)}</th></tr>'
        )
    for index, row in enumerate(panel.rows):
        following = panel.rows[index + 1 : index + 2]
        lines.append(_row(row, marked, rows=2 if following and following[0].continues else 1))
    return [*lines, "</tbody>"]


def _row(row: Row, marked: list[bool], rows: int) -> str:
    label = ""
    if not row.continues:
        label = f'<th scope="row"{f" rowspan={rows}" if rows > 1 else ""}>{escape(row.label)}</th>'
    cells, place = [], 0
    for cell in row.cells:
        cells.append(_cell(cell, marked[place]))
        place += cell.span
    return f"<tr{' class=error' if row.continues else ''}>{label}{''.join(cells)}</tr>"


def _cell(cell: Cell, marked: bool) -> str:
    span = f' colspan="{cell.span}"' if cell.span > 1 else ""
    shown = escape(cell.text)
    if cell.kind == "p":
        # A space in the text keeps the code apart where the table is copied or read aloud.
        shown += f' <span class="mark code">{escape(cell.mark)}</span>' if marked else ""
    elif marked:
        shown += f'<span class="mark">{escape(cell.mark)}</span>'
    return f'<td{span} class="{cell.kind}">{shown}</td>'
