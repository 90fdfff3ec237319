"""Gaps between distributions over quantiles: a line with its band, and the gap of the means as a dashed line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, frame, localise_ticks, look, wrapped
from reports.labels import Labels, within
from reports.numbers import count, decimal, symbols
from reports.table import colon
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

MARKERS = ("o", "s", "^", "D", "v", "P")
MOST_MARKED = 19
"""Points up to which each has its mark and whisker; of more a line and a band are drawn."""


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    of = dict.fromkeys(labels.column(one["outcome"]) for one in figure["series"])
    return f"{words('figure.gaps')}{colon(words.locale)}{', '.join(within(one) for one in of)}"


def _comparisons(figure: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the model and the group of every comparison, in their order."""
    return list(dict.fromkeys((one["of"], one["label"]) for one in figure["series"]))


def _name(context: FigureContext, of: str, label: str) -> str:
    """Return what a comparison is called: ``yes less no``, and the model's label where there are several."""
    series = context.figure["series"]
    base = next(one["base"] for one in series if one["of"] == of)
    level = context.labels.level
    told = context.words("figure.gap_of", label=level(label), base=level(base))
    if context.figure["by"]:
        told = f"{context.labels.column(context.figure['by'])}: {told}"
    several = len({one["of"] for one in series}) > 1
    return f"{context.labels.declared(of) or of}, {told}" if several else told


def draw(context: FigureContext) -> Figure:
    """Draw gaps over quantiles.

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

        drawn = _comparisons(context.figure)
        figure = Figure(figsize=(6.7, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0.0, color="#4a4a4a", linewidth=0.8)
        for number, (of, label) in enumerate(drawn):
            own = [one for one in context.figure["series"] if (one["of"], one["label"]) == (of, label)]
            _comparison(axes, own, number, len(drawn), _name(context, of, label))
        axes.set_xlim(0, 1)
        axes.set_xlabel(context.words("figure.quantile"))
        outcomes = list(dict.fromkeys(one["outcome"] for one in context.figure["series"]))
        of = ", ".join(within(context.labels.column(one)) for one in outcomes)
        axes.set_ylabel(wrapped(context.words("figure.gap_axis", of=of), 46, 2))
        axes.yaxis.grid(visible=True, color="#e4e4e2", linewidth=0.7)
        axes.set_axisbelow(True)
        localise_ticks(axes, context.locale)
        below = frame(figure, context, notes(context), len(drawn))
        handles, labels = axes.get_legend_handles_labels()
        legend = figure.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, below), ncols=1,
                               handlelength=2.2, borderaxespad=0.0)  # fmt: skip
        legend.set_in_layout(False)
        return figure


def _comparison(axes: Axes, series: Sequence[Mapping[str, Any]], number: int, several: int, name: str) -> None:
    paint, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    points = sorted((one for one in series if one["at"] is not None), key=lambda one: one["at"])
    missing = float("nan")
    at = [one["at"] for one in points]
    # A point that is not there breaks the line.
    values, low, high = (
        [missing if one[key] is None else one[key] for one in points] for key in ("estimate", "conf_low", "conf_high")
    )
    marked = len(points) <= MOST_MARKED
    axes.fill_between(at, low, high, color=paint, alpha=0.18 if several < 3 else 0.1, linewidth=0)
    axes.plot(at, values, color=paint, linewidth=1.6, marker=marker if marked else "", markersize=4.5,
              label=wrapped(name, 90, 1))  # fmt: skip
    for one in (one for one in series if one["at"] is None and one["estimate"] is not None):
        axes.axhline(one["estimate"], color=paint, linewidth=1.0, linestyle=(0, (5, 3)))


def _at(context: FigureContext, one: Mapping[str, Any]) -> str:
    if one["at"] is None:
        return context.words("figure.mean")
    return f"{one['at']:g}".replace(".", symbols(context.locale).decimal)


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        context.words(
            "figure.gap_point",
            group=_name(context, one["of"], one["label"]),
            at=_at(context, one),
            estimate=decimal(one["estimate"], 3, context.locale),
        )
        for one in context.figure["series"]
        if one["estimate"] is not None
    )
    return context.words("figure.gaps_alt", title=context.title, points=points)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the line: quantile, gap, interval, standard error, firms on the thinner side."""
    words, locale = context.words, context.locale
    several = len(_comparisons(context.figure)) > 1
    rows: list[tuple[str, ...]] = []
    for one in context.figure["series"]:
        named = (_name(context, one["of"], one["label"]),) if several else ()
        if one["estimate"] is None:
            rows.append((*named, _at(context, one), *[words("suppressed")] * 4))
            continue
        there = one["conf_low"] is not None
        rows.append((
            *named,
            _at(context, one),
            decimal(one["estimate"], 3, locale),
            f"{decimal(one['conf_low'], 3, locale)}; {decimal(one['conf_high'], 3, locale)}" if there else "–",
            decimal(one["std_error"], 3, locale) or "–",
            count(one["n_firms"], locale),
        ))  # fmt: skip
    keys = ("figure.quantile", "figure.gap", "interval", "shares.std_error", "figure.gap_firms")
    first = (words("figure.group"),) if several else ()
    return (*first, *(words(key) for key in keys)), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words, series = context.words, context.figure["series"]
    lines = [words("figure.gap_bands"), words("figure.gap_mean")]
    if any(one.get("suppressed") for one in series):
        lines.append(words("figure.gap_hidden", minimum=context.minimum_firms))
    return [*lines, *context.figure["notes"]]
