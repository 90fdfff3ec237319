"""Probit by maximum likelihood, with influence functions.

    Pr(d = 1 | x) = Phi(x b),    l(b) = sum of w log Phi(q x b),    q = 2 d - 1.

Newton's method on orthonormalised columns: the log-likelihood is concave, so that halved steps find its only
maximum. It has none where a combination of the columns tells the outcomes apart (Albert and Anderson, 1984).

References
----------
Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression
models. Biometrika 71(1), 1-10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr

from estimation.results import FloatArray, IntArray

__all__ = ["ProbitFit", "SeparationError", "probit"]

STEPS = 60
# In units of the index x b: the step after one this small is below rounding, for Newton's steps square.
CLOSE = 1e-7
LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)


class SeparationError(ValueError):
    """A combination of the columns tells the outcomes apart; `rows` are those it predicts for certain."""

    def __init__(self, rows: int) -> None:
        super().__init__(f"separated: {rows} rows are predicted for certain")
        self.rows = rows


@dataclass(frozen=True, slots=True, eq=False)
class ProbitFit:
    """A probit of n rows on k columns.

    Attributes
    ----------
    coefficients : (k,) array
    index : (n,) array
        x b.
    log_likelihood, null_log_likelihood : float
        At the maximum, and of the constant alone.
    psi : (n, k) array
        The rows' influence functions: b_hat - b = sum of psi to first order, with the observed information.
    """

    coefficients: FloatArray
    index: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    psi: FloatArray

    @property
    def pseudo_r2(self) -> float:
        """McFadden's: one less the ratio of the two log-likelihoods."""
        return 1.0 - self.log_likelihood / self.null_log_likelihood

    def influence(self, firm: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the firms, ascending, and their influence functions, (G, k); `firm` (n,) is ascending."""
        starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
        return firm[starts], np.add.reduceat(self.psi, starts, axis=0)


def probit(
    x: FloatArray, outcome: FloatArray, weights: FloatArray | None = None, start: FloatArray | None = None
) -> ProbitFit:
    """Fit a probit.

    Parameters
    ----------
    x : (n, k) array
        Of full column rank, a constant among them.
    outcome : (n,) array
        0 and 1, both of them with weight.
    weights : (n,) array, optional
        None below zero.
    start : (k,) array, optional
        Coefficients to begin with.

    Raises
    ------
    SeparationError
        If the likelihood has no maximum.
    """
    n = len(outcome)
    w = np.ones(n) if weights is None else weights
    triangle = np.linalg.qr(x * np.sqrt(w)[:, None], mode="r") / np.sqrt(w.sum())
    columns = solve_triangular(triangle, x.T, trans="T").T
    sign = 2.0 * outcome - 1.0
    b = np.zeros(x.shape[1]) if start is None else triangle @ start
    index = columns @ b
    value = float(w @ log_ndtr(sign * index))
    for _ in range(STEPS):
        ratio = _mills(sign, index)
        information = columns.T @ (columns * (w * ratio * (ratio + index))[:, None])
        step = _step(information, columns.T @ (w * ratio))
        if step is None:
            break
        change = columns @ step
        size = float(np.max(np.abs(change[w > 0])))
        scale = 1.0
        while True:
            tried = index + scale * change
            reached = float(w @ log_ndtr(sign * tried))
            # The last steps move the likelihood by less than its rounding.
            if reached >= value - 1e-12 * abs(value) or scale * size < CLOSE:
                break
            scale /= 2
        b, index, value = b + scale * step, tried, reached
        if size < CLOSE:
            return _fitted(columns, triangle, b, index, sign, w, value)
    raise SeparationError(int(np.count_nonzero((np.abs(index) > 4.0) & (w > 0))))


def _fitted(
    columns: FloatArray,
    triangle: FloatArray,
    b: FloatArray,
    index: FloatArray,
    sign: FloatArray,
    w: FloatArray,
    value: float,
) -> ProbitFit:
    ratio = _mills(sign, index)
    information = columns.T @ (columns * (w * ratio * (ratio + index))[:, None])
    psi = np.linalg.solve(information, (columns * (w * ratio)[:, None]).T)
    total, ones = float(w.sum()), float(w @ (sign > 0))
    share = ones / total
    null = ones * np.log(share) + (total - ones) * np.log1p(-share)
    return ProbitFit(
        coefficients=solve_triangular(triangle, b),
        index=index,
        log_likelihood=value,
        null_log_likelihood=float(null),
        psi=solve_triangular(triangle, psi).T,
    )


def _mills(sign: FloatArray, index: FloatArray) -> FloatArray:
    """Return the score of the index: q phi(x b) / Phi(q x b)."""
    # Logarithms first: far out both are zero in double precision, their ratio is not.
    log_ratio = -0.5 * index**2 - LOG_ROOT_2_PI - log_ndtr(sign * index)
    return np.asarray(sign * np.exp(log_ratio))


def _step(information: FloatArray, score: FloatArray) -> FloatArray | None:
    """Return Newton's step; None where the information has vanished in a direction."""
    values, directions = np.linalg.eigh(information)
    if not values[0] > 1e-12 * values[-1]:
        return None
    return np.asarray(directions @ ((directions.T @ score) / values))
