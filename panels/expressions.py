"""Expressions of a spec as Narwhals expressions.

Values are three-valued: a comparison with missing is missing, and `and`, `or`, `not` follow Kleene. Nothing
infinite and no NaN ever comes out: what is not finite is missing. Each function's meaning is written in
``docs/grammar.md`` and beside the method that computes it.

A tree is cut into *stages*, each one projection over the last. What is used twice, what a guard looks at
and every window gets a column of its own there, so that the SQL grows with the length of an expression and
never with its depth's power.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import narwhals as nw

from panels.engine import Frame
from panels.expression_parts import (
    NO_ANSWER,
    NOT_APPLICABLE,
    SKIPPED_YES,
    Column,
    Flag,
    Value,
    key_of,
)
from panels.peers import Peers, peer_mean
from specs.expressions import (
    Binary,
    Call,
    Compare,
    Expr,
    Expression,
    Logic,
    Membership,
    Name,
    Not,
    Number,
    Text,
    Unary,
)

__all__ = ["NOT_APPLICABLE", "NO_ANSWER", "SKIPPED_YES", "Column", "Flag", "Stages"]

_LOG_LARGEST = 709.0
"""exp of more does not fit a double."""


class Stages:
    """Compiles expressions over one table.

    Parameters
    ----------
    columns : mapping of str to Column
        Every name that may be used, aliases included.
    firm, year : str
        The table's key columns.
    """

    def __init__(self, columns: Mapping[str, Column], firm: str = "firm", year: str = "year") -> None:
        self.columns = dict(columns)
        self.flags: list[Flag] = []
        self._firm, self._year = firm, year
        self._stages: list[dict[str, nw.Expr]] = []
        self._levels: dict[str, int] = {}
        self._seen: dict[str, Value] = {}
        self._held: dict[str, Value] = {}
        self._flags_of: dict[str, list[Flag]] = {}
        self._variable = ""
        self.windowed = False
        """Whether some column looks at other rows."""

    def define(self, name: str, expression: Expression, physical: str) -> None:
        """Add a derived column; later expressions may use its name."""
        self._variable = name
        value = self._value(expression.root)
        condition = value.kind == "truth" or value.condition
        if value.kind != "text":
            value = self._tame(self._number(value))
        self._put(value.level, physical, value.expr)
        self.columns[name] = Column(physical, "text" if value.kind == "text" else "number", condition)

    def condition(self, name: str, expression: Expression, physical: str, ever: bool = False) -> None:
        """Add a column that is true, false or missing; with `ever`, true in all rows of a firm where it
        once is.
        """
        self._variable = name
        value = self._truth(self._value(expression.root))
        if ever:
            value = self._over_firm(self._number(value), "max")
            value = self._truth(replace(value, condition=True))
        self._put(value.level, physical, value.expr)

    def add(self, name: str, expr: nw.Expr, column: Column, needs: Sequence[str] = ()) -> None:
        """Add a column that is not written in the grammar, made of the table's columns `needs`."""
        self._put(max((self._levels.get(one, 0) for one in needs), default=0), column.physical, expr)
        self.columns[name] = column

    def apply(self, frame: Frame) -> Frame:
        """Return the table with all columns of all stages."""
        for stage in self._stages:
            frame = frame.with_columns(*(expr.alias(name) for name, expr in stage.items()))
        return frame

    # The stages

    def _put(self, level: int, physical: str, expr: nw.Expr) -> None:
        while len(self._stages) <= level:
            self._stages.append({})
        self._stages[level][physical] = expr
        self._levels[physical] = level + 1

    def _hold(self, value: Value) -> Value:
        """Give a value a column of its own, once."""
        if value.physical:
            return value
        held = self._held.get(value.key)
        if held is None:
            physical = f"~{len(self._held) + 1}"  # no name of a spec has this sign
            self._put(value.level, physical, value.expr)
            held = replace(value, expr=nw.col(physical), level=value.level + 1, physical=physical)
            self._held[value.key] = held
        return held

    def _flag(self, reason: str, when: nw.Expr, level: int, key: str, fatal: bool = False) -> None:
        held = self._hold(Value(when, level, "truth", f"flag {reason} {key}"))
        self.flags.append(Flag(self._variable, reason, held.physical, fatal))

    # Kinds of values

    def _number(self, value: Value) -> Value:
        if value.kind != "truth":
            return value
        truth = self._hold(value)
        expr = nw.when(truth.expr).then(nw.lit(1.0)).otherwise(nw.when(~truth.expr).then(nw.lit(0.0)))
        return Value(expr, truth.level, "number", f"number({value.key})", condition=True)

    def _tame(self, value: Value) -> Value:
        """What is not finite is missing. It stays not finite through + - and *, so this can wait until
        then.
        """
        if not value.wild:
            return value
        held = self._hold(value)
        expr = nw.when(held.expr.is_finite()).then(held.expr)
        return replace(value, expr=expr, level=held.level, key=f"finite({value.key})", physical="", wild=False)

    def _ready(self, value: Value) -> Value:
        """A finite number in a column of its own, free to be repeated."""
        return self._hold(self._tame(self._number(value)))

    def _truth(self, value: Value) -> Value:
        """0 is false and 1 is true; anything else is a mistake, and counted."""
        if value.kind == "truth":
            return value
        number = self._ready(value)
        x = number.expr
        key = f"truth({number.key})"
        if value.condition:
            return Value(x == 1.0, number.level, "truth", key)
        self._flag("neither 0 nor 1", (x != 0.0) & (x != 1.0), number.level, number.key, fatal=True)
        expr = nw.when(x == 1.0).then(nw.lit(True)).otherwise(nw.when(x == 0.0).then(nw.lit(False)))
        return Value(expr, number.level, "truth", key)

    # The parts of the grammar

    def _value(self, node: Expr) -> Value:
        key = key_of(node)
        if key in self._seen:
            self.flags += [replace(flag, variable=self._variable) for flag in self._flags_of[key]
                           if replace(flag, variable=self._variable) not in self.flags]  # fmt: skip
            return self._seen[key]
        before = len(self.flags)
        value = replace(self._compile(node), key=key)
        self._seen[key] = value
        self._flags_of[key] = self.flags[before:]
        return value

    def _compile(self, node: Expr) -> Value:
        if isinstance(node, Number):
            return Value(nw.lit(float(node.value)), 0, "number", "", condition=node.value in (0, 1))
        if isinstance(node, Text):
            return Value(nw.lit(node.value), 0, "text", "")
        if isinstance(node, Name):
            return self._column(node.name)
        if isinstance(node, Unary):
            operand = self._number(self._value(node.operand))
            return Value(-operand.expr, operand.level, "number", "", wild=operand.wild)
        if isinstance(node, Binary):
            return self._arithmetic(node)
        if isinstance(node, Compare):
            return self._compare(node)
        if isinstance(node, Logic):
            parts = [self._truth(self._value(operand)) for operand in node.operands]
            joined = reduce(lambda a, b: a & b if node.op == "and" else a | b, [part.expr for part in parts])
            return Value(joined, max(part.level for part in parts), "truth", "")
        if isinstance(node, Not):
            operand = self._truth(self._value(node.operand))
            return Value(~operand.expr, operand.level, "truth", "")
        if isinstance(node, Membership):
            return self._membership(node)
        if isinstance(node, Call):
            return self._call(node)
        raise TypeError(f"{type(node).__name__} is not a value")

    def _column(self, name: str) -> Value:
        column = self.columns[name]
        level = self._levels.get(column.physical, 0)
        x = nw.col(column.physical)
        if column.kind == "text":
            return Value(x, level, "text", "", physical=column.physical)
        if column.kind == "answer":
            expr = nw.when(x == 1).then(nw.lit(1.0)).otherwise(nw.when(x == 0).then(nw.lit(0.0)))
            return Value(expr, level, "number", "", condition=True)
        if column.physical == self._year:  # a whole number in the table: reckon with doubles
            return Value(x * nw.lit(1.0), level, "number", "")
        return Value(x, level, "number", "", physical=column.physical, condition=column.condition)

    def _arithmetic(self, node: Binary) -> Value:
        left = self._number(self._value(node.left))
        right = self._number(self._value(node.right))
        if node.op == "/":
            return self._divide(left, right)
        if node.op == "^":
            return self._power(left, right)
        a, b = left.expr, right.expr
        expr = a + b if node.op == "+" else a - b if node.op == "-" else a * b
        return Value(expr, max(left.level, right.level), "number", "", wild=True)

    def _divide(self, left: Value, right: Value) -> Value:
        """X / 0 is missing, and counted."""
        right = self._ready(right)
        level = max(left.level, right.level)
        self._flag("division by zero", right.expr == 0.0, right.level, right.key)
        return Value(nw.when(right.expr != 0.0).then(left.expr / right.expr), level, "number", "", wild=True)

    def _power(self, left: Value, right: Value) -> Value:
        """A broken power of a negative number and a negative power of zero are missing; 0^0 is 1."""
        left, right = self._ready(left), self._ready(right)
        a, b = left.expr, right.expr
        defined = (a > 0.0) | ((a == 0.0) & (b >= 0.0)) | ((a < 0.0) & (b.floor() == b))
        return Value(nw.when(defined).then(a**b), max(left.level, right.level), "number", "", wild=True)

    def _compare(self, node: Compare) -> Value:
        left = self._tame(self._number(self._value(node.left)))
        right = self._tame(self._number(self._value(node.right)))
        a, b = left.expr, right.expr
        expr = {
            "==": lambda: a == b, "!=": lambda: a != b, "<": lambda: a < b,
            "<=": lambda: a <= b, ">": lambda: a > b, ">=": lambda: a >= b,
        }[node.op]()  # fmt: skip
        return Value(expr, max(left.level, right.level), "truth", "")

    def _membership(self, node: Membership) -> Value:
        operand = self._hold(self._tame(self._number(self._value(node.operand))))
        items = [
            operand.expr == (float(item.value) if isinstance(item, Number) else item.value)
            for item in node.items.items
            if isinstance(item, (Number, Text))
        ]
        return Value(reduce(lambda a, b: a | b, items), operand.level, "truth", "")

    # Functions

    def _call(self, node: Call) -> Value:
        name = node.name
        if name in ("yes", "asked"):
            return self._answer(node)
        if name == "where":
            return self._where(node)
        if name in ("lag", "lead", "diff"):
            return self._shift(node)
        if name == "mean" and node.columns("by"):
            return self._group_mean(node)
        if name in ("any", "all"):
            truth = self._number(self._truth(self._value(node.args[0])))
            return self._over_firm(truth, "max" if name == "any" else "min")
        values = [self._number(self._value(argument)) for argument in node.args]
        if name in ("min", "max"):
            return self._extreme(values, name)
        first = values[0]
        if name == "abs":
            return Value(first.expr.abs(), first.level, "number", "", wild=first.wild)
        if name == "isna":
            tame = self._tame(first)
            return Value(tame.expr.is_null(), tame.level, "truth", "")
        if name == "log":
            return self._log(first)
        if name == "exp":
            x = self._ready(first)
            return Value(nw.when(x.expr <= _LOG_LARGEST).then(x.expr.exp()), x.level, "number", "")
        if name == "cut":
            return self._cut(first, node.numbers("breaks"), node.texts("labels"))
        if name == "first":
            return self._first(first)
        if name == "at":
            return self._at(first, node.whole("year") or 0)
        return self._over_firm(first, name)

    def _answer(self, node: Call) -> Value:
        """`yes`: 1 for yes, 0 for no or not applicable, missing without an answer; `asked`: 0 or 1, never
        missing.
        """
        item = node.args[0]
        assert isinstance(item, Name)
        column = self.columns[item.name]
        x, level = nw.col(column.physical), self._levels.get(column.physical, 0)
        if node.name == "yes":
            expr = nw.when(x == 1).then(nw.lit(True)).otherwise(
                nw.when((x == 0) | (x == NOT_APPLICABLE) | (x == SKIPPED_YES)).then(nw.lit(False))
            )  # fmt: skip
        else:
            expr = nw.when((x == 1) | (x == 0) | (x == NO_ANSWER)).then(nw.lit(True)).otherwise(nw.lit(False))
        return Value(expr, level, "truth", "")

    def _where(self, node: Call) -> Value:
        """Missing where the condition is."""
        condition = self._hold(self._truth(self._value(node.args[0])))
        first, second = (self._number(self._value(argument)) for argument in node.args[1:])
        c = condition.expr
        expr = nw.when(c).then(first.expr).otherwise(nw.when(~c).then(second.expr))
        level = max(condition.level, first.level, second.level)
        return Value(expr, level, first.kind, "", wild=first.wild or second.wild,
                      condition=first.condition and second.condition)  # fmt: skip

    def _log(self, value: Value) -> Value:
        """The natural logarithm; of zero or less missing, and counted."""
        x = self._ready(value)
        self._flag("log of zero or less", x.expr <= 0.0, x.level, x.key)
        return Value(nw.when(x.expr > 0.0).then(x.expr.log()), x.level, "number", "")

    def _cut(self, value: Value, breaks: Sequence[float], labels: Sequence[str]) -> Value:
        """Left-closed classes; below the first break missing, the last open."""
        x = self._ready(value)
        expr: nw.Expr = nw.when(x.expr >= breaks[0]).then(nw.lit(labels[0]))
        for low, label in zip(breaks[1:], labels[1:], strict=True):
            expr = nw.when(x.expr >= low).then(nw.lit(label)).otherwise(expr)
        return Value(expr, x.level, "text", "")

    def _extreme(self, values: list[Value], name: str) -> Value:
        """Across the arguments, row by row; missing where one is."""
        best = self._ready(values[0])
        for value in values[1:]:
            other = self._ready(value)
            a, b = best.expr, other.expr
            better, worse = (a <= b, a > b) if name == "min" else (a >= b, a < b)
            expr = nw.when(better).then(a).otherwise(nw.when(worse).then(b))
            level = max(best.level, other.level)
            best = self._hold(Value(expr, level, "number", f"{name}({best.key},{other.key})"))
        return best

    # Windows by firm

    def _over_firm(self, value: Value, how: str) -> Value:
        """Over the firm's rows where the value is not missing; missing where it always is (`count`: 0)."""
        self.windowed = True
        held = self._hold(self._tame(value))
        column = held.expr
        window = {
            "mean": column.mean, "sum": column.sum, "count": column.count,
            "max": column.max, "min": column.min,
        }[how]().over(self._firm)  # fmt: skip
        result = self._hold(Value(window, held.level, held.kind, f"{how} over firm({held.key})"))
        condition = how in ("max", "min") and value.condition
        if how == "count":
            return replace(result, expr=result.expr * nw.lit(1.0), kind="number", physical="", condition=False)
        if how == "sum":  # a sum over nothing is missing here, not zero
            number = self._over_firm(value, "count")
            expr = nw.when(number.expr > 0.0).then(result.expr)
            return Value(expr, max(result.level, number.level), "number", "", wild=True)
        return replace(result, wild=how == "mean", condition=condition)

    def _shift(self, node: Call) -> Value:
        """The value n years before (`lag`) or after (`lead`) by the firm's year, never by its row; `diff`:
        x - lag(x, n).
        """
        self.windowed = True
        n = node.whole("n") or 1
        sign = -1 if node.name == "lead" else 1
        held = self._hold(self._tame(self._number(self._value(node.args[0]))))
        wanted = nw.col(self._year) - sign * n
        found: list[tuple[Value, Value]] = []
        for steps in range(1, n + 1):
            # Both in one stage: one window finds the year before and its value.
            found.append((self._step(self._year, held.level, sign * steps), self._step_of(held, sign * steps)))
        expr: nw.Expr | None = None
        for year, value in found:
            there = nw.when(year.expr == wanted).then(value.expr)
            expr = there if expr is None else there.otherwise(expr)
        assert expr is not None
        level = max(part.level for pair in found for part in pair)
        if node.name == "diff":
            return Value(held.expr - expr, level, "number", "", wild=True)
        return Value(expr, level, held.kind, "", condition=held.condition)

    def _step(self, physical: str, level: int, steps: int) -> Value:
        window = nw.col(physical).shift(steps).over(self._firm, order_by=self._year)
        return self._hold(Value(window, level, "number", f"shift {physical} {steps}"))

    def _step_of(self, held: Value, steps: int) -> Value:
        window = held.expr.shift(steps).over(self._firm, order_by=self._year)
        return self._hold(Value(window, held.level, held.kind, f"shift({held.key}) {steps}"))

    def _first(self, value: Value) -> Value:
        """The firm's earliest value that is not missing, on all its rows."""
        held = self._hold(self._tame(value))
        years = Value(nw.when(~held.expr.is_null()).then(nw.col(self._year)), held.level, "number",
                       f"year of({held.key})")  # fmt: skip
        earliest = self._over_firm(years, "min")
        there = nw.when(nw.col(self._year) == earliest.expr).then(held.expr)
        level = max(held.level, earliest.level)
        return self._over_firm(replace(held, expr=there, level=level, key=f"first({held.key})", physical=""), "max")

    def _at(self, value: Value, year: int) -> Value:
        """The firm's value in that year, on all its rows; missing where it has no row then."""
        tame = self._tame(value)
        there = nw.when(nw.col(self._year) == year).then(tame.expr)
        return self._over_firm(replace(tame, expr=there, key=f"at {year}({tame.key})", physical=""), "max")

    def _group_mean(self, node: Call) -> Value:
        """The mean over a cell (`panels.peers`); missing where a column of `by` is."""
        self.windowed = True
        base = key_of(node)

        def held(name: str, expr: nw.Expr, level: int) -> Value:
            return self._hold(Value(expr, level, "number", f"{name} {base}"))

        def named(name: str) -> Value:
            return self._value(Name(node.offset, name))

        return peer_mean(
            held,
            self._ready(self._value(node.args[0])),
            [self._hold(named(name)) for name in node.columns("by")],
            [self._ready(named(name)) for name in node.columns("weights")],
            Peers(self._firm, self._year, node.whole("at"), node.truth("leave_out"), max(node.whole("min") or 1, 1)),
        )
