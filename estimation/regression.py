"""Least squares from formula to `Estimates`: the design, the fit, the covariance, the first stage's share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
)  # fmt: skip
from estimation.design_matrix import Design, design_matrix
from estimation.few_clusters import Adjusted, adjusted, basis_of
from estimation.inference import inference, unknown_where
from estimation.least_squares import LeastSquares, least_squares
from estimation.regression_draws import OutcomeSlope, RegressionDraws
from estimation.results import BoolArray, ErrorsInfo, Estimates, FloatArray, IntArray, ProductivityFit
from estimation.second_stage import FirstStage, Joined, first_stage_part, join, nests_firms
from estimation.separate_levels import not_gaps
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError
from specs.formula import Formula

__all__ = [
    "Question", "design_of", "draws_of", "estimate", "estimate_on", "fit_of", "goodness_of_fit", "redrawable",
    "rest_on_one_cluster",
]  # fmt: skip

EXACT = 1e-10
FEW_DF = 4
"""Below, the t distribution with Satterthwaite's degrees of freedom is too rough (Pustejovsky and Tipton, 2018)."""
NAMED = 6


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
    return estimate_on(question, design_of(question, rows), first_stage, panel)


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
    swept = design.absorbed.parameters if design.absorbed is not None else 0
    _check_freedom(design, swept)
    return least_squares(design.x, design.y, design.weights, swept)


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
    fit = fit_of(design)
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
    covariance = _covariance(question, design, fit, (psi, joined, first), panel, few)
    answer = inference(fit.coefficients, covariance.matrix, covariance.df if covariance.dfs is None else covariance.dfs)
    if few is not None:
        answer = unknown_where(answer, few.alone)
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
        covariance=covariance.matrix,
        n_firms_term=design.n_firms_term,
        n_obs=fit.n_obs,
        n_firms=numbered(design.rows.firm)[1],
        stats=_stats(fit, design),
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
            *_negative(raw),
            *_thin(question.kind, design, fit),
            *_too_few(question, design, few),
            *why,
        ),
    )


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
        slope = _slope_at(first_stage, at, design.slope)
        if last is not None:
            slope = replace(_slope_at(first_stage, last, design.slope), less=slope)
    outcome = at if last is None else np.concatenate([at, last])
    if design.absorbed is not None:
        return AbsorbedDraws(design, slope, outcome)
    return RegressionDraws(design.x, design.y, design.weights, design.rows, design.terms, slope, outcome)


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
    if not nests_firms(design.clusters[0], design.rows.firm):
        return None
    return firm_clusters(question.cluster[0], design.rows, firms, panel)


def _covariance(
    question: Question,
    design: Design,
    fit: LeastSquares,
    stages: tuple[FloatArray, Joined, FirstStage | None],
    panel: Selection | None,
    few: Adjusted | None,
) -> Covariance:
    own, joined, first = stages
    if question.kind == "classical":
        plain = classical(fit)
        if first is None:
            return plain
        # Murphy and Topel (1985), equation 24 without the cross terms.
        text = f"{plain.small_sample}, first stage's own"
        return Covariance(plain.matrix + first.covariance, plain.kind, plain.df, plain.factor, text)
    if question.kind != "cluster":
        psi: FloatArray = own if first is None else joined.influence
        return heteroscedastic(psi, question.kind, fit.n_obs, fit.n_terms)
    psi, spread = own, design.clusters
    if first is not None:
        psi = joined.influence
        spread = clusters_of_both(design.clusters, question.cluster, design.rows, joined.firms, panel)
    if few is not None:
        return bias_reduced(psi, spread[0], question.small_sample, few.dfs)
    counted = fit.coefficients.size
    if design.absorbed is not None:
        counted += not_nested(design.absorbed.effects, [one.codes for one in design.clusters])
    return clustered(psi, spread, fit.n_obs, counted, few=question.few)


def _of_weights(tilted: Tilted, design: Design, fit: LeastSquares) -> FloatArray:
    """Return what estimating the weights adds to the influence functions, (n, k).

    With w_i(g) and sum of w_i x_i e_i = 0: b moves by (X'WX)^-1 (sum of x_i e_i dw_i/dg) psi_g,i.
    """
    moved = fit.bread @ ((design.x * fit.residuals[:, None]).T @ tilted.slope)
    return np.asarray(tilted.influence @ moved.T, dtype=np.float64)


def _check_freedom(design: Design, swept: int) -> None:
    n, k = len(design.y), design.x.shape[1]
    if swept and n <= k + swept:
        named = " + ".join(one.name for one in design.absorbed.effects) if design.absorbed is not None else ""
        raise EstimationError(
            f"{counted(n, 'row is', 'rows are')} too few for {k:,} terms and {swept:,} levels of the effects {named}; "
            "widen where, or take coarser effects"
        )


def _stats(fit: LeastSquares, design: Design) -> dict[str, float | int | None]:
    """Describe the fit; where effects were swept out, R2 counts what they explain and `within_r2` does not."""
    if design.absorbed is None:
        return goodness_of_fit(fit, design.y, intercept=design.intercept)
    df, total = fit.n_obs - fit.n_terms, design.absorbed.variation
    residual, within = float(fit.weights @ fit.residuals**2), float(fit.weights @ design.y**2)
    return {
        "r2": 1 - residual / total if total > 0 else None,
        "adj_r2": 1 - residual / total * (fit.n_obs - 1) / df if total > 0 else None,
        "within_r2": 1 - residual / within if within > 0 else None,
        "sigma": float(np.sqrt(residual / df)),
        "df_resid": df,
    }


def _negative(raw: Mapping[str, float]) -> tuple[str, ...]:
    """Say which terms had no variance of their own before a two-way covariance was repaired."""
    terms = [term for term, variance in raw.items() if not variance > 0]
    if not terms:
        return ()
    return (
        f"the two-way variance of {', '.join(terms)} itself was not positive: the standard error is what the repair "
        "left, if anything, and means nothing; cluster one way, or take HC1",
    )


def _too_few(question: Question, design: Design, few: Adjusted | None) -> tuple[str, ...]:
    """Say of which terms a correction for few clusters knows too little."""
    if few is None:
        return ()
    notes = list(rest_on_one_cluster(question.cluster[0], design.terms, few.alone))
    if few.dfs is not None:
        low = [
            f"{term} ({df:.1f})"
            for term, df, alone in zip(design.terms, few.dfs, few.alone, strict=True)
            if df < FEW_DF and not alone
        ]
        if low:
            notes.append(
                f"fewer than {FEW_DF} degrees of freedom by Satterthwaite for {_listed(low)}: few clusters carry what "
                "is known of it, and its p-value is rough"
            )
    return tuple(notes)


def rest_on_one_cluster(way: Sequence[str], terms: Sequence[str], alone: BoolArray) -> tuple[str, ...]:
    """Say which terms have no coefficient without one of the clusters.

    Parameters
    ----------
    way : sequence of str
        The columns of the clusters.
    terms : sequence of str
    alone : (k,) bool array
    """
    named = [term for term, one in zip(terms, alone, strict=True) if one]
    if not named:
        return ()
    return (
        f"without one of the clusters of {'^'.join(way)} there would be no coefficient of {_listed(named)}: "
        "how it varies between clusters is not known, and it has no standard error and no p-value",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _thin(kind: str, design: Design, fit: LeastSquares) -> tuple[str, ...]:
    """Say which robust standard errors mean nothing because what they rest on is fitted exactly."""
    spread = design.y - design.y.mean()
    if float(spread @ spread) <= EXACT**2 * float(design.y @ design.y):
        return (f"{design.outcome} is the same in every row: there is nothing to explain",)
    if float(fit.residuals @ fit.residuals) <= EXACT**2 * float(spread @ spread):
        return (f"{design.outcome} is an exact sum of the terms: its standard errors are rounding errors",)
    if kind == "classical":
        return ()
    alone = [term for term, firms in zip(design.terms, design.n_firms_term, strict=True) if firms == 1]
    if alone:
        return (f"too few firms stand behind {', '.join(alone)} for a robust standard error to mean anything",)
    if bool((fit.leverage > 1 - EXACT).any()):
        return ("some rows are fitted exactly: robust standard errors of what rests on them are too small",)
    return ()


def goodness_of_fit(fit: LeastSquares, y: FloatArray, *, intercept: bool) -> dict[str, float | int | None]:
    """Return R2, adjusted R2, the residual standard deviation and its df, as R's `summary.lm`.

    Parameters
    ----------
    fit : LeastSquares
    y : (n,) array
    intercept : bool
        Without a constant R2 compares with zero, not with the (weighted) mean.

    Returns
    -------
    dict
        ``r2``, ``adj_r2``, ``sigma``, ``df_resid``; R2 is None where the fitted values and y do not vary.
    """
    fitted = y - fit.residuals
    centre = np.average(fitted, weights=fit.weights) if intercept else 0.0
    explained = float(fit.weights @ (fitted - centre) ** 2)
    residual = float(fit.weights @ fit.residuals**2)
    total, df = explained + residual, fit.n_obs - fit.n_terms
    r2 = explained / total if total > 0 else None
    adjusted = None if r2 is None else 1 - (1 - r2) * (fit.n_obs - int(intercept)) / df
    return {"r2": r2, "adj_r2": adjusted, "sigma": float(np.sqrt(residual / df)), "df_resid": df}
