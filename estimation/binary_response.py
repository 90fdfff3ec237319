"""Probit and logit by maximum likelihood, with influence functions.

    Pr(d = 1 | x) = F(x b),    l(b) = sum of w log F(q x b),    q = 2 d - 1,

F the normal or the logistic distribution, both symmetric. Newton's method on orthonormalised columns: the
log-likelihood is concave, so that halved steps find its only maximum. It has none where a combination of the columns
tells the outcomes apart (Albert and Anderson, 1984).

References
----------
Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression
models. Biometrika 71(1), 1-10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import expit, log_expit, log_ndtr, ndtr

from estimation.results import FloatArray, IntArray

__all__ = ["LINKS", "BinaryFit", "Link", "SeparationError", "binary_response"]

STEPS = 60
# In units of the index x b: the step after one this small is below rounding, for Newton's steps square.
CLOSE = 1e-7
LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)


class SeparationError(ValueError):
    """A combination of the columns tells the outcomes apart.

    Attributes
    ----------
    rows : int
        Those that it predicts for certain.
    coefficients : (k,) array or None
        Where the search gave up, far out on its way to infinity.
    """

    def __init__(self, rows: int, coefficients: FloatArray | None = None) -> None:
        super().__init__(f"separated: {rows} rows are predicted for certain")
        self.rows = rows
        self.coefficients = coefficients


@dataclass(frozen=True, slots=True)
class Link:
    """A symmetric distribution F; every function takes and returns arrays of one shape.

    Attributes
    ----------
    name : str
    share : callable
        F(index).
    density : callable
        F'(index).
    density_slope : callable
        F''(index).
    log_share : callable
        log F(q index).
    score : callable
        ``score(sign, index, logs)``: the derivative of log F(q index) by the index, given that logarithm.
    curvature : callable
        ``curvature(score, index)``: minus its second derivative.
    certain : float
        An index beyond this leaves a probability of 3e-5: a separated likelihood drives it ever further out.
    """

    name: str
    share: Callable[[FloatArray], FloatArray]
    density: Callable[[FloatArray], FloatArray]
    density_slope: Callable[[FloatArray], FloatArray]
    log_share: Callable[[FloatArray], FloatArray]
    score: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
    curvature: Callable[[FloatArray, FloatArray], FloatArray]
    certain: float


def _normal(index: FloatArray) -> FloatArray:
    return np.asarray(np.exp(-0.5 * index**2 - LOG_ROOT_2_PI))


def _mills(sign: FloatArray, index: FloatArray, logs: FloatArray) -> FloatArray:
    """Return q phi(x b) / Phi(q x b), given log Phi."""
    # Logarithms first: far out both are zero in double precision, their ratio is not.
    return np.asarray(sign * np.exp(-0.5 * index**2 - LOG_ROOT_2_PI - logs))


def _logistic(index: FloatArray) -> FloatArray:
    return np.asarray(expit(index) * expit(-index))


def _logistic_score(sign: FloatArray, index: FloatArray, logs: FloatArray) -> FloatArray:
    # q (1 - F(q x b)): the difference would lose what F lacks of one.
    return np.asarray(sign * expit(-sign * index))


def _logistic_curvature(score: FloatArray, index: FloatArray) -> FloatArray:
    return _logistic(index)


LINKS = {
    "probit": Link(
        "probit",
        share=lambda index: np.asarray(ndtr(index)),
        density=_normal,
        density_slope=lambda index: -index * _normal(index),
        log_share=lambda index: np.asarray(log_ndtr(index)),
        score=_mills,
        curvature=lambda score, index: score * (score + index),
        certain=4.0,
    ),
    "logit": Link(
        "logit",
        share=lambda index: np.asarray(expit(index)),
        density=_logistic,
        density_slope=lambda index: _logistic(index) * (expit(-index) - expit(index)),
        log_share=lambda index: np.asarray(log_expit(index)),
        score=_logistic_score,
        curvature=_logistic_curvature,
        certain=10.4,
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class BinaryFit:
    """A fit of n rows on k columns.

    Attributes
    ----------
    link : Link
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

    link: Link
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

    @property
    def index(self) -> FloatArray:
        """Return x b, (n,)."""
        return np.asarray(self.columns @ (self.triangle @ self.coefficients))

    @property
    def covariance(self) -> FloatArray:
        """Return the inverse of the observed information, (k, k)."""
        inverse = solve_triangular(self.triangle, np.linalg.inv(self._information(self._score())))
        return np.asarray(solve_triangular(self.triangle, inverse.T))

    @property
    def row_influence(self) -> FloatArray:
        """Return the rows' influence functions with the observed information, (n, k): b_hat - b is their sum."""
        score = self._score()
        return self._lifted(score, self.columns * (self.weights * score)[:, None])

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
        score = self._score()
        starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
        scores = np.add.reduceat(self.columns * (self.weights * score)[:, None], starts, axis=0)
        return firm[starts], self._lifted(score, scores)

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
        b, _ = _maximum(self.link, self.columns, self.sign, weights, self.triangle @ self.coefficients)
        return np.asarray(solve_triangular(self.triangle, b))

    def _score(self) -> FloatArray:
        index = self.index
        return self.link.score(self.sign, index, self.link.log_share(self.sign * index))

    def _information(self, score: FloatArray) -> FloatArray:
        return _information(self.columns, self.weights, self.link.curvature(score, self.index))

    def _lifted(self, score: FloatArray, scores: FloatArray) -> FloatArray:
        lifted = solve_triangular(self.triangle, np.linalg.solve(self._information(score), scores.T))
        return np.asarray(lifted.T)


def binary_response(
    link: Link,
    x: FloatArray,
    outcome: FloatArray,
    weights: FloatArray | None = None,
    start: FloatArray | None = None,
) -> BinaryFit:
    """Fit a probit or a logit.

    Parameters
    ----------
    link : Link
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
    try:
        b, value = _maximum(link, columns, sign, w, np.zeros(x.shape[1]) if start is None else triangle @ start)
    except SeparationError as error:
        far = None if error.coefficients is None else solve_triangular(triangle, error.coefficients)
        raise SeparationError(error.rows, far) from None
    total, ones = float(w.sum()), float(w @ outcome)
    share = ones / total
    return BinaryFit(
        link=link,
        coefficients=np.asarray(solve_triangular(triangle, b)),
        log_likelihood=value,
        null_log_likelihood=float(ones * np.log(share) + (total - ones) * np.log1p(-share)),
        columns=columns,
        triangle=triangle,
        sign=sign,
        weights=w,
    )


def _maximum(
    link: Link, columns: FloatArray, sign: FloatArray, w: FloatArray, b: FloatArray
) -> tuple[FloatArray, float]:
    """Return the coefficients of the columns at the maximum, and the log-likelihood there."""
    index = columns @ b
    logs = link.log_share(sign * index)
    value = float(w @ logs)
    for _ in range(STEPS):
        score = link.score(sign, index, logs)
        step = _step(_information(columns, w, link.curvature(score, index)), columns.T @ (w * score))
        if step is None:
            break
        change = columns @ step
        size = float(np.max(np.abs(change[w > 0])))
        scale = 1.0
        while True:
            tried = index + scale * change
            logs = link.log_share(sign * tried)
            reached = float(w @ logs)
            # The last steps move the likelihood by less than its rounding.
            if reached >= value - 1e-12 * abs(value) or scale * size < CLOSE:
                break
            scale /= 2
        b, index, value = b + scale * step, tried, reached
        if size < CLOSE:
            return b, value
    raise SeparationError(int(np.count_nonzero((np.abs(index) > link.certain) & (w > 0))), b)


def _information(columns: FloatArray, w: FloatArray, curvature: FloatArray) -> FloatArray:
    return np.asarray(columns.T @ (columns * (w * curvature)[:, None]))


def _step(information: FloatArray, score: FloatArray) -> FloatArray | None:
    """Return Newton's step; None where the information has vanished in a direction."""
    values, directions = np.linalg.eigh(information)
    if not values[0] > 1e-12 * values[-1]:
        return None
    return np.asarray(directions @ ((directions.T @ score) / values))
