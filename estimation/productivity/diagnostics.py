"""What stands beside the elasticities: strength of instruments, functional dependence, slopes, samples."""

from __future__ import annotations

import numpy as np

from estimation.inference import two_sided
from estimation.productivity.group import GroupEstimate
from estimation.productivity.inputs import ROWS_AT_A_TIME
from estimation.productivity.system import PHI, stretches
from estimation.results import FloatArray, IntArray

__all__ = ["diagnostics_of", "returns_to_scale"]


def diagnostics_of(estimate: GroupEstimate, covariance: FloatArray, df: float) -> dict[str, float | None]:
    """Return the diagnostics of a control-function estimate, by their names in ``run.json``.

    Parameters
    ----------
    estimate : GroupEstimate
    covariance : (p, p) array
        Of the elasticities, small-sample factor included.
    df : float
        Of the t reference.

    Returns
    -------
    dict
        ``n_obs_equation1`` and the like; ``first_stage_f``: the smallest, over free inputs, classical F
        of the lagged free inputs in equation 2; ``acf_one_minus_r2``: the smallest 1 - R2 of a free input
        on C(t) (near zero, equation 1 cannot tell labour from productivity: Ackerberg, Caves and Frazer,
        2015);
        ``share_phi_rises_in_proxy``: rows with dPhi/dm > 0; ``returns_to_scale`` and the p-value of their
        being constant; ``negative_elasticities``; ``entries``, ``exits``: firms first seen after the first
        year, last seen before the last.
    """
    products = estimate.products
    found: dict[str, float | None] = {}
    # Named as the paper numbers them: a single equation with lags is its second.
    names = ("1", "2") if len(products.equations) == 2 else ("2",)
    for name, n_obs, n_firms in zip(names, products.n_rows, estimate.firms, strict=True):
        found[f"n_obs_equation{name}"] = float(n_obs)
        found[f"n_firms_equation{name}"] = float(n_firms)
    found["first_stage_f"] = _first_stage_f(estimate)
    found["acf_one_minus_r2"] = _own_share(estimate) if len(names) == 2 else None
    found["share_phi_rises_in_proxy"] = _share_rising(estimate) if len(names) == 2 else None
    found |= returns_to_scale(estimate.gmm.coefficients[: len(covariance)], covariance, df)
    found["entries"], found["exits"] = _entries_and_exits(estimate)
    return found


def returns_to_scale(elasticities: FloatArray, covariance: FloatArray, df: float) -> dict[str, float | None]:
    """Return the diagnostics that every production function has.

    Parameters
    ----------
    elasticities : (p,) array
    covariance : (p, p) array
    df : float
        Of the t reference.

    Returns
    -------
    dict
        ``returns_to_scale``: the sum of the elasticities; the p-value of its being one; how many are negative.
    """
    total, spread = float(np.sum(elasticities)), float(np.sqrt(np.sum(covariance)))
    return {
        "returns_to_scale": total,
        "constant_returns_p_value": float(two_sided(np.array((total - 1.0) / spread), df)) if spread > 0 else None,
        "negative_elasticities": float(np.count_nonzero(elasticities < 0)),
    }


def _first_stage_f(estimate: GroupEstimate) -> float | None:
    products = estimate.products
    equation, q_columns = products.equations[-1], products.products[-1]
    free = estimate.system.inputs.roles.free
    smallest: float | None = None
    for name in free:
        column = equation.columns.index(name)
        explained = q_columns[:, column]
        residual = float(products.squares[-1][column] - explained @ explained)
        degrees = products.n_rows[-1] - len(explained)
        # The lagged free inputs are the last instruments.
        excluded = explained[-len(free) :]
        if residual <= 0 or degrees <= 0:
            continue
        value = float(excluded @ excluded) / len(free) / (residual / degrees)
        smallest = value if smallest is None else min(smallest, value)
    return smallest


def _own_share(estimate: GroupEstimate) -> float | None:
    products = estimate.products
    equation, q_columns = products.equations[0], products.products[0]
    free = estimate.system.inputs.roles.free
    kept = np.any(products.transforms[0] != 0, axis=0)
    as_instruments = [name for name in equation.columns[: len(kept)] if name in free]
    n_c = int(kept.sum()) - len(as_instruments)
    shares = []
    for name in free:
        column = equation.columns.index(name)
        # The constant is the first instrument: the rest of the sum of squares is about the mean.
        about_mean = float(products.squares[0][column] - q_columns[0, column] ** 2)
        given_c = float(products.squares[0][column] - q_columns[:n_c, column] @ q_columns[:n_c, column])
        if about_mean > 0:
            shares.append(max(given_c / about_mean, 0.0))
    return min(shares, default=None)


def _entries_and_exits(estimate: GroupEstimate) -> tuple[float, float]:
    inputs, used = estimate.system.inputs, estimate.in_sample
    first_years: list[IntArray] = []
    last_years: list[IntArray] = []
    for start, stop in stretches(inputs.firm, ROWS_AT_A_TIME):
        seen = used[start:stop]
        firm, year = inputs.firm[start:stop][seen], inputs.year[start:stop][seen]
        if len(firm):
            change = firm[1:] != firm[:-1]
            first_years.append(year[np.concatenate(([True], change))])
            last_years.append(year[np.concatenate((change, [True]))])
    first, last = np.concatenate(first_years), np.concatenate(last_years)
    return float(np.count_nonzero(first > first.min())), float(np.count_nonzero(last < last.max()))


def _share_rising(estimate: GroupEstimate) -> float | None:
    """Return the share of equation 1's rows where the control function rises in the proxy."""
    system = estimate.system
    value = dict(zip(estimate.products.parameters, estimate.gmm.theta, strict=True))
    polynomial = system.polynomial
    weights = np.array([value[f"{PHI}[{term}]"] for term in polynomial.terms])
    slope = weights @ polynomial.derivative(len(polynomial.inputs) - 1)
    rising = total = 0
    for start in range(0, len(system.inputs.firm), ROWS_AT_A_TIME):
        used = system.rows[0][start : start + ROWS_AT_A_TIME]
        if used.any():
            slopes = slope @ system.monomials(start, start + len(used))
            rising += int(np.count_nonzero(slopes[used] > 0))
            total += int(np.count_nonzero(used))
    return rising / total if total else None
