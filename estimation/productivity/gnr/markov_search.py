"""The roots of a second stage's moments: looked for from many starts, told in an order that the data determine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from estimation.productivity.common.markov_coordinates import Columns, Coordinates, compressed, count_products
from estimation.productivity.common.root_search import COUNTED, roots, roots_in_rounds, starts
from estimation.productivity.gnr.markov_step import MarkovStep, Root
from estimation.results import FloatArray

__all__ = ["BOXES", "Search", "Terms", "linear_roots", "roots_of_a_draw", "search"]

# Boxes of starts, from where elasticities usually lie to where nobody looks: the lowest and the highest elasticity at
# the centre of the inputs, and how far each term of a higher degree moves elasticities, root mean square over rows.
BOXES = ((-0.25, 1.25, 0.3), (-2.0, 3.0, 1.0), (-10.0, 10.0, 4.0))
# Starts in each box: of a round for every coefficient; of a draw in all.
STARTS, STARTS_OF_A_DRAW = 24, 30
# Where an evaluation takes more multiplications than this, there are as many fewer starts; but this many in a box.
CHEAP, FEWEST = 50_000, 24
# With more products of terms than this the search is by rows, from so many starts around least squares, as many
# standard deviations of w off.
MOST_PRODUCTS = 400
SPREAD_STARTS = 24
SPREADS = (0.3, 1.0, 3.0)
# Of a linear process: the persistence looked for, on a grid and then by bisection.
PERSISTENCE = np.linspace(-1.5, 1.5, 601)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The terms x of a step, for its search.

    Attributes
    ----------
    now, before : (p, n) arrays
        Of t and t-1; a constant may be missing from those of t, none from those of t-1.
    parts : sequence of tuple of int
        The inputs that each term is the product of, from 1 on; those of single inputs first.
    sizes : (p,) array
        What a coefficient of one is in elasticities, root mean square: one for an input of its own.
    """

    now: FloatArray
    before: FloatArray
    parts: Sequence[tuple[int, ...]]
    sizes: FloatArray

    @property
    def n_inputs(self) -> int:
        """How many terms are inputs of their own."""
        return sum(len(one) == 1 for one in self.parts)


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
    boxed : bool
        Whether the starts fill `BOXES`; else they lie around least squares.
    smallest : float
        The smallest norm reached.
    """

    roots: tuple[Root, ...]
    anchor: FloatArray
    starts: int
    boxed: bool
    smallest: float


def search(step: MarkovStep, terms: Terms | None = None) -> Search:
    """Look for the roots of the moments from starts that the data determine, and say which is nearest to the anchor.

    Persistence is mostly linear, and the roots under a linear process can be enumerated. The other roots solve the
    moments as well: there, productivity is mixed with what is persistent in an input, and least squares, whose bias
    is bounded by how inputs answer productivity, is far away. Rounds of starts in boxes look for them.

    Parameters
    ----------
    step : MarkovStep
    terms : Terms, optional
        Without them each term is an input of its own.
    """
    terms = _plain(step) if terms is None else terms
    least_squares = step.least_squares()
    linear = sorted(linear_roots(step), key=lambda b: step.size(b - least_squares))
    anchor = linear[0] if linear else least_squares
    near = (*linear, least_squares)
    boxed = _boxed(step, terms)
    if boxed:
        system, p = _coordinates(step, terms), len(terms.sizes)
        begin = np.array(near) * terms.sizes
        a_term = _a_term(system, STARTS)
        led, _, tried = roots_in_rounds(system, begin, lambda number: starts(terms.n_inputs, p, a_term, BOXES, number))
        further: Sequence[FloatArray] = [one.theta / terms.sizes for one in led]
    else:
        further = _around(step, least_squares)
        tried = len(near) + len(further)
    ends = [end for end in map(step.descend, (*near, *further)) if end is not None]
    found = _distinct(step, ends)
    found.sort(key=lambda root: step.size(root.coefficients - anchor))
    smallest = min((end.norm for end in ends), default=float("nan"))
    return Search(tuple(found), anchor, tried, boxed, smallest)


def roots_of_a_draw(step: MarkovStep, terms: Terms, known: Iterable[FloatArray]) -> list[Root]:
    """Return the roots of a draw of firms that the roots of the sample and starts in boxes lead to.

    Parameters
    ----------
    step : MarkovStep
        With the draw's weights, all above zero.
    terms : Terms
        Their sizes those of the sample.
    known : iterable of (p,) arrays
        The sample's roots.
    """
    near = list(known)
    further: Sequence[FloatArray] = []
    if _boxed(step, terms):
        system, p = _coordinates(step, terms), len(terms.sizes)
        points = starts(terms.n_inputs, p, _a_term(system, -(-STARTS_OF_A_DRAW // min(p, COUNTED))), BOXES)
        led, _ = roots(system, np.vstack([np.array(near) * terms.sizes, points]))
        further = [one.theta / terms.sizes for one in led]
    return _distinct(step, [end for end in map(step.descend, (*further, *near)) if end is not None])


def _plain(step: MarkovStep) -> Terms:
    p = len(step.transform)
    now, before = (solve_triangular(step.transform.T, one.T, lower=True) for one in (step.terms_now, step.terms_before))
    return Terms(now, before, tuple((index + 1,) for index in range(p)), np.ones(p))


def _boxed(step: MarkovStep, terms: Terms) -> bool:
    return count_products([(0,), *terms.parts], step.degree, MOST_PRODUCTS) <= MOST_PRODUCTS


def _a_term(system: Coordinates, most: int) -> int:
    """Return how many starts there are in each box for every coefficient."""
    p = system.x.shape[1]
    work = system.products.size * (p + len(system.powers))
    fewest = -(-FEWEST // min(p, COUNTED))
    return int(min(most, max(most * CHEAP // work, fewest)))


def _coordinates(step: MarkovStep, terms: Terms) -> Coordinates:
    """Compress the step; its theta are coefficients times the terms' sizes."""
    used = slice(None) if step.root_weights is None else step.root_weights > 0
    root = np.ones(len(step.phi_now)) if step.root_weights is None else step.root_weights[used]
    phi, phi_before = step.phi_now[used], step.phi_before[used]
    columns = Columns(
        fixed=step.controls[used].T / root,
        factors=[phi_before - phi_before.mean(), *terms.before[:, used]],
        parts=[(0,), *terms.parts],
        phi=phi - phi.mean(),
        target=phi - phi.mean(),
        x=terms.now[:, used],
        instruments=step.instruments[used].T / root,
        powers=tuple((power, 0) for power in range(1, step.degree + 1)),
    )
    return compressed(columns, None if step.root_weights is None else root**2).rescaled(terms.sizes)


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
