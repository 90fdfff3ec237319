"""What stands beside the elasticities of a control-function estimate."""

from __future__ import annotations

import numpy as np

from estimation.productivity.common.diagnostics import (
    elasticity_diagnostics,
    entries_and_exits,
    first_stage_strength,
    own_share,
)
from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.common.system import PHI
from estimation.productivity.control_function.group import GroupEstimate
from estimation.productivity.control_function.levels import parameters_of
from estimation.results import Elasticities, FloatArray

__all__ = ["diagnostics_of", "equation_numbers"]


def equation_numbers(equations: int) -> tuple[str, ...]:
    """Return the equations' numbers as Wooldridge (2009) has them: a single equation with lags is his second."""
    return ("1", "2") if equations == 2 else ("2",)


def diagnostics_of(
    estimate: GroupEstimate, covariance: FloatArray, df: float, elasticities: Elasticities | None = None
) -> dict[str, float | None]:
    """Return the diagnostics of a control-function estimate, by their names in ``run.json``.

    Parameters
    ----------
    estimate : GroupEstimate
    covariance : (p, p) array
        Of the coefficients, small-sample factor included.
    df : float
        Of the t reference.
    elasticities : Elasticities, optional
        Their averages, where they are not the coefficients.

    Returns
    -------
    dict
        ``n_obs_equation1`` and the like; ``first_stage_f``: the smallest, over the regressors of equation 2 that
        need an instrument, classical F of the excluded instruments; ``first_stage_f[x]`` each one's, where there
        are several, and ``sanderson_windmeijer_f`` the smallest of those given the other ones;
        ``acf_one_minus_r2``: the smallest 1 - R2 of a free input
        on C(t) (near zero, equation 1 cannot tell labour from productivity: Ackerberg, Caves and Frazer,
        2015);
        ``share_phi_rises_in_proxy``: rows with dPhi/dm > 0; ``returns_to_scale`` and the p-value of their
        being constant; ``negative_elasticities``; ``entries``, ``exits``: firms first seen after the first
        year, last seen before the last; ``survival_exits``, ``survival_pseudo_r2``, ``survival_one_minus_r2``,
        ``survival_excluded_p_value``: firms that leave, McFadden's measure, what C(t-1) leaves of the probability,
        and the test that the columns outside C(t-1) do not move exit.

    References
    ----------
    Sanderson, E. and Windmeijer, F. (2016). A weak instrument F-test in linear IV models with multiple endogenous
    variables. Journal of Econometrics 190(2), 212-221.
    """
    products = estimate.products
    found: dict[str, float | None] = {}
    names = equation_numbers(len(products.equations))
    for name, n_obs, n_firms in zip(names, products.n_rows, estimate.firms, strict=True):
        found[f"n_obs_equation{name}"] = float(n_obs)
        found[f"n_firms_equation{name}"] = float(n_firms)
    found |= first_stage_strength(products, estimate.system.chunks)
    found["acf_one_minus_r2"] = own_share(products, estimate.system.inputs.roles) if len(names) == 2 else None
    found["share_phi_rises_in_proxy"] = _share_rising(estimate) if len(names) == 2 else None
    coefficients = parameters_of(estimate).values[: len(covariance)]
    found |= elasticity_diagnostics(coefficients, covariance, df, elasticities)
    found["entries"], found["exits"] = entries_and_exits(estimate.system.inputs, estimate.in_sample)
    if estimate.correction is not None:
        survival = estimate.correction.survival
        found["survival_exits"] = float(survival.exits)
        found["survival_pseudo_r2"] = survival.fit.pseudo_r2
        found["survival_one_minus_r2"] = estimate.correction.own_share
        found["survival_excluded_p_value"] = estimate.correction.excluded_p_value
    return found


def _share_rising(estimate: GroupEstimate) -> float | None:
    """Return the share of equation 1's rows where the control function rises in the proxy."""
    system = estimate.system
    value = dict(zip(estimate.products.parameters, estimate.gmm.theta, strict=True))
    polynomial = system.polynomial
    # A term that others span was left out of C.
    weights = np.array([value.get(f"{PHI}[{term}]", 0.0) for term in polynomial.terms])
    slope = weights @ polynomial.derivative(len(system.inputs.roles.state))
    rising = total = 0
    for start in range(0, len(system.inputs.firm), ROWS_AT_A_TIME):
        used = system.rows[0][start : start + ROWS_AT_A_TIME]
        if used.any():
            slopes = slope @ system.monomials(start, start + len(used))
            rising += int(np.count_nonzero(slopes[used] > 0))
            total += int(np.count_nonzero(used))
    return rising / total if total else None
