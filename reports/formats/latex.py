"""LaTeX: a floating table with booktabs rules. Every character of every text is escaped; pdflatex will do."""

from __future__ import annotations

from reports.formats.latex_text import escape
from reports.table import Cell, Row, RowPanel, Table

__all__ = ["render"]


def render(table: Table) -> str:
    r"""Return a ``table`` environment; the document needs ``\usepackage{booktabs}`` and nothing else."""
    width = len(table.columns) + 1
    marked = table.marked()
    lines = ["% \\usepackage{booktabs}", "\\begin{table}[htbp]", "\\centering"]
    if table.title:
        lines.append(f"\\caption{{{escape(table.title)}}}")
    lines += [f"\\label{{tab:{''.join(letter for letter in table.name if letter.isalnum())}}}", "\\small"]
    if width > 5:
        # Several models side by side stay within the text of an A4 page.
        lines.append("\\setlength{\\tabcolsep}{3.5pt}")
    lines += [f"\\begin{{tabular}}{{@{{}}l{'r' * (width - 1)}@{{}}}}", "\\toprule", *_head(table)]
    if table.panels:
        lines.append("\\midrule")
    for panel in table.panels:
        lines += _panel(panel, width, marked)
    if table.footer:
        lines += ["\\midrule", *(_row(row, [False] * width) for row in table.footer)]
    lines += ["\\bottomrule", "\\end{tabular}"]
    if table.notes:
        lines += ["\\par\\medskip", "\\begin{minipage}{\\linewidth}\\footnotesize"]
        lines += ["\\par\n".join(escape(note.text) for note in table.notes), "\\end{minipage}"]
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _head(table: Table) -> list[str]:
    lines = []
    if table.spanners:
        over = [f"\\multicolumn{{{one.span}}}{{c}}{{{escape(one.heading)}}}" for one in table.spanners]
        lines.append(f" & {' & '.join(over)} \\\\")
        rules, place = [], 2
        for spanner in table.spanners:
            rules.append(f"\\cmidrule(lr){{{place}-{place + spanner.span - 1}}}")
            place += spanner.span
        lines.append("".join(rules))
    headings = [f"\\multicolumn{{1}}{{c}}{{{escape(column.heading)}}}" for column in table.columns]
    return [*lines, f"{' & '.join([escape(table.stub), *headings])} \\\\"]


def _panel(panel: RowPanel, width: int, marked: list[bool]) -> list[str]:
    if not panel.heading:
        return [_row(row, marked) for row in panel.rows]
    heading = f"\\multicolumn{{{width}}}{{@{{}}l}}{{{escape(panel.heading)}}} \\\\"
    return [heading, *(_row(row, marked, indent=True) for row in panel.rows)]


def _row(row: Row, marked: list[bool], indent: bool = False) -> str:
    label = f"\\quad {escape(row.label)}" if indent and row.label else escape(row.label)
    cells, place = [], 0
    for cell in row.cells:
        cells.append(_cell(cell, marked[place]))
        place += cell.span
    return f"{' & '.join([label, *cells])} \\\\"


def _cell(cell: Cell, marked: bool) -> str:
    shown = escape(cell.text)
    if cell.value is not None and "-" in cell.text:
        shown = escape(cell.text.replace("-", "−"))
    # A box of fixed width keeps the numbers in line whatever mark stands beside them.
    if cell.kind == "p" and marked:
        shown += f" \\makebox[1.6em][l]{{{cell.mark}}}"
    elif marked and cell.kind != "empty":
        shown += f"\\makebox[1.2em][l]{{{f'$^{{{cell.mark}}}$' if cell.mark else ''}}}"
    return f"\\multicolumn{{{cell.span}}}{{r}}{{{shown}}}" if cell.span > 1 else shown
