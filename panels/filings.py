"""Several filings of a firm for one accounting year: which one counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import narwhals as nw

from panels.clean import drop_rows
from panels.engine import Engine
from panels.layout_parts import FilingOrder
from panels.load import AT, FILE
from panels.steps import Rows
from panels.windows import LAST, mark_last

__all__ = ["keep_latest", "rank_of"]

_FILED, _WHY = "~filed", "~why"
BEFORE_ALL_DAYS = -1e7
LATER_IN_THE_FILES = "an earlier row of the same firm and accounting year"


def rank_of(order: FilingOrder, column: str) -> nw.Expr:
    """Return what a row is ordered by: the day, the place of its code in the layout's list, or the text of the cell.

    Parameters
    ----------
    order : FilingOrder
    column : str
        Where the cell stands in the table: as a number of days, or as text.
    """
    x = nw.col(column)
    if order.kind == "date":
        return x.fill_null(BEFORE_ALL_DAYS)
    if not order.order:
        return x.fill_null("")
    said = x.str.to_uppercase().fill_null(order.otherwise.upper())
    rank = nw.lit(0)
    for place, code in enumerate(order.order, start=1):
        rank = nw.when(said == code.upper()).then(nw.lit(place)).otherwise(rank)
    return rank


def keep_latest(engine: Engine, rows: Rows, table: str, keys: Sequence[str], ranks: Sequence[tuple[str, str]]) -> Rows:
    """Keep the last filing of every firm and accounting year.

    Parameters
    ----------
    engine : Engine
    rows : Rows
    table : str
        As the ledger names it.
    keys : sequence of str
        Columns that say which accounting year it is.
    ranks : sequence of (str, str)
        Columns of ranks, the first counts most, and what it means to have the lower one.
    """
    names = [name for name, _ in ranks]
    many = rows.frame.select(*keys).group_by(*keys).agg(nw.len().alias(_FILED)).filter(nw.col(_FILED) > 1)
    several = engine.keep(many, "several")
    if not engine.count(several):
        engine.drop(several)
        ledger = rows.ledger.step(table, "filings", rows.count, rows.count)
        return replace(rows, frame=rows.frame.drop(*names), ledger=ledger)
    # Only what was filed more than once is put in order: most firms have one filing a year.
    filed = rows.frame.select(FILE, AT, *keys, *names).join(engine.table(several), on=list(keys), how="inner")
    marked = mark_last(filed, keys, [*names, FILE, AT])
    # The reason is the first rank in which a row stays below the one that is kept.
    kept = [nw.when(nw.col(LAST)).then(nw.col(name)).max().over(*keys).alias(f"{name} kept") for name in names]
    marked = marked.with_columns(*kept) if kept else marked
    why = nw.lit(len(names))
    for number, name in reversed(list(enumerate(names))):
        below = (nw.col(name) < nw.col(f"{name} kept")).fill_null(False)
        why = nw.when(below).then(nw.lit(number)).otherwise(why)
    gone = engine.keep(marked.filter(~nw.col(LAST)).select(FILE, AT, why.alias(_WHY)), "superseded")
    frame = rows.frame.drop(*names).join(engine.table(gone), on=[FILE, AT], how="left")
    told = [*(reason for _, reason in ranks), LATER_IN_THE_FILES]
    reasons = [("filings", reason, (nw.col(_WHY) == number).fill_null(False)) for number, reason in enumerate(told)]
    engine.drop(several)
    found = drop_rows(engine, replace(rows, frame=frame, tables=(*rows.tables, gone)), table, reasons)
    return replace(found, frame=found.frame.drop(_WHY))
