"""LaTeX: a floating table with booktabs rules. Every character of every text is escaped; pdflatex will do.

A table that is too wide or too long for a page of A4 is set in footnote size over as many pages as it needs, turned
where it is wide, in columns of fixed width whose texts break.
"""

from __future__ import annotations

from reports.formats.latex_text import escape
from reports.table import Cell, Note, Row, RowPanel, Table

__all__ = ["render"]

LETTERS = 112
"""That the text of an A4 page with margins of 2 cm holds beside each other in small type."""
LINES = 60
"""That a float may have, notes apart."""
MOST = 8
"""Columns of a turned page."""
STUB = 0.24
"""Of the width of a turned page that the labels take."""


def render(table: Table) -> str:
    r"""Return a ``table`` environment; the document needs ``\usepackage{booktabs}`` and nothing else.

    A table for several pages is a ``longtable`` a block; its first line names the packages that it needs.
    """
    if len(table.blocks) > 1 or _letters(table) > LETTERS or len(list(table.rows())) > LINES:
        return _over_pages(table.in_blocks(MOST))
    width = len(table.columns) + 1
    marked = table.marked()
    lines = ["% \\usepackage{booktabs}", "\\begin{table}[htbp]", "\\centering"]
    if table.title:
        lines.append(f"\\caption{{{escape(table.title)}}}")
    lines += [_reference(table), "\\small"]
    if width > 5:
        # Several models side by side stay within the text of an A4 page.
        lines.append("\\setlength{\\tabcolsep}{3.5pt}")
    lines += [f"\\begin{{tabular}}{{@{{}}l{'r' * (width - 1)}@{{}}}}", "\\toprule", *_head(table)]
    if table.panels:
        lines.append("\\midrule")
    lines += _body(table, marked)
    lines += ["\\bottomrule", "\\end{tabular}"]
    if table.notes:
        lines += ["\\par\\medskip", "\\begin{minipage}{\\linewidth}\\footnotesize"]
        lines += [_notes(table.notes), "\\end{minipage}"]
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _over_pages(table: Table) -> str:
    """Return a longtable a block, turned where it is wide, and the notes as a paragraph of their own."""
    wide = _letters(table) > LETTERS
    turned = ",pdflscape" if wide else ""
    lines = [f"% \\usepackage{{booktabs,longtable,array{turned}}}"]
    if wide:
        lines.append("\\begin{landscape}")
    lines += ["\\begingroup\\footnotesize", "\\setlength{\\tabcolsep}{2pt}\\setlength{\\parindent}{0pt}"]
    for number, part in enumerate(table.parts()):
        lines += _long(part, reference=number == 0)
    if table.notes:
        lines += ["\\par\\noindent", _notes(table.notes)]
    lines.append("\\par\\endgroup")
    return "\n".join([*lines, *(["\\end{landscape}"] if wide else [])]) + "\n"


def _long(table: Table, *, reference: bool) -> list[str]:
    count, marked = len(table.columns), table.marked()
    column = _column((1 - STUB) / count if count else 1 - STUB)
    stub = f">{{\\raggedright\\arraybackslash}}p{{\\dimexpr {STUB}\\linewidth-\\tabcolsep\\relax}}"
    lines = [f"\\begin{{longtable}}{{@{{}}{stub}*{{{count}}}{{{column}}}@{{}}}}"]
    titled = [f"\\caption{{{escape(table.title)}}}"] if table.title else []
    titled += [_reference(table)] if reference else []
    # Headings stand on every page, the title and its number on the first.
    head = ["\\toprule", *_head(table, column=True), "\\midrule"]
    lines += [*(["".join(titled) + "\\\\"] if titled else []), *head, "\\endfirsthead", *head, "\\endhead"]
    lines += ["\\bottomrule", "\\endfoot", *_body(table, marked, column=True)]
    return [*lines, "\\end{longtable}"]


def _column(share: float) -> str:
    """Return a column of so much of the line, its texts broken and set to the right."""
    width = f"\\dimexpr {share:.4f}\\linewidth-2\\tabcolsep\\relax"
    return f">{{\\raggedleft\\arraybackslash\\hspace{{0pt}}}}p{{{width}}}"


def _letters(table: Table) -> int:
    """Return how many letters stand beside each other in the widest line of the widest block."""
    return max(map(_widest, table.parts()))


def _widest(table: Table) -> int:
    columns = [len(column.heading) for column in table.columns]
    for row in table.rows():
        place = 0
        for cell in row.cells:
            if cell.span == 1:
                columns[place] = max(columns[place], len(cell.text) + 2 * bool(cell.mark))
            place += cell.span
    stub = max((len(row.label) + 2 for row in table.rows()), default=len(table.stub))
    return stub + sum(columns) + 2 * len(columns)


def _reference(table: Table) -> str:
    return f"\\label{{tab:{''.join(letter for letter in table.name if letter.isalnum())}}}"


def _notes(notes: tuple[Note, ...]) -> str:
    return "\\par\n".join(escape(note.text) for note in notes)


def _body(table: Table, marked: list[bool], *, column: bool = False) -> list[str]:
    width = len(table.columns) + 1
    lines = [line for panel in table.panels for line in _panel(panel, width, marked, column=column)]
    if table.footer:
        lines += ["\\midrule", *(_row(row, [False] * (width - 1), column=column) for row in table.footer)]
    return lines


def _head(table: Table, *, column: bool = False) -> list[str]:
    lines = []
    if table.spanners:
        over = [f"\\multicolumn{{{one.span}}}{{c}}{{{escape(one.heading)}}}" for one in table.spanners]
        lines.append(f" & {' & '.join(over)} \\\\")
        rules, place = [], 2
        for spanner in table.spanners:
            if spanner.heading or not column:
                rules.append(f"\\cmidrule(lr){{{place}-{place + spanner.span - 1}}}")
            place += spanner.span
        lines.append("".join(rules))
    headings = [escape(one.heading) for one in table.columns]
    if not column:
        headings = [f"\\multicolumn{{1}}{{c}}{{{one}}}" for one in headings]
    return [*lines, f"{' & '.join([escape(table.stub), *headings])} \\\\"]


def _panel(panel: RowPanel, width: int, marked: list[bool], *, column: bool) -> list[str]:
    if not panel.heading:
        return [_row(row, marked, column=column) for row in panel.rows]
    heading = f"\\multicolumn{{{width}}}{{@{{}}l}}{{{escape(panel.heading)}}} \\\\"
    # A heading does not stand at the foot of a page.
    heading += "*" if column else ""
    return [heading, *(_row(row, marked, indent=True, column=column) for row in panel.rows)]


def _row(row: Row, marked: list[bool], *, indent: bool = False, column: bool = False) -> str:
    label = f"\\quad {escape(row.label)}" if indent and row.label else escape(row.label)
    cells, place = [], 0
    for cell in row.cells:
        cells.append(_cell(cell, marked[place], (1 - STUB) / (len(marked) or 1) if column else 0.0))
        place += cell.span
    return f"{' & '.join([label, *cells])} \\\\"


def _cell(cell: Cell, marked: bool, share: float) -> str:
    shown = escape(cell.text)
    if cell.value is not None and "-" in cell.text:
        shown = escape(cell.text.replace("-", "−"))
    # A box of fixed width keeps the numbers in line whatever mark stands beside them.
    if cell.kind == "p" and marked:
        shown += f" \\makebox[1.6em][l]{{{cell.mark}}}"
    elif marked and cell.kind != "empty":
        shown += f"\\makebox[1.2em][l]{{{f'$^{{{cell.mark}}}$' if cell.mark else ''}}}"
    if cell.span == 1:
        return shown
    return f"\\multicolumn{{{cell.span}}}{{{_column(share * cell.span) if share else 'r'}}}{{{shown}}}"
