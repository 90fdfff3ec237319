"""Intervals of an effect by how far trends may part, after the model's own interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, localise_ticks, look, wrapped
from reports.figures.estimates import labels_drawn, named, not_drawn, number, span, with_frame
from reports.labels import Labels
from reports.numbers import count
from reports.table import colon
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

OWN = 0.22
"""How far left of zero the model's own interval stands, as a share of the largest bound."""

Series = Mapping[str, Any]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    return words("figure.honest")


def draw(context: FigureContext) -> Figure:
    """Draw intervals over bounds, a picture a model and restriction.

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

        pictures = _pictures(context)
        across = min(2, len(pictures))
        down = -(-len(pictures) // across)
        figure = Figure(figsize=(6.7, 0.7 + 2.7 * down), layout="constrained")
        every = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
        for axes, (label, restriction) in zip(every, pictures, strict=False):
            _intervals(axes, context, _of(context, label, restriction))
            told = context.words(f"figure.bound_{restriction}")
            axes.set_xlabel(wrapped(told, 84 if across == 1 else 38, 2))
            if heading := _heading(context, label, restriction):
                axes.set_title(wrapped(heading, 44, 1), loc="left", fontsize=9.5)
        for axes in every[len(pictures) :]:
            axes.set_visible(False)
        for axes in every[::across]:
            terms = _terms(context)
            axes.set_ylabel(_effect(context, terms[0]) if len(terms) == 1 else context.words("factor.att"))
            localise_ticks(axes, context.locale, "y")
        with_frame(figure, context, notes(context), None)
        return figure


def _terms(context: FigureContext) -> list[str]:
    return list(dict.fromkeys(one["term"] for one in context.figure["series"]))


def _heading(context: FigureContext, label: str, restriction: str) -> str:
    """Return what tells a picture from the others: its model, and the effect where they are of several."""
    told = [named(context, label)] if len(labels_drawn(context)) > 1 else []
    if len(_terms(context)) > 1:
        told.append(_effect(context, _of(context, label, restriction)[0]["term"]))
    return colon(context.locale).join(told)


def _effect(context: FigureContext, term: str) -> str:
    """Return what the intervals are of."""
    if not term.startswith("event"):
        return context.words("factor.att")
    return context.words("figure.effect_at", at=term[6:-1].replace("-", "−"))


def _pictures(context: FigureContext) -> list[tuple[str, str]]:
    return list(dict.fromkeys((one["label"], one["restriction"]) for one in context.figure["series"]))


def _of(context: FigureContext, label: str, restriction: str) -> list[Series]:
    return [one for one in context.figure["series"] if (one["label"], one["restriction"]) == (label, restriction)]


def _intervals(axes: Axes, context: FigureContext, series: Sequence[Series]) -> None:
    bounds = [one["bound"] for one in series if one["bound"] is not None]
    largest = max(bounds, default=0.0) or 1.0
    axes.axhline(0.0, color="#4a4a4a", linewidth=0.8)
    own = -OWN * largest
    for one in series:
        at = own if one["bound"] is None else one["bound"]
        if one["estimate"] is None:
            axes.annotate(context.words("suppressed"), (at, 0.0), (0, 4), textcoords="offset points", ha="center",
                          fontsize=7.5, color="#4a4a4a")  # fmt: skip
            continue
        if one["conf_low"] is None:
            # The estimates before treatment contradict the restriction.
            axes.plot([at], [0.0], linestyle="none", marker="x", markersize=6, color=COLOURS[1])
            continue
        paint = "#1b1b1b" if one["bound"] is None else COLOURS[0]
        ends = [one["conf_low"], one["conf_high"]]
        axes.plot([at, at], ends, color=paint, linewidth=1.8)
        axes.plot([at, at], ends, color=paint, linestyle="none", marker="_", markersize=9, markeredgewidth=1.5)
        if one["bound"] is None:
            axes.plot([at], [one["estimate"]], linestyle="none", marker="o", markersize=5.5, color=paint)
    breakdown = series[0]["breakdown"]
    if breakdown is not None and breakdown <= 1.05 * largest:
        axes.axvline(breakdown, color=COLOURS[1], linewidth=1.2, linestyle=(0, (2, 1.5)))
        told_at = _short(context, float(f"{breakdown:.2g}"))
        axes.annotate(told_at, (breakdown, 1), (3, -2), xycoords=("data", "axes fraction"),
                      textcoords="offset points", va="top", fontsize=7.5, color="#8a3d00")  # fmt: skip
    axes.set_xlim(own - 0.5 * OWN * largest, 1.08 * largest)
    decimals = max((len(f"{bound:.6f}".rstrip("0").partition(".")[2]) for bound in bounds), default=0)
    told = [number(context, bound, decimals) for bound in bounds]
    axes.set_xticks([own, *bounds], [context.words("figure.own"), *told])
    axes.yaxis.grid(visible=True, color="#e4e4e2", linewidth=0.7)
    axes.set_axisbelow(True)


def _bound(context: FigureContext, one: Series) -> str:
    """Return what an interval allows."""
    words = context.words
    if one["bound"] is None:
        told = words("figure.parallel")
    else:
        told = words(f"figure.allows_{one['restriction']}", bound=_short(context, one["bound"]))
    return f"{named(context, one['label'])}, {told}" if len(labels_drawn(context)) > 1 else told


def _short(context: FigureContext, bound: float) -> str:
    return number(context, bound, len(f"{bound:.6f}".rstrip("0").partition(".")[2]))


def _interval(context: FigureContext, one: Series) -> str:
    if one["estimate"] is None:
        return context.words("suppressed")
    return context.words("figure.no_value") if one["conf_low"] is None else span(context, one)


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        f"{_bound(context, one)}{colon(context.locale)}{_interval(context, one)}"
        for one in context.figure["series"]
        if one["estimate"] is not None
    )
    return context.words("figure.honest_alt", title=context.title, points=points)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the intervals, and the firms behind them; the model's own once."""
    words, rows = context.words, list[tuple[str, ...]]()
    for one in context.figure["series"]:
        firms = words("suppressed") if one["n_firms"] is None else count(one["n_firms"], context.locale)
        row = (_bound(context, one), _interval(context, one), firms)
        if row not in rows:
            rows.append(row)
    return tuple(words(key) for key in ("figure.trends", "interval", "figure.treated_firms")), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure: the breakdown values."""
    words, series = context.words, context.figure["series"]
    lines = [words("figure.honest_note")]
    for label, restriction in _pictures(context):
        one = _of(context, label, restriction)[0]
        if one["breakdown"] is None:
            continue
        told = words(f"figure.breakdown_{restriction}", bound=_short(context, float(f"{one['breakdown']:.3g}")))
        lines.append(
            f"{named(context, label)}{colon(context.locale)}{told}" if len(labels_drawn(context)) > 1 else told
        )
    if any(one["estimate"] is not None and one["conf_low"] is None for one in series):
        lines.append(words("figure.rejected"))
    if any(one.get("suppressed") for one in series):
        lines.append(words("figure.suppressed_beside", minimum=context.minimum_firms))
    return [*lines, *not_drawn(context)]
