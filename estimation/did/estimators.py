"""The estimators of a difference-in-differences, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from estimation.covariance import numbered
from estimation.did.callaway_santanna import CellRules, callaway_santanna
from estimation.did.firms import DidFirms
from estimation.did.fitted import DidFit
from estimation.did.imputation import imputation
from estimation.did.sample import DidSample, beside_effects
from estimation.did.stacked import stacked
from estimation.did.two_way import TwoWay, event_study, sun_abraham, twfe
from estimation.results import BoolArray, FloatArray
from specs.errors import EstimationError

__all__ = ["ESTIMATORS", "fit_did"]

Fits = tuple[DidFit, DidFit | None]


def fit_did(estimator: str, sample: DidSample, rules: CellRules) -> Fits:
    """Estimate.

    Parameters
    ----------
    estimator : str
        Of `ESTIMATORS`.
    sample : DidSample
    rules : CellRules

    Returns
    -------
    effects : DidFit
    cells : DidFit or None
        Group-time effects, of estimators that have them.
    """
    effects, cells = ESTIMATORS[estimator](sample, rules)
    never_alone = estimator == "sun_abraham" or (estimator == "stacked" and rules.control_group == "never_treated")
    if never_alone and np.isinf(sample.firms.cohort).any():
        # Firms that begin later are no controls of these.
        controls = np.unique(sample.firms.firm[effects.used & np.isinf(sample.firms.cohort[sample.firms.firm])])
        effects = replace(effects, stats={**effects.stats, "n_control_firms": int(controls.size)})
    return effects, cells


def _two_way(fit: Callable[[TwoWay], Fits]) -> Callable[[DidSample, CellRules], Fits]:
    def fitted(sample: DidSample, rules: CellRules) -> Fits:
        keep, reason = _usable(fit, sample)
        whole, sample = sample, sample.take(keep, reason) if reason else sample
        firms, beside, notes = _complete(sample)
        regression = TwoWay(firms, sample.effects, beside, [sample.clusters.codes], -1 - sample.anticipation)
        found, cells = sun_abraham(regression, rules.balance_event) if fit is sun_abraham else fit(regression)
        if fit is twfe and sample.anticipation and not sample.censored:
            notes += ("treatment counts from the year on in which effects can begin",)
        found = _with_notes(_asked(found, rules), notes)
        if not reason:
            return found, cells
        lost = {reason: int((~keep).sum())}
        back = [None if one is None else _in_all_rows(one, whole, sample, keep, lost) for one in (found, cells)]
        assert back[0] is not None
        return back[0], back[1]

    return fitted


def _usable(fit: Callable[[TwoWay], Fits], sample: DidSample) -> tuple[BoolArray, str]:
    """Return the rows that a regression can use, and why not the others; no reason where it uses all."""
    firms = sample.firms
    cohort, year = firms.cohort[firms.firm], firms.years[firms.time]
    if fit is sun_abraham and not np.isinf(firms.cohort).any():
        # The last cohort is the control, and none from the year on in which its own effects can begin.
        lost = year >= float(firms.cohorts[-1]) - sample.anticipation
        if lost.any():
            return ~lost, f"no control: from {firms.cohorts[-1] - sample.anticipation:g} on every firm may be treated"
    return np.ones(cohort.size, dtype=np.bool_), ""


def _in_all_rows(
    found: DidFit, whole: DidSample, part: DidSample, keep: BoolArray, dropped: Mapping[str, int]
) -> DidFit:
    """Return a fit on some of the rows as one on all of them."""
    k, place = len(found.terms), np.searchsorted(whole.codes, part.codes)
    shares, used = np.zeros((keep.size, k)), np.zeros(keep.size, dtype=np.bool_)
    shares[keep], used[keep] = found.shares, found.used
    influence, treated = np.zeros((whole.codes.size, k)), np.zeros((whole.codes.size, k), dtype=np.bool_)
    influence[place], treated[place] = found.influence, found.treated
    return replace(
        found, shares=shares, used=used, influence=influence, treated=treated, dropped={**dropped, **found.dropped}
    )


def _stacked(sample: DidSample, rules: CellRules) -> Fits:
    firms, beside, notes = _complete(sample)
    found, cells = stacked(
        firms, sample.effects, beside, sample.clusters.codes, rules.control_group, sample.anticipation
    )
    return _with_notes(_asked(found, rules), notes), cells


def _imputed(sample: DidSample, rules: CellRules) -> Fits:
    firms, beside, notes = _complete(sample)
    codes = [codes for _, codes in sample.effects] or [firms.time]
    levels = [numbered(one) for one in codes]
    row, ones = np.arange(firms.firm.size), np.ones(firms.firm.size)
    indicators = [sparse.csr_array((ones, (row, one)), shape=(row.size, count)) for one, count in levels]
    kinds = (*rules.aggregate, "cells")
    beside_firms = sparse.csr_array(sparse.hstack([*indicators, sparse.csr_array(beside)]))
    both = imputation(firms, beside_firms, kinds, -1 - sample.anticipation, balance=rules.balance_event)
    cells = [place for place, term in enumerate(both.terms) if "," in term]
    averages = [place for place, term in enumerate(both.terms) if "," not in term]
    return _with_notes(_some(both, averages), notes), _some(both, cells)


def _complete(sample: DidSample) -> tuple[DidFirms, FloatArray, tuple[str, ...]]:
    """Return the covariates that stand beside the effects; firms that lack one are refused by their number."""
    beside, known = beside_effects(sample)
    if not known.all():
        lost = int((~known).sum())
        raise EstimationError(
            f"a covariate is missing in every year of {lost:,} firm{'s' if lost != 1 else ''}: leave them out by "
            "where, or leave the covariate out"
        )
    notes = (
        (f"covariates: those of {sample.base}, or of the year nearest to it, times year",) if beside.shape[1] else ()
    )
    return sample.firms, beside, notes


def _asked(found: DidFit, rules: CellRules) -> DidFit:
    """Keep the effects that were asked for."""
    kept = [place for place, term in enumerate(found.terms) if term == "att[simple]" or "event" in rules.aggregate]
    return _some(found, kept)


def _some(found: DidFit, kept: Sequence[int]) -> DidFit:
    """Return some of the effects of a fit."""
    at = np.asarray(kept, dtype=np.int64)
    return replace(
        found,
        terms=tuple(found.terms[place] for place in kept),
        estimates=found.estimates[at],
        influence=found.influence[:, at],
        shares=found.shares[:, at],
        treated=found.treated[:, at],
    )


def _with_notes(found: DidFit, notes: tuple[str, ...]) -> DidFit:
    return replace(found, notes=(*notes, *found.notes))


ESTIMATORS: Mapping[str, Callable[[DidSample, CellRules], Fits]] = {
    "callaway_santanna": callaway_santanna,
    "imputation": _imputed,
    "sun_abraham": _two_way(sun_abraham),
    "stacked": _stacked,
    "event_study": _two_way(event_study),
    "twfe": _two_way(twfe),
}
