"""The sample of a difference-in-differences: firms dated, rows complete, what leaves counted by its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.covariance import Clusters
from estimation.design_matrix import cluster_codes
from estimation.did.adoption import Dated, date_firms
from estimation.did.firms import NEVER, DidFirms
from estimation.did.interviews import told_of_interviews
from estimation.did.misclassification import Answers
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection, TextColumn
from specs.adoption import Adoption
from specs.errors import EstimationError

__all__ = ["Asked", "Attrition", "DidSample", "beside_effects", "control_firms", "covariates_of", "draw_sample"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a sample.

    Attributes
    ----------
    outcome : str
    adoption : Adoption
    covariates : tuple of str
    weights : str or None
    effects : tuple of tuple of str
    clusters : tuple of str
        The columns of one clustering, combined.
    balanced : bool
        Keep firms that are seen in every year alone.
    anticipation : int
    attrition : tuple of str
        What foretells in the base year which firms are kept; empty for no weights.
    """

    outcome: str
    adoption: Adoption
    covariates: tuple[str, ...]
    weights: str | None
    effects: tuple[tuple[str, ...], ...]
    clusters: tuple[str, ...]
    balanced: bool
    anticipation: int
    attrition: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Attrition:
    """Estimated weights: what their estimation adds to influence functions.

    Attributes
    ----------
    codes : (A,) integer array
        The firms at risk, ascending, kept or not.
    clusters : (A,) integer array
    influence : (A, q) array
        Of the logit's coefficients.
    slope : (A, q) array
        Derivative of the log of a kept firm's weight by the coefficients; zero for a firm that is lost.
    """

    codes: IntArray
    clusters: IntArray
    influence: FloatArray
    slope: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class DidSample:
    """Rows and firms.

    Attributes
    ----------
    rows : Selection
        The n rows.
    firms : DidFirms
    codes : (F,) integer array
        The firms' codes in the panel.
    clusters : Clusters
        On the n rows, one a firm.
    effects : tuple of (name, (n,) integer array)
    anticipation : int
        Years before a cohort's in which effects can begin; between waves, those in which adoption can lie.
    censored : bool
    dropped : mapping of str to int
    notes : tuple of str
    attrition : Attrition or None
        Where the firms' weights are estimated.
    answers : Answers or None
        Of adoption in two waves.
    """

    rows: Selection
    firms: DidFirms
    codes: IntArray
    clusters: Clusters
    effects: tuple[tuple[str, IntArray], ...]
    anticipation: int
    censored: bool
    dropped: dict[str, int]
    notes: tuple[str, ...]
    attrition: Attrition | None = None
    answers: Answers | None = None

    @property
    def base(self) -> int:
        """Return the last year before the effects of any cohort can begin."""
        return int(self.firms.cohorts.min()) - 1 - self.anticipation

    def take(self, keep: BoolArray, reason: str) -> DidSample:
        """Return the sample with some of its rows, the others counted by this reason."""
        firms, rows = self.firms, self.rows.take(keep)
        left, firm = np.unique(firms.firm[keep], return_inverse=True)
        years, time = np.unique(firms.years[firms.time[keep]], return_inverse=True)
        weights = None if firms.weights is None else firms.weights[left]
        inside = DidFirms(
            firm.astype(np.int64), time.astype(np.int64), firms.y[keep], years, firms.cohort[left], weights,
            firms.covariates[keep], firms.names,
        )  # fmt: skip
        codes = self.clusters.codes[keep]
        return replace(
            self, rows=rows, firms=inside, codes=self.codes[left],
            clusters=Clusters(self.clusters.name, codes, int(np.unique(codes).size)),
            effects=tuple((name, one[keep]) for name, one in self.effects),
            dropped={**self.dropped, reason: self.dropped.get(reason, 0) + int((~keep).sum())},
        )  # fmt: skip


def draw_sample(asked: Asked, rows: Selection) -> DidSample:
    """Date the firms and keep the rows that can be used.

    Raises
    ------
    EstimationError
        If there is no treated firm, or no row is left.
    """
    if not rows.rows.size:
        raise EstimationError("no rows are left: where keeps none")
    adoption, dropped, notes = asked.adoption, dict[str, int](), list[str]()
    column = rows.columns[adoption.column]
    if isinstance(column, TextColumn):
        raise EstimationError(f"adoption: {adoption.column} is text: it must be a number")
    firm = np.unique(rows.firm, return_inverse=True)[1].astype(np.int64)
    dated = date_firms(adoption, firm, rows.year, column.values)
    notes += dated.notes
    keep = np.ones(firm.size, dtype=np.bool_)

    def drop(lost: BoolArray, reason: str) -> None:
        nonlocal keep
        lost = keep & lost
        if lost.any():
            dropped[reason] = int(lost.sum())
            keep &= ~lost

    def set_against(years: IntArray) -> FloatArray:
        nonlocal keep
        cohort, left_out_firms, more = _within_the_rows(dated, years, asked.anticipation)
        notes.extend(note for note in more if note not in notes)
        for reason, left_out in left_out_firms.items():
            gone = keep & left_out[firm]
            if gone.any():
                count = int(np.unique(firm[gone]).size)
                key = f"firm left out: {reason}"
                dropped[key] = dropped.get(key, 0) + int(gone.sum())
                notes.append(f"left out: {reason}: {_firms(count)}")
                keep &= ~gone
        return cohort

    cohort = set_against(rows.year)
    if adoption.dates is not None:
        # Dated early, every adopter begins in the year after the first wave.
        before = adoption.waves[0] - (adoption.dating != "early")
        base = adoption.base_year if adoption.base_year is not None else before
        notes += told_of_interviews(adoption, rows, keep, base)
    drop(dated.unsure, "whether the firm was treated is not known in this year (between or after the waves)")
    outcome = rows.number(asked.outcome)
    drop(np.isnan(outcome), f"{asked.outcome} is missing")
    if asked.weights is not None:
        weight = rows.number(asked.weights)
        if bool((weight < 0).any()):
            raise EstimationError(f"weights: {asked.weights} is negative in {int((weight < 0).sum()):,} rows")
        drop(np.isnan(weight), f"{asked.weights} is missing")
        drop(weight == 0, f"{asked.weights} is zero")
    effects = [("^".join(names), cluster_codes(names, rows)) for names in asked.effects]
    for label, found in effects:
        drop(found < 0, f"{label} is missing")
    clusters = rows.firm if asked.clusters == ("firm",) else cluster_codes(asked.clusters, rows)
    drop(clusters < 0, f"{'^'.join(asked.clusters)} is missing")
    if keep.any() and not np.array_equal(np.unique(rows.year[keep]), np.unique(rows.year)):
        # Years that are only there without an outcome are none to compare with.
        cohort = set_against(rows.year[keep])
    if asked.balanced and keep.any():
        many = np.unique(rows.year[keep]).size
        drop(np.bincount(firm[keep], minlength=int(firm.max()) + 1)[firm] < many, "the firm is not seen in every year")
    if not keep.any():
        told = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items())
        raise EstimationError(f"no rows are left of {keep.size:,} ({told})", dropped)
    kept = rows.take(keep)
    codes, index = np.unique(kept.firm, return_inverse=True)
    firm, cohort = index.astype(np.int64), cohort[np.unique(firm[keep])]
    if not np.isfinite(cohort).any():
        told = "no treated firm is left: adoption, where and missing values leave controls alone"
        raise EstimationError(told, dropped)
    first = np.flatnonzero(np.diff(firm, prepend=-1))
    weights = None
    if asked.weights is not None:
        values = kept.number(asked.weights)
        weights = values[first]
        varying = int(np.unique(firm[values != weights[firm]]).size)
        if varying:
            notes.append(f"{asked.weights} varies within {_firms(varying)}: each keeps that of its first year")
    of_firm = clusters[keep][first]
    crossing = int(np.unique(firm[clusters[keep] != of_firm[firm]]).size)
    name = "^".join(asked.clusters)
    if crossing:
        notes.append(f"{_firms(crossing, 'change')} {name}: each lies in the cluster of its first year")
    years, time = np.unique(kept.year, return_inverse=True)
    x, names = covariates_of(asked.covariates, kept)
    firms = DidFirms(firm, time.astype(np.int64), kept.number(asked.outcome), years, cohort, weights, x, names)
    return DidSample(
        kept, firms, codes, Clusters(name, of_firm[firm], int(np.unique(of_firm).size)),
        tuple((label, found[keep]) for label, found in effects),
        asked.anticipation + dated.gap, adoption.censored, dropped, tuple(notes), answers=dated.answers,
    )  # fmt: skip


def _within_the_rows(
    dated: Dated, year: IntArray, anticipation: int
) -> tuple[FloatArray, dict[str, BoolArray], list[str]]:
    """Set the cohorts against the years that there are.

    Firms that are treated after the last year are untreated in all of them, unless effects can begin before; firms
    without a year before their effects can begin have nothing to be compared with.
    """
    cohort, early = dated.cohort, anticipation + dated.gap
    left_out, notes = dict(dated.left_out), list[str]()
    later = np.isfinite(cohort) & (cohort > float(year.max()))
    waiting = later & (cohort - early > float(year.max()))
    if waiting.any():
        notes.append(f"{_firms(int(waiting.sum()))} treated after the last year: never treated in these rows")
    if (later & ~waiting).any():
        left_out["treated after the last year, effects may begin before it"] = later & ~waiting
    cohort = np.where(waiting, NEVER, np.where(later, np.nan, cohort))
    without = np.isfinite(cohort) & (cohort - early <= float(year.min()))
    if without.any():
        left_out["no year of the rows lies before effects can begin"] = without
        cohort = np.where(without, np.nan, cohort)
    return cohort, left_out, notes


def covariates_of(names: Sequence[str], rows: Selection) -> tuple[FloatArray, tuple[str, ...]]:
    """Return the covariates and what they are called, a constant first, texts as indicators of all levels but the most
    frequent; NaN where missing.
    """
    columns: list[FloatArray] = [np.ones(rows.rows.size)]
    called = ["constant"]
    for name in names:
        column = rows.columns[name]
        if isinstance(column, TextColumn):
            there = column.codes >= 0
            levels, counts = np.unique(column.codes[there], return_counts=True)
            for level in np.delete(levels, np.argmax(counts)) if levels.size else levels:
                columns.append(np.where(there, column.codes == level, np.nan))
                called.append(f"{name}[{column.levels[level]}]")
        else:
            columns.append(column.values)
            called.append(name)
    return np.column_stack(columns), tuple(called)


def base_values(firms: DidFirms, last: int) -> FloatArray:
    """Return each firm's covariates without the constant in the last year up to `last` in which it has them all, else
    in its first such year, (F, p); NaN where it never has.
    """
    values = firms.covariates[:, 1:]
    found = np.full((firms.n_firms, values.shape[1]), np.nan)
    complete = ~np.isnan(values).any(axis=1)
    late = complete & (firms.years[firms.time] > last)
    for rows in (np.flatnonzero(late)[::-1], np.flatnonzero(complete & ~late)):
        found[firms.firm[rows]] = values[rows]
    return found


def beside_effects(sample: DidSample) -> tuple[FloatArray, BoolArray]:
    """Return covariates of the base period times year, (n, p), for estimators that hold them beside effects.

    Returns
    -------
    columns : (n, p) array
        Width 0 without covariates.
    known : (F,) bool array
        Firms whose covariates are known.
    """
    firms = sample.firms
    if firms.covariates.shape[1] == 1:
        return np.zeros((firms.firm.size, 0)), np.ones(firms.n_firms, dtype=np.bool_)
    values = base_values(firms, sample.base)
    known = np.asarray(~np.isnan(values).any(axis=1), dtype=np.bool_)
    year = firms.time[:, None] == np.arange(1, firms.years.size)
    of_rows = np.where(known[:, None], values, 0.0)[firms.firm]
    # About their means, so that the scale of a covariate does not sit on the indicators of years.
    of_rows = of_rows - of_rows.mean(axis=0)
    columns = (of_rows[:, :, None] * year[:, None, :]).reshape(firms.firm.size, -1)
    return columns, known


def control_firms(firms: DidFirms, group: str, cohort: float, latest: int, anticipation: int) -> BoolArray:
    """Return the firms that a cohort is compared with in years up to the place `latest`, (F,)."""
    if group == "never_treated":
        return np.asarray(firms.cohort == NEVER, dtype=np.bool_)
    later = firms.cohort > firms.years[latest] + anticipation
    return np.asarray(later & (firms.cohort != cohort), dtype=np.bool_)


def _firms(count: int, verb: str = "") -> str:
    said = f"{count:,} firm{'s' if count != 1 else ''}"
    return f"{said} {verb if count != 1 else verb + 's'}" if verb else said
