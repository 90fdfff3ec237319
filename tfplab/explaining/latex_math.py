"""Equations as LaTeX: words in the text, formulas in mathematics that break over lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reports.formats.latex_text import escape
from tfplab.explaining.notation import (
    GREEK,
    Column,
    Index,
    Number,
    Piece,
    Power,
    Sign,
    Space,
    Sum,
    Symbol,
    Words,
    written,
)

__all__ = ["latex_math"]

_SIGNS = {
    "\N{MINUS SIGN}": "-", "\N{LESS-THAN OR EQUAL TO}": r"\leq ", "\N{GREATER-THAN OR EQUAL TO}": r"\geq ",
    "\N{PLUS-MINUS SIGN}": r"\pm ", "\N{MULTIPLICATION SIGN}": r"\times ", "\N{DOT OPERATOR}": r"\cdot ",
    "\N{PRIME}": r"\prime ", "\N{ASTERISK OPERATOR}": "*", "{": r"\{", "}": r"\}", "|": r"\mid ", "^": r"\wedge ",
    "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "~": r"\sim ", "\\": r"\backslash ",
}  # fmt: skip
_NAMES = {"eps": r"\varepsilon"}


def latex_math(pieces: Sequence[Piece]) -> str:
    """Return a line: words escaped, each formula between dollar signs.

    Parameters
    ----------
    pieces : sequence of Piece
    """
    return written(pieces, lambda run: f"${_row(run)}$", escape)


def _row(pieces: Iterable[Piece]) -> str:
    return "".join(_piece(one) for one in pieces)


def _piece(piece: Piece) -> str:
    match piece:
        case Words(text):
            return rf"\text{{{escape(text)}}}"
        case Space():
            return r"\,"
        case Column(name):
            return rf"\text{{\itshape {escape(name)}}}"
        case Number(text):
            return text if text.isascii() else rf"\text{{{escape(text)}}}"
        case Sign(text):
            return _SIGNS.get(text, text if text.isascii() else rf"\text{{{escape(text)}}}")
        case Symbol(name, mark):
            letter = _NAMES.get(name, rf"\{name}") if name in GREEK else _roman(name)
            return rf"\{mark}{{{letter}}}" if mark else f"{letter} " if letter.startswith("\\") else letter
        case Sum(over):
            below = over if len(over) == 1 else rf"\text{{{escape(over)}}}"
            return rf"\sum_{{{below}}} " if over else r"\sum "
        case Index(base, below):
            return f"{{{_piece(base)}}}_{{{_row(below)}}}"
        case Power(base, above):
            return (
                f"{_piece(base)}^{{{_row(above)}}}"
                if isinstance(base, Index)
                else f"{{{_piece(base)}}}^{{{_row(above)}}}"
            )


def _roman(name: str) -> str:
    if not name.isascii():
        return rf"\text{{{escape(name)}}}"
    return name if len(name) == 1 else rf"\mathrm{{{escape(name)}}}"
