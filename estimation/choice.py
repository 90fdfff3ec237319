"""Probit and logit from formula to `Estimates`: average marginal effects, the index coefficients as a part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from estimation.binary_response import LINKS, BinaryFit, SeparationError, binary_response
from estimation.covariance import Covariance, clustered, heteroscedastic, numbered
from estimation.design_matrix import Design, design_matrix
from estimation.inference import inference
from estimation.marginal_effects import Effects, effects_of
from estimation.regression import Question
from estimation.results import BoolArray, ErrorsInfo, Estimates, FloatArray, ModelPart, ProductivityFit
from estimation.second_stage import join
from estimation.separation import Certain, apart, without_certain
from estimation.taken_as_data import taken_as_data
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["Asked", "choice_design", "estimate"]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a binary response is estimated on.

    Attributes
    ----------
    design : Design
        Without the levels that tell the outcome for certain.
    effects : Effects
    certain : tuple of Certain
        These levels.
    """

    design: Design
    effects: Effects
    certain: tuple[Certain, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """The effects, the levels without one behind them."""
        return (*self.effects.terms, *(one.term for one in self.certain))

    @property
    def index_terms(self) -> tuple[str, ...]:
        """The terms of the index, these levels behind them: which they are must not show by who is missing."""
        return (*self.design.terms, *(one.term for one in self.certain))


def choice_design(question: Question, rows: Selection) -> Asked:
    """Build the design of a binary response.

    Parameters
    ----------
    question : Question
    rows : Selection

    Raises
    ------
    EstimationError
        If the outcome is not 0 and 1, or a column tells it for certain; see `design_matrix` for the rest.
    """

    def build(some: Selection) -> Design:
        return design_matrix(
            question.formula,
            some,
            outcome=question.outcome,
            reference=question.reference,
            weights=question.weights,
            clusters=question.cluster,
        )

    design, certain = without_certain(question.formula, build, rows)
    factors = [factor for term in question.formula.terms for factor in term.factors]
    return Asked(design, effects_of(design, factors), certain)


def estimate(
    method: str, question: Question, rows: Selection, first_stage: ProductivityFit | None, *, drawn: bool = False
) -> Estimates:
    """Answer the question.

    Parameters
    ----------
    method : {'logit', 'probit'}
    question : Question
    rows : Selection
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome: it is taken as data.
    drawn : bool
        Whether a bootstrap puts its errors in the place of these.

    Raises
    ------
    EstimationError
        As `choice_design`; if the likelihood has no maximum, with the terms that tell the outcome apart.
    """
    asked = choice_design(question, rows)
    design, link = asked.design, LINKS[method]
    try:
        fit = binary_response(link, design.x, design.y, design.weights)
    except SeparationError as error:
        raise EstimationError(apart(design, error.coefficients, error.rows)) from None
    values, jacobian = asked.effects.at(link, fit.coefficients, fit.weights)
    treatment, why = taken_as_data(design.outcome, first_stage, question.tfp_uncertainty, drawn=drawn)
    psi = fit.row_influence
    index = _covariance(question, design, fit, psi, None)
    effects = _covariance(question, design, fit, psi @ jacobian.T, jacobian)
    df = effects.df if question.kind == "cluster" else float("inf")
    # A level that tells the outcome has no effect that is a number: its row says so, and counts its firms.
    lost = len(asked.certain)
    coefficients = np.append(values, np.full(lost, np.nan))
    matrix = _widened(effects.matrix, lost)
    answer = inference(coefficients, matrix, df)
    influence = np.pad(psi @ jacobian.T, ((0, 0), (0, lost)), constant_values=np.nan)
    joined = join(design.rows.firm, influence)
    raw = {} if effects.raw is None else dict(zip(asked.terms, effects.raw.tolist(), strict=False))
    errors = ErrorsInfo(question.kind, effects.clusters, df, effects.small_sample, treatment, raw)
    firms_lost = [one.firms for one in asked.certain]
    behind = np.append(asked.effects.n_firms, firms_lost).astype(np.int64)
    n_firms = numbered(design.rows.firm)[1]
    stats = _stats(fit, design)
    of_index = np.append(fit.coefficients, np.full(lost, np.nan))
    part = ModelPart(
        f"{method}, index",
        asked.index_terms,
        of_index,
        inference(of_index, _widened(index.matrix, lost), df),
        np.append(design.n_firms_term, firms_lost).astype(np.int64),
        len(design.y),
        n_firms,
        replace(errors, raw={}),
        stats,
    )
    return Estimates(
        name=question.name,
        design=question.design,
        method=method,
        outcome=design.outcome,
        terms=asked.terms,
        coefficients=coefficients,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=matrix,
        n_firms_term=behind,
        n_obs=len(design.y),
        n_firms=n_firms,
        stats=stats,
        errors=errors,
        weights=question.weights or "",
        influence_firms=joined.firms,
        influence=joined.influence,
        dropped=design.dropped,
        rows_in=rows.n_panel,
        reference={one.name: one.levels[one.base] for one in design.coded.values() if len(one.levels) > 1},
        notes=(*_notes(asked, values), *design.notes, *effects.notes, *why),
        parts=(part,),
        parts_drawn=True,
    )


def _covariance(
    question: Question, design: Design, fit: BinaryFit, psi: FloatArray, jacobian: FloatArray | None
) -> Covariance:
    """Return the covariance of the index coefficients, or of what the Jacobian makes of them."""
    n, k = design.x.shape
    if question.kind == "classical":
        matrix = fit.covariance if jacobian is None else jacobian @ fit.covariance @ jacobian.T
        return Covariance(matrix, "classical", float("inf"), 1.0, "")
    if question.kind == "cluster":
        # What has no estimate has no variance; beside it the others keep theirs.
        known: BoolArray = np.asarray(np.isfinite(psi).all(axis=0), dtype=np.bool_)
        found = clustered(psi[:, known], design.clusters, n, k)
        return replace(found, matrix=_spread(found.matrix, known), raw=_spread_raw(found.raw, known))
    return heteroscedastic(psi, question.kind, n, k)


def _widened(matrix: FloatArray, lost: int) -> FloatArray:
    """Return a covariance with so many terms behind the others that have none."""
    return np.pad(matrix, ((0, lost), (0, lost)), constant_values=np.nan)


def _spread(matrix: FloatArray, known: BoolArray) -> FloatArray:
    wide = np.full((len(known), len(known)), np.nan)
    wide[np.ix_(known, known)] = matrix
    return wide


def _spread_raw(raw: FloatArray | None, known: BoolArray) -> FloatArray | None:
    if raw is None:
        return None
    wide = np.full(len(known), np.nan)
    wide[known] = raw
    return wide


def _stats(fit: BinaryFit, design: Design) -> dict[str, float | int | None]:
    """Describe the fit; a row is predicted to be 1 where its probability is above one half."""
    firm, y = design.rows.firm, design.y
    right = (fit.index > 0) == (y == 1)
    return {
        "pseudo_r2": fit.pseudo_r2,
        "log_likelihood": fit.log_likelihood,
        "null_log_likelihood": fit.null_log_likelihood,
        "correctly_predicted": float(fit.weights @ right / fit.weights.sum()),
        "share_of_ones": float(fit.weights @ y / fit.weights.sum()),
        "n_yes_firms": len(np.unique(firm[y == 1])),
        "n_no_firms": len(np.unique(firm[y == 0])),
    }


def _notes(asked: Asked, values: FloatArray) -> tuple[str, ...]:
    design = asked.design
    notes = [
        f"average marginal effects on the probability that {design.outcome} is 1, all else of a row as it is: of a "
        "number its slope, of an indicator the change from 0 to 1, of a level the change from the base level; "
        "coefficients of the index are in run.json"
    ]
    held: dict[str, set[tuple[str, ...]]] = {}
    for recipe in design.recipes:
        names = (*(one.label for one in recipe.numbers), *(name for name, _ in recipe.levels))
        for name in {*(one.name for one in recipe.numbers), *(name for name, _ in recipe.levels)}:
            held.setdefault(name, set()).add(names)
    several = [name for name, terms in held.items() if len(terms) > 1]
    if several:
        notes.append(
            f"effects are of columns, through every term that holds them ({', '.join(sorted(several))}): squares and "
            "interactions have none of their own"
        )
    if asked.certain:
        rows = sum(one.rows for one in asked.certain)
        notes.append(
            f"{', '.join(one.term for one in asked.certain)}: all rows have the same {design.outcome}, so that the "
            f"level tells it for certain; its coefficient is infinite and its rows ({rows:,}) say nothing of the "
            "others: left out, as Stata does"
        )
    single = [term for term, firms in zip(asked.effects.terms, asked.effects.n_firms, strict=True) if firms == 1]
    if single:
        notes.append(f"too few firms stand behind {', '.join(single)} for a standard error to mean anything")
    nowhere = [term for term, value in zip(asked.effects.terms, values, strict=True) if np.isnan(value)]
    if nowhere:
        notes.append(
            f"{', '.join(nowhere)}: no effect, since it would put rows into combinations of levels that no row has"
        )
    return tuple(notes)
