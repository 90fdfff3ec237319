"""The rows that a decomposition rests on: years, shares, groups, survivors, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from estimation.decomposition_notes import check_groups_hold_several, dominated, like_a_log
from estimation.groups import levels_of
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection, TextColumn
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["Asked", "Kept", "keep_rows"]

# Groups that a message names.
NAMED = 6


class Asked(Protocol):
    """What is asked of the rows."""

    @property
    def method(self) -> str:
        """``olley_pakes`` or ``melitz_polanec``."""

    @property
    def outcome(self) -> str:
        """Log productivity."""

    @property
    def weights(self) -> str:
        """The activity."""

    @property
    def sampling_weights(self) -> str | None:
        """What a row stands for."""

    @property
    def years(self) -> tuple[int, int] | None:
        """The first and the last."""

    @property
    def by(self) -> str | None:
        """The groups."""

    @property
    def cluster(self) -> tuple[tuple[str, ...], ...]:
        """The clustering columns."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """n complete rows with a positive activity: firms without any have no say in an aggregate, and are not counted.

    Attributes
    ----------
    rows : Selection
    years : tuple of int
        Ascending; two of them under ``melitz_polanec``.
    year : (n,) integer array
        Index into `years`.
    groups : tuple of str
        One, empty, without `by`.
    group : (n,) integer array
        Index into `groups`.
    survives : (n,) integer array
        1 where the firm is in both years, in the same group.
    outcome, activity, weight : (n,) arrays
        `weight` is 1 without sampling weights; both are in units of powers of two near their largest values.
    by : str
        Empty for none.
    dropped : mapping of str to int
    notes : tuple of str
    """

    rows: Selection
    years: tuple[int, ...]
    year: IntArray
    groups: tuple[str, ...]
    group: IntArray
    survives: IntArray
    outcome: FloatArray
    activity: FloatArray
    weight: FloatArray
    by: str
    dropped: Mapping[str, int]
    notes: tuple[str, ...]


def keep_rows(asked: Asked, rows: Selection) -> Kept:
    """Return the complete rows of the years asked for.

    Raises
    ------
    EstimationError
        If a weight is negative, a year has no rows or no activity, no group holds two firms, or one lacks survivors.
    """
    notes = _check_weights(asked, rows)
    years = _years(asked, rows)
    inside: BoolArray = np.isin(rows.year, years)
    complete, dropped = _complete(asked, rows, inside, years)
    kept = rows.take(inside & complete)
    if np.unique(kept.firm).size == 1:
        raise EstimationError(
            f"one firm alone has {asked.outcome} and a positive {asked.weights}: an aggregate of one firm is its own "
            "value; name an activity that more firms have, or widen where"
        )
    groups, group = levels_of(kept, asked.by)
    year: IntArray = np.searchsorted(np.asarray(years), kept.year).astype(np.int64)
    activity = _in_unit(kept.number(asked.weights))
    weight = (
        np.ones(kept.rows.size) if asked.sampling_weights is None else _in_unit(kept.number(asked.sampling_weights))
    )
    if asked.by is not None:
        notes += check_groups_hold_several(asked.by, groups, group, year, len(years))
    survives = np.zeros(kept.rows.size, dtype=np.int64)
    places = [(f"in {one}", year == number) for number, one in enumerate(years)]
    if asked.method == "melitz_polanec":
        survives, moved = _survivors(kept.firm, year, group)
        _check_groups(asked, groups, group, survives)
        notes += _what_counts(asked, rows, inside & ~complete, kept, years, survives)
        if moved:
            notes.append(
                f"{counted(moved, 'firm changes', 'firms change')} {asked.by}: each counts as an exit where it leaves "
                "and as an entry where it goes"
            )
        alone = survives == 0
        places += [("of the entrants", alone & (year == 1)), ("of those who leave", alone & (year == 0))]
        notes += [
            f"nobody {does}: {term} is zero because nobody is there, and has no standard error"
            for term, does, number in (("entry", "enters", 1), ("exit", "leaves", 0))
            if not (alone & (year == number)).any()
        ]
    notes += dominated(asked.weights, weight * activity, places)
    return Kept(
        rows=kept,
        years=years,
        year=year,
        groups=groups,
        group=group,
        survives=survives,
        outcome=kept.number(asked.outcome),
        activity=activity,
        weight=weight,
        by=asked.by or "",
        dropped=dropped,
        notes=tuple(notes),
    )


def _check_weights(asked: Asked, rows: Selection) -> list[str]:
    """Refuse weights that are text or negative; say where the activity looks like a log."""
    for name in (asked.weights, asked.sampling_weights):
        if name is None:
            continue
        if isinstance(rows.columns[name], TextColumn):
            raise EstimationError(f"{name} must be a number, and it is text")
        infinite = int(np.isinf(rows.number(name)).sum())
        if infinite:
            raise EstimationError(
                f"{name} is infinite in {counted(infinite, 'row')}: no share can be; leave such rows out by where"
            )
        below = int((rows.number(name) < 0).sum())
        if below and name == asked.weights and like_a_log(rows.number(name)):
            raise EstimationError(
                f"{name} is negative in {counted(below, 'row')}: no share can be; leave such rows out by where. Or is "
                "it a log? It looks like the log of an amount, and shares are taken of the amount itself: name its "
                "column"
            )
        if below:
            raise EstimationError(
                f"{name} is negative in {counted(below, 'row')}: no share can be; leave such rows out by where"
            )
    if isinstance(rows.columns[asked.outcome], TextColumn):
        raise EstimationError(f"the outcome {asked.outcome} must be a number, and it is text")
    if not like_a_log(rows.number(asked.weights)):
        return []
    return [
        f"{asked.weights} looks like the log of an amount: shares of logs weigh large and small firms nearly alike; "
        "if it is one, name the amount itself"
    ]


def _years(asked: Asked, rows: Selection) -> tuple[int, ...]:
    known = ~np.isnan(rows.number(asked.outcome)) & ~np.isnan(rows.number(asked.weights))
    there = [int(year) for year in np.unique(rows.year[known])]
    if not there:
        raise EstimationError(f"no row has both {asked.outcome} and {asked.weights}; widen where")
    first, last = asked.years or (there[0], there[-1])
    absent = [year for year in (first, last) if year not in there]
    if absent:
        listed = ", ".join(map(str, there))
        raise EstimationError(
            f"years: no row of {absent[0]} has both {asked.outcome} and {asked.weights}; the years that have: {listed}"
        )
    if asked.method == "olley_pakes":
        return tuple(year for year in there if first <= year <= last)
    if first == last:
        raise EstimationError(f"all rows are of {first}: a change needs two years; widen where")
    return first, last


def _complete(
    asked: Asked, rows: Selection, inside: BoolArray, years: tuple[int, ...]
) -> tuple[BoolArray, dict[str, int]]:
    """Return the rows that have every value and some weight; the others are counted once, by what they lack first.

    Raises
    ------
    EstimationError
        If nothing is left of a year.
    """
    between = "other years than" if asked.method == "melitz_polanec" else "outside the years"
    dropped = {f"{between} {years[0]} and {years[-1]}": int((~inside).sum())}
    left = inside.copy()
    names = (asked.outcome, asked.weights, asked.sampling_weights, asked.by, *(n for way in asked.cluster for n in way))
    lacking = [
        (name, "missing", rows.columns[name].missing())
        for name in dict.fromkeys(names)
        if name is not None and name in rows.columns
    ]
    activity = _in_unit(rows.number(asked.weights))
    if asked.sampling_weights is not None:
        weight = _in_unit(rows.number(asked.sampling_weights))
        lacking.append((asked.sampling_weights, "zero", weight == 0))
        activity = activity * weight
    lacking.append((asked.weights, "zero", activity == 0))
    for name, how, lacks in lacking:
        before = left.copy()
        left &= ~lacks
        dropped[f"{name} is {how}"] = int((before & lacks).sum())
        emptied = [year for year in years if not left[rows.year == year].any()]
        if emptied:
            raise EstimationError(_nothing_left(asked, emptied[0], name, how))
    return left, {reason: count for reason, count in dropped.items() if count}


def _in_unit(values: FloatArray) -> FloatArray:
    """Return values over a power of two near their largest: shares do not move by a digit, and sums have a number."""
    largest = float(np.nanmax(values, initial=0.0))
    return values / 2.0 ** np.floor(np.log2(largest)) if largest > 0 else values


def _nothing_left(asked: Asked, year: int, name: str, how: str) -> str:
    if name == asked.weights:
        return (
            f"no row of {year} has {asked.outcome} and a positive {name}: shares of that year cannot be taken; choose "
            "other years, or widen where"
        )
    return (
        f"{name} is {how} in every row of {year} that has what else the decomposition needs: nothing is left of that "
        f"year; choose other years, or leave {name} out"
    )


def _survivors(firm: IntArray, year: IntArray, group: IntArray) -> tuple[IntArray, int]:
    """Return which rows are of firms that are in the same group in both years, and how many firms change group."""
    order = np.lexsort((year, firm))
    paired = firm[order][1:] == firm[order][:-1]
    same = paired & (group[order][1:] == group[order][:-1])
    survives = np.zeros(firm.size, dtype=np.int64)
    survives[order[1:][same]] = 1
    survives[order[:-1][same]] = 1
    return survives, int(np.count_nonzero(paired & ~same))


def _check_groups(
    asked: Asked,
    groups: tuple[str, ...],
    group: IntArray,
    survives: IntArray,
) -> None:
    """Refuse a group without a surviving firm: its change cannot be split."""
    stay = np.bincount(group[survives == 1], minlength=len(groups))
    lacking = [label for label, count in zip(groups, stay.tolist(), strict=True) if not count]
    if not lacking:
        return
    if asked.by is None:
        raise EstimationError(
            f"no firm with a positive {asked.weights} is in both years: there is no survivor to compare entry and "
            "exit with; choose years nearer to each other, or widen where"
        )
    more = f" and {len(lacking) - NAMED} more" if len(lacking) > NAMED else ""
    raise EstimationError(
        f"no firm of {asked.by} {', '.join(lacking[:NAMED])}{more} with a positive {asked.weights} is there in both "
        "years: a group without survivors has no change within; take a coarser column, or leave the group out by where"
    )


def _what_counts(
    asked: Asked,
    rows: Selection,
    incomplete: BoolArray,
    kept: Selection,
    years: tuple[int, ...],
    survives: IntArray,
) -> list[str]:
    """Say which entries and exits are those of a missing value."""
    notes = []
    positive = " or ".join(f"a positive {name}" for name in (asked.weights, asked.sampling_weights) if name)
    lacking = " or ".join(name for name in (asked.outcome, positive, asked.by) if name)
    for here, there, what in ((1, 0, "entering"), (0, 1, "leaving")):
        alone = np.unique(kept.firm[(kept.year == years[here]) & (survives == 0)])
        lost = np.unique(rows.firm[incomplete & (rows.year == years[there])])
        count = int(np.isin(alone, lost).sum())
        if count:
            who = counted(count, "firm counts", "firms count")
            notes.append(f"{who} as {what} with a row in {years[there]} that lacks {lacking}")
    return notes
