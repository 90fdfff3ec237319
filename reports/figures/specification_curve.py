"""A coefficient under all cases of a variant: the estimates in ascending order, and the choices below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.cases import first_names
from reports.figures.curve_rows import Curve, CurveRow, curve_of, is_sure, rows_below
from reports.figures.drawing import COLOURS, FigureContext, localise_ticks, look, wrapped
from reports.figures.estimates import firms, not_drawn, number, span, with_frame
from reports.labels import Labels
from reports.notes import listed
from reports.numbers import count, p_value
from reports.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["describe", "draw", "facts", "notes", "title"]

APART = 150
"""Cases up to which each has a marker of its own; of more the estimates are a line of short strokes."""
EACH = 600
"""Cases up to which each has a column of its own below the curve."""
COLUMNS = 120
"""Columns of neighbouring cases, where there are more."""
NAME = 34
"""Letters of the name of a row."""
INK, GREY, PALE = "#1b1b1b", "#4a4a4a", "#e4e4e2"
SPREAD = ("#8fbbdc", "#dedede")
"""Intervals of many cases: of those that are significant, and of the others."""
SHADES = ((0.1, "#dcdcdc"), (0.3, "#b8b8b8"), (0.5, "#8e8e8e"), (0.75, "#5e5e5e"), (1.0, "#2b2b2b"))
"""Of the share of neighbouring cases that have a value; each up to and with its bound."""
ROW, CURVE = 0.165, 2.5
"""Inches that a row below the curve, and the curve itself, take."""

Series = Mapping[str, Any]


def title(figure: Mapping[str, Any], labels: Labels, words: Words) -> str:
    """Return what a figure without a title of its own is called: after its term, or its variant where it has more."""
    terms = {(one["term"], one["design"]) for one in figure["series"] if one["term"] and one["status"] == "ok"}
    if len({term for term, _ in terms}) == 1:
        return words("figure.curve", of=labels.term(*next(iter(terms))).full(words.locale))
    return words("figure.curve", of=labels.declared(figure["of"]) or figure["of"])


def draw(context: FigureContext) -> Figure:
    """Draw the estimates with their 95 per cent intervals over a matrix of what was chosen.

    Parameters
    ----------
    context : FigureContext

    Returns
    -------
    matplotlib Figure
        17 cm wide, as high as the rows need.
    """
    with look():
        from matplotlib.figure import Figure

        curve = curve_of(context.figure["series"])
        rows, _, _ = rows_below(context, curve.shown)
        below = ROW * max(1, len(rows))
        figure = Figure(figsize=(6.7, CURVE + below + 0.8), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(CURVE, below))
        _estimates(upper, context, curve)
        _choices(lower, context, curve, rows)
        side = 0.5 + 0.02 * len(curve.shown)
        upper.set_xlim(-side, max(1, len(curve.shown)) - 1 + side)
        with_frame(figure, context, notes(context), upper)
        return figure


def _estimates(axes: Axes, context: FigureContext, curve: Curve) -> None:
    words, n = context.words, len(curve.shown)
    axes.axhline(0.0, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=2.5)
    with_p = any(one["p_value"] is not None for one in curve.shown)
    for sure, key in ((True, "figure.curve_sure"), (False, "figure.curve_unsure")):
        those = [(place, one) for place, one in enumerate(curve.shown) if is_sure(one) == sure]
        if not those:
            continue
        paint, name = COLOURS[0 if sure else 1], words(key) if with_p else ""
        spans = [(place, one) for place, one in those if one["conf_low"] is not None]
        ends = [((place, one["conf_low"]), (place, one["conf_high"])) for place, one in spans]
        if n > APART:
            _strokes(axes, ends, SPREAD[0 if sure else 1], max(0.35, 330 / n), 1.8 if sure else 1.7)
            line = [((place - 0.5, one["estimate"]), (place + 0.5, one["estimate"])) for place, one in those]
            _strokes(axes, line, paint, 2.6 if sure else 1.2, 3)
            axes.plot([], [], color=paint, linewidth=2.6 if sure else 1.2, label=name)
            continue
        size = min(5.0, max(2.4, 300 / n))
        _strokes(axes, ends, paint, min(1.3, max(0.6, 70 / n)), 2)
        axes.plot([place for place, _ in those], [one["estimate"] for _, one in those], linestyle="none", zorder=3,
                  marker="o" if sure else "s", markersize=size, markeredgecolor=paint,
                  markeredgewidth=min(1.2, size / 3), markerfacecolor=paint if sure else "white",
                  label=name)  # fmt: skip
    if (place := curve.main) is not None:
        main = curve.shown[place]
        axes.axvline(place, color=INK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1.2)
        axes.plot([place], [main["estimate"]], linestyle="none", marker="D", markersize=6.5, markerfacecolor=INK,
                  markeredgecolor="white", markeredgewidth=0.9, zorder=5, label=words("figure.curve_main"))  # fmt: skip
        where = (place + 0.5) / n
        axes.annotate(
            f"{words('figure.curve_main')} {number(context, main['estimate'])}".replace("-", "−"), (place, 1.0),
            (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points", va="bottom", fontsize=7.5,
            ha="left" if where < 0.2 else "right" if where > 0.8 else "center",
        )  # fmt: skip
    axes.set_ylabel(words("estimate"))
    axes.yaxis.grid(visible=True, color=PALE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    localise_ticks(axes, context.locale, "y")


def _choices(axes: Axes, context: FigureContext, curve: Curve, rows: Sequence[CurveRow]) -> None:
    n = len(curve.shown)
    for height, row in enumerate(rows):
        if row.places is not None and height % 2:
            axes.axhspan(height - 0.5, height + 0.5, color="#f2f2f0", linewidth=0, zorder=0)
    values = [(height, row.places) for height, row in enumerate(rows) if row.places is not None]
    if n > APART:
        for shade, strokes in _shaded(values, n).items():
            _strokes(axes, strokes, shade, ROW * 72 * 0.66, 2)
    elif values:
        dots = [(place, height) for height, places in values for place in places]
        axes.plot([place for place, _ in dots], [height for _, height in dots], linestyle="none", marker="o",
                  markersize=min(4.4, max(1.8, 270 / n)), color=GREY, markeredgewidth=0, zorder=2)  # fmt: skip
    if (place := curve.main) is not None:
        axes.axvline(place, color=INK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1.2)
        own = [height for height, places in values if place in places]
        axes.plot([place] * len(own), own, linestyle="none", marker="D", markersize=4.6, color=INK,
                  markeredgecolor="white", markeredgewidth=0.7, zorder=4)  # fmt: skip
    axes.set_yticks(range(len(rows)), _row_names([row.text for row in rows]), fontsize=7.5)
    for label, row in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("bold" if row.places is None else "normal")
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.set_xlabel(context.words("figure.curve_axis"))
    for side in axes.spines.values():
        side.set_visible(False)


def _row_names(texts: Sequence[str]) -> list[str]:
    """Return texts of one line each: of those that begin alike the end, which tells them apart."""
    names = [wrapped(text, NAME, 1) for text in texts]
    found = []
    for name, text in zip(names, texts, strict=True):
        end = text[-(NAME - 2) :].partition(" ")[2] or text[-(NAME - 2) :]
        found.append(f"… {end}" if name != text and names.count(name) > 1 else name)
    return found


Stroke = tuple[tuple[float, float], tuple[float, float]]


def _strokes(axes: Axes, strokes: Sequence[Stroke], colour: str, width: float, order: float) -> None:
    """Draw straight strokes as one path: thousands of them would make a large file one by one."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if strokes:
        path = Path([end for one in strokes for end in one], [Path.MOVETO, Path.LINETO] * len(strokes))
        axes.add_patch(PathPatch(path, fill=False, edgecolor=colour, linewidth=width, capstyle="butt", zorder=order))
        axes.autoscale_view()


def _shaded(rows: Iterable[tuple[int, Sequence[int]]], n: int) -> dict[str, list[Stroke]]:
    """Return the strokes of each shade: a column a case, or a column some neighbours where there are too many."""
    width = _width(n)
    found: dict[str, list[Stroke]] = {}
    for height, places in rows:
        counts: dict[int, int] = {}
        for place in places:
            counts[place // width] = counts.get(place // width, 0) + 1
        for column, many in counts.items():
            first, last = column * width, min((column + 1) * width, n)
            shade = next(one for bound, one in SHADES if many <= bound * (last - first))
            strokes = found.setdefault(shade, [])
            start, end = (first - 0.5, float(height)), (last - 0.5, float(height))
            goes_on = bool(strokes) and strokes[-1][1] == start
            strokes.append((strokes.pop()[0] if goes_on else start, end))
    return found


def _width(n: int) -> int:
    """Return how many neighbouring cases share a column below the curve."""
    return -(-n // COLUMNS) if n > EACH else 1


def describe(context: FigureContext) -> str:
    """Return the figure in words: what its cases say together, and the main one."""
    curve = curve_of(context.figure["series"])
    said = list(_summary(context, curve))
    if (place := curve.main) is not None:
        main = curve.shown[place]
        estimate = number(context, main["estimate"])
        said.append(context.words("figure.curve_main_alt", case=main["case"], estimate=estimate,
                                  interval=span(context, main)))  # fmt: skip
    return context.words("figure.curve_alt", title=context.title, said=" ".join(said))


def facts(context: FigureContext) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the numbers behind the points: what was set, estimate, interval, standard error, p-value, counts."""
    words, rows = context.words, list[tuple[str, ...]]()
    for one in context.figure["series"]:
        term = context.labels.term(one["term"], one["design"]).full(context.locale) if one["term"] else "–"
        name = f"{one['case']}, {words('figure.curve_main')}" if one["main"] else one["case"]
        head = (name, one["label"] if one["reason"] is None else f"{one['label']} ({one['reason']})", term)
        if one["estimate"] is None:
            rows.append((*head, *[words("suppressed") if one["status"] == "ok" else "–"] * 6))
            continue
        p = "–" if one["p_value"] is None else p_value(one["p_value"], context.locale)
        observations = words("suppressed") if one["n_obs"] is None else count(one["n_obs"], context.locale)
        rows.append((
            *head, number(context, one["estimate"]), span(context, one), number(context, one["std_error"]), p,
            observations, firms(context, one),
        ))  # fmt: skip
    keys = ("cases.case", "figure.curve_settings", "variable", "estimate", "interval", "shares.std_error", "p_value",
            "observations", "firms")  # fmt: skip
    return tuple(words(key) for key in keys), rows


def notes(context: FigureContext) -> list[str]:
    """Return what stands below the figure."""
    words, curve = context.words, curve_of(context.figure["series"])
    lines = [*_summary(context, curve), words("figure.curve_intervals")]
    if (width := _width(len(curve.shown))) > 1:
        lines.append(words("figure.curve_shade", width=count(width, context.locale)))
    _, drawn, every = rows_below(context, curve.shown)
    if drawn < every:
        shown, there = (count(many, context.locale) for many in (drawn, every))
        lines.append(words("figure.curve_rows", shown=shown, there=there))
    for key, names in (
        ("curve_failed", curve.failed),
        ("curve_without", curve.without),
        ("curve_hidden", curve.hidden),
    ):
        if names:
            told = listed(first_names(names, words))
            lines.append(words(f"figure.{key}", names=told, minimum=context.minimum_firms))
    return [*lines, *not_drawn(context)]


def _summary(context: FigureContext, curve: Curve) -> Iterator[str]:
    """Say how many cases there are and what they say together, of what is shown alone."""
    words, locale, n = context.words, context.locale, len(curve.shown)
    if not n:
        return
    of = context.labels.declared(context.figure["of"]) or context.figure["of"]
    yield words(
        "figure.curve_share", of=of, shown=count(n, locale), positive=count(curve.positive, locale),
        positive_share=_share(curve.positive, n), sure=count(curve.sure, locale), sure_share=_share(curve.sure, n),
    )  # fmt: skip
    low, high = number(context, curve.shown[0]["estimate"]), number(context, curve.shown[-1]["estimate"])
    yield words("figure.curve_range", low=low, high=high, median=number(context, curve.median))
    if (between := curve.observations) is not None:
        least, most = (count(many, locale) for many in between)
        key = "figure.curve_observations" if least != most else "figure.curve_same"
        yield words(key, least=least, most=most)


def _share(part: int, whole: int) -> str:
    """Return a share in per cent; only all of them are 100, and only none of them 0."""
    rounded = round(100 * part / whole)
    return str(rounded if part in (0, whole) else min(99, max(1, rounded)))
