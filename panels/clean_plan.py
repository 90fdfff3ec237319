"""What ``panel.clean`` asks of the columns: names, kinds and conditions, before a row is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from panels.facts import ColumnFacts
from panels.kinds import check_expression
from specs.cleaning import CleanSpec
from specs.errors import Problem, did_you_mean
from specs.expressions import Expression, Name
from specs.tree import Node

__all__ = ["check_cleaning", "only_of_accounts"]

NodeOf = Callable[..., Node]
_PERIODS = ("numbers", "filings", "year", "periods", "months")
"""Keys that only a layout of accounts can serve: it says what a number is, a filing, a flow."""

_SCOPE = "in the panel as it is cleaned, variables: are made behind that"


def check_cleaning(
    clean: CleanSpec, node: NodeOf, columns: Mapping[str, ColumnFacts], absent: Mapping[str, str] | None
) -> list[Problem]:
    """Check the expressions and the names of ``panel.clean`` against columns.

    Parameters
    ----------
    clean : CleanSpec
    node : callable
        The node at a path of the spec.
    columns : mapping of str to ColumnFacts
        Those of the accounts, before deflators and the survey.
    absent : mapping of str to str, optional
        What the files cannot give, and why.
    """
    problems = [*_trim(clean, node, columns, absent), *_jumps(clean, node, columns, absent)]
    for index, condition in enumerate(clean.require):
        problems += _checked(node, ("require", str(index)), condition, columns, absent, condition=True)
    for key, name in _needed(clean):
        if name not in columns:
            why = (absent or {}).get(name, "")
            what = f'no column "{name}" in the panel'
            path = f"panel.clean.{key}"
            advice = "" if why else did_you_mean(name, columns)
            problems.append(Problem(node("panel", "clean", *key.split(".")).position, path, what, why, advice))
    return problems


def only_of_accounts(clean: CleanSpec, node: NodeOf) -> list[Problem]:
    """Return a problem for every key that a ready-made panel cannot have done to it."""
    plain = CleanSpec()
    problems = []
    for key in _PERIODS:
        if getattr(clean, key) == getattr(plain, key):
            continue
        what = f"{key} {'go' if key.endswith('s') else 'goes'} with accounts:"
        meaning, advice = "a ready-made panel is taken as it is", "leave it out"
        if key == "months":
            meaning, advice = "only a layout says which amounts are flows", ""
        problems.append(Problem(node("panel", "clean", key).position, f"panel.clean.{key}", what, meaning, advice))
    return problems


def _needed(clean: CleanSpec) -> Iterator[tuple[str, str]]:
    """Yield what the steps cannot do without: the key of the spec and the column."""
    if clean.minimum_employees is not None:
        yield "minimum_employees", "employees"
    if clean.missing_intermediates == "drop":
        yield "missing_intermediates", "materials"
    if clean.periods != "refuse":
        yield "periods", "months"
    if clean.year == "calendar":
        yield "year", "months"
    if clean.capital is not None:
        yield "capital.stock", clean.capital.stock
        yield "capital.investment", clean.capital.investment


def _trim(
    clean: CleanSpec, node: NodeOf, columns: Mapping[str, ColumnFacts], absent: Mapping[str, str] | None
) -> Iterator[Problem]:
    trim = clean.trim
    if trim is None:
        return
    yield from _values("trim", trim.of, node, columns, absent)
    for index, ratio in enumerate(trim.of):
        if trim.action == "winsorise" and not isinstance(ratio.root, Name):
            # A ratio's quantile is no value of its parts.
            what = f'"{ratio.text}" is no column, and winsorise replaces the values of a column'
            advice = "name columns, or write action: drop or blank"
            place = node("panel", "clean", "trim", "of", str(index)).position
            yield Problem(place, "panel.clean.trim.of", what, "", advice)
    for index, name in enumerate(trim.by):
        if name not in columns:
            place = node("panel", "clean", "trim", "by", str(index)).position
            what, advice = f'no column "{name}" in the panel', did_you_mean(name, columns)
            yield Problem(place, "panel.clean.trim.by", what, "", advice)


def _jumps(
    clean: CleanSpec, node: NodeOf, columns: Mapping[str, ColumnFacts], absent: Mapping[str, str] | None
) -> Iterator[Problem]:
    if clean.jumps is not None:
        yield from _values("jumps", clean.jumps.of, node, columns, absent)


def _values(
    key: str,
    values: Sequence[Expression],
    node: NodeOf,
    columns: Mapping[str, ColumnFacts],
    absent: Mapping[str, str] | None,
) -> Iterator[Problem]:
    """Check a list of values: each a number, none twice."""
    path = f"panel.clean.{key}.of"
    has = "quantiles" if key == "trim" else "logarithm"
    for index, value in enumerate(values):
        place = node("panel", "clean", key, "of", str(index)).position
        yield from _checked(node, (key, "of", str(index)), value, columns, absent)
        if check_expression(value, columns)[0].name == "text":
            yield Problem(
                place, path, f'"{value.text}" is text and has no {has}', "", "name numbers, or ratios of them"
            )
        elif value.text in [one.text for one in values[:index]]:
            yield Problem(place, path, f'"{value.text}" stands twice', "", "leave one out")


def _checked(
    node: NodeOf, path: tuple[str, ...], expression: Expression, columns: Mapping[str, ColumnFacts],
    absent: Mapping[str, str] | None, condition: bool = False,
) -> Iterator[Problem]:  # fmt: skip
    place = node("panel", "clean", *path)
    _, complaints = check_expression(expression, columns, condition, absent, _SCOPE)
    dotted = ".".join(step for step in ("panel", "clean", *path) if not step.isdecimal())
    for one in complaints:
        yield Problem(place.at(one.offset), dotted, one.what, one.meaning, one.advice)
