"""Shares of firms as horizontal bars with their 95 per cent intervals: by item, or by the cells of a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, columns_drawn, frame, localise_ticks, look, wrapped
from reports.labels import Labels, within
from reports.numbers import count, decimal
from reports.table import colon
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

HATCHES = ("", "////", "....", "xxxx", "----", "\\\\\\\\", "++++")
"""Told apart without colour."""
BAR = 0.17
"""Inches that a bar takes."""
ROOM = 0.78
"""Of the height of a group that its bars fill."""
NUMBERED = 14
"""Bars that still have their number beside them."""

Series = Mapping[str, Any]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    items = list(dict.fromkeys(one["item"] for one in figure["series"]))
    what = labels.column(items[0]) if len(items) == 1 else words("figure.shares")
    if not figure["by"]:
        return what
    return words("shares.by", item=what, by=within(labels.column(figure["by"])))


def draw(context: FigureContext) -> Figure:
    """Draw a group of bars for every category, from the top down.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 cm wide, as high as its bars need.
    """
    with look():
        from matplotlib.figure import Figure

        down, across = _axes_of(context)
        series = context.figure["series"]
        groups, colours = _distinct(series, down), _distinct(series, across)
        height = 1.3 + len(groups) * max(0.24, BAR * len(colours) / ROOM)
        figure = Figure(figsize=(6.7, max(2.0, height)), layout="constrained")
        axes = figure.subplots()
        for number, colour in enumerate(colours):
            _bars(axes, context, groups, down, across, number, colour, len(colours))
        axes.set_yticks(range(len(groups)), [wrapped(_named(context, down, one), 34, 2) for one in groups])
        axes.set_ylim(len(groups) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        # Room for the numbers beside the bars.
        axes.set_xlim(0, axes.get_xlim()[1] * (1.05 if len(groups) * len(colours) <= NUMBERED else 1.0))
        axes.set_xlabel(context.words("figure.share"))
        axes.xaxis.grid(visible=True, color="#e4e4e2", linewidth=0.7)
        axes.set_axisbelow(True)
        localise_ticks(axes, context.locale, "x")
        columns = min(3, len(colours))
        named = len(colours) > 1
        below = frame(figure, context, notes(context), -(-len(colours) // columns) if named else 0)
        if named:
            handles, names = axes.get_legend_handles_labels()
            legend = figure.legend(handles, names, loc="lower center", bbox_to_anchor=(0.5, below), ncols=columns,
                                   handlelength=1.6, borderaxespad=0.0)  # fmt: skip
            legend.set_in_layout(False)
        return figure


def _axes_of(context: FigureContext) -> tuple[str, str]:
    """Return what stands down the axis and what the colours are: items, cells (`label`) or models (`of`)."""
    series = context.figure["series"]
    items, levels = len(_distinct(series, "item")), len(_distinct(series, "label"))
    if len(columns_drawn(context.figure)) > 1:
        return ("label" if levels > 1 else "item"), "of"
    if items == 1 or levels == 1:
        return ("label", "item") if items == 1 and context.figure["by"] else ("item", "label")
    # The fewer are the colours.
    return ("item", "label") if levels <= items else ("label", "item")


def _distinct(series: Sequence[Series], key: str) -> list[str]:
    return list(dict.fromkeys(one[key] for one in series))


def _bars(
    axes: Axes, context: FigureContext, groups: list[str], down: str, across: str, number: int, colour: str, of: int
) -> None:
    paint, thick = COLOURS[number % len(COLOURS)], ROOM / of
    shown = [one for one in context.figure["series"] if one[across] == colour and one["estimate"] is not None]
    heights = [groups.index(one[down]) + ROOM * ((number + 0.5) / of - 0.5) for one in shown]
    values = [100 * one["estimate"] for one in shown]
    axes.barh(
        heights, values, height=0.92 * thick, color=paint, alpha=0.55, edgecolor=paint, linewidth=0.8,
        hatch=HATCHES[number % len(HATCHES)] if of > 1 else "", label=wrapped(_named(context, across, colour), 50, 1),
    )  # fmt: skip
    numbered = len(groups) * of <= NUMBERED
    for one, height, value in zip(shown, heights, values, strict=True):
        end = value
        if one["conf_low"] is not None:
            low, end = 100 * one["conf_low"], 100 * one["conf_high"]
            axes.plot([low, end], [height, height], color="#1b1b1b", linewidth=1.0)
            axes.plot([low, end], [height, height], color="#1b1b1b", linestyle="none", marker="|", markersize=4)
        if numbered:
            printed = decimal(value, 1, context.locale)
            axes.annotate(printed, (end, height), (4, 0), textcoords="offset points", va="center", fontsize=7.5)
    hidden = [one for one in context.figure["series"] if one[across] == colour and one["estimate"] is None]
    for one in hidden:
        height = groups.index(one[down]) + ROOM * ((number + 0.5) / of - 0.5)
        axes.annotate(context.words("suppressed"), (0, height), (4, 0), textcoords="offset points", va="center",
                      fontsize=7.5, color="#4a4a4a")  # fmt: skip


def _named(context: FigureContext, key: str, value: str) -> str:
    """Return what an item, a level or a model is called."""
    if key == "item":
        return context.labels.column(value)
    if key == "of":
        return context.labels.declared(value) or value
    by = context.figure["by"]
    if not by:
        return context.words("page.all")
    level = context.labels.level(value)
    return level if level == value else f"{context.labels.column(by)}{colon(context.locale)}{level}"


def _full(context: FigureContext, one: Series) -> str:
    """Return a bar's name: what tells it from the others."""
    series = context.figure["series"]
    keys = [key for key in ("of", "item", "label") if len(_distinct(series, key)) > 1]
    return ", ".join(_named(context, key, one[key]) for key in keys or ["item"])


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        context.words(
            "figure.shares_point", group=_full(context, one), estimate=decimal(100 * one["estimate"], 1, context.locale)
        )
        for one in context.figure["series"]
        if one["estimate"] is not None
    )
    return context.words("figure.shares_alt", title=context.title, points=points)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the bars: share, interval, standard error, respondents."""
    words, locale = context.words, context.locale
    of = ("figure.group", "shares.estimate", "interval", "shares.std_error", "shares.n_firms")
    rows: list[tuple[str, ...]] = []
    for one in context.figure["series"]:
        if one["estimate"] is None:
            rows.append((_full(context, one), *[words("suppressed")] * 4))
            continue
        low, high = (
            None if one[key] is None else decimal(100 * one[key], 1, locale) for key in ("conf_low", "conf_high")
        )
        error = None if one["std_error"] is None else 100 * one["std_error"]
        rows.append((
            _full(context, one),
            decimal(100 * one["estimate"], 1, locale),
            "–" if low is None else f"{low}; {high}",
            decimal(error, 1, locale) or "–",
            count(one["n_firms"], locale),
        ))  # fmt: skip
    return tuple(words(key) for key in of), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words = context.words
    lines = [words("figure.shares_whiskers")]
    for note in context.figure["notes"]:
        kind, _, what = note.partition(" ")
        if kind == "base":
            lines.append(words("figure.shares_base", base=words(f"shares.base.{what}")))
        elif kind == "weights":
            lines.append(words("figure.shares_weighted", weights=context.labels.column(what)))
        elif note == "no weights":
            lines.append(words("figure.shares_unweighted"))
        else:
            lines.append(note)
    if any(one.get("suppressed") for one in context.figure["series"]):
        lines.append(words("note.suppressed_shares", minimum=context.minimum_firms))
    return lines
