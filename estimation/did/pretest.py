r"""What a test of the estimates before treatment would have found (Roth, 2022): its power against a linear trend.

Estimates b ~ N(g (t - r), V) at event times t before treatment, r the reference period, g the slope of the difference
in trends. With sigma the root diagonal of V and z the two-sided critical value of a normal,

.. math::

    \text{individual}(g) &= 1 - P(|b_t| \le z \sigma_t \text{ for all } t)                                  \qquad (1)

    \text{joint}(g) &= P(\chi^2_K(g^2 (t - r)' V^{-1} (t - r)) > \chi^2_{K, 1 - \alpha})                    \qquad (2)

(1) rejects where any estimate is significant by itself, the reading of a plot (R's `pretrends`); its size exceeds
alpha as soon as there are two. (2) is Wald's test. (1) is integrated one estimate after the other given those before
(Genz, 1992) over a fixed lattice: exact with one estimate, to about four digits else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, chndtr, ndtr, ndtri

from estimation.results import FloatArray
from specs.errors import EstimationError

__all__ = ["PretestPower", "PretestSlope", "pretest_power", "pretest_slopes"]

LATTICE = 2**14
SINGULAR = 1e-12
TINY = 1e-300


@dataclass(frozen=True, slots=True)
class PretestPower:
    """How often the tests reject under a slope.

    Attributes
    ----------
    slope : float
    individual : float
        At least one estimate before treatment is significant by itself, (1).
    joint : float
        Wald's test of all of them, (2).
    """

    slope: float
    individual: float
    joint: float


@dataclass(frozen=True, slots=True)
class PretestSlope:
    """The slope that the tests find so often.

    Attributes
    ----------
    power : float
    individual, joint : float
        The slope, in the unit of the estimates per period, by (1) and by (2); a falling trend is found as often as a
        rising one. Not a number where the test rejects more often than that without any trend.
    """

    power: float
    individual: float
    joint: float


@dataclass(frozen=True, slots=True, eq=False)
class _Before:
    root: FloatArray
    distance: FloatArray
    alpha: float

    def individual(self, slope: float) -> float:
        """Return (1); the estimates in units of their standard errors."""
        most, mean = -ndtri(self.alpha / 2), slope * self.distance
        points = _lattice(len(mean))
        inside = np.ones(len(points))
        fixed = np.zeros((len(points), len(mean)))
        for place, own in enumerate(np.diag(self.root)):
            moved = mean[place] + fixed[:, :place] @ self.root[place, :place]
            low, high = (-most - moved) / own, (most - moved) / own
            # In the upper tail the mass is that of the mirror image: no digits are lost.
            turned = low > 0
            low, high = np.where(turned, -high, low), np.where(turned, -low, high)
            first = ndtr(low)
            mass = ndtr(high) - first
            inside = inside * mass
            drawn = ndtri(np.clip(first + points[:, place] * mass, TINY, 1 - 1e-16))
            fixed[:, place] = np.where(turned, -drawn, drawn)
        return float(1 - inside.mean())

    def joint(self, slope: float) -> float:
        """Return (2)."""
        lost = np.linalg.solve(self.root, self.distance) * slope
        return float(1 - chndtr(chdtri(len(lost), self.alpha), len(lost), lost @ lost))


def pretest_power(
    covariance_before: FloatArray,
    event_times: Sequence[float] | FloatArray,
    slopes: Sequence[float],
    reference: float = -1.0,
    alpha: float = 0.05,
) -> tuple[PretestPower, ...]:
    """Return the power of both tests against linear trends.

    Parameters
    ----------
    covariance_before : (K, K) array
        Of the estimates before treatment.
    event_times : (K,) sequence of float
        Theirs.
    slopes : sequence of float
        Per period.
    reference : float
        The event time of the reference period.
    alpha : float
        The level of each test.

    Returns
    -------
    tuple of PretestPower
        One a slope, in their order.

    Raises
    ------
    EstimationError
        There is no estimate before treatment, or their covariance is not one of estimates that vary freely.
    """
    before = _before(covariance_before, event_times, reference, alpha)
    return tuple(PretestPower(float(slope), before.individual(slope), before.joint(slope)) for slope in slopes)


def pretest_slopes(
    covariance_before: FloatArray,
    event_times: Sequence[float] | FloatArray,
    power: Sequence[float] = (0.5, 0.8),
    reference: float = -1.0,
    alpha: float = 0.05,
) -> tuple[PretestSlope, ...]:
    """Return the slopes against which the tests have some power.

    Parameters
    ----------
    covariance_before : (K, K) array
        Of the estimates before treatment.
    event_times : (K,) sequence of float
        Theirs.
    power : sequence of float
    reference : float
        The event time of the reference period.
    alpha : float
        The level of each test.

    Returns
    -------
    tuple of PretestSlope
        One a power, in their order.

    Raises
    ------
    EstimationError
        There is no estimate before treatment, or their covariance is not one of estimates that vary freely.
    """
    if not all(0 < one < 1 for one in power):
        raise ValueError(f"powers lie between 0 and 1, not {tuple(power)}")
    before = _before(covariance_before, event_times, reference, alpha)
    unit = float(1 / np.abs(before.distance).max())
    return tuple(
        PretestSlope(float(one), _slope(before.individual, one, unit), _slope(before.joint, one, unit)) for one in power
    )


def _before(
    covariance: FloatArray, event_times: Sequence[float] | FloatArray, reference: float, alpha: float
) -> _Before:
    v, t = np.asarray(covariance, dtype=np.float64), np.asarray(event_times, dtype=np.float64)
    if v.shape != (t.size, t.size):
        raise ValueError(f"{t.size} event times, but a covariance {v.shape}")
    if not (t < reference).all():
        raise ValueError("event times of a pre-test lie before the reference period")
    if not 0 < alpha < 1:
        raise ValueError("alpha lies between 0 and 1")
    if not t.size:
        raise EstimationError("no event time before the reference period has an estimate: there is no pre-test")
    size = np.sqrt(np.maximum(np.diag(v), 0.0))
    if not np.isfinite(v).all() or not (size > 0).all():
        raise EstimationError("an estimate before treatment has no variance: its pre-test is not defined")
    correlation = v / size / size[:, None]
    roots = np.linalg.eigvalsh(correlation)
    if roots[0] <= SINGULAR * roots[-1]:
        raise EstimationError(
            f"the covariance of the {t.size} estimates before treatment is singular: fewer clusters than event times, "
            "or event times that one estimate determines from others"
        )
    return _Before(np.asarray(np.linalg.cholesky(correlation), dtype=np.float64), (t - reference) / size, alpha)


def _slope(power: Callable[[float], float], wanted: float, unit: float) -> float:
    if power(0.0) >= wanted:
        return float("nan")
    high = unit
    while power(high) < wanted:
        high *= 2
    return float(brentq(lambda slope: power(slope) - wanted, 0.0, high, xtol=1e-12 * high, rtol=1e-12))


@lru_cache(maxsize=4)
def _lattice(n: int) -> FloatArray:
    """Return points of the unit cube, (LATTICE, n): multiples of the roots of primes, folded (Richtmyer)."""
    primes: list[int] = []
    candidate = 2
    while len(primes) < n:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    turns = np.arange(1, LATTICE + 1)[:, None] * np.sqrt(np.array(primes, dtype=np.float64))
    return np.asarray(np.abs(2 * (turns % 1) - 1), dtype=np.float64)
