"""The conditions of entries, models and figures against the panel's values, before anything is estimated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from estimation.registry import DESIGNS
from specs.errors import EstimationError, Problem
from specs.tree import Node, find

if TYPE_CHECKING:
    from panels.frame import FirmPanel
    from specs.expressions import Expression
    from tfplab.plan import Plan

__all__ = ["check_conditions"]


def check_conditions(plan: Plan, panel: FirmPanel) -> list[Problem]:
    """Find conditions that join numbers other than 0 and 1, or that no row fulfils.

    Parameters
    ----------
    plan : Plan
    panel : FirmPanel
        Without productivity columns: conditions that rest on them are known after estimation.

    Returns
    -------
    list of Problem
    """
    problems: list[Problem] = []
    rows_of = {f"models.{one.name}": panel.respondents for one in plan.models if DESIGNS[one.design].respondents}
    found: dict[str, tuple[str, str, str] | None] = {}
    later = {*plan.productivity_names, *plan.late_variables}
    for path, where, node in _conditions(plan):
        if later & {name for name, _ in where.names()}:
            continue
        here = rows_of.get(path, panel)
        if here is None:
            continue  # nobody answered: the model fails by name
        written = str(where) if here is panel else f"respondents: {where}"
        if written not in found:
            found[written] = _wrong(here, where, "the panel" if here is panel else "the survey")
        wrong = found[written]
        if wrong is not None:
            problems.append(Problem((find(node, ("where",)) or node).position, f"{path}.where", *wrong))
    return problems


def _conditions(plan: Plan) -> Iterator[tuple[str, Expression, Node]]:
    for section, bound in (("productivity", plan.productivity), ("models", plan.models)):
        for one in bound:
            if one.options.where is not None:
                yield f"{section}.{one.name}", one.options.where, one.node
    for figure in plan.figures:
        if figure.where is not None:
            yield (
                f"figures.{figure.name}",
                figure.where,
                find(plan.spec.root, ("figures", figure.name)) or plan.spec.root,
            )


def _wrong(panel: FirmPanel, where: Expression, of: str) -> tuple[str, str, str] | None:
    try:
        rows = panel.select((), where)
    except EstimationError as error:
        what, _, advice = str(error).removeprefix("where: ").partition(", ")
        return what, "", advice
    if rows.rows.size:
        return None
    missing = rows.outside.get("where is missing", 0)
    meaning = f"it is missing in {missing:,} of {panel.n_rows:,} rows" if missing else ""
    return f"no row of {of} fulfils this condition", meaning, "check its columns and values"
