"""The mean of a cell on every row of it, perhaps without the firm itself: in columns that each engine can reckon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import narwhals as nw

from panels.expression_parts import Value

__all__ = ["Held", "Peers", "peer_mean"]

Held = Callable[[str, nw.Expr, int], Value]
"""Gives an expression of some level, under a name, a column of its own."""


@dataclass(frozen=True, slots=True)
class Peers:
    """Whose mean it is.

    Attributes
    ----------
    firm, year : str
        The table's key columns.
    at : int or None
        The year that counts; all where there is none.
    leave_out : bool
        Whether a firm's own rows count for it.
    fewest : int
        Firms behind a mean; it is missing where there are fewer.
    """

    firm: str
    year: str
    at: int | None
    leave_out: bool
    fewest: int


def peer_mean(held: Held, x: Value, cells: Sequence[Value], weight: Sequence[Value], peers: Peers) -> Value:
    r"""Return the mean over the rows of a cell, on every row of the cell.

    .. math:: \bar x_{c(i)} = \sum_j w_j x_j \Big/ \sum_j w_j

    over rows j of the same cell, with x and w known and w > 0, in the year `at` where it is given, without those of
    firm i where `leave_out` is true. Missing where fewer than `fewest` firms remain, and where a column of the cell is.

    Parameters
    ----------
    held : callable
    x : Value
        Finite, in a column of its own.
    cells : sequence of Value
        What cells are made of, each in a column of its own.
    weight : sequence of Value
        One, or none for the plain mean; in a column of its own.
    peers : Peers
    """
    level = max(value.level for value in (x, *cells, *weight))
    known = reduce(lambda a, b: a & b, [~cell.expr.is_null() for cell in cells])
    counts = known & ~x.expr.is_null()
    if weight:
        counts = counts & (weight[0].expr > 0.0)
    if peers.at is not None:
        counts = counts & (nw.col(peers.year) == peers.at)
    w = weight[0].expr if weight else nw.lit(1.0)
    wx_row = held("wx", nw.when(counts).then(w * x.expr), level)
    w_row = held("w", nw.when(counts).then(w), level)
    year_row = held("year", nw.when(counts).then(nw.col(peers.year)), level)
    cell = [value.physical for value in cells]
    own = [*cell, peers.firm] if peers.firm not in cell else cell

    def total(name: str, value: Value) -> Value:
        return held(name, value.expr.sum().over(*cell), value.level)

    first_year = held("first year", year_row.expr.min().over(*own), year_row.level)
    once = held("once", nw.when(year_row.expr == first_year.expr).then(nw.lit(1.0)), first_year.level)
    firms = total("firms", once)
    top, bottom, number = total("sum wx", wx_row).expr, total("sum w", w_row).expr, firms.expr
    level = firms.level
    if peers.leave_out:
        apart = [_without_own(held, name, row, once, own, cell, peers) for name, row in (("wx", wx_row), ("w", w_row))]
        level = max(level, *(value.level for value in apart))
        alone = first_year.expr.is_null()
        top = nw.when(alone).then(top).otherwise(apart[0].expr)
        bottom = nw.when(alone).then(bottom).otherwise(apart[1].expr)
        number = number - nw.when(alone).then(nw.lit(0.0)).otherwise(nw.lit(1.0))
    enough = held("number", nw.when(known).then(number), firms.level)
    top_held, bottom_held = held("top", top, level), held("bottom", bottom, level)
    there = (enough.expr >= float(peers.fewest)) & (bottom_held.expr > 0.0)
    expr = nw.when(there).then(top_held.expr / bottom_held.expr)
    return Value(expr, max(enough.level, top_held.level), "number", "", wild=True)


def _without_own(
    held: Held, name: str, row: Value, once: Value, own: Sequence[str], cell: Sequence[str], peers: Peers
) -> Value:
    """Sum what the other firms of a cell have: those before a firm and those after it, by their numbers.

    The total less what the firm has would lose the digits of the others beside a large firm, and tell by rounding
    whether they have anything.
    """
    order = [peers.firm, peers.year]
    mine = held(f"own {name}", row.expr.sum().over(*own), row.level)
    there = ~once.expr.is_null()
    level = max(mine.level, once.level)
    single = held(f"own {name} once", nw.when(there).then(mine.expr).otherwise(nw.lit(0.0)), level)
    sums = []
    for side, reverse, step in (("before", False, 1), ("after", True, -1)):
        running = single.expr.cum_sum(reverse=reverse).over(*cell, order_by=order)
        so_far = held(f"{side} {name}", running, single.level)
        next_to = held(f"{side} {name} shifted", so_far.expr.shift(step).over(*cell, order_by=order), so_far.level)
        at_firm = nw.when(there).then(next_to.expr.fill_null(0.0))
        seen = held(f"{side} {name} of firm", at_firm, next_to.level)
        sums.append(held(f"{side} {name} of rows", seen.expr.max().over(*own), seen.level))
    return held(f"others {name}", sums[0].expr + sums[1].expr, max(one.level for one in sums))
