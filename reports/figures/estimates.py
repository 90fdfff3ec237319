"""What figures of models share: what an estimate is called, intervals as text, a legend below, axes side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import FigureContext, frame
from reports.numbers import count, decimal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MARKERS", "firms", "labels_drawn", "named", "not_drawn", "number", "span", "with_frame"]

MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def labels_drawn(context: FigureContext) -> list[str]:
    """Return the estimates that a figure tells apart, in their order."""
    return list(dict.fromkeys(one["label"] for one in context.figure["series"]))


def named(context: FigureContext, label: str) -> str:
    """Return what an estimate is called: the model's label, and what tells its part apart, an estimator by its name."""
    model, _, part = label.partition(", ")
    own = context.labels.declared(model) or model
    if not part:
        return own
    first, *rest = part.split(", ")
    told = ", ".join([context.words.known(f"estimator.{first}") or first, *rest])
    return told if len({one["of"] for one in context.figure["series"]}) == 1 else f"{own}, {told}"


def number(context: FigureContext, value: float | None, decimals: int = 3) -> str:
    """Return a number of the figure; a dash where there is none."""
    return "–" if value is None else decimal(value, decimals, context.locale)


def firms(context: FigureContext, one: Mapping[str, Any]) -> str:
    """Return the firms behind a point; withheld where their number is."""
    return context.words("suppressed") if one["n_firms"] is None else count(one["n_firms"], context.locale)


def span(context: FigureContext, one: Mapping[str, Any], low: str = "conf_low", high: str = "conf_high") -> str:
    """Return an interval as text; a dash where there is none."""
    if one[low] is None or one[high] is None:
        return "–"
    return f"{number(context, one[low])}; {number(context, one[high])}"


def with_frame(figure: Figure, context: FigureContext, notes: list[str], axes: Axes | None, columns: int = 3) -> None:
    """Put title, notes and source around a picture, and the legend of some axes, where they name anything, below."""
    handles, names = axes.get_legend_handles_labels() if axes is not None else ([], [])
    columns = min(columns, max(1, len(names)))
    below = frame(figure, context, notes, -(-len(names) // columns) if names else 0)
    if names:
        legend = figure.legend(handles, names, loc="lower center", bbox_to_anchor=(0.5, below), ncols=columns,
                               handlelength=1.6, borderaxespad=0.0)  # fmt: skip
        legend.set_in_layout(False)


def not_drawn(context: FigureContext) -> list[str]:
    """Return what the computation says of the figure, in the locale where it is known."""
    from reports.figures.sayings import said

    return [said(note, context) for note in context.figure["notes"]]
