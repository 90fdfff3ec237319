"""Quantiles and means of groups, and how each firm moves them: the terms of a comparison of distributions.

The quantile q of a group moves with its rows by ``-(1(y <= q) - F(q)) / f(q)`` over the group's weight, with f the
density at q by a kernel; the mean by ``y - mean`` over it.

References
----------
Firpo, S., Fortin, N. M. and Lemieux, T. (2009). Unconditional quantile regressions. Econometrica 77(3), 953-973.
Section 3.
Silverman, B. W. (1986). Density Estimation for Statistics and Data Analysis. Chapman and Hall. Section 3.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.quantiles import quantiles, share_below
from estimation.results import BoolArray, FloatArray

__all__ = ["Shape", "influence_of", "shape_of", "slope_of"]

# Silverman's 0.9 for the normal kernel (equation 3.31), times 2.214 for the same smoothing by Epanechnikov's.
EPANECHNIKOV, NORMAL_QUARTILES = 1.99, 1.34
STILL = 1e-12
"""Of the size of its values: a group that spreads no further is a constant."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What is computed of one group: m quantiles and the mean.

    Attributes
    ----------
    weight : float
        Of the whole group; zero where nobody is there, and all else is NaN.
    quantiles, below, density : (m,) arrays
        The quantiles, the shares at or below them, and the density there; it is infinite in a constant.
    mean : float
    width : float
        The kernel's.
    """

    weight: float
    quantiles: FloatArray
    below: FloatArray
    density: FloatArray
    mean: float
    width: float

    @property
    def values(self) -> FloatArray:
        """Quantiles, then the mean, (m + 1,)."""
        return np.append(self.quantiles, self.mean)


def shape_of(values: FloatArray, weights: FloatArray, counts: FloatArray, shares: FloatArray) -> Shape:
    """Return the quantiles and the mean of a group.

    Parameters
    ----------
    values : (n,) array
        Ascending.
    weights : (n,) array
        What a row stands for.
    counts : (n,) array
        How often it is there.
    shares : (m,) array

    Notes
    -----
    Epanechnikov kernel, bandwidth 1.99 min(s, IQR / 1.34) n^(-1/5); n is (sum of w)^2 / sum of w^2. Where the
    quartiles coincide, s alone.
    """
    there = counts > 0
    if not there.any():
        nothing = np.full(len(shares), np.nan)
        return Shape(0.0, nothing, nothing, nothing, float("nan"), float("nan"))
    values, own, counts = values[there], weights[there], counts[there]
    w = own * counts
    total = float(w.sum())
    # About a value of their own: far from zero, squares lose the spread.
    about = values - values[0]
    centre = float(w @ about) / total
    deviation = float(np.sqrt(w @ (about - centre) ** 2 / total))
    found = quantiles(values, w, np.concatenate([shares, [0.25, 0.75]]))
    lower, upper = found[-2:]
    spread = min(deviation, float(upper - lower) / NORMAL_QUARTILES) or deviation
    effective = total**2 / float(counts @ own**2)
    width = EPANECHNIKOV * spread * effective**-0.2
    at = found[:-2]
    mean = float(values[0]) + centre
    if not float(values[-1] - values[0]) > STILL * float(np.abs(values[[0, -1]]).max()):
        return Shape(total, at, np.ones(len(at)), np.full(len(at), np.inf), mean, 0.0)
    below = share_below(values, w, at)
    density = np.array([_kernel(values, w, one, width)[1].sum() for one in at.tolist()]) / (total * width)
    return Shape(total, at, below, density, mean, width)


def _kernel(values: FloatArray, w: FloatArray, at: float, width: float) -> tuple[slice, FloatArray]:
    """Return which of the ascending values lie within the kernel's reach, and their weight times the kernel."""
    low, high = np.searchsorted(values, [at - width, at + width])
    near = slice(int(low), int(high))
    return near, 0.75 * w[near] * (1 - ((values[near] - at) / width) ** 2)


def influence_of(values: FloatArray, weights: FloatArray, shape: Shape) -> FloatArray:
    """Return how rows of a group move its quantiles and its mean, (n, m + 1).

    Parameters
    ----------
    values, weights : (n,) arrays
        In any order.
    shape : Shape
        Of the group. NaN where nobody is there, or the density at a quantile is zero.
    """
    if shape.weight == 0:
        return np.zeros((len(values), len(shape.quantiles) + 1))
    beyond = (values[:, None] <= shape.quantiles) - shape.below
    density = np.where(shape.density > 0, shape.density, np.nan)
    moves = np.column_stack([-beyond / density, values - shape.mean])
    found: FloatArray = moves * (weights / shape.weight)[:, None]
    return found


def slope_of(values: FloatArray, w: FloatArray, gradient: FloatArray, shape: Shape) -> FloatArray:
    """Return how the quantiles and the mean move with what the values move with, (m + 1, q).

    Parameters
    ----------
    values, w : (n,) arrays
        Ascending values and their weights.
    gradient : (n, q) array
        dy/dtheta of the rows.
    shape : Shape

    Notes
    -----
    dQ/dtheta = E[dy/dtheta | y = Q], by the kernel; d mean/dtheta = E[dy/dtheta].
    """
    found = np.zeros((len(shape.quantiles) + 1, gradient.shape[1]))
    if shape.weight == 0:
        return found
    found[-1] = w @ gradient / shape.weight
    for number, at in enumerate(shape.quantiles.tolist()):
        near: slice | BoolArray = slice(None)
        if shape.width > 0:
            near, kernel = _kernel(values, w, at, shape.width)
        else:
            kernel = w
        total = float(kernel.sum())
        found[number] = kernel @ gradient[near] / total if total > 0 else 0.0
    return found
