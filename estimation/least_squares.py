"""Ordinary and weighted least squares by QR, with what covariances and second stages need of the fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from estimation.results import BoolArray, FloatArray

__all__ = ["RANK_TOLERANCE", "Dependence", "LeastSquares", "dependences", "least_squares"]

RANK_TOLERANCE = 1e-9
"""A column is dependent where this share of its length, or less, is new (R's `lm` takes 1e-7)."""


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """A least-squares fit of n rows on k columns.

    Attributes
    ----------
    coefficients : (k,) array
    residuals : (n,) array
        Of the outcome as it is, not multiplied by the weight.
    weights : (n,) array
        Ones where there are none.
    bread : (k, k) array
        (X'WX)^-1.
    operator : (n, k) array
        T with coefficients = T'y: row i is (X'WX)^-1 x_i w_i. Applied to any z it gives the same estimator
        with z as outcome, which is all that the correction for an estimated outcome asks of a design.
    leverage : (n,) array
        w_i x_i'(X'WX)^-1 x_i, the weight included (as R's `hatvalues`); it sums to k.
    absorbed : int
        Parameters of effects that were swept out of the columns before: they count among the N - K.
    """

    coefficients: FloatArray
    residuals: FloatArray
    weights: FloatArray
    bread: FloatArray
    operator: FloatArray
    leverage: FloatArray
    absorbed: int = 0

    @property
    def n_obs(self) -> int:
        """Return the number of rows."""
        return self.residuals.size

    @property
    def n_terms(self) -> int:
        """Return the number of parameters: columns, and levels of effects that were swept out."""
        return self.coefficients.size + self.absorbed

    @property
    def residual_variance(self) -> float:
        """Return sum of w e^2 over N - K, as R's `lm`."""
        return float(self.weights @ self.residuals**2) / (self.n_obs - self.n_terms)


@dataclass(frozen=True, slots=True)
class Dependence:
    """Column `term` is an exact combination of the columns `others`; without others it is zero."""

    term: int
    others: tuple[int, ...]


def least_squares(x: FloatArray, y: FloatArray, weights: FloatArray | None = None, absorbed: int = 0) -> LeastSquares:
    """Fit y on x, minimising the sum of w (y - xb)^2.

    Parameters
    ----------
    x : (n, k) array
        Of full column rank (see `dependences`).
    y : (n,) array
    weights : (n,) array, optional
        All above zero.
    absorbed : int
        Parameters of effects that were swept out of x and y.

    Returns
    -------
    LeastSquares
        From the QR decomposition of the weighted columns: the normal equations would lose half the digits.
    """
    w = np.ones(len(y)) if weights is None else weights
    root = np.sqrt(w)
    q, r = np.linalg.qr(x * root[:, None])
    inverse = solve_triangular(r, np.eye(r.shape[0]))
    operator = (q * root[:, None]) @ inverse.T
    # One step of refinement: with large column means the first solution has lost a digit or two.
    coefficients = solve_triangular(r, q.T @ (root * y))
    coefficients = coefficients + solve_triangular(r, q.T @ (root * (y - x @ coefficients)))
    return LeastSquares(
        coefficients=coefficients,
        residuals=y - x @ coefficients,
        weights=w,
        bread=inverse @ inverse.T,
        operator=operator,
        leverage=np.einsum("ij,ij->i", q, q),
        absorbed=absorbed,
    )


def dependences(x: FloatArray, weights: FloatArray | None = None) -> tuple[Dependence, ...]:
    """Name the columns that are exact combinations of columns before them.

    Parameters
    ----------
    x : (n, k) array
    weights : (n,) array, optional

    Returns
    -------
    tuple of Dependence
        Empty for full rank. Each lists the earlier columns that its combination uses.

    Notes
    -----
    The rank comes from a QR with column pivoting of R, whose columns have the lengths and angles of X's and
    which is only k by k. Only where it falls short are columns taken in their own order, so that the later
    one is named, as in R's `lm`.
    """
    rows = x if weights is None else x * np.sqrt(weights)[:, None]
    triangle = np.linalg.qr(rows, mode="r")
    length = np.linalg.norm(triangle, axis=0)
    scaled = triangle / np.where(length > 0, length, 1.0)
    pivots = np.abs(np.diag(qr(scaled, mode="r", pivoting=True)[0]))
    if len(pivots) == x.shape[1] and bool((pivots > RANK_TOLERANCE).all()):
        return ()
    found: list[Dependence] = []
    independent: list[int] = []
    for term in range(scaled.shape[1]):
        if length[term] == 0:
            found.append(Dependence(term, ()))
            continue
        column, kept = scaled[:, term], scaled[:, independent]
        share = np.linalg.lstsq(kept, column, rcond=None)[0] if independent else np.zeros(0)
        # The bound is a little wider than the pivots': what they call dependent must be found here too.
        if np.linalg.norm(column - kept @ share) <= 10 * RANK_TOLERANCE * np.sqrt(x.shape[1]):
            used: BoolArray = np.abs(share) > 1e-6
            found.append(Dependence(term, tuple(np.array(independent)[used].tolist())))
        else:
            independent.append(term)
    return tuple(found)
