"""Estimates with the standard errors, intervals and p-values of a bootstrap in the place of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from estimation.bootstrap import MANY_FAILED, Summary
from estimation.covariance import FEW_CLUSTERS
from estimation.drawn_firms import DrawnFirms
from estimation.results import BootstrapInfo, ErrorsInfo, Estimates, FloatArray, GroupFit, Inference
from specs.errors import EstimationError
from specs.uncertainty import Bootstrap

__all__ = ["bootstrapped_group", "bootstrapped_model", "bootstrapped_parts"]

TOO_MANY_FAILED = 0.5
NAMED = 6
# Of a standard error by the draws' spread to one by their middle: more, and a few draws make it up.
FAR_OUT = 1.5
OF_TESTS = (
    "p-values of the tests of equality and dominance: the draws of the bootstrap, about the sample's own distributions"
)


def bootstrapped_model(
    estimates: Estimates, summary: Summary, drawn: DrawnFirms, asked: Bootstrap, tfp_uncertainty: str
) -> Estimates:
    """Return a model's estimates with what its draws say.

    Parameters
    ----------
    estimates : Estimates
    summary : Summary
        Of its terms.
    drawn : DrawnFirms
    asked : Bootstrap
    tfp_uncertainty : str
        ``include`` where the first stage was drawn with it.

    Raises
    ------
    EstimationError
        If more than half of the draws have no estimate.
    """
    notes = (*drawn.notes, *_said(summary, estimates.terms, asked))
    answer = _inference(estimates.coefficients, summary, asked)
    return replace(
        estimates,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        covariance=summary.covariance,
        errors=_errors(summary, drawn, asked, tfp_uncertainty),
        # The first of several estimates is the model's own.
        parts=tuple(
            part if number else replace(part, inference=answer, errors=_errors(summary, drawn, asked, tfp_uncertainty))
            for number, part in enumerate(estimates.parts)
        ),
        stats={**estimates.stats, **summary.tests},
        notes=(*estimates.notes, *notes, *((OF_TESTS,) if summary.tests else ())),
    )


def bootstrapped_parts(estimates: Estimates, draw: Callable[[Estimates, int], Estimates]) -> Estimates:
    """Return a model whose windows, each an estimate of its own, are drawn as the model is.

    Parameters
    ----------
    estimates : Estimates
        The first of its parts is the model itself, drawn already.
    draw : callable
        ``draw(part, number)`` draws one of the others, given as estimates of its own.

    Raises
    ------
    EstimationError
        If most draws of a part have no estimate.
    """
    parts, notes = list(estimates.parts), list(estimates.notes)
    for number, part in enumerate(parts):
        if part.window is None:
            continue
        alone = replace(estimates, terms=part.terms, coefficients=part.coefficients, parts=(), notes=())
        found = draw(alone, number) if number else estimates
        answer = Inference(found.std_errors, found.statistics, found.p_values, found.conf_low, found.conf_high)
        parts[number] = replace(part, inference=answer, errors=found.errors)
        notes += [f"{part.name}: {note}" for note in found.notes if number and note not in estimates.notes]
    return replace(estimates, parts=tuple(parts), notes=tuple(notes))


def bootstrapped_group(
    group: GroupFit, summary: Summary, averages: Summary | None, drawn: DrawnFirms, asked: Bootstrap
) -> GroupFit:
    """Return a group's coefficients and average elasticities with what their draws say.

    Parameters
    ----------
    group : GroupFit
    summary : Summary
        Of its terms.
    averages : Summary or None
        Of its average elasticities; None where they are its coefficients.
    drawn, asked
        As in `bootstrapped_model`.

    Raises
    ------
    EstimationError
        If more than half of the draws have no estimate.
    """
    said, terms, elasticities = summary, group.terms, group.elasticities
    if elasticities is not None:
        assert averages is not None, "what draws them averages them"
        answer = _inference(elasticities.mean, averages, asked)
        elasticities = replace(elasticities, covariance=averages.covariance, inference=answer)
        if elasticities.inputs != group.terms:
            said = _beside(summary, averages)
            terms = (*terms, *(f"the average elasticity of {name}" for name in elasticities.inputs))
    notes = (*_few_clusters(drawn), *drawn.notes, *_said(said, terms, asked))
    return replace(
        group,
        covariance=summary.covariance,
        inference=_inference(group.coefficients, summary, asked),
        df=float("inf"),
        # A markup's draws go through the entry behind it.
        errors=_errors(summary, drawn, asked, "none" if group.errors is None else group.errors.tfp_uncertainty),
        elasticities=elasticities,
        notes=(*group.notes, *notes),
    )


def _inference(coefficients: FloatArray, summary: Summary, asked: Bootstrap) -> Inference:
    percentile = asked.interval == "percentile"
    interval = summary.percentile if percentile else summary.studentised
    usable = summary.std_errors > 0
    statistics = np.divide(coefficients, summary.std_errors, out=np.full(len(coefficients), np.nan), where=usable)
    p_values = summary.p_percentile if percentile else summary.p_studentised
    # What no draw moves, such as an entry of nobody, is known by definition: it has no error, and not one of zero.
    std_errors, low, high = (np.where(usable, one, np.nan) for one in (summary.std_errors, *interval.T))
    return Inference(std_errors, statistics, np.where(usable, p_values, np.nan), low, high)


def _errors(summary: Summary, drawn: DrawnFirms, asked: Bootstrap, tfp_uncertainty: str) -> ErrorsInfo:
    found = BootstrapInfo(
        draws=asked.draws,
        failed=summary.failed,
        seed=drawn.blocks.seed,
        interval=asked.interval,
        strata=drawn.strata,
        percentile=summary.percentile,
        studentised=summary.studentised,
        undefined=summary.undefined,
    )
    return ErrorsInfo("bootstrap", drawn.clusters, float("inf"), "", tfp_uncertainty, bootstrap=found)


def _few_clusters(drawn: DrawnFirms) -> tuple[str, ...]:
    """Say that clusters are few; of a model its closed form has said so."""
    return tuple(
        f"only {number} clusters of {name}: standard errors of draws of so few clusters are too small"
        for name, number in drawn.clusters.items()
        if number < FEW_CLUSTERS
    )


def _said(summary: Summary, terms: Sequence[str], asked: Bootstrap) -> tuple[str, ...]:
    """Return what the reader should know of draws that failed; refuse where most did."""
    draws, failed = asked.draws, summary.failed
    if failed > TOO_MANY_FAILED * draws:
        raise EstimationError(
            f"bootstrap: {failed} of {draws} draws have no estimate, too many for the others to say anything; "
            "the estimate hangs on few firms: leave out terms or controls that few firms move, or pool groups"
        )
    notes = list(summary.notes)
    if failed > MANY_FAILED * draws:
        notes.append(f"{failed} of {draws} draws of the bootstrap have no estimate: its errors are those of the others")
    few = [
        f"{term} ({lost})"
        for term, lost in zip(terms, summary.undefined.tolist(), strict=True)
        if MANY_FAILED * draws < lost < draws - failed  # what no draw has, the sample has not: a note has said so
    ]
    if few:
        notes.append(
            f"of {draws} draws, some hold no firm that moves {_listed(few)}: its errors are those of the other draws"
        )
    far = [
        f"{term} ({error / middle:.1f})"
        for term, error, middle in zip(terms, summary.std_errors, summary.middle, strict=True)
        if middle > 0 and error > FAR_OUT * middle
    ]
    if far:
        notes.append(
            "a few draws lie far from the others: the standard error, beside half the range of the middle 68 per cent "
            f"of the draws, is too large by the factor in brackets for {_listed(far)}; read the percentile interval"
        )
    percentile = asked.interval == "percentile"
    p_values = summary.p_percentile if percentile else summary.p_studentised
    smallest = summary.smallest_percentile if percentile else summary.smallest_studentised
    least: dict[int, list[str]] = {}
    for term, p, low in zip(terms, p_values, smallest, strict=True):
        if p <= low:
            least.setdefault(round(2 / low) - 1, []).append(term)
    for there, of in least.items():
        whose = f"{there} draws" if there == draws else f"the {there} draws that are there, of {draws},"
        notes.append(
            f"p-values of {whose} cannot be below 2/({there} + 1) = {2 / (there + 1):.2g}: of {_listed(of)} they are "
            "at this bound, whatever is below it; ask for more draws to tell"
        )
    if asked.interval == "studentised":
        without = [
            term
            for term, interval, error in zip(terms, summary.studentised, summary.std_errors, strict=True)
            if np.isnan(interval).any() and error > 0
        ]
        if without:
            notes.append(
                f"too many draws have no standard error of {_listed(without)} of their own: no studentised interval"
            )
    return tuple(notes)


def _beside(summary: Summary, other: Summary) -> Summary:
    """Return what is said of the draws of some numbers, with that of others behind it."""

    def both(of: Callable[[Summary], FloatArray]) -> FloatArray:
        return np.concatenate([of(summary), of(other)])

    return replace(
        summary,
        std_errors=both(lambda one: one.std_errors),
        middle=both(lambda one: one.middle),
        undefined=np.concatenate([summary.undefined, other.undefined]),
        studentised=both(lambda one: one.studentised),
        p_percentile=both(lambda one: one.p_percentile),
        p_studentised=both(lambda one: one.p_studentised),
        smallest_percentile=both(lambda one: one.smallest_percentile),
        smallest_studentised=both(lambda one: one.smallest_studentised),
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
