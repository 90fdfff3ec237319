"""The comparisons behind two-way fixed effects: each estimate with its weight, and their weighted sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, localise_ticks, look, wrapped
from reports.figures.estimates import MARKERS, labels_drawn, named, not_drawn, number, with_frame
from reports.labels import Labels
from reports.numbers import count, decimal
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

TYPES = {
    "treated vs never treated": "never",
    "earlier vs later treated": "later",
    "later vs earlier treated": "earlier",
    "later vs always treated": "always",
}

Series = Mapping[str, Any]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    return words("figure.bacon")


def draw(context: FigureContext) -> Figure:
    """Draw estimates over weights, a picture a model.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 cm wide.
    """
    with look():
        from matplotlib.figure import Figure

        names = labels_drawn(context)
        across = min(2, len(names))
        down = -(-len(names) // across)
        figure = Figure(figsize=(6.7, 0.8 + 2.8 * down), layout="constrained")
        every = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
        for axes, name in zip(every, names, strict=False):
            _scatter(axes, context, [one for one in context.figure["series"] if one["label"] == name])
            if len(names) > 1:
                axes.set_title(wrapped(named(context, name), 40, 1), loc="left", fontsize=9.5)
        for axes in every[len(names) :]:
            axes.set_visible(False)
        for axes in every[::across]:
            axes.set_ylabel(context.words("estimate"))
        _legend(every[0], context)
        with_frame(figure, context, notes(context), every[0], 2)
        return figure


def _types(context: FigureContext) -> list[str]:
    there = {one["type"] for one in context.figure["series"]}
    return [kind for kind in TYPES if kind in there]


def _scatter(axes: Axes, context: FigureContext, series: Sequence[Series]) -> None:
    shown = [one for one in series if one["estimate"] is not None]
    axes.axhline(0.0, color="#4a4a4a", linewidth=0.8)
    for place, kind in enumerate(TYPES):
        of = [one for one in shown if one["type"] == kind]
        paint = COLOURS[place]
        axes.plot([one["weight"] for one in of], [one["estimate"] for one in of], linestyle="none",
                  marker=MARKERS[place], markersize=6, markeredgecolor=paint, markeredgewidth=1.3,
                  markerfacecolor=paint if place == 0 else "white", zorder=3)  # fmt: skip
    if shown:
        average = shown[0]["average"]
        axes.axhline(average, color="#1b1b1b", linewidth=1.2, linestyle=(0, (6, 2)), zorder=2)
        axes.set_xlim(0, 1.12 * max(one["weight"] for one in shown))
        printed = decimal(average, 3, context.locale)
        axes.annotate(printed, (1, average), (-2, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
                      ha="right", fontsize=7.5)  # fmt: skip
        localise_ticks(axes, context.locale)
    else:
        axes.text(0.5, 0.55, context.words("suppressed"), transform=axes.transAxes, ha="center", color="#4a4a4a")
        axes.set_xticks([])
        if all(one["estimate"] is None for one in context.figure["series"]):
            axes.set_yticks([])
    axes.set_xlabel(context.words("figure.weight"))


def _legend(axes: Axes, context: FigureContext) -> None:
    """Name the kinds of all models, whichever the first has, and the line."""
    for place, kind in enumerate(TYPES):
        if kind in _types(context):
            paint = COLOURS[place]
            axes.plot([], [], linestyle="none", marker=MARKERS[place], markersize=6, markeredgecolor=paint,
                      markeredgewidth=1.3, markerfacecolor=paint if place == 0 else "white",
                      label=context.words(f"bacon.{TYPES[kind]}"))  # fmt: skip
    axes.plot(
        [], [], color="#1b1b1b", linewidth=1.2, linestyle=(0, (6, 2)), label=context.words("figure.bacon_average")
    )


def _group(context: FigureContext, name: str) -> str:
    return context.words.known(f"bacon.group.{name}") or name


def _name(context: FigureContext, one: Series) -> str:
    sides = [_group(context, one[key]) for key in ("treated", "control")]
    pair = context.words("bacon.pair", treated=sides[0], control=sides[1])
    return f"{named(context, one['label'])}, {pair}" if len(labels_drawn(context)) > 1 else pair


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        context.words(
            "figure.bacon_point", pair=_name(context, one), estimate=number(context, one["estimate"]),
            weight=number(context, one["weight"]),
        )
        for one in context.figure["series"]
        if one["estimate"] is not None
    )  # fmt: skip
    return context.words("figure.bacon_alt", title=context.title, points=points)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the comparisons: their kind, estimate, weight and firms."""
    words, rows = context.words, list[tuple[str, ...]]()
    for one in context.figure["series"]:
        kind = words(f"bacon.{TYPES[one['type']]}")
        if one["estimate"] is None:
            rows.append((_name(context, one), kind, *[words("suppressed")] * 3))
            continue
        firms = f"{count(one['n_treated_firms'], context.locale)} / {count(one['n_control_firms'], context.locale)}"
        rows.append(
            (_name(context, one), kind, number(context, one["estimate"]), number(context, one["weight"]), firms)
        )
    keys = ("figure.comparison", "figure.kind", "estimate", "figure.weight", "sides")
    return tuple(words(key) for key in keys), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words = context.words
    lines = [words("figure.bacon_note")]
    if any(one.get("suppressed") for one in context.figure["series"]):
        lines.append(words("figure.suppressed_beside", minimum=context.minimum_firms))
    return [*lines, *not_drawn(context)]
