"""What the footer of a table says of instruments: their strength, the set that holds if they are weak, their test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.numbers import decimal, p_value
from reports.table import Cell
from reports.views import Context, View

__all__ = ["anderson_rubin", "first_stage_f", "is_instrumented", "overidentification"]


def is_instrumented(view: View) -> bool:
    """Return whether a column holds instrumented estimates; least squares beside them are none."""
    return view.is_model and view.content.get("method") == "iv" and view.content.get("estimator", "iv") == "iv"


def first_stage_f(context: Context, view: View) -> Cell:
    """Return the F of the first stage, of each where there are several."""
    stages: Mapping[str, Any] = view.content["stats"].get("first_stage") or {} if is_instrumented(view) else {}
    found = {
        term: one["f"] if one["f_conditional"] is None else one["f_conditional"]
        for term, one in stages.items()
        if one is not None
    }
    values = {term: value for term, value in found.items() if value is not None}
    if not values:
        return Cell("empty")
    if len(values) == 1:
        value = next(iter(values.values()))
        return Cell("number", decimal(value, 2, context.locale), value)
    named = (
        f"{context.labels.term(term, view.design).full(context.locale)} {decimal(value, 2, context.locale)}"
        for term, value in values.items()
    )
    return Cell("text", "; ".join(named))


def anderson_rubin(context: Context, view: View) -> Cell:
    """Return the Anderson-Rubin set: an interval, pieces of the line, all of it, or nothing."""
    region = view.content["stats"].get("anderson_rubin") if is_instrumented(view) else None
    if region is None or region["shape"] is None:
        return Cell("empty")
    if region["shape"] == "empty":
        return Cell("text", context.words("iv.empty"))
    between = context.words("iv.or")
    return Cell("text", between.join(_piece(context, *piece) for piece in region["pieces"]))


def _piece(context: Context, low: float | None, high: float | None) -> str:
    decimals, locale = context.spec.decimals, context.locale
    start = "(−∞" if low is None else f"[{decimal(low, decimals, locale)}"
    end = "∞)" if high is None else f"{decimal(high, decimals, locale)}]"
    return f"{start}; {end}"


def overidentification(context: Context, view: View) -> Cell:
    """Return the p-value of the test whether the instruments agree."""
    test = view.content["stats"].get("overidentification") if is_instrumented(view) else None
    return Cell("empty") if test is None else Cell("number", p_value(test["p_value"], context.locale), test["p_value"])
