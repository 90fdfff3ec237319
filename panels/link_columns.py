"""The columns that the bridge and the link add to a panel, and what a spec may ask of them. Opens no data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from panels.facts import ColumnFacts
from panels.kinds import CONDITION
from specs.errors import Problem, did_you_mean
from specs.panel import PanelSpec
from specs.tree import Node

__all__ = [
    "BRIDGED", "LINKED", "LINK_STATUS", "LINK_WEIGHT", "SIZE_CLASS", "bridge_columns", "covariate_problems",
    "link_columns",
]  # fmt: skip

LINKED = ColumnFacts("linked", "number", CONDITION, "1 where the firm answered the survey of that year", step="link")
LINK_STATUS = ColumnFacts(
    "link_status", "text", "", "what became of the survey's unit, where it is linked", step="link"
)
LINK_WEIGHT = ColumnFacts(
    "link_weight", "number", "", "1 over the probability of being linked, times design weight", step="link"
)
BRIDGED = (
    ColumnFacts("legal_units", "number", "units", "legal units of the enterprise by the bridge"),
    ColumnFacts("units_missing", "number", "units", "those of them without accounts of the year"),
    ColumnFacts("intra_group", "number", CONDITION, "1 where the accounts of more than one legal unit are summed"),
)
SIZE_CLASS = "size_class"
"""A covariate beside the survey's columns: the classes of the survey's employees."""

_EMPLOYEES = "survey_employees"


def bridge_columns(panel: PanelSpec) -> dict[str, ColumnFacts]:
    """Return the facts of what the bridge adds to the accounts; nothing without one."""
    bridged = panel.link is not None and panel.link.bridge is not None
    return {facts.name: facts for facts in BRIDGED} if bridged else {}


def link_columns(panel: PanelSpec) -> dict[str, ColumnFacts]:
    """Return the facts of what the link adds besides the survey's own columns."""
    added = {"linked": LINKED, "link_status": LINK_STATUS}
    weighted = panel.link is not None and panel.link.propensity is not None
    return added | {"link_weight": LINK_WEIGHT} if weighted else added


def covariate_problems(
    panel: PanelSpec,
    node: Callable[..., Node],
    survey: Mapping[str, ColumnFacts],
    absent: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Find covariates of the propensity that are no columns of the survey.

    Parameters
    ----------
    panel : PanelSpec
    node : callable
        `PanelPlan.node`: where a path of the spec is written.
    survey : mapping of str to ColumnFacts
        What the survey yields, without its keys.
    absent : mapping of str to str, optional
        What its files cannot give, and why.
    """
    propensity = panel.link.propensity if panel.link is not None else None
    lost = absent or {}
    problems = []
    for index, name in enumerate(propensity.covariates if propensity is not None else ()):
        place, path = node("panel", "link", "propensity", "covariates", str(index)), "panel.link.propensity.covariates"
        column = _EMPLOYEES if name == SIZE_CLASS else name
        if column in survey and column != "wave":
            continue
        if column in lost:
            what = f'no column "{name}" can be made of the files'
            problems.append(Problem(place.position, path, what, lost[column]))
            continue
        what, meaning = f'no column "{name}" in the survey', "of units without accounts nothing else is known"
        if column == "wave":
            meaning = "each wave has weights of its own"
        known = [*(one for one in survey if one != "wave"), SIZE_CLASS]
        problems.append(Problem(place.position, path, what, meaning, did_you_mean(name, known)))
    return problems
