"""Coefficients of models beside each other: points with their 95 per cent intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, localise_ticks, look, wrapped
from reports.figures.estimates import MARKERS, firms, labels_drawn, named, not_drawn, number, span, with_frame
from reports.labels import Labels
from reports.numbers import p_value
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

ROOM = 0.7
"""Of the height of a line over which its points are spread."""

Series = Mapping[str, Any]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    terms = {(one["term"], one["design"]) for one in figure["series"]}
    if len({term for term, _ in terms}) > 1:
        return words("figure.coefficients")
    return labels.term(*next(iter(terms))).full(words.locale)


def draw(context: FigureContext) -> Figure:
    """Draw a line for every term with a point for every estimate; of one term, a line for every estimate.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 cm wide, as high as its lines need.
    """
    with look():
        from matplotlib.figure import Figure

        names, lines = labels_drawn(context), _lines(context)
        several = not _one_term(context) and len(names) > 1
        height = 1.2 + len(lines) * (max(0.26, 0.15 * len(names)) if several else 0.26)
        figure = Figure(figsize=(6.7, max(2.0, height)), layout="constrained")
        axes = figure.subplots()
        for place in range(1, len(lines), 2):
            axes.axhspan(place - 0.5, place + 0.5, color="#f2f2f0", linewidth=0, zorder=0)
        axes.axvline(0.0, color="#4a4a4a", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        for place, name in enumerate(names):
            shift = ROOM * ((place + 0.5) / len(names) - 0.5) if several else 0.0
            of = [one for one in context.figure["series"] if one["label"] == name]
            _points(axes, context, of, place if several else 0, shift, named(context, name) if several else "")
        axes.set_yticks(range(len(lines)), [wrapped(_line_name(context, one), 38, 2) for one in lines])
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(context.words("estimate"))
        axes.xaxis.grid(visible=True, color="#e4e4e2", linewidth=0.7)
        axes.set_axisbelow(True)
        localise_ticks(axes, context.locale, "x")
        with_frame(figure, context, notes(context), axes)
        return figure


def _one_term(context: FigureContext) -> bool:
    return len({one["term"] for one in context.figure["series"]}) == 1


def _key(context: FigureContext) -> str:
    """Return what stands down the axis: terms, or the estimates of the only term."""
    return "label" if _one_term(context) else "term"


def _lines(context: FigureContext) -> list[str]:
    return list(dict.fromkeys(one[_key(context)] for one in context.figure["series"]))


def _line_name(context: FigureContext, line: str) -> str:
    return named(context, line) if _one_term(context) else _term(context, line)


def _term(context: FigureContext, term: str) -> str:
    design = next(one["design"] for one in context.figure["series"] if one["term"] == term)
    return context.labels.term(term, design).full(context.locale)


def _points(axes: Axes, context: FigureContext, series: Sequence[Series], place: int, shift: float, name: str) -> None:
    lines, key = _lines(context), _key(context)
    paint, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    told = False
    for one in series:
        height = lines.index(one[key]) + shift
        if one["estimate"] is None:
            axes.annotate(context.words("suppressed"), (0, height), (4, 0), textcoords="offset points", va="center",
                          fontsize=7.5, color="#4a4a4a")  # fmt: skip
            continue
        if one["conf_low"] is not None:
            ends = [one["conf_low"], one["conf_high"]]
            axes.plot(ends, [height, height], color=paint, linewidth=1.4, zorder=2)
            axes.plot(ends, [height, height], color=paint, linestyle="none", marker="|", markersize=6, zorder=2)
        axes.plot([one["estimate"]], [height], linestyle="none", marker=marker, markersize=5.2, markeredgecolor=paint,
                  markerfacecolor="white" if place % 2 else paint, markeredgewidth=1.3, zorder=3,
                  label=wrapped(name, 50, 1) if name and not told else "")  # fmt: skip
        told = True


def _full(context: FigureContext, one: Series) -> str:
    """Return a point's name: what tells it from the others."""
    if _one_term(context):
        return named(context, one["label"])
    term = _term(context, one["term"])
    return f"{named(context, one['label'])}, {term}" if len(labels_drawn(context)) > 1 else term


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        context.words("figure.effect_point", at=_full(context, one), estimate=number(context, one["estimate"]))
        for one in context.figure["series"]
        if one["estimate"] is not None
    )
    return context.words("figure.effects_alt", title=context.title, points=points)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the points: estimate, interval, standard error, p-value, firms."""
    words, rows = context.words, list[tuple[str, ...]]()
    for one in context.figure["series"]:
        if one["estimate"] is None:
            rows.append((_full(context, one), *[words("suppressed")] * 5))
            continue
        p = "–" if one["p_value"] is None else p_value(one["p_value"], context.locale)
        rows.append((
            _full(context, one), number(context, one["estimate"]), span(context, one),
            number(context, one["std_error"]), p, firms(context, one),
        ))  # fmt: skip
    keys = ("figure.estimate", "estimate", "interval", "shares.std_error", "p_value", "firms")
    return tuple(words(key) for key in keys), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words = context.words
    lines = [words("figure.whiskers")]
    if any(one.get("suppressed") for one in context.figure["series"]):
        lines.append(words("figure.suppressed_beside", minimum=context.minimum_firms))
    return [*lines, *not_drawn(context)]
