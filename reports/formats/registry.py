"""The formats of a table, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reports.formats import csv, html, latex, markdown
from reports.table import Table
from specs.errors import TfplabError, did_you_mean

__all__ = ["FORMATS", "Format", "format_named"]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a table.

    Attributes
    ----------
    extension : str
        Of the file, without the dot.
    render : callable
        ``render(table)``: the text to paste into a document of this format; it ends with a line break.
    document : callable
        ``document(table)``: a file that opens by itself; the same text where nothing needs to surround it.
    """

    extension: str
    render: Callable[[Table], str]
    document: Callable[[Table], str]


_MARKDOWN = Format("md", markdown.render, markdown.render)
_LATEX = Format("tex", latex.render, latex.render)

FORMATS: Mapping[str, Format] = {
    "html": Format("html", html.render, html.document),
    "latex": _LATEX,
    "tex": _LATEX,
    "md": _MARKDOWN,
    "markdown": _MARKDOWN,
    "csv": Format("csv", csv.render, csv.render),
}


def format_named(name: str) -> Format:
    """Return a format.

    Raises
    ------
    TfplabError
        If there is none of this name.
    """
    if name not in FORMATS:
        hint = did_you_mean(name, FORMATS) or f"there are: {', '.join(FORMATS)}"
        raise TfplabError(f'no table format "{name}", {hint}')
    return FORMATS[name]
