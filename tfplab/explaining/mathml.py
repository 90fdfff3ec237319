"""Equations as MathML: what every browser sets by itself, and a screen reader reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from tfplab.explaining.notation import Column, Index, Number, Piece, Power, Sign, Space, Sum, Symbol, Words, written

__all__ = ["mathml"]

_LETTERS = {
    "beta": "β", "delta": "δ", "eps": "ε", "gamma": "γ", "lambda": "λ", "phi": "φ", "Phi": "Φ", "psi": "ψ", "rho": "ρ",
    "tau": "τ", "theta": "θ", "xi": "ξ",
}  # fmt: skip
_FENCES = "()[]{}"


def mathml(pieces: Sequence[Piece]) -> str:
    """Return a line: words as they are, each formula in a ``math`` of its own.

    Parameters
    ----------
    pieces : sequence of Piece
    """
    return written(pieces, lambda run: f"<math>{_row(run)}</math>", escape)


def _row(pieces: Iterable[Piece]) -> str:
    return "".join(_piece(one) for one in pieces)


def _piece(piece: Piece) -> str:
    match piece:
        case Words(text):
            return f"<mtext>{escape(text)}</mtext>"
        case Space():
            return '<mspace width="0.2em"></mspace>'
        case Column(name):
            return f'<mtext class="column">{escape(name)}</mtext>'
        case Number(text):
            return f"<mn>{escape(text)}</mn>"
        case Sign(text):
            stretchy = ' stretchy="false"' if text in _FENCES else ""
            return f"<mo{stretchy}>{escape(text)}</mo>"
        case Symbol(name, mark):
            letter = f"<mi>{_LETTERS.get(name, escape(name))}</mi>"
            over = {"hat": "^", "bar": "\N{MACRON}"}.get(mark)
            return f"<mover>{letter}<mo>{over}</mo></mover>" if over else letter
        case Sum(over):
            sign = "<mo>\N{N-ARY SUMMATION}</mo>"
            below = f"<mi>{escape(over)}</mi>" if len(over) == 1 else f"<mtext>{escape(over)}</mtext>"
            return f"<munder>{sign}{below}</munder>" if over else sign
        case Index(base, below):
            return f"<msub>{_piece(base)}<mrow>{_row(below)}</mrow></msub>"
        case Power(base, above):
            if isinstance(base, Index):
                return (
                    f"<msubsup>{_piece(base.base)}<mrow>{_row(base.below)}</mrow><mrow>{_row(above)}</mrow></msubsup>"
                )
            return f"<msup>{_piece(base)}<mrow>{_row(above)}</mrow></msup>"
