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

_BEFORE, _NEW, _RUN, _FIRST = "~before", "~new", "~run", "~first"


def perpetual_inventory(engine: Engine, rows: Rows, table: str, clean: CleanSpec) -> Rows:
    """Add ``capital_pim``: K(t) = (1 - d) K(t-1) + I(t), from the stock of the first year of an unbroken run.

    A run begins with a firm's first year, and again after a gap, or where investment is missing: there the stock
    itself counts, and the new beginnings are told in the ledger.

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
    frame = rows.frame.with_columns(
        year.shift(1).over("firm", order_by="year").alias(_BEFORE),
        nw.col(stock).is_null().shift(1).over("firm", order_by="year").alias(f"{_BEFORE} empty"),
    )
    after = (year - nw.col(_BEFORE) == 1).fill_null(False) & ~bought.is_null()
    frame = frame.with_columns(nw.when(after).then(nw.lit(0)).otherwise(nw.lit(1)).alias(_NEW))
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
    frame = frame.select(*rows.frame.collect_schema().names(), name, _NEW, _BEFORE)
    rows = settle(engine, replace(rows, frame=frame), table)
    kept = rows.frame
    again = kept.filter((nw.col(_NEW) == 1) & ~nw.col(_BEFORE).is_null()).select(nw.len().alias("n"))
    what = "capital begins again from the book value (a gap, or no investment known)"
    ledger = rows.ledger.note(table, "capital", rows.count, what, int(engine.collect(again)[0][0]))
    facts = capital_column(clean, rows.facts)
    return replace(
        rows, frame=kept.drop(_NEW, _BEFORE), ledger=ledger,
        columns={**rows.columns, CAPITAL: Column(name, "number")}, facts={**rows.facts, **facts},
    )  # fmt: skip


def _amount(rows: Rows, name: str) -> str:
    """Return where an amount at constant prices stands, or as it is where there are no deflators."""
    return rows.columns.get(f"{name}_real", rows.columns[name]).physical
