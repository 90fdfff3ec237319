"""The accounts of enterprises: in each year the sums over the legal units that belong to them at the accounting year's
closing date.

What is summed and what is taken from one unit is said by the layout (`Concept.units_rule`). A sum is missing where a
unit that filed lacks the value: a sum of some would look like a sum of all. A unit without accounts of the year (it
filed nothing, or cleaning left its row out) is not in the sums; `units_missing` says how many those are, and `where`
can leave such rows out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import narwhals as nw

from panels.accounts import CLOSING
from panels.bridge import FROM, TO, UNIT, Bridge
from panels.engine import Engine, Frame
from panels.expressions import Column, Stages
from panels.layout import Layout
from panels.ledger import Ledger
from panels.link_columns import BRIDGED
from panels.steps import Rows
from panels.store import physical_names
from panels.windows import distinct
from specs.counting import counted
from specs.errors import Problem

__all__ = ["sum_units"]

_ENTERPRISE, _COVERED, _KNOWN, _RANK, _ROWS, _NEW_YEAR = (
    "~enterprise",
    "~covered",
    "~known",
    "~rank",
    "~rows",
    "~31 Dec",
)
_PARTIAL, _MONTHS = "~partial ", "~months differ"
_AS_FIRM = nw.col("~group").alias("firm")
_SIZE = "value_added"
"""The concept by which the largest unit is found."""


def sum_units(engine: Engine, rows: Rows, bridge: Bridge, layout: Layout, annualised: bool) -> Rows:
    """Put the accounts of legal units together by enterprise and year.

    Parameters
    ----------
    engine : Engine
    rows : Rows
        One row a legal unit and year; `firm` is the legal unit.
    bridge : Bridge
        Without problems.
    layout : Layout
        Of the accounts.
    annualised : bool
        Flows are at twelve months: units whose years differ in length may be added up.

    Returns
    -------
    Rows
        One row an enterprise and year, with `legal_units`, `units_missing` and `intra_group`. Units that the bridge
        does not hold at the closing date stay firms of their own.
    """
    placed = _placed(engine, rows.frame, bridge)
    filed = ""
    if rows.filed:
        filed = engine.keep(_placed(engine, engine.table(rows.filed), bridge).select(_AS_FIRM, "year"), "filed")
        engine.drop(rows.filed)
    concepts = {name: layout.concepts[name] for name in rows.columns if name in layout.concepts}
    taken = {name: column for name, column in rows.columns.items() if name in concepts and concepts[name].units_rule}
    rules = {name: concepts[name].units_rule for name in taken}
    own = physical_names([facts.name for facts in BRIDGED], [column.physical for column in rows.columns.values()])
    summed, partial = _summed(placed, rows, taken, rules)
    frame = _with_counts(engine, summed, placed, bridge, own)
    stages = Stages({name: column for name, column in rows.columns.items() if name not in concepts or name in taken})
    for name, concept in concepts.items():
        if concept.expression is not None:
            stages.define(name, concept.expression, rows.columns[name].physical)
    physical = dict.fromkeys(column.physical for column in rows.columns.values())
    marks = [f"{_PARTIAL}{name}" for name in partial]
    derived = stages.apply(frame).select(*physical, *own.values(), *marks, _MONTHS, _ROWS)
    stored = engine.keep(derived, "enterprises", ("firm", "year"))
    engine.drop(*rows.tables)
    whole = engine.table(stored)
    ledger = _ledger(engine, rows, bridge, placed, whole, own, partial, annualised)
    columns = {**rows.columns, **{name: Column(own[name], "number", name == "intra_group") for name in own}}
    facts = {**rows.facts, **{one.name: one for one in BRIDGED}}
    problems = (*rows.problems, *_taken_numbers(engine, placed, bridge))
    count = ledger.entries[-1].rows_out
    return replace(rows, frame=whole.select(*physical, *own.values()), count=count, columns=columns, facts=facts,
                   ledger=ledger, problems=problems, tables=(stored,), filed=filed,
                   ordered=True)  # fmt: skip


def _ledger(
    engine: Engine, rows: Rows, bridge: Bridge, placed: Frame, whole: Frame, own: Mapping[str, str],
    partial: Sequence[str], annualised: bool,
) -> Ledger:  # fmt: skip
    """Account for the rows of the legal units, and count what a sum hides."""
    alone = nw.col(_ENTERPRISE).is_null()
    outside, gaps = _totals(engine, placed, [alone & ~nw.col(_KNOWN), alone & nw.col(_KNOWN)])
    marks = [nw.col(f"{_PARTIAL}{name}") > 0 for name in partial]
    missing, several = nw.col(own["units_missing"]) > 0, nw.col(own["intra_group"]) > 0
    many, short, months, *lacking = _totals(engine, whole, [several, missing, nw.col(_MONTHS), *marks])
    count, merged = engine.collect(whole.select(nw.len().alias("rows"), (nw.col(_ROWS) - 1).sum().alias("merged")))[0]
    added = {"added to another legal unit of the same enterprise": int(merged)}
    ledger = (rows.ledger + bridge.ledger).step("accounts", "bridge", rows.count, int(count), added)
    notes = {
        "legal unit that is not in the bridge, a firm of its own": outside,
        "legal unit at a time that the bridge leaves open, a firm of its own": gaps,
        "several legal units summed, turnover and intermediates hold flows between them": many,
        "enterprise with a legal unit that has no accounts (units_missing)": short,
        "legal units whose years differ in length, flows summed as they are": 0 if annualised else months,
        **{f"{name}: a legal unit lacks it, missing": n for name, n in zip(partial, lacking, strict=True)},
    }
    for what, number in notes.items():
        ledger = ledger.note("accounts", "bridge", int(count), what, number)
    return ledger


def _totals(engine: Engine, frame: Frame, conditions: Sequence[nw.Expr]) -> list[int]:
    """Count the rows in which each condition holds."""
    counted = [one.fill_null(False).cast(nw.Int64).sum().alias(f"n{i}") for i, one in enumerate(conditions)]
    return [int(value or 0) for value in engine.collect(frame.select(*counted))[0]]


def _placed(engine: Engine, frame: Frame, bridge: Bridge) -> Frame:
    """Give every row its enterprise at the closing date, in the order of enterprise, year and unit."""
    turn = (nw.col("year") + 1) * 1.0
    # Days from 1970 to the last of December, in the calendar as it is reckoned since 1582.
    last = (
        (turn - 1970) * 365 + ((turn - 1969) / 4).floor() - ((turn - 1901) / 100).floor()
        + ((turn - 1601) / 400).floor() - 1
    )  # fmt: skip
    frame = frame.with_columns(last.alias(_NEW_YEAR))
    known = CLOSING in frame.collect_schema().names()
    closing = nw.coalesce(nw.col(CLOSING), nw.col(_NEW_YEAR)) if known else nw.col(_NEW_YEAR)
    frame = frame.with_columns(closing.alias(CLOSING))
    spells = bridge.frame.select(nw.col("firm").alias(_ENTERPRISE), nw.col(UNIT).alias("~spell"), FROM, TO)
    units = distinct(bridge.frame, UNIT).rename({UNIT: "~listed"})
    covered = frame.select("firm", "year", CLOSING).join(spells, how="inner", left_on="firm", right_on="~spell")
    covered = covered.filter((nw.col(FROM) <= nw.col(CLOSING)) & (nw.col(TO) >= nw.col(CLOSING))).select(
        nw.col("firm").alias("~who"), nw.col("year").alias("~when"), _ENTERPRISE
    )
    frame = frame.join(covered, how="left", left_on=["firm", "year"], right_on=["~who", "~when"])
    units = units.with_columns(nw.lit(True).alias(_KNOWN))
    frame = frame.join(units, how="left", left_on="firm", right_on="~listed")
    frame = frame.with_columns(
        nw.col(_KNOWN).fill_null(False),
        nw.col("firm").alias(UNIT),
        nw.coalesce(nw.col(_ENTERPRISE), nw.col("firm")).alias("~group"),
    )
    return engine.kept(frame, "units", ("~group", "year", UNIT))


def _summed(
    placed: Frame, rows: Rows, taken: Mapping[str, Column], rules: Mapping[str, str]
) -> tuple[Frame, tuple[str, ...]]:
    """One row an enterprise and year: every concept by its rule. Returns the sums that a unit may lack, too."""
    keys = ("~group", "year")
    size = nw.col(taken[_SIZE].physical) if _SIZE in taken else nw.lit(None, dtype=nw.Float64)
    frame = placed.with_columns(
        size.is_null().cast(nw.Int64).alias("~unsized"), (size.fill_null(0.0) * -1.0).alias("~smallness"),
        nw.lit(1).alias("~one"),
    )  # fmt: skip
    frame = frame.with_columns(
        nw.col("~one").cum_sum().over(*keys, order_by=["~unsized", "~smallness", UNIT]).alias(_RANK)
    )
    made: dict[str, nw.Expr] = {}
    after: dict[str, nw.Expr] = {}
    firsts: dict[str, nw.Expr] = {}
    partial = []
    for name, column in taken.items():
        x, physical = nw.col(column.physical), column.physical
        if rules[name] == "sum":
            made[f"~sum {name}"], made[f"~n {name}"] = x.sum(), x.count()
            there, all_there = nw.col(f"~n {name}"), nw.col(f"~n {name}") == nw.col(_ROWS)
            after[physical] = nw.when(all_there).then(nw.col(f"~sum {name}"))
            after[f"{_PARTIAL}{name}"] = ((there > 0) & ~all_there).cast(nw.Int64)
            partial.append(name)
        elif rules[name] == "min":
            made[physical] = x.min()
        elif rules[name] == "first":
            firsts[f"~first {name}"] = nw.when(~x.is_null()).then(nw.col(UNIT))
            made[physical] = nw.col(f"~chosen {name}").max()
        else:
            made[physical] = nw.col(f"~chosen {name}").max()
    if firsts:
        frame = frame.with_columns(*(expr.alias(name) for name, expr in firsts.items()))
    chosen = {}
    for name, column in taken.items():
        if rules[name] == "largest":
            chosen[f"~chosen {name}"] = nw.when(nw.col(_RANK) == 1).then(nw.col(column.physical))
        elif rules[name] == "first":
            earliest = nw.col(f"~first {name}").min().over(*keys)
            frame = frame.with_columns(earliest.alias(f"~earliest {name}"))
            chosen[f"~chosen {name}"] = nw.when(nw.col(UNIT) == nw.col(f"~earliest {name}")).then(
                nw.col(column.physical)
            )
    if chosen:
        frame = frame.with_columns(*(expr.alias(name) for name, expr in chosen.items()))
    if "months" in taken:
        months = nw.col(taken["months"].physical)
        made["~longest"], made["~shortest"] = months.max(), months.min()
    made[_ROWS], made["~enterprise"] = nw.len(), nw.col(_ENTERPRISE).max()
    grouped = frame.group_by(*keys).agg(*(expr.alias(name) for name, expr in made.items()))
    differ = nw.col("~longest") > nw.col("~shortest") if "months" in taken else nw.lit(False)
    after[_MONTHS] = differ.fill_null(False)
    grouped = grouped.with_columns(*(expr.alias(name) for name, expr in after.items()))
    return grouped.with_columns(_AS_FIRM), tuple(partial)


def _with_counts(engine: Engine, summed: Frame, placed: Frame, bridge: Bridge, own: Mapping[str, str]) -> Frame:
    """Add how many units are behind a row, and how many of the enterprise have no accounts kept of the year."""
    years = distinct(placed, "year", _NEW_YEAR)
    filed = placed.select(nw.col(UNIT).alias("~filed"), nw.col("year").alias("~filed year")).with_columns(
        nw.lit(1).alias("~there")
    )
    expected = bridge.frame.join(years, how="cross").filter(
        (nw.col(FROM) <= nw.col(_NEW_YEAR)) & (nw.col(TO) >= nw.col(_NEW_YEAR))
    )
    expected = expected.join(filed, how="left", left_on=[UNIT, "year"], right_on=["~filed", "~filed year"])
    missing = (
        expected.filter(nw.col("~there").is_null()).group_by("firm", "year").agg(nw.len().alias("~missing"))
        .select(nw.col("firm").alias("~whose"), nw.col("year").alias("~which"), "~missing")
    )  # fmt: skip
    kept = engine.table(engine.keep(missing, "missing units"))
    frame = summed.join(kept, how="left", left_on=["~enterprise", "year"], right_on=["~whose", "~which"])
    lacking = nw.col("~missing").fill_null(0)
    return frame.with_columns(
        ((nw.col(_ROWS) + lacking) * 1.0).alias(own["legal_units"]), (lacking * 1.0).alias(own["units_missing"]),
        nw.when(nw.col(_ROWS) > 1).then(nw.lit(1.0)).otherwise(nw.lit(0.0)).alias(own["intra_group"]),
    )  # fmt: skip


def _taken_numbers(engine: Engine, placed: Frame, bridge: Bridge) -> list[Problem]:
    """Find units outside the bridge whose number is that of an enterprise with other units in the same year."""
    alone = placed.filter(nw.col(_ENTERPRISE).is_null()).select(
        nw.col("firm").alias("~number"), nw.col("year").alias("~when")
    )
    others = distinct(placed.filter(~nw.col(_ENTERPRISE).is_null()), _ENTERPRISE, "year")
    both = alone.join(others, how="inner", left_on=["~number", "~when"], right_on=[_ENTERPRISE, "year"])
    count = int(engine.collect(both.select(nw.len().alias("n")))[0][0])
    if not count:
        return []
    rows = counted(count, "row of the accounts is of a legal unit", "rows of the accounts are of legal units")
    what = f": {rows} outside the bridge whose number is that of an enterprise of other units in the same year"
    advice = "give the unit a row in the bridge for that time"
    return [bridge.sources[0].file.problem(what, "they would be added to its accounts", advice)]
