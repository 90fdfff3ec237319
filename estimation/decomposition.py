"""Olley-Pakes and Melitz-Polanec decompositions with standard errors: shares, means, survivors, and their influence.

Every term is linear in the outcome given the shares, and a smooth function of sums over rows. So the influence of
a row, the shares' denominators included, and the operator T that carries the first stage over, both follow from
the term's derivative with respect to these sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.both_stages import clusters_of_both, treatment_of
from estimation.covariance import Clusters, clustered
from estimation.decomposition_draws import DecompositionDraws
from estimation.decomposition_rows import Kept, keep_rows
from estimation.decomposition_terms import Cells
from estimation.design_matrix import clusters_of
from estimation.inference import inference
from estimation.regression_draws import OutcomeSlope
from estimation.results import BoolArray, ErrorsInfo, Estimates, FloatArray, Inference, IntArray, ProductivityFit
from estimation.second_stage import first_stage_part, join
from estimation.sums import Sums, moved_by
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["Question", "decompose", "redrawable"]

# A standard error below this share of the outcome's spread is rounding.
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a decomposition.

    Attributes
    ----------
    name, method, outcome, weights : str
    sampling_weights, by : str or None
    years : (int, int) or None
    cluster : tuple of tuple of str
    tfp_uncertainty : str or None
    """

    name: str
    method: str
    outcome: str
    weights: str
    sampling_weights: str | None
    years: tuple[int, int] | None
    by: str | None
    cluster: tuple[tuple[str, ...], ...]
    tfp_uncertainty: str | None


def decompose(
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

    Raises
    ------
    EstimationError
        If a year has no rows or no activity, a weight is negative, or a group has no survivors.
    """
    kept = keep_rows(question, rows)
    cells = Cells(kept, question.method)
    found = cells.terms(Sums.of(cells.cell, cells.parts, cells.n_cells).totals)
    terms = [one.name for one in found]
    values = np.array([one.quantity.value[0] + cells.centre * one.level for one in found])
    slopes = np.zeros((cells.n_cells, 4, len(terms)))
    for number, one in enumerate(found):
        slopes[one.cells, :, number] = one.quantity.slope[0]
    psi = moved_by(slopes, cells.cell, cells.parts)
    clusters = tuple(clusters_of(way, kept.rows) for way in question.cluster)
    _check_clusters(clusters, kept)
    treatment, why = treatment_of(
        question.tfp_uncertainty, "cluster", question.outcome, first_stage, kept.rows.firm, clusters
    )
    first = None
    if first_stage is not None and treatment == "include":
        # The outcome stands in the last two sums, times what the row adds to the first two.
        operator = moved_by(slopes[:, 2:], cells.cell, cells.parts[:, :2])
        first = first_stage_part(first_stage, kept.rows.rows, operator)
        joined = join(kept.rows.firm, psi, first)
        spread = clusters_of_both(clusters, question.cluster, kept.rows, joined.firms, panel)
        covariance = clustered(joined.influence, spread, kept.rows.rows.size, 1)
    else:
        joined = join(kept.rows.firm, psi)
        covariance = clustered(psi, clusters, kept.rows.rows.size, 1)
    answer = _without_still(inference(values, covariance.matrix, covariance.df), kept)
    n_firms: IntArray = np.array([_firms(cells.behind(term), kept.rows.firm) for term in terms])
    # With one parameter a term, (N-1)/(N-K) is one.
    factor = covariance.small_sample.partition(" x ")[0]
    raw = {} if covariance.raw is None else dict(zip(terms, covariance.raw.tolist(), strict=True))
    errors = ErrorsInfo("cluster", covariance.clusters, covariance.df, factor, treatment, raw)
    return Estimates(
        name=question.name,
        design="decomposition",
        method=question.method,
        outcome=question.outcome,
        terms=tuple(terms),
        coefficients=values,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=covariance.matrix,
        n_firms_term=n_firms,
        n_obs=kept.rows.rows.size,
        n_firms=int(np.unique(kept.rows.firm).size),
        stats={"first_year": kept.years[0], "last_year": kept.years[-1], **_who(kept, question.method)},
        errors=errors,
        weights=question.weights,
        sampling_weights=question.sampling_weights or "",
        influence_firms=joined.firms,
        influence=joined.influence,
        dropped=kept.dropped,
        rows_in=rows.n_panel,
        reference={},
        notes=(*kept.notes, *_alone(terms, n_firms), *_levels(first_stage, question), *covariance.notes, *why),
    )


def _without_still(answer: Inference, kept: Kept) -> Inference:
    """Take the errors away of what no firm moves: entry with nobody who enters, a covariance among one firm."""
    spread = float(np.sqrt(np.mean((kept.outcome - kept.outcome.mean()) ** 2)))
    still = ~(answer.std_errors > ROUNDING * spread)

    def gone(values: FloatArray) -> FloatArray:
        return np.where(still, np.nan, values)

    return Inference(
        gone(answer.std_errors),
        gone(answer.statistics),
        gone(answer.p_values),
        gone(answer.conf_low),
        gone(answer.conf_high),
    )


def _alone(terms: Sequence[str], n_firms: IntArray) -> tuple[str, ...]:
    alone = [term for term, firms in zip(terms, n_firms.tolist(), strict=True) if firms == 1]
    if not alone:
        return ()
    return (f"one firm stands behind {', '.join(alone)}: its own value, and no error of sampling firms",)


def _check_clusters(clusters: Sequence[Clusters], kept: Kept) -> None:
    """Refuse clusters that hold all firms of a year: influence adds up to zero there, and so would the error."""
    for one in clusters:
        for number, year in enumerate(kept.years):
            here = kept.year == number
            if np.unique(one.codes[here]).size == 1 and np.unique(kept.rows.firm[here]).size > 1:
                raise EstimationError(
                    f"all rows of {year} lie in one cluster of {one.name}: what they add up to does not vary within "
                    "it, and its standard error would be zero; write errors: {cluster: [firm]}"
                )


def redrawable(question: Question, rows: Selection, first_stage: ProductivityFit | None) -> DecompositionDraws:
    """Return what takes productivity apart again with other weights on the firms.

    Parameters
    ----------
    question, rows
        As in `decompose`.
    first_stage : ProductivityFit or None
        Of the outcome, where it is drawn with the rest.

    Raises
    ------
    EstimationError
    """
    kept = keep_rows(question, rows)
    slope = None
    if first_stage is not None:
        at = kept.rows.rows
        sizes = tuple(len(group.parameters) for group in first_stage.groups)
        slope = OutcomeSlope(first_stage.gradient[at], first_stage.group_of_row[at].astype(np.int64), sizes)
    return DecompositionDraws(kept, question.method, slope)


def _levels(first_stage: ProductivityFit | None, question: Question) -> tuple[str, ...]:
    if first_stage is None or len(first_stage.groups) < 2:
        return ()
    return (
        f"{question.outcome} comes from technologies estimated separately, whose levels cannot be compared: "
        "terms that set firms of different groups side by side mix them",
    )


def _who(kept: Kept, method: str) -> dict[str, float | int | None]:
    """Return how many firms survive, enter and leave, and which share of the activity of their year they hold."""
    if method != "melitz_polanec":
        return {}
    share = kept.weight * kept.activity
    found: dict[str, float | int | None] = {}
    for name, stays, years in (("survivors", 1, (0, 1)), ("entrants", 0, (1,)), ("exiters", 0, (0,))):
        behind = np.isin(kept.year, years) & (kept.survives == stays)
        found[f"n_{name}"] = int(np.unique(kept.rows.firm[behind]).size)
        for year in years:
            which = ("_first", "_last")[year] if len(years) > 1 else ""
            here = kept.year == year
            found[f"share_{name}{which}"] = float(share[here & behind].sum() / share[here].sum())
    return found


def _firms(behind: BoolArray, firm: IntArray) -> int:
    seen = np.zeros(int(firm.max()) + 1, dtype=np.bool_)
    seen[firm[behind]] = True
    return int(np.count_nonzero(seen))
