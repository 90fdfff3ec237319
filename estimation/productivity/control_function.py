"""Control-function estimators from symbols to a productivity column: sample, ladder, estimate, level."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import chdtrc

from estimation.inference import inference
from estimation.productivity.assembling import assemble_fit, naming
from estimation.productivity.diagnostics import diagnostics_of
from estimation.productivity.group import GroupEstimate, Rules, estimate_group
from estimation.productivity.inputs import count_missing, read_inputs
from estimation.productivity.ladder import Served, climb, group_columns
from estimation.productivity.levels import level_writer, parameters_of
from estimation.productivity.moments import MomentEquation
from estimation.productivity.options import ControlFunctionOptions
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit
from panels.frame import Selection

__all__ = ["fit_control_function"]

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

    Raises
    ------
    EstimationError
        If a group finds no rung to stand on.
    """
    rules = Rules(
        steps=options.steps,
        weights=options.gmm_weights,
        common=options.sample == "common",
        min_firms=options.min_firms,
        with_phi=options.tfp_from == "control_function",
    )
    inputs = read_inputs(rows, options.roles)

    def estimate(at: IntArray | None) -> GroupEstimate:
        if at is None:
            return estimate_group(inputs, moments, use, rules)
        return estimate_group(inputs.take(at), moments, use[at], rules)

    groups = group_columns(rows, options.separately_by)
    served = naming(name, lambda: climb(groups, use, estimate))
    dropped = count_missing(rows, (*options.roles.columns, *options.separately_by), use)
    for column in groups:
        use = use & (column.codes >= 0)
    return assemble_fit(
        name,
        method=method,
        tfp_from=options.tfp_from,
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        groups=[_group_fit(one) for one in served],
        write=level_writer(options.tfp_from),
    )


def _group_fit(served: Served[GroupEstimate]) -> GroupFit:
    estimate = served.estimate
    gmm, p = estimate.gmm, len(estimate.terms)
    firms = estimate.firms[-1]
    few = firms < MANY_FIRMS
    factor = firms / (firms - 1) if few else 1.0
    df = float(firms - 1) if few else float("inf")
    covariance: FloatArray = factor * gmm.covariance[:p, :p]
    parameters, _, influence = parameters_of(estimate)
    j_p_value = None
    if gmm.j_statistic is not None and gmm.j_df is not None:
        j_p_value = float(chdtrc(gmm.j_df, gmm.j_statistic))
    return GroupFit(
        group=served.group,
        rung=estimate.rung + (f", pooled over {served.pooled_over}" if served.pooled_over else ""),
        terms=estimate.terms,
        coefficients=gmm.coefficients[:p],
        covariance=covariance,
        inference=inference(gmm.coefficients[:p], covariance, df),
        df=df,
        n_obs=estimate.products.n_rows[-1],
        n_firms=firms,
        n_firms_scores=len(gmm.firms),
        j_statistic=gmm.j_statistic,
        j_df=gmm.j_df,
        j_p_value=j_p_value,
        parameters=parameters,
        influence_firms=gmm.firms,
        influence=influence,
        small_sample=factor,
        diagnostics=diagnostics_of(estimate, covariance, df),
        notes=(*served.notes, *estimate.notes),
    )
