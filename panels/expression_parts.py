"""What expressions are compiled from and into: columns, values on their way, things to count."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw

from specs.expressions import Call, Expr, children

__all__ = ["NOT_APPLICABLE", "NO_ANSWER", "SKIPPED_YES", "Column", "Flag", "Value", "key_of"]

NOT_APPLICABLE, NO_ANSWER, SKIPPED_YES = 2, 3, 4
"""How a column of answers holds them, beside 1 and 0: skipped by a filter, asked without an answer, a yes
although the filter skips it (not applicable too). An item that was not asked of the firm is NULL."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a named column stands: its name in the table, and ``number``, ``text`` or ``answer``.

    `condition` says that a number is never anything but 0, 1 or missing.
    """

    physical: str
    kind: str
    condition: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """Something to count: a column of the last stage that is true in the rows concerned.

    Attributes
    ----------
    variable : str
        Whose expression it is.
    reason : str
    column : str
    fatal : bool
        The values are a mistake rather than missing.
    """

    variable: str
    reason: str
    column: str
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """An expression that can be written from stage `level` on.

    `kind` is ``number``, ``text`` or ``truth``; `physical`: the column that it is, free to be repeated,
    empty for what is still to be computed; `wild`: perhaps not finite; `condition`: never anything but 0, 1
    or missing.
    """

    expr: nw.Expr
    level: int
    kind: str
    key: str
    physical: str = ""
    wild: bool = False
    condition: bool = False


def key_of(node: Expr) -> str:
    """Return the expression's text without spaces and positions: equal parts are computed once."""
    label = [type(node).__name__]
    for name in ("op", "name", "value"):
        if hasattr(node, name):
            label.append(repr(getattr(node, name)))
    if isinstance(node, Call):
        label += [name for name, _ in node.kwargs]
    return f"{' '.join(label)}({','.join(key_of(child) for child in children(node))})"
