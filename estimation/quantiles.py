"""Quantiles of weighted samples, and how many firms lie on either side of one."""

from __future__ import annotations

import numpy as np

from estimation.results import FloatArray, IntArray

__all__ = ["firms_beside", "quantiles", "share_below"]

ROUNDING = 1e-12
"""Of all weight: a sum of weights that comes so near to a share has reached it."""


def quantiles(values: FloatArray, weights: FloatArray, shares: FloatArray) -> FloatArray:
    """Return quantiles as the inverse of the weighted distribution function, averaged where it is flat.

    Parameters
    ----------
    values : (n,) array
        Ascending.
    weights : (n,) array
        Of them, zero or above; some weight is above zero.
    shares : (m,) array
        Strictly between 0 and 1.

    Returns
    -------
    (m,) array

    Notes
    -----
    With F the share of weight at or below a value, Q(tau) is the least value with F >= tau; where F = tau exactly, the
    mean of that value and the next one. It is definition 2 of Hyndman and Fan (1996), that of Stata's `summarize` and
    of SAS (definition 5). A row of weight 2 is two rows of weight 1: a draw of a bootstrap is a sample of its own.
    """
    there = weights > 0
    values, weights = values[there], weights[there]
    reached = np.cumsum(weights)
    wanted = shares * reached[-1]
    near = ROUNDING * reached[-1]
    low = np.searchsorted(reached, wanted - near)
    high = np.searchsorted(reached, wanted + near)
    last = len(values) - 1
    found: FloatArray = (values[np.minimum(low, last)] + values[np.minimum(high, last)]) / 2
    return found


def share_below(values: FloatArray, weights: FloatArray, at: FloatArray) -> FloatArray:
    """Return the share of weight at or below some values, (m,); `values` ascending."""
    reached = np.concatenate([[0.0], np.cumsum(weights)])
    found: FloatArray = reached[np.searchsorted(values, at, side="right")] / reached[-1]
    return found


def firms_beside(values: FloatArray, firm: IntArray, at: float) -> int:
    """Return the firms at or below a value, or at or above it: whichever are fewer.

    Parameters
    ----------
    values : (n,) array
        In any order.
    firm : (n,) integer array
        Whose they are.
    at : float
    """
    return min(int(np.unique(firm[values <= at]).size), int(np.unique(firm[values >= at]).size))
