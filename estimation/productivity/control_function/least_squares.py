"""Pooled least squares of the production function, clustered by firm."""

from __future__ import annotations

from collections.abc import Sequence

from estimation.extras import Extras
from estimation.inference import inference
from estimation.productivity.common.assembling import assemble_fit, naming
from estimation.productivity.common.clustering import LEAST_SQUARES, by_firm
from estimation.productivity.common.diagnostics import elasticity_diagnostics
from estimation.productivity.common.inputs import count_missing, read_inputs
from estimation.productivity.common.ladder import Served, climb
from estimation.productivity.common.moments import MomentEquation
from estimation.productivity.common.options import ProductionFunctionOptions
from estimation.productivity.control_function.extras import average_of, with_elasticities
from estimation.productivity.control_function.group import GroupEstimate, Rules, estimate_group
from estimation.productivity.control_function.levels import parameters_of, residual_level
from estimation.results import BoolArray, FloatArray, GroupFit, ProductivityFit
from panels.frame import Selection

__all__ = ["fit_least_squares"]


def fit_least_squares(
    name: str,
    method: str,
    options: ProductionFunctionOptions,
    moments: Sequence[MomentEquation],
    *,
    rows: Selection,
    use: BoolArray,
    extras: Extras = "",
) -> ProductivityFit:
    """Estimate by least squares: GMM whose instruments are the regressors.

    The covariance is CR0 times G/(G-1) times (N-1)/(N-K), the reference t(G-1).

    Parameters
    ----------
    name, method : str
    options : ProductionFunctionOptions
    moments : sequence of MomentEquation
        One equation.
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`: its elasticities.

    Raises
    ------
    EstimationError
        If there are fewer than two firms, or the design is rank-deficient.
    """
    inputs = read_inputs(rows, options.roles)
    rules = Rules(steps=1, ladder=False)
    dropped = count_missing(rows, options.roles.columns, use)

    def served_by() -> list[Served[GroupEstimate]]:
        return climb((), use, lambda at: estimate_group(inputs, moments, use, rules))

    served = naming(name, served_by, lambda: dropped)
    estimate = served[0].estimate
    gmm, products = estimate.gmm, estimate.products
    firms, n_obs, parameters = len(gmm.firms), products.n_rows[0], len(products.parameters)
    factor = firms / (firms - 1) * (n_obs - 1) / (n_obs - parameters)
    own = parameters_of(estimate)
    covariance: FloatArray = factor * own.covariance
    df = float(firms - 1)
    elasticities = average_of(estimate, own, factor, df)
    fit = GroupFit(
        group=(),
        rung="least squares",
        terms=estimate.terms,
        coefficients=own.values,
        covariance=covariance,
        inference=inference(own.values, covariance, df),
        df=df,
        n_obs=n_obs,
        n_firms=firms,
        n_firms_scores=firms,
        j_statistic=None,
        j_df=None,
        j_p_value=None,
        parameters=own.names,
        influence_firms=gmm.firms,
        influence=own.influence,
        small_sample=factor,
        diagnostics=elasticity_diagnostics(own.values, covariance, df, elasticities),
        notes=estimate.notes,
        elasticities=elasticities,
        errors=by_firm(firms, df, factor, symbols=LEAST_SQUARES),
    )
    found = assemble_fit(
        name,
        method=method,
        tfp_from="residual",
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        groups=[fit],
        write=residual_level,
    )
    return with_elasticities(found, served, options.roles) if extras else found
