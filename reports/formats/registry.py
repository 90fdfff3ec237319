"""The formats of a table, one line each; a format's module is imported where it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from specs.errors import TfplabError, did_you_mean

if TYPE_CHECKING:  # the first gate asks for names alone
    from reports.table import Table

__all__ = ["FORMATS", "Format", "format_named"]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a table.

    Attributes
    ----------
    extension : str
        Of the file, without the dot.
    module : str
        Its module in this package.
    """

    extension: str
    module: str

    def render(self, table: Table) -> str:
        """Return the text to paste into a document of this format; it ends with a line break."""
        return str(import_module(f"reports.formats.{self.module}").render(table))

    def document(self, table: Table) -> str:
        """Return a file that opens by itself; the same text where nothing needs to surround it."""
        module = import_module(f"reports.formats.{self.module}")
        return str(getattr(module, "document", module.render)(table))


FORMATS: Mapping[str, Format] = {
    "html": Format("html", "html"),
    "latex": Format("tex", "latex"),
    "tex": Format("tex", "latex"),
    "md": Format("md", "markdown"),
    "markdown": Format("md", "markdown"),
    "csv": Format("csv", "csv"),
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
