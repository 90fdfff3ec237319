"""Sums that must agree and amounts that have a bound: what a layout says of files, tested as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw

from panels.concepts import BELOW, Inputs, can_be_made, sum_of
from panels.engine import Engine, Frame
from panels.layout_parts import Identity
from panels.ledger import Ledger
from panels.load import AT, FILE, place
from panels.sources import Source
from specs.errors import Problem

__all__ = ["Tested", "check_identities", "identities_of", "noted_bounds"]

_SHOWN = 3
_FACTORS = (1_000.0, 1_000_000.0, 100.0)
_NEAR = 0.1
_MOST = 0.5
_FAILS, _BY = "~fails", "~by"


@dataclass(frozen=True, slots=True)
class Tested:
    """An identity that the files have the columns for, as expressions over the table as it was read."""

    identity: Identity
    left: nw.Expr
    right: nw.Expr


def identities_of(inputs: Inputs) -> list[Tested]:
    """Return the identities of the layout that can be tested, and note what has to be read for them."""
    return [
        Tested(one, sum_of(inputs, one.left), sum_of(inputs, one.right))
        for one in inputs.layout.identities
        if can_be_made(inputs, one.left) and can_be_made(inputs, one.right)
    ]


def check_identities(
    engine: Engine, frame: Frame, count: int, tested: Sequence[Tested], sources: Sequence[Source], ledger: Ledger
) -> tuple[Ledger, list[Problem]]:
    """Count the rows in which two sums disagree; where most do by a thousand, one of them is in thousands.

    Parameters
    ----------
    engine : Engine
    frame : Frame
        As read, every row.
    count : int
        Its rows.
    tested : sequence of Tested
    sources : sequence of Source
    ledger : Ledger

    Returns
    -------
    ledger : Ledger
        With the rows that fail, the first of them by their lines.
    problems : list of Problem
        Files in which one side is a multiple of the other.
    """
    problems: list[Problem] = []
    for one in tested:
        identity, left, right = one.identity, one.left, one.right
        fails = ((left - right).abs() > identity.tolerance).fill_null(False)
        by = nw.lit(0)
        for number, factor in enumerate(_FACTORS, start=1):
            for sign, (big, small) in ((1, (left, right)), (-1, (right, left))):
                near = ((big - factor * small).abs() <= _NEAR * factor * small.abs()) & (small.abs() > 0)
                by = nw.when(near.fill_null(False)).then(nw.lit(sign * number)).otherwise(by)
        both = (~left.is_null() & ~right.is_null() & ((left.abs() > 0) | (right.abs() > 0))).fill_null(False)
        marked = frame.with_columns(fails.alias(_FAILS), by.alias(_BY), both.alias("~both"))
        counted = marked.group_by(FILE).agg(
            nw.col("~both").cast(nw.Int64).sum().alias("both"),
            nw.col(_FAILS).cast(nw.Int64).sum().alias("fails"),
            *(
                (nw.col(_BY) == number).cast(nw.Int64).sum().alias(f"by {number}")
                for number in (*range(1, len(_FACTORS) + 1), *range(-len(_FACTORS), 0))
            ),
        )
        failing = 0
        by_factor = [0] * (2 * len(_FACTORS))
        for file, both_there, failed, *multiples in sorted(engine.collect(counted)):
            failing += int(failed)
            by_factor = [total + int(number) for total, number in zip(by_factor, multiples, strict=True)]
            problems += _in_other_units(sources[int(file)], identity, int(both_there), multiples)
        if failing:
            shown = marked.filter(nw.col(_FAILS)).select(FILE, AT).sort(FILE, AT).head(_SHOWN)
            rows = _places(engine.collect(shown), sources, failing)
            what = f"{identity.text} fails by more than {identity.tolerance:g}{_mostly(failing, by_factor)}"
            ledger = ledger.note("accounts", "identities", count, f"{what} ({rows})", failing)
    return ledger, problems


def _mostly(failing: int, multiples: Sequence[int]) -> str:
    """Say that most rows that fail do so by one factor: part of a file, too small to be refused, in another unit."""
    ups, downs = multiples[: len(_FACTORS)], multiples[len(_FACTORS) :][::-1]
    for factor, *numbers in zip(_FACTORS, ups, downs, strict=True):
        number = min(max(numbers), failing)
        if number > _MOST * failing:
            return f", in {number:,} of them one side is {factor:,.0f} times the other"
    return ""


def _in_other_units(source: Source, identity: Identity, both: int, multiples: Sequence[int]) -> list[Problem]:
    """Say that one side of an identity is a multiple of the other in most rows of a file."""
    ups, downs = multiples[: len(_FACTORS)], multiples[len(_FACTORS) :][::-1]
    for factor, up, down in zip(_FACTORS, ups, downs, strict=True):
        for number, (big, small) in ((up, (identity.left, identity.right)), (down, (identity.right, identity.left))):
            if both and number > _MOST * both:
                what = f": {big.text} is {factor:,.0f} times {small.text} in {number:,} of {both:,} rows"
                meaning = "the two must be equal, so one of them is in another unit"
                advice = "bring the columns to one unit in the file, or in a layout of your own"
                return [source.file.problem(what, meaning, advice)]
    return []


def noted_bounds(
    engine: Engine,
    frame: Frame,
    table: str,
    count: int,
    bounds: Sequence[tuple[str, float]],
    sources: Sequence[Source],
    ledger: Ledger,
) -> Ledger:
    """Count the amounts that lie below their bound and were taken as missing, the first of them by their lines.

    Parameters
    ----------
    engine : Engine
    frame : Frame
        With the columns that begin with `BELOW`.
    table : str
        As the ledger names it.
    count : int
    bounds : sequence of (str, float)
        Concepts and what they must not be below.
    sources : sequence of Source
    ledger : Ledger
    """
    if not bounds:
        return ledger
    flags = [nw.col(f"{BELOW}{name}").cast(nw.Int64).sum().alias(f"{BELOW}{name}") for name, _ in bounds]
    for (name, bound), number in zip(bounds, engine.collect(frame.select(*flags))[0], strict=True):
        if number:
            low = frame.filter(nw.col(f"{BELOW}{name}")).select(FILE, AT).sort(FILE, AT).head(_SHOWN)
            rows = _places(engine.collect(low), sources, int(number))
            ledger = ledger.note(table, "bounds", count, f"{name} below {bound:g}, missing ({rows})", int(number))
    return ledger


def _places(found: Sequence[tuple[int, int]], sources: Sequence[Source], total: int) -> str:
    """Return where rows stand, by their numbers and never by what is in them."""
    shown = [f"{sources[int(file)].file.shown} {place(sources[int(file)], int(at))}" for file, at in found]
    return ", ".join(shown) + (", ..." if total > len(shown) else "")
