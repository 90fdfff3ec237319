"""Two or more distributions set side by side: quantile gaps, the mean gap, Kolmogorov and Smirnov, dominance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.complete_rows import complete_rows, weights_of
from estimation.covariance import Clusters, clustered, numbered
from estimation.design_matrix import clusters_of
from estimation.distribution_draws import DistributionDraws, Sample
from estimation.distribution_tests import EXACT_UP_TO, exact, multiplied
from estimation.groups import levels_of
from estimation.inference import inference
from estimation.quantiles import firms_beside
from estimation.regression_draws import OutcomeSlope
from estimation.results import ErrorsInfo, Estimates, FloatArray, Inference, IntArray, ProductivityFit
from estimation.second_stage import join, one_row_a_firm
from estimation.separate_levels import separate_columns
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError, did_you_mean

__all__ = ["Question", "compare", "redrawable"]

MOST_LEVELS = 30
TIED = 0.05
"""Of a group's weight on one value: with more, a quantile there has no density to speak of."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of distributions.

    Attributes
    ----------
    name, outcome, by : str
    reference, weights : str or None
        The base level, and a column of sampling weights.
    quantiles : tuple of float
    cluster : tuple of tuple of str
        One way.
    bootstrap : bool
        Whether draws are to give errors and p-values.
    draws, seed : int
        Of the multipliers.
    """

    name: str
    outcome: str
    by: str
    reference: str | None
    weights: str | None
    quantiles: tuple[float, ...]
    cluster: tuple[tuple[str, ...], ...]
    bootstrap: bool
    draws: int
    seed: int


def compare(question: Question, rows: Selection, first_stage: ProductivityFit | None) -> Estimates:
    """Answer the question.

    Parameters
    ----------
    question : Question
    rows : Selection
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.

    Raises
    ------
    EstimationError
        If there is one group, too many of them, or no such base level.
    """
    separate = separate_columns(first_stage)
    if question.by in separate:
        raise EstimationError(
            f"{question.outcome} comes from technologies estimated separately by {question.by}: its levels are in "
            "units of different technologies, and their differences are no productivity gaps; compare another column, "
            "or pool"
        )
    sample, kept, dropped = _sample(question, rows, None)
    (clusters,) = (clusters_of(way, kept) for way in question.cluster)
    draws = DistributionDraws(sample, clusters.codes)
    values = draws.values
    psi = draws.influence()
    covariance = clustered(psi, (clusters,), kept.rows.size, 1)
    answer = _without_still(inference(values, covariance.matrix, covariance.df), draws)
    joined = join(kept.firm, psi)
    estimated = first_stage is not None and any(group.influence.shape[1] for group in first_stage.groups)
    found, tested = _tests(question, draws, kept, clusters, estimated=estimated)
    n_firms = _firms(draws, kept.firm)
    notes = [
        *_few(draws, clusters.name),
        *_apart(question.outcome, separate),
        *_tied(sample),
        *covariance.notes,
        *tested,
        *((_taken_as_data(question),) if estimated and not question.bootstrap else ()),
    ]
    return Estimates(
        name=question.name,
        design="distribution",
        method="quantiles",
        outcome=question.outcome,
        terms=draws.terms,
        coefficients=values,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=covariance.matrix,
        n_firms_term=n_firms,
        n_obs=kept.rows.size,
        n_firms=int(np.unique(kept.firm).size),
        stats={**_sizes(sample, kept.firm), **found},
        errors=ErrorsInfo(
            "cluster",
            covariance.clusters,
            covariance.df,
            covariance.small_sample.partition(" x ")[0],
            "ignore" if estimated else "none",
        ),
        weights=question.weights or "",
        influence_firms=joined.firms,
        influence=joined.influence,
        dropped=dropped,
        rows_in=rows.n_panel,
        reference={question.by: sample.levels[sample.base]},
        notes=tuple(notes),
    )


def redrawable(question: Question, rows: Selection, first_stage: ProductivityFit | None) -> DistributionDraws:
    """Return what compares the groups again with other weights on the firms.

    Parameters
    ----------
    question, rows
        As in `compare`.
    first_stage : ProductivityFit or None
        Of the outcome, where it is drawn with the rest.
    """
    return DistributionDraws(_sample(question, rows, first_stage)[0])


def _sample(
    question: Question, rows: Selection, first_stage: ProductivityFit | None
) -> tuple[Sample, Selection, dict[str, int]]:
    if isinstance(rows.columns[question.outcome], TextColumn):
        raise EstimationError(f"the outcome {question.outcome} must be a number, and it is text")
    ways = [name for way in question.cluster for name in way]
    kept, dropped = complete_rows(rows, (question.outcome, question.by, *ways), question.weights)
    levels, group = levels_of(kept, question.by)
    if len(levels) < 2:
        raise EstimationError(
            f"all rows that have {question.outcome} have {question.by} {levels[0]}: there is no other group to compare "
            "with; widen where, or take another column"
        )
    if len(levels) > MOST_LEVELS:
        raise EstimationError(
            f"{question.by} has {len(levels)} levels here, and {MOST_LEVELS} are the most that can be compared; take a "
            "coarser column, or make classes of it: cut()"
        )
    slope = None
    if first_stage is not None:
        at = kept.rows
        sizes = tuple(len(one.parameters) for one in first_stage.groups)
        slope = OutcomeSlope(first_stage.gradient[at], first_stage.group_of_row[at].astype(np.int64), sizes)
    sample = Sample(
        rows=kept.rows,
        firm=kept.firm,
        values=kept.number(question.outcome),
        weights=weights_of(kept, question.weights),
        levels=levels,
        group=group,
        base=_base(question, levels, group),
        shares=np.array(question.quantiles),
        slope=slope,
    )
    return sample, kept, dropped


def _base(question: Question, levels: Sequence[str], group: IntArray) -> int:
    """Return the base level: the one asked for, the first of two, else the most frequent."""
    if question.reference is not None:
        if question.reference not in levels:
            near = did_you_mean(question.reference, levels) or f"there are: {', '.join(levels)}"
            raise EstimationError(f"reference: {question.by} has no level {question.reference} in these rows; {near}")
        return levels.index(question.reference)
    return 0 if len(levels) == 2 else int(np.bincount(group).argmax())


def _without_still(answer: Inference, draws: DistributionDraws) -> Inference:
    """Take the errors away of what no firm moves, constants, and where one cluster is all of a group."""
    size = max(float(np.abs(draws.sample.values).max()), 1e-300)
    alone = np.array([bool({level, draws.sample.base} & draws.alone) for level in draws.others])
    still = ~(answer.std_errors > 1e-12 * size) | np.repeat(alone, len(draws.sample.shares) + 1)
    gone = [np.where(still, np.nan, one) for one in (answer.std_errors, answer.statistics, answer.p_values,
                                                     answer.conf_low, answer.conf_high)]  # fmt: skip
    return Inference(*gone)


def _tests(
    question: Question, draws: DistributionDraws, kept: Selection, clusters: Clusters, *, estimated: bool
) -> tuple[Mapping[str, float | int | None], list[str]]:
    """Return the distances and their p-values, and how these came about; of a bootstrap its draws give them."""
    if question.bootstrap:
        return draws.untested(), []
    codes, n_clusters = numbered(clusters.codes)
    pairs = [draws.pair(level, codes) for level in draws.others]
    drawn = multiplied(pairs, n_clusters, question.draws, question.seed)
    plain = (
        question.weights is None and question.cluster == (("firm",),) and one_row_a_firm(kept.firm) and not estimated
    )
    exactly: dict[int, FloatArray] = {}
    way = clusters.name
    by = (
        f"{question.draws} draws of multipliers by {way}, seed {question.seed}, the least 1/({question.draws} + 1) "
        "(Barrett and Donald, 2003)"
    )
    tied = np.unique(draws.sample.values).size < draws.sample.values.size
    if not plain or tied:
        why = "; values that several rows share leave no exact ones" if plain else ""
        return draws.tested(drawn), [f"p-values of the tests of equality and dominance: {by}{why}"]
    all_exact = True
    for number, level in enumerate(draws.others):
        values = [draws.sample.values[draws.sample.group == one] for one in (level, draws.sample.base)]
        exactly[number], is_exact = exact(*values)
        all_exact = all_exact and is_exact
    how = f"exact (up to {EXACT_UP_TO:,} firms a group)" if all_exact else "asymptotic"
    note = f"p-values of equality and of dominance at first order: {how}, Kolmogorov and Smirnov; at second order: {by}"
    return draws.tested(drawn, exactly), [note]


def _sizes(sample: Sample, firm: IntArray) -> dict[str, float | int | None]:
    return {
        f"n_firms[{level}]": int(np.unique(firm[sample.group == number]).size)
        for number, level in enumerate(sample.levels)
    }


def _firms(draws: DistributionDraws, firm: IntArray) -> IntArray:
    """Return the firms behind every term: of a quantile those on its thinner side, in either group."""
    sample = draws.sample
    found: list[int] = []
    shapes = draws.shapes
    for level in draws.others:
        beside = []
        for group in (level, sample.base):
            inside = sample.group == group
            values, own = sample.values[inside], firm[inside]
            sides = [firms_beside(values, own, at) for at in shapes[group].quantiles.tolist()]
            beside.append([*sides, int(np.unique(own).size)])
        found += [min(one, other) for one, other in zip(*beside, strict=True)]
    return np.array(found, dtype=np.int64)


def _few(draws: DistributionDraws, way: str) -> list[str]:
    """Name groups of a single cluster."""
    alone = ", ".join(draws.sample.levels[number] for number in sorted(draws.alone))
    return [f"one {way} is all of {alone}: no error, and no test of what rests on it"] if alone else []


def _apart(outcome: str, separate: Sequence[str]) -> list[str]:
    if not separate:
        return []
    return [
        f"{outcome} comes from technologies estimated separately by {', '.join(separate)}, whose levels cannot be "
        "compared: gaps hold differences of units too, where groups are not spread over them alike"
    ]


def _tied(sample: Sample) -> list[str]:
    """Name the groups with much of their weight on one value."""
    tied = []
    for number, level in enumerate(sample.levels):
        inside = sample.group == number
        values, place = np.unique(sample.values[inside], return_inverse=True)
        weight = np.where(np.bincount(place) > 1, np.bincount(place, weights=sample.weights[inside]), 0.0)
        if len(values) > 1 and float(weight.max() / sample.weights[inside].sum()) > TIED:
            tied.append(level)
    if not tied:
        return []
    return [
        f"many rows of {', '.join(tied)} share one value: the errors of quantiles there rest on a density that there "
        "is not; read the draws of a bootstrap"
    ]


def _taken_as_data(question: Question) -> str:
    return (
        f"the standard errors and the tests take {question.outcome} as data: quantiles are not linear in it; errors: "
        "{bootstrap: {cluster: [firm]}} estimates it again in every draw"
    )
