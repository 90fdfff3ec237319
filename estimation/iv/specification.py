r"""Tests of an instrumented model: are the endogenous terms endogenous, and do the instruments agree?

- Wu and Hausman: the first stages' residuals beside the terms in a regression of the outcome, tested together with
  the model's kind of errors. Classical errors give Hausman's (1978) test in the form of F(p, N - K - p).
- Over-identification: the least d(b)'S^-1 d(b) over b, d(b) the instruments' coefficients in a regression of y - xb and
  S their covariance at the residuals of two-stage least squares, without small-sample factors. Classical: Sargan's
  (1958) test; robust or clustered: Hansen's (1982) J of efficient two-step GMM. Chi-square, m - p degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from estimation.iv.anderson_rubin import wald
from estimation.iv.least_squares import TwoStages
from estimation.iv.spread import Spread
from estimation.least_squares import RANK_TOLERANCE, LeastSquares, least_squares
from estimation.results import FloatArray

__all__ = ["Tested", "overidentification", "wu_hausman"]


@dataclass(frozen=True, slots=True)
class Tested:
    """A test: its name, statistic, degrees of freedom (`df2` None for a chi-square) and p-value."""

    kind: str
    statistic: float
    df1: int
    df2: float | None
    p_value: float


def wu_hausman(found: TwoStages, spread: Spread, x: FloatArray, y: FloatArray) -> Tested | None:
    """Test that the endogenous terms are exogenous; None where their first stages leave nothing.

    Parameters
    ----------
    found : TwoStages
    spread : Spread
    x, y : (n, k) and (n,) arrays
        What `found` was estimated from.
    """
    left = np.column_stack([one.residuals for one in found.first])
    size = np.linalg.norm(x[:, found.endogenous], axis=0)
    if bool((np.linalg.norm(left, axis=0) <= RANK_TOLERANCE * size).any()):
        return None
    p, k = left.shape[1], x.shape[1]
    if len(y) <= k + p + found.fit.absorbed:
        return None
    beside = least_squares(np.column_stack([x, left]), y, found.fit.weights, found.fit.absorbed)
    covariance = spread.of(beside, outcome=True)
    statistic = wald(beside.coefficients[k:], covariance.matrix[k:, k:])
    if statistic is None or not covariance.df > 0:
        return None
    p_value = float(fdtrc(p, covariance.df, statistic / p))
    return Tested("wu_hausman", statistic / p, p, covariance.df, p_value)


def overidentification(found: TwoStages, spread: Spread) -> Tested | None:
    """Test that the instruments agree; None where there are as many as endogenous terms, or S is singular."""
    m, p = found.on_endogenous.shape
    if m == p:
        return None
    b = found.fit.coefficients[found.endogenous]
    d = found.on_outcome - found.on_endogenous @ b
    # The instruments' coefficients in a regression of y - xb, with the residuals of the model itself.
    of_moments = LeastSquares(
        coefficients=d,
        residuals=found.fit.residuals,
        weights=found.fit.weights,
        bread=found.reduced.bread[found.instruments, found.instruments],
        operator=found.operator,
        leverage=found.reduced.leverage,
        absorbed=found.reduced.absorbed,
    )
    kind = spread.question.kind
    if kind == "classical":
        s = float(found.fit.weights @ found.fit.residuals**2) / found.fit.n_obs * of_moments.bread
        first = spread.carried(found.operator)
        s = s if first is None else s + first.covariance
    else:
        covariance = spread.of(of_moments, outcome=True)
        s = covariance.matrix / covariance.factor
    if wald(d, s) is None:
        return None
    inverse = np.linalg.inv(np.linalg.cholesky(s))
    slope, gap = inverse @ found.on_endogenous, inverse @ found.on_outcome
    best = np.linalg.lstsq(slope, gap, rcond=None)[0]
    statistic = float(((gap - slope @ best) ** 2).sum())
    name = "sargan" if kind == "classical" else "hansen_j"
    return Tested(name, statistic, m - p, None, float(chdtrc(m - p, statistic)))
