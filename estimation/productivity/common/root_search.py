"""Where a second stage's roots and minima are: many starts at a time, on coordinates, in rounds of new starts.

Every search is Levenberg and Marquardt's, on the moments (roots) or on the innovations (minima): all starts take a
step together, and those that have arrived leave.

References
----------
Marquardt, D. W. (1963). An algorithm for least-squares estimation of nonlinear parameters. Journal of the Society for
Industrial and Applied Mathematics 11(2), 431-441.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.productivity.common.markov_coordinates import Coordinates
from estimation.results import FloatArray

__all__ = ["AT_A_ROOT", "Found", "inside", "low_discrepancy", "minima", "roots", "roots_in_rounds", "starts"]

AT_A_ROOT = 1e-8
"""The norm of the scaled moments below which a point is a root."""
FARTHEST = 1e3
"""A coefficient beyond this is no root: along some directions the cosines vanish at infinity."""
SAME, SAME_MINIMUM = 1e-6, 1e-5
"""Two roots, or minima, nearer than this, against their own size, are one: minima are known to fewer digits."""
# A minimum: the cosine between xi and each of its derivatives is below this.
AT_A_MINIMUM = 1e-5
STEPS = 80
# Where the innovations are large and bend, Marquardt's steps are slow: after so many of them Newton's take over, with
# second derivatives by differences over this share of theta's size.
STEPS_TO_A_MINIMUM, NEWTON_STEPS_TO_A_MINIMUM, DIFFERENCE = 20, 30, 1e-5
NEWTON_STEPS = 4
# Starts that take their steps together: at most, and numbers that they hold.
STARTS_AT_A_TIME, HELD = 1024, 20_000_000
# A technology with more coefficients than this has no more starts: each costs with the square of their number.
COUNTED = 5
# Rounds of starts until one leads to no new root: at most.
ROUNDS = 8
# Marquardt's damping: at first, and beyond which a start is stuck.
DAMPED, STUCK = 1e-3, 1e5
# A start has arrived where a step would take less than this share of the sum of squares away, or where less than this
# share of the first one is left.
NO_GAIN, NOTHING = 1e-13, 1e-22


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A root or a minimum: theta (p,), the norm of its scaled moments, and xi'xi."""

    theta: FloatArray
    norm: float
    criterion: float


Residuals = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""From points (m, p) to residuals (m, r) and their derivatives (m, r, p)."""


def low_discrepancy(count: int, dimensions: int, first: int = 0) -> FloatArray:
    """Return points that fill the unit cube evenly, (count, dimensions): multiples of a generalised golden ratio.

    The same points whenever they are asked for; the first is the cube's centre, and those from number `first` on lie
    between the ones before them.
    """
    ratio = 2.0
    for _ in range(64):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    return np.asarray((0.5 + np.arange(first, first + count)[:, None] * steps) % 1.0)


def starts(
    n_inputs: int, n_terms: int, a_term: int, boxes: Sequence[tuple[float, float, float]], number: int = 0
) -> FloatArray:
    """Return points that fill each box evenly, (m, n_terms).

    Parameters
    ----------
    n_inputs, n_terms : int
        Of the terms, the first are the inputs' own.
    a_term : int
        Points in each box, for every term, of which no more than `COUNTED` count.
    boxes : sequence of (lowest, highest, second order)
    number : int
        Of the round: each has points of its own.
    """
    count = a_term * min(n_terms, COUNTED)
    points = low_discrepancy(count, n_terms, number * count)
    filled = []
    for low, high, second in boxes:
        below = np.array([low] * n_inputs + [-second] * (n_terms - n_inputs))
        above = np.array([high] * n_inputs + [second] * (n_terms - n_inputs))
        filled.append(below + (above - below) * points)
    return np.vstack(filled)


def inside(centre: FloatArray, axes: FloatArray, count: int) -> FloatArray:
    """Return points that fill an ellipsoid's enclosing box evenly, (count, p); on a line, in their order."""
    p = len(centre)
    cube = np.linspace(0.0, 1.0, count)[:, None] if p == 1 else low_discrepancy(count, p)
    return np.asarray(centre + (2.0 * cube - 1.0) @ axes.T)


def roots(system: Coordinates, starts: FloatArray) -> tuple[list[Found], Found]:
    """Solve the p moment equations from every start.

    Parameters
    ----------
    system : Coordinates
    starts : (m, p) array

    Returns
    -------
    roots : list of Found
        The distinct ones, in the order of their first coefficient.
    nearest : Found
        The point with the smallest norm, root or not.
    """
    # A step may end where powers overflow; it is not taken.
    with np.errstate(all="ignore"):
        ends = [_solved(system, part) for part in _together(system, starts)]
    thetas, norms = np.vstack([theta for theta, _ in ends]), np.concatenate([norm for _, norm in ends])
    norms = np.where(np.abs(thetas).max(axis=1) < FARTHEST, norms, np.inf)
    best = int(np.argmin(norms))
    found: list[Found] = []
    for at in np.flatnonzero(norms < AT_A_ROOT)[np.argsort(norms[norms < AT_A_ROOT], kind="stable")]:
        if not any(_same(thetas[at], one.theta) for one in found):
            found.append(Found(thetas[at], float(norms[at]), np.nan))
    return (
        sorted(found, key=lambda one: tuple(np.round(one.theta, 6))),
        Found(thetas[best], float(norms[best]), np.nan),
    )


def roots_in_rounds(
    system: Coordinates, begin: FloatArray, points: Callable[[int], FloatArray]
) -> tuple[list[Found], Found, int]:
    """Return the roots that rounds of starts lead to, until a round leads to none that is new.

    Parameters
    ----------
    system : Coordinates
    begin : (m, p) array
        Starts of the first round beside its points.
    points : callable
        From the number of a round to its points (k, p): others in each.

    Returns
    -------
    found : list of Found
        Distinct roots, in the order of their first coefficient.
    best : Found
        The point with the smallest norm, root or not.
    tried : int
        Starts.
    """
    tried = 0
    found: list[Found] = []
    for number in range(ROUNDS):
        new, before = points(number), len(found)
        found, best = roots(system, np.vstack([*(one.theta for one in found), begin, new]))
        tried += len(begin) + len(new)
        begin = begin[:0]
        if number and len(found) <= before:
            break
    return found, best, tried


def minima(system: Coordinates, starts: FloatArray) -> list[Found]:
    """Minimise xi'xi from every start.

    Parameters
    ----------
    system : Coordinates
    starts : (m, p) array

    Returns
    -------
    list of Found
        The distinct local minima, the lowest first.
    """
    found: list[Found] = []
    for part in _together(system, starts):
        with np.errstate(all="ignore"):
            thetas = _descended(system.residuals, part, STEPS_TO_A_MINIMUM)
            thetas = _lowered(system, thetas)
            xi, slopes = system.residuals(thetas)
        criteria = np.einsum("mc,mc->m", xi, xi)
        for theta, residual, slope, criterion in zip(thetas, xi, slopes, criteria.tolist(), strict=True):
            if not np.isfinite(criterion) or not criterion > 0 or np.abs(theta).max() > FARTHEST:
                continue
            lengths = np.linalg.norm(slope, axis=0)
            norm = float(np.linalg.norm(residual @ (slope / np.where(lengths > 0, lengths, 1.0)))) / criterion**0.5
            if norm < AT_A_MINIMUM and not any(_same(theta, one.theta, SAME_MINIMUM) for one in found):
                found.append(Found(theta, norm, criterion))
    return sorted(found, key=lambda one: one.criterion)


def _together(system: Coordinates, starts: FloatArray) -> Iterator[FloatArray]:
    """Yield stretches of the starts."""
    numbers = system.products.size + system.x.size
    at_a_time = max(min(STARTS_AT_A_TIME, HELD * starts.shape[1] // max(numbers, 1)), 1)
    for at in range(0, len(starts), at_a_time):
        yield starts[at : at + at_a_time]


def _solved(system: Coordinates, starts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return where the starts end, polished by Newton's method, and the norms of the scaled moments there."""

    def equations(thetas: FloatArray) -> tuple[FloatArray, FloatArray]:
        moments, jacobian, norm = system.equations(thetas)
        moments[~np.isfinite(norm)] = np.inf
        return moments, jacobian

    theta = _descended(equations, starts)
    moments, jacobian, norm = system.equations(theta)
    for _ in range(NEWTON_STEPS):
        near = np.isfinite(norm) & (norm < 1e-2)
        step = np.zeros_like(theta)
        step[near] = _least_norm(jacobian[near], moments[near])
        tried = theta - step
        further = system.equations(tried)
        better = further[2] < norm
        if not better.any():
            break
        theta = np.where(better[:, None], tried, theta)
        moments, jacobian, norm = (
            np.where(better.reshape(-1, *[1] * (one.ndim - 1)), one, other)
            for one, other in zip(further, (moments, jacobian, norm), strict=True)
        )
    return theta, norm


def _least_norm(jacobian: FloatArray, values: FloatArray) -> FloatArray:
    if not len(values):
        return values
    return np.asarray(np.einsum("mpr,mr->mp", np.linalg.pinv(jacobian, rcond=1e-13), values))


def _lowered(system: Coordinates, thetas: FloatArray) -> FloatArray:
    """Return where Newton's steps on the criterion end, halved until it falls, (m, p)."""
    theta = thetas.copy()
    p = theta.shape[1]

    def gradient(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        xi, slopes = system.residuals(points)
        criterion = np.einsum("mc,mc->m", xi, xi)
        found = np.einsum("mcp,mc->mp", slopes, xi)
        lengths = np.linalg.norm(slopes, axis=1) * np.sqrt(criterion)[:, None]
        return found, criterion, np.abs(found / np.where(lengths > 0, lengths, 1.0)).max(axis=1)

    slope, criterion, cosine = gradient(theta)
    share = np.ones(len(theta))
    for _ in range(NEWTON_STEPS_TO_A_MINIMUM):
        active = np.flatnonzero(np.isfinite(criterion) & (cosine > 0.1 * AT_A_MINIMUM) & (share > 1e-4))
        if not len(active):
            break
        here = theta[active]
        away = DIFFERENCE * np.maximum(np.abs(here).max(axis=1), 0.1)
        curve = np.empty((len(active), p, p))
        for j in range(p):
            moved = away[:, None] * np.eye(p)[j]
            curve[:, j] = (gradient(here + moved)[0] - gradient(here - moved)[0]) / (2 * away[:, None])
        usable = np.isfinite(curve).all(axis=(1, 2))
        curve[~usable] = np.eye(p)
        values, directions = np.linalg.eigh((curve + np.swapaxes(curve, 1, 2)) / 2)
        # Downhill whatever the curvature.
        values = np.maximum(np.abs(values), 1e-8 * np.abs(values).max(axis=1, keepdims=True) + 1e-300)
        inside_out = np.einsum("mij,mi->mj", directions, slope[active]) / values
        step = np.einsum("mij,mj->mi", directions, inside_out)
        tried = here - share[active, None] * step
        new_slope, new_criterion, new_cosine = gradient(tried)
        better = (new_criterion < criterion[active]) | (
            (new_criterion <= criterion[active] * (1 + 1e-14)) & (new_cosine < cosine[active])
        )
        moved_on, kept = active[better], active[~better]
        theta[moved_on], slope[moved_on] = tried[better], new_slope[better]
        criterion[moved_on], cosine[moved_on] = new_criterion[better], new_cosine[better]
        share[moved_on] = np.minimum(2 * share[moved_on], 1.0)
        share[kept] *= 0.25
    return theta


def _descended(residuals: Residuals, starts: FloatArray, steps: int = STEPS) -> FloatArray:
    """Return where Levenberg and Marquardt's steps from every start end, (m, p)."""
    theta = np.array(starts, dtype=np.float64)
    values, slopes = residuals(theta)
    first = np.einsum("mr,mr->m", values, values)
    size = first.copy()
    damping = np.full(len(theta), DAMPED)
    active = np.flatnonzero(np.isfinite(size))
    for _ in range(steps):
        if not len(active):
            break
        gram = np.einsum("mrp,mrq->mpq", slopes[active], slopes[active])
        right = np.einsum("mrp,mr->mp", slopes[active], values[active])
        step = _step(gram, right, damping[active])
        tried = theta[active] - step
        new_values, new_slopes = residuals(tried)
        new_size = np.einsum("mr,mr->m", new_values, new_values)
        better = new_size < size[active]
        moved, kept = active[better], active[~better]
        theta[moved], size[moved] = tried[better], new_size[better]
        values[moved], slopes[moved] = new_values[better], new_slopes[better]
        damping[moved] = np.maximum(damping[moved] * 0.1, 1e-15)
        damping[kept] *= 8.0
        arrived = np.einsum("mp,mp->m", step, right) <= NO_GAIN * size[active]
        arrived |= size[active] <= NOTHING * first[active]
        active = active[~(arrived | (~better & (damping[active] > STUCK)))]
    return theta


def _step(gram: FloatArray, right: FloatArray, damping: FloatArray) -> FloatArray:
    """Return (J'J + damping diag(J'J))^-1 J'r for every start."""
    scale = np.sqrt(np.einsum("mpp->mp", gram))
    scale = np.where(scale > 0, scale, 1.0)
    cosines = gram / (scale[:, :, None] * scale[:, None, :])
    cosines += (damping[:, None] + 1e-14)[:, :, None] * np.eye(gram.shape[1])
    return np.asarray(np.linalg.solve(cosines, (right / scale)[:, :, None])[:, :, 0] / scale)


def _same(one: FloatArray, other: FloatArray, share: float = SAME) -> bool:
    return bool(np.max(np.abs(one - other)) < share * max(1.0, float(np.max(np.abs(other)))))
