"""``explain --data``: what the panel says of a plan before anything is estimated: rows, firms, clusters, and power."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from estimation.designs.methods import CHOICE
from estimation.registry import DESIGNS, PRODUCTIVITY
from specs.expressions import Expression
from tfplab.advice.found import FEW, clustered_few
from tfplab.advice.given import Advice
from tfplab.advice.heard import answered
from tfplab.explaining.cost import Size
from tfplab.explaining.gather import Seen
from tfplab.explaining.power import power_told
from tfplab.names import names_of_model
from tfplab.plan import ModelPlan, Plan
from tfplab.runner import build_panel

if TYPE_CHECKING:
    from panels.frame import FirmPanel, Selection

__all__ = ["seen_of"]

APART = ("descriptives", "adoption_rates", "did", "long_difference")
"""Designs whose rows leave one line, item, cohort or window at a time."""


def seen_of(plan: Plan) -> Seen:
    """Build the panel and count what each entry and model begins with; estimate only what ``power:`` asks for.

    Parameters
    ----------
    plan : Plan

    Raises
    ------
    SpecError
        If the files or their values are not as the spec says.
    """
    panel = build_panel(plan)
    told: dict[str, str] = {}
    counted: dict[str, int] = {}
    advice: list[Advice] = []
    for step in plan.productivity:
        needed = _made_of(PRODUCTIVITY[step.method].columns(step.options), plan)
        sample = _sample(panel, needed, step.options.where, plan)
        _tell(plan, step.name, sample, told, counted, "firm-years")
    for model in plan.models:
        respondents = DESIGNS[model.design].respondents
        source = panel.respondents if respondents and panel.respondents is not None else panel
        names = _columns(model)
        sample = _sample(source, _made_of(names, plan), model.options.where, plan)
        whom = "answers" if respondents else "firm-years"
        _tell(plan, model.name, sample, told, counted, whom, model.estimated, model.design in APART, _may_lose(model))
        advice += _few_clusters(model, sample)
    size = Size(panel.n_rows, panel.n_firms, exact=True, samples=counted)
    return Seen(size, power_told(plan, panel), told, answered(plan, advice))


def _columns(model: ModelPlan) -> tuple[str, ...]:
    """Return the columns that a row must have; designs that look at each by itself need none of them all."""
    options = model.options
    if model.design in APART:
        return options.errors.columns if model.design != "did" else (model.outcome, *options.errors.columns)
    where = {name for name, _ in options.where.names()} if options.where is not None else set()
    used = {*DESIGNS[model.design].columns(options), *options.errors.columns}
    return tuple(name for name in names_of_model(model.design, options) if name in used or name not in where)


def _made_of(names: Iterable[str], plan: Plan) -> tuple[str, ...]:
    """Return columns of the panel in the place of what is estimated, and of variables made of it."""
    steps = {one.name: one for one in plan.productivity}
    found: dict[str, None] = {}
    for name in names:
        if name in steps:
            found |= dict.fromkeys(_made_of(PRODUCTIVITY[steps[name].method].columns(steps[name].options), plan))
        elif name in plan.late_variables:
            found |= dict.fromkeys(_made_of([used for used, _ in plan.late_variables[name].names()], plan))
        else:
            found[name] = None
    return tuple(found)


def _sample(panel: FirmPanel, names: Sequence[str], where: Expression | None, plan: Plan) -> Selection:
    """Return the rows where a condition holds and the columns are known; a condition on what is estimated is left."""
    later = {*plan.productivity_names, *plan.late_variables}
    known = where if where is None or not later & {name for name, _ in where.names()} else None
    there = panel.names()
    rows = panel.select([name for name in names if name in there], known)
    if not rows.columns:
        return rows
    kept = ~next(iter(rows.columns.values())).missing()
    for column in rows.columns.values():
        kept &= ~column.missing()
    return rows.take(kept)


def _may_lose(model: ModelPlan) -> bool:
    """Return whether rows whose columns are known may leave all the same.

    Those that are alone in a level of an effect, have no weight, no logarithm, nobody to be balanced with, or an
    outcome that a level tells.
    """
    options = model.options
    formula = getattr(options, "formula", None)
    factors = [] if formula is None else [options.left, *(one for term in formula.terms for one in term.factors)]
    return (
        model.design == "fixed_effects"
        or getattr(options, "weights", None) is not None
        or getattr(options, "balance", None) is not None
        or getattr(options, "method", "") in CHOICE
        or any(one.transform is not None for one in factors)
    )


def _tell(
    plan: Plan,
    name: str,
    sample: Selection,
    told: dict[str, str],
    counted: dict[str, int],
    whom: str,
    estimated: Sequence[str] = (),
    apart: bool = False,
    may_lose: bool = False,
) -> None:
    firms, rule = len(set(sample.firm.tolist())), plan.spec.disclosure
    counted[name] = len(sample.rows)
    if rule.on_breach != "report" and firms < rule.minimum_firms:
        told[name] = f"withheld: fewer than {rule.minimum_firms} firms"
        return
    at_most = "at most " if estimated or apart or may_lose else ""
    lost = f"; those for which {', '.join(estimated)} cannot be estimated leave too" if estimated else ""
    what = "to begin with, of which some leave as said below" if apart else "where all its columns are known"
    told[name] = f"{at_most}{len(sample.rows):,} {whom} of {firms:,} firms {what}{lost}"


def _few_clusters(model: ModelPlan, sample: Selection) -> Iterable[Advice]:
    from panels.frame import TextColumn

    errors = model.options.errors
    if errors.kind != "cluster" or errors.small_sample or errors.wild is not None:
        return
    for column in errors.ways:
        levels = [
            (values.codes if isinstance(values, TextColumn) else values.values).tolist()
            if (values := sample.columns.get(name)) is not None
            else sample.firm.tolist()
            for name in column.split("^")
        ]
        count = len(set(zip(*levels, strict=True)))
        if 0 < count < FEW:
            yield clustered_few(model.name, column, count)
