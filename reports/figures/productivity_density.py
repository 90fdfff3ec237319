"""The density of productivity by group, as in figure 9 of the High Council for Employment (2026)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import (
    COLOURS,
    DASHES,
    FigureContext,
    columns_drawn,
    frame,
    localise_ticks,
    look,
    wrapped,
)
from reports.figures.sayings import said
from reports.figures.units import name_of, quantity_label, unit_of
from reports.labels import Labels
from reports.numbers import count, decimal
from reports.table import colon
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    names = columns_drawn(figure)
    of = ", ".join(labels.column(name) if len(names) == 1 else labels.declared(name) or name for name in names)
    return f"{words('figure.density')}{colon(words.locale)}{of}"


def draw(context: FigureContext) -> Figure:
    """Draw one curve a group, its mean as a dotted line.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 by 11 cm; higher where columns of different units have panels of their own.
    """
    with look():
        from matplotlib.figure import Figure

        panels = _panels(context)
        height = 4.4 if len(panels) < 2 else 0.6 + 2.4 * len(panels)
        figure = Figure(figsize=(6.7, height), layout="constrained")
        # Columns of different units share no axis.
        for axes, shown in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            _panel(axes, context, shown)
        frame(figure, context, notes(context))
        return figure


def _panels(context: FigureContext) -> list[list[Mapping[str, Any]]]:
    """Return the curves of each unit; one empty panel where none is shown."""
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for series in context.figure["series"]:
        if series["grid"]:
            found.setdefault(unit_of(context, series["of"]), []).append(series)
    return list(found.values()) or [[]]


def _panel(axes: Axes, context: FigureContext, shown: list[Mapping[str, Any]]) -> None:
    for place, series in enumerate(shown):
        _curve(axes, context, series, COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)])
    axes.set_ylim(bottom=0)
    measured = dict.fromkeys(quantity_label(context, series["of"]) for series in shown)
    axes.set_xlabel(wrapped("; ".join(measured) or _of(context), 80))
    axes.set_ylabel(context.words("figure.density"))
    if shown:
        # Room for the legend above the curves.
        axes.set_ylim(top=axes.get_ylim()[1] * (1.03 + 0.08 * len(shown) * (1 if len(_panels(context)) < 2 else 2)))
        # A long label in it does not squeeze the curves.
        axes.legend(loc="upper left", handlelength=2.8, borderaxespad=0.2).set_in_layout(False)
    localise_ticks(axes, context.locale)


def _curve(axes: Axes, context: FigureContext, series: Mapping[str, Any], colour: str, dash: Any) -> None:
    grid, height = series["grid"], series["density"]
    number = count(series["n_obs"], context.locale)
    label = context.words("figure.legend", group=_group(context, series), n=number)
    axes.plot(grid, height, color=colour, linestyle=dash, linewidth=1.9, label=wrapped(label, 76, lines=1))
    nearest = min(range(len(grid)), key=lambda place: abs(grid[place] - series["mean"]))
    axes.vlines(series["mean"], 0, height[nearest], color=colour, linestyle=":", linewidth=1.2)


def describe(context: FigureContext) -> str:
    """Return the figure in words."""
    groups = "; ".join(
        context.words(
            "figure.alt_group",
            group=_group(context, series),
            n=count(series["n_obs"], context.locale),
            mean=decimal(series["mean"], 2, context.locale),
        )
        for series in context.figure["series"]
        if series["grid"]
    )
    return context.words("figure.alt", title=context.title, of=_of(context), groups=groups)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the curves: observations, firms, mean, bandwidth."""
    words, locale = context.words, context.locale
    of = ("figure.group", "observations", "firms", "figure.mean", "figure.bandwidth")
    headings = tuple(words(key) for key in of)
    hidden = words("suppressed")
    rows: list[tuple[str, ...]] = [
        (_group(context, series), hidden, hidden, hidden, hidden)
        if series.get("suppressed")
        else (
            _group(context, series),
            count(series["n_obs"], locale),
            count(series["n_firms"], locale),
            decimal(series["mean"], 3, locale),
            decimal(series["bandwidth"], 3, locale),
        )
        for series in context.figure["series"]
    ]
    return headings, rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    lines = [context.words("figure.kernel")]
    if context.figure["where"]:
        lines.append(context.words("figure.where", where=context.figure["where"]))
    lines += [
        context.words("figure.suppressed", group=_group(context, series), minimum=context.minimum_firms) + "."
        for series in context.figure["series"]
        if series.get("suppressed")
    ]
    return [*lines, *(said(note, context) for note in context.figure["notes"])]


def _of(context: FigureContext) -> str:
    return ", ".join(name_of(context, name) for name in columns_drawn(context.figure))


def _group(context: FigureContext, series: Mapping[str, Any]) -> str:
    by, level, between = context.figure["by"], series["label"], colon(context.locale)
    of = name_of(context, series["of"])
    if not by:
        return of
    answer = {"0": "no", "1": "yes", "0.0": "no", "1.0": "yes"}.get(level)
    group = f"{context.labels.column(by)}{between}{context.words(answer) if answer else level}"
    return group if len(columns_drawn(context.figure)) == 1 else f"{of}, {group}"
