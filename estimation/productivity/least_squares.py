"""Pooled least squares of the production function, clustered by firm."""

from __future__ import annotations

from collections.abc import Sequence

from estimation.inference import inference
from estimation.productivity.assembling import assemble_fit, naming
from estimation.productivity.diagnostics import returns_to_scale
from estimation.productivity.group import Rules, estimate_group
from estimation.productivity.inputs import count_missing, read_inputs
from estimation.productivity.ladder import climb
from estimation.productivity.levels import residual_level
from estimation.productivity.moments import MomentEquation
from estimation.productivity.options import ProductionFunctionOptions
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

    Raises
    ------
    EstimationError
        If there are fewer than two firms, or the design is rank-deficient.
    """
    inputs = read_inputs(rows, options.roles)
    rules = Rules(steps=1, ladder=False)
    served = naming(name, lambda: climb((), use, lambda at: estimate_group(inputs, moments, use, rules)))
    estimate = served[0].estimate
    gmm, products = estimate.gmm, estimate.products
    firms, n_obs, parameters = len(gmm.firms), products.n_rows[0], len(products.parameters)
    factor = firms / (firms - 1) * (n_obs - 1) / (n_obs - parameters)
    covariance: FloatArray = factor * gmm.covariance
    df = float(firms - 1)
    fit = GroupFit(
        group=(),
        rung="",
        terms=estimate.terms,
        coefficients=gmm.coefficients,
        covariance=covariance,
        inference=inference(gmm.coefficients, covariance, df),
        df=df,
        n_obs=n_obs,
        n_firms=firms,
        n_firms_scores=firms,
        j_statistic=None,
        j_df=None,
        j_p_value=None,
        parameters=gmm.parameters,
        influence_firms=gmm.firms,
        influence=gmm.influence,
        small_sample=factor,
        diagnostics=returns_to_scale(gmm.coefficients, covariance, df),
        notes=estimate.notes,
    )
    dropped = count_missing(rows, options.roles.columns, use)
    return assemble_fit(
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
