"""The functions of expressions: what each takes, checked when the expression is read."""

from __future__ import annotations

from dataclasses import dataclass

from specs.errors import did_you_mean
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
)
from specs.tokens import GrammarError

__all__ = ["FUNCTIONS", "Argument", "Function", "bind_call", "kind_of"]


@dataclass(frozen=True, slots=True)
class Argument:
    """What a function takes at one place.

    Attributes
    ----------
    name : str
        By which an option may be written: ``n=2``.
    kind : str
        ``number``, ``condition`` or ``any`` for values; ``item`` (a survey item by its name); ``whole``,
        ``year``, ``truth``, ``column``, ``columns``, ``breaks`` or ``labels`` for options.
    required : bool
    keyword : bool
        Only by name.
    default : int or None
        A whole number that stands for an option that is not written.
    """

    name: str
    kind: str
    required: bool = True
    keyword: bool = False
    default: int | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its arguments, whether more may follow, the kind of its value, an example."""

    arguments: tuple[Argument, ...]
    value: str
    example: str
    more: bool = False


_X = Argument("x", "number")
_ANY = Argument("x", "any")
_CONDITION = Argument("condition", "condition")
_ITEM = Argument("item", "item")
_N = Argument("n", "whole", required=False, default=1)
_GROUPS = (
    Argument("by", "columns", required=False, keyword=True),
    Argument("at", "year", required=False, keyword=True),
    Argument("leave_out", "truth", required=False, keyword=True),
    Argument("weights", "column", required=False, keyword=True),
    Argument("min", "whole", required=False, keyword=True),
)

FUNCTIONS: dict[str, Function] = {
    "log": Function((_X,), "number", "log(labour)"),
    "exp": Function((_X,), "number", "exp(ln_l)"),
    "abs": Function((_X,), "number", "abs(x)"),
    "min": Function((_X, Argument("y", "number")), "number", "min(x, y)", more=True),
    "max": Function((_X, Argument("y", "number")), "number", "max(x, y)", more=True),
    "lag": Function((_ANY, _N), "same", "lag(x) or lag(x, 2)"),
    "lead": Function((_ANY, _N), "same", "lead(x) or lead(x, 2)"),
    "diff": Function((_X, _N), "number", "diff(x) or diff(x, 2)"),
    "first": Function((_ANY,), "same", "first(x)"),
    "mean": Function((_X, *_GROUPS), "number", "mean(x) by firm, or mean(ai, by=[nace3, region], leave_out=true)"),
    "sum": Function((_X,), "number", "sum(x)"),
    "count": Function((_ANY,), "number", "count(x)"),
    "any": Function((_CONDITION,), "number", "any(ai == 1)"),
    "all": Function((_CONDITION,), "number", "all(ai == 1)"),
    "at": Function((_ANY, Argument("year", "year")), "same", "at(x, 2020)"),
    "yes": Function((_ITEM,), "number", "yes(ai_aos)"),
    "asked": Function((_ITEM,), "number", "asked(ai_aos)"),
    "cut": Function(
        (_X, Argument("breaks", "breaks"), Argument("labels", "labels")),
        "text",
        "cut(employees, [10, 20, 50], labels=['10-19', '20-49', '50+'])",
    ),
    "where": Function((_CONDITION, Argument("a", "any"), Argument("b", "any")), "either", "where(ai == 1, x, 0)"),
    "isna": Function((_ANY,), "number", "isna(x)"),
}

_OTHER_NAMES = {
    "ln": "log", "average": "mean", "avg": "mean", "if": "where", "ifelse": "where", "if_else": "where",
    "isnull": "isna", "is.na": "isna", "is_na": "isna", "shift": "lag", "delta": "diff", "pmin": "min",
    "pmax": "max", "total": "sum", "n": "count",
}  # fmt: skip
_OPTIONS = frozenset({"whole", "year", "truth", "column", "columns", "breaks", "labels"})


def kind_of(node: Expr) -> str:
    """Return ``number``, ``text``, ``list``, ``truth`` or ``unknown``: what is known before any data."""
    if isinstance(node, Call):
        value = FUNCTIONS[node.name].value
        if value == "same":
            return kind_of(node.args[0])
        if value == "either":
            kinds = {kind_of(arg) for arg in node.args[1:]} - {"unknown"}
            return kinds.pop() if kinds else "unknown"
        return value
    if isinstance(node, (Number, Unary, Binary, Compare, Logic, Not, Membership)):
        return "number"
    return {Text: "text", ListOf: "list", Truth: "truth", Name: "unknown"}[type(node)]


def require_number(node: Expr, where: str) -> None:
    """Complain about a value that cannot be a number, nor 0 or 1."""
    kind = kind_of(node)
    if kind in ("number", "unknown"):
        return
    shown = {"text": "text", "list": "a list", "truth": '"true" or "false"'}[kind]
    advice = "write 1 or 0" if kind == "truth" else ""
    if kind == "text" and isinstance(node, Text):
        shown = f"the text '{node.value}'"
        advice = "the name of a column stands without quotation marks"
    raise GrammarError(node.offset, f"{shown} stands where {where} wants a number", "", advice)


def require_value(node: Expr, where: str) -> None:
    """Complain about a list, ``true`` or ``false`` where one value is wanted."""
    if kind_of(node) in ("list", "truth"):
        require_number(node, where)


def bind_call(name: str, offset: int, args: list[Expr], kwargs: list[tuple[str, int, Expr]], end: int) -> Call:
    """Put what was written between the brackets in its places, and check it.

    Parameters
    ----------
    name : str
    offset : int
        Of the function's name.
    args : list of Expr
        Written without a name.
    kwargs : list of (str, int, Expr)
        Written with a name, and where.
    end : int
        Of the closing bracket: there something may be missing.

    Raises
    ------
    GrammarError
        For an unknown function, too many, missing or unknown arguments, or one of the wrong kind.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise _unknown_function(name, offset)
    given = _places(name, function, args, kwargs)
    for argument in function.arguments:
        if argument.required and argument.name not in given:
            raise GrammarError(
                end, f'{name}() lacks "{argument.name}"', _why_missing(name), f"write {function.example}"
            )
    for argument in function.arguments:
        if argument.name in given:
            _check(name, argument, given[argument.name])
        elif argument.default is not None:
            given[argument.name] = Number(offset, argument.default)
    rest = tuple(args[len(function.arguments) :]) if function.more else ()
    for extra in rest:
        _check(name, function.arguments[-1], extra)
    values = tuple(given[one.name] for one in function.arguments if one.kind not in _OPTIONS)
    options = tuple(
        (one.name, given[one.name]) for one in function.arguments if one.kind in _OPTIONS and one.name in given
    )
    call = Call(offset, name, values + rest, options)
    _check_together(call)
    return call


def _unknown_function(name: str, offset: int) -> GrammarError:
    if name == "sqrt":
        return GrammarError(offset, 'no function "sqrt"', "", "write x^0.5")
    if name in _OTHER_NAMES:
        return GrammarError(offset, f'no function "{name}"', "", f'write "{_OTHER_NAMES[name]}"')
    advice = did_you_mean(name, FUNCTIONS) or f"there are: {', '.join(FUNCTIONS)}"
    return GrammarError(offset, f'no function "{name}"', "", advice)


def _why_missing(name: str) -> str:
    return f"{name}() compares its arguments row by row" if name in ("min", "max") else ""


def _places(name: str, function: Function, args: list[Expr], kwargs: list[tuple[str, int, Expr]]) -> dict[str, Expr]:
    by_place = [argument for argument in function.arguments if not argument.keyword]
    if len(args) > len(by_place) and not function.more:
        extra = args[len(by_place)]
        by_name = [argument.name for argument in function.arguments if argument.keyword]
        advice = f"write the options by name: {', '.join(one + '=' for one in by_name)}" if by_name else ""
        raise GrammarError(extra.offset, f"{name}() is given too much", "", advice or f"write {function.example}")
    given = {argument.name: value for argument, value in zip(by_place, args, strict=False)}
    options = [argument.name for argument in function.arguments if argument.kind in _OPTIONS]
    for key, place, value in kwargs:
        if key not in options:
            advice = did_you_mean(key, options) or (f"there are: {', '.join(options)}" if options else "")
            raise GrammarError(place, f'{name}() has no option "{key}"', "", advice or f"write {function.example}")
        if key in given:
            raise GrammarError(place, f'{name}() is given "{key}" twice')
        given[key] = value
    return given


def _check(name: str, argument: Argument, value: Expr) -> None:
    kind, where = argument.kind, f"{name}()"
    if kind in ("number", "condition"):
        require_number(value, where)
    elif kind == "any":
        require_value(value, where)
    elif kind == "item":
        if not isinstance(value, Name):
            raise GrammarError(value.offset, f"{where} wants the name of a survey item", "", f"write {name}(ai_aos)")
    elif kind in ("whole", "year"):
        _check_whole(name, argument, value)
    elif kind == "truth":
        if not isinstance(value, Truth):
            raise GrammarError(value.offset, f"{argument.name} is true or false", "", f"write {argument.name}=true")
    elif kind == "column":
        if not isinstance(value, Name):
            raise GrammarError(
                value.offset, f"{argument.name} is the name of a column", "", f"write {argument.name}=weight"
            )
    else:
        _check_list(argument, value)


def _check_whole(name: str, argument: Argument, value: Expr) -> None:
    number = value.value if isinstance(value, Number) and isinstance(value.value, int) else None
    if argument.kind == "year":
        if number is None or not 1000 <= number <= 9999:
            raise GrammarError(value.offset, f"{argument.name} in {name}() is a year of four digits")
    elif number is None or number < 1:
        other = {"lag": "lead", "lead": "lag"}.get(name)
        advice = f"for the other direction write {other}()" if other and number is not None and number < 0 else ""
        raise GrammarError(value.offset, f"{argument.name} in {name}() is a whole number from 1", "", advice)


def _check_list(argument: Argument, value: Expr) -> None:
    wanted: dict[str, tuple[type, str]] = {
        "columns": (Name, "columns: by=[nace, region]"),
        "breaks": (Number, "numbers: [10, 20, 50]"),
        "labels": (Text, "quoted texts: labels=['10-19', '20-49', '50+']"),
    }
    kind, shown = wanted[argument.kind]
    if not isinstance(value, ListOf) or not value.items:
        raise GrammarError(value.offset, f"{argument.name} is a list of {shown}")
    seen: list[object] = []
    for item in value.items:
        if not isinstance(item, kind):
            raise GrammarError(item.offset, f"{argument.name} is a list of {shown}")
        content = item.name if isinstance(item, Name) else getattr(item, "value", None)
        if content in seen:
            raise GrammarError(item.offset, f'"{content}" stands twice in {argument.name}')
        seen.append(content)


def _check_together(call: Call) -> None:
    """Check what one argument asks of another."""
    if call.name == "cut":
        breaks, labels = call.numbers("breaks"), call.texts("labels")
        place = call.option("breaks") or call
        if list(breaks) != sorted(breaks):
            raise GrammarError(place.offset, "the breaks of cut() do not ascend")
        if len(breaks) != len(labels):
            raise GrammarError(
                (call.option("labels") or call).offset,
                f"{len(breaks)} breaks and {len(labels)} labels",
                "each break opens a class and the last class is open",
                "give each break one label",
            )
    elif call.name == "mean" and not call.columns("by"):
        for key, value in call.kwargs:
            advice = "write at(x, 2021) for a firm's own value" if key == "at" else "write mean(x, by=[nace], ...)"
            raise GrammarError(
                value.offset,
                f'"{key}" in mean() goes with by=',
                "without it the mean is the firm's own",
                advice,
            )
    elif call.name == "where":
        kinds = {kind_of(arg) for arg in call.args[1:]} - {"unknown"}
        if len(kinds) > 1:
            raise GrammarError(call.args[2].offset, "where() gives text in one case and a number in the other")
