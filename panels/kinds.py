"""Numbers, texts, conditions and answers: what kind of value an expression has, found before any row is
read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from panels.facts import ColumnFacts
from specs.errors import did_you_mean
from specs.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    Expression,
    ListOf,
    Logic,
    Membership,
    Name,
    Not,
    Number,
    Text,
    Truth,
    Unary,
)

__all__ = ["CONDITION", "MOSTLY", "Complaint", "Kind", "check_expression", "facts_of"]

CONDITION = "0/1"
"""The unit of a number that is 1 where a condition holds and 0 where it does not."""

MOSTLY = "its values are numbers but for "
"""How the source of a text column begins that was perhaps meant to hold numbers."""

_LONGEST_LAG = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of a value: ``number``, ``text``, ``answer`` or ``unknown`` (a mistake already told).

    Attributes
    ----------
    name : str
    condition : bool
        A number that is never anything but 0, 1 or missing.
    levels : tuple of str
        The order of a text's values where it has one.
    """

    name: str
    condition: bool = False
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Complaint:
    """A mistake in an expression: the character (from 0) of its text that is meant, and the words of a
    `Problem`.
    """

    offset: int
    what: str
    meaning: str = ""
    advice: str = ""


_NUMBER, _TRUTH, _UNKNOWN = Kind("number"), Kind("number", condition=True), Kind("unknown")


def check_expression(
    expression: Expression,
    columns: Mapping[str, ColumnFacts],
    condition: bool = False,
    absent: Mapping[str, str] | None = None,
    scope: str = "in the panel or in variables:",
) -> tuple[Kind, tuple[Complaint, ...]]:
    """Find the kind of an expression and what is wrong with it, given the columns that there are.

    Parameters
    ----------
    expression : Expression
    columns : mapping of str to ColumnFacts
        Every name that may be used.
    condition : bool
        The expression serves as a condition (``where``), so text is a mistake.
    absent : mapping of str to str, optional
        Columns that the layouts yield and the files cannot give, and why.
    scope : str
        Where those names are from, as a message about one that is not there says it.

    Returns
    -------
    kind : Kind
    complaints : tuple of Complaint
        In the order of writing; empty if the expression can be computed.
    """
    checker = _Checker(columns, absent or {}, scope)
    kind = checker.kind(expression.root)
    if condition and kind.name == "text":
        checker.complain(expression.root, "a condition is wanted and this is text", "", "compare it: nace == 'C'")
    return kind, tuple(sorted(checker.complaints, key=lambda one: one.offset))


def facts_of(name: str, expression: Expression, kind: Kind) -> ColumnFacts:
    """Return the facts of a derived column."""
    root = expression.root
    unit = CONDITION if kind.condition else "log" if isinstance(root, Call) and root.name == "log" else ""
    return ColumnFacts(name, "text" if kind.name == "text" else "number", unit, expression.text, kind.levels)


class _Checker:
    def __init__(self, columns: Mapping[str, ColumnFacts], absent: Mapping[str, str], scope: str) -> None:
        self.columns, self.absent, self.scope = columns, absent, scope
        self.complaints: list[Complaint] = []

    def complain(self, node: Expr, what: str, meaning: str = "", advice: str = "") -> Kind:
        self.complaints.append(Complaint(node.offset, what, meaning, advice))
        return _UNKNOWN

    def kind(self, node: Expr) -> Kind:
        if isinstance(node, Number):
            return Kind("number", condition=node.value in (0, 1))
        if isinstance(node, Text):
            return Kind("text")
        if isinstance(node, Name):
            return self.column(node)
        if isinstance(node, Unary):
            self.number(node.operand, "a minus sign")
            return _NUMBER
        if isinstance(node, Binary):
            self.number(node.left, f'"{node.op}"')
            self.number(node.right, f'"{node.op}"')
            return _NUMBER
        if isinstance(node, Compare):
            return self.compare(node)
        if isinstance(node, Logic):
            for operand in node.operands:
                self.number(operand, f'"{node.op}"')
            return _TRUTH
        if isinstance(node, Not):
            self.number(node.operand, '"not"')
            return _TRUTH
        if isinstance(node, Membership):
            return self.membership(node)
        if isinstance(node, Call):
            return self.call(node)
        return self.complain(node, "a list stands where a value is wanted")

    def column(self, node: Name) -> Kind:
        facts = self.columns.get(node.name)
        if facts is None and node.name in self.absent:
            what = f'no column "{node.name}" can be made of the files'
            return self.complain(node, what, self.absent[node.name])
        if facts is None:
            return self.complain(node, f'no column "{node.name}" {self.scope}', "",
                                 did_you_mean(node.name, self.columns))  # fmt: skip
        return Kind(facts.kind, facts.unit == CONDITION or facts.kind == "answer", facts.levels)

    def number(self, node: Expr, where: str) -> Kind:
        kind = self.kind(node)
        if kind.name == "text":
            shown = f'"{node.name}" is text' if isinstance(node, Name) else "this is text"
            facts = self.columns.get(node.name) if isinstance(node, Name) else None
            why = facts.source if facts is not None and facts.source.startswith(MOSTLY) else ""
            return self.complain(node, shown, f"{where} wants a number", why)
        return kind

    def compare(self, node: Compare) -> Kind:
        left, right = self.kind(node.left), self.kind(node.right)
        sides = {left.name, right.name}
        if "unknown" in sides:
            return _TRUTH
        if sides == {"text"}:
            if node.op not in ("==", "!="):
                self.complain(node, f'"{node.op}" does not compare texts', "", "write == or !=, or in [...]")
        elif "text" in sides:
            self.mixed(node.left, node.right, left)
        for named, kind, other in ((node.left, left, node.right), (node.right, right, node.left)):
            if kind.levels and isinstance(other, Text) and other.value not in kind.levels:
                self.unknown_level(named, other, kind)
        return _TRUTH

    def mixed(self, left: Expr, right: Expr, left_kind: Kind) -> None:
        text, number = (left, right) if left_kind.name == "text" else (right, left)
        shown = f'"{text.name}" is text' if isinstance(text, Name) else "a text"
        if isinstance(number, Number):
            self.complain(number, f"{shown} and is never equal to a number", "", f"write '{number.value}'")
        elif isinstance(number, Name) and isinstance(text, Text):
            self.complain(text, f'"{number.name}" is a number and is never equal to a text', "",
                          "write the number without quotation marks")  # fmt: skip
        else:
            self.complain(number, f"{shown} and cannot be compared with a number")

    def unknown_level(self, named: Expr, text: Text, kind: Kind) -> None:
        shown = f'"{named.name}"' if isinstance(named, Name) else "this"
        known = ", ".join(f"'{level}'" for level in kind.levels)
        self.complain(text, f"{shown} is never '{text.value}'", "",
                      did_you_mean(text.value, kind.levels) or f"there are: {known}")  # fmt: skip

    def membership(self, node: Membership) -> Kind:
        kind = self.kind(node.operand)
        first = node.items.items[0]
        if (kind.name == "text" and isinstance(first, Number)) or (
            kind.name in ("number", "answer") and isinstance(first, Text)
        ):
            self.mixed(node.operand, first, kind)
        elif kind.levels:
            for item in node.items.items:
                if isinstance(item, Text) and item.value not in kind.levels:
                    self.unknown_level(node.operand, item, kind)
        return _TRUTH

    def call(self, node: Call) -> Kind:
        if node.name in ("lag", "lead", "diff") and (node.whole("n") or 1) > _LONGEST_LAG:
            self.complain(node.option("n") or node, f"{node.name}() reaches at most {_LONGEST_LAG} years")
        if node.name in ("yes", "asked"):
            self.item(node)
            return _TRUTH
        if node.name == "at":
            self.asked_then(node)
        if node.name in ("lag", "lead", "first", "at"):
            kind = self.kind(node.args[0])
            return Kind("number", condition=True) if kind.name == "answer" else kind
        if node.name in ("isna", "count"):
            self.kind(node.args[0])
            return Kind("number", condition=node.name == "isna")
        if node.name == "where":
            return self.where(node)
        for argument in node.args:
            self.number(argument, f"{node.name}()")
        if node.name == "cut":
            return Kind("text", levels=node.texts("labels"))
        if node.name == "mean":
            self.groups(node)
        return Kind("number", condition=node.name in ("any", "all"))

    def item(self, node: Call) -> None:
        argument = node.args[0]
        kind = self.kind(argument)
        if isinstance(argument, Name) and kind.name in ("number", "text"):
            items = [name for name, facts in self.columns.items() if facts.kind == "answer"]
            self.complain(argument, f'"{argument.name}" is not an item of the survey', "",
                          did_you_mean(argument.name, items))  # fmt: skip

    def asked_then(self, node: Call) -> None:
        """Find an item at the year of a wave that did not ask it: there it is missing for every firm."""
        inner = node.args[0]
        if isinstance(inner, Call) and inner.name in ("yes", "asked"):
            inner = inner.args[0]
        facts = self.columns.get(inner.name) if isinstance(inner, Name) else None
        year = node.whole("year")
        if facts is not None and facts.waves and year is not None and year not in facts.waves:
            listed = ", ".join(str(wave) for wave in facts.waves)
            self.complain(
                inner, f'"{facts.name}" was not asked in {year}', facts.why, f"the waves that ask it: {listed}"
            )

    def where(self, node: Call) -> Kind:
        condition, first, second = node.args
        self.number(condition, "the condition of where()")
        kinds = self.kind(first), self.kind(second)
        names = {"number" if kind.name == "answer" else kind.name for kind in kinds}
        if "unknown" in names:
            return _UNKNOWN
        if len(names) > 1:
            return self.complain(second, "where() gives text in one case and a number in the other")
        levels = kinds[0].levels if kinds[0].levels == kinds[1].levels else ()
        return Kind(names.pop(), all(kind.condition for kind in kinds), levels)

    def groups(self, node: Call) -> None:
        by = node.option("by")
        for item in by.items if isinstance(by, ListOf) else ():
            self.kind(item)
        weights = node.option("weights")
        if weights is not None and not isinstance(weights, Truth):
            self.number(weights, "weights=")
