"""What a column measures, and in what: columns of different units share no axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reports.figures.drawing import FigureContext

__all__ = ["name_of", "quantity_label", "unit_of"]

Unit = tuple[str, ...]


def unit_of(context: FigureContext, column: str) -> Unit:
    """Return what tells the units of one column from those of another.

    Productivity is output over inputs: columns of one output and the same inputs have one unit, whatever the method.
    A column of data has its own. Levels about the mean of each technology are apart from levels as they are.
    """
    fit = context.productivity.get(column)
    if fit is None or fit["status"] != "ok":
        return ("column", column)
    options = fit["options"]
    inputs = sorted({*_names(options, "free"), *_names(options, "state")})
    if fit["method"] == "markup":
        inputs = [str(options["input"])]
    elif fit["method"] in ("gandhi_navarro_rivers", "gross_output"):
        inputs.append(str(options.get("proxy")))
    centred = "centred" if len(fit["groups"]) > 1 else ""
    return (_quantity(fit), str(options.get("output") or ""), *inputs, centred)


def quantity_label(context: FigureContext, column: str) -> str:
    """Return what the axis of a column says: its label, else what it measures."""
    declared, fit = context.labels.declared(column), context.productivity.get(column)
    if declared or fit is None or fit["status"] != "ok":
        return declared or context.labels.column(column)
    words, options = context.words, fit["options"]
    said = words(f"quantity.{_quantity(fit)}")
    output = str(options.get("output") or "")
    return words("quantity.of_output", quantity=said, output=context.labels.column(output)) if output else said


def name_of(context: FigureContext, column: str) -> str:
    """Return what a column is called beside others: an entry by its own name where it has no label."""
    if column in context.productivity and len(_columns(context.figure)) > 1:
        return context.labels.declared(column) or column
    return context.labels.column(column)


def _quantity(fit: Mapping[str, Any]) -> str:
    if fit["method"] == "markup":
        return "markup" if fit["options"].get("level") == "level" else "log_markup"
    return "labour_productivity" if fit["method"] == "labour_productivity" else "tfp"


def _names(options: Mapping[str, Any], key: str) -> list[str]:
    found = options.get(key) or ()
    return [found] if isinstance(found, str) else [str(one) for one in found]


def _columns(figure: Mapping[str, Any]) -> list[str]:
    of = figure["of"]
    return [of] if isinstance(of, str) else list(of)
