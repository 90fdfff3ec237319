"""The root or the minimum that is the estimate: where the search begins, what it found, and which one is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.cross_products import CollinearError, cross_products
from estimation.gmm import UnidentifiedError, linear_gmm
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.diagnostics import first_stage_strength
from estimation.productivity.common.inputs import Inputs
from estimation.productivity.common.markov_coordinates import Coordinates
from estimation.productivity.common.moments import C_BEFORE, FREE, FREE_BEFORE, STATE, MomentEquation
from estimation.productivity.common.root_search import (
    AT_A_ROOT,
    Found,
    inside,
    minima,
    roots_in_rounds,
    starts,
)
from estimation.productivity.common.system import build_system
from estimation.productivity.common.technology import Technology
from estimation.productivity.two_stage.coordinates import coordinates
from estimation.productivity.two_stage.failures import no_root, not_identified, several_roots
from estimation.productivity.two_stage.markov import Evaluation, Nuisance, SecondStage, newton
from estimation.productivity.two_stage.rows import Recipe
from estimation.results import BoolArray, FloatArray
from specs.errors import EstimationError

__all__ = ["LAGGED", "Solution", "solution"]

LAGGED = MomentEquation(regressors=(FREE, STATE, C_BEFORE), instruments=(FREE_BEFORE, STATE, C_BEFORE))
"""Wooldridge's second equation alone: where it puts the elasticities decides between roots."""

# Boxes of starts, from where elasticities usually lie to where nobody looks: the lowest and the highest elasticity, and
# the size of a translog's second-order coefficients.
BOXES = ((-0.25, 1.25, 0.15), (-2.0, 3.0, 0.5), (-10.0, 10.0, 2.0))
# Starts in each box, for every coefficient: of one round in the search for roots, and of that for minima.
STARTS_OF_ROOTS, STARTS_OF_MINIMA = 48, 24
# Points in the ellipsoid that holds the lowest minimum, for every coefficient.
POINTS_INSIDE = 96
# Against the lengths of instruments and regressors: below, a direction of theta is not identified.
NOT_IDENTIFIED = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The estimate of the second stage.

    Attributes
    ----------
    theta : (p,) array
    evaluation : Evaluation
        At theta, on the rows.
    found : tuple of Found
        The distinct roots, or local minima, that the search led to.
    tried : int
        Starts of the search.
    notes : tuple of str
        What the reader should know of the choice between them.
    anchor_f : float or None
        The smallest first-stage F of the linear equation that decided between several roots, given the other inputs
        where there are several; None where it did not.
    """

    theta: FloatArray
    evaluation: Evaluation
    found: tuple[Found, ...]
    tried: int
    notes: tuple[str, ...]
    anchor_f: float | None = None


def solution(
    inputs: Inputs, stage: SecondStage, given: Nuisance, recipe: Recipe, technology: Technology, rows: BoolArray
) -> Solution:
    """Search for roots or minima, take one, and polish it on the rows.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the group.
    stage, given, recipe
        What to solve, and how.
    technology : Technology
        Of all inputs.
    rows : (n,) bool array
        Those of the second stage.

    Raises
    ------
    EstimationError
        If none is found, nothing decides between several, or the moments do not move in some direction of theta.
    """
    names = technology.inputs if recipe.within else inputs.roles.state
    if recipe.within:
        chosen, found, tried, notes, anchor_f = _nearest_root(inputs, stage, given, recipe, technology, rows)
    else:
        (chosen, found, tried, notes), anchor_f = _lowest_minimum(stage, given, names), None
    try:
        theta, evaluation = newton(stage, chosen.theta, given)
    except np.linalg.LinAlgError:
        raise EstimationError(no_root(None, names)) from None
    if not evaluation.norm < AT_A_ROOT:
        raise EstimationError(no_root(evaluation.norm, names))
    _check_identified(stage, evaluation, names)
    return Solution(theta, evaluation, tuple(found), tried, notes, anchor_f)


_Choice = tuple[Found, list[Found], int, tuple[str, ...]]


def _lowest_minimum(stage: SecondStage, given: Nuisance, names: Sequence[str]) -> _Choice:
    p = len(stage.x)
    begin = np.vstack([starts(p, p, STARTS_OF_MINIMA, BOXES[:1]), _least_squares(stage, given)])
    found = all_minima(coordinates(stage, given), begin)
    tried = len(begin) + POINTS_INSIDE * p
    if not found:
        raise EstimationError(no_root(None, names))
    if len(found) == 1:
        return found[0], found, tried, ()
    where = "; ".join(_shown(names, one.theta) for one in found)
    return found[0], found, tried, (f"the criterion has {len(found)} local minima ({where}); the lowest is taken",)


def all_minima(system: Coordinates, begin: FloatArray, points: int = POINTS_INSIDE) -> list[Found]:
    """Return the minima of the criterion from these starts, and from points in the region where a lower one can lie.

    Parameters
    ----------
    system : Coordinates
    begin : (m, p) array
    points : int
        In the region, for every coefficient.

    Returns
    -------
    list of Found
        The lowest first.
    """
    found = minima(system, begin)
    region = system.region(found[0].criterion) if found else None
    if region is None:
        return found
    more = inside(*region, points * begin.shape[1])
    return minima(system, np.vstack([*(one.theta for one in found), more]))


def _nearest_root(
    inputs: Inputs, stage: SecondStage, given: Nuisance, recipe: Recipe, technology: Technology, rows: BoolArray
) -> tuple[*_Choice, float | None]:
    # Elasticities averaged over the rows: theta itself for Cobb-Douglas.
    slopes = average_slopes(inputs, stage, technology)
    least_squares, second_order = _least_squares(stage, given), np.zeros(len(stage.x) - len(technology.inputs))
    linear, strength = _one_equation(inputs, rows)
    anchor = np.array(recipe.start) if recipe.start else linear
    # The list must not hang on which root is asked for, so every anchor is a start whichever of them decides.
    begin = [least_squares, *(np.append(one, second_order) for one in (linear, anchor) if one is not None)]
    found, best, tried = all_roots(coordinates(stage, given), np.vstack(begin), len(technology.inputs))
    if not found:
        raise EstimationError(no_root(best.norm, technology.inputs, slopes @ best.theta))
    if len(found) == 1:
        return found[0], found, tried, (), None
    shown = [_shown(technology.inputs, slopes @ one.theta) for one in found]
    if anchor is None:
        raise EstimationError(several_roots(shown))
    apart = distances(
        inputs, stage, technology, np.array([one.theta for one in found]), np.append(anchor, second_order)
    )
    whose = "the start that was written" if recipe.start else "Wooldridge's second equation (wlp)"
    note = (
        f"{len(found)} roots solve the moments: {'; '.join(shown)}. The one nearest to {whose}, "
        f"{_shown(technology.inputs, anchor)}, is taken. They are what {tried} starts with elasticities between "
        f"{BOXES[-1][0]:g} and {BOXES[-1][1]:g} lead to; there may be others"
    )
    return found[int(np.argmin(apart))], found, tried, (note,), None if recipe.start else strength()


def all_roots(system: Coordinates, begin: FloatArray, n_inputs: int) -> tuple[list[Found], Found, int]:
    """Return the roots that rounds of starts lead to, until a round leads to none that is new.

    Parameters
    ----------
    system : Coordinates
    begin : (m, p) array
        Starts beside those that fill the boxes.
    n_inputs : int
        Of the p coefficients, the first are the inputs' own.

    Returns
    -------
    found : list of Found
        Distinct roots, in the order of their first coefficient.
    best : Found
        The point with the smallest norm, root or not.
    tried : int
        Starts.
    """
    p = begin.shape[1]
    return roots_in_rounds(system, begin, lambda number: starts(n_inputs, p, STARTS_OF_ROOTS, BOXES, number))


def average_slopes(inputs: Inputs, stage: SecondStage, technology: Technology) -> FloatArray:
    """Return what makes average elasticities of theta, (inputs, p)."""
    return np.stack([one.mean(axis=1) for one in _slopes(inputs, stage, technology)])


def distances(
    inputs: Inputs, stage: SecondStage, technology: Technology, thetas: FloatArray, anchor: FloatArray
) -> FloatArray:
    """Return how far thetas (m, p) are from another one (p,) in elasticities: the root of the mean over rows of the
    sum over inputs of the squared differences, (m,). For Cobb-Douglas that is the Euclidean distance.
    """
    away = thetas - anchor
    square = np.mean([np.mean((away @ one) ** 2, axis=1) for one in _slopes(inputs, stage, technology)], axis=0)
    return np.sqrt(np.asarray(square, dtype=np.float64) * len(technology.inputs))


def _slopes(inputs: Inputs, stage: SecondStage, technology: Technology) -> list[FloatArray]:
    """Return the derivatives of the technology's terms in each input, (p, rows) each."""
    logs = [values[stage.at] - values[stage.at].mean() for values in inputs.technology]
    return [technology.slopes(name, logs) for name in technology.inputs]


def _least_squares(stage: SecondStage, given: Nuisance) -> FloatArray:
    """Return the coefficients of X in a regression of y - l bl on X and D."""
    columns, outcome = np.vstack([stage.fixed, stage.x]).T, stage.output - given.free @ stage.free
    return np.asarray(np.linalg.lstsq(columns, outcome, rcond=None)[0][len(stage.fixed) :], dtype=np.float64)


def _one_equation(inputs: Inputs, rows: BoolArray) -> tuple[FloatArray | None, Callable[[], float | None]]:
    """Return the elasticities of Wooldridge's second equation on these rows, None where it does not identify them.

    And what says how well it knows them: the smallest F of its first stages, given the other inputs where there are
    several.
    """
    plain = replace(inputs, roles=replace(inputs.roles, translog=False))
    every = np.ones(len(rows), dtype=bool)
    try:
        system = build_system(plain, [LAGGED], rows, every, common=False)
        products = cross_products(system.equations, system.chunks)
        wanted = (*plain.roles.free, *plain.roles.state)
        coefficients = linear_gmm(products, system.chunks, wanted, steps=1).coefficients
    except (CollinearError, DegenerateInputError, UnidentifiedError):
        return None, lambda: None

    def strength() -> float | None:
        found = first_stage_strength(products, system.chunks)
        return found.get("sanderson_windmeijer_f", found["first_stage_f"])

    return coefficients, strength


def _check_identified(stage: SecondStage, evaluation: Evaluation, names: Sequence[str]) -> None:
    """Refuse a root where the moments do not move in some direction of theta."""
    columns = np.linalg.norm(evaluation.parts.column, axis=1)
    scaled = evaluation.jacobian / np.outer(columns, np.linalg.norm(stage.x, axis=1))
    _, values, right = np.linalg.svd(scaled)
    if not values[-1] > NOT_IDENTIFIED:
        blamed = [name for name, share in zip(names, right[-1], strict=False) if abs(share) > 0.1]
        raise EstimationError(not_identified(blamed or names))


def _shown(names: Sequence[str], values: FloatArray) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in zip(names, values, strict=False))
