"""Control-function estimators from symbols to a productivity column: sample, ladder, estimate, level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import chdtrc

from estimation.cautions import cautions
from estimation.extras import Extras
from estimation.inference import inference
from estimation.productivity.common.assembling import assemble_fit, naming
from estimation.productivity.common.clustering import by_firm
from estimation.productivity.common.inputs import Inputs, count_missing, read_inputs
from estimation.productivity.common.ladder import Served, climb, group_columns, in_groups
from estimation.productivity.common.moments import MomentEquation
from estimation.productivity.common.options import ControlFunctionOptions
from estimation.productivity.common.survival import with_status, without_probability
from estimation.productivity.control_function.diagnostics import diagnostics_of, equation_numbers
from estimation.productivity.control_function.extras import average_of, with_elasticities, with_transitory
from estimation.productivity.control_function.group import (
    JUST_IDENTIFIED,
    GroupEstimate,
    Rules,
    estimate_group,
    markov_parameters,
)
from estimation.productivity.control_function.levels import Parameters, level_writer, parameters_of
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit
from panels.frame import Selection

__all__ = ["estimate_groups", "fit_control_function"]

OF_WEIGHTS = ("steps", "min_firms")
# From here on the normal serves: G/(G-1) is below one per cent.
MANY_FIRMS = 100


def fit_control_function(
    name: str,
    method: str,
    options: ControlFunctionOptions,
    moments: Sequence[MomentEquation],
    *,
    rows: Selection,
    use: BoolArray,
    extras: Extras = "",
    notes: Sequence[str] = (),
) -> ProductivityFit:
    """Estimate the equations by group and fill the productivity column.

    Parameters
    ----------
    name, method : str
    options : ControlFunctionOptions
    moments : sequence of MomentEquation
        The last one identifies the states.
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`.
    notes : sequence of str
        What the reader must know of the method.

    Raises
    ------
    EstimationError
        If a group finds no rung to stand on.
    """
    roles = options.roles
    with_phi = options.tfp_from == "control_function" or extras == "transitory"
    inputs, served = estimate_groups(name, options, moments, rows, use, with_phi=with_phi)
    dropped = _dropped(options, rows, use)
    fit = assemble_fit(
        name,
        method=method,
        tfp_from=options.tfp_from,
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=in_groups(rows, options.separately_by, use),
        dropped=dropped,
        groups=[_group_fit(one) for one in served],
        write=level_writer(options.tfp_from),
        equations=_rows_by_equation,
        needed_before=tuple(zip(roles.survival or (), inputs.beside_survival, strict=True)),
    )
    fit = replace(fit, notes=(*notes, *fit.notes, *without_probability(fit, roles)))
    if all(group.rung.startswith(JUST_IDENTIFIED) for group in fit.groups):
        # What only a weight needs would tell a reader of one that there is not.
        fit = replace(fit, options={key: value for key, value in fit.options.items() if key not in OF_WEIGHTS})
    fit = with_elasticities(fit, served, roles) if extras else fit
    return with_transitory(fit, served) if extras == "transitory" else fit


def estimate_groups(
    name: str,
    options: ControlFunctionOptions,
    moments: Sequence[MomentEquation],
    rows: Selection,
    use: BoolArray,
    *,
    with_phi: bool,
) -> tuple[Inputs, list[Served[GroupEstimate]]]:
    """Estimate the equations by group.

    Parameters
    ----------
    name, options, moments, rows, use
        As in `fit_control_function`.
    with_phi : bool
        Whether the control function's parameters are reported beside the elasticities.

    Raises
    ------
    EstimationError
        If a group finds no rung to stand on.
    """
    roles = options.roles
    rules = Rules(
        steps=options.steps,
        weights=options.gmm_weights,
        common=options.sample == "common",
        min_firms=options.min_firms,
        with_phi=with_phi,
        windmeijer=options.corrected,
        survival_degree=options.survival_degree,
    )
    inputs = naming(name, lambda: with_status(read_inputs(rows, roles), rows))

    def estimate(at: IntArray | None) -> GroupEstimate:
        if at is None:
            return estimate_group(inputs, moments, use, rules)
        return estimate_group(inputs.take(at), moments, use[at], rules)

    groups = group_columns(rows, options.separately_by)
    return inputs, naming(name, lambda: climb(groups, use, estimate), lambda: _dropped(options, rows, use))


def _dropped(options: ControlFunctionOptions, rows: Selection, use: BoolArray) -> dict[str, int]:
    return count_missing(rows, (*options.roles.columns, *options.separately_by), use, options.roles.weights)


def _rows_by_equation(estimate: GroupEstimate) -> dict[str, BoolArray]:
    return dict(zip(equation_numbers(len(estimate.system.rows)), estimate.system.rows, strict=True))


def _group_fit(served: Served[GroupEstimate]) -> GroupFit:
    estimate = served.estimate
    gmm, p = estimate.gmm, len(estimate.terms)
    firms = estimate.firms[-1]
    few = firms < MANY_FIRMS
    factor = firms / (firms - 1) if few else 1.0
    df = float(firms - 1) if few else float("inf")
    parameters = parameters_of(estimate)
    coefficients = parameters.values[:p]
    covariance: FloatArray = factor * parameters.covariance[:p, :p]
    elasticities = average_of(estimate, parameters, factor, df)
    j_p_value = None
    if gmm.j_statistic is not None and gmm.j_df is not None:
        j_p_value = float(chdtrc(gmm.j_df, gmm.j_statistic))
    # The markov columns' parameters serve their test alone: the level does not depend on them.
    kept = len(parameters.names) - len(markov_parameters(estimate.system, estimate.products))
    diagnostics = diagnostics_of(estimate, covariance, df, elasticities)
    return GroupFit(
        group=served.group,
        rung=estimate.rung + (f", pooled over {served.pooled_over}" if served.pooled_over else ""),
        terms=estimate.terms,
        coefficients=coefficients,
        covariance=covariance,
        inference=inference(coefficients, covariance, df),
        df=df,
        n_obs=estimate.products.n_rows[-1],
        n_firms=firms,
        n_firms_scores=len(gmm.firms),
        j_statistic=gmm.j_statistic,
        j_df=gmm.j_df,
        j_p_value=j_p_value,
        parameters=parameters.names[:kept],
        influence_firms=gmm.firms,
        influence=parameters.influence[:, :kept],
        small_sample=factor,
        diagnostics=diagnostics | _markov_test(estimate, parameters, kept, factor),
        notes=(*served.notes, *estimate.notes, *cautions(diagnostics)),
        elasticities=elasticities,
        errors=by_firm(len(gmm.firms), df, factor, detail="windmeijer" if estimate.corrected else ""),
    )


def _markov_test(estimate: GroupEstimate, parameters: Parameters, kept: int, factor: float) -> dict[str, float | None]:
    """Test that the markov columns have no part in the polynomial of t-1 (Wald, chi-squared)."""
    values = parameters.values[kept:]
    if not len(values):
        return {}
    covariance = factor * parameters.covariance[kept:, kept:]
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    statistic = float(values / scale @ np.linalg.lstsq(correlation, values / scale, rcond=None)[0])
    df = int(np.linalg.matrix_rank(correlation, hermitian=True))
    return {"markov_wald": statistic, "markov_df": float(df), "markov_p_value": float(chdtrc(df, statistic))}
