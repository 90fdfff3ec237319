"""The parts an expression is made of: frozen records with the offset at which they were written.

An operation's offset is that of its sign, a call's that of the function's name, all others' that of
their first character; all count characters of the text from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = [
    "Binary", "Call", "Compare", "Expr", "ListOf", "Logic", "Membership", "Name", "Not", "Number", "Text",
    "Truth", "Unary", "children", "walk_expression",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Number:
    """A number: int where no point and no exponent is written. Never infinite."""

    offset: int
    value: int | float


@dataclass(frozen=True, slots=True)
class Text:
    """Quoted text."""

    offset: int
    value: str


@dataclass(frozen=True, slots=True)
class Truth:
    """``true`` or ``false``; stands only as the value of a function's option."""

    offset: int
    value: bool


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of numbers, of texts or of columns; stands behind ``in`` and in a function's options."""

    offset: int
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """A minus sign before a value; `op` is ``-``."""

    offset: int
    op: str
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic; `op` is one of ``+ - * / ^``."""

    offset: int
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison; `op` is one of ``== != < <= > >=``."""

    offset: int
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more conditions joined by one `op`, ``and`` or ``or``."""

    offset: int
    op: str
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a condition; ``x not in [...]`` is `Not` of a `Membership`."""

    offset: int
    operand: Expr


@dataclass(frozen=True, slots=True)
class Membership:
    """``operand in items``; the items are all numbers or all texts."""

    offset: int
    operand: Expr
    items: ListOf


@dataclass(frozen=True, slots=True)
class Call:
    """A function and what it is given.

    Attributes
    ----------
    offset : int
    name : str
        One of `specs.functions.FUNCTIONS`.
    args : tuple of Expr
        The values, in order: ``(x,)`` for most, ``(condition, a, b)`` for `where`, two or more for
        `min` and `max`.
    kwargs : tuple of (str, Expr)
        The options by name, also where they were written without it (``lag(x, 2)`` is ``n``), defaults
        included (``lag(x)`` has ``n`` 1). Read them by `option`.
    """

    offset: int
    name: str
    args: tuple[Expr, ...]
    kwargs: tuple[tuple[str, Expr], ...] = ()

    def option(self, name: str) -> Expr | None:
        """Return an option as it was written; None where it is not given."""
        return dict(self.kwargs).get(name)

    def whole(self, name: str) -> int | None:
        """Return an option that is a whole number (``n``, ``year``, ``at``, ``min``)."""
        node = self.option(name)
        return int(node.value) if isinstance(node, Number) else None

    def truth(self, name: str) -> bool:
        """Return an option that is true or false (``leave_out``); false where it is not given."""
        node = self.option(name)
        return isinstance(node, Truth) and node.value

    def columns(self, name: str) -> tuple[str, ...]:
        """Return an option that names columns (``by``, ``weights``); empty where it is not given."""
        node = self.option(name)
        items = node.items if isinstance(node, ListOf) else (node,)
        return tuple(item.name for item in items if isinstance(item, Name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return an option that lists numbers (``breaks``)."""
        node = self.option(name)
        return tuple(float(item.value) for item in children(node) if isinstance(item, Number)) if node else ()

    def texts(self, name: str) -> tuple[str, ...]:
        """Return an option that lists texts (``labels``)."""
        node = self.option(name)
        return tuple(item.value for item in children(node) if isinstance(item, Text)) if node else ()


Expr = Number | Text | Truth | Name | ListOf | Unary | Binary | Compare | Logic | Not | Membership | Call


def children(node: Expr) -> tuple[Expr, ...]:
    """Return the parts directly below a part, in the order of writing."""
    if isinstance(node, (Number, Text, Truth, Name)):
        return ()
    if isinstance(node, (Binary, Compare)):
        return (node.left, node.right)
    if isinstance(node, ListOf):
        return node.items
    if isinstance(node, Logic):
        return node.operands
    if isinstance(node, Membership):
        return (node.operand, node.items)
    if isinstance(node, Call):
        return (*node.args, *(value for _, value in node.kwargs))
    return (node.operand,)


def walk_expression(node: Expr) -> Iterator[Expr]:
    """Yield every part of an expression, parents first, in the order of writing."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(children(part)))
