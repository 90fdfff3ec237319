"""The estimators of a difference-in-differences, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from estimation.did.callaway_santanna import CellRules, callaway_santanna
from estimation.did.firms import DidFirms
from estimation.did.fitted import DidFit
from estimation.did.imputation import imputation
from estimation.did.sample import DidSample, beside_effects
from estimation.did.stacked import stacked
from estimation.did.two_way import TwoWay, event_study, sun_abraham, twfe
from estimation.results import FloatArray
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
    return ESTIMATORS[estimator](sample, rules)


def _two_way(fit: Callable[[TwoWay], Fits]) -> Callable[[DidSample, CellRules], Fits]:
    def fitted(sample: DidSample, rules: CellRules) -> Fits:
        firms, beside, notes = _complete(sample)
        regression = TwoWay(firms, sample.effects, beside, [sample.clusters.codes], -1 - sample.anticipation)
        found, cells = fit(regression)
        return _with_notes(_asked(found, rules), notes), cells

    return fitted


def _stacked(sample: DidSample, rules: CellRules) -> Fits:
    firms, beside, notes = _complete(sample)
    found, cells = stacked(
        firms, sample.effects, beside, sample.clusters.codes, rules.control_group, sample.anticipation
    )
    return _with_notes(_asked(found, rules), notes), cells


def _imputed(sample: DidSample, rules: CellRules) -> Fits:
    firms, beside, notes = _complete(sample)
    codes = [codes for _, codes in sample.effects] or [firms.time]
    levels = [np.unique(one, return_inverse=True)[1] for one in codes]
    indicators = [(one[:, None] == np.arange(int(one.max()) + 1)).astype(np.float64) for one in levels]
    found = imputation(firms, np.column_stack([*indicators, beside]), rules.aggregate, -1 - sample.anticipation)
    cells = imputation(firms, np.column_stack([*indicators, beside]), ["cells"], -1 - sample.anticipation)
    return _with_notes(found, notes), cells


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
    return replace(
        found,
        terms=tuple(found.terms[place] for place in kept),
        estimates=found.estimates[kept],
        influence=found.influence[:, kept],
        shares=found.shares[:, kept],
        treated=found.treated[:, kept],
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
