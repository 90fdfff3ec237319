"""The share of a flexible input in revenue, and the elasticity behind it: nonlinear least squares.

A firm that buys m until its expected marginal revenue is its price has, with D the output elasticity of m, e the
transitory error that it does not foresee and E = E[exp(e)],

    s = ln(E D(x)) - e                                                                  (s the log of the share)

so that the polynomial D_E = E D is estimated by least squares of s on ln D_E, and E by the mean of exp(e): Gandhi,
Navarro and Rivers (2020), equations (11), (21) and the lines after each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from estimation.results import FloatArray

__all__ = ["NoShareFitError", "ShareFit", "fit_share"]

ITERATIONS = 200
HALVINGS = 60
# Converged: the next step would move ln D_E by less than this (root mean square).
STEP = 1e-13
# Below the first, the sum of squares cannot tell a step's gain from rounding: steps are taken whole. Below the second
# they may end where they shrink no more.
NEARLY, AS_GOOD = 1e-6, 1e-10


class NoShareFitError(ValueError):
    """The least squares did not converge, or their curvature is singular there."""


@dataclass(frozen=True, slots=True, eq=False)
class ShareFit:
    """The fitted share equation on n rows.

    Attributes
    ----------
    coefficients : (b,) array
        Of D_E on the given columns.
    fitted : (n,) array
        D_E: above zero.
    errors : (n,) array
        e = ln D_E - s.
    curvature : (b, b) array
        Minus the derivative of the scores' sum.
    iterations : int
    """

    coefficients: FloatArray
    fitted: FloatArray
    errors: FloatArray
    curvature: FloatArray
    iterations: int

    def scores(self, columns: FloatArray) -> FloatArray:
        """Return the rows' scores, (n, b): the derivative of -e^2/2, without weights."""
        return columns * (-self.errors / self.fitted)[:, None]


def fit_share(
    columns: FloatArray, share: FloatArray, weights: FloatArray | None = None, start: FloatArray | None = None
) -> ShareFit:
    """Fit ``s = ln(X c) - e`` by least squares, with X c above zero on every row.

    The logarithm is its own barrier: no step that makes a fitted share zero or less lowers the sum of squares, and
    none is taken. Newton's method, Gauss and Newton's where the curvature is not positive definite.

    Parameters
    ----------
    columns : (n, b) array
        X, well conditioned; a constant in its span.
    share : (n,) array
        s.
    weights : (n,) array, optional
        Above zero.
    start : (b,) array, optional
        Where to begin; without it once from a constant share and once from the regression of exp(s), and the better
        of both ends is returned.

    Raises
    ------
    NoShareFitError
        If no start converges.
    """
    root = np.ones(len(share)) if weights is None else np.sqrt(weights)
    if start is not None:
        return _descend(columns, share, root, start)
    constant = _regress(columns, np.full(len(share), np.exp(float(root**2 @ share / (root @ root)))), root)
    level = _regress(columns, np.exp(share), root)
    best: ShareFit | None = None
    for one in (constant, _inside(columns, level, constant)):
        try:
            found = _descend(columns, share, root, one)
        except NoShareFitError:
            continue
        if best is None or _loss(found, root) < _loss(best, root) * (1 - 1e-9):
            best = found
    if best is None:
        raise NoShareFitError
    return best


def _regress(columns: FloatArray, values: FloatArray, root: FloatArray) -> FloatArray:
    found = np.linalg.lstsq(columns * root[:, None], values * root)[0]
    return np.asarray(found, dtype=np.float64)


def _inside(columns: FloatArray, wanted: FloatArray, constant: FloatArray) -> FloatArray:
    """Move coefficients towards a constant share until every fitted share is clear of zero."""
    least = 0.1 * float(np.min(columns @ constant))
    share = 1.0
    while share > 1e-6 and np.min(columns @ (share * wanted + (1 - share) * constant)) < least:
        share *= 0.8
    return share * wanted + (1 - share) * constant


def _loss(fit: ShareFit, root: FloatArray) -> float:
    return float(np.sum((root * fit.errors) ** 2))


def _descend(columns: FloatArray, share: FloatArray, root: FloatArray, start: FloatArray) -> ShareFit:
    total = float(root @ root)
    c, fitted = start, columns @ start
    if not np.min(fitted) > 0:
        raise NoShareFitError
    before = np.inf
    for iteration in range(1, ITERATIONS + 1):
        residual = share - np.log(fitted)
        slopes = columns * (root / fitted)[:, None]
        gradient = slopes.T @ (root * residual)
        curvature = (slopes * (1.0 + residual)[:, None]).T @ slopes
        step = _newton_step(slopes, curvature, gradient)
        moved = float(np.sqrt(max(float(gradient @ step), 0.0) / total))
        if moved < STEP or (moved < AS_GOOD and moved > 0.5 * before):
            return ShareFit(c, fitted, -residual, curvature, iteration)
        before = moved
        loss = np.inf if moved < NEARLY else float(np.sum((root * residual) ** 2))
        c, fitted = _shorter(columns, share, root, c, step, loss)
    raise NoShareFitError


def _newton_step(slopes: FloatArray, curvature: FloatArray, gradient: FloatArray) -> FloatArray:
    for matrix in (curvature, slopes.T @ slopes):
        try:
            return np.asarray(cho_solve(cho_factor(matrix), gradient), dtype=np.float64)
        except LinAlgError:
            continue
    raise NoShareFitError


def _shorter(
    columns: FloatArray, share: FloatArray, root: FloatArray, c: FloatArray, step: FloatArray, loss: float
) -> tuple[FloatArray, FloatArray]:
    """Halve a step until fitted shares are above zero and the loss does not rise."""
    for halving in range(HALVINGS):
        tried = c + 0.5**halving * step
        fitted = columns @ tried
        if np.min(fitted) > 0 and np.sum((root * (share - np.log(fitted))) ** 2) <= loss:
            return tried, fitted
    raise NoShareFitError
