"""One group of firms in two stages: its rows, the first stage, the root or minimum, and the influence functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.cross_products import CollinearError, cross_products
from estimation.gmm import UnidentifiedError, linear_gmm
from estimation.least_squares import dependences
from estimation.polynomial import DegenerateInputError
from estimation.productivity.diagnostics import own_share
from estimation.productivity.failures import no_rows
from estimation.productivity.group import ONE_STEP_FIRMS, ONE_STEP_ROWS_PER_PARAMETER
from estimation.productivity.inputs import Inputs, distinct_firms, lag_status
from estimation.productivity.moments import C_BEFORE, FREE, FREE_BEFORE, STATE, MomentEquation
from estimation.productivity.survival import Survival, polynomial_regressors, survival_probability
from estimation.productivity.system import build_system
from estimation.productivity.technology import Technology
from estimation.productivity.two_stage_basis import MarkovBasis
from estimation.productivity.two_stage_failures import (
    collinear_here,
    degenerate_here,
    no_root,
    not_identified,
    several_roots,
)
from estimation.productivity.two_stage_first import FirstStage, first_stage
from estimation.productivity.two_stage_influence import influence_of
from estimation.productivity.two_stage_markov import Evaluation, Nuisance, SecondStage, newton
from estimation.productivity.two_stage_search import AT_A_ROOT, Found, coordinates, low_discrepancy, minima, roots
from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["Recipe", "TwoStageEstimate", "estimate_two_stage"]

LAGGED = MomentEquation(regressors=(FREE, STATE, C_BEFORE), instruments=(FREE_BEFORE, STATE, C_BEFORE))
"""Wooldridge's second equation alone: where it puts the elasticities decides between roots."""

# Starts: where elasticities may lie, and the second-order coefficients of a translog.
LOWEST, HIGHEST, SECOND_ORDER = -0.25, 1.25, 0.15
STARTS_AN_INPUT = 24
# A share of variance: with less, what identifies the first stage is hardly more than the polynomial's misfit.
LITTLE_OF_ITS_OWN = 0.01
# Against the lengths of instruments and regressors: below, a direction of theta is not identified.
NOT_IDENTIFIED = 1e-7


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a group is estimated.

    Attributes
    ----------
    within : bool
        Whether the free inputs stand in the first stage's polynomial and all elasticities come from moments of the
        second stage (Ackerberg, Caves and Frazer); else they stand apart, and the second stage minimises.
    translog : bool
    markov_degree : int
    common : bool
        Whether the first stage keeps to the rows with a year before.
    survival_degree : int
        Of the probit's polynomial; 0 without a correction for exit.
    start : tuple of float
        The elasticities that the root is to be nearest to; empty for those of Wooldridge's second equation.
    """

    within: bool
    translog: bool = False
    markov_degree: int = 3
    common: bool = False
    survival_degree: int = 0
    start: tuple[float, ...] = ()


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
        All distinct roots, or local minima.
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
    firms: IntArray
    influence: FloatArray
    in_sample: BoolArray
    n_firms: int
    notes: tuple[str, ...]

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
        raise EstimationError(no_rows([LAGGED], current, n_firms))
    notes: list[str] = []
    survival = None
    if recipe.survival_degree:
        survival = _survival(inputs, current, recipe.survival_degree)
        lost = int(np.count_nonzero(both[1:] & np.isnan(survival.probability[:-1])))
        both[1:] &= ~np.isnan(survival.probability[:-1])
        if lost:
            notes.append(
                f"{lost} rows are left out of the second stage: {', '.join(roles.survival or ())} is missing in their "
                "year before, and with it the probability of survival"
            )
    try:
        first = first_stage(inputs, both if recipe.common else current, recipe.within)
    except DegenerateInputError as error:
        raise EstimationError(degenerate_here(error, roles)) from None
    except CollinearError as error:
        raise EstimationError(collinear_here(error, roles, recipe.within)) from None
    known = first.knows(current)
    reached = both & known
    reached[1:] &= known[:-1]
    lost = int(np.count_nonzero(both & ~reached))
    if lost:
        notes.append(
            f"{lost} rows are left out of the second stage: the first never saw a level of a control in them or "
            "in their year before (sample: all would)"
        )
    n_firms, n_rows = distinct_firms(inputs.firm, reached), int(np.count_nonzero(reached))
    stage, given = _second_stage(inputs, first, known, np.flatnonzero(reached), recipe, survival)
    _large_enough(n_firms, n_rows, len(first.gmm.parameters) + stage.n_parameters)
    technology = Technology(roles.inputs, recipe.translog)
    theta, evaluation, found, said = _solution(inputs, stage, given, recipe, technology, reached)
    _identified(stage, evaluation, (roles.inputs if recipe.within else roles.state))
    in_sample = first.rows.copy()
    in_sample[stage.at] = True
    in_sample[stage.at - 1] = True
    firms, influence = influence_of(first, stage, evaluation, survival)
    return TwoStageEstimate(
        inputs=inputs,
        technology=technology,
        first=first,
        stage=stage,
        given=given,
        survival=survival,
        theta=theta,
        evaluation=evaluation,
        found=tuple(found),
        firms=firms,
        influence=influence,
        in_sample=in_sample,
        n_firms=n_firms,
        notes=(*notes, *_left_out(first), *_functional_dependence(first), *said),
    )


def _survival(inputs: Inputs, current: BoolArray, degree: int) -> Survival:
    roles = inputs.roles
    assert inputs.status is not None
    columns = (*inputs.polynomial, *inputs.beside_survival)
    rows = current & ~np.isnan(sum(inputs.beside_survival, np.zeros(len(current))))
    if np.count_nonzero(rows) < 2:
        raise EstimationError(
            f"the probability of survival: no row has {', '.join(roles.survival or ())}: are these the right columns?"
        )
    regressors = polynomial_regressors((*roles.polynomial, *(roles.survival or ())), columns, degree, rows)
    return survival_probability(inputs.firm, inputs.status, rows, regressors)


def _second_stage(
    inputs: Inputs, first: FirstStage, known: BoolArray, at: IntArray, recipe: Recipe, survival: Survival | None
) -> tuple[SecondStage, Nuisance]:
    """Lay out the rows of the second stage."""
    phi = np.full(len(known), np.nan)
    everywhere = np.flatnonzero(known)
    held = []
    for part, c in first.columns(everywhere):
        phi[everywhere[part]] = first.phi @ c
        # D: the controls of t, as the first stage has them.
        held.append(c[first.n_polynomial :, np.isin(everywhere[part], at, assume_unique=True)])
    n = len(at)
    controls = np.concatenate(held, axis=1) if held else np.zeros((0, n))
    logs = (*inputs.free, *inputs.state) if recipe.within else inputs.state
    n_free = len(inputs.free) if recipe.within else 0
    technology = Technology(tuple(str(index) for index in range(len(logs))), recipe.translog)
    centred = [values - values[at].mean() for values in logs]
    instruments = None
    if recipe.within:
        dated = [values[at - 1] if index < n_free else values[at] for index, values in enumerate(centred)]
        instruments = _about_means(technology.monomials(dated))
    given = _about_mean(phi[at - 1])
    scale = float(np.sqrt(np.mean(given**2))) or 1.0
    probability = None if survival is None else survival.probability[at - 1]
    basis = MarkovBasis(recipe.markov_degree, scale)
    if probability is not None:
        basis = replace(
            basis, survival_centre=float(probability.mean()), survival_scale=float(probability.std()) or 1.0
        )
    free = np.zeros((0, n)) if recipe.within else np.stack([_about_mean(values[at]) for values in inputs.free])
    stage = SecondStage(
        at=at,
        firm=inputs.firm[at],
        x=_about_means(technology.monomials([values[at] for values in centred])),
        before=technology.monomials([values[at - 1] for values in centred]),
        factors=technology.factors,
        instruments=instruments,
        free=free,
        output=_about_mean(inputs.output[at]),
        fixed=_orthonormal(np.vstack([np.ones((1, n)), controls])),
        basis=basis,
        survival=probability,
    )
    return stage, Nuisance(_about_mean(phi[at]), given, first.free, probability)


def _about_mean(values: FloatArray) -> FloatArray:
    return values - values.mean() if len(values) else values


def _about_means(values: FloatArray) -> FloatArray:
    return values - values.mean(axis=1, keepdims=True) if values.shape[1] else values


def _orthonormal(columns: FloatArray) -> FloatArray:
    """Return an orthonormal basis of these rows, without those that the ones before them span."""
    if not columns.shape[1]:
        return columns
    spanned = [one.term for one in dependences(columns.T)]
    q, _ = np.linalg.qr(np.delete(columns, spanned, axis=0).T)
    return np.ascontiguousarray(q.T)


def _large_enough(n_firms: int, n_rows: int, parameters: int) -> None:
    rows_wanted = ONE_STEP_ROWS_PER_PARAMETER * parameters
    if n_firms < ONE_STEP_FIRMS or n_rows < rows_wanted:
        raise EstimationError(
            f"{n_firms} firms and {n_rows} rows with a year before, where two stages need {ONE_STEP_FIRMS} firms and "
            f"{rows_wanted} rows ({ONE_STEP_ROWS_PER_PARAMETER} for each of {parameters} parameters): "
            "fewer controls, a lower degree or a coarser separately_by needs less"
        )


def _solution(
    inputs: Inputs,
    stage: SecondStage,
    given: Nuisance,
    recipe: Recipe,
    technology: Technology,
    rows: BoolArray,
) -> tuple[FloatArray, Evaluation, list[Found], list[str]]:
    """Return theta, what it solves, all that was found, and what the reader should know of the choice."""
    system = coordinates(stage, given)
    least_squares: FloatArray = np.linalg.lstsq(
        np.vstack([stage.fixed, stage.x]).T, stage.output - given.free @ stage.free, rcond=None
    )[0][len(stage.fixed) :].astype(np.float64)
    said: list[str] = []
    if not recipe.within:
        found = minima(system, [*_starts(len(stage.x), len(stage.x)), least_squares])
        if not found:
            raise EstimationError(no_root(None, inputs.roles.state))
        chosen = found[0]
        if len(found) > 1:
            where = "; ".join(_shown(inputs.roles.state, one.theta) for one in found)
            said.append(f"the criterion has {len(found)} local minima ({where}); the lowest is taken")
    else:
        # Elasticities averaged over the rows: theta itself for Cobb-Douglas.
        logs = [values - values[stage.at].mean() for values in inputs.technology]
        slopes = np.stack(
            [technology.slopes(name, [one[stage.at] for one in logs]).mean(axis=1) for name in technology.inputs]
        )
        anchor = np.array(recipe.start) if recipe.start else _one_equation(inputs, rows)
        starts = [*_starts(len(logs), len(stage.x)), least_squares]
        if anchor is not None:
            starts.append(np.concatenate([anchor, np.zeros(len(stage.x) - len(anchor))]))
        found, best = roots(system, starts)
        if not found:
            raise EstimationError(no_root(best.norm, technology.inputs, slopes @ best.theta))
        shown = [_shown(technology.inputs, slopes @ one.theta) for one in found]
        if anchor is None and len(found) > 1:
            raise EstimationError(several_roots(shown))
        far = [0.0 if anchor is None else float(np.linalg.norm(slopes @ one.theta - anchor)) for one in found]
        chosen = found[int(np.argmin(far))]
        if len(found) > 1 and anchor is not None:
            whose = "the start that was written" if recipe.start else "Wooldridge's second equation (wlp)"
            said.append(
                f"{len(found)} roots solve the moments: {'; '.join(shown)}. The one nearest to {whose}, "
                f"{_shown(technology.inputs, anchor)}, is taken"
            )
    theta, evaluation = newton(stage, chosen.theta, given)
    if not evaluation.norm < AT_A_ROOT:
        raise EstimationError(no_root(evaluation.norm, technology.inputs if recipe.within else inputs.roles.state))
    return theta, evaluation, found, said


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


def _identified(stage: SecondStage, evaluation: Evaluation, names: Sequence[str]) -> None:
    """Refuse a root where the moments do not move in some direction of theta."""
    columns = np.linalg.norm(evaluation.parts.column, axis=1)
    scaled = evaluation.jacobian / np.outer(columns, np.linalg.norm(stage.x, axis=1))
    _, values, right = np.linalg.svd(scaled)
    if not values[-1] > NOT_IDENTIFIED:
        blamed = [name for name, share in zip(names, right[-1], strict=False) if abs(share) > 0.1]
        raise EstimationError(not_identified(blamed or names))


def _left_out(first: FirstStage) -> list[str]:
    """Return notes on controls that do not vary, or that the others span."""
    notes = [f"control {name} is constant here and left out" for name in first.system.constant_controls]
    spanned = [name for names in first.products.left_out for name in names]
    if spanned:
        shown = ", ".join(spanned[:6]) + (f" and {len(spanned) - 6} more" if len(spanned) > 6 else "")
        notes.append(f"collinear with the other controls and left out: {shown}")
    return notes


def _functional_dependence(first: FirstStage) -> list[str]:
    """Return a note where the first stage rests on next to nothing."""
    share = own_share(first.products, first.system.inputs.roles) if first.n_free else None
    if share is None or share >= LITTLE_OF_ITS_OWN:
        return []
    return [
        f"given C(t), {share:.2g} of the variance of a free input is left (acf_one_minus_r2): the first stage takes "
        "its elasticity from that alone (Ackerberg, Caves and Frazer, 2015); "
        "set ackerberg_caves_frazer and wlp beside it"
    ]


def _shown(names: Sequence[str], values: FloatArray) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in zip(names, values, strict=False))
