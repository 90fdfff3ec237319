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
from tfplab.names import names_of_model
from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan

if TYPE_CHECKING:
    from specs.expressions import Expression

__all__ = ["add_productivity", "draw_density", "estimate_model", "estimate_productivity"]

LARGEST = 1e60
"""Fourth powers of larger numbers overflow: degree 4 is the highest."""

Fits = Mapping[str, ProductivityFit | Failed]


def estimate_productivity(step: ProductivityPlan, panel: FirmPanel) -> ProductivityFit | Failed:
    """Estimate one productivity entry on the panel."""
    entry = PRODUCTIVITY[step.method]
    where: Expression | None = step.options.where
    use = np.ones(panel.n_rows, dtype=np.bool_)
    try:
        if where is not None:
            use[:] = False
            use[panel.select((), where).rows] = True
        rows = _computable(panel.select(entry.columns(step.options)))
        fit: ProductivityFit = entry.fit(step.name, step.options, rows, use)
    except EstimationError as error:
        return Failed(step.name, step.method, str(error))
    return replace(fit, notes=(*fit.notes, *step.notes))


def add_productivity(plan: Plan, panel: FirmPanel, fits: Fits) -> tuple[FirmPanel, dict[str, str]]:
    """Add the productivity columns and the variables that are made of them.

    Returns
    -------
    panel : FirmPanel
    lost : dict of str to str
        The columns that could not be made, with the reason.
    """
    done = {name: fit for name, fit in fits.items() if isinstance(fit, ProductivityFit)}
    facts = {name: ColumnFacts(name, "number", "log", f"productivity, {fit.method}") for name, fit in done.items()}
    panel = panel.with_numbers({name: fit.values for name, fit in done.items()}, facts)
    lost = {name: f"productivity {name} failed: {fit.reason}" for name, fit in fits.items() if isinstance(fit, Failed)}
    for name, expression in plan.late_variables.items():
        broken = [used for used, _ in expression.names() if used in lost]
        if broken:
            lost[name] = lost[broken[0]]
            continue
        try:
            panel = panel.derive({name: expression})
        except EstimationError as error:
            lost[name] = str(error)
    return panel, lost


def estimate_model(model: ModelPlan, panel: FirmPanel, fits: Fits, lost: Mapping[str, str]) -> Estimates | Failed:
    """Estimate one model; what it rests on and cannot be had is its reason to fail."""
    entry, options = DESIGNS[model.design], model.options
    broken = _broken((*names_of_model(model.design, options), *model.estimated), lost)
    if broken:
        return Failed(model.name, model.design, broken)
    own = fits.get(model.outcome)
    first_stage = own if isinstance(own, ProductivityFit) else None
    coarse = tuple(name for name in options.errors.columns if name != "firm")
    try:
        rows = _computable(panel.select((*entry.columns(options), *options.errors.columns), options.where))
        everywhere = panel.select(coarse) if first_stage is not None and coarse else None
        estimates: Estimates = entry.fit(model.name, options, rows, first_stage, everywhere)
    except EstimationError as error:
        return Failed(model.name, model.design, str(error))
    errors = estimates.errors
    if model.behind_outcome and errors.tfp_uncertainty == "none":
        # The design sees data where this spec estimated what the outcome is made of.
        errors = replace(errors, tfp_uncertainty="ignore")
    return replace(
        estimates,
        errors=errors,
        dropped={**rows.outside, **estimates.dropped},
        notes=(*estimates.notes, *model.caveats, *model.notes),
    )


def draw_density(
    plan: Plan, figure: FigurePlan, panel: FirmPanel, fits: Fits, lost: Mapping[str, str]
) -> DensityFigure | Failed:
    """Estimate the densities of one figure; of separately estimated technologies, around each one's own mean."""
    broken = _broken((figure.of, *figure.estimated), lost)
    if broken:
        return Failed(figure.name, figure.kind, broken)
    fit = fits.get(figure.of)
    notes: tuple[str, ...] = ()
    try:
        rows = _computable(panel.select([figure.of, *([figure.by] if figure.by else [])], figure.where))
        if isinstance(fit, ProductivityFit) and len(fit.groups) > 1:
            rows = _around_group_means(rows, figure.of, fit)
            notes = ("levels cannot be compared across separately estimated technologies: each around its own mean",)
        found = densities(rows, figure.of, figure.by, plan.spec.disclosure.minimum_firms)
    except EstimationError as error:
        return Failed(figure.name, figure.kind, str(error))
    return DensityFigure(
        figure.name, figure.of, figure.by or "", str(figure.where or ""), found.curves, (*notes, *found.notes)
    )


def _computable(rows: Selection) -> Selection:
    """Return the rows, or refuse numbers whose squares and products would leave what a computer can hold."""
    for name, column in rows.columns.items():
        if isinstance(column, NumberColumn) and column.values.size:
            largest = float(np.nanmax(np.abs(column.values), initial=0.0))
            if largest > LARGEST:
                raise EstimationError(
                    f"{name} holds the number {largest:g}, too large to compute with; "
                    "is it a code for a missing value? leave such rows out with where, or blank them in the file"
                )
    return rows


def _broken(names: Iterable[str], lost: Mapping[str, str]) -> str:
    return "; ".join(dict.fromkeys(lost[name] for name in names if name in lost))


def _around_group_means(rows: Selection, name: str, fit: ProductivityFit) -> Selection:
    values = rows.number(name).copy()
    group = fit.group_of_row[rows.rows]
    for number in range(len(fit.groups)):
        inside = (group == number) & ~np.isnan(values)
        values[inside] -= values[inside].mean() if inside.any() else 0.0
    columns = {**rows.columns, name: NumberColumn(values)}
    return replace(rows, columns=columns)
