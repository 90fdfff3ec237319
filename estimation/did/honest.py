r"""Intervals for effects when trends need not be parallel (Rambachan and Roth, 2023), by the conditional hybrid test.

Estimates b ~ N(beta, V) of an event study, beta = (delta_before, delta_after + tau): delta is the difference in trends,
zero in the reference period, theta = l'tau the effect asked for. Periods are equally spaced and the reference period,
the last before treatment, has no estimate. With changes u_t = delta_t - delta_{t-1},

.. math::

    \Delta^{RM}(\bar M) &= \{\delta : |u_t| \le \bar M \max_{s < 0} |u_s| \text{ for all } t \ge 0\}         \qquad (1)

    \Delta^{SD}(M) &= \{\delta : |u_{t+1} - u_t| \le M \text{ for all } t\}                                  \qquad (2)

where s and t count the changes up to the reference period below zero. (2) is a polyhedron A delta <= d, (1) the union
of one for each period s and sign of its change; the interval for a union holds what any of its members accepts. In a
polyhedron, theta is tested by E(Y) - X x <= 0 for some x: Y = A b - d - A_after (a tau with l'tau = theta), x what is
free of tau. With omega = A V A' and sigma its root diagonal,

.. math::

    \eta = \min_x \max_j (Y - X x)_j / \sigma_j = \max_{\gamma \in G} \gamma'Y, \qquad
    G = \{\gamma \ge 0 : \gamma'X = 0, \gamma'\sigma = 1\}                                                   \qquad (3)

    c_\kappa = \text{the } 1 - \kappa \text{ quantile of } \max_{\gamma \in G} \gamma'\xi, \quad
    \xi \sim N(0, \omega)                                                                                    \qquad (4)

    \eta \mid \hat\gamma, (I - \rho \hat\gamma')Y \sim N(\cdot, \hat\gamma'\omega\hat\gamma) \text{ in } [v^-, v^+],
    \quad \rho = \omega\hat\gamma / \hat\gamma'\omega\hat\gamma                                              \qquad (5)

theta is rejected if eta > c_kappa, and else if eta is positive and above the 1 - (alpha - kappa) / (1 - kappa) quantile
of (5) at mean zero, its upper end no more than c_kappa (C-LF; Andrews, Roth and Pakes, 2023; kappa = alpha / 10).

G is the convex hull of few known points, so no linear program is solved. gamma'X = 0 means gamma'A_after = mu l' for
some mu, and the rows of A that hold periods from 0 on are those of a square D and of -D there:

- gamma spread over rows by |D^{-T} l|, on D's where it is positive and -D's where negative, or the reverse (mu = +-1 to
  scale);
- a row of D and the same of -D in equal parts (mu = 0).

All that a point contributes is a = A'gamma, gamma'd and mu: gamma'Y = a'b - gamma'd - mu theta. As with R's HonestDiD
0.2.6 (its default), rows that hold periods before treatment alone are left out; under (2) with one period after
treatment it keeps them, and so does this: G's corners are then the rows themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr

from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["HonestInterval", "breakdown_magnitude", "breakdown_smoothness", "relative_magnitudes", "smoothness"]

METHOD = "C-LF"
FIRST_STAGE = 0.1
"""kappa as a share of alpha."""
SEED, PAIRS = 20230215, 20_000
"""Draws of (4) come in pairs, each with its mirror image: the interval of -b is the mirror image of b's."""
GRID, CUTS, ROUNDS = 800, 64, 4
SINGULAR = 1e-12
NOTHING = 1e-12
"""A variance of gamma'Y, or a difference of shares rho, that is no more than this is zero; both have no unit."""
TIED = 1e-7
"""How near two points gamma'Y are to be tied, and, as a share of the values in question, how far aside is looked."""
STEPS, LARGEST, PRECISION = 40, 2.0**12, 1e-4


@dataclass(frozen=True, slots=True)
class HonestInterval:
    """The values of the effect that are not rejected, under a bound on the difference in trends.

    Attributes
    ----------
    bound : float
        Mbar or M.
    low, high : float
        The smallest and the largest; both are not a number where every value is rejected: the estimates before
        treatment contradict the restriction.
    method : str
    gaps : tuple of (float, float)
        Values between that are rejected, to the precision of the grid.
    """

    bound: float
    low: float
    high: float
    method: str = METHOD
    gaps: tuple[tuple[float, float], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether every value is rejected."""
        return bool(np.isnan(self.low))

    def holds(self, value: float) -> bool:
        """Return whether a value lies between the ends."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    estimates: FloatArray
    covariance: FloatArray
    n_before: int
    n_after: int
    weights: FloatArray
    alpha: float
    draws: FloatArray

    def changes(self) -> FloatArray:
        """Return the operator from delta to its changes u, (K, K); the reference period is zero."""
        levels = np.insert(np.eye(self.n_before + self.n_after), self.n_before, 0.0, axis=0)
        return np.asarray(np.diff(levels, axis=0), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Test:
    """A polyhedron's test: gamma'Y = base - slope theta at each of v points, omega (v, v) between them."""

    base: FloatArray
    slope: FloatArray
    omega: FloatArray
    critical: float
    size: float

    def within(self, most: float) -> tuple[float, float] | None:
        """Return the ends of the values at which eta <= most; None where there is none."""
        level = np.abs(self.slope) <= NOTHING * np.abs(self.slope).max()
        if (self.base[level] > most).any():
            return None
        ends = (self.base - most)[~level] / self.slope[~level]
        rising = self.slope[~level] > 0
        low, high = float(ends[rising].max()), float(ends[~rising].min())
        return (low, high) if low <= high else None

    def ties(self, low: float, high: float) -> FloatArray:
        """Return values on both sides of where the point that eta takes changes: next to one, all may be accepted."""
        apart = self.slope[:, None] - self.slope
        first, second = np.nonzero(np.triu(np.abs(apart) > NOTHING * np.abs(self.slope).max()))
        at = (self.base[first] - self.base[second]) / apart[first, second]
        level = self.base[first] - self.slope[first] * at
        eta = (self.base[:, None] - self.slope[:, None] * at).max(axis=0)
        seen = at[(level >= eta - TIED) & (eta > 0) & (eta <= self.critical)]
        return np.concatenate([seen - TIED * (high - low), seen + TIED * (high - low)])

    def accepts(self, values: FloatArray) -> BoolArray:
        """Return which values of theta are not rejected."""
        moments = self.base[:, None] - self.slope[:, None] * values
        top = moments.argmax(axis=0)
        eta = moments[top, np.arange(values.size)]
        accepted = eta <= 0
        open_ = np.flatnonzero(~accepted & (eta <= self.critical) & (np.diag(self.omega)[top] > NOTHING))
        if open_.size:
            accepted[open_] = self._conditional(moments[:, open_], top[open_], eta[open_])
        return np.asarray(accepted, dtype=np.bool_)

    def _conditional(self, moments: FloatArray, top: IntArray, eta: FloatArray) -> BoolArray:
        """Return which are accepted by (5); eta is positive and at most the critical value."""
        variance = np.diag(self.omega)[top]
        short = 1.0 - self.omega[:, top] / variance
        # Along (5) a point's gamma'Y passes eta where both are equal: from below it bounds eta from below.
        with np.errstate(divide="ignore", invalid="ignore"):
            meets = eta + (moments - eta) / short
        low = np.where(short > NOTHING, meets, -np.inf).max(axis=0)
        high = np.where(short < -NOTHING, meets, np.inf).min(axis=0)
        low, high = np.minimum(low, eta), np.maximum(np.minimum(high, self.critical), eta)
        root = np.sqrt(variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            above = _log_mass(eta / root, high / root) - _log_mass(low / root, high / root)
        return np.asarray(~(above < np.log(self.size)), dtype=np.bool_)


def _log_mass(low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the logarithm of the normal mass between two numbers, exact in the upper tail."""
    outer = log_ndtr(-low)
    with np.errstate(divide="ignore"):
        return np.asarray(outer + np.log(-np.expm1(log_ndtr(-high) - outer)), dtype=np.float64)


def relative_magnitudes(
    estimates: FloatArray,
    covariance: FloatArray,
    n_before: int,
    n_after: int,
    weights: FloatArray | Sequence[float] | None = None,
    bounds: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0),
    alpha: float = 0.05,
) -> tuple[HonestInterval, ...]:
    """Return the intervals under (1): changes after treatment no more than Mbar times the largest one before.

    Parameters
    ----------
    estimates : (K,) array
        Of event times in order, the reference period left out: `n_before` and `n_after` of them.
    covariance : (K, K) array
    n_before, n_after : int
    weights : (n_after,) array, optional
        l, on the effects from event time 0 on; the effect at 0 unless told.
    bounds : sequence of float
        Mbar.
    alpha : float

    Returns
    -------
    tuple of HonestInterval
        One a bound, in their order.

    Raises
    ------
    EstimationError
        The covariance is not one of estimates that vary freely, or no change before treatment is seen.
    """
    study = _study(estimates, covariance, n_before, n_after, weights, alpha)
    return tuple(_relative(study, bound) for bound in _checked(bounds))


def smoothness(
    estimates: FloatArray,
    covariance: FloatArray,
    n_before: int,
    n_after: int,
    weights: FloatArray | Sequence[float] | None = None,
    bounds: Sequence[float] = (0.0,),
    alpha: float = 0.05,
) -> tuple[HonestInterval, ...]:
    """Return the intervals under (2): the slope of the difference in trends moves by at most M from period to period.

    Parameters
    ----------
    estimates : (K,) array
        Of event times in order, the reference period left out: `n_before` and `n_after` of them.
    covariance : (K, K) array
    n_before, n_after : int
    weights : (n_after,) array, optional
        l, on the effects from event time 0 on; the effect at 0 unless told.
    bounds : sequence of float
        M, in the unit of the estimates. 0 is a linear difference in trends.
    alpha : float

    Returns
    -------
    tuple of HonestInterval
        One a bound, in their order.

    Raises
    ------
    EstimationError
        The covariance is not one of estimates that vary freely, or no slope before treatment is seen.
    """
    study = _study(estimates, covariance, n_before, n_after, weights, alpha)
    return tuple(_smooth(study, bound) for bound in _checked(bounds))


def breakdown_magnitude(
    estimates: FloatArray,
    covariance: FloatArray,
    n_before: int,
    n_after: int,
    weights: FloatArray | Sequence[float] | None = None,
    alpha: float = 0.05,
) -> float:
    """Return the smallest Mbar at which the interval holds zero, to four digits; infinite where none up to 4,096 does.

    Parameters
    ----------
    estimates, covariance, n_before, n_after, weights, alpha
        As in `relative_magnitudes`.
    """
    study = _study(estimates, covariance, n_before, n_after, weights, alpha)
    return _breakdown(lambda bound: _relative(study, bound), 1.0)


def breakdown_smoothness(
    estimates: FloatArray,
    covariance: FloatArray,
    n_before: int,
    n_after: int,
    weights: FloatArray | Sequence[float] | None = None,
    alpha: float = 0.05,
) -> float:
    """Return the smallest M at which the interval holds zero, to four digits; infinite where no M holds it.

    Parameters
    ----------
    estimates, covariance, n_before, n_after, weights, alpha
        As in `smoothness`. M is looked for up to 4,096 standard errors of the effect.
    """
    study = _study(estimates, covariance, n_before, n_after, weights, alpha)
    after = study.covariance[n_before:, n_before:]
    return _breakdown(lambda bound: _smooth(study, bound), float(np.sqrt(study.weights @ after @ study.weights)))


def _breakdown(at: Callable[[float], HonestInterval], unit: float) -> float:
    if at(0.0).holds(0.0):
        return 0.0
    low, high = 0.0, unit
    while not at(high).holds(0.0):
        low, high = high, 2 * high
        if high > LARGEST * unit:
            return float("inf")
    for _ in range(STEPS):
        if high - low <= PRECISION * high:
            break
        middle = (low + high) / 2
        low, high = (low, middle) if at(middle).holds(0.0) else (middle, high)
    return high


def _checked(bounds: Sequence[float]) -> tuple[float, ...]:
    if not all(np.isfinite(bound) and bound >= 0 for bound in bounds):
        raise ValueError(f"bounds are numbers from 0 on, not {tuple(bounds)}")
    return tuple(float(bound) for bound in bounds)


def _study(
    estimates: FloatArray,
    covariance: FloatArray,
    n_before: int,
    n_after: int,
    weights: FloatArray | Sequence[float] | None,
    alpha: float,
) -> _Study:
    b, v = np.asarray(estimates, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    n = n_before + n_after
    if b.shape != (n,) or v.shape != (n, n) or n_before < 0:
        raise ValueError(f"{n_before} + {n_after} event times, but estimates {b.shape} and covariance {v.shape}")
    if n_after < 1:
        raise EstimationError("no event time from 0 on has an estimate: there is no effect to bound")
    if n_before < 1:
        raise EstimationError(
            "no event time before the reference period has an estimate: the difference in trends before treatment, "
            "which bounds that after it, is not seen"
        )
    chosen = np.eye(n_after)[0] if weights is None else np.asarray(weights, dtype=np.float64)
    if chosen.shape != (n_after,) or not np.isfinite(chosen).all() or not chosen.any():
        raise ValueError(f"weights are {n_after} numbers, not all zero")
    if not 0 < alpha < 0.5:
        raise ValueError("alpha lies between 0 and one half")
    if not np.isfinite(b).all() or not np.isfinite(v).all():
        raise EstimationError("an estimate of the event study or its covariance is not a number")
    size = np.sqrt(np.maximum(np.diag(v), 0.0))
    flat = np.flatnonzero(size == 0)
    if flat.size:
        raise EstimationError(f"the estimate at place {flat[0] + 1} of {n} of the event study has no variance")
    correlation = v / size / size[:, None]
    if np.abs(correlation - correlation.T).max() > 1e-8:
        raise EstimationError("the covariance of the event study is not symmetric")
    roots = np.linalg.eigvalsh(correlation)
    if roots[0] <= SINGULAR * roots[-1]:
        rank = int((roots > SINGULAR * roots[-1]).sum())
        raise EstimationError(
            f"the covariance of the event study's {n} estimates is singular (rank {rank}): fewer clusters than event "
            "times, or event times that one estimate determines from others"
        )
    draws = (_normal(n) @ np.linalg.cholesky(correlation).T) * size
    return _Study(b, (v + v.T) / 2, n_before, n_after, chosen, alpha, draws)


@lru_cache(maxsize=4)
def _normal(n: int) -> FloatArray:
    return np.random.default_rng(SEED).standard_normal((PAIRS, n))


def _relative(study: _Study, bound: float) -> HonestInterval:
    """Return the interval under (1), a union over the period of the largest change before and its sign."""
    u, n = study.changes(), study.n_before
    tests: list[_Test] = []
    for largest in range(n):
        one = _by_pairs(study, u[n:], -bound * u[largest], 0.0)
        # The other sign's points are the mirror images of these, and so are their draws.
        tests += [one, _by_pairs(study, u[n:], bound * u[largest], 0.0, one.critical)]
    return _interval(tests, bound)


def _smooth(study: _Study, bound: float) -> HonestInterval:
    bends = np.diff(study.changes(), axis=0)
    if study.n_after == 1:
        rows = np.concatenate([bends, -bends])
        return _interval([_by_rows(study, rows, np.full(len(rows), bound))], bound)
    return _interval([_by_pairs(study, bends[study.n_before - 1 :], np.zeros(bends.shape[1]), bound)], bound)


def _by_rows(study: _Study, rows: FloatArray, d: FloatArray) -> _Test:
    """Return the test of A delta <= d with one period after treatment: G's corners are the rows over their sigma."""
    sigma = _roots(study, rows)
    loadings = rows / sigma[:, None]
    return _test(study, loadings, d / sigma, loadings[:, -1] / study.weights[0])


def _by_pairs(study: _Study, rows: FloatArray, shared: FloatArray, most: float, critical: float | None = None) -> _Test:
    """Return the test of +-rows delta + shared'delta <= most, rows square in the periods after treatment."""
    up, down = rows + shared, shared - rows
    of_up, of_down = _roots(study, up), _roots(study, down)
    spread = np.linalg.solve(rows[:, study.n_before :].T, study.weights)
    spread[np.abs(spread) <= NOTHING * np.abs(spread).max()] = 0.0
    plus, minus = np.maximum(spread, 0.0), np.maximum(-spread, 0.0)
    first, second = plus @ of_up + minus @ of_down, minus @ of_up + plus @ of_down
    both = of_up + of_down
    loadings = np.vstack(
        [(plus @ up + minus @ down) / first, (minus @ up + plus @ down) / second, (up + down) / both[:, None]]
    )
    total = np.abs(spread).sum()
    offsets = most * np.concatenate([[total / first, total / second], 2.0 / both])
    slopes = np.concatenate([[1.0 / first, -1.0 / second], np.zeros(len(rows))])
    return _test(study, loadings, offsets, slopes, critical)


def _roots(study: _Study, rows: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(((rows @ study.covariance) * rows).sum(axis=1)), dtype=np.float64)


def _test(
    study: _Study, loadings: FloatArray, offsets: FloatArray, slopes: FloatArray, critical: float | None = None
) -> _Test:
    """Return the test; the critical value (4) is that of the mirrored polyhedron where it is known."""
    kappa = FIRST_STAGE * study.alpha
    if critical is None:
        drawn = study.draws @ loadings.T
        critical = float(np.quantile(np.concatenate([drawn.max(axis=1), -drawn.min(axis=1)]), 1 - kappa))
    return _Test(
        loadings @ study.estimates - offsets,
        slopes,
        loadings @ study.covariance @ loadings.T,
        critical,
        (study.alpha - kappa) / (1 - kappa),
    )


def _interval(tests: Sequence[_Test], bound: float) -> HonestInterval:
    """Return what some test accepts: eta is at most its critical value there, and all is accepted where eta <= 0."""
    outer = [found for test in tests if (found := test.within(test.critical)) is not None]
    inner = [found for test in tests if (found := test.within(0.0)) is not None]
    if not outer:
        return HonestInterval(bound, float("nan"), float("nan"))

    def accepted(values: FloatArray) -> BoolArray:
        return np.asarray(np.any([test.accepts(values) for test in tests], axis=0), dtype=np.bool_)

    low, high = min(low for low, _ in outer), max(high for _, high in outer)
    margin = (high - low) / GRID
    known = np.asarray(inner).ravel()
    even = np.linspace(low - margin, high + margin, GRID + 3)
    grid = np.unique(np.concatenate([even, known, *(test.ties(low, high) for test in tests)]))
    inside = accepted(grid)
    inside[np.isin(grid, known)] = True
    places = np.flatnonzero(inside)
    if not places.size:
        return HonestInterval(bound, float("nan"), float("nan"))
    first, last = int(places[0]), int(places[-1])
    jumps = np.flatnonzero(np.diff(places) > 1)
    gaps = tuple((float(grid[places[jump]]), float(grid[places[jump + 1]])) for jump in jumps)
    return HonestInterval(
        bound,
        _edge(accepted, float(grid[first - 1]), float(grid[first])),
        _edge(accepted, float(grid[last + 1]), float(grid[last])),
        gaps=gaps,
    )


def _edge(accepted: Callable[[FloatArray], BoolArray], outside: float, inside: float) -> float:
    """Return the accepted value that is next to the rejected ones, by cuts of cuts."""
    for _ in range(ROUNDS):
        cuts = np.linspace(outside, inside, CUTS + 1)
        # The inner end is known to be accepted: rounding may not say so of the edge itself.
        place = int(np.argmax(np.append(accepted(cuts[1:-1]), True))) + 1
        outside, inside = float(cuts[place - 1]), float(cuts[place])
    return inside
