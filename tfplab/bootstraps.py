"""What a bootstrap in a spec can be seen to lack before any data are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.registry import PRODUCTIVITY
from specs.errors import Problem
from specs.tree import find

if TYPE_CHECKING:
    from tfplab.plan import ModelPlan, Plan

__all__ = ["check_bootstraps", "drawn_again", "undrawable"]


def drawn_again(plan: Plan, model: ModelPlan) -> tuple[str, ...]:
    """Return the productivity entries with estimated parameters that a model rests on in any way."""
    methods = {one.name: one.method for one in plan.productivity}
    found = dict.fromkeys((*model.given, model.outcome))
    return tuple(name for name in found if name in methods and PRODUCTIVITY[methods[name]].estimates)


def undrawable(plan: Plan, name: str) -> str:
    """Return the productivity entry that keeps another from being drawn again, itself included; empty if none does."""
    steps = {one.name: one for one in plan.productivity}
    for one in (name, *(steps[name].parents if name in steps else ())):
        if one in steps and PRODUCTIVITY[steps[one].method].resampler is None:
            return one
    return ""


def check_bootstraps(plan: Plan) -> list[Problem]:
    """Find models whose bootstrap has a first stage that nothing draws again, or none where one is asked for.

    Parameters
    ----------
    plan : Plan
        Entries with a problem of their own are not in it.
    """
    problems: list[Problem] = []
    methods = {one.name: one.method for one in plan.productivity}
    for step in plan.productivity:
        behind_it = undrawable(plan, step.name) if step.errors is not None else ""
        if behind_it:
            node = find(step.node, ("errors",)) or step.node
            what = f'nothing draws "{behind_it}" again: there is no bootstrap of method: {methods[behind_it]}'
            advice = f"there is one of: {_drawable()}"
            problems.append(Problem(node.position, f"productivity.{step.name}.errors", what, "", advice))
    for model in plan.models:
        options, path = model.options, model.path
        if options.errors.bootstrap is None or options.tfp_uncertainty == "ignore":
            continue
        behind = drawn_again(plan, model)
        for name in behind:
            lacking = undrawable(plan, name)
            if lacking:
                node = find(model.node, ("errors",)) or model.node
                what = f'nothing draws "{lacking}" again: there is no bootstrap of method: {methods[lacking]}'
                advice = f"there is one of: {_drawable()}; or write tfp_uncertainty: ignore to take {name} as given"
                problems.append(Problem(node.position, f"{path}.errors", what, "", advice))
        written = find(model.node, ("tfp_uncertainty",))
        unknown = set(model.estimated) - set(methods)  # entries with a problem of their own
        if options.tfp_uncertainty == "include" and not behind and not unknown and written is not None:
            what = "this model rests on no productivity that this spec estimates"
            problems.append(Problem(written.position, f"{path}.tfp_uncertainty", what, "", "leave the key out"))
    return problems


def _drawable() -> str:
    return ", ".join(name for name, one in PRODUCTIVITY.items() if one.resampler is not None)
