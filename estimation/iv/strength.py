r"""How strongly the instruments move each endogenous term: F statistics of the first stages.

With d the instruments' m coefficients in a first stage, V their covariance and Q = Z'WZ of the instruments apart from
the exogenous terms:

- F = d'V^-1 d / m, V of the model's kind of errors, and with classical V;
- the effective F of Montiel Olea and Pflueger (2013), d'Q d / tr(V Q), for one endogenous term, with the critical
  value of their simplified procedure: from the upper 5 per cent of a noncentral chi-square at a worst-case bias of a
  tenth (23.1 with one instrument);
- the conditional F of Sanderson and Windmeijer (2016) for several endogenous terms: of what the other endogenous
  terms, instrumented, leave of one, over m - p + 1;
- the partial R2: the share of an endogenous term, apart from the exogenous ones, that the instruments explain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chndtrix, fdtrc

from estimation.covariance import classical
from estimation.iv.anderson_rubin import wald
from estimation.iv.least_squares import TwoStages, two_stages
from estimation.iv.spread import Spread
from estimation.least_squares import LeastSquares, least_squares
from estimation.results import BoolArray, FloatArray

__all__ = ["Strength", "strengths"]

BIAS = 0.1
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Strength:
    """Of one endogenous term; None where a number does not exist.

    Attributes
    ----------
    f, f_p_value : float or None
        By the model's kind of errors.
    df1, df2 : float
    f_classical : float or None
    f_effective, f_effective_critical : float or None
        Of one endogenous term alone.
    f_conditional : float or None
        Of several.
    partial_r2 : float
    """

    f: float | None
    f_p_value: float | None
    df1: int
    df2: float
    f_classical: float | None
    f_effective: float | None
    f_effective_critical: float | None
    f_conditional: float | None
    partial_r2: float

    @property
    def decisive(self) -> float | None:
        """The F that speaks for this term: the conditional one where there is one."""
        return self.f if self.f_conditional is None else self.f_conditional


def strengths(found: TwoStages, spread: Spread, x: FloatArray, endogenous: BoolArray, z: FloatArray
              ) -> tuple[Strength, ...]:  # fmt: skip
    """Return what the instruments are worth for each endogenous term.

    Parameters
    ----------
    found : TwoStages
    spread : Spread
    x, endogenous, z
        What `found` was estimated from.
    """
    several = len(found.first) > 1
    conditional = [_conditional(number, found, spread, (x, endogenous, z)) for number in range(len(found.first))]
    return tuple(
        _strength(one, found, spread, conditional[number] if several else None)
        for number, one in enumerate(found.first)
    )


def _strength(first: LeastSquares, found: TwoStages, spread: Spread, conditional: float | None) -> Strength:
    at, m = found.instruments, found.m
    d, apart = first.coefficients[at], found.apart
    covariance = spread.of(first, outcome=False)
    v = covariance.matrix[at, at]
    statistic = wald(d, v)
    explained = float(d @ apart @ d)
    effective, critical = None, None
    if len(found.first) == 1:
        half = np.linalg.cholesky(apart)
        spread_out = half.T @ v @ half
        total = float(np.trace(spread_out))
        if total > 0:
            effective, critical = explained / total, _critical(spread_out)
    exact = first.residual_variance <= 0
    plain = None if exact else wald(d, classical(first).matrix[at, at])
    return Strength(
        f=None if statistic is None else statistic / m,
        f_p_value=None if statistic is None else float(fdtrc(m, covariance.df, statistic / m)),
        df1=m,
        df2=covariance.df,
        f_classical=None if plain is None else plain / m,
        f_effective=effective,
        f_effective_critical=critical,
        f_conditional=conditional,
        partial_r2=explained / (explained + float(first.weights @ first.residuals**2)),
    )


def _critical(spread_out: FloatArray) -> float:
    """Return the critical value: effective degrees of freedom, and a noncentrality of x times these."""
    x, trace = 1 / BIAS, float(np.trace(spread_out))
    largest = float(np.linalg.eigvalsh(spread_out)[-1])
    freedom = trace**2 * (1 + 2 * x) / (float((spread_out**2).sum()) + 2 * x * trace * largest)
    return float(chndtrix(LEVEL, freedom, freedom * x)) / freedom


def _conditional(
    number: int, found: TwoStages, spread: Spread, arrays: tuple[FloatArray, BoolArray, FloatArray]
) -> float | None:
    """Return the conditional F of one of several endogenous terms."""
    p = len(found.first)
    if p == 1:
        return None
    x, endogenous, z = arrays
    own = int(found.endogenous[number])
    others = np.delete(np.arange(x.shape[1]), own)
    weights, absorbed = found.fit.weights, found.fit.absorbed
    left = two_stages(x[:, others], endogenous[others], z, x[:, own], weights, absorbed).fit.residuals
    fit = least_squares(np.column_stack([x[:, ~endogenous], z]), left, weights, absorbed)
    at = found.instruments
    statistic = wald(fit.coefficients[at], spread.of(fit, outcome=False).matrix[at, at])
    return None if statistic is None else statistic / (found.m - p + 1)
