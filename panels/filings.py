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

LATER_IN_THE_FILES = "an earlier row of the same firm and accounting year"


def rank_of(order: FilingOrder, column: str) -> nw.Expr:
    """Return what a row is ordered by: the place of its code in the layout's list, or the text of the cell itself.

    Parameters
    ----------
    order : FilingOrder
    column : str
        Where the cell's text stands in the table.
    """
    x = nw.col(column)
    if not order.order:
        return x.fill_null("")
    rank = nw.lit(0)
    for place, code in enumerate(order.order, start=1):
        rank = nw.when(x.str.to_uppercase() == code.upper()).then(nw.lit(place)).otherwise(rank)
    return rank


def keep_latest(
    engine: Engine, rows: Rows, table: str, keys: Sequence[str], ranks: Sequence[tuple[str, str]], after: Sequence[str]
) -> Rows:
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
    after : sequence of str
        The order of the rows that are kept.
    """
    names = [name for name, _ in ranks]
    frame = mark_last(rows.frame, keys, [*names, FILE, AT])
    if not names:
        found = drop_rows(
            engine, replace(rows, frame=frame), table, [("filings", LATER_IN_THE_FILES, ~nw.col(LAST))], after
        )
        return replace(found, frame=found.frame.drop(LAST))
    # The reason is the first rank in which a row stays below the one that is kept.
    kept = [nw.when(nw.col(LAST)).then(nw.col(name)).max().over(*keys).alias(f"{name} kept") for name in names]
    frame = engine.kept(frame.with_columns(*kept), table)
    reasons = [
        ("filings", why, ~nw.col(LAST) & (nw.col(name) < nw.col(f"{name} kept")).fill_null(False))
        for name, why in ranks
    ]
    reasons.append(("filings", LATER_IN_THE_FILES, ~nw.col(LAST)))
    found = drop_rows(engine, replace(rows, frame=frame), table, reasons, after)
    return replace(found, frame=found.frame.drop(LAST, *names, *(f"{name} kept" for name in names)))
