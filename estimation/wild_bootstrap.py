"""The wild cluster bootstrap of a regression's t statistics, the null hypothesis imposed, without refits.

Of the hypothesis b_j = r, with d = b_j - r, the restricted residuals are e + X M c_j d / M_jj, M = (X'WX)^-1. A draw
multiplies them by one number v_g a cluster, and everything that its t statistic needs is a sum over clusters::

    b*_j - r                       = c_j'M sum of v_g s_g,                        s_g = X_g'W_g (restricted residuals)
    cluster g's score in V*_jj     = v_g c_j'M s_g - c_j'M (X_g'W_g X_g) M sum of v_h s_h

(Cameron, Gelbach and Miller, 2008; Roodman, MacKinnon, Nielsen and Webb, 2019). Both are linear in d: for each draw the
squared t statistic is a quotient of quadratics in d, so that a test of any r costs one pass over the draws, and an
interval is had by testing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.covariance import numbered
from estimation.few_clusters import Basis, resting_on_one
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["FEW_FOR_SIGNS", "LEVEL", "Signs", "WildTest", "signs_of", "wild_test"]

FEW_FOR_SIGNS = 12
"""Below, two values a cluster make too few different draws."""
FEWEST_ENUMERATED = 6
"""Below, even all patterns of signs cannot give a p-value below 0.05: the smallest is 2 in 2^G."""
WEBB: FloatArray = np.sqrt(np.array([1.5, 1.0, 0.5]))
LEVEL = 0.05
TIE = 1e-10
DOUBLINGS, HALVINGS = 20, 60
"""An end is looked for up to a million standard errors off: there, rounding does not yet decide."""
AT_ONCE = 8_000_000
"""Numbers of a block of draws: clusters times draws."""


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """What the clusters' residuals are multiplied by.

    Attributes
    ----------
    values : (G, B) array
        A column a draw. Of all patterns one of two that mirror each other is left out: their t statistics are the same
        but for the sign.
    weights : {'rademacher', 'webb'}
    enumerated : bool
    draws : int
        As they count: mirrored patterns too.
    """

    values: FloatArray
    weights: str
    enumerated: bool
    draws: int


def signs_of(clusters: int, draws: int, seed: int) -> Signs:
    """Draw a number for each cluster.

    Parameters
    ----------
    clusters : int
        G.
    draws : int
        B. From six clusters on, all 2^G patterns of signs serve where they are no more than that.
    seed : int

    Returns
    -------
    Signs
        Rademacher's signs; with fewer than 12 clusters Webb's six values (Webb, 2023).
    """
    if clusters >= FEWEST_ENUMERATED and 2**clusters <= draws:
        patterns = np.arange(2 ** (clusters - 1))
        below = (patterns[None, :] >> np.arange(clusters - 1)[:, None]) & 1
        every = np.ones((clusters, len(patterns)))
        every[1:] -= 2.0 * below
        return Signs(every, "rademacher", True, 2**clusters)
    generator = np.random.default_rng(np.random.SeedSequence(seed))
    if clusters < FEW_FOR_SIGNS:
        six = np.concatenate([-WEBB, WEBB])
        drawn: FloatArray = six[generator.integers(0, 6, size=(draws, clusters))].T
        return Signs(drawn, "webb", False, draws)
    flipped: FloatArray = np.asarray(1.0 - 2.0 * generator.integers(0, 2, size=(draws, clusters)).T, dtype=np.float64)
    return Signs(flipped, "rademacher", False, draws)


@dataclass(frozen=True, slots=True, eq=False)
class WildTest:
    """What the draws say of k coefficients.

    Attributes
    ----------
    p_values : (k,) array
        Of the hypothesis that the coefficient is zero, two-sided.
    low, high : (k,) arrays
        Of the interval of values that are not rejected at 5 per cent; infinite where nothing ends it.
    smallest : float
        The smallest p-value that there can be.
    alone : (k,) bool array
        Terms that rest on one cluster: no draw tells how far they are off.
    """

    p_values: FloatArray
    low: FloatArray
    high: FloatArray
    smallest: float
    alone: BoolArray


def wild_test(
    coefficients: FloatArray, std_errors: FloatArray, residuals: FloatArray, basis: Basis, codes: IntArray, signs: Signs
) -> WildTest:
    """Test every coefficient, each with its own hypothesis imposed, and invert the tests to intervals.

    Parameters
    ----------
    coefficients, std_errors : (k,) arrays
        The errors set where the search for an interval begins, no more.
    residuals : (n,) array
    basis : Basis
    codes : (n,) integer array
        The clusters.
    signs : Signs

    Returns
    -------
    WildTest

    Notes
    -----
    The sample itself counts as a draw: p = (1 + draws with t*^2 >= t^2) / (1 + B), and of all patterns, where it is one
    of them, the plain share. `boottest` has the share of draws with t*^2 > t^2. An end of an interval is looked for by
    doubling the distance from the estimate and then by halves: the first crossing that this meets.
    """
    index, count = numbered(codes)
    order = np.argsort(index, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    e, m = residuals * basis.root, basis.q.shape[1]
    moments = np.stack([basis.q[one].T @ basis.q[one] for one in rows])
    scores = np.stack([basis.q[one].T @ e[one] for one in rows])
    k = len(coefficients)
    variance = (basis.lift**2).sum(axis=0)
    fixed = scores @ basis.lift
    own = np.einsum("gmn,nk->gmk", moments, basis.lift)
    moving = np.einsum("gmk,mk->gk", own, basis.lift) / variance
    quadratics = np.empty((5, k, signs.values.shape[1]))
    step = max(1, AT_ONCE // max(count, m))
    for start in range(0, signs.values.shape[1], step):
        v = signs.values[:, start : start + step]
        total = scores.T @ v
        for j in range(k):
            total_moving = own[:, :, j].T @ v / variance[j]
            one = v * fixed[:, j, None] - own[:, :, j] @ total
            other = v * moving[:, j, None] - own[:, :, j] @ total_moving
            quadratics[:, j, start : start + step] = (
                basis.lift[:, j] @ total,
                basis.lift[:, j] @ total_moving,
                (one * one).sum(axis=0),
                (one * other).sum(axis=0),
                (other * other).sum(axis=0),
            )
    spread = (fixed**2).sum(axis=0)
    p_values, low, high = np.full(k, np.nan), np.full(k, np.nan), np.full(k, np.nan)
    for j in range(k):
        if not (std_errors[j] > 0 and spread[j] > 0):
            continue
        test = _Test(quadratics[:, j], float(spread[j]), signs)
        p_values[j] = test.p_value(float(coefficients[j]))
        low[j] = coefficients[j] - test.reach(float(std_errors[j]), 1)
        high[j] = coefficients[j] + test.reach(float(std_errors[j]), -1)
    smallest = 2 / signs.draws if signs.enumerated else 1 / (signs.draws + 1)
    return WildTest(p_values, low, high, smallest, resting_on_one(moments, basis.lift))


@dataclass(frozen=True, slots=True, eq=False)
class _Test:
    """The draws of one coefficient: a + b d over the root of c + 2 f d + h d^2; `spread` stands below the sample's."""

    quadratics: FloatArray
    spread: float
    signs: Signs

    def p_value(self, d: float) -> float:
        """Return the p-value of the hypothesis that the coefficient lies d below the estimate."""
        a, b, c, f, h = self.quadratics
        drawn = (a + b * d) ** 2 * self.spread
        own = d * d * np.maximum(c + 2 * f * d + h * d * d, 0.0)
        beyond = int((drawn >= own * (1 - TIE)).sum())
        if self.signs.enumerated:
            return 2 * beyond / self.signs.draws
        return (1 + beyond) / (1 + self.signs.draws)

    def reach(self, unit: float, sign: int) -> float:
        """Return how far off hypotheses are still not rejected, below the estimate (1) or above it (-1)."""
        inside, outside = 0.0, unit
        for _ in range(DOUBLINGS):
            if self.p_value(sign * outside) <= LEVEL:
                break
            inside, outside = outside, 2 * outside
        else:
            return float("inf")
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            if self.p_value(sign * middle) <= LEVEL:
                outside = middle
            else:
                inside = middle
        return outside
