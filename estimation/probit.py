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
# An index beyond this leaves a probability of 3e-5: a separated likelihood drives it ever further out.
CERTAIN = 4.0
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
    log_likelihood, null_log_likelihood : float
        At the maximum, and of the constant alone.
    columns : (n, k) array
        x made orthonormal: x is `columns` times `triangle`.
    triangle : (k, k) array
    sign : (n,) array
        1 and -1.
    weights : (n,) array
    """

    coefficients: FloatArray
    log_likelihood: float
    null_log_likelihood: float
    columns: FloatArray
    triangle: FloatArray
    sign: FloatArray
    weights: FloatArray

    @property
    def pseudo_r2(self) -> float:
        """McFadden's: one less the ratio of the two log-likelihoods."""
        return 1.0 - self.log_likelihood / self.null_log_likelihood

    def influence(self, firm: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the firms, ascending, and their influence functions, with the observed information.

        Parameters
        ----------
        firm : (n,) integer array
            Ascending.

        Returns
        -------
        firms : (G,) integer array
        psi : (G, k) array
            b_hat - b = sum of psi to first order.
        """
        index = self.columns @ (self.triangle @ self.coefficients)
        ratio = _mills(self.sign, index, log_ndtr(self.sign * index))
        information = _information(self.columns, self.weights, ratio, index)
        starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
        scores = np.add.reduceat(self.columns * (self.weights * ratio)[:, None], starts, axis=0)
        return firm[starts], solve_triangular(self.triangle, np.linalg.solve(information, scores.T)).T

    def reweighted(self, weights: FloatArray) -> FloatArray:
        """Return the coefficients with other weights, (k,), beginning with these.

        Parameters
        ----------
        weights : (n,) array
            None below zero; both outcomes with weight.

        Raises
        ------
        SeparationError
            If the likelihood has no maximum.
        """
        b, _ = _maximum(self.columns, self.sign, weights, self.triangle @ self.coefficients)
        return solve_triangular(self.triangle, b)


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
    triangle = np.asarray(np.linalg.qr(x * np.sqrt(w)[:, None], mode="r")) / np.sqrt(w.sum())
    columns = solve_triangular(triangle, x.T, trans="T").T
    sign = 2.0 * outcome - 1.0
    b, value = _maximum(columns, sign, w, np.zeros(x.shape[1]) if start is None else triangle @ start)
    total, ones = float(w.sum()), float(w @ outcome)
    share = ones / total
    return ProbitFit(
        coefficients=solve_triangular(triangle, b),
        log_likelihood=value,
        null_log_likelihood=float(ones * np.log(share) + (total - ones) * np.log1p(-share)),
        columns=columns,
        triangle=triangle,
        sign=sign,
        weights=w,
    )


def _maximum(columns: FloatArray, sign: FloatArray, w: FloatArray, b: FloatArray) -> tuple[FloatArray, float]:
    """Return the coefficients of the columns at the maximum, and the log-likelihood there."""
    index = columns @ b
    logs = log_ndtr(sign * index)
    value = float(w @ logs)
    for _ in range(STEPS):
        ratio = _mills(sign, index, logs)
        step = _step(_information(columns, w, ratio, index), columns.T @ (w * ratio))
        if step is None:
            break
        change = columns @ step
        size = float(np.max(np.abs(change[w > 0])))
        scale = 1.0
        while True:
            tried = index + scale * change
            logs = log_ndtr(sign * tried)
            reached = float(w @ logs)
            # The last steps move the likelihood by less than its rounding.
            if reached >= value - 1e-12 * abs(value) or scale * size < CLOSE:
                break
            scale /= 2
        b, index, value = b + scale * step, tried, reached
        if size < CLOSE:
            return b, value
    raise SeparationError(int(np.count_nonzero((np.abs(index) > CERTAIN) & (w > 0))))


def _mills(sign: FloatArray, index: FloatArray, logs: FloatArray) -> FloatArray:
    """Return the score of the index, q phi(x b) / Phi(q x b), given log Phi."""
    # Logarithms first: far out both are zero in double precision, their ratio is not.
    return np.asarray(sign * np.exp(-0.5 * index**2 - LOG_ROOT_2_PI - logs))


def _information(columns: FloatArray, w: FloatArray, ratio: FloatArray, index: FloatArray) -> FloatArray:
    return np.asarray(columns.T @ (columns * (w * ratio * (ratio + index))[:, None]))


def _step(information: FloatArray, score: FloatArray) -> FloatArray | None:
    """Return Newton's step; None where the information has vanished in a direction."""
    values, directions = np.linalg.eigh(information)
    if not values[0] > 1e-12 * values[-1]:
        return None
    return np.asarray(directions @ ((directions.T @ score) / values))
