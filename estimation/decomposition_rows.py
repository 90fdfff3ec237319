"""The rows that a decomposition rests on: years, shares, groups, survivors, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from estimation.groups import levels_of
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError

__all__ = ["Asked", "Kept", "keep_rows"]


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
    """n complete rows.

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
        `weight` is 1 without sampling weights.
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
        If a weight is negative, a year has no rows or no activity, or a group lacks survivors.
    """
    _check_weights(asked, rows)
    years = _years(asked, rows)
    inside: BoolArray = np.isin(rows.year, years)
    complete, dropped = _complete(asked, rows, inside, years)
    kept = rows.take(inside & complete)
    groups, group = levels_of(kept, asked.by)
    year: IntArray = np.searchsorted(np.asarray(years), kept.year).astype(np.int64)
    activity = kept.number(asked.weights)
    weight = np.ones(kept.rows.size) if asked.sampling_weights is None else kept.number(asked.sampling_weights)
    for number, one in enumerate(years):
        if not (activity * weight)[year == number].sum() > 0:
            raise EstimationError(
                f"no row of {one} has {asked.outcome} and a positive {asked.weights}: "
                "shares of that year cannot be taken; choose other years, or widen where"
            )
    survives = np.zeros(kept.rows.size, dtype=np.int64)
    notes: list[str] = []
    if asked.method == "melitz_polanec":
        survives, moved = _survivors(kept.firm, year, group)
        _check_groups(asked, groups, group, year, survives, activity * weight)
        notes += _what_counts(asked, rows, inside & ~complete, kept, years, survives)
        if moved:
            notes.append(
                f"{moved} firms change {asked.by}: they count as exits where they leave and entries where they go"
            )
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


def _check_weights(asked: Asked, rows: Selection) -> None:
    for name in (asked.weights, asked.sampling_weights):
        if name is None:
            continue
        if isinstance(rows.columns[name], TextColumn):
            raise EstimationError(f"{name} must be a number, and it is text")
        below = int((rows.number(name) < 0).sum())
        if below:
            raise EstimationError(
                f"{name} is negative in {below:,} rows: no share can be; leave such rows out by where"
            )
    if isinstance(rows.columns[asked.outcome], TextColumn):
        raise EstimationError(f"the outcome {asked.outcome} must be a number, and it is text")


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
    """Return the rows that have every value; the others are counted once, by what they lack first."""
    between = "other years than" if asked.method == "melitz_polanec" else "outside the years"
    dropped = {f"{between} {years[0]} and {years[-1]}": int((~inside).sum())}
    left = inside.copy()
    names = (asked.outcome, asked.weights, asked.sampling_weights, asked.by, *(n for way in asked.cluster for n in way))
    for name in dict.fromkeys(names):
        if name is not None and name in rows.columns:
            lacks = left & rows.columns[name].missing()
            dropped[f"{name} is missing"] = int(lacks.sum())
            left &= ~lacks
    if asked.sampling_weights is not None:
        lacks = left & (rows.number(asked.sampling_weights) == 0)
        dropped[f"{asked.sampling_weights} is zero"] = int(lacks.sum())
        left &= ~lacks
    return left, {reason: count for reason, count in dropped.items() if count}


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
    year: IntArray,
    survives: IntArray,
    share: FloatArray,
) -> None:
    """Refuse a group without a surviving firm that has activity in both years: its change cannot be split."""
    lacking = []
    for number, label in enumerate(groups):
        here = (group == number) & (survives == 1)
        if not all(share[here & (year == one)].sum() > 0 for one in (0, 1)):
            lacking.append(label)
    if not lacking:
        return
    if asked.by is None:
        raise EstimationError(
            f"no firm with a positive {asked.weights} is in both years: there is no survivor to compare entry and "
            "exit with; choose years nearer to each other, or widen where"
        )
    raise EstimationError(
        f"no firm of {asked.by} {', '.join(lacking)} with a positive {asked.weights} is there in both years: "
        "a group without survivors has no change within; take a coarser column, or leave the group out by where"
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
    lacking = " or ".join(name for name in (asked.outcome, asked.weights, asked.sampling_weights, asked.by) if name)
    for here, there, what in ((1, 0, "entries"), (0, 1, "exits")):
        alone = np.unique(kept.firm[(kept.year == years[here]) & (survives == 0)])
        lost = np.unique(rows.firm[incomplete & (rows.year == years[there])])
        count = int(np.isin(alone, lost).sum())
        if count:
            notes.append(f"{count} firms count as {what} that have a row in {years[there]}, without {lacking}")
    return notes
