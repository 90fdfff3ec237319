"""A slow, plain interpreter of the expression grammar, written from the language's page.

It is the referee of the compiler. Rows are dicts; a value is a float, a str, a bool (a condition) or None
(missing). Answers are 1, 0, NA or DK, and None where the item was not asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from specs.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    Logic,
    Membership,
    Name,
    Not,
    Number,
    Text,
    Unary,
)

NA, DK = "not applicable", "no answer"
Row = dict[str, Any]
Value = float | str | bool | None


def evaluate(node: Expr, rows: list[Row], answers: frozenset[str]) -> list[Value]:
    """The value of an expression in every row."""
    return [_Interpreter(rows, answers).value(node, row) for row in rows]


def _finite(x: float | complex) -> float | None:
    if isinstance(x, complex):
        return None
    return float(x) if math.isfinite(x) else None


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, (bool, float, int)) else None


def _truth(value: Value) -> bool | None:
    return None if value is None else bool(value)


class _Interpreter:
    def __init__(self, rows: list[Row], answers: frozenset[str]) -> None:
        self.rows, self.answers = rows, answers

    def value(self, node: Expr, row: Row) -> Value:
        if isinstance(node, Number):
            return float(node.value)
        if isinstance(node, Text):
            return node.value
        if isinstance(node, Name):
            found = row[node.name]
            if node.name in self.answers:
                return float(found) if found in (0, 1) else None
            return float(found) if isinstance(found, int) else found
        if isinstance(node, Unary):
            x = self.number(node.operand, row)
            return None if x is None else -x
        if isinstance(node, Binary):
            return self.arithmetic(node.op, self.number(node.left, row), self.number(node.right, row))
        if isinstance(node, Compare):
            return self.compare(node, row)
        if isinstance(node, Logic):
            parts = [_truth(self.value(one, row)) for one in node.operands]
            decisive = node.op == "or"
            if decisive in parts:
                return decisive
            return None if None in parts else not decisive
        if isinstance(node, Not):
            part = _truth(self.value(node.operand, row))
            return None if part is None else not part
        if isinstance(node, Membership):
            member = self.value(node.operand, row)
            return None if member is None else member in [self.value(item, row) for item in node.items.items]
        assert isinstance(node, Call)
        return self.call(node, row)

    def number(self, node: Expr, row: Row) -> float | None:
        return _number(self.value(node, row))

    def arithmetic(self, op: str, a: float | None, b: float | None) -> float | None:
        if a is None or b is None:
            return None
        try:
            if op == "^":
                return _finite(a**b)
            if op == "/":
                return _finite(a / b)
            return _finite(a + b if op == "+" else a - b if op == "-" else a * b)
        except (ZeroDivisionError, OverflowError):
            return None

    def compare(self, node: Compare, row: Row) -> bool | None:
        a, b = self.value(node.left, row), self.value(node.right, row)
        if a is None or b is None:
            return None
        signs: dict[str, Callable[[Any, Any], bool]] = {
            "==": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y,
            "<=": lambda x, y: x <= y, ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
        }  # fmt: skip
        return signs[node.op](a, b)

    def call(self, node: Call, row: Row) -> Value:
        return getattr(self, f"_{node.name}")(node, row)  # type: ignore[no-any-return]

    def firm_rows(self, row: Row) -> list[Row]:
        return sorted((one for one in self.rows if one["firm"] == row["firm"]), key=lambda one: one["year"])

    def over_firm(self, node: Call, row: Row) -> list[Any]:
        values = [self.value(node.args[0], one) for one in self.firm_rows(row)]
        return [value for value in values if value is not None]

    def in_year(self, node: Expr, row: Row, year: int) -> Value:
        there = [one for one in self.firm_rows(row) if one["year"] == year]
        return self.value(node, there[0]) if there else None

    def _log(self, node: Call, row: Row) -> Value:
        x = self.number(node.args[0], row)
        return math.log(x) if x is not None and x > 0 else None

    def _exp(self, node: Call, row: Row) -> Value:
        x = self.number(node.args[0], row)
        return math.exp(x) if x is not None and x <= 709 else None

    def _abs(self, node: Call, row: Row) -> Value:
        x = self.number(node.args[0], row)
        return None if x is None else abs(x)

    def _extreme(self, node: Call, row: Row, best: Callable[[Any], float]) -> Value:
        values = [self.number(one, row) for one in node.args]
        return None if None in values else best(values)

    def _min(self, node: Call, row: Row) -> Value:
        return self._extreme(node, row, min)

    def _max(self, node: Call, row: Row) -> Value:
        return self._extreme(node, row, max)

    def _lag(self, node: Call, row: Row) -> Value:
        return self.in_year(node.args[0], row, row["year"] - (node.whole("n") or 0))

    def _lead(self, node: Call, row: Row) -> Value:
        return self.in_year(node.args[0], row, row["year"] + (node.whole("n") or 0))

    def _diff(self, node: Call, row: Row) -> Value:
        return self.arithmetic("-", self.number(node.args[0], row), _number(self._lag(node, row)))

    def _at(self, node: Call, row: Row) -> Value:
        return self.in_year(node.args[0], row, node.whole("year") or 0)

    def _first(self, node: Call, row: Row) -> Value:
        values = self.over_firm(node, row)
        return values[0] if values else None

    def _count(self, node: Call, row: Row) -> Value:
        return float(len(self.over_firm(node, row)))

    def _sum(self, node: Call, row: Row) -> Value:
        values = [float(value) for value in self.over_firm(node, row)]
        return _finite(math.fsum(values)) if values else None

    def _mean(self, node: Call, row: Row) -> Value:
        if node.columns("by"):
            return self.group_mean(node, row)
        values = [float(value) for value in self.over_firm(node, row)]
        return _finite(math.fsum(values) / len(values)) if values else None

    def _any(self, node: Call, row: Row) -> Value:
        values = self.over_firm(node, row)
        return any(values) if values else None

    def _all(self, node: Call, row: Row) -> Value:
        values = self.over_firm(node, row)
        return all(values) if values else None

    def _isna(self, node: Call, row: Row) -> Value:
        return self.value(node.args[0], row) is None

    def _yes(self, node: Call, row: Row) -> Value:
        item = node.args[0]
        assert isinstance(item, Name)
        return {1: True, 0: False, NA: False}.get(row[item.name])

    def _asked(self, node: Call, row: Row) -> Value:
        item = node.args[0]
        assert isinstance(item, Name)
        return row[item.name] in (1, 0, DK)

    def _where(self, node: Call, row: Row) -> Value:
        condition = _truth(self.value(node.args[0], row))
        return None if condition is None else self.value(node.args[1 if condition else 2], row)

    def _cut(self, node: Call, row: Row) -> Value:
        x = self.number(node.args[0], row)
        found = None
        for low, label in zip(node.numbers("breaks"), node.texts("labels"), strict=True):
            if x is not None and x >= low:
                found = label
        return found

    def group_mean(self, node: Call, row: Row) -> Value:
        by, weights = node.columns("by"), node.columns("weights")
        cell = [self.value(Name(0, name), row) for name in by]
        if None in cell:
            return None
        top, bottom, firms = [], [], set()
        for one in self.rows:
            x = self.number(node.args[0], one)
            w = self.number(Name(0, weights[0]), one) if weights else 1.0
            if x is None or w is None or w <= 0 or [self.value(Name(0, name), one) for name in by] != cell:
                continue
            if node.whole("at") is not None and one["year"] != node.whole("at"):
                continue
            if node.truth("leave_out") and one["firm"] == row["firm"]:
                continue
            top.append(w * x)
            bottom.append(w)
            firms.add(one["firm"])
        if len(firms) < max(node.whole("min") or 1, 1) or not bottom:
            return None
        return _finite(math.fsum(top) / math.fsum(bottom))
