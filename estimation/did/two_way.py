r"""Regressions with effects of firms and years: ``twfe``, ``event_study`` and ``sun_abraham``.

Outcome and terms are residuals of the effects (`estimation.absorb`). With every other variable in `beside` (covariates
of the base period by year) these are swept out too, so that what is left is a regression on the treatment's terms.
``sun_abraham`` has a term for every cohort and event time; its averages weigh them by the cohorts' rows at that event
time (Sun and Abraham, 2021, equation 27), and take these weights as given, as fixest's `sunab` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from estimation.absorb import Absorber, Effect, not_nested, without_singletons
from estimation.did.balanced import balanced_cells, balanced_told
from estimation.did.firms import NEVER, DidFirms
from estimation.did.fitted import DidFit
from estimation.did.negative_weights import treated_weights
from estimation.least_squares import LeastSquares, dependences, least_squares
from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["TwoWay", "event_study", "sun_abraham", "twfe"]


class TwoWay:
    """A sample ready for regressions with effects.

    Parameters
    ----------
    firms : DidFirms
    effects : sequence of (name, (n,) integer array)
        Beside those of firms and years.
    beside : (n, p) array
        Other variables of the regression.
    clusters : sequence of (n,) integer arrays
        What the errors are clustered by: decides which effects are counted among the parameters.
    reference : int
        The event time that others are compared with: -1 less the years of anticipation.
    """

    def __init__(
        self,
        firms: DidFirms,
        effects: Sequence[tuple[str, IntArray]],
        beside: FloatArray,
        clusters: Sequence[IntArray],
        reference: int = -1,
    ) -> None:
        self.firms, self.reference = firms, reference
        codes = [firms.firm, *((firms.time,) if not effects else ()), *(one for _, one in effects)]
        names = ["firm", *(("year",) if not effects else ()), *(name for name, _ in effects)]
        self.keep, self._lost = without_singletons(codes)
        if not self.keep.any():
            raise EstimationError("every firm is seen in one year only: there is nothing to compare it with")
        self._names = names
        kept = self.keep
        self.effects = [Effect.of(name, one[kept]) for name, one in zip(names, codes, strict=True)]
        self._weights = None if firms.weights is None else firms.weights[firms.firm[kept]]
        self.mass = np.ones(int(kept.sum())) if self._weights is None else self._weights
        """What the kept rows weigh, (n,)."""
        self._absorber = Absorber(self.effects, self._weights)
        self._counted = not_nested(self.effects, [one[kept] for one in clusters])
        self.event = np.where(
            np.isfinite(firms.cohort[firms.firm]), firms.years[firms.time] - firms.cohort[firms.firm], np.nan
        )[kept]
        self.cohort = firms.cohort[firms.firm[kept]]
        self._outcome = self._absorber.within(firms.y[kept][:, None])[:, 0]
        self._beside = np.zeros((int(kept.sum()), 0))
        if beside.shape[1]:
            self._beside = self._absorber.within(beside[kept])
            # What the effects say already leaves rounding, which is no variable.
            left, size = np.linalg.norm(self._beside, axis=0), np.linalg.norm(beside[kept], axis=0)
            self._beside[:, left <= 1e-9 * size] = 0.0

    def fit(self, terms: Sequence[str], x: FloatArray) -> tuple[LeastSquares, tuple[str, ...], BoolArray]:
        """Regress on columns of the kept rows; those that the effects or others say already are left out.

        Returns
        -------
        fit : LeastSquares
            The terms first, then the other variables.
        terms : tuple of str
            Those that are left.
        kept : (k,) bool array
        """
        within = self._absorber.within(x)
        size, left = np.linalg.norm(x, axis=0), np.linalg.norm(within, axis=0)
        del x  # of a million rows and thirty terms a quarter of a gigabyte, as each block below
        there: BoolArray = np.asarray(left > 1e-9 * np.maximum(size, 1e-300), dtype=np.bool_)
        columns = np.column_stack([self._beside, within[:, there]]) if self._beside.size or not there.all() else within
        gone = {one.term for one in dependences(columns, self._weights)}
        kept_beside = [i for i in range(self._beside.shape[1]) if i not in gone]
        ours = np.flatnonzero(there)
        kept_terms = [i for i in range(len(ours)) if self._beside.shape[1] + i not in gone]
        there[:] = False
        there[ours[kept_terms]] = True
        del columns
        design = within
        if kept_beside or not there.all():
            design = np.column_stack([within[:, there], self._beside[:, kept_beside]])
        del within
        if not there.any():
            raise EstimationError("the effects of firms and years leave nothing of the treatment")
        fit = least_squares(design, self._outcome, self._weights)
        return fit, tuple(np.asarray(terms)[there].tolist()), there

    def fitted(
        self,
        terms: tuple[str, ...],
        fit: LeastSquares,
        mix: FloatArray | None,
        treated: BoolArray,
        notes: tuple[str, ...] = (),
    ) -> DidFit:
        """Return averages of coefficients.

        Parameters
        ----------
        terms : tuple of str
            m of them.
        fit : LeastSquares
        mix : (k, m) array or None
            Weights on the fit's first k coefficients; None for these themselves.
        treated : (F, m) bool array
        notes : tuple of str
        """
        k, n = len(terms) if mix is None else len(mix), self.firms.firm.size
        operator = fit.operator[:, :k] if mix is None else fit.operator[:, :k] @ mix
        shares = operator
        if not self.keep.all():
            shares = np.zeros((n, len(terms)))
            shares[self.keep] = operator
        firm, many = self.firms.firm[self.keep], self.firms.n_firms
        scores = np.empty((many, len(terms)))
        for number, column in enumerate(operator.T):
            scores[:, number] = np.bincount(firm, weights=column * fit.residuals, minlength=many)
        coefficients = fit.coefficients[:k] if mix is None else fit.coefficients[:k] @ mix
        dropped = {
            f"alone in its level of {name} (singleton)": lost
            for name, lost in zip(self._names, self._lost, strict=True)
            if lost
        }
        parameters = fit.coefficients.size + self._counted
        return DidFit(terms, coefficients, scores, shares, treated, self.keep, parameters, {}, notes, dropped)

    def seen(self, rows: BoolArray) -> BoolArray:
        """Return the firms that have one of these kept rows, (F,)."""
        found = np.zeros(self.firms.n_firms, dtype=np.bool_)
        found[self.firms.firm[self.keep][rows]] = True
        return found


def twfe(sample: TwoWay) -> tuple[DidFit, None]:
    """Return the coefficient of treatment, ``att[simple]``: an average whose weights may be negative."""
    rows = sample.event >= sample.reference + 1
    fit, terms, _ = sample.fit(["att[simple]"], np.where(rows, 1.0, 0.0)[:, None])
    found = sample.fitted(terms, fit, np.eye(1), sample.seen(rows)[:, None])
    weights = treated_weights(sample.firms, found.shares[:, 0], -1 - sample.reference)
    notes: tuple[str, ...] = ()
    if weights.n_negative:
        notes = (
            f"{100 * weights.negative_share:.2g} % of the treated rows weigh less than zero in att[simple] (sum "
            f"{weights.negative_sum:.2g} of 1): where effects differ, it can have another sign than all of them",
        )
    return replace(
        found,
        stats={"negative_weight_share": weights.negative_share, "negative_weight_sum": weights.negative_sum},
        notes=(*found.notes, *notes),
    ), None


def event_study(sample: TwoWay) -> tuple[DidFit, None]:
    """Return the coefficients of event times, against the last before effects can begin; ``att[simple]`` weighs those
    from 0 on by their rows.
    """
    known = np.isfinite(sample.event)
    events = np.unique(sample.event[known])
    events = events[events != sample.reference]
    if not events.size:
        raise EstimationError("no event time but the reference is seen")
    if not (sample.event == sample.reference).any():
        raise EstimationError(
            f"nobody is seen at event time {sample.reference}, with which others are compared; take callaway_santanna, "
            "which compares with the last year before that there is, or narrow where to years in a row"
        )
    # The last columns are those that are left out where some say the same: the earliest event times, which then are
    # further references. Effects are never one.
    events = np.concatenate([events[events > sample.reference], events[events < sample.reference][::-1]])
    columns = (sample.event[:, None] == events).astype(np.float64)
    fit, terms, there = sample.fit([f"event[{event:g}]" for event in events], columns)
    if (events[~there] > sample.reference).any():
        raise EstimationError(
            "the effects of firms and years leave event times after treatment open: is anybody seen at event time "
            f"{sample.reference}, and is there a firm that is not treated?"
        )
    notes = _references([f"event[{event:g}]" for event in np.sort(events[~there])])
    order = np.argsort(events[there])
    terms, mix = tuple(terms[place] for place in order), np.eye(len(terms))[:, order]
    events, there = np.sort(events[there]), np.ones(len(terms), dtype=np.bool_)
    treated = [sample.seen(sample.event == event) for event in events]
    return _with_overall(sample, terms, fit, mix, treated, _rows_after(sample, events[there]), notes), None


def sun_abraham(sample: TwoWay, balance: int | None = None) -> tuple[DidFit, DidFit]:
    """Return averages of the cohorts' coefficients by event time and ``att[simple]`` over all treated rows, and the
    coefficients.

    Firms that are never treated are the controls; where there are none, the cohort that is treated last. `balance` is
    that of `estimation.did.balanced`.
    """
    cohorts = np.unique(sample.cohort)
    notes: tuple[str, ...] = ()
    if np.isfinite(cohorts).all():
        notes = (f"no firm is never treated: the cohort of {cohorts[-1]:g}, treated last, is the control",)
        control = cohorts[-1]
    else:
        control = NEVER
    treated_ = cohorts[np.isfinite(cohorts) & (cohorts != control)]
    unseen = [f"{one:g}" for one in treated_ if not (sample.event[sample.cohort == one] == sample.reference).any()]
    if unseen:
        raise EstimationError(
            f"nobody of the cohorts {', '.join(unseen)} is seen at event time {sample.reference}, with which others "
            "are compared; leave them out by where"
        )
    pairs = [
        (cohort, event)
        for cohort in treated_
        for event in np.unique(sample.event[sample.cohort == cohort])
        if event != sample.reference
    ]
    if not pairs:
        raise EstimationError("no cohort is left beside the control")
    inside = np.column_stack([(sample.cohort == cohort) & (sample.event == event) for cohort, event in pairs])
    names = [f"att[{cohort:g},{cohort + event:g}]" for cohort, event in pairs]
    fit, kept, there = sample.fit(names, inside.astype(np.float64))
    notes += _left_out([name for name, kept in zip(names, there, strict=True) if not kept])
    of_event = np.array([event for _, event in pairs])[there]
    inside, weights = inside[:, there], (sample.mass @ inside)[there]
    of_cohort = np.array([cohort for cohort, _ in pairs])[there]
    even = balanced_cells(of_cohort, of_event, balance)
    notes += () if balance is None else balanced_told(of_cohort, of_event, balance)
    events = np.unique(of_event[even])
    mix = np.where(even[:, None] & (of_event[:, None] == events), weights[:, None], 0.0)
    mix /= mix.sum(axis=0)
    treated = [sample.seen(_any(inside[:, even & (of_event == event)])) for event in events]
    terms = [f"event[{event:g}]" for event in events]
    after = np.where(of_event >= 0, weights, 0.0)
    if after.any():
        terms.append("att[simple]")
        mix = np.column_stack([mix, after / after.sum()])
        treated.append(sample.seen(_any(inside[:, after > 0])))
    behind = np.column_stack([sample.seen(column) for column in inside.T])
    cells = sample.fitted(kept, fit, None, behind)
    return sample.fitted(tuple(terms), fit, mix, np.column_stack(treated), notes), cells


def _rows_after(sample: TwoWay, events: FloatArray) -> FloatArray:
    """Return what the rows of each event time weigh, zero before effects can begin."""
    mass = [float(sample.mass[sample.event == event].sum()) for event in events]
    return np.where(events >= 0, np.array(mass), 0.0)


def _with_overall(
    sample: TwoWay,
    terms: tuple[str, ...],
    fit: LeastSquares,
    mix: FloatArray,
    treated: Sequence[BoolArray],
    after: FloatArray,
    notes: tuple[str, ...],
) -> DidFit:
    if not after.any():
        return sample.fitted(terms, fit, mix, np.column_stack(treated), notes)
    share = after / after.sum()
    overall = np.logical_or.reduce([one for one, weight in zip(treated, share, strict=True) if weight])
    return sample.fitted(
        (*terms, "att[simple]"), fit, np.column_stack([mix, mix @ share]), np.column_stack([*treated, overall]), notes
    )


def _references(terms: Sequence[str]) -> tuple[str, ...]:
    if not terms:
        return ()
    return (f"{', '.join(terms)}: further references, without firms that are never treated one is not enough",)


def _left_out(terms: Sequence[str]) -> tuple[str, ...]:
    return (f"{', '.join(terms)}: said by the effects of firms and years already, left out",) if terms else ()


def _any(inside: BoolArray) -> BoolArray:
    return np.asarray(inside.any(axis=1), dtype=np.bool_)
