"""The effect on every cohort in every year, as a map: numbers in cells, shaded by size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.figures.drawing import COLOURS, FigureContext, look, wrapped
from reports.figures.estimates import firms, labels_drawn, named, not_drawn, number, span, with_frame
from reports.labels import Labels
from reports.numbers import decimal, p_value
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

ROW = 0.34
"""Inches that a cohort takes."""
MANY = 9
"""Years from which numbers are set smaller and with two decimals."""
GREY, INK = "#ececea", "#1b1b1b"

Series = Mapping[str, Any]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called."""
    return words("figure.group_time")


def draw(context: FigureContext) -> Figure:
    """Draw a map for every estimate, one below the other.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 cm wide, as high as its cohorts need.
    """
    with look():
        from matplotlib.figure import Figure

        names, series = labels_drawn(context), context.figure["series"]
        maps = [[one for one in series if one["label"] == name] for name in names]
        rows = [len({one["cohort"] for one in of}) for of in maps]
        height = 1.0 + sum(ROW * max(2, many) + 0.55 for many in rows)
        figure = Figure(figsize=(6.7, height), layout="constrained")
        every = figure.subplots(len(maps), 1, squeeze=False, height_ratios=[max(2, many) for many in rows])[:, 0]
        largest = max((abs(one["estimate"]) for one in series if one["estimate"] is not None), default=0.0)
        years = sorted({one["year"] for one in series})
        for axes, name, of in zip(every, names, maps, strict=True):
            _map(axes, context, of, years, largest)
            if len(names) > 1:
                axes.set_title(wrapped(named(context, name), 70, 1), loc="left", fontsize=9.5)
        every[-1].set_xlabel(context.words("figure.year"))
        with_frame(figure, context, notes(context), None)
        return figure


def _map(axes: Axes, context: FigureContext, series: Sequence[Series], years: list[int], largest: float) -> None:
    from matplotlib.patches import Rectangle

    cohorts, small = sorted({one["cohort"] for one in series}), len(years) > MANY
    for one in series:
        place = (one["year"] - 0.5, cohorts.index(one["cohort"]) - 0.5)
        sure = _sure(one)
        axes.add_patch(Rectangle(place, 1, 1, facecolor=_shade(one, largest), edgecolor="white", linewidth=1.5))
        if sure:
            inner = (place[0] + 0.04, place[1] + 0.07)
            axes.add_patch(Rectangle(inner, 0.92, 0.86, fill=False, edgecolor=INK, linewidth=1.3, zorder=3))
        axes.text(
            one["year"], cohorts.index(one["cohort"]), _printed(context, one, small), ha="center", va="center",
            fontsize=6.5 if small else 8.5, fontweight="bold" if sure else "normal", color=INK, zorder=4,
        )  # fmt: skip
    for row, cohort in enumerate(cohorts):
        # Treatment begins at the left edge of the cohort's own year, also where no year of it is shown.
        if years[0] <= cohort <= years[-1]:
            axes.plot([cohort - 0.5, cohort - 0.5], [row - 0.5, row + 0.5], color=INK, linewidth=2.4, zorder=5,
                      solid_capstyle="butt")  # fmt: skip
    axes.set_xlim(years[0] - 0.5, years[-1] + 0.5)
    axes.set_ylim(len(cohorts) - 0.5, -0.5)
    axes.set_xticks(range(years[0], years[-1] + 1), [str(year) for year in range(years[0], years[-1] + 1)],
                    fontsize=7.5 if small else 9)  # fmt: skip
    axes.set_yticks(range(len(cohorts)), [str(cohort) for cohort in cohorts])
    axes.set_ylabel(context.words("figure.cohort"))
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _sure(one: Series) -> bool:
    """Return whether the interval leaves zero out."""
    return one["conf_low"] is not None and (one["conf_low"] > 0 or one["conf_high"] < 0)


def _shade(one: Series, largest: float) -> tuple[float, float, float] | str:
    """Return a light shade: blue above zero, orange below, the stronger the farther; ink stays readable on it."""
    from matplotlib.colors import to_rgb

    if one["estimate"] is None:
        return GREY
    if one["reference"] or not largest:
        return "#ffffff"
    paint = to_rgb(COLOURS[0] if one["estimate"] > 0 else COLOURS[1])
    share = 0.62 * abs(one["estimate"]) / largest
    mixed = [1 - share * (1 - part) for part in paint]
    return mixed[0], mixed[1], mixed[2]


def _printed(context: FigureContext, one: Series, small: bool) -> str:
    if one["estimate"] is None:
        return context.words("suppressed")
    if one["reference"]:
        return "" if small else context.words("figure.reference")
    return decimal(one["estimate"], 2 if small else 3, context.locale).replace("-", "−")


def _name(context: FigureContext, one: Series) -> str:
    cell = context.words("figure.cell", cohort=one["cohort"], year=one["year"])
    return f"{named(context, one['label'])}, {cell}" if len(labels_drawn(context)) > 1 else cell


def describe(context: FigureContext) -> str:
    """Return the figure in words, the intervals included."""
    cells = "; ".join(
        context.words(
            "figure.cell_point", cell=_name(context, one), estimate=number(context, one["estimate"]),
            interval=span(context, one),
        )
        for one in context.figure["series"]
        if one["estimate"] is not None and not one["reference"]
    )  # fmt: skip
    return context.words("figure.group_time_alt", title=context.title, cells=cells)


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the cells: effect, interval, standard error, p-value, treated firms."""
    words, rows = context.words, list[tuple[str, ...]]()
    for one in context.figure["series"]:
        if one["reference"]:
            continue
        if one["estimate"] is None:
            rows.append((_name(context, one), *[words("suppressed")] * 5))
            continue
        p = "–" if one["p_value"] is None else p_value(one["p_value"], context.locale)
        rows.append((
            _name(context, one), number(context, one["estimate"]), span(context, one),
            number(context, one["std_error"]), p, firms(context, one),
        ))  # fmt: skip
    keys = ("figure.cohort_year", "factor.att", "interval", "shares.std_error", "p_value", "figure.treated_firms")
    return tuple(words(key) for key in keys), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words, series = context.words, context.figure["series"]
    lines = [words("figure.group_time_note")]
    if any(one["reference"] and one["estimate"] is not None for one in series):
        lines.append(words("figure.base_cells"))
    if any(one.get("suppressed") for one in series):
        lines.append(words("figure.suppressed_beside", minimum=context.minimum_firms))
    return [*lines, *not_drawn(context)]
