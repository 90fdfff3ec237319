"""The common-factor restrictions of a dynamic equation, imposed by minimum distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from estimation.results import FloatArray

__all__ = ["CommonFactor", "common_factor"]

RHO_RANGE = (-1.5, 1.5)
RHO_STEPS = 121


@dataclass(frozen=True, slots=True, eq=False)
class CommonFactor:
    """rho and the p elasticities by minimum distance.

    Attributes
    ----------
    rho : float
    elasticities : (p,) array
    slope : (1 + 2p, 1 + p) array
        Derivative of (rho, b, -rho b) at the estimate.
    operator : (1 + p, 1 + 2p) array
        Derivative of (rho, elasticities) by the unrestricted coefficients: it carries influence functions over.
    statistic : float
        The distance: chi-squared with p degrees of freedom where the restrictions hold.
    converged : bool
        Whether the nearest rho lies inside the range that is searched, -1.5 to 1.5.
    """

    rho: float
    elasticities: FloatArray
    slope: FloatArray
    operator: FloatArray
    statistic: float
    converged: bool

    @property
    def restricted(self) -> FloatArray:
        """(rho, b, -rho b), the unrestricted coefficients that meet the restrictions, (1 + 2p,)."""
        return np.concatenate([[self.rho], self.elasticities, -self.rho * self.elasticities])


def common_factor(unrestricted: FloatArray, covariance: FloatArray) -> CommonFactor:
    """Impose ``g = -rho b`` on (rho, b, g) by minimum distance (Blundell and Bond, 2000, section 2).

    Parameters
    ----------
    unrestricted : (1 + 2p,) array
        rho, the inputs' coefficients, those of their lags.
    covariance : (1 + 2p, 1 + 2p) array

    Returns
    -------
    CommonFactor
        The weight is the covariance's inverse. The elasticities are linear given rho, which is searched for.
    """
    p = (len(unrestricted) - 1) // 2
    # In units of the standard errors of b, so that what is rounding does not depend on those of the inputs.
    units = np.sqrt(np.diag(covariance)[1 : 1 + p])
    of_all = np.concatenate([[1.0], units, units])
    in_units = _in_units(unrestricted / of_all, covariance / np.outer(of_all, of_all))
    of_theta = of_all[: 1 + p]
    theta = in_units.theta * of_theta
    return CommonFactor(
        rho=float(theta[0]),
        elasticities=theta[1:],
        slope=_gap(unrestricted, theta, p)[1],
        operator=of_theta[:, None] * in_units.operator / of_all,
        statistic=in_units.statistic,
        converged=in_units.converged,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _InUnits:
    theta: FloatArray
    operator: FloatArray
    statistic: float
    converged: bool


def _in_units(unrestricted: FloatArray, covariance: FloatArray) -> _InUnits:
    p = (len(unrestricted) - 1) // 2
    # A square root of the inverse: with its eigenvalues, since normal equations lose half of the digits.
    errors = np.sqrt(np.diag(covariance))
    values, directions = np.linalg.eigh(covariance / np.outer(errors, errors))
    whiten = (directions / np.sqrt(np.maximum(values, values[-1] * np.finfo(float).eps))).T / errors

    def given(rho: float) -> FloatArray:
        """Return (rho, b) with the b that comes nearest: linear, given rho."""
        slope = np.concatenate([np.zeros((1, p)), np.eye(p), -rho * np.eye(p)])
        target = unrestricted.copy()
        target[0] -= rho
        return np.concatenate([[rho], np.linalg.lstsq(whiten @ slope, whiten @ target, rcond=None)[0]])

    def uphill(rho: float) -> float:
        gap, slope = _gap(unrestricted, given(rho), p)
        return -float((whiten @ gap) @ (whiten @ slope[:, 0]))

    # The whole range of rho is looked at: the distance may have more than one valley.
    grid = np.linspace(*RHO_RANGE, RHO_STEPS)
    distances = [float(np.sum((whiten @ _gap(unrestricted, given(rho), p)[0]) ** 2)) for rho in grid]
    lowest = int(np.argmin(distances))
    inside = 0 < lowest < len(grid) - 1
    rho = float(brentq(uphill, grid[lowest - 1], grid[lowest + 1], xtol=1e-15)) if inside else float(grid[lowest])
    theta = given(rho)
    gap, slope = _gap(unrestricted, theta, p)
    distance = whiten @ gap
    return _InUnits(theta, np.linalg.pinv(whiten @ slope) @ whiten, float(distance @ distance), inside)


def _gap(unrestricted: FloatArray, theta: FloatArray, p: int) -> tuple[FloatArray, FloatArray]:
    """Return the unrestricted coefficients less (rho, b, -rho b), and the derivative of the latter."""
    rho, b = theta[0], theta[1:]
    slope = np.zeros((1 + 2 * p, 1 + p))
    slope[: 1 + p] = np.eye(1 + p)
    slope[1 + p :, 0] = -b
    slope[1 + p :, 1:] = -rho * np.eye(p)
    gap: FloatArray = unrestricted - np.concatenate([theta, -rho * b])
    return gap, slope
