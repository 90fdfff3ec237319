r"""Two-stage least squares, with the regressions that it is made of.

With X the k terms, p of them endogenous, Z the other terms and the m excluded instruments, W the weights and P the
(weighted) projection on Z::

    b = (X'W P X)^-1 X'W P y,        T = W PX (X'W P X)^-1,   b = T'y

PX are the fitted values of the first stages. The estimator is linear in y: T is all that a correction for an estimated
outcome asks of it, and T_i e_i are its scores, e = y - Xb with the terms themselves (Wooldridge,
2010, section 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from estimation.least_squares import LeastSquares, least_squares
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["TwoStages", "two_stages"]


@dataclass(frozen=True, slots=True, eq=False)
class TwoStages:
    """The estimate and its parts, on n rows.

    Attributes
    ----------
    fit : LeastSquares
        Of the k terms: operator, residuals and bread of two-stage least squares; leverage that of the fitted terms.
    endogenous : (p,) integer array
        Places of the endogenous terms among the k.
    first : tuple of LeastSquares
        Of each endogenous term on the k - p exogenous terms, then the m instruments.
    reduced : LeastSquares
        Of the outcome on the same columns.
    instruments : slice
        The places of the instruments among these columns.
    """

    fit: LeastSquares
    endogenous: IntArray
    first: tuple[LeastSquares, ...]
    reduced: LeastSquares
    instruments: slice

    @property
    def m(self) -> int:
        """The number of excluded instruments."""
        return self.reduced.coefficients.size - int(self.instruments.start)

    @property
    def apart(self) -> FloatArray:
        """The moments Z'WZ of the instruments, what the exogenous terms say of them taken out, (m, m)."""
        return np.asarray(np.linalg.inv(self.reduced.bread[self.instruments, self.instruments]), dtype=np.float64)

    @property
    def operator(self) -> FloatArray:
        """What makes the instruments' coefficients of an outcome, (n, m)."""
        return self.reduced.operator[:, self.instruments]

    @property
    def on_outcome(self) -> FloatArray:
        """The instruments' coefficients in the reduced form, (m,)."""
        return self.reduced.coefficients[self.instruments]

    @property
    def on_endogenous(self) -> FloatArray:
        """The instruments' coefficients in the first stages, (m, p)."""
        return np.column_stack([one.coefficients[self.instruments] for one in self.first])


def two_stages(
    x: FloatArray,
    endogenous: BoolArray,
    z: FloatArray,
    y: FloatArray,
    weights: FloatArray | None = None,
    absorbed: int = 0,
) -> TwoStages:
    """Estimate y on x, instrumented.

    Parameters
    ----------
    x : (n, k) array
        Of full column rank.
    endogenous : (k,) bool array
    z : (n, m) array
        Excluded instruments; with the exogenous columns of x of full column rank, m at least the number of endogenous
        columns.
    y : (n,) array
    weights : (n,) array, optional
        All above zero.
    absorbed : int
        Parameters of effects that were swept out of x, z and y.

    Returns
    -------
    TwoStages
    """
    columns = np.column_stack([x[:, ~endogenous], z])
    places = np.flatnonzero(endogenous)
    first = tuple(least_squares(columns, x[:, place], weights, absorbed) for place in places)
    fitted = x.copy()
    for place, one in zip(places, first, strict=True):
        fitted[:, place] -= one.residuals
    kept = int((~endogenous).sum())
    return TwoStages(
        fit=_second(x, fitted, y, weights, absorbed),
        endogenous=places.astype(np.int64),
        first=first,
        reduced=least_squares(columns, y, weights, absorbed),
        instruments=slice(kept, kept + z.shape[1]),
    )


def _second(
    x: FloatArray, fitted: FloatArray, y: FloatArray, weights: FloatArray | None, absorbed: int
) -> LeastSquares:
    w = np.ones(len(y)) if weights is None else weights
    root = np.sqrt(w)
    q, r = np.linalg.qr(fitted * root[:, None])
    inverse = solve_triangular(r, np.eye(r.shape[0]))
    coefficients = np.zeros(r.shape[0])
    # (PX)'W PX and (PX)'W X are the same: each step takes away what rounding has left of the one before.
    for _ in range(2):
        coefficients = coefficients + solve_triangular(r, q.T @ (root * (y - x @ coefficients)))
    return LeastSquares(
        coefficients=coefficients,
        residuals=y - x @ coefficients,
        weights=w,
        bread=inverse @ inverse.T,
        operator=(q * root[:, None]) @ inverse.T,
        leverage=np.einsum("ij,ij->i", q, q),
        absorbed=absorbed,
    )
