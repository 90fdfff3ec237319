"""The two weights of a balanced comparison, each the minimum of a convex function of its parameters.

With d the treatment, q the rows' own weights and z = (1, covariates), both solve moment conditions
``sum of h_i(g) = 0``:

* entropy balancing (Hainmueller, 2012, equations 5 to 9, in its dual), which gives untreated rows the means of the
  treated: ``h = q ((1 - d) exp(z'g) - d) z``, weights ``q exp(z'g)`` for untreated and q for treated rows;
* overlap weights (Li, Morgan and Zaslavsky, 2018, table 1), which weigh rows by the probability of the other treatment
  in a logit: ``h = q (d - p) z``, ``p = 1 / (1 + exp(-z'g))``, weights ``q p`` for untreated and ``q (1 - p)`` for
  treated rows.

References
----------
Hainmueller, J. (2012). Entropy balancing for causal effects. Political Analysis 20(1).
Li, F., Morgan, K. and Zaslavsky, A. (2018). Balancing covariates via propensity score weighting. JASA 113(521).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from estimation.results import BoolArray, FloatArray

__all__ = ["Tilted", "entropy", "overlap"]

STEPS, TOLERANCE = 100, 1e-12
LONGEST = 5.0
"""What a step may move any row's index by: beyond it a quadratic says little of an exponential."""
SHRINK, DECREASE = 0.5, 1e-4
RUNAWAY = 25.0
"""An index beyond which a row weighs e^25 times what another does: there is no minimum, only a way towards it."""


@dataclass(frozen=True, slots=True, eq=False)
class Tilted:
    """Weights, and how they move with their parameters.

    Attributes
    ----------
    weights : (n,) array
        The rows' own weights inside.
    slope : (n, p) array
        Derivative of the weights with respect to the p parameters.
    influence : (n, p) array
        psi_i of the parameters: estimate - truth = sum of psi_i to first order.
    """

    weights: FloatArray
    slope: FloatArray
    influence: FloatArray


def entropy(z: FloatArray, treated: BoolArray, own: FloatArray) -> Tilted | None:
    """Return the weights of entropy balancing; None where no weights above zero give the means of the treated.

    Parameters
    ----------
    z : (n, p) array
        A constant first, of full column rank among untreated rows.
    treated : (n,) bool array
    own : (n,) array
        Above zero.
    """
    control, base = z[~treated], own[~treated]
    wanted = own[treated] @ z[treated]

    def dual(g: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        tilted = base * np.exp(control @ g)
        return float(tilted.sum() - wanted @ g), tilted @ control - wanted, (control.T * tilted) @ control

    start = np.zeros(z.shape[1])
    start[0] = np.log(own[treated].sum() / base.sum())
    g = _minimum(dual, control, start)
    if g is None:
        return None
    weights = own.copy()
    weights[~treated] = base * np.exp(control @ g)
    moved = np.where(treated, 0.0, weights)
    moments = np.where(treated, -own, weights)[:, None] * z
    return Tilted(weights, moved[:, None] * z, _moved(dual(g)[2], moments))


def overlap(z: FloatArray, treated: BoolArray, own: FloatArray) -> Tilted | None:
    """Return overlap weights; None where the covariates tell some treatments for certain.

    Parameters
    ----------
    z, treated, own
        As in `entropy`, of full column rank among all rows.
    """

    def likelihood(g: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        index = z @ g
        p = _logistic(index)
        value = own @ (np.logaddexp(0.0, index) - treated * index)
        return float(value), z.T @ (own * (p - treated)), (z.T * (own * p * (1 - p))) @ z

    share = own[treated].sum() / own.sum()
    start = np.zeros(z.shape[1])
    start[0] = np.log(share / (1 - share))
    g = _minimum(likelihood, z, start)
    if g is None:
        return None
    p = _logistic(z @ g)
    spread = own * p * (1 - p)
    slope = np.where(treated, -spread, spread)[:, None] * z
    moments = (own * (p - treated))[:, None] * z
    return Tilted(own * np.where(treated, 1 - p, p), slope, _moved(likelihood(g)[2], moments))


def _moved(hessian: FloatArray, moments: FloatArray) -> FloatArray:
    return np.asarray(-np.linalg.solve(hessian, moments.T).T, dtype=np.float64)


def _logistic(index: FloatArray) -> FloatArray:
    return np.asarray(0.5 * (1 + np.tanh(index / 2)), dtype=np.float64)


def _minimum(
    function: Callable[[FloatArray], tuple[float, FloatArray, FloatArray]], z: FloatArray, start: FloatArray
) -> FloatArray | None:
    """Minimise a smooth convex function by Newton's steps; None where it has no minimum."""
    g = start
    value, gradient, hessian = function(g)
    scale = float(np.abs(gradient).max()) + float(np.sqrt(np.diag(hessian)).max())
    for _ in range(STEPS):
        try:
            step = -np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return None
        longest = float(np.abs(z @ step).max())
        if not np.isfinite(longest):
            return None
        length = min(1.0, LONGEST / longest) if longest > 0 else 1.0
        while True:
            found = function(g + length * step)
            if found[0] <= value + DECREASE * length * float(gradient @ step) or length * longest < TOLERANCE:
                break
            length *= SHRINK
        g = g + length * step
        value, gradient, hessian = found
        if float(np.abs(z @ g).max()) > RUNAWAY:
            return None
        if length * longest < TOLERANCE or float(np.abs(gradient).max()) <= TOLERANCE * scale:
            # Near the minimum one more full step costs nothing and takes the last digits.
            return np.asarray(g - np.linalg.solve(hessian, gradient), dtype=np.float64)
    return None
