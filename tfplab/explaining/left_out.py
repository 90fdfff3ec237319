"""What will be left out: the rules by which rows leave, and what the spec has and nothing uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from estimation.designs.methods import CHOICE
from estimation.registry import DESIGNS, PRODUCTIVITY
from tfplab.explaining.account import Block, Part, Section, Told
from tfplab.names import names_of_model
from tfplab.plan import ModelPlan, Plan, ProductivityPlan

__all__ = ["left_out", "rows_needed"]

_OTHERWISE = {
    "descriptives": "for each variable the rows that do not know it: every line has a sample of its own",
    "adoption_rates": "for each item the respondents who were not asked it or gave no answer",
    "decomposition": "rows without the outcome, a weight or a group",
    "distribution": "rows without the outcome, the group or a covariate",
    "did": "firms whose date of adoption is not known, rows without the outcome, and firms without the covariates in "
    "the base year; firms treated in all their years have nothing to compare with",
    "long_difference": "firms that are not seen at both ends of a window; windows with a regressor that is not known",
}


def left_out(plan: Plan) -> Section:
    """Return the rules by which rows leave each estimate, and what is in the spec and used by nothing.

    Parameters
    ----------
    plan : Plan
    """
    alike: dict[tuple[Part, ...], list[str]] = {}
    for step in plan.productivity:
        alike.setdefault((Told("", _of_entry(step)), *_copied(step.notes)), []).append(step.name)
    for model in plan.models:
        alike.setdefault((Told("", _of_model(model, plan)), *_copied(model.notes)), []).append(model.name)
    blocks = [Block(", ".join(names), parts) for parts, names in alike.items()]
    unused = list(_unused(plan))
    if unused:
        blocks.append(Block("the whole spec", tuple(Told("", one) for one in unused)))
    lead = "Every row that leaves is counted, by reason, in the ledger of the run; --data counts those that stay."
    return Section("What will be left out", lead, blocks)


def rows_needed(step: ProductivityPlan) -> tuple[str, ...]:
    """Return the columns that a row must have to enter a productivity estimate."""
    return tuple(dict.fromkeys(PRODUCTIVITY[step.method].columns(step.options)))


def _of_entry(step: ProductivityPlan) -> str:
    rules = _outside(step.options.where)
    parents = set(step.parents)
    rules.append(_without([name for name in rows_needed(step) if name not in parents]))
    if parents:
        rules.append(f"rows for which {_or(step.parents)} cannot be had")
    if PRODUCTIVITY[step.method].lagged:
        # Groups that are too small leave nothing out: they are estimated with others.
        apart = (
            ", and the first in a group with another technology" if getattr(step.options, "separately_by", ()) else ""
        )
        rules.append(f"from equations with values of t-1: the first year of a firm, and the first after a gap{apart}")
    return "; ".join(rules)


def _of_model(model: ModelPlan, plan: Plan) -> str:
    rules = _outside(model.options.where)
    entry = DESIGNS[model.design]
    read = [*dict.fromkeys((*entry.columns(model.options), *model.options.errors.columns))]
    if model.design in _OTHERWISE:
        rules.append(_OTHERWISE[model.design])
    else:
        rules.append(_without([name for name in read if name not in ("firm", "year", *plan.productivity_names)]))
    rules += _besides(model)
    if model.design == "fixed_effects":
        rules.append("rows that are alone in a level of an effect")
    late = [name for name in read if name in plan.productivity_names]
    if late:
        rules.append(f"rows for which {_or(late)} cannot be had")
    return "; ".join(rules)


def _besides(model: ModelPlan) -> Iterator[str]:
    """Yield rules by which rows leave whose columns are known."""
    options = model.options
    formula = getattr(options, "formula", None)
    if formula is not None:
        factors = (options.left, *(one for term in formula.terms for one in term.factors))
        logs = list(dict.fromkeys(one.name for one in factors if one.transform == "log"))
        if logs:
            yield f"rows whose {_or(logs)} has no log, at zero or below"
    if getattr(options, "weights", None) is not None:
        yield f"rows whose {options.weights} is zero"
    if getattr(options, "balance", None) is not None:
        yield "rows of a level that one side of the balance alone has"
    if getattr(options, "method", "") in CHOICE:
        yield "rows of a level in which all have the same answer"


def _outside(where: object) -> list[str]:
    return ["rows for which where is false or not known"] if where is not None else []


def _without(names: Sequence[str]) -> str:
    return f"rows without {_or(names)}" if names else "no row for want of a value"


def _copied(notes: Sequence[str]) -> Iterator[Part]:
    """Yield what `like` left behind: keys of the entry copied that the method does not have."""
    for note in notes:
        if "left out" in note:
            yield Told("key", note)


def _unused(plan: Plan) -> Iterator[str]:
    used = _used(plan)
    idle = [name for name in plan.spec.variables if name not in used]
    if idle:
        yield f"variables that nothing uses: {', '.join(idle)}"
    named = {name for one in plan.spec.tables.values() for name in one.models} | {
        name for one in plan.figures for name in one.of
    }
    whole = not plan.spec.tables or any(
        not one.models and one.kind != "diagnostics" for one in plan.spec.tables.values()
    )
    untold = [] if whole else [one.name for one in plan.models if one.name not in named]
    if untold:
        yield f"models that stand in no table or figure, and in run.json alone: {', '.join(untold)}"
    panel = plan.spec.panel
    if panel is None or panel.survey is None:
        return
    waves = panel.survey.files.waves
    if panel.years is not None:
        outside = [wave for wave in waves if not panel.years[0] <= wave <= panel.years[1]]
        if outside:
            yield (
                f"survey waves outside the years of the panel: {_and([str(one) for one in outside])}; their answers "
                "reach no row of the accounts"
            )
    asked = {wave for one in plan.models if (found := _waves(one)) for wave in found}
    if asked and all(_waves(one) for one in plan.models):
        idle_waves = [str(wave) for wave in waves if wave not in asked]
        if idle_waves:
            yield f"survey waves that no model dates adoption by: {_and(idle_waves)}"


def _waves(model: ModelPlan) -> tuple[int, ...]:
    adoption = getattr(model.options, "adoption", None)
    return () if adoption is None else tuple(adoption.waves)


def _used(plan: Plan) -> set[str]:
    """Return every name that an entry, a model, a figure, a case of a variant or a variable in use reads."""
    used: set[str] = set()
    for step in (*plan.productivity, *(one for world in plan.worlds for one in world.productivity)):
        used |= {*PRODUCTIVITY[step.method].columns(step.options)}
        used |= _of_where(step.options.where)
    cases = [case.model for variant in plan.variants for case in variant.cases]
    for model in (*plan.models, *cases):
        used |= {*names_of_model(model.design, model.options), *(one.name for one in model.options.uses())}
    for figure in plan.figures:
        used |= {*figure.of, *((figure.by,) if figure.by else ())} | _of_where(figure.where)
    panel = plan.spec.panel
    if panel is not None:
        used |= _of_where(panel.where) | _of_where(panel.where_ever)
        if panel.link is not None and panel.link.propensity is not None:
            used |= set(panel.link.propensity.covariates)
    variables = {**plan.early_variables, **plan.late_variables}
    while True:
        more = {name for one in used & set(variables) for name, _ in variables[one].names()} - used
        if not more:
            return used
        used |= more


def _of_where(where: object) -> set[str]:
    names = getattr(where, "names", None)
    return {name for name, _ in names()} if names is not None else set()


def _or(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
