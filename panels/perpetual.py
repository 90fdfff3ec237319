"""Capital by the perpetual inventory method: last year's stock less what wore out, plus what was bought."""

from __future__ import annotations

from dataclasses import replace
from math import log

import narwhals as nw

from panels.clean import settle
from panels.engine import Engine
from panels.expressions import Column
from panels.plan import CAPITAL, capital_column
from panels.steps import Rows
from panels.store import physical_names
from specs.cleaning import CleanSpec

__all__ = ["perpetual_inventory"]

_BEFORE, _BREAK, _NEW, _RUN, _FIRST = "~before", "~break", "~new", "~run", "~first"
_BEGINNINGS = (
    "capital begins again from the book value (a gap, or no investment known)",
    "capital begins with the first book value that is known, missing before it",
)


def perpetual_inventory(engine: Engine, rows: Rows, table: str, clean: CleanSpec) -> Rows:
    """Add ``capital_pim``: K(t) = (1 - d) K(t-1) + I(t), from the stock of the first year of an unbroken run.

    A run begins with a firm's first year, and again after a gap, or where investment is missing: there the stock
    itself counts, or the first one after it that is known. New and late beginnings are told in the ledger.

    Parameters
    ----------
    engine : Engine
    rows : Rows
        One a firm and year.
    table : str
    clean : CleanSpec
        Its `capital`: amounts at constant prices where the panel has them, else as they are.
    """
    spec = clean.capital
    assert spec is not None
    stock, investment = (_amount(rows, name) for name in (spec.stock, spec.investment))
    year, bought, left = nw.col("year"), nw.col(investment), 1.0 - spec.depreciation
    frame = rows.frame.with_columns(year.shift(1).over("firm", order_by="year").alias(_BEFORE))
    after = (year - nw.col(_BEFORE) == 1).fill_null(False) & ~bought.is_null()
    known = nw.when(nw.col(stock).is_null()).then(nw.lit(0)).otherwise(nw.lit(1))
    frame = frame.with_columns(nw.when(after).then(nw.lit(0)).otherwise(nw.lit(1)).alias(_BREAK), known.alias("~known"))
    frame = frame.with_columns(nw.col(_BREAK).cum_sum().over("firm", order_by="year").alias(_RUN))
    frame = frame.with_columns(nw.col("~known").cum_sum().over("firm", _RUN, order_by="year").alias("~knowns"))
    # A run whose first book values are not known begins with the first that is.
    late = (nw.col("~known") == 1) & (nw.col("~knowns") == 1) & (nw.col(_BREAK) == 0)
    frame = frame.with_columns(nw.when(late).then(nw.lit(1)).otherwise(nw.lit(0)).alias("~late"))
    frame = frame.with_columns(nw.max_horizontal(nw.col(_BREAK), nw.col("~late")).alias(_NEW))
    frame = frame.with_columns(nw.col(_NEW).cum_sum().over("firm", order_by="year").alias(_RUN))
    frame = frame.with_columns(year.min().over("firm", _RUN).alias(_FIRST))
    # Undone wear: what enters t years into a run counts (1 - d)^-t, and the sum wears by (1 - d)^t.
    age = (year - nw.col(_FIRST)).cast(nw.Float64)
    wear = (age * log(left)).exp()
    enters = nw.when(nw.col(_NEW) == 1).then(nw.col(stock)).otherwise(bought) / wear
    frame = frame.with_columns(enters.alias("~enters"), wear.alias("~wear"))
    unknown = nw.when(nw.col("~enters").is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    frame = frame.with_columns(unknown.alias("~unknown"), nw.col("~enters").fill_null(0.0).alias("~enters"))
    frame = frame.with_columns(
        nw.col("~enters").cum_sum().over("firm", _RUN, order_by="year").alias("~sum"),
        nw.col("~unknown").cum_sum().over("firm", _RUN, order_by="year").alias("~unknowns"),
    )
    taken = [column.physical for column in rows.columns.values()]
    name = physical_names([CAPITAL], taken)[CAPITAL]
    frame = frame.with_columns(nw.when(nw.col("~unknowns") == 0).then(nw.col("~sum") * nw.col("~wear")).alias(name))
    frame = frame.select(*rows.frame.collect_schema().names(), name, _BREAK, "~late", _BEFORE)
    rows = settle(engine, replace(rows, frame=frame), table)
    again = nw.when((nw.col(_BREAK) == 1) & ~nw.col(_BEFORE).is_null()).then(nw.lit(1)).otherwise(nw.lit(0))
    counted = rows.frame.select(again.sum().alias("again"), nw.col("~late").sum().alias("late"))
    ledger = rows.ledger
    for what, number in zip(_BEGINNINGS, engine.collect(counted)[0], strict=True):
        ledger = ledger.note(table, "capital", rows.count, what, int(number or 0))
    facts = capital_column(clean, rows.facts)
    return replace(
        rows, frame=rows.frame.drop(_BREAK, "~late", _BEFORE), ledger=ledger,
        columns={**rows.columns, CAPITAL: Column(name, "number")}, facts={**rows.facts, **facts},
    )  # fmt: skip


def _amount(rows: Rows, name: str) -> str:
    """Return where an amount at constant prices stands, or as it is where there are no deflators."""
    return rows.columns.get(f"{name}_real", rows.columns[name]).physical
