"""The roots of a second stage's moments: looked for from many starts, told in an order that the data determine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from estimation.productivity.gnr.markov_step import CollinearTermError, MarkovStep, Root, markov_step
from estimation.results import FloatArray

__all__ = ["Search", "linear_roots", "search"]

# Starts around the least-squares solution: how many, and how far off x b is there, in standard deviations of w.
SPREAD_STARTS = 24
SPREADS = (0.3, 1.0, 3.0)
# Rows on which these starts are followed; where they end is the start on all rows.
ENOUGH_ROWS = 20_000
# Of a linear process: the persistence looked for, on a grid and then by bisection.
PERSISTENCE = np.linspace(-1.5, 1.5, 601)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """The roots found from many starts.

    Attributes
    ----------
    roots : tuple of Root
        Distinct ones; nearest to `anchor` first, by the root mean square of the difference in x b.
    anchor : (p,) array
        The root under a linear process; among several the nearest to least squares, without one least squares.
    starts : int
    smallest : float
        The smallest norm reached.
    """

    roots: tuple[Root, ...]
    anchor: FloatArray
    starts: int
    smallest: float


def search(step: MarkovStep) -> Search:
    """Look for the roots of the moments from starts that the data determine, and say which is nearest to the anchor.

    Persistence is mostly linear, and the roots under a linear process can be enumerated. The other roots solve the
    moments as well: there, productivity is mixed with what is persistent in an input, and least squares, whose bias
    is bounded by how inputs answer productivity, is far away.

    Parameters
    ----------
    step : MarkovStep
    """
    least_squares = step.least_squares()
    linear = sorted(linear_roots(step), key=lambda b: step.size(b - least_squares))
    anchor = linear[0] if linear else least_squares
    near, around = (*linear, least_squares), _around(step, least_squares)
    ends = [end for end in map(step.descend, (*near, *_explored(step, around))) if end is not None]
    found = _distinct(step, ends)
    found.sort(key=lambda root: step.size(root.coefficients - anchor))
    smallest = min((end.norm for end in ends), default=float("nan"))
    return Search(tuple(found), anchor, len(near) + len(around), smallest)


def linear_roots(step: MarkovStep) -> tuple[FloatArray, ...]:
    """Return every b that solves the moments of a linear process with a persistence between -1.5 and 1.5.

    Given rho, the moments ``Z'[(phi(t) - rho phi(t-1)) - (x(t) - rho x(t-1)) b] = 0`` are linear in b; a root of them
    is a root in one unknown: the least-squares rho at b(rho) is rho again.
    """
    block = step.given_controls(np.column_stack([step.phi_now, step.terms_now, step.phi_before, step.terms_before]))
    p = len(step.transform)
    by_instruments, products = step.instruments.T @ block, block.T @ block
    now, before = slice(0, p + 1), slice(p + 1, 2 * p + 2)

    def inner(rho: float) -> FloatArray:
        moved = by_instruments[:, now] - rho * by_instruments[:, before]
        return np.asarray(np.linalg.lstsq(moved[:, 1:], moved[:, 0])[0], dtype=np.float64)

    def gap(rho: float) -> float:
        weights = np.append(1.0, -inner(rho))
        lagged = float(weights @ products[before, before] @ weights)
        return float(weights @ products[before, now] @ weights) / lagged - rho if lagged > 0 else np.nan

    gaps = np.array([gap(float(rho)) for rho in PERSISTENCE])
    found: list[FloatArray] = []
    for left in np.flatnonzero(np.isfinite(gaps[:-1]) & (np.sign(gaps[:-1]) != np.sign(gaps[1:]))):
        rho = _bisect(gap, float(PERSISTENCE[left]), float(PERSISTENCE[left + 1]), float(gaps[left]))
        if abs(gap(rho)) < 1e-6:  # a jump changes sign as well
            found.append(step.transform @ inner(rho))
    return tuple(found)


def _around(step: MarkovStep, centre: FloatArray) -> tuple[FloatArray, ...]:
    """Return starts around one b in all directions, the same for the same data whatever its units."""
    directions = np.random.default_rng(0).normal(size=(SPREAD_STARTS, len(centre)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rest = step.given_controls(step.phi_now - step.terms_now @ step.inner(centre))
    lengths = np.resize(SPREADS, SPREAD_STARTS) * float(np.linalg.norm(rest))
    return tuple(centre + step.transform @ (length * one) for length, one in zip(lengths, directions, strict=True))


def _explored(step: MarkovStep, starts: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
    """Return the roots that the starts reach on every j-th row; the starts themselves where there are not many rows."""
    every = len(step.phi_now) // ENOUGH_ROWS
    if every < 2 or step.root_weights is not None:
        return starts
    part = slice(None, None, every)
    try:
        fewer = markov_step(
            (step.phi_now[part], step.phi_before[part]),
            (step.terms_now[part], step.terms_before[part]),
            step.instruments[part],
            controls=step.controls[part],
            degree=step.degree,
        )
    except CollinearTermError:
        return starts
    ends = [end for end in (fewer.descend(step.inner(start)) for start in starts) if end is not None]
    return tuple(step.transform @ end.coefficients for end in _distinct(fewer, ends))


def _distinct(step: MarkovStep, ends: list[Root]) -> list[Root]:
    found: list[Root] = []
    for end in ends:
        if end.solves and not any(_same(step, end, other) for other in found):
            found.append(end)
    return found


def _same(step: MarkovStep, one: Root, other: Root) -> bool:
    scale = max(step.size(one.coefficients), step.size(other.coefficients))
    return step.size(one.coefficients - other.coefficients) <= 1e-6 * scale


def _bisect(function: Callable[[float], float], left: float, right: float, value: float) -> float:
    for _ in range(80):
        middle = 0.5 * (left + right)
        if np.sign(function(middle)) == np.sign(value):
            left = middle
        else:
            right = middle
    return 0.5 * (left + right)
