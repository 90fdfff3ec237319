"""From the effects of a difference-in-differences to `Estimates`: covariances, the first stage, what is said aloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.both_stages import clusters_of_both, treatment_of
from estimation.covariance import Clusters, Covariance, clustered
from estimation.did.callaway_santanna import CellRules
from estimation.did.estimators import fit_did
from estimation.did.fitted import DidFit
from estimation.did.sample import Asked, DidSample, draw_sample
from estimation.inference import inference
from estimation.results import ErrorsInfo, Estimates, FloatArray, IntArray, ModelPart, ProductivityFit
from estimation.second_stage import FirstStage, first_stage_part, join
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["DidQuestion", "estimate_did"]

UNIFORM_DRAWS, UNIFORM_SEED = 100_000, 20_210_101


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
    """

    name: str
    asked: Asked
    rules: CellRules
    estimators: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...]
    tfp_uncertainty: str | None


@dataclass(frozen=True, slots=True, eq=False)
class _Inferred:
    """Effects with their covariance, over the firms of both stages."""

    fit: DidFit
    covariance: Covariance
    firms: IntArray
    influence: FloatArray


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
    sample = draw_sample(question.asked, rows)
    treatment, why = treatment_of(
        question.tfp_uncertainty, "cluster", question.asked.outcome, first_stage, sample.rows.firm, (sample.clusters,)
    )
    stage = first_stage if treatment == "include" else None
    parts: list[ModelPart] = []
    own: _Inferred | None = None
    notes: list[str] = [*sample.notes, *_sample_told(sample, question)]
    for name in question.estimators:
        try:
            fit, cells = fit_did(name, sample, question.rules)
        except EstimationError as error:
            raise EstimationError(f"{name}: {error}") from error
        found = _inferred(question, sample, fit, stage, panel)
        several = len(question.estimators) > 1
        told = [f"{name}: {note}" if several else note for note in (*fit.notes, *found.covariance.notes)]
        if own is not None:
            told += [f"{name}: {_rows(count)} left out: {reason}" for reason, count in fit.dropped.items()]
        notes += told
        if own is None:
            own = found
        if several or cells is not None:
            parts.append(_part(name, found))
        if cells is not None:
            parts.append(_part(f"{name}, cells", _inferred(question, sample, cells, stage, panel)))
    assert own is not None
    fit, covariance = own.fit, own.covariance
    answer = inference(fit.estimates, covariance.matrix, covariance.df)
    return Estimates(
        name=question.name, design="did", method=question.estimators[0], outcome=question.asked.outcome,
        terms=fit.terms, coefficients=fit.estimates, std_errors=answer.std_errors, statistics=answer.statistics,
        p_values=answer.p_values, conf_low=answer.conf_low, conf_high=answer.conf_high, covariance=covariance.matrix,
        n_firms_term=fit.treated.sum(axis=0).astype(np.int64), n_obs=int(fit.used.sum()),
        n_firms=int(np.unique(sample.firms.firm[fit.used]).size),
        stats={**_counts(sample, fit), **fit.stats, **_uniform(own)},
        errors=ErrorsInfo("cluster", covariance.clusters, covariance.df, covariance.small_sample, treatment),
        weights=question.asked.weights or "", influence_firms=own.firms, influence=own.influence,
        dropped={**sample.dropped, **fit.dropped}, rows_in=rows.n_panel, reference={},
        notes=(*notes, *why), parts=tuple(parts),
    )  # fmt: skip


def _inferred(
    question: DidQuestion, sample: DidSample, fit: DidFit, stage: ProductivityFit | None, panel: Selection | None
) -> _Inferred:
    """Add the first stage's share to the influence functions, and sum them by cluster."""
    first: FirstStage | None = None
    if stage is not None:
        first = first_stage_part(stage, sample.rows.rows, fit.shares)
    joined = join(sample.codes, fit.influence, first)
    place = np.searchsorted(joined.firms, sample.codes)
    if first is None:
        codes = np.zeros(joined.firms.size, dtype=np.int64)
        codes[place[sample.firms.firm]] = sample.clusters.codes
        spread: tuple[Clusters, ...] = (Clusters(sample.clusters.name, codes, sample.clusters.count),)
    else:
        spread = clusters_of_both((sample.clusters,), question.ways, sample.rows, joined.firms, panel)
    count = int(np.unique(sample.clusters.codes[fit.used]).size)
    spread = tuple(Clusters(one.name, one.codes, count) for one in spread)
    if fit.parameters is not None:
        covariance = clustered(joined.influence, spread, int(fit.used.sum()), fit.parameters)
    else:
        # As R's did and didimputation: no small-sample factor, and the normal distribution.
        plain = clustered(joined.influence, spread, 2, 1)
        covariance = Covariance(
            plain.matrix / plain.factor, "cluster", np.inf, 1.0, "none", plain.clusters, None, plain.notes
        )
    return _Inferred(fit, covariance, joined.firms, joined.influence)


def _part(name: str, found: _Inferred) -> ModelPart:
    fit, covariance = found.fit, found.covariance
    answer = inference(fit.estimates, covariance.matrix, covariance.df)
    treated = fit.treated.sum(axis=0).astype(np.int64)
    n_firms = int((found.influence != 0).any(axis=1).sum()) if not fit.used.any() else 0
    return ModelPart(name, fit.terms, fit.estimates, answer, treated, int(fit.used.sum()), n_firms, fit.stats)


def _counts(sample: DidSample, fit: DidFit) -> dict[str, float | int | None]:
    used = np.zeros(sample.firms.n_firms, dtype=np.bool_)
    used[sample.firms.firm[fit.used]] = True
    treated = np.isfinite(sample.firms.cohort)
    return {"n_treated_firms": int((used & treated).sum()), "n_control_firms": int((used & ~treated).sum())}


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


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count != 1 else ''}"


def _sample_told(sample: DidSample, question: DidQuestion) -> list[str]:
    firms = sample.firms
    never = int(np.isinf(firms.cohort).sum())
    cohorts = ", ".join(f"{cohort:g}: {int((firms.cohort == cohort).sum()):,}" for cohort in firms.cohorts)
    notes = [f"firms by the year in which treatment begins: {cohorts}; never: {never:,}"]
    one = [f"{cohort:g}" for cohort in firms.cohorts if (firms.cohort == cohort).sum() == 1]
    if one:
        notes.append(f"cohorts of one firm: {', '.join(one)}: their effects have no spread of their own")
    if sample.censored:
        notes.append(
            f"adoption lies between waves: base year {sample.base}; years in which it is not known are left out; there "
            "is no event time"
        )
    return notes
