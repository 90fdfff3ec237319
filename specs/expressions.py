"""The expression grammar of ``variables:`` and ``where:``: text becomes a tree, nothing is ever evaluated.

The grammar stands as EBNF in ``docs/grammar.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from specs.expression_tree import (
    Binary,
    Call,
    Compare,
    Expr,
    ListOf,
    Logic,
    Membership,
    Name,
    Not,
    Number,
    Text,
    Truth,
    Unary,
    children,
    walk_expression,
)
from specs.functions import bind_call, kind_of, require_number, require_value
from specs.tokens import GrammarError, Reader, Token

__all__ = [
    "Binary", "Call", "Compare", "Expr", "Expression", "ListOf", "Logic",
    "Membership", "Name", "Not", "Number", "Text", "Truth", "Unary", "children", "kind_of", "order_variables",
    "parse_expression", "walk_expression",
]  # fmt: skip

MAX_LENGTH = 4_000
MAX_NESTING = 32
MAX_DEPTH = 100
MAX_ITEMS = 500
LARGEST = 2**53

_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_OTHER_SIGNS = {
    "=": "write == to compare", "&": "write and", "&&": "write and", "|": "write or", "||": "write or",
    "!": "write not", "<>": "write !=", "**": "write ^ for a power", "%": "write 0.05 for 5 %",
    "~": "a formula belongs under models: as formula:",
    ":": "a slice has no meaning here", "[": "a list stands behind in, or in an option of a function",
}  # fmt: skip
_RESERVED = ("and", "or", "not", "in", "true", "false")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression as read: its tree and its text."""

    root: Expr
    text: str

    def names(self) -> tuple[tuple[str, int], ...]:
        """Return every column that is used, once, with the offset of its first use."""
        found: dict[str, int] = {}
        for node in walk_expression(self.root):
            if isinstance(node, Name):
                found.setdefault(node.name, node.offset)
        return tuple(found.items())

    def functions(self) -> frozenset[str]:
        """Return the names of the functions that are used."""
        return frozenset(node.name for node in walk_expression(self.root) if isinstance(node, Call))

    def __str__(self) -> str:
        return self.text


def parse_expression(text: str) -> Expression:
    """Read an expression and check its functions' arguments.

    Parameters
    ----------
    text : str

    Returns
    -------
    Expression

    Raises
    ------
    GrammarError
        With the offset of the character at which reading ended.
    """
    reader = Reader(text, MAX_LENGTH)
    if reader.token.kind == "end":
        raise GrammarError(0, "an empty expression")
    root = _Parser(reader).disjunction()
    if reader.token.kind != "end":
        raise _not_expected(reader)
    require_value(root, "an expression")
    _check_depth(root)
    return Expression(root, text)


def order_variables(
    expressions: Mapping[str, Expression],
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Order variables by what they depend on, as written where the order is free.

    Parameters
    ----------
    expressions : mapping of str to Expression

    Returns
    -------
    ordered : tuple of str
        Without those that stand in a circle or depend on one.
    circles : tuple of tuple of str
        Each circle once, as a chain that leads back to its first name.
    """
    needs = {name: [used for used, _ in one.names() if used in expressions] for name, one in expressions.items()}
    place = {name: number for number, name in enumerate(needs)}
    users: dict[str, list[str]] = {name: [] for name in needs}
    open_needs = {name: len(set(used)) for name, used in needs.items()}
    for name, used in needs.items():
        for one in set(used):
            users[one].append(name)
    # In rounds, each of those that wait for nothing any more.
    ordered: dict[str, None] = {}
    ready = [name for name, count in open_needs.items() if not count]
    while ready:
        ordered.update(dict.fromkeys(ready))
        freed = []
        for name in (user for one in ready for user in users[one]):
            open_needs[name] -= 1
            if not open_needs[name]:
                freed.append(name)
        ready = sorted(freed, key=place.__getitem__)
    circles: list[tuple[str, ...]] = []
    seen: set[str] = set()
    for name in needs:
        # Every name that is left leads on to another, and all end in a circle.
        chain: dict[str, None] = {}
        following = name
        while following not in seen and following not in ordered:
            seen.add(following)
            chain[following] = None
            following = next(used for used in needs[following] if used not in ordered)
        if following in chain:
            names = list(chain)
            circles.append(tuple(names[names.index(following) :]))
    return tuple(ordered), tuple(circles)


class _Parser:
    """Recursive descent, one method a rule of the grammar, loosest first."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.nesting = 0

    def disjunction(self) -> Expr:
        return self._logic("or", self.conjunction)

    def conjunction(self) -> Expr:
        return self._logic("and", self.negation)

    def _logic(self, op: str, below: Callable[[], Expr]) -> Expr:
        first = below()
        if not self.reader.at(op):
            return first
        offset = self.reader.token.offset
        operands = [first]
        while self.reader.accept(op):
            operands.append(below())
        for operand in operands:
            require_number(operand, f'"{op}"')
        return Logic(offset, op, tuple(operands))

    def negation(self) -> Expr:
        token = self.reader.accept("not")
        if token is None:
            return self.comparison()
        operand = self._deeper(token, self.negation)
        require_number(operand, '"not"')
        return Not(token.offset, operand)

    def comparison(self) -> Expr:
        left = self.sum()
        reader = self.reader
        if reader.at("in") or (reader.at("not") and reader.after.text == "in"):
            return self._membership(left)
        token = reader.accept(*_COMPARISONS)
        if token is None:
            return left
        right = self.sum()
        _check_comparison(token, left, right)
        if reader.at(*_COMPARISONS):
            raise reader.error("a second comparison", "", "write 1 < x and x < 3")
        return Compare(token.offset, token.text, left, right)

    def _membership(self, left: Expr) -> Expr:
        reader = self.reader
        negated = reader.accept("not")
        token = reader.take()
        require_value(left, '"in"')
        if not reader.at("["):
            raise reader.error('"in" wants a list', "", "write nace in ['C', 'G']")
        items = self.list_of()
        kinds = {kind_of(item) for item in items.items}
        if not items.items or not all(isinstance(item, (Number, Text)) for item in items.items) or len(kinds) > 1:
            raise GrammarError(
                items.offset,
                'a list behind "in" holds numbers, or quoted texts',
                "",
                "write nace in ['C', 'G']",
            )
        if {*kinds, kind_of(left)} == {"number", "text"}:
            raise GrammarError(token.offset, "text and numbers are never equal")
        membership = Membership(token.offset, left, items)
        return Not(negated.offset, membership) if negated else membership

    def sum(self) -> Expr:
        return self._chain(("+", "-"), self.product)

    def product(self) -> Expr:
        return self._chain(("*", "/"), self.sign)

    def _chain(self, signs: tuple[str, ...], below: Callable[[], Expr]) -> Expr:
        left = below()
        while token := self.reader.accept(*signs):
            left = _arithmetic(token, left, below())
        return left

    def sign(self) -> Expr:
        token = self.reader.accept("-", "+")
        if token is None:
            return self.power()
        operand = self._deeper(token, self.sign)
        require_number(operand, f'"{token.text}"')
        if token.text == "+":
            return operand
        if isinstance(operand, Number):
            return Number(token.offset, -operand.value)
        return Unary(token.offset, "-", operand)

    def power(self) -> Expr:
        base = self.atom()
        token = self.reader.accept("^")
        if token is None:
            return base
        return _arithmetic(token, base, self._deeper(token, self.sign))

    def atom(self) -> Expr:
        token = self.reader.token
        if token.kind == "number":
            return self._number()
        if token.kind == "text":
            self.reader.take()
            mark = token.text[0]
            return Text(token.offset, token.text[1:-1].replace(mark * 2, mark))
        if token.text == "(":
            self.reader.take()
            inner = self._deeper(token, self.disjunction)
            if not self.reader.at(")"):
                raise _unclosed(self.reader, token)
            self.reader.take()
            return inner
        if token.text == "[":
            return self.list_of()
        if token.kind == "name" and token.text in ("true", "false"):
            self.reader.take()
            return Truth(token.offset, token.text == "true")
        if token.kind == "name" and token.text not in _RESERVED:
            self.reader.take()
            return self._call(token) if self.reader.at("(") else Name(token.offset, token.text)
        raise _not_expected(self.reader, "a value is wanted")

    def _number(self) -> Number:
        token = self.reader.take()
        text = token.text
        if text.isdecimal() and len(text) > 1 and text.startswith("0"):
            raise GrammarError(
                token.offset,
                f'the number "{text}" begins with 0',
                "",
                f"write {text.lstrip('0') or '0'}, or '{text}' for text",
            )
        if abs(float(text)) > (LARGEST if text.isdecimal() else 1e300):
            raise GrammarError(token.offset, f'the number "{text[:20]}" is too large')
        return Number(token.offset, int(text) if text.isdecimal() else float(text))

    def list_of(self) -> ListOf:
        opening = self.reader.take()
        items: list[Expr] = []
        while not self.reader.at("]"):
            items.append(self._deeper(opening, self.sum))
            if len(items) > MAX_ITEMS:
                raise GrammarError(opening.offset, f"a list of more than {MAX_ITEMS} items")
            if not self.reader.accept(",") and not self.reader.at("]"):
                raise _unclosed(self.reader, opening)
        self.reader.take()
        return ListOf(opening.offset, tuple(items))

    def _call(self, name: Token) -> Call:
        opening = self.reader.take()
        args: list[Expr] = []
        kwargs: list[tuple[str, int, Expr]] = []
        while not self.reader.at(")"):
            key = self.reader.token
            if key.kind == "name" and self.reader.after.text == "=":
                self.reader.take()
                self.reader.take()
                kwargs.append((key.text, key.offset, self._deeper(opening, self.disjunction)))
            elif kwargs:
                raise self.reader.error("a value without a name", "", "values come first, then options by name")
            else:
                args.append(self._deeper(opening, self.disjunction))
            if len(args) > MAX_ITEMS:
                raise GrammarError(opening.offset, f"more than {MAX_ITEMS} values")
            if not self.reader.accept(",") and not self.reader.at(")"):
                raise _unclosed(self.reader, opening)
        end = self.reader.take()
        return bind_call(name.text, name.offset, args, kwargs, end.offset)

    def _deeper(self, token: Token, rule: Callable[[], Expr]) -> Expr:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise GrammarError(
                token.offset,
                f"nested more than {MAX_NESTING} deep",
                "",
                "divide it over several entries of variables:",
            )
        found = rule()
        self.nesting -= 1
        return found


def _arithmetic(token: Token, left: Expr, right: Expr) -> Binary:
    for operand in (left, right):
        require_number(operand, f'"{token.text}"')
    return Binary(token.offset, token.text, left, right)


def _check_comparison(token: Token, left: Expr, right: Expr) -> None:
    for operand in (left, right):
        require_value(operand, f'"{token.text}"')
    kinds = {kind_of(left), kind_of(right)}
    if kinds == {"number", "text"}:
        raise GrammarError(token.offset, "text and a number are never equal")
    if "text" in kinds and token.text not in ("==", "!="):
        raise GrammarError(token.offset, f'"{token.text}" compares numbers', "text has no order", "write == or in")


def _check_depth(root: Expr) -> None:
    level: tuple[Expr, ...] = (root,)
    for _ in range(MAX_DEPTH):
        level = tuple(child for node in level for child in children(node))
        if not level:
            return
    raise GrammarError(
        level[0].offset,
        f"more than {MAX_DEPTH} operations in one chain",
        "",
        "divide it over several entries of variables:, or write in [...]",
    )


def _unclosed(reader: Reader, opening: Token) -> GrammarError:
    closing = {"(": ")", "[": "]"}[opening.text]
    if reader.token.kind == "end":
        return GrammarError(opening.offset, f'"{opening.text}" is opened and never closed', "", f'add "{closing}"')
    return _not_expected(reader)


def _not_expected(reader: Reader, wanted: str = "") -> GrammarError:
    token = reader.token
    if token.kind == "end":
        return GrammarError(token.offset, f"the expression ends where {wanted or 'more is wanted'}")
    if token.text in _OTHER_SIGNS:
        return GrammarError(token.offset, f'"{token.text}" has no meaning here', "", _OTHER_SIGNS[token.text])
    if token.kind == "name" and token.text.lower() in _RESERVED and token.text not in _RESERVED:
        return GrammarError(token.offset, f'"{token.text}" is not expected here', "", f"write {token.text.lower()}")
    if wanted:
        return GrammarError(token.offset, f'"{token.text}" stands where {wanted}')
    return GrammarError(token.offset, f'"{token.text}" is not expected here')
