"""What stands beside the elasticities whatever the estimator: returns to scale, entry and exit, free inputs on C."""

from __future__ import annotations

import numpy as np

from estimation.cross_products import Chunks, CrossProducts
from estimation.inference import two_sided
from estimation.productivity.common.inputs import ROWS_AT_A_TIME, Inputs
from estimation.productivity.common.moments import FREE, Roles, term_name, terms_of
from estimation.productivity.common.system import stretches
from estimation.results import BoolArray, Elasticities, FloatArray, IntArray

__all__ = [
    "conditional_f", "elasticity_diagnostics", "entries_and_exits", "first_stage_strength", "heaped", "own_share",
    "returns_to_scale",
]  # fmt: skip

# Of the rows: more of them at one value of the proxy are zeros that were filled in, or a bound.
HEAPED = 0.2


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
    """Count the firms of the sample that enter and leave while it lasts.

    A firm enters in the year of its first row, whether or not that row could be used: a value that is missing there is
    no entry. The sample lasts from the year before its first row, where the panel has one, to its last.
    """
    first_years: list[IntArray] = []
    last_years: list[IntArray] = []
    begins, ends = int(inputs.year[used].min()), int(inputs.year[used].max())
    for start, stop in stretches(inputs.firm, ROWS_AT_A_TIME):
        firm, year = inputs.firm[start:stop], inputs.year[start:stop]
        change = firm[1:] != firm[:-1]
        first_row = np.flatnonzero(np.concatenate(([True], change)))
        there = np.logical_or.reduceat(used[start:stop], first_row)
        first_years.append(year[first_row][there])
        last_years.append(year[np.concatenate((change, [True]))][there])
    first, last = np.concatenate(first_years), np.concatenate(last_years)
    begins = max(begins - 1, int(inputs.year.min()))
    return float(np.count_nonzero(first > begins)), float(np.count_nonzero(last < ends))


def conditional_f(explained: FloatArray, unexplained: FloatArray, degrees: int, exogenous: int = 0) -> float | None:
    """Return the smallest conditional first-stage F of several regressors that need instruments.

    Of a regressor x less the others times their coefficients by two-stage least squares, what the excluded instruments
    explain of it over what all instruments leave of it (Sanderson and Windmeijer, 2016; Angrist and Pischke's F has
    what they leave of x alone in the denominator, which misleads where the errors of the first stages go together).

    Parameters
    ----------
    explained : (e, r) array
        The regressors on orthonormal instruments.
    unexplained : (r, r) array
        Cross-products of what all instruments leave of them.
    degrees : int
        Rows less instruments.
    exogenous : int
        How many of the regressors, the last, are there for the others to be seen beside them.

    References
    ----------
    Sanderson, E. and Windmeijer, F. (2016). A weak instrument F-test in linear IV models with multiple endogenous
    variables. Journal of Econometrics 190(2), 212-221.
    """
    smallest = None
    e, r = explained.shape
    scale = np.linalg.norm(explained, axis=0)
    scale[scale == 0] = 1.0
    scaled = explained / scale
    for which in range(r - exogenous):
        others = np.delete(scaled, which, axis=1)
        delta = np.linalg.lstsq(others, explained[:, which], rcond=None)[0]
        own = explained[:, which] - others @ delta
        weights = np.insert(-delta / np.delete(scale, which), which, 1.0)
        left = float(weights @ unexplained @ weights)
        if not left > 0 or degrees <= 0:
            continue
        value = float(own @ own) / (e - r + 1) / (left / degrees)
        smallest = value if smallest is None else min(smallest, value)
    return smallest


def first_stage_strength(products: CrossProducts, chunks: Chunks) -> dict[str, float | None]:
    """Return how strongly the excluded instruments of the last equation move what they instrument.

    Parameters
    ----------
    products : CrossProducts
    chunks : callable
        What the products were made of.

    Returns
    -------
    dict
        ``first_stage_f``: the smallest classical F of the excluded instruments; of several regressors also each
        one's, ``first_stage_f[x]``, and ``sanderson_windmeijer_f``, the smallest given the other ones.
    """
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
        gram = np.zeros((len(endogenous), len(endogenous)))
        for chunk in chunks():
            own = chunk.blocks[-1][endogenous]
            gram += own @ own.T
        unexplained = gram - q_columns[:, endogenous].T @ q_columns[:, endogenous]
        found["sanderson_windmeijer_f"] = conditional_f(explained, unexplained, degrees)
    return found


def heaped(name: str | None, proxy: FloatArray | None, rows: BoolArray) -> tuple[str, ...]:
    """Return a note where many of these rows hold one and the same value of the proxy.

    Parameters
    ----------
    name : str or None
    proxy : (n,) array or None
    rows : (n,) bool array
    """
    if proxy is None or not rows.any():
        return ()
    values = proxy[rows] + 0.0  # -0 becomes 0: equal values have equal bits
    # Equal values share one of 256 buckets: where none is that full there is no such value, and nothing to look for.
    bits = values.view(np.int64)
    if np.bincount((bits ^ (bits >> 32)) & 255).max() <= HEAPED * len(values):
        return ()
    # A value on more than this share of the sorted rows covers one of the places at its multiples: no sorting needed.
    places = np.unique((np.arange(0.0, 1.0, HEAPED) * len(values)).astype(np.int64))
    values.partition(places)
    candidates = np.unique(values[places])
    counts = [int(np.count_nonzero(values == one)) for one in candidates]
    most = int(np.argmax(counts))
    share = counts[most] / len(values)
    if share <= HEAPED:
        return ()
    return (
        f"{100 * share:.0f} per cent of the rows have {name} = {candidates[most]:.4g}: a proxy that stands still says "
        "nothing of productivity there; were zeros filled in before the logarithm, or is it capped? Leave those rows "
        "out with where, or name another proxy",
    )
