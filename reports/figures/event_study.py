"""Effects before and after treatment: points with their intervals, the band around all of them, and unsure years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, frame, localise_ticks, look, wrapped
from reports.figures.estimates import firms
from reports.labels import Labels
from reports.numbers import decimal
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

MARKERS = ("o", "s", "^", "D", "v", "P")
SPREAD = 0.5
"""Of a unit of time over which points of several estimates stand side by side."""


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    return words("figure.effects_by_year" if _years(figure) else "figure.effects")


def _years(figure: Mapping[str, Any]) -> bool:
    return any(one["scale"] == "year" for one in figure["series"])


def _drawn(figure: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(one["label"] for one in figure["series"]))


def draw(context: FigureContext) -> Figure:
    """Draw effects over time.

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

        names, series = _drawn(context.figure), context.figure["series"]
        figure = Figure(figsize=(6.7, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0.0, color="#4a4a4a", linewidth=0.8)
        _unsure(axes, context)
        for number, name in enumerate(names):
            shift = SPREAD * ((number + 0.5) / len(names) - 0.5) if len(names) > 1 else 0.0
            _points(axes, [one for one in series if one["label"] == name], number, shift, _named(context, name))
        times = sorted({one["at"] for one in series})
        axes.set_xticks(range(times[0], times[-1] + 1))
        axes.set_xlabel(context.words("figure.year" if _years(context.figure) else "factor.event"))
        axes.set_ylabel(context.words("factor.att"))
        axes.yaxis.grid(visible=True, color="#e4e4e2", linewidth=0.7)
        axes.set_axisbelow(True)
        localise_ticks(axes, context.locale, "y")
        columns = min(3, len(names))
        below = frame(figure, context, notes(context), -(-len(names) // columns) if len(names) > 1 else 0)
        if len(names) > 1:
            handles, labels = axes.get_legend_handles_labels()
            legend = figure.legend(handles, labels, loc="lower center", bbox_to_anchor=(0.5, below), ncols=columns,
                                   handlelength=1.6, borderaxespad=0.0)  # fmt: skip
            legend.set_in_layout(False)
        return figure


def _unsure(axes: Axes, context: FigureContext) -> None:
    """Shade the years in which it is not known who was treated; else mark where treatment begins."""
    spans = {
        (one["unsure_from"], one["unsure_to"]) for one in context.figure["series"] if one["unsure_from"] is not None
    }
    for first, last in sorted(spans):
        axes.axvspan(first - 0.5, last + 0.5, color="#ececea", zorder=0)
    if not spans and not _years(context.figure):
        axes.axvline(-0.5, color="#4a4a4a", linewidth=0.8, linestyle=(0, (4, 3)))


def _points(axes: Axes, series: Sequence[Mapping[str, Any]], number: int, shift: float, name: str) -> None:
    paint, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    shown = [one for one in series if one["estimate"] is not None]
    told = False
    for one in shown:
        at = one["at"] + shift
        if one["band_low"] is not None:
            axes.plot([at, at], [one["band_low"], one["band_high"]], color=paint, linewidth=3.5, alpha=0.28,
                      solid_capstyle="butt")  # fmt: skip
        if one["conf_low"] is not None:
            axes.plot([at, at], [one["conf_low"], one["conf_high"]], color=paint, linewidth=1.2)
        reference = one["term"] == "reference"
        axes.plot([at], [one["estimate"]], linestyle="none", marker=marker, markersize=5, color=paint,
                  markerfacecolor="white" if reference else paint,
                  label="" if told or reference else wrapped(name, 50, 1))  # fmt: skip
        told = told or not reference


def _named(context: FigureContext, label: str) -> str:
    """Return what an estimate is called: the model's label, and the estimator's name."""
    model, _, estimator = label.partition(", ")
    own = context.labels.declared(model) or model
    if not estimator:
        return own
    told = context.words.known(f"estimator.{estimator}") or estimator
    return told if len({one["of"] for one in context.figure["series"]}) == 1 else f"{own}, {told}"


def _full(context: FigureContext, one: Mapping[str, Any]) -> str:
    names = _drawn(context.figure)
    when = str(one["at"]).replace("-", "−")
    return f"{_named(context, one['label'])}, {when}" if len(names) > 1 else when


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    points = "; ".join(
        context.words(
            "figure.effect_point", at=_full(context, one), estimate=decimal(one["estimate"], 3, context.locale)
        )
        for one in context.figure["series"]
        if one["estimate"] is not None
    )
    return context.words("figure.effects_alt", title=context.title, points=points)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the points: effect, interval, band, standard error, treated firms."""
    words, locale = context.words, context.locale
    rows: list[tuple[str, ...]] = []

    def span(one: Mapping[str, Any], low: str, high: str) -> str:
        if one[low] is None:
            return "–"
        return f"{decimal(one[low], 3, locale)}; {decimal(one[high], 3, locale)}"

    for one in context.figure["series"]:
        if one["estimate"] is None:
            rows.append((_full(context, one), *[words("suppressed")] * 5))
            continue
        reference = one["term"] == "reference"
        rows.append((
            _full(context, one),
            words("figure.reference") if reference else decimal(one["estimate"], 3, locale),
            span(one, "conf_low", "conf_high"),
            span(one, "band_low", "band_high"),
            "–" if one["std_error"] is None else decimal(one["std_error"], 3, locale),
            "–" if reference else firms(context, one),
        ))  # fmt: skip
    when = "figure.year" if _years(context.figure) else "factor.event"
    return tuple(words(key) for key in (when, "factor.att", "interval", "figure.band", "shares.std_error",
                                        "figure.treated_firms")), rows  # fmt: skip


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words, series = context.words, context.figure["series"]
    lines = [words("figure.whiskers")]
    if any(one["band_low"] is not None for one in series):
        lines.append(words("figure.band_note"))
    if any(one["unsure_from"] is not None for one in series):
        lines.append(words("figure.unsure"))
    lines.append(words("figure.hollow"))
    if any(one.get("suppressed") for one in series):
        lines.append(words("figure.some_suppressed", minimum=context.minimum_firms))
    return [*lines, *context.figure["notes"]]
