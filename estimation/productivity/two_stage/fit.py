"""Estimators in two stages from their options to a productivity column: sample, ladder, estimate, level."""

from __future__ import annotations

from dataclasses import replace

from estimation.cautions import cautions
from estimation.extras import Extras
from estimation.inference import inference
from estimation.productivity.common.assembling import assemble_fit, naming
from estimation.productivity.common.clustering import by_firm
from estimation.productivity.common.cobb_douglas import pooled
from estimation.productivity.common.inputs import Inputs, count_missing, read_inputs
from estimation.productivity.common.ladder import Served, climb, group_columns
from estimation.productivity.common.survival import with_status, without_probability
from estimation.productivity.two_stage.diagnostics import diagnostics_of
from estimation.productivity.two_stage.draws import TwoStageResampler
from estimation.productivity.two_stage.group import TwoStageEstimate, estimate_two_stage
from estimation.productivity.two_stage.levels import (
    average_of,
    level_writer,
    reported,
    with_elasticities,
    with_transitory,
)
from estimation.productivity.two_stage.options import TwoStageOptions
from estimation.productivity.two_stage.rows import Recipe
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit
from panels.frame import Selection

__all__ = ["fit_two_stage", "two_stage_resampler"]

# From here on the normal serves: G/(G-1) is below one per cent.
MANY_FIRMS = 100


def fit_two_stage(
    name: str,
    method: str,
    options: TwoStageOptions,
    recipe: Recipe,
    *,
    rows: Selection,
    use: BoolArray,
    extras: Extras = "",
) -> ProductivityFit:
    """Estimate by group and fill the productivity column.

    Parameters
    ----------
    name, method : str
    options : TwoStageOptions
    recipe : Recipe
        What the options mean for a group.
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`.

    Raises
    ------
    EstimationError
        If a group finds no rung to stand on.
    """
    roles = options.roles
    dropped = count_missing(rows, (*roles.columns, *options.separately_by), use)
    inputs, served = naming(name, lambda: _estimates(options, recipe, rows, use), lambda: dropped)
    for column in group_columns(rows, options.separately_by):
        use = use & (column.codes >= 0)
    with_phi = options.tfp_from == "control_function" or extras == "transitory"
    fit = assemble_fit(
        name,
        method=method,
        tfp_from=options.tfp_from,
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        groups=[_group_fit(one, with_phi) for one in served],
        write=level_writer(options.tfp_from),
        equations=lambda one: {"1": one.first.rows, "2": one.in_second_stage},
        needed_before=tuple(zip(roles.survival or (), inputs.beside_survival, strict=True)),
    )
    fit = replace(fit, notes=(*fit.notes, *without_probability(fit, roles)))
    fit = with_elasticities(fit, served) if extras else fit
    return with_transitory(fit, served) if extras == "transitory" else fit


def two_stage_resampler(
    options: TwoStageOptions, recipe: Recipe, rows: Selection, use: BoolArray, fit: ProductivityFit
) -> TwoStageResampler:
    """Return what re-estimates a fit with other weights on its firms.

    Parameters
    ----------
    options, recipe, rows, use
        Those that gave the fit.
    fit : ProductivityFit
    """
    _, served = _estimates(options, recipe, rows, use)
    return TwoStageResampler([one.estimate for one in served], [len(group.parameters) for group in fit.groups])


def _estimates(
    options: TwoStageOptions, recipe: Recipe, rows: Selection, use: BoolArray
) -> tuple[Inputs, list[Served[TwoStageEstimate]]]:
    inputs = with_status(read_inputs(rows, options.roles), rows)

    def estimate(at: IntArray | None) -> TwoStageEstimate:
        if at is None:
            return estimate_two_stage(inputs, use, recipe)
        return estimate_two_stage(inputs.take(at), use[at], recipe)

    return inputs, climb(group_columns(rows, options.separately_by), use, estimate)


def _group_fit(served: Served[TwoStageEstimate], with_phi: bool) -> GroupFit:
    estimate, as_reported = served.estimate, reported(served.estimate)
    terms = estimate.technology.terms
    p = len(terms)
    q = len(as_reported.names) if with_phi else p
    values = as_reported.values(estimate.coefficients)
    influence: FloatArray = estimate.influence @ as_reported.matrix[:q].T
    few = estimate.n_firms < MANY_FIRMS
    factor = estimate.n_firms / (estimate.n_firms - 1) if few else 1.0
    df = float(estimate.n_firms - 1) if few else float("inf")
    covariance: FloatArray = factor * (influence[:, :p].T @ influence[:, :p])
    elasticities = average_of(estimate, influence[:, :p], factor, df)
    diagnostics = diagnostics_of(estimate, values[:p], covariance, df, elasticities)
    return GroupFit(
        group=served.group,
        rung=pooled("two stages", served.pooled_over),
        terms=terms,
        coefficients=values[:p],
        covariance=covariance,
        inference=inference(values[:p], covariance, df),
        df=df,
        n_obs=len(estimate.stage.at),
        n_firms=estimate.n_firms,
        n_firms_scores=len(estimate.firms),
        j_statistic=None,
        j_df=None,
        j_p_value=None,
        parameters=as_reported.names[:q],
        influence_firms=estimate.firms,
        influence=influence,
        small_sample=factor,
        diagnostics=diagnostics,
        notes=(*served.notes, *estimate.notes, *cautions(diagnostics)),
        elasticities=elasticities,
        errors=by_firm(len(estimate.firms), df, factor),
    )
