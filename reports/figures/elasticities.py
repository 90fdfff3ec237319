"""Output elasticities by group: a dot and its 95 per cent interval, a panel an input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import (
    COLOURS,
    FigureContext,
    columns_drawn,
    frame,
    localise_ticks,
    look,
    wrapped,
)
from reports.figures.sayings import methods_of, said
from reports.figures.units import name_of
from reports.labels import Labels
from reports.numbers import count, decimal
from reports.standing import rung_text
from reports.table import colon
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

#: Shapes, filled and open by turns: told apart without colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
ROOM = 0.7
"""Of the height of a group that its points fill."""


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    names = columns_drawn(figure)
    of = ", ".join(labels.column(name) if len(names) == 1 else labels.declared(name) or name for name in names)
    return f"{words('figure.elasticities')}{colon(words.locale)}{of}"


def draw(context: FigureContext) -> Figure:
    """Draw the points of each input beside each other, the groups from the top down.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 cm wide, as high as its groups need.
    """
    with look():
        from matplotlib.figure import Figure

        levels, inputs = _levels(context), _inputs(context)
        entries = columns_drawn(context.figure)
        lines = sum(0.12 + 0.15 * len(_entries_at(context, level)) for level in levels)
        height = 1.3 + lines
        figure = Figure(figsize=(6.7, max(2.0, height)), layout="constrained")
        axes = figure.subplots(1, max(1, len(inputs)), sharey=True, squeeze=False)[0]
        for here, name in zip(axes, inputs, strict=False):
            _panel(here, context, name, levels)
            localise_ticks(here, context.locale, "x")
        if levels:
            axes[0].set_yticks(range(len(levels)), [_tick(context, level) for level in levels])
            axes[0].set_ylim(len(levels) - 0.5, -0.5)
        named = len(entries) > 1 and bool(inputs) and not _alone(context)
        columns = min(3, len(entries))
        below = frame(figure, context, notes(context), -(-len(entries) // columns) if named else 0)
        if named:
            handles, names = axes[0].get_legend_handles_labels()
            legend = figure.legend(handles, names, loc="lower center", bbox_to_anchor=(0.5, below), ncols=columns,
                                   handlelength=1.6, borderaxespad=0.0)  # fmt: skip
            legend.set_in_layout(False)
        axes[0].set_ylabel(wrapped(_of_levels(context), 40, 1))
        return figure


def _of_levels(context: FigureContext) -> str:
    """Return what the groups are levels of; empty where the entries stand in their place."""
    by = context.figure["by"]
    if _alone(context):
        return ""
    if by:
        return context.labels.column(by)
    found: dict[str, None] = {}
    for name in columns_drawn(context.figure):
        for group in (context.productivity.get(name) or {"groups": []})["groups"]:
            found |= dict.fromkeys(group["group"] or ())
    return " × ".join(context.labels.column(one) for one in found)


def _panel(axes: Axes, context: FigureContext, name: str, levels: list[str]) -> None:
    axes.set_title(wrapped(context.labels.column(name), 40, 1), loc="left", fontsize=9.5)
    for place in range(1, len(levels), 2):
        axes.axhspan(place - 0.5, place + 0.5, color="#f2f2f0", linewidth=0, zorder=0)
    for number, entry in enumerate(columns_drawn(context.figure)):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        points = [one for one in _shown(context) if one["of"] == entry and one["input"] == name]
        heights = [levels.index(_level_of(context, one)) + _shift(context, one) for one in points]
        for one, height in zip(points, heights, strict=True):
            if one["conf_low"] is not None:
                ends = [one["conf_low"], one["conf_high"]]
                axes.plot(ends, [height, height], color=colour, linewidth=1.4, zorder=2)
                axes.plot(ends, [height, height], color=colour, linestyle="none", marker="|", markersize=7)
        axes.plot(
            [one["estimate"] for one in points],
            heights,
            linestyle="none",
            marker=marker,
            markersize=5.2,
            markeredgecolor=colour,
            markerfacecolor="white" if number % 2 else colour,
            markeredgewidth=1.3,
            label=wrapped(name_of(context, entry), 60, 1),
            zorder=3,
        )
        for one, height in zip(points, heights, strict=True):
            if _pooled(one) and not _all_pooled(context, _level_of(context, one)):
                axes.annotate("*", (one["estimate"], height), (4, 1), textcoords="offset points", color=colour)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel(context.words("figure.elasticity"))
    low, high = axes.get_xlim()
    if low < 0 < high:
        axes.axvline(0, color="#4a4a4a", linewidth=0.8, linestyle=":", zorder=1)


def _entries_at(context: FigureContext, level: str) -> list[str]:
    return list(dict.fromkeys(one["of"] for one in _shown(context) if _level_of(context, one) == level))


def _shift(context: FigureContext, one: Mapping[str, Any]) -> float:
    """Return how far from the middle of its group a point stands."""
    there = _entries_at(context, _level_of(context, one))
    return ROOM * ((there.index(one["of"]) + 0.5) / len(there) - 0.5)


def _pooled(one: Mapping[str, Any]) -> bool:
    return "pooled over" in one["rung"]


def _all_pooled(context: FigureContext, level: str) -> bool:
    """Return whether the mark can stand at the group: else it stands at those of its points that it is true of."""
    return all(_pooled(one) for one in _shown(context) if _level_of(context, one) == level)


def _shown(context: FigureContext) -> list[Mapping[str, Any]]:
    return [one for one in context.figure["series"] if one["estimate"] is not None]


def _alone(context: FigureContext) -> bool:
    """Return whether there is nothing but one estimate an entry: the entries then stand where groups would."""
    return all(not one["label"] for one in _shown(context))


def _level_of(context: FigureContext, one: Mapping[str, Any]) -> str:
    return str(one["of"] if _alone(context) else one["label"])


def _levels(context: FigureContext) -> list[str]:
    return list(dict.fromkeys(_level_of(context, one) for one in _shown(context)))


def _inputs(context: FigureContext) -> list[str]:
    return list(dict.fromkeys(one["input"] for one in _shown(context)))


def _tick(context: FigureContext, level: str) -> str:
    pooled = _all_pooled(context, level)
    name = name_of(context, level) if _alone(context) else _level(context, level)
    return wrapped(name, 34, 1) + (" *" if pooled else "")


def _level(context: FigureContext, level: str) -> str:
    if not level:
        return context.words("page.all")
    by = context.figure["by"]
    answer = {"0": "no", "1": "yes"}.get(level) if by else None
    return f"{context.labels.column(by)}{colon(context.locale)}{context.words(answer)}" if answer else level


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        context.words(
            "figure.elasticity_point",
            input=context.labels.column(one["input"]),
            group=_full(context, one),
            estimate=decimal(one["estimate"], 3, context.locale),
        )
        for one in _shown(context)
    )
    return context.words("figure.elasticities_alt", title=context.title, points=points)


def _full(context: FigureContext, one: Mapping[str, Any]) -> str:
    several = len(columns_drawn(context.figure)) > 1
    level = _level(context, one["label"])
    return f"{name_of(context, one['of'])}, {level}" if several else level


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the points: a line a group, with the estimate and the interval of each input."""
    words, locale, series = context.words, context.locale, context.figure["series"]
    inputs = list(dict.fromkeys(one["input"] for one in series))
    rungs = any(one["rung"] for one in series)
    names = (f"{context.labels.column(name)} [{words('interval')}]" for name in inputs)
    rest = (*(("rung",) if rungs else ()), "observations", "firms")
    headings = (words("figure.group"), *names, *(words(key) for key in rest))
    lines: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for one in series:
        lines.setdefault((one["of"], one["label"]), {})[one["input"]] = one
    hidden, rows = words("suppressed"), []
    for found in lines.values():
        one = next(iter(found.values()))
        sizes = (count(one["n_obs"], locale), count(one["n_firms"], locale))
        rows.append((
            _full(context, one),
            *(_estimate(found.get(name), hidden, locale) for name in inputs),
            *((rung_text(context, one["rung"]),) if rungs else ()),
            *(size or hidden for size in sizes),
        ))  # fmt: skip
    return headings, rows


def _estimate(one: Mapping[str, Any] | None, hidden: str, locale: str) -> str:
    if one is None:
        return ""
    if one.get("suppressed"):
        return hidden
    estimate = decimal(one["estimate"], 3, locale)
    if one["conf_low"] is None:
        return estimate
    return f"{estimate} [{decimal(one['conf_low'], 3, locale)}; {decimal(one['conf_high'], 3, locale)}]"


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    lines = [context.words("figure.whiskers"), *methods_of(context)]
    if any(_pooled(one) for one in _shown(context)):
        lines.append(context.words("figure.pooled"))
    if context.figure["where"]:
        lines.append(context.words("figure.where", where=context.figure["where"]))
    hidden = dict.fromkeys(_full(context, one) for one in context.figure["series"] if one.get("suppressed"))
    lines += [context.words("figure.suppressed", group=group, minimum=context.minimum_firms) + "." for group in hidden]
    return [*lines, *(said(note, context) for note in context.figure["notes"])]
