"""Columns whose levels are told apart, in a technology each, as indicators or in a figure: none may be a firm's own.

No firm-level row enters a bundle, and a number for each level of such a column would be one. By name, at the first
gate: the panel's firm under whatever name there is for it. By value, before anything is estimated: a column with
hardly more than one firm a level, and a number that forms no groups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estimation.registry import PRODUCTIVITY
from specs.errors import Problem
from specs.expressions import Call, Expr, Name
from specs.tree import find
from tfplab.places import dotted

if TYPE_CHECKING:
    from panels.frame import FirmPanel, NumberColumn, TextColumn
    from specs.errors import Position
    from tfplab.plan import Plan

__all__ = ["check_groups", "check_levels"]

HANDS_ON = {"lag": (0,), "lead": (0,), "first": (0,), "at": (0,), "where": (1, 2)}
"""Functions whose value is that of one of their arguments, and which."""
LEVELS_OF = ("formula", "by", "split", "add_controls", "instruments", "balance", "of")
"""Keys of models whose columns are told apart by their levels."""
FEWEST_FIRMS = 2
"""Firms that there must be for each level."""
MOST_NUMBERS = 20
"""Values of a number that makes groups of a regression."""
NO_ROW = "no firm-level row enters a bundle"


@dataclass(frozen=True, slots=True)
class _Use:
    """A column whose levels a part of the spec tells apart."""

    name: str
    path: str
    position: Position
    what: str  # "separately_by", "formula", "by"
    method: str = ""


def check_groups(plan: Plan) -> list[Problem]:
    """Find groups of firms that are the firms, and groups of years where a method looks a year back.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of Problem
    """
    firms, years = _standing_for(plan, "firm"), _standing_for(plan, "year")
    problems: list[Problem] = []
    for use in _uses(plan):
        if use.name in firms:
            means, advice = f"each level would be one firm, and {NO_ROW}", "take a coarser column: a sector, a size"
            problems.append(Problem(use.position, use.path, _is_key(use.name, "firm"), means, advice))
        elif use.name in years and use.what == "separately_by" and PRODUCTIVITY[use.method].lagged:
            means = f"{use.method} looks a year back, and a group of one year has no year before"
            advice = f"leave it out; controls: [{use.name}] has an indicator for each year"
            problems.append(Problem(use.position, use.path, _is_key(use.name, "year"), means, advice))
    return problems


def check_levels(plan: Plan, panel: FirmPanel) -> list[Problem]:
    """Find columns of groups that have a level for hardly more than one firm each, or are no groups at all.

    Parameters
    ----------
    plan : Plan
    panel : FirmPanel
        Without productivity columns.

    Returns
    -------
    list of Problem
    """
    later = {*plan.productivity_names, *plan.late_variables}
    problems: list[Problem] = []
    told: dict[tuple[str, str], tuple[str, str, str] | None] = {}
    for use in _uses(plan):
        if use.name in later:
            continue
        if (use.name, use.what) not in told:
            column = panel.select((use.name,)).columns[use.name]
            told[use.name, use.what] = _no_groups(use.name, column, panel.n_firms, use.what)
        wrong = told[use.name, use.what]
        if wrong is not None:
            problems.append(Problem(use.position, use.path, *wrong))
    return problems


def _is_key(name: str, key: str) -> str:
    return f'"{name}" is the panel\'s {key}' if name == key else f'"{name}" holds the panel\'s {key}'


def _standing_for(plan: Plan, key: str) -> set[str]:
    """Return every name of a key: its own, that of a ready-made panel, variables that hand its values on."""
    panel = plan.spec.panel
    written = None if panel is None else (panel.firm if key == "firm" else panel.year)
    found = {key, *([written] if written is not None else [])}
    for variables in (plan.early_variables, plan.late_variables):
        for name, expression in variables.items():
            if found & _handed_on(expression.root, shifted=key == "firm"):
                found.add(name)
    return found


def _handed_on(node: Expr, *, shifted: bool) -> set[str]:
    """Return the columns whose values an expression may take as they are; `shifted`: those of other rows too."""
    if isinstance(node, Name):
        return {node.name}
    if shifted and isinstance(node, Call) and node.name in HANDS_ON:
        places = HANDS_ON[node.name]
        return {name for place in places for name in _handed_on(node.args[place], shifted=True)}
    return set()


def _uses(plan: Plan) -> Iterator[_Use]:
    root = plan.spec.root
    for step in plan.productivity:
        path = f"productivity.{step.name}.separately_by"
        node = find(step.node, ("separately_by",)) or step.node
        for place, name in enumerate(getattr(step.options, "separately_by", ())):
            here = find(node, (place,)) or node
            yield _Use(name, path, here.position, "separately_by", step.method)
    for model in plan.models:
        for use in model.options.uses():
            if use.place[0] in LEVELS_OF and not (use.outcome or use.written or use.wants == "effect"):
                here = find(model.node, use.place) or model.node
                inside = ("add_controls", "instruments", "balance", "of")
                what = "formula" if use.place[0] in inside else str(use.place[0])
                yield _Use(use.name, dotted(model.path, use.place), here.at(use.offset), what)
            elif use.wants == "text":
                # A number for each level, and the estimate with all of them.
                here = find(model.node, use.place) or model.node
                yield _Use(use.name, dotted(model.path, use.place), here.position, "by")
    for figure in plan.figures:
        if figure.by is not None:
            here = find(root, ("figures", figure.name, "by")) or root
            yield _Use(figure.by, f"figures.{figure.name}.by", here.position, "by")


def _no_groups(name: str, column: TextColumn | NumberColumn, n_firms: int, what: str) -> tuple[str, str, str] | None:
    """Return why the levels of a column are no groups of firms; None where they are."""
    import numpy as np

    from panels.frame import TextColumn

    if isinstance(column, TextColumn):
        levels, advice = len(column.levels), "take a coarser column"
    elif what == "formula":
        return None  # a number enters as it is
    else:
        values = np.unique(column.values[~column.missing()])
        levels = int(values.size)
        advice = f"make classes of it: cut({name}, [0, 10, 50], labels=['low', 'middle', 'high'])"
        if what == "separately_by" and bool(np.any(values != np.floor(values))):
            wrong = f'"{name}" is a number with values that are not whole, {levels:,} in all'
            return wrong, "each would be a group with a technology of its own", advice
        if what == "split" and levels > MOST_NUMBERS:
            return f'"{name}" is a number with {levels:,} values', "each would be a group", advice
    if levels * FEWEST_FIRMS <= n_firms:
        return None
    wrong = f'"{name}" has {levels:,} levels, the panel {n_firms:,} firms'
    return wrong, f"groups so small speak of single firms, and {NO_ROW}", advice
