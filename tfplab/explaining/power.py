"""``tfplab explain --data``: what a design can find on its panel, before anybody looks at what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from specs.expressions import Expression
from tfplab.plan import ModelPlan, Plan

if TYPE_CHECKING:
    from estimation.results import Estimates, Failed
    from panels.frame import FirmPanel

__all__ = ["power_told"]


def power_told(plan: Plan, panel: FirmPanel) -> Mapping[str, str]:
    """Return, for every model with ``power:``, its minimum detectable effect and its power, in a sentence.

    The productivity behind these models is estimated, and the models themselves; of their estimates
    the standard error of ``att[simple]`` alone is read. An effect that is the same for all firms does not move it.

    Parameters
    ----------
    plan : Plan
    panel : FirmPanel
    """
    asked = [one for one in plan.models if getattr(one.options, "power", None) is not None]
    if not asked:
        return {}

    from threadpoolctl import threadpool_limits

    from tfplab.bootstrapping import Chain
    from tfplab.steps import add_productivity, estimate_model, estimate_productivity

    told: dict[str, str] = {}
    with threadpool_limits(1):
        plan = _needed(plan, asked)
        fits: dict[str, Any] = {}
        for step in sorted(plan.productivity, key=lambda one: bool(one.parents)):
            fits[step.name] = estimate_productivity(plan, step, panel, fits)
        after, lost = add_productivity(plan, panel, fits)
        chain = Chain(plan, panel, after, fits)
        for model in asked:
            # What is asked beyond the effects is of no use here, and takes its time.
            plain = replace(model, options=model.options.model_copy(update={"sensitivity": None}))
            told[model.name] = _told(plan, model, estimate_model(plain, chain, lost))
    return told


def _needed(plan: Plan, models: list[ModelPlan]) -> Plan:
    """Return the plan with the productivity that some models rest on, and the variables that can be made of it."""
    names = {name for model in models for name in model.estimated}
    steps = {one.name: one for one in plan.productivity}
    names |= {parent for name in names for parent in steps[name].parents}
    there: dict[str, Expression] = {}
    later = {*plan.productivity_names, *plan.late_variables}
    for name, expression in plan.late_variables.items():
        if all(used not in later or used in names or used in there for used, _ in expression.names()):
            there[name] = expression
    kept = tuple(one for one in plan.productivity if one.name in names)
    return replace(plan, productivity=kept, late_variables=there)


def _told(plan: Plan, model: ModelPlan, found: Estimates | Failed) -> str:
    from estimation.results import Failed

    if isinstance(found, Failed):
        return f"cannot be had: {found.reason}"
    power, rule = found.power, plan.spec.disclosure
    if power is None:
        return "cannot be had: there is no standard error"
    sides = (int(found.stats["n_treated_firms"] or 0), int(found.stats["n_control_firms"] or 0))
    if rule.on_breach != "report" and min(power["n_firms"], *sides) < rule.minimum_firms:
        return f"withheld: it rests on fewer than {rule.minimum_firms} firms"
    clusters = ", ".join(f"{count:,} clusters of {name}" for name, count in found.errors.clusters.items())
    first = ", the first stage's part included" if found.errors.tfp_uncertainty == "include" else ""
    return (
        f"minimum detectable effect {power['minimum_detectable_effect']:.4g} at {100 * power['target']:g} % power and "
        f"{100 * power['level']:g} %, two-sided; power to find {power['effect']:g}: {100 * power['power']:.1f} %. From "
        f"the standard error of {power['term']} under this design on this panel, {power['std_error']:.4g} "
        f"({sides[0]:,} firms treated, {sides[1]:,} beside them; {clusters}{first}); the estimate itself is not shown"
    )
