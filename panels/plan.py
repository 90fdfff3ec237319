"""The first gate of a panel: what the layouts promise, whether the spec's expressions fit. Opens no data."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from panels.clean_plan import check_cleaning, only_of_accounts
from panels.facts import ColumnFacts
from panels.kinds import check_expression, facts_of
from panels.link_columns import bridge_columns, covariate_problems, link_columns
from panels.shipped import LAYOUTS, Promise, promise_of
from specs.cleaning import CleanSpec
from specs.errors import Position, Problem
from specs.expressions import Expression
from specs.panel import PanelSpec
from specs.tree import Node, find

__all__ = [
    "CAPITAL", "DEFLATED", "KEYS", "PanelPlan", "capital_column", "check_variables", "columns_of_survey",
    "layouts_of", "names_of_respondents", "plan_columns", "real_columns", "table_keys",
]  # fmt: skip

DEFLATED = {
    "value_added": "output",
    "turnover": "output",
    "materials": "intermediates",
    "capital": "investment",
    "investment": "investment",
}
"""Which index turns an amount of the accounts into one at the prices of the base year."""

CAPITAL = "capital_pim"


@dataclass(frozen=True, slots=True)
class PanelPlan:
    """What is needed to build a panel.

    Attributes
    ----------
    panel : PanelSpec
    root : Node
        The whole spec, for positions.
    variables : mapping of str to Expression
        Those that need no productivity column, in an order in which each finds what it uses.
    """

    panel: PanelSpec
    root: Node
    variables: Mapping[str, Expression] = field(default_factory=dict)

    def node(self, *path: str) -> Node:
        """Return the node at a path, the nearest above it where it is not written."""
        node = self.root
        for step in path:
            below = find(node, (step,))
            if below is None:
                break
            node = below
        return node


KEYS = {"firm": ColumnFacts("firm", "text", "", "key"), "year": ColumnFacts("year", "number", "", "key")}


def plan_columns(plan: PanelPlan) -> tuple[dict[str, ColumnFacts] | None, tuple[Problem, ...]]:
    """The first gate: the columns that the layouts promise, without opening a data file.

    Returns
    -------
    columns : dict of str to ColumnFacts, or None
        None for a ready-made panel, whose columns are known at the second gate, and where a layout has a
        problem.
    problems : tuple of Problem
        Of the layouts, and of what they cannot give: months to clean by, a NACE section to deflate by.
    """
    accounts, survey, bridge, problems = layouts_of(plan, _promised)
    if plan.panel.table is not None:
        return None, tuple(problems + table_keys(plan))
    bridged = bridge_columns(plan.panel)
    if accounts is None or (plan.panel.survey is not None and survey is None) or (bridged and bridge is None):
        return None, tuple(problems)
    columns = {**KEYS, **accounts.columns, **bridged}
    problems += _wanted(plan, columns)
    if plan.panel.deflators is not None:
        columns |= real_columns(columns)
    columns |= capital_column(plan.panel.clean, columns)
    if survey is not None:
        problems += _both(plan, columns, survey)
        problems += covariate_problems(plan.panel, plan.node, survey.columns)
        columns |= {**survey.columns, **link_columns(plan.panel)}
    return columns, tuple(problems)


def columns_of_survey(plan: PanelPlan) -> tuple[str, ...] | None:
    """Return the columns that the survey's layout promises; None without a survey, or where the layout is wrong."""
    _, survey, _, _ = layouts_of(plan, _promised)
    return None if survey is None else tuple(survey.columns)


def names_of_respondents(variables: Mapping[str, Expression], columns: Container[str]) -> tuple[str, ...]:
    """Return the variables that are made of the survey's columns and of nothing else.

    Parameters
    ----------
    variables : mapping of str to Expression
        In an order in which each finds what it uses.
    columns : container of str
        Of the survey; the keys are columns too.
    """
    found: list[str] = []
    for name, expression in variables.items():
        if all(used in columns or used in found or used in KEYS for used, _ in expression.names()):
            found.append(name)
    return tuple(found)


def check_variables(
    plan: PanelPlan, columns: Mapping[str, ColumnFacts], absent: Mapping[str, str] | None = None
) -> tuple[dict[str, ColumnFacts], tuple[Problem, ...]]:
    """Check the expressions of the panel and its variables against columns.

    Parameters
    ----------
    plan : PanelPlan
    columns : mapping of str to ColumnFacts
        All that there are before `variables`.
    absent : mapping of str to str, optional
        What the files cannot give, and why (`Inspection.absent`).

    Returns
    -------
    columns : dict of str to ColumnFacts
        Those given and the variables.
    problems : tuple of Problem
        Names that there are not, texts where numbers are wanted; each at its character.
    """
    problems: list[Problem] = []
    known = dict(columns)
    before = {name: facts for name, facts in columns.items() if not facts.step}
    if plan.panel.clean is not None:
        problems += check_cleaning(plan.panel.clean, plan.node, before, absent)
    for name, expression in plan.variables.items():
        node = plan.node("variables", name)
        path = f"variables.{name}"
        if name in columns:
            what = f'the panel has a column "{name}" already'
            problems.append(Problem(_key_position(plan, name), path, what, "", "choose another name"))
        kind, complaints = check_expression(expression, known, absent=absent)
        problems += [Problem(node.at(one.offset), path, one.what, one.meaning, one.advice) for one in complaints]
        known[name] = facts_of(name, expression, kind)
    for key in ("where", "where_ever"):
        condition: Expression | None = getattr(plan.panel, key)
        if condition is not None:
            problems += _checked(plan, ("panel", key), condition, known, absent, condition=True)
    return known, tuple(problems)


def _key_position(plan: PanelPlan, name: str) -> Position:
    entry = plan.node("variables").entries.get(name)
    return entry.key_position if entry else plan.root.position


def _checked(
    plan: PanelPlan, path: tuple[str, ...], expression: Expression, columns: Mapping[str, ColumnFacts],
    absent: Mapping[str, str] | None, condition: bool = False,
) -> list[Problem]:  # fmt: skip
    node = plan.node(*path)
    _, complaints = check_expression(expression, columns, condition, absent)
    dotted = ".".join(step for step in path if not step.isdecimal())
    return [Problem(node.at(one.offset), dotted, one.what, one.meaning, one.advice) for one in complaints]


def _promised(name: str, base: Path, position: Position, path: str) -> tuple[Promise | None, tuple[Problem, ...]]:
    if name in LAYOUTS:
        return promise_of(name), ()
    from panels.layout import load_layout

    layout, problems = load_layout(name, base, position, path)
    return layout.promise() if layout is not None else None, problems


class _OfATable(Protocol):
    @property
    def table(self) -> str: ...


T = TypeVar("T", bound=_OfATable)


_TABLES = {"accounts": "accounts", "survey": "a survey", "bridge": "a bridge"}


def layouts_of(
    plan: PanelPlan, load: Callable[[str, Path, Position, str], tuple[T | None, tuple[Problem, ...]]]
) -> tuple[T | None, T | None, T | None, list[Problem]]:
    """Return the layouts of accounts, survey and bridge as `load` reads them, and what is wrong with them.

    Parameters
    ----------
    plan : PanelPlan
    load : callable
        ``load(name, base, position, path)``: `panels.layout.load_layout`, or what asks less of a layout.
    """
    panel, problems = plan.panel, list[Problem]()
    bridge = panel.link.bridge if panel.link is not None else None
    found: list[T | None] = []
    for steps, source in ((("accounts",), panel.accounts), (("survey",), panel.survey), (("link", "bridge"), bridge)):
        layout = None
        if source is not None:
            node, path = plan.node("panel", *steps, "layout"), ".".join(("panel", *steps, "layout"))
            layout, wrong = load(source.layout, node.position.folder, node.position, path)
            problems += wrong
            if layout is not None and layout.table != steps[-1]:
                what = f'"{source.layout}" is a layout of {_TABLES[layout.table]}'
                problems.append(Problem(node.position, path, what))
                layout = None
        found.append(layout)
    return found[0], found[1], found[2], problems


def table_keys(plan: PanelPlan) -> list[Problem]:
    """What a ready-made panel lacks, or cannot have done to it."""
    problems = []
    for key in ("firm", "year"):
        if getattr(plan.panel, key) is None:
            node = plan.node("panel")
            problems.append(Problem(node.position, "panel", f'a ready-made panel lacks the key "{key}"', "",
                                    f"name the column: {key}: {key}"))  # fmt: skip
    if plan.panel.clean is not None:
        problems += only_of_accounts(plan.panel.clean, plan.node)
    return problems


def _wanted(plan: PanelPlan, columns: Mapping[str, ColumnFacts]) -> list[Problem]:
    """What the steps of the panel ask of the accounts' layout."""
    problems = []
    clean = plan.panel.clean
    if clean is not None and clean.months is not None and "months" not in columns:
        node = plan.node("panel", "clean", "months")
        problems.append(Problem(node.position, "panel.clean.months", 'the layout has no concept "months"'))
    if plan.panel.deflators is not None:
        node = plan.node("panel", "deflators")
        if "nace" not in columns:
            problems.append(Problem(node.position, "panel.deflators", 'the layout has no concept "nace"'))
        elif not real_columns(columns):
            what = f"the layout has none of {', '.join(DEFLATED)}"
            problems.append(Problem(node.position, "panel.deflators", what))
    return problems


def _both(plan: PanelPlan, columns: Mapping[str, ColumnFacts], survey: Promise) -> list[Problem]:
    node = plan.node("panel", "survey", "layout")
    return [
        Problem(
            node.position, "panel.survey.layout",
            f'the layouts of accounts and survey both yield "{name}"', "",
            "rename it in a layout of your own",
        )
        for name in survey.columns
        if name in columns
    ]  # fmt: skip


def real_columns(columns: Mapping[str, ColumnFacts]) -> dict[str, ColumnFacts]:
    """Return the facts of the amounts that deflators add."""
    return {
        f"{name}_real": ColumnFacts(f"{name}_real", "number", "EUR, base year", f"{name} / {index}", step="deflate")
        for name, index in DEFLATED.items()
        if name in columns
    }


def capital_column(clean: CleanSpec | None, columns: Mapping[str, ColumnFacts]) -> dict[str, ColumnFacts]:
    """Return the facts of capital by the perpetual inventory method, where the spec asks for it."""
    spec = clean.capital if clean is not None else None
    if spec is None or spec.stock not in columns:
        return {}
    made = f"{spec.stock} of the first year, less {spec.depreciation:g} a year, plus {spec.investment}"
    real = columns.get(f"{spec.stock}_real", columns[spec.stock])
    return {CAPITAL: ColumnFacts(CAPITAL, "number", real.unit, made, step="capital")}
