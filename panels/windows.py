"""What several rows of one key have in common: that there are some, which is the last, sums over all of them; on any
engine.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

from panels.engine import Frame

__all__ = ["LAST", "distinct", "mark_last", "sum_over"]

LAST = "~last"
_ONE, _PLACE = "~one", "~place"


def distinct(frame: Frame, *columns: str) -> Frame:
    """Return the different values of columns, a row each. A group-by: `unique` would sort all rows into windows."""
    return frame.group_by(*columns).agg(nw.len().alias(_PLACE)).select(*columns)


def mark_last(frame: Frame, keys: Sequence[str], order: Sequence[str]) -> Frame:
    """Add `LAST`: whether a row is the last of its key in this order; missing values come first.

    Parameters
    ----------
    frame : Frame
    keys : sequence of str
    order : sequence of str
        Columns that together tell every two rows of a key apart.
    """
    placed = frame.with_columns(nw.lit(1).alias(_ONE)).with_columns(
        nw.col(_ONE).cum_sum().over(*keys, order_by=list(order)).alias(_PLACE)
    )
    counted = placed.with_columns((nw.col(_PLACE) == nw.col(_ONE).sum().over(*keys)).alias(LAST))
    return counted.drop(_ONE, _PLACE)


def sum_over(column: str, keys: Sequence[str]) -> nw.Expr:
    """Return the sum of a column over the rows of a key, missing where one of them is."""
    x = nw.col(column)
    unknown = x.is_null().any().over(*keys)
    return nw.when(~unknown).then(x.sum().over(*keys))
