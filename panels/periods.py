"""Accounting periods and years: which year a period belongs to, and what becomes of two in one year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import narwhals as nw

from panels.clean import drop_rows, settle
from panels.days import first_day, first_of_june, with_year
from panels.engine import Engine, Frame
from panels.load import AT, FILE
from panels.steps import Rows
from panels.windows import LAST, mark_last, sum_over

__all__ = ["CLOSED", "OPENED", "by_calendar", "by_closing", "in_years", "one_a_year"]

OPENED, CLOSED = "~opened", "~closed"
"""The first and the last day of a row's accounting period, counted from 1970; hidden columns."""

CALENDAR = "accounts by calendar year"
ABOUT_A_YEAR = 13.0
_LONGEST_YEARS = 3
_WITHIN, _MONTHS = "~within", "~months"
_FROM, _TO, _IN = "~from year", "~to year", "~in"
_BELONGS, _OVERLAPS = "~belongs", "~overlaps"
_KEYS = ("firm", "year")


def by_closing(engine: Engine, rows: Rows, table: str) -> Rows:
    """Give every accounting period the year of the day on which it closes, or the year before where it closes before
    June, as Orbis does.

    Parameters
    ----------
    engine : Engine
    rows : Rows
        With `CLOSED`; a row without it keeps its year, and is counted.
    table : str
    """
    closed = nw.col(CLOSED)
    frame = _belonging(rows.frame)
    other = (nw.col(_BELONGS) != nw.col("year")) & ~closed.is_null()
    counts = frame.select(closed.is_null().sum().alias("undated"), other.sum().alias("moved"))
    undated, moved = engine.collect(counts)[0]
    ledger = rows.ledger.note(table, "year", rows.count, "closing day unknown, the year as given", int(undated or 0))
    ledger = ledger.note(table, "year", rows.count, "closes before June, counted to the year before", int(moved or 0))
    return replace(rows, frame=frame.with_columns(nw.col(_BELONGS).alias("year")).drop(_BELONGS), ledger=ledger)


def _belonging(frame: Frame) -> Frame:
    """Add the year to which Orbis counts a period: that of the row where its closing day is not known."""
    closed, year = nw.col(CLOSED), nw.col("~closing year")
    frame = with_year(frame, CLOSED, "~closing year")
    belongs = nw.when(closed < first_of_june(year)).then(year - 1.0).otherwise(year).cast(nw.Int64)
    known = nw.when(~closed.is_null()).then(belongs).otherwise(nw.col("year"))
    return frame.with_columns(known.alias(_BELONGS)).drop("~closing year")


def in_years(frame: Frame, rule: str) -> Frame:
    """Give every row the year, or a row for each of the years, to which a rule would count it if it were kept.

    Parameters
    ----------
    frame : Frame
        With `OPENED` and `CLOSED`, unless the rule is ``closing``.
    rule : str
        ``closing``, ``orbis`` or ``calendar``.
    """
    if rule == "closing":
        return frame
    if rule == "orbis":
        return _belonging(frame).with_columns(nw.col(_BELONGS).alias("year")).drop(_BELONGS)
    return (
        _touched(with_year(with_year(frame, OPENED, _FROM), CLOSED, _TO))
        .with_columns(nw.col(_IN).cast(nw.Int64).alias("year"))
        .drop(_IN, _FROM, _TO)
    )


def _touched(frame: Frame) -> Frame:
    """Repeat every period for each calendar year that it touches."""
    each = [frame.with_columns((nw.col(_FROM) + float(later)).alias(_IN)) for later in range(_LONGEST_YEARS)]
    return nw.concat(each, how="vertical").filter(nw.col(_IN) <= nw.col(_TO))


def _overlapped(frame: Frame, keys: Sequence[str]) -> Frame:
    """Add whether a period has days in common with one of the same keys that closes later (of two that close on the
    same day: with the one that stands later in the files).
    """
    order = [CLOSED, FILE, AT]
    frame = frame.with_columns(nw.col(OPENED).cum_min(reverse=True).over(*keys, order_by=order).alias("~opens"))
    frame = frame.with_columns(nw.col("~opens").shift(-1).over(*keys, order_by=order).alias("~opens"))
    return frame.with_columns((nw.col("~opens") <= nw.col(CLOSED)).fill_null(False).alias(_OVERLAPS)).drop("~opens")


def by_calendar(
    engine: Engine, rows: Rows, table: str, months: str, flows: Sequence[str], stocks: Sequence[str]
) -> Rows:
    """Spread every accounting period over the calendar years that it touches, and add up what falls into each.

    A flow goes by days. A stock is that of the period that closes in the year, the last of them; in a year in which
    none closes it is missing. `months` becomes the part of the year that is covered, in twelfths.

    Parameters
    ----------
    engine : Engine
    rows : Rows
        With `OPENED` and `CLOSED`.
    table : str
    months : str
        The column of the length of the accounting year.
    flows, stocks : sequence of str
        Columns of numbers.

    Returns
    -------
    Rows
        One row a firm and calendar year, in the ledger under a table of their own: `CALENDAR`.
    """
    opened, closed = nw.col(OPENED), nw.col(CLOSED)
    undated = ("calendar", "first or last day of the accounting year unknown", opened.is_null() | closed.is_null())
    backwards = ("calendar", "accounting year closes before it opens", (closed < opened).fill_null(False))
    frame = with_year(with_year(rows.frame, OPENED, _FROM), CLOSED, _TO)
    too_long = nw.col(_TO) - nw.col(_FROM) >= _LONGEST_YEARS
    beyond = (
        "calendar",
        f"accounting period over more than {_LONGEST_YEARS} calendar years",
        too_long.fill_null(False),
    )
    kept = drop_rows(engine, replace(rows, frame=frame), table, [undated, backwards, beyond])
    # Days that two periods have in common would be counted twice.
    kept = settle(engine, replace(kept, frame=_overlapped(kept.frame, ("firm",))), table)
    twice = ("overlaps", "has days in common with an accounting period that closes later", nw.col(_OVERLAPS))
    kept = drop_rows(engine, kept, table, [twice])
    spread = _touched(kept.frame.drop(_OVERLAPS))
    spread = spread.with_columns(first_day(nw.col(_IN)).alias("~start"), first_day(nw.col(_IN) + 1.0).alias("~stop"))
    start, stop = nw.col("~start"), nw.col("~stop")
    # Both the first and the last day of a period belong to it.
    last = nw.min_horizontal(closed + 1.0, stop)
    days = last - nw.max_horizontal(opened, start)
    share = days / (closed - opened + 1.0)
    inside = (closed < stop) & (closed >= start)
    pieces = spread.with_columns(
        nw.col(_IN).cast(nw.Int64).alias("year"),
        (12.0 * days / (stop - start)).alias(months),
        nw.when(inside).then(nw.lit(1)).otherwise(nw.lit(0)).alias(_WITHIN),
        *((nw.col(flow) * share).alias(flow) for flow in flows),
        *(nw.when(inside).then(nw.col(stock)).alias(stock) for stock in stocks),
    ).drop(_IN, "~start", "~stop", _FROM, _TO)
    name = engine.keep(pieces, CALENDAR)
    engine.drop(*kept.tables)
    count = engine.count(name)
    what = f"spread over calendar years: {kept.count} accounting years, {count} parts of a firm and year,"
    ledger = kept.ledger.note(table, "calendar", kept.count, what, kept.count)
    parts = replace(kept, frame=engine.table(name), count=count, ledger=ledger, table=CALENDAR, tables=(name,))
    return _added(engine, parts, CALENDAR, "calendar", [*flows, months], (_WITHIN, CLOSED, FILE, AT),
                  "part of another accounting year, added to the same calendar year")  # fmt: skip


def one_a_year(engine: Engine, rows: Rows, table: str, rule: str, months: str, flows: Sequence[str]) -> Rows:
    """Make one row of the accounting periods of a firm that belong to the same year.

    Parameters
    ----------
    engine : Engine
    rows : Rows
    table : str
    rule : str
        ``sum``: periods that together are about twelve months and have no day in common are added up, flows and
        months; stocks and all else are those of the one that closes last. Of others, and by ``longest``, the longest
        period stays.
    months : str
    flows : sequence of str
    """
    frame = rows.frame.with_columns(sum_over(months, _KEYS).alias(_MONTHS))
    if rule == "sum":
        frame = _overlapped(frame, _KEYS).with_columns(nw.col(_OVERLAPS).any().over(*_KEYS).alias(_OVERLAPS))
        short = (nw.col(_MONTHS) <= ABOUT_A_YEAR) & ~nw.col(_OVERLAPS)
    else:
        frame, short = frame.with_columns(nw.lit(False).alias(_OVERLAPS)), nw.lit(False)
    frame = frame.with_columns(short.fill_null(False).alias("~short"))
    # Where periods are added the last to close stays, where one is chosen the longest.
    length = nw.when(nw.col("~short")).then(nw.lit(0.0)).otherwise(nw.col(months).fill_null(0.0))
    frame = frame.with_columns(length.alias("~length"))
    frame = mark_last(frame, _KEYS, ["~length", CLOSED, FILE, AT])
    added = [
        nw.when(nw.col("~short")).then(sum_over(column, _KEYS)).otherwise(nw.col(column)).alias(column)
        for column in [*flows, months]
    ]
    whole = settle(engine, replace(rows, frame=frame.with_columns(*added)), table)
    gone = ~nw.col(LAST)
    reasons = [
        ("periods", "added to the accounting year that closes later in the same year", gone & nw.col("~short")),
        ("periods", "has days in common with a longer accounting year of the same year", gone & nw.col(_OVERLAPS)),
        ("periods", "shorter of the accounting years that belong to the same year", gone),
    ]
    found = drop_rows(engine, whole, table, reasons)
    return replace(found, frame=found.frame.drop(LAST, _MONTHS, _OVERLAPS, "~short", "~length"))


def _added(
    engine: Engine, rows: Rows, table: str, step: str, summed: Sequence[str], order: Sequence[str], reason: str
) -> Rows:
    frame = mark_last(rows.frame, _KEYS, order)
    frame = frame.with_columns(*(sum_over(column, _KEYS).alias(column) for column in summed))
    whole = settle(engine, replace(rows, frame=frame), table)
    found = drop_rows(engine, whole, table, [(step, reason, ~nw.col(LAST))])
    return replace(found, frame=found.frame.drop(LAST, _WITHIN))
