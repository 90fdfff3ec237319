"""When each firm is first treated, and which firms and years say nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from estimation.did.firms import NEVER
from estimation.did.misclassification import Answers
from estimation.results import BoolArray, FloatArray, IntArray
from specs.adoption import Adoption
from specs.errors import EstimationError

__all__ = ["UNSEEN", "Dated", "date_firms"]

UNSEEN = "not seen in every wave"

FAR = 50
"""Years beyond those of the rows at which a year of treatment is more likely a marker."""


@dataclass(frozen=True, slots=True, eq=False)
class Dated:
    """The firms of n rows, dated.

    Attributes
    ----------
    cohort : (F,) array
        By the firms' order; `NEVER` for a firm that is not treated, NaN for one that is left out.
    unsure : (n,) bool array
        Rows of years in which it is not known whether the firm was treated.
    left_out : mapping of str to (F,) bool array
        Firms that are left out, by reason.
    gap : int
        Years between the last that is surely untreated and the cohort's, less one: they are unsure.
    notes : tuple of str
    answers : Answers or None
        Of adoption in two waves: what firms that were asked in both said.
    """

    cohort: FloatArray
    unsure: BoolArray
    left_out: Mapping[str, BoolArray]
    gap: int = 0
    notes: tuple[str, ...] = field(default=())
    answers: Answers | None = None


def date_firms(adoption: Adoption, firm: IntArray, year: IntArray, values: FloatArray) -> Dated:
    """Date the adoption of every firm.

    Parameters
    ----------
    adoption : Adoption
    firm : (n,) integer array
        0 to F - 1, ascending.
    year : (n,) integer array
        Ascending within firms.
    values : (n,) array
        The column of the adoption; NaN where missing.

    Returns
    -------
    Dated

    Raises
    ------
    EstimationError
        If the column is not what it should be.
    """
    if adoption.cohort is not None:
        return _by_cohort(adoption, firm, year, values)
    strange = ~np.isnan(values) & (values != 0) & (values != 1)
    if strange.any():
        raise EstimationError(
            f"{adoption.indicator} is neither 0 nor 1 in {int(strange.sum()):,} rows: an indicator says whether a firm "
            "is treated in a year"
        )
    return _by_waves(adoption, firm, year, values) if adoption.waves else _yearly(adoption, firm, year, values)


def _by_cohort(adoption: Adoption, firm: IntArray, year: IntArray, values: FloatArray) -> Dated:
    values = np.where(values == adoption.never, np.nan, values) if adoption.never is not None else values
    known = ~np.isnan(values)
    wrong = known & (values != np.floor(values))
    if wrong.any():
        raise EstimationError(f"{adoption.cohort} is no year in {int(wrong.sum()):,} rows")
    many = int(firm.max(initial=-1)) + 1
    low, high, rows = np.full(many, np.inf), np.full(many, -np.inf), np.bincount(firm, minlength=many)
    np.minimum.at(low, firm[known], values[known])
    np.maximum.at(high, firm[known], values[known])
    told = np.bincount(firm[known], minlength=many)
    changing = (told > 0) & ((low < high) | (told < rows))
    if changing.any():
        raise EstimationError(
            f"{adoption.cohort} changes within {int(changing.sum()):,} firms: it is the first treated year of a "
            "firm, the same on all its rows (first() in variables: makes it so)"
        )
    cohort = np.where(told > 0, low, NEVER)
    _check_marker(adoption, cohort, year)
    return _without_the_treated(cohort, firm, year, {})


def _check_marker(adoption: Adoption, cohort: FloatArray, year: IntArray) -> None:
    """Refuse a column in which every firm is treated, many of them in one year far from all others: a marker."""
    if not np.isfinite(cohort).all():
        return
    levels, counts = np.unique(cohort, return_counts=True)
    for level, count in zip(levels, counts, strict=True):
        far = level < float(year.min()) - FAR or level > float(year.max()) + FAR
        if far and 2 * count > cohort.size / levels.size:
            raise EstimationError(
                f"{adoption.cohort} is {level:g} in {int(count):,} firms and never missing: if that says never "
                f"treated, write never: {level:g} in adoption"
            )


def _without_the_treated(
    cohort: FloatArray, firm: IntArray, year: IntArray, left_out: dict[str, BoolArray], notes: tuple[str, ...] = ()
) -> Dated:
    """Leave out firms that are treated in the first year of the panel, or before: they have no year before."""
    early = cohort <= float(year.min())
    if early.any():
        left_out = {**left_out, "treated in the first year of the rows or before it": early}
        cohort = np.where(early, np.nan, cohort)
    return Dated(cohort, np.zeros(firm.size, dtype=np.bool_), left_out, 0, notes)


def _yearly(adoption: Adoption, firm: IntArray, year: IntArray, values: FloatArray) -> Dated:
    many = int(firm.max(initial=-1)) + 1
    known, yes = ~np.isnan(values), values == 1
    first_yes = np.full(many, np.inf)
    np.minimum.at(first_yes, firm[yes], year[yes].astype(np.float64))
    first_known = np.full(many, np.inf)
    np.minimum.at(first_known, firm[known], year[known].astype(np.float64))
    silent = ~np.isfinite(first_known)
    left_out: dict[str, BoolArray] = {}
    if silent.any():
        left_out[f"{adoption.indicator} is missing in every year"] = silent
    cohort = np.where(np.isfinite(first_yes), first_yes, NEVER)
    taken_back = known & ~yes & (year > first_yes[firm])
    reversed_ = np.zeros(many, dtype=np.bool_)
    reversed_[firm[taken_back]] = True
    notes: tuple[str, ...] = ()
    if reversed_.any():
        cohort, left_out, notes = _policy(adoption, cohort, reversed_, left_out, _kept(firm, year, known, yes, many))
    already = (first_yes == first_known) & np.isfinite(first_yes)
    if adoption.reversals != "absorbing":
        already &= ~reversed_
    if already.any():
        left_out["treated already when first seen, since when is not known"] = already
    for reason in left_out.values():
        cohort = np.where(reason, np.nan, cohort)
    no_before = np.full(many, -np.inf)
    before = known & ~yes & (year < cohort[firm])
    np.maximum.at(no_before, firm[before], year[before].astype(np.float64))
    wide = int((np.isfinite(cohort) & np.isfinite(no_before) & (no_before < cohort - 1)).sum())
    if wide:
        firms = f"{wide:,} firm{'s' if wide != 1 else ''}"
        notes = (*notes, f"of {firms} the years before the first yes are missing: dated to the first yes")
    return _without_the_treated(cohort, firm, year, left_out, notes)


def _kept(firm: IntArray, year: IntArray, known: BoolArray, yes: BoolArray, many: int) -> FloatArray:
    """Return the first year of the last run of yes, `NEVER` where the last answer is no, (F,)."""
    last_no = np.full(many, -np.inf)
    np.maximum.at(last_no, firm[known & ~yes], year[known & ~yes].astype(np.float64))
    after = yes & (year > last_no[firm])
    found = np.full(many, np.inf)
    np.minimum.at(found, firm[after], year[after].astype(np.float64))
    return found


def _policy(
    adoption: Adoption, cohort: FloatArray, reversed_: BoolArray, left_out: dict[str, BoolArray], kept: FloatArray
) -> tuple[FloatArray, dict[str, BoolArray], tuple[str, ...]]:
    """Treat firms that stop as the spec says."""
    count = int(reversed_.sum())
    firms = f"{count:,} firm{'s' if count != 1 else ''}"
    if adoption.reversals == "drop":
        return cohort, {**left_out, "treated, then not (reversal)": reversed_}, ()
    if adoption.reversals == "absorbing":
        return cohort, left_out, (f"reversals: {firms} count as treated from the first yes on, though they stopped",)
    return (
        np.where(reversed_, kept, cohort),
        left_out,
        (f"reversals: of {firms} the last answer counts, an earlier yes is taken for a mistake",),
    )


def _by_waves(adoption: Adoption, firm: IntArray, year: IntArray, values: FloatArray) -> Dated:
    waves, gap = adoption.waves, 0
    many = int(firm.max(initial=-1)) + 1
    answers = np.full((many, len(waves)), np.nan)
    for place, wave in enumerate(waves):
        asked = (year == wave) & ~np.isnan(values)
        answers[firm[asked], place] = values[asked]
    if np.isnan(answers).all():
        years = ", ".join(map(str, waves))
        raise EstimationError(f"{adoption.indicator} has no answer in {years}: are these the years of the waves?")
    left_out: dict[str, BoolArray] = {}
    unseen = np.isnan(answers).any(axis=1)
    if unseen.any():
        left_out[f"{UNSEEN} ({', '.join(map(str, waves))})"] = unseen
    said = np.where(np.isnan(answers), 0.0, answers)
    taken_back = ~unseen & ((said[:, :-1] == 1) & (said[:, 1:] == 0)).any(axis=1)
    notes: tuple[str, ...] = ()
    effective = said.copy()
    if taken_back.any():
        count = int(taken_back.sum())
        firms = f"{count:,} firm{'s' if count != 1 else ''}"
        if adoption.reversals == "drop":
            left_out["yes in a wave, no in a later one (reversal)"] = taken_back
        elif adoption.reversals == "absorbing":
            effective = np.maximum.accumulate(said, axis=1)
            notes = (f"reversals: {firms} count as users from the first yes on, though they said no later",)
        else:
            effective = np.minimum.accumulate(said[:, ::-1], axis=1)[:, ::-1]
            notes = (f"reversals: of {firms} the last answer counts, an earlier yes is taken for a mistake",)
    users = ~unseen & (effective[:, 0] == 1)
    if adoption.reversals == "drop":
        users &= ~taken_back
    if users.any():
        left_out[f"users in {waves[0]} already"] = users
    at = np.where((effective == 1).any(axis=1), np.argmax(effective == 1, axis=1), 0)
    adopted = (effective == 1).any(axis=1)
    upper = np.array(waves, dtype=np.float64)
    lower = np.concatenate([[np.nan], upper[:-1]])
    unsure = np.zeros(firm.size, dtype=np.bool_)
    if adoption.dating == "early":
        cohort = np.where(adopted, lower[at] + 1, NEVER)
    else:
        cohort = np.where(adopted, upper[at], NEVER)
    if adoption.dating != "censored" and adoption.base_year is not None:
        # A firm that is dated may have begun in any year after the base year.
        gap = waves[1] - (waves[1] - waves[0] - 1 if adoption.dating == "early" else 0) - 1 - adoption.base_year
    if adoption.dating == "censored":
        widths = {later - earlier for earlier, later in pairwise(waves)}
        if len(widths) > 1:
            raise EstimationError(
                "censored adoption between waves that are not equally far apart: name two of them, or date adopters "
                "early or late"
            )
        # From the year of the first wave on an adopter may be one: it answered in the course of that year.
        gap = widths.pop() - (0 if adoption.base_year is None else adoption.base_year - (waves[0] - 1))
        start = np.where(adopted, upper[at] - gap, np.inf)
        # After the last wave anybody may have begun.
        unsure = ((year >= start[firm]) & (year < cohort[firm])) | (year > waves[-1])
        if adoption.base_year is not None and adoption.base_year >= waves[0]:
            notes = (
                *notes,
                f"base year {adoption.base_year}: taken for untreated although firms answered in its course",
            )
    for reason in left_out.values():
        cohort = np.where(reason, np.nan, cohort)
    return Dated(cohort, unsure, left_out, gap, notes, _answers(answers, adoption) if len(waves) == 2 else None)


def _answers(said: FloatArray, adoption: Adoption) -> Answers:
    first, second = said[~np.isnan(said).any(axis=1)].T

    def many(one: int, other: int) -> int:
        return int(((first == one) & (second == other)).sum())

    return Answers(many(0, 0), many(0, 1), many(1, 0), many(1, 1), adoption.reversals == "keep")
