"""The lines below gaps between distributions: whether the two differ, and whether one dominates the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reports.numbers import decimal, p_value
from reports.table import Cell, Row, colon
from reports.views import Context, View

__all__ = ["distribution_rows"]

LEVEL = 0.05
"""Of the tests, as the estimation's verdict has it."""


def distribution_rows(context: Context, views: list[View], width: int) -> list[Row]:
    """Return the distances of Kolmogorov and Smirnov and what the tests of dominance say, a line a group.

    Parameters
    ----------
    context : Context
    views : list of View
    width : int
        Columns of a view.
    """
    words, rows = context.words, []
    own = [view for view in views if view.design == "distribution"]
    ends = list(dict.fromkeys(end for view in own for end in _ends(view)))
    asked: tuple[tuple[str, Callable[[Context, View, str], Cell]], ...] = (
        ("ks", _distance), ("dominance", _dominance),
    )  # fmt: skip
    for key, cell in asked:
        for end in ends:
            of = f"{colon(words.locale)}{context.labels.level(end[1:-1])}" if end else ""
            cells = []
            for view in views:
                there = view.design == "distribution" and end in _ends(view)
                one = cell(context, view, end) if there else Cell("empty")
                cells.append(Cell(one.kind, one.text, one.value, one.mark, width))
            rows.append(Row(f"{key}{end}", words(f"distribution.{key}") + of, tuple(cells)))
    return rows


def _ends(view: View) -> list[str]:
    """Return what the statistics of a view end in: nothing, or the levels beside the base."""
    return [key.removeprefix("dominance") for key in view.content["stats"] if key.startswith("dominance")]


def _distance(context: Context, view: View, end: str) -> Cell:
    stats = view.content["stats"]
    value, p = stats[f"ks{end}"], stats[f"ks_p_value{end}"]
    if value is None:
        return Cell("text", context.words("suppressed"))
    printed = decimal(value, 3, context.locale)
    if p is None:
        return Cell("number", printed, value)
    return Cell("number", context.words("distribution.with_p", value=printed, p=p_value(p, context.locale)), value)


def _dominance(context: Context, view: View, end: str) -> Cell:
    words, stats = context.words, view.content["stats"]
    found = stats[f"dominance{end}"]
    if found is None:
        hidden = stats[f"ks{end}"] is None
        return Cell("text", words("suppressed")) if hidden else Cell("empty")
    if found == 0:
        return Cell("text", words("distribution.cross" if _cross(stats, end) else "distribution.none"))
    (base,) = view.content["reference"].values()
    level = end[1:-1] or next(key[8:-1] for key in stats if key.startswith("n_firms[") and key[8:-1] != base)
    over = [context.labels.level(one) for one in ((level, base) if found > 0 else (base, level))]
    return Cell("text", words(f"distribution.order{abs(found)}", winner=over[0], loser=over[1]))


def _cross(stats: Mapping[str, Any], end: str) -> bool:
    """Return whether dominance is rejected either way at both orders that could tell."""
    p_values = [stats[f"{name}_p_value{end}"] for name in ("first_order", "first_order_reverse")]
    return all(one is not None and one < LEVEL for one in p_values)
