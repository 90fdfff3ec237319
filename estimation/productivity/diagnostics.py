"""What stands beside the elasticities: strength of instruments, functional dependence, slopes, samples."""

from __future__ import annotations

import numpy as np

from estimation.cross_products import CrossProducts
from estimation.inference import two_sided
from estimation.productivity.group import GroupEstimate
from estimation.productivity.inputs import ROWS_AT_A_TIME, Inputs
from estimation.productivity.levels import parameters_of
from estimation.productivity.moments import FREE, Roles, term_name, terms_of
from estimation.productivity.system import PHI, stretches
from estimation.results import BoolArray, Elasticities, FloatArray, IntArray

__all__ = ["diagnostics_of", "elasticity_diagnostics", "entries_and_exits", "own_share", "returns_to_scale"]


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
    # Named as the paper numbers them: a single equation with lags is its second.
    names = ("1", "2") if len(products.equations) == 2 else ("2",)
    for name, n_obs, n_firms in zip(names, products.n_rows, estimate.firms, strict=True):
        found[f"n_obs_equation{name}"] = float(n_obs)
        found[f"n_firms_equation{name}"] = float(n_firms)
    found |= _first_stage(estimate)
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


def elasticity_diagnostics(
    coefficients: FloatArray, covariance: FloatArray, df: float, elasticities: Elasticities | None
) -> dict[str, float | None]:
    """Return `returns_to_scale` of the coefficients, or of the average elasticities where they differ by row.

    Then ``share_negative[x]`` is the share of rows with a negative elasticity of x.
    """
    if elasticities is None:
        return returns_to_scale(coefficients, covariance, df)
    found = returns_to_scale(elasticities.mean, elasticities.covariance, df)
    shares = zip(elasticities.inputs, elasticities.share_negative.tolist(), strict=True)
    return found | {f"share_negative[{name}]": share for name, share in shares}


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


def _first_stage(estimate: GroupEstimate) -> dict[str, float | None]:
    """Return how strongly the excluded instruments of equation 2 move what they instrument."""
    products = estimate.products
    equation, q_columns, squares = products.equations[-1], products.products[-1], products.squares[-1]
    # Columns that carry a parameter and are no instrument: the last before the outcome.
    endogenous = list(range(equation.n_instruments, len(equation.columns) - 1))
    names = [equation.columns[column] for column in endogenous]
    n_excluded = sum(name is None for name in equation.parameters[: equation.n_instruments]) - len(
        products.left_out[-1]
    )
    if not endogenous or n_excluded < len(endogenous):
        return {"first_stage_f": None}
    degrees = products.n_rows[-1] - len(q_columns)
    # The excluded instruments are the last of the orthonormal ones.
    explained = q_columns[-n_excluded:, endogenous]
    left = squares[endogenous] - np.sum(q_columns[:, endogenous] ** 2, axis=0)
    each = [
        float(column @ column) / n_excluded / (rest / degrees) if rest > 0 and degrees > 0 else None
        for column, rest in zip(explained.T, left, strict=True)
    ]
    known = [value for value in each if value is not None]
    found: dict[str, float | None] = {"first_stage_f": min(known, default=None)}
    if len(endogenous) > 1:
        found |= {f"first_stage_f[{name}]": value for name, value in zip(names, each, strict=True)}
        found["sanderson_windmeijer_f"] = _conditional_f(explained, left, degrees)
    return found


def _conditional_f(explained: FloatArray, left: FloatArray, degrees: int) -> float | None:
    """Return the smallest conditional F: of each column's own part, given what instruments say of the others.

    Parameters
    ----------
    explained : (e, r) array
        The regressors on the orthonormal excluded instruments.
    left : (r,) array
        Their residual sums of squares on all instruments.
    degrees : int
        Rows less instruments.
    """
    smallest = None
    e, r = explained.shape
    for which in range(r):
        others = np.delete(explained, which, axis=1)
        own = explained[:, which] - others @ np.linalg.lstsq(others, explained[:, which], rcond=None)[0]
        if not left[which] > 0 or degrees <= 0:
            continue
        value = float(own @ own) / (e - r + 1) / (left[which] / degrees)
        smallest = value if smallest is None else min(smallest, value)
    return smallest


def own_share(products: CrossProducts, roles: Roles) -> float | None:
    """Return the smallest 1 - R2 of a free input on C(t) in the first equation; None where none varies."""
    equation, q_columns = products.equations[0], products.products[0]
    free, terms = roles.free, {term_name(one) for one in terms_of(FREE, roles)}
    kept = np.any(products.transforms[0] != 0, axis=0)
    as_instruments = [name for name in equation.columns[: len(kept)] if name in terms]
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


def entries_and_exits(inputs: Inputs, used: BoolArray) -> tuple[float, float]:
    """Count the firms first seen after the first year, and those last seen before the last, among the rows used."""
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
