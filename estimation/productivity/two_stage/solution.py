"""The root or the minimum that is the estimate: where the search begins, what it found, and which one is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.cross_products import CollinearError, cross_products
from estimation.gmm import UnidentifiedError, linear_gmm
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.inputs import Inputs
from estimation.productivity.common.moments import C_BEFORE, FREE, FREE_BEFORE, STATE, MomentEquation
from estimation.productivity.common.system import build_system
from estimation.productivity.common.technology import Technology
from estimation.productivity.two_stage.failures import no_root, not_identified, several_roots
from estimation.productivity.two_stage.markov import Evaluation, Nuisance, SecondStage, newton
from estimation.productivity.two_stage.rows import Recipe
from estimation.productivity.two_stage.search import AT_A_ROOT, Found, coordinates, low_discrepancy, minima, roots
from estimation.results import BoolArray, FloatArray
from specs.errors import EstimationError

__all__ = ["LAGGED", "Solution", "solution"]

LAGGED = MomentEquation(regressors=(FREE, STATE, C_BEFORE), instruments=(FREE_BEFORE, STATE, C_BEFORE))
"""Wooldridge's second equation alone: where it puts the elasticities decides between roots."""

# Starts: where elasticities may lie, and the second-order coefficients of a translog.
LOWEST, HIGHEST, SECOND_ORDER = -0.25, 1.25, 0.15
STARTS_AN_INPUT = 24
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
        All distinct roots, or local minima.
    notes : tuple of str
        What the reader should know of the choice between them.
    """

    theta: FloatArray
    evaluation: Evaluation
    found: tuple[Found, ...]
    notes: tuple[str, ...]


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
        chosen, found, notes = _nearest_root(inputs, stage, given, recipe, technology, rows)
    else:
        chosen, found, notes = _lowest_minimum(stage, given, names)
    try:
        theta, evaluation = newton(stage, chosen.theta, given)
    except np.linalg.LinAlgError:
        raise EstimationError(no_root(None, names)) from None
    if not evaluation.norm < AT_A_ROOT:
        raise EstimationError(no_root(evaluation.norm, names))
    _check_identified(stage, evaluation, names)
    return Solution(theta, evaluation, tuple(found), notes)


_Choice = tuple[Found, list[Found], tuple[str, ...]]


def _lowest_minimum(stage: SecondStage, given: Nuisance, names: Sequence[str]) -> _Choice:
    starts = [*_starts(len(stage.x), len(stage.x)), _least_squares(stage, given)]
    found = minima(coordinates(stage, given), starts)
    if not found:
        raise EstimationError(no_root(None, names))
    if len(found) == 1:
        return found[0], found, ()
    where = "; ".join(_shown(names, one.theta) for one in found)
    return found[0], found, (f"the criterion has {len(found)} local minima ({where}); the lowest is taken",)


def _nearest_root(
    inputs: Inputs, stage: SecondStage, given: Nuisance, recipe: Recipe, technology: Technology, rows: BoolArray
) -> _Choice:
    # Elasticities averaged over the rows: theta itself for Cobb-Douglas.
    logs = [values[stage.at] - values[stage.at].mean() for values in inputs.technology]
    slopes = np.stack([technology.slopes(name, logs).mean(axis=1) for name in technology.inputs])
    anchor = np.array(recipe.start) if recipe.start else _one_equation(inputs, rows)
    starts = [*_starts(len(logs), len(stage.x)), _least_squares(stage, given)]
    if anchor is not None:
        starts.append(np.concatenate([anchor, np.zeros(len(stage.x) - len(anchor))]))
    found, best = roots(coordinates(stage, given), starts)
    if not found:
        raise EstimationError(no_root(best.norm, technology.inputs, slopes @ best.theta))
    if len(found) == 1:
        return found[0], found, ()
    shown = [_shown(technology.inputs, slopes @ one.theta) for one in found]
    if anchor is None:
        raise EstimationError(several_roots(shown))
    chosen = found[int(np.argmin([np.linalg.norm(slopes @ one.theta - anchor) for one in found]))]
    whose = "the start that was written" if recipe.start else "Wooldridge's second equation (wlp)"
    note = (
        f"{len(found)} roots solve the moments: {'; '.join(shown)}. The one nearest to {whose}, "
        f"{_shown(technology.inputs, anchor)}, is taken"
    )
    return chosen, found, (note,)


def _least_squares(stage: SecondStage, given: Nuisance) -> FloatArray:
    """Return the coefficients of X in a regression of y - l bl on X and D."""
    columns, outcome = np.vstack([stage.fixed, stage.x]).T, stage.output - given.free @ stage.free
    return np.asarray(np.linalg.lstsq(columns, outcome, rcond=None)[0][len(stage.fixed) :], dtype=np.float64)


def _starts(n_inputs: int, n_terms: int) -> list[FloatArray]:
    """Return points that fill the elasticities' box, and that of a translog's second-order coefficients, evenly."""
    points = low_discrepancy(STARTS_AN_INPUT * n_inputs, n_terms)
    low = np.array([LOWEST] * n_inputs + [-SECOND_ORDER] * (n_terms - n_inputs))
    high = np.array([HIGHEST] * n_inputs + [SECOND_ORDER] * (n_terms - n_inputs))
    return list(low + (high - low) * points)


def _one_equation(inputs: Inputs, rows: BoolArray) -> FloatArray | None:
    """Return the elasticities of Wooldridge's second equation on these rows; None where it does not identify them."""
    plain = replace(inputs, roles=replace(inputs.roles, translog=False))
    every = np.ones(len(rows), dtype=bool)
    try:
        system = build_system(plain, [LAGGED], rows, every, common=False)
        products = cross_products(system.equations, system.chunks)
        wanted = (*plain.roles.free, *plain.roles.state)
        return linear_gmm(products, system.chunks, wanted, steps=1).coefficients
    except (CollinearError, DegenerateInputError, UnidentifiedError):
        return None


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
