"""The steps that the runner takes, one function each: panel rows in, frozen records out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from estimation.density import densities
from estimation.registry import DESIGNS, PRODUCTIVITY
from estimation.results import Estimates, Failed, ProductivityFit
from panels.facts import ColumnFacts
from panels.frame import FirmPanel, NumberColumn, Selection
from reports.record_parts import DensityFigure
from specs.errors import EstimationError
from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan

if TYPE_CHECKING:
    from specs.expressions import Expression

__all__ = ["add_productivity", "draw_density", "estimate_model", "estimate_productivity"]

Fits = Mapping[str, ProductivityFit | Failed]


def estimate_productivity(step: ProductivityPlan, panel: FirmPanel) -> ProductivityFit | Failed:
    """Estimate one productivity entry on the panel."""
    entry = PRODUCTIVITY[step.method]
    rows = panel.select(entry.columns(step.options))
    use = np.ones(panel.n_rows, dtype=np.bool_)
    where: Expression | None = getattr(step.options, "where", None)
    if where is not None:
        use[:] = False
        use[panel.select((), where).rows] = True
    try:
        fit: ProductivityFit = entry.fit(step.name, step.options, rows, use)
    except EstimationError as error:
        return Failed(step.name, step.method, str(error))
    return replace(fit, notes=(*fit.notes, *step.notes))


def add_productivity(plan: Plan, panel: FirmPanel, fits: Fits) -> FirmPanel:
    """Add the productivity columns that could be estimated, then the variables that are made of them."""
    done = {name: fit for name, fit in fits.items() if isinstance(fit, ProductivityFit)}
    facts = {name: ColumnFacts(name, "number", "log", f"productivity, {fit.method}") for name, fit in done.items()}
    panel = panel.with_numbers({name: fit.values for name, fit in done.items()}, facts)
    lost = set(fits) - set(done)
    late = {}
    for name, expression in plan.late_variables.items():
        if lost & {used for used, _ in expression.names()}:
            lost.add(name)
        else:
            late[name] = expression
    return panel.derive(late)


def estimate_model(model: ModelPlan, panel: FirmPanel, fits: Fits) -> Estimates | Failed:
    """Estimate one model; what it rests on and cannot be had is its reason to fail."""
    broken = [f"productivity {name} failed: {fits[name].reason}" for name in model.estimated if name in _failed(fits)]
    if broken:
        return Failed(model.name, model.design, "; ".join(broken))
    entry = DESIGNS[model.design]
    rows = panel.select(entry.columns(model.options), model.options.where)
    first_stage = _first_stage(fits, model.outcome)
    clusters = tuple(name for name in model.options.errors.columns if name in panel.columns)
    everywhere = panel.select(clusters) if first_stage is not None and clusters else None
    try:
        estimates: Estimates = entry.fit(model.name, model.options, rows, first_stage, everywhere)
    except EstimationError as error:
        return Failed(model.name, model.design, str(error))
    return replace(estimates, notes=(*estimates.notes, *_ignored(model), *model.notes))


def draw_density(plan: Plan, figure: FigurePlan, panel: FirmPanel, fits: Fits) -> DensityFigure | Failed:
    """Estimate the densities of one figure; of separately estimated technologies, around each one's own mean."""
    broken = [f"productivity {name} failed: {fits[name].reason}" for name in figure.estimated if name in _failed(fits)]
    if broken:
        return Failed(figure.name, figure.kind, "; ".join(broken))
    rows = panel.select([figure.of, *([figure.by] if figure.by else [])], figure.where)
    fit = fits.get(figure.of)
    notes: tuple[str, ...] = ()
    if isinstance(fit, ProductivityFit) and len(fit.groups) > 1:
        rows = _around_group_means(rows, figure.of, fit)
        notes = ("levels cannot be compared across separately estimated technologies: each around its own mean",)
    try:
        found = densities(rows, figure.of, figure.by, plan.spec.disclosure.minimum_firms)
    except EstimationError as error:
        return Failed(figure.name, figure.kind, str(error))
    return DensityFigure(
        figure.name, figure.of, figure.by or "", str(figure.where or ""), found.curves, (*notes, *found.notes)
    )


def _failed(fits: Fits) -> Iterable[str]:
    return [name for name, fit in fits.items() if isinstance(fit, Failed)]


def _first_stage(fits: Fits, outcome: str) -> ProductivityFit | None:
    """Return the outcome's own estimate, if it has parameters that were estimated."""
    fit = fits.get(outcome)
    return fit if isinstance(fit, ProductivityFit) and fit.groups else None


def _ignored(model: ModelPlan) -> tuple[str, ...]:
    """Say which estimated columns the standard errors take as given."""
    taken = [name for name in model.estimated if name != model.outcome]
    if not taken:
        return ()
    return (
        f"standard errors take {', '.join(taken)} as given, though this spec estimated "
        f"{'them' if len(taken) > 1 else 'it'}; a bootstrap of the whole chain would not",
    )


def _around_group_means(rows: Selection, name: str, fit: ProductivityFit) -> Selection:
    values = rows.number(name).copy()
    group = fit.group_of_row[rows.rows]
    for number in range(len(fit.groups)):
        inside = (group == number) & ~np.isnan(values)
        values[inside] -= values[inside].mean() if inside.any() else 0.0
    columns = {**rows.columns, name: NumberColumn(values)}
    return replace(rows, columns=columns)
