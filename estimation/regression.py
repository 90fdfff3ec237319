"""Least squares from formula to `Estimates`: the design, the fit, the covariance, the first stage's share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from estimation.absorb import not_nested
from estimation.absorbed_draws import AbsorbedDraws
from estimation.balancing.tilting import Tilted
from estimation.both_stages import clusters_of_both, firm_clusters, treatment_of
from estimation.covariance import (
    Covariance,
    FewNote,
    bias_reduced,
    classical,
    clustered,
    heteroscedastic,
    influence,
    numbered,
    told_of_rank,
)  # fmt: skip
from estimation.design_matrix import Design, design_matrix
from estimation.few_clusters import Adjusted, adjusted, basis_of
from estimation.inference import inference, unknown_between, unknown_where
from estimation.least_squares import LeastSquares, least_squares
from estimation.regression_draws import OutcomeSlope, RegressionDraws
from estimation.regression_words import fit_stats, is_constant, told_of_few, told_of_negative, told_of_thin
from estimation.results import ErrorsInfo, Estimates, FloatArray, IntArray, ProductivityFit
from estimation.second_stage import FirstStage, Joined, first_stage_part, join
from estimation.separate_levels import not_gaps
from estimation.workings import Workings
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError
from specs.formula import Formula

__all__ = [
    "Question",
    "check_freedom",
    "covariance_of",
    "design_of",
    "draws_of",
    "estimate",
    "estimate_on",
    "estimates_of",
    "fit_of",
    "redrawable",
    "robust_covariance",
    "slope_of",
]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a regression.

    Attributes
    ----------
    name, design : str
    formula : Formula
    outcome : str or None
        Replaces the formula's left side.
    reference : mapping of str to str
    weights : str or None
    kind : str
        ``classical``, ``HC0`` .. ``HC3``, ``cluster``.
    cluster : tuple of tuple of str
    tfp_uncertainty : str or None
        As written; None for the default.
    keeps_workings : bool
        Whether the answer carries what it is made of.
    small_sample : str
        ``CR2`` or ``CR3`` in the place of the factor of clustered errors; empty for the factor.
    few : {'say', 'offer', 'silent'}
        What a note says of few clusters, as in `estimation.covariance.clustered`.
    tilted : Tilted or None
        Where the weights are estimated on the rows, in their order: how they move with what they are made of.
    """

    name: str
    design: str
    formula: Formula
    outcome: str | None
    reference: Mapping[str, str]
    weights: str | None
    kind: str
    cluster: tuple[tuple[str, ...], ...]
    tfp_uncertainty: str | None
    keeps_workings: bool = False
    small_sample: str = ""
    few: FewNote = "offer"
    tilted: Tilted | None = None


def estimate(
    question: Question, rows: Selection, first_stage: ProductivityFit | None, panel: Selection | None
) -> Estimates:
    """Answer the question.

    Parameters
    ----------
    question : Question
    rows : Selection
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection or None
        The clustering columns on all rows of the panel.

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
    """
    return estimates_of(question, *_fitted(question, rows), first_stage, panel)


def _fitted(question: Question, rows: Selection) -> tuple[Design, LeastSquares]:
    """Return the matrix and its fit; of two questions that differ in their errors alone the second finds them made."""
    asked = (
        question.formula, question.outcome, tuple(question.reference.items()), question.weights, question.cluster,
    )  # fmt: skip
    kept = rows.made.get("least squares")
    if isinstance(kept, _Kept) and kept.asked == asked:
        return kept.design, kept.fit
    design = design_of(question, rows)
    fit = fit_of(design)
    rows.made["least squares"] = _Kept(asked, design, fit)
    return design, fit


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """What was asked for, and what was made of it."""

    asked: tuple[object, ...]
    design: Design
    fit: LeastSquares


def design_of(question: Question, rows: Selection) -> Design:
    """Return the matrix that the question asks for; see `estimate`."""
    return design_matrix(
        question.formula,
        rows,
        outcome=question.outcome,
        reference=question.reference,
        weights=question.weights,
        clusters=question.cluster,
    )


def fit_of(design: Design) -> LeastSquares:
    """Return the least-squares fit of a design.

    Raises
    ------
    EstimationError
        If effects leave too few rows.
    """
    return least_squares(design.x, design.y, design.weights, check_freedom(design))


def estimate_on(
    question: Question,
    design: Design,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
    last: IntArray | None = None,
) -> Estimates:
    """Answer the question on a matrix that is there already.

    Parameters
    ----------
    question, first_stage, panel
        As in `estimate`.
    design : Design
    last : (n,) integer array, optional
        Where the outcome is a change since the design's rows: positions in the panel of the rows that it leads to.

    Raises
    ------
    EstimationError
    """
    return estimates_of(question, design, fit_of(design), first_stage, panel, last)


def estimates_of(
    question: Question,
    design: Design,
    fit: LeastSquares,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
    last: IntArray | None = None,
) -> Estimates:
    """Return what a fit of the design's terms says, with the errors that the question asks for.

    Parameters
    ----------
    question, design, first_stage, panel, last
        As in `estimate_on`.
    fit : LeastSquares
        On the design's rows, a coefficient a term. Of another linear estimator than least squares: with its operator
        and its own residuals.

    Raises
    ------
    EstimationError
    """
    treatment, why = treatment_of(
        question.tfp_uncertainty, question.kind, design.outcome, first_stage, design.rows.firm, design.clusters
    )
    first = None
    if first_stage is not None and treatment in ("include", "murphy_topel"):
        at, operator, slope = design.rows.rows, fit.operator, design.slope
        if last is not None:
            # T(w) = T'w_last - T'w_first: every row of the design stands for two of the panel.
            at, operator = np.concatenate([last, at]), np.concatenate([operator, -operator])
            slope = np.concatenate([slope, slope])
        first = first_stage_part(first_stage, at, operator, slope)
    few = _few_clusters(question, design, fit)
    psi = influence(fit if few is None else replace(fit, residuals=few.residuals), question.kind)
    if question.tilted is not None:
        psi = psi + _of_weights(question.tilted, design, fit)
    joined = join(design.rows.firm, psi, first)
    covariance = covariance_of(question, design, fit, (joined, first), panel, psi, few)
    answer = inference(fit.coefficients, covariance.matrix, covariance.df if covariance.dfs is None else covariance.dfs)
    matrix = covariance.matrix
    if few is not None:
        answer, matrix = unknown_where(answer, few.alone), unknown_between(matrix, few.alone)
    if is_constant(design):
        answer = unknown_where(answer, np.ones(len(design.terms), dtype=np.bool_))
    # In a change the level of a technology cancels.
    units, of_units = not_gaps(
        question.formula, design.terms, design.outcome, None if last is not None else first_stage
    )
    raw = {} if covariance.raw is None else dict(zip(design.terms, covariance.raw.tolist(), strict=True))
    return Estimates(
        name=question.name,
        design=question.design,
        method="ols",
        outcome=design.outcome,
        terms=design.terms,
        coefficients=fit.coefficients,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=matrix,
        n_firms_term=design.n_firms_term,
        n_obs=fit.n_obs,
        n_firms=numbered(design.rows.firm)[1],
        stats=fit_stats(fit, design),
        errors=ErrorsInfo(
            question.kind,
            covariance.clusters,
            covariance.df,
            covariance.small_sample,
            treatment,
            raw,
            detail=question.small_sample,
            dfs={} if covariance.dfs is None else dict(zip(design.terms, covariance.dfs.tolist(), strict=True)),
        ),
        weights=question.weights or "",
        influence_firms=joined.firms,
        influence=joined.influence,
        influence_clusters=_clusters_of_firms(question, design, joined.firms, panel),
        dropped=design.dropped,
        rows_in=design.rows.n_panel,
        reference=design.reference,
        not_gaps=units,
        effects={one.name: one.count for one in design.absorbed.effects} if design.absorbed is not None else {},
        notes=(
            *design.notes,
            *of_units,
            *covariance.notes,
            *told_of_rank(covariance.clusters, len(design.terms)),
            *told_of_negative(raw),
            *told_of_thin(question.kind, design, fit),
            *told_of_few(question.cluster[0] if question.cluster else (), design, few),
            *why,
        ),
        workings=_workings(design, fit, psi, first, covariance.factor) if question.keeps_workings else None,
    )


def _workings(design: Design, fit: LeastSquares, psi: FloatArray, first: FirstStage | None, factor: float) -> Workings:
    found = Workings(design.rows.rows, design.rows.firm, design.x, design.y, fit.weights, fit.residuals, psi, factor)
    if first is None:
        return found
    return replace(found, first_firms=first.firms, first_influence=first.influence, first_covariance=first.covariance)


def redrawable(
    question: Question, rows: Selection, first_stage: ProductivityFit | None
) -> RegressionDraws | AbsorbedDraws:
    """Return what estimates the regression again with other weights on its firms.

    Parameters
    ----------
    question, rows
        As in `estimate`.
    first_stage : ProductivityFit or None
        Of the outcome, where it is drawn with the rest.

    Raises
    ------
    EstimationError
    """
    return draws_of(design_of(question, rows), first_stage)


def draws_of(
    design: Design, first_stage: ProductivityFit | None, last: IntArray | None = None
) -> RegressionDraws | AbsorbedDraws:
    """Return what estimates a regression again; see `redrawable` and, for `last`, `estimate_on`."""
    at, slope = design.rows.rows, None
    if first_stage is not None:
        slope = slope_of(design, first_stage)
        if last is not None:
            slope = replace(_slope_at(first_stage, last, design.slope), less=slope)
    outcome = at if last is None else np.concatenate([at, last])
    if design.absorbed is not None:
        return AbsorbedDraws(design, slope, outcome)
    return RegressionDraws(design.x, design.y, design.weights, design.rows, design.terms, slope, outcome)


def slope_of(design: Design, first_stage: ProductivityFit) -> OutcomeSlope:
    """Return how an estimated outcome moves with its parameters, on the design's rows."""
    return _slope_at(first_stage, design.rows.rows, design.slope)


def _slope_at(first_stage: ProductivityFit, at: IntArray, slope: FloatArray) -> OutcomeSlope:
    sizes = tuple(len(group.parameters) for group in first_stage.groups)
    gradient = first_stage.gradient[at] * slope[:, None]
    return OutcomeSlope(gradient, first_stage.group_of_row[at].astype(np.int64), sizes)


def _few_clusters(question: Question, design: Design, fit: LeastSquares) -> Adjusted | None:
    """Correct the residuals for few clusters, where that is asked for."""
    if not question.small_sample:
        return None
    effects = () if design.absorbed is None else design.absorbed.effects
    codes, kind = design.clusters[0].codes, question.small_sample
    return adjusted(
        fit.residuals, basis_of(design.x, design.weights, effects, codes, same_weights=kind == "CR2"), codes, kind
    )


def _clusters_of_firms(question: Question, design: Design, firms: IntArray, panel: Selection | None) -> IntArray | None:
    """Return the cluster of every firm in the codes of the panel; None where firms are the clusters, or are cut."""
    if panel is None or len(question.cluster) != 1 or question.cluster == (("firm",),):
        return None
    return firm_clusters(question.cluster[0], design.rows, firms, panel)


def covariance_of(
    question: Question,
    design: Design,
    fit: LeastSquares,
    stages: tuple[Joined, FirstStage | None],
    panel: Selection | None,
    psi: FloatArray | None = None,
    few: Adjusted | None = None,
) -> Covariance:
    """Return the covariance of a fit's coefficients, both stages in it.

    Parameters
    ----------
    question, panel
        As in `estimate`.
    design : Design
    fit : LeastSquares
        On the design's rows.
    stages : tuple of Joined and FirstStage or None
        The influence of both stages by firm, and the first one's part; None where the outcome is taken as data.
    psi : (n, k) array, optional
        The fit's own influence functions, where they are more than those of its terms.
    """
    joined, first = stages
    if question.kind == "classical":
        plain = classical(fit)
        if first is None:
            return plain
        # Murphy and Topel (1985), equation 24 without the cross terms.
        text = f"{plain.small_sample}, first stage's own"
        return Covariance(plain.matrix + first.covariance, plain.kind, plain.df, plain.factor, text)
    own = influence(fit, question.kind) if psi is None else psi
    return robust_covariance(question, design, own, fit.coefficients.size, (joined, first), panel, few)


def robust_covariance(
    question: Question,
    design: Design,
    psi: FloatArray,
    columns: int,
    stages: tuple[Joined, FirstStage | None],
    panel: Selection | None,
    few: Adjusted | None = None,
) -> Covariance:
    """Return a covariance of influence functions, HC or clustered, by the factors of a regression with these columns.

    Parameters
    ----------
    question, design, stages, panel
        As in `covariance_of`.
    psi : (n, q) array
        The second stage's, on the design's rows.
    columns : int
        Of the regression behind psi; effects that were swept out are counted beside them.
    few : Adjusted, optional
        The correction for few clusters that is in psi.
    """
    joined, first = stages
    n, absorbed = len(psi), design.absorbed
    if question.kind != "cluster":
        swept = absorbed.parameters if absorbed is not None else 0
        return heteroscedastic(psi if first is None else joined.influence, question.kind, n, columns + swept)
    spread = design.clusters
    if first is not None:
        psi = joined.influence
        spread = clusters_of_both(design.clusters, question.cluster, design.rows, joined.firms, panel)
    if few is not None:
        return bias_reduced(psi, spread[0], question.small_sample, few.dfs)
    if absorbed is not None:
        columns += not_nested(absorbed.effects, [one.codes for one in design.clusters])
    return clustered(psi, spread, n, columns, few=question.few)


def _of_weights(tilted: Tilted, design: Design, fit: LeastSquares) -> FloatArray:
    """Return what estimating the weights adds to the influence functions, (n, k).

    With w_i(g) and sum of w_i x_i e_i = 0: b moves by (X'WX)^-1 (sum of x_i e_i dw_i/dg) psi_g,i.
    """
    moved = fit.bread @ ((design.x * fit.residuals[:, None]).T @ tilted.slope)
    return np.asarray(tilted.influence @ moved.T, dtype=np.float64)


def check_freedom(design: Design) -> int:
    """Return the parameters of effects that were swept out; refuse rows that are too few for them.

    Raises
    ------
    EstimationError
    """
    swept = design.absorbed.parameters if design.absorbed is not None else 0
    n, k = len(design.y), design.x.shape[1]
    if swept and n <= k + swept:
        named = " + ".join(one.name for one in design.absorbed.effects) if design.absorbed is not None else ""
        raise EstimationError(
            f"{counted(n, 'row is', 'rows are')} too few for {k:,} terms and {swept:,} levels of the effects {named}; "
            "widen where, or take coarser effects"
        )
    return swept
