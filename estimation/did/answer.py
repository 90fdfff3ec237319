"""From the effects of a difference-in-differences to `Estimates`: covariances, the first stage, what is said aloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.special import chdtrc

from estimation.both_stages import clusters_of_both, firm_clusters, treatment_of
from estimation.covariance import Clusters, Covariance, clustered, numbered, told_of_rank
from estimation.did.attrition import reweighted, with_attrition
from estimation.did.callaway_santanna import CellRules
from estimation.did.estimators import fit_did
from estimation.did.fitted import DidFit
from estimation.did.misclassification import told_of_mistakes
from estimation.did.places import base_years, event_of, treated_rows
from estimation.did.power import detectable_effect
from estimation.did.sample import Asked, DidSample, draw_sample
from estimation.did.sensitivity import Bounds, sensitivity_of
from estimation.inference import inference
from estimation.results import ErrorsInfo, Estimates, FloatArray, IntArray, ModelPart, ProductivityFit
from estimation.second_stage import FirstStage, first_stage_part, join
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["OVERALL", "DidQuestion", "Overall", "estimate_did", "overall_effect", "shared_sample", "weighed_sample"]

UNIFORM_DRAWS, UNIFORM_SEED = 100_000, 20_210_101
FAR = 2.0
"""Standard errors of their difference by which two estimators may differ."""
ROUNDING, EXACT = 1e-8, 1e-13
FEWEST_TESTED = 20
"""Treated firms behind an effect that a pre-test counts."""
SINGULAR = 1e12
WEIGHTED, UNWEIGHTED = "attrition weights", "no attrition weights"
"""What tells the two estimates apart among `parts`."""
OVERALL = "att[simple]"


@dataclass(frozen=True, slots=True)
class DidQuestion:
    """What is asked of a difference-in-differences.

    Attributes
    ----------
    name : str
    asked : Asked
        Of the sample.
    rules : CellRules
    estimators : tuple of str
        The first is the model's own; with several, the sample is the same.
    ways : tuple of tuple of str
        The columns of the clustering.
    tfp_uncertainty : str or None
    honest : Bounds or None
        Honest intervals that are asked for.
    """

    name: str
    asked: Asked
    rules: CellRules
    estimators: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...]
    tfp_uncertainty: str | None
    honest: Bounds | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Inferred:
    """Effects with their covariance, over the firms of both stages."""

    fit: DidFit
    covariance: Covariance
    firms: IntArray
    influence: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Overall:
    """The effect on all treated rows, by the first estimator of a question.

    Attributes
    ----------
    estimate, std_error, df : float
    sample : DidSample
    fit : DidFit
        On the rows of `sample`.
    n_treated, n_control : int
        Firms on either side.
    tfp_uncertainty : str
    """

    estimate: float
    std_error: float
    df: float
    sample: DidSample
    fit: DidFit
    n_treated: int
    n_control: int
    tfp_uncertainty: str


def overall_effect(
    question: DidQuestion, sample: DidSample, first_stage: ProductivityFit | None, panel: Selection | None
) -> Overall:
    """Estimate ``att[simple]`` alone, on a sample that is drawn already.

    Parameters
    ----------
    question : DidQuestion
        With ``simple`` among its averages; several estimators share their rows, as in `estimate_did`.
    sample : DidSample
    first_stage : ProductivityFit or None
    panel : Selection or None

    Raises
    ------
    EstimationError
        If there is no such effect.
    """
    sample, fits = _fitted(question, sample)
    treatment, _ = treatment_of(
        question.tfp_uncertainty, "cluster", question.asked.outcome, first_stage, sample.rows.firm, (sample.clusters,)
    )
    own = _inferred(question, sample, fits[question.estimators[0]][0], first_stage if treatment == "include" else None,
                    panel)  # fmt: skip
    if OVERALL not in own.fit.terms:
        raise EstimationError("no year with treated firms is left")
    at, stats = own.fit.terms.index(OVERALL), _stats(sample, own)
    return Overall(
        float(own.fit.estimates[at]), float(np.sqrt(own.covariance.matrix[at, at])), own.covariance.df, sample,
        own.fit, int(stats["n_treated_firms"] or 0), int(stats["n_control_firms"] or 0), treatment,
    )  # fmt: skip


def estimate_did(
    question: DidQuestion, rows: Selection, first_stage: ProductivityFit | None, panel: Selection | None
) -> Estimates:
    """Answer the question.

    Parameters
    ----------
    question : DidQuestion
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
        If an estimator has nothing to estimate; the message names it.
    """
    drawn = draw_sample(question.asked, rows)
    try:
        weighed, lost = reweighted(question.asked, rows, drawn) if question.asked.attrition else (drawn, None)
    except EstimationError as error:
        raise EstimationError(str(error), drawn.dropped) from error
    sample, fits = _fitted(question, weighed)
    treatment, why = treatment_of(
        question.tfp_uncertainty, "cluster", question.asked.outcome, first_stage, sample.rows.firm, (sample.clusters,)
    )
    stage = first_stage if treatment == "include" else None
    notes: list[str] = [*sample.notes, *_sample_told(sample), *(lost.notes if lost is not None else ())]
    weighted = WEIGHTED if sample.attrition is not None else ""
    several = len(fits) > 1
    parts: list[ModelPart] = []
    said: dict[str, list[str]] = {}
    found: dict[str, tuple[_Inferred, _Inferred | None]] = {}
    for name, (fit, cells) in fits.items():
        own = _inferred(question, sample, fit, stage, panel)
        sides = {key: fit.stats[key] for key in ("n_treated_firms", "n_control_firms") if key in fit.stats}
        behind = None
        if cells is not None:
            of_cells = replace(cells, stats={**cells.stats, **sides})
            behind = _inferred(question, sample, of_cells, stage, panel)
        if behind is not None:
            tested, why_not = _pretest(sample, behind)
            own = replace(
                own, fit=replace(own.fit, stats={**own.fit.stats, **tested}, notes=(*own.fit.notes, *why_not))
            )
        found[name] = own, behind
        rank = told_of_rank(own.covariance.clusters, len(own.fit.terms))
        for note in (*own.fit.notes, *own.covariance.notes, *rank):
            said.setdefault(note, []).append(name)
        if several or behind is not None or weighted:
            parts.append(_part(name, sample, own, treatment, weighted))
        if behind is not None:
            parts.append(_part(f"{name}, cells", sample, behind, treatment, weighted))
    if weighted:
        plain, unweighted = _fitted(question, drawn)
        for name, (fit, _) in unweighted.items():
            parts.append(_part(name, plain, _inferred(question, plain, fit, stage, panel), treatment, UNWEIGHTED))
    notes += _by_estimator(said, list(fits))
    spread, told = _spread(sample, found) if several else ({}, ())
    own = found[question.estimators[0]][0]
    fit, covariance = own.fit, own.covariance
    stats = {**_stats(sample, own), **spread}
    sensitivity, judged = None, tuple[str, ...]()
    if question.rules.base_period == "universal" or question.estimators[0] != "callaway_santanna":
        # Changes from year to year are no path of effects whose trend could be judged.
        sensitivity, judged = sensitivity_of(fit.terms, fit.estimates, covariance.matrix, stats, question.honest)
    if lost is not None and lost.record:
        sensitivity = {**(sensitivity or {}), "attrition": lost.record}
    answer = inference(fit.estimates, covariance.matrix, covariance.df)
    if sample.answers is not None and "att[simple]" in fit.terms:
        at = fit.terms.index("att[simple]")
        interval = (float(one[at]) for one in (fit.estimates, answer.conf_low, answer.conf_high))
        mistaken, doubts = told_of_mistakes(sample.answers, *interval)
        sensitivity, judged = {**(sensitivity or {}), "misclassification": mistaken}, (*judged, *doubts)
    return Estimates(
        name=question.name, design="did", method=question.estimators[0], outcome=question.asked.outcome,
        terms=fit.terms, coefficients=fit.estimates, std_errors=answer.std_errors, statistics=answer.statistics,
        p_values=answer.p_values, conf_low=answer.conf_low, conf_high=answer.conf_high, covariance=covariance.matrix,
        n_firms_term=fit.treated.sum(axis=0).astype(np.int64), n_obs=int(fit.used.sum()),
        n_firms=_seen(sample, fit), stats=stats, errors=_errors(covariance, treatment),
        weights=question.asked.weights or "", influence_firms=own.firms, influence=own.influence,
        dropped={**sample.dropped, **fit.dropped}, rows_in=rows.n_panel, reference={},
        notes=(*notes, *told, *judged, *why), parts=tuple(parts), sensitivity=sensitivity,
        effects=_effects(sample, question.estimators[0]),
        influence_clusters=None if panel is None or question.asked.clusters == ("firm",) else firm_clusters(
            question.asked.clusters, sample.rows, own.firms, panel),
    )  # fmt: skip


def _by_estimator(said: Mapping[str, Sequence[str]], estimators: Sequence[str]) -> list[str]:
    """Return notes, each once, with the estimators that it is of where it is not of all."""
    return [note if len(names) == len(estimators) else f"{', '.join(names)}: {note}" for note, names in said.items()]


Fits = Mapping[str, tuple[DidFit, DidFit | None]]
SHARED = "not used by each of the estimators, which share one sample"


def weighed_sample(asked: Asked, rows: Selection) -> DidSample:
    """Return the sample of a model as it is estimated on: with the weights of `attrition`, where they are asked for."""
    drawn = draw_sample(asked, rows)
    return reweighted(asked, rows, drawn)[0] if asked.attrition else drawn


def shared_sample(question: DidQuestion, sample: DidSample) -> DidSample:
    """Return the rows that all estimators of a question use; of a single one the sample as it is."""
    return _fitted(question, sample)[0]


def _fitted(question: DidQuestion, sample: DidSample) -> tuple[DidSample, Fits]:
    """Estimate by every estimator; several on the rows that all of them use."""
    while True:
        fits: dict[str, tuple[DidFit, DidFit | None]] = {}
        for name in question.estimators:
            try:
                fits[name] = fit_did(name, sample, question.rules)
            except EstimationError as error:
                several = len(question.estimators) > 1
                told = f"{name}: {error}" if several else str(error)
                raise EstimationError(told, {**sample.dropped, **error.dropped}) from error
        used = np.logical_and.reduce([fit.used for fit, _ in fits.values()])
        if len(fits) == 1 or used.all():
            return sample, fits
        if not used.any():
            raise EstimationError("no row is used by all of the estimators: take them one by one", sample.dropped)
        sample = sample.take(np.asarray(used, dtype=np.bool_), SHARED)


def _inferred(
    question: DidQuestion, sample: DidSample, fit: DidFit, stage: ProductivityFit | None, panel: Selection | None
) -> _Inferred:
    """Add the first stage's share to the influence functions, and sum them by cluster."""
    first: FirstStage | None = None
    if stage is not None:
        first = first_stage_part(stage, sample.rows.rows, fit.shares)
    joined = join(sample.codes, fit.influence, first)
    if sample.attrition is not None:
        more = FirstStage(sample.attrition.codes, with_attrition(sample, fit.influence), np.zeros((0, 0)))
        joined = join(joined.firms, joined.influence, more)
    place = np.searchsorted(joined.firms, sample.codes)
    if first is None:
        codes = np.zeros(joined.firms.size, dtype=np.int64)
        if sample.attrition is not None:
            codes[np.searchsorted(joined.firms, sample.attrition.codes)] = sample.attrition.clusters
        codes[place[sample.firms.firm]] = sample.clusters.codes
        spread: tuple[Clusters, ...] = (Clusters(sample.clusters.name, codes, sample.clusters.count),)
    else:
        spread = clusters_of_both((sample.clusters,), question.ways, sample.rows, joined.firms, panel)
    count = int(np.unique(sample.clusters.codes[fit.used]).size)
    spread = tuple(Clusters(one.name, one.codes, count) for one in spread)
    if fit.parameters is not None:
        n_rows = int(fit.used.sum()) if fit.n_rows is None else fit.n_rows
        covariance = clustered(joined.influence, spread, n_rows, fit.parameters)
    else:
        # As R's did and didimputation: no small-sample factor, and the normal distribution.
        plain = clustered(joined.influence, spread, 2, 1)
        covariance = Covariance(
            plain.matrix / plain.factor, "cluster", np.inf, 1.0, "none", plain.clusters, None, plain.notes
        )
    # Effects that firm and year effects foretell exactly have errors of rounding: that is none.
    size = np.sqrt(np.clip(np.diag(covariance.matrix), 0.0, None))
    nothing = size <= EXACT * float(np.abs(sample.firms.y).max(initial=0.0))
    if nothing.any():
        matrix = np.where(nothing[:, None] | nothing, 0.0, covariance.matrix)
        covariance = replace(covariance, matrix=matrix)
    return _Inferred(fit, covariance, joined.firms, joined.influence)


def _pretest(sample: DidSample, cells: _Inferred) -> tuple[dict[str, float | int | None], tuple[str, ...]]:
    """Test that all group-time effects before treatment are zero, by the covariance that the model's errors have.

    Where few firms are treated the covariance of their effects is no estimate of it: such cells are left out.
    """
    events = np.array([event_of(term) for term in cells.fit.terms])
    early = events < -sample.anticipation
    many = cells.fit.treated.sum(axis=0) >= FEWEST_TESTED
    few = int((early & ~many).sum())
    told = f"the pre-test leaves out {few} effects of cohorts of fewer than {FEWEST_TESTED} firms"
    notes = (told,) if few else ()
    at = np.flatnonzero(early & many)
    if not at.size:
        return {}, notes
    matrix = cells.covariance.matrix[np.ix_(at, at)]
    size = np.sqrt(np.diag(matrix))
    fewest = min(cells.covariance.clusters.values())
    if not (size > 0).all() or at.size >= fewest or np.linalg.cond(matrix / size / size[:, None]) > SINGULAR:
        return {"pretest_chi2": None, "pretest_df": int(at.size), "pretest_p": None}, notes
    att = cells.fit.estimates[at]
    chi2 = float(att @ np.linalg.solve(matrix, att))
    return {"pretest_chi2": chi2, "pretest_df": int(at.size), "pretest_p": float(chdtrc(int(at.size), chi2))}, notes


def _effects(sample: DidSample, estimator: str) -> dict[str, int]:
    """Return the effects that an estimator holds fixed, with their levels; none of comparisons cell by cell."""
    if estimator == "callaway_santanna":
        return {}
    beside = {name: numbered(codes)[1] for name, codes in sample.effects} or {"year": sample.firms.years.size}
    return {"firm": sample.firms.n_firms, **beside}


def _errors(covariance: Covariance, treatment: str) -> ErrorsInfo:
    return ErrorsInfo("cluster", covariance.clusters, covariance.df, covariance.small_sample, treatment)


def _part(name: str, sample: DidSample, found: _Inferred, treatment: str, rung: str = "") -> ModelPart:
    fit, covariance = found.fit, found.covariance
    answer = inference(fit.estimates, covariance.matrix, covariance.df)
    treated = fit.treated.sum(axis=0).astype(np.int64)
    return ModelPart(
        name, fit.terms, fit.estimates, answer, treated, int(fit.used.sum()), _seen(sample, fit),
        _errors(covariance, treatment), _stats(sample, found), rung=rung,
    )  # fmt: skip


def _seen(sample: DidSample, fit: DidFit) -> int:
    return int(np.unique(sample.firms.firm[fit.used]).size)


def _stats(sample: DidSample, found: _Inferred) -> dict[str, float | int | None]:
    firms, used = sample.firms, found.fit.used
    cohort, year = firms.cohort[firms.firm], firms.years[firms.time]
    sides = np.zeros((2, firms.n_firms), dtype=np.bool_)
    sides[0, firms.firm[used & np.isfinite(cohort)]] = True
    # A control is a firm that is untreated in a year in which others are treated: never, or not yet.
    sides[1, firms.firm[used & (year < cohort) & (year >= firms.cohorts[0])]] = True
    counts = {"n_treated_firms": int(sides[0].sum()), "n_control_firms": int(sides[1].sum())}
    return {
        **counts,
        **_places(sample, regression=found.fit.parameters is not None),
        **found.fit.stats,
        **_uniform(found),
        **_detectable(found),
    }


def _places(sample: DidSample, *, regression: bool) -> dict[str, float | int | None]:
    """Return what effects are compared with: an event time, or between waves the years that are sure and unsure."""
    cohorts, years = sample.firms.cohorts, sample.firms.years
    if not sample.censored:
        if regression:
            return {"reference_event": -1 - sample.anticipation}
        # Cells are compared with the last year that there is before effects can begin: of every cohort its own.
        bases = {int(years[years < one - sample.anticipation].max() - one) for one in cohorts}
        return {"reference_event": bases.pop()} if len(bases) == 1 else {}
    if cohorts.size > 1:
        return {}
    last = int(cohorts[0])
    first = last - sample.anticipation
    return {
        "base_year": int(years[years < first].max()), "effect_year": last, "unsure_from": first, "unsure_to": last - 1,
    }  # fmt: skip


def _detectable(found: _Inferred) -> dict[str, float | int | None]:
    """Return the effect on all treated rows that the model would have found with 80 per cent."""
    if "att[simple]" not in found.fit.terms:
        return {}
    place, covariance = found.fit.terms.index("att[simple]"), found.covariance
    error = float(np.sqrt(covariance.matrix[place, place]))
    effect = detectable_effect(error, covariance.df) if error > 0 and covariance.df > 0 else None
    return {"minimum_detectable_effect": effect}


def _spread(
    sample: DidSample, found: Mapping[str, tuple[_Inferred, _Inferred | None]]
) -> tuple[dict[str, float | int | None], tuple[str, ...]]:
    """Set the estimators side by side: the same average, and what they differ by in standard errors of the difference.

    Those with group-time effects weigh the cells that all of them have by the treated rows; the others have their own
    average.
    """
    firms = sample.firms
    shared: list[str] | None = None
    for _, cells in found.values():
        if cells is not None:
            named = [term for term in cells.fit.terms if event_of(term) >= 0]
            shared = named if shared is None else [term for term in shared if term in named]
    averages: dict[str, tuple[float, FloatArray]] = {}
    for name, (own, cells) in found.items():
        if cells is not None and shared:
            at = [cells.fit.terms.index(term) for term in shared]
            mass = np.array([treated_rows(firms, term) for term in shared])
            averages[name] = (
                float(cells.fit.estimates[at] @ mass / mass.sum()), cells.influence[:, at] @ (mass / mass.sum())
            )  # fmt: skip
        elif "att[simple]" in own.fit.terms and not (name == "twfe" and sample.anticipation and not sample.censored):
            at_ = own.fit.terms.index("att[simple]")
            averages[name] = float(own.fit.estimates[at_]), own.influence[:, at_]
    first = next(iter(found.values()))[0]
    place = np.searchsorted(first.firms, sample.codes)
    clusters = np.full(first.firms.size, -1, dtype=np.int64)
    clusters[place[firms.firm]] = sample.clusters.codes
    clusters[clusters < 0] = int(clusters.max()) + 1 + np.arange(int((clusters < 0).sum()))
    _, group = np.unique(clusters, return_inverse=True)
    far: list[str] = []
    largest = 0.0
    for one, other in combinations(averages, 2):
        apart = averages[one][0] - averages[other][0]
        error = float(np.sqrt((np.bincount(group, weights=averages[one][1] - averages[other][1]) ** 2).sum()))
        # Where two estimators are one and the same, what is left of both is rounding.
        least = max(float(np.sqrt((averages[name][1] ** 2).sum())) for name in (one, other))
        least = max(least, float(np.abs(firms.y).max(initial=0.0)))
        size = abs(apart) / error if error > ROUNDING * least else 0.0
        largest = max(largest, size)
        if size > FAR:
            far.append(f"{one} and {other} by {apart:.4g} ({size:.1f} standard errors of the difference)")
    stats: dict[str, float | int | None] = {f"common_{name}": value for name, (value, _) in averages.items()}
    stats["spread_in_std_errors"] = largest
    return stats, (f"the estimators differ: {'; '.join(far)}",) if far else ()


def _uniform(found: _Inferred) -> dict[str, float | int | None]:
    """Return the critical value of a band that covers all event times at once with 95 per cent (sup-t)."""
    events = [place for place, term in enumerate(found.fit.terms) if term.startswith("event[")]
    if len(events) < 2:
        return {}
    matrix = found.covariance.matrix[np.ix_(events, events)]
    size = np.sqrt(np.diag(matrix))
    if not (size > 0).all():
        return {}
    values, vectors = np.linalg.eigh(matrix / size / size[:, None])
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = np.random.default_rng(UNIFORM_SEED).standard_normal((UNIFORM_DRAWS, len(events)))
    return {"sup_t_event": float(np.quantile(np.abs(draws @ root.T).max(axis=1), 0.95))}


def _sample_told(sample: DidSample) -> list[str]:
    firms = sample.firms
    sizes = {f"{cohort:g}": int((firms.cohort == cohort).sum()) for cohort in firms.cohorts}
    # Every number stands before its firms: so it is found where too few of them may be told.
    told = ", ".join(f"in {cohort} {size:,} firm{'s' if size != 1 else ''}" for cohort, size in sizes.items())
    notes = [f"treatment begins {told}; never: {int(np.isinf(firms.cohort).sum()):,} firms"]
    alone = [cohort for cohort, size in sizes.items() if size == 1]
    notes += [f"1 firm begins in {cohort}: its effects have no spread of their own" for cohort in alone]
    if sample.censored:
        notes.append(
            f"adoption lies between waves: base year {base_years(sample)}; years in which it is not known are left "
            "out; there is no event time"
        )
    return notes
