"""One group of firms in two stages: its rows, the first stage, the root or minimum, and the influence functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.cross_products import CollinearError
from estimation.gmm import UnidentifiedError
from estimation.polynomial import DegenerateInputError
from estimation.productivity.common.diagnostics import heaped
from estimation.productivity.common.failures import nearly_spanned, no_rows, refuse_constants, refuse_exact
from estimation.productivity.common.inputs import Inputs, distinct_firms, lag_status
from estimation.productivity.common.ladder import FEWEST_FIRMS, ROWS_PER_PARAMETER
from estimation.productivity.common.root_search import Found
from estimation.productivity.common.survival import (
    Survival,
    polynomial_regressors,
    rows_of_survival,
    survival_probability,
)
from estimation.productivity.common.technology import Technology
from estimation.productivity.two_stage.failures import collinear_here, degenerate_here
from estimation.productivity.two_stage.first import FirstStage, first_stage
from estimation.productivity.two_stage.influence import influence_of
from estimation.productivity.two_stage.markov import Evaluation, Nuisance, SecondStage
from estimation.productivity.two_stage.rows import Recipe, second_stage
from estimation.productivity.two_stage.solution import LAGGED, solution
from estimation.results import BoolArray, FloatArray, IntArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["TwoStageEstimate", "estimate_two_stage"]


@dataclass(frozen=True, slots=True, eq=False)
class TwoStageEstimate:
    """An estimate with what it came from.

    Attributes
    ----------
    inputs : Inputs
        The n rows of the group.
    technology : Technology
        Of all inputs.
    first : FirstStage
    stage : SecondStage
    given : Nuisance
        What the first stage and the probit hand over, about its means.
    survival : Survival or None
    theta : (s,) array
        Of the second stage, on centred logs.
    evaluation : Evaluation
        At theta.
    found : tuple of Found
        The distinct roots, or local minima, that the search led to.
    tried : int
        Starts of the search.
    anchor_f : float or None
        See `estimation.productivity.two_stage.solution.Solution`.
    firms : (G,) integer array
        Firms with a score in any stage, ascending.
    influence : (G, f + s + q) array
        Of the free inputs that stand apart, theta and the coefficients of C.
    in_sample : (n,) bool array
        Rows that any stage uses.
    n_firms : int
        Firms of the second stage.
    notes : tuple of str
    """

    inputs: Inputs
    technology: Technology
    first: FirstStage
    stage: SecondStage
    given: Nuisance
    survival: Survival | None
    theta: FloatArray
    evaluation: Evaluation
    found: tuple[Found, ...]
    tried: int
    anchor_f: float | None
    firms: IntArray
    influence: FloatArray
    in_sample: BoolArray
    n_firms: int
    notes: tuple[str, ...]

    @property
    def in_second_stage(self) -> BoolArray:
        """The rows of the group with a row above them that the second stage uses, (n,)."""
        rows = np.zeros(len(self.in_sample), dtype=bool)
        rows[self.stage.at] = True
        return rows

    @property
    def coefficients(self) -> FloatArray:
        """The free inputs that stand apart, theta, the coefficients of C: as `influence` has them."""
        return np.concatenate([self.first.free, self.theta, self.first.phi])


def estimate_two_stage(inputs: Inputs, use: BoolArray, recipe: Recipe) -> TwoStageEstimate:
    """Estimate the production function of one group.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the group.
    use : (n,) bool array
        Rows that may take part.
    recipe : Recipe

    Raises
    ------
    EstimationError
        If the group is too small, its design does not identify the elasticities, or no root is reached.
    """
    roles = inputs.roles
    current, both = use & inputs.complete, use & inputs.complete & lag_status(inputs, use).usable
    n_firms = distinct_firms(inputs.firm, both)
    if n_firms < 2:
        raise EstimationError(no_rows([LAGGED], use, current, n_firms, inputs))
    _enough_firms(n_firms)
    refuse_constants([(roles.output, inputs.output), *zip(roles.inputs, inputs.technology, strict=True)], both)
    technology = Technology(roles.inputs, recipe.translog)
    refuse_exact(
        roles.output, inputs.output[both], list(technology.monomials([one[both] for one in inputs.technology]))
    )
    notes: list[str] = []
    survival = None
    if recipe.survival_degree:
        survival = _survival(inputs, current, recipe.survival_degree)
        both[1:] &= ~np.isnan(survival.probability[:-1])
    try:
        first = first_stage(inputs, both if recipe.common else current, recipe.within)
    except DegenerateInputError as error:
        raise EstimationError(degenerate_here(error, roles)) from None
    except CollinearError as error:
        raise EstimationError(collinear_here(error, roles, recipe.within)) from None
    except UnidentifiedError as error:
        raise EstimationError(nearly_spanned(error)) from None
    known = first.knows(current)
    reached = both & known
    reached[1:] &= known[:-1]
    lost = int(np.count_nonzero(both & ~reached))
    if lost:
        notes.append(
            f"{counted(lost, 'row is', 'rows are')} left out of the second stage: the first never saw a level of a "
            "control in them or in their year before (sample: all would)"
        )
    n_firms, n_rows = distinct_firms(inputs.firm, reached), int(np.count_nonzero(reached))
    if n_firms < FEWEST_FIRMS:
        left = counted(n_firms, "firm is", "firms are")
        raise EstimationError("; ".join([*notes, f"{left} left, {FEWEST_FIRMS} are needed"]))
    stage, given = second_stage(inputs, first, known, np.flatnonzero(reached), recipe, survival)
    _enough_rows(n_rows, len(first.gmm.parameters) + stage.n_parameters)
    solved = solution(_without(inputs, _functions(first)), stage, given, recipe, technology, reached)
    in_sample = first.rows.copy()
    in_sample[stage.at] = True
    in_sample[stage.at - 1] = True
    firms, influence = influence_of(first, stage, solved.evaluation, survival)
    return TwoStageEstimate(
        inputs=inputs,
        technology=technology,
        first=first,
        stage=stage,
        given=given,
        survival=survival,
        theta=solved.theta,
        evaluation=solved.evaluation,
        found=solved.found,
        tried=solved.tried,
        anchor_f=solved.anchor_f,
        firms=firms,
        influence=influence,
        in_sample=in_sample,
        n_firms=n_firms,
        notes=(*notes, *_left_out(first), *heaped(roles.proxy, inputs.proxy, first.rows), *solved.notes),
    )


def _survival(inputs: Inputs, current: BoolArray, degree: int) -> Survival:
    roles = inputs.roles
    assert inputs.status is not None
    columns = (*inputs.polynomial, *inputs.beside_survival)
    rows = rows_of_survival(inputs, current)
    regressors = polynomial_regressors((*roles.polynomial, *(roles.survival or ())), columns, degree, rows)
    return survival_probability(inputs.firm, inputs.status, rows, regressors)


def _enough_firms(n_firms: int) -> None:
    if n_firms < FEWEST_FIRMS:
        raise EstimationError(
            f"{counted(n_firms, 'firm')} with a year before, where two stages need {FEWEST_FIRMS}: "
            "is the panel long and whole enough, and does where keep it? A coarser column in separately_by has more"
        )


def _enough_rows(n_rows: int, parameters: int) -> None:
    wanted = ROWS_PER_PARAMETER * parameters
    if n_rows < wanted:
        raise EstimationError(
            f"{counted(n_rows, 'row')} with a year before, where two stages need {wanted} "
            f"({ROWS_PER_PARAMETER} for each of {parameters} parameters): "
            "fewer controls, a lower degree or a coarser column in separately_by needs less"
        )


def _left_out(first: FirstStage) -> list[str]:
    """Return notes on controls that do not vary, or that the other columns span."""
    notes = [f"control {name} is constant here and left out" for name in first.system.constant_controls]
    functions, roles = _functions(first), first.system.inputs.roles
    given = ", ".join((*roles.free, *roles.polynomial))
    notes += [
        f"control {name} is left out of both stages: it is a function of ({given}) and the other controls, which the "
        "first holds already"
        for name in functions
    ]
    levels = [name for names in first.products.left_out for name in names if name not in functions]
    if levels:
        shown = ", ".join(levels[:6]) + (f" and {len(levels) - 6} more" if len(levels) > 6 else "")
        notes.append(f"collinear with the other controls and left out: {shown}")
    return notes


def _functions(first: FirstStage) -> list[str]:
    """Return the numbers among the controls that the first stage's other columns span."""
    numbers = {control.name for control in first.system.inputs.controls if control.values is not None}
    return [name for names in first.products.left_out for name in names if name in numbers]


def _without(inputs: Inputs, controls: Sequence[str]) -> Inputs:
    kept = tuple(control for control in inputs.controls if control.name not in controls)
    return replace(
        inputs, controls=kept, roles=replace(inputs.roles, controls=tuple(control.name for control in kept))
    )  # fmt: skip
