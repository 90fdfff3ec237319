"""The survey as a panel: who answered twice, who began and who says to have stopped, and when a firm adopted.

Counts of firms, and adoption as an interval: a survey sees a firm in some years only, so that adoption lies after the
last wave in which the firm said no and not later than the first in which it said yes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from panels.arrays import BoolArray, FloatArray, IntArray
from panels.frame import FirmPanel, Selection, TextColumn
from panels.survey_panel import with_answers

__all__ = [
    "ALL", "CLASSES", "STATUSES", "AdoptionIntervals", "WavePair", "adoption_intervals", "wave_pairs",
]  # fmt: skip

ALL = "all"
UNKNOWN = "unknown"
BREAKS = (10.0, 20.0, 50.0, 250.0)
CLASSES = ("0-9", "10-19", "20-49", "50-249", "250+")
"""Size by employees as the survey knows them; the classes of table 1 and those below."""

STATUSES = ("never", "adopted", "before_first", "reversal", "unknown")
"""What a firm's answers say: no in every wave; no, then yes; yes from the first answer on; no after a yes; nothing."""

Policy = Literal["drop", "keep", "absorbing"]
DateArray = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class WavePair:
    """Two consecutive waves, for one size class or all.

    Attributes
    ----------
    indicator : str
    first, second : int
        The waves.
    size : str
        Of `CLASSES`, ``unknown`` or ``all``: in the first wave, of entrants in the second.
    n_first, n_second : int
        Respondents of either wave; by its own size class.
    n_both : int
        Respondents of both.
    n00, n01, n10, n11 : int
        Of them, by their answers: 01 began, 10 said yes and then no.
    n_missing : int
        Of them, without an answer in either wave.
    n_entrants, n_entrants_yes, n_entrants_no : int
        Respondents of the second wave who were not in the first, and their answers.
    w00, w01, w10, w11 : float
        The weighted shares of those who answered twice, by the weights of the first wave; NaN without.
    """

    indicator: str
    first: int
    second: int
    size: str
    n_first: int
    n_second: int
    n_both: int
    n00: int
    n01: int
    n10: int
    n11: int
    n_missing: int
    n_entrants: int
    n_entrants_yes: int
    n_entrants_no: int
    w00: float
    w01: float
    w10: float
    w11: float


@dataclass(frozen=True, slots=True, eq=False)
class AdoptionIntervals:
    """When every respondent adopted: in ``(after, by]``.

    Attributes
    ----------
    indicator : str
    waves : tuple of int
        Those looked at.
    reversals : str
        The policy.
    firm : (m,) integer array
        Codes as in selections of the respondents, ascending.
    after : (m,) array
        The last wave with a no before the first yes, or the last no of all; NaN where the interval is open.
    by : (m,) array
        The first wave with a yes; NaN where there is none.
    after_date, by_date : (m,) arrays of days
        The interviews of these waves; NaT where not known.
    status : (m,) array of text
        Of `STATUSES`.
    reversed : (m,) boolean array
        Whether a no follows a yes, whatever the policy.
    counts : dict of str to int
        Firms by status.
    """

    indicator: str
    waves: tuple[int, ...]
    reversals: str
    firm: IntArray
    after: FloatArray
    by: FloatArray
    after_date: DateArray
    by_date: DateArray
    status: NDArray[np.str_]
    reversed: BoolArray
    counts: dict[str, int]


def wave_pairs(respondents: FirmPanel, indicator: str = "ai") -> tuple[WavePair, ...]:
    """Compare every two consecutive waves, all firms first, then by size.

    Parameters
    ----------
    respondents : FirmPanel
    indicator : str
        An item; who was not asked it in a wave has no answer there.

    Returns
    -------
    tuple of WavePair
        Empty for a single wave.
    """
    there = [name for name in ("survey_employees", "weight") if name in respondents.columns]
    rows, answers = _answers(respondents, indicator, there)
    size = _sizes(rows)
    weight = rows.number("weight") if "weight" in there else np.full(rows.rows.size, np.nan)
    found: list[WavePair] = []
    for first, second in zip(respondents.years[:-1], respondents.years[1:], strict=True):
        found += _pair(rows, answers, size, weight, indicator, first, second)
    return tuple(found)


def _pair(
    rows: Selection, answers: FloatArray, size: NDArray[np.str_], weight: FloatArray, indicator: str, first: int,
    second: int,
) -> Iterator[WavePair]:  # fmt: skip
    one, other = np.flatnonzero(rows.year == first), np.flatnonzero(rows.year == second)
    _, left, right = np.intersect1d(rows.firm[one], rows.firm[other], assume_unique=True, return_indices=True)
    both_first, both_second = one[left], other[right]
    entrants = np.setdiff1d(other, both_second, assume_unique=True)
    before, after = answers[both_first], answers[both_second]
    for label in (ALL, *CLASSES, UNKNOWN):

        def here(places: IntArray, label: str = label) -> BoolArray:
            return np.ones(places.size, dtype=np.bool_) if label == ALL else size[places] == label

        inside = here(both_first)
        cells = {(a, b): inside & (before == a) & (after == b) for a in (0, 1) for b in (0, 1)}
        w = weight[both_first]
        counted = np.isfinite(w) & (w > 0)
        masses = {key: float(w[cell & counted].sum()) for key, cell in cells.items()}
        total = sum(masses.values())
        shares = {key: mass / total if total > 0 else float("nan") for key, mass in masses.items()}
        n = {key: int(cell.sum()) for key, cell in cells.items()}
        new = answers[entrants[here(entrants)]]
        pair = WavePair(
            indicator, first, second, label, int(here(one).sum()), int(here(other).sum()), int(inside.sum()),
            n[0, 0], n[0, 1], n[1, 0], n[1, 1], int(inside.sum()) - sum(n.values()),
            new.size, int((new == 1).sum()), int((new == 0).sum()),
            shares[0, 0], shares[0, 1], shares[1, 0], shares[1, 1],
        )  # fmt: skip
        if label == ALL or pair.n_first or pair.n_second:
            yield pair


def adoption_intervals(
    respondents: FirmPanel, indicator: str = "ai", waves: Sequence[int] = (), reversals: Policy = "drop"
) -> AdoptionIntervals:
    """Date every respondent's adoption by what it said in the waves.

    Parameters
    ----------
    respondents : FirmPanel
    indicator : str
    waves : sequence of int
        All by default.
    reversals : {'drop', 'keep', 'absorbing'}
        Firms that say no after a yes: ``drop`` gives them no interval, ``keep`` that of their first yes under their
        status, ``absorbing`` takes the later no for a mistake: adopted, or before the first wave.

    Returns
    -------
    AdoptionIntervals
        A wave without an answer is passed over: it widens the interval.
    """
    asked = tuple(sorted(waves)) if waves else respondents.years
    dated = "interview_date" in respondents.columns
    rows, answers = _answers(respondents, indicator, ["interview_date"] if dated else [])
    kept = np.isin(rows.year, asked)
    firm, place = np.unique(rows.firm[kept], return_inverse=True)
    column = np.searchsorted(asked, rows.year[kept])
    said = np.full((firm.size, len(asked)), np.nan)
    said[place, column] = answers[kept]
    days = np.full(said.shape, np.datetime64("NaT"), dtype="datetime64[D]")
    if dated:
        days[place, column] = _days(rows)[kept]
    yes, no = said == 1, said == 0
    ever, m = yes.any(axis=1), firm.size
    first = np.where(ever, yes.argmax(axis=1), len(asked))
    earlier = no & (np.arange(len(asked)) < first[:, None])
    last_no = np.where(earlier.any(axis=1), len(asked) - 1 - earlier[:, ::-1].argmax(axis=1), -1)
    turned = (no & (np.arange(len(asked)) > first[:, None])).any(axis=1)
    status = np.where(~ever, np.where(no.any(axis=1), "never", "unknown"),
                      np.where(last_no >= 0, "adopted", "before_first")).astype("<U12")  # fmt: skip
    if reversals != "absorbing":
        status[turned] = "reversal"
    shown = ~turned if reversals == "drop" else np.ones(m, dtype=np.bool_)
    waves_of, rows_of = np.array(asked, dtype=np.float64), np.arange(m)
    has_after, has_by = shown & (last_no >= 0), shown & ever
    lower, upper = np.maximum(last_no, 0), np.minimum(first, len(asked) - 1)
    nat = np.datetime64("NaT", "D")
    return AdoptionIntervals(
        indicator, asked, reversals, firm,
        np.where(has_after, waves_of[lower], np.nan), np.where(has_by, waves_of[upper], np.nan),
        np.where(has_after, days[rows_of, lower], nat), np.where(has_by, days[rows_of, upper], nat),
        status, turned, {one: int((status == one).sum()) for one in STATUSES},
    )  # fmt: skip


def _answers(respondents: FirmPanel, indicator: str, columns: Sequence[str]) -> tuple[Selection, FloatArray]:
    """Return the respondents, and their answers: 1, 0, or missing."""
    answered = with_answers(respondents, [indicator])
    rows = answered.select([f"yes({indicator})", *columns])
    respondents.forget(answered)
    return rows, rows.number(f"yes({indicator})")


def _sizes(rows: Selection) -> NDArray[np.str_]:
    if "survey_employees" not in rows.columns:
        return np.full(rows.rows.size, UNKNOWN)
    employees = rows.number("survey_employees")
    found = np.array(CLASSES)[np.searchsorted(BREAKS, np.nan_to_num(employees), side="right")]
    return np.where(np.isnan(employees), UNKNOWN, found)


def _days(rows: Selection) -> DateArray:
    column = rows.columns["interview_date"]
    assert isinstance(column, TextColumn)
    levels = np.array([*column.levels, "NaT"], dtype="datetime64[D]")
    found: DateArray = levels[column.codes]
    return found
