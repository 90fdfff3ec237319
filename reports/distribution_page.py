"""Distributions on the page of a panel: for every column a small picture of its quantiles, year by year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from math import log10
from typing import Any

from reports.formats.csv import write_rows
from reports.labels import Labels

__all__ = ["distribution_files", "distribution_section"]

_COLUMNS = ("column", "unit", "year", "firms")
_WIDTH, _HEIGHT, _LEFT, _TOP, _FOOT = 280, 150, 62, 24, 20
_SKEWED = 20.0
"""Where p90 is more than this many times p10 the picture's scale is logarithmic."""

_LONGEST = 46
"""Letters that fit over a picture."""

Entries = Sequence[Mapping[str, Any]]


def distribution_files(entries: Entries, shares: Sequence[float]) -> Iterator[tuple[str, str]]:
    """Yield ``distributions.csv``: quantiles of every column and year, empty where too few firms stand behind them.

    Parameters
    ----------
    entries : sequence of mappings
        Of `panels.distributions.YearDistribution`.
    shares : sequence of float
        Of the quantiles.
    """
    if entries:
        rows = ((*(one[key] for key in _COLUMNS), *one["quantiles"]) for one in entries)
        yield "distributions.csv", write_rows((*_COLUMNS, *(f"p{100 * share:g}" for share in shares)), rows)


def distribution_section(entries: Entries, minimum: int, labels: Labels) -> str:
    """Return the pictures of the page; empty where no column has a year with enough firms.

    Parameters
    ----------
    entries : sequence of mappings
        Of `panels.distributions.YearDistribution`, column by column.
    minimum : int
        Firms behind every number.
    labels : Labels
    """
    drawn, untold, flat = [], [], []
    for column, grouped in groupby(entries, key=lambda one: one["column"]):
        own = list(grouped)
        known = [[cut for cut in one["quantiles"] if cut is not None] for one in own]
        if not any(known):
            untold.append(labels.column(column))
        elif all(max(cuts) == min(cuts) for cuts in known if cuts):
            flat.append(labels.column(column))
        else:
            drawn.append(_picture(own, labels.column(column)))
    if not drawn:
        return ""
    around = max(minimum, 2)
    note = (
        f"<p>Year by year: from p10 to p90 (light), from p25 to p75 (dark), the median (white). Each quantile is the "
        f"mean of the {around} values around it; a part is missing where fewer than {minimum} firms lie beyond it."
    )
    if untold:
        note += f" Too few firms in every year: {escape(', '.join(untold))}."
    if flat:
        note += f" The same from p10 to p90 in every year, and not drawn: {escape(', '.join(flat))}."
    return f'{note}</p>\n<div class="multiples">\n{"".join(drawn)}</div>\n'


def _picture(own: Entries, label: str) -> str:
    known = [cut for one in own for cut in one["quantiles"] if cut is not None]
    low, high = min(known), max(known)
    logarithmic = low > 0 and high > _SKEWED * low
    floor, ceiling = (log10(low), log10(high)) if logarithmic else (low, high)
    room = _HEIGHT - _TOP - _FOOT

    def height(value: float) -> float:
        place = log10(value) if logarithmic else value
        return _TOP + room * (1 - (place - floor) / (ceiling - floor) if ceiling > floor else 0.5)

    first, last = own[0]["year"], own[-1]["year"]
    step = (_WIDTH - _LEFT) / (last - first + 1)
    bar = min(step * 0.7, 24.0)
    parts = []
    for one in own:
        middle = _LEFT + (one["year"] - first + 0.5) * step
        p10, p25, p50, p75, p90 = one["quantiles"]
        for top, bottom, color in ((p90, p10, "#b8cfe0"), (p75, p25, "#33658a")):
            if top is not None and bottom is not None:
                y, tall = height(top), max(height(bottom) - height(top), 1.0)
                parts.append(
                    f'<rect x="{middle - bar / 2:.1f}" y="{y:.1f}" width="{bar:.1f}" height="{tall:.1f}" '
                    f'fill="{color}"/>'
                )
        if p50 is not None:
            color = "#ffffff" if p25 is not None and p75 is not None else "#33658a"
            parts.append(
                f'<rect x="{middle - bar / 2:.1f}" y="{height(p50) - 1:.1f}" width="{bar:.1f}" height="2" '
                f'fill="{color}"/>'
            )
    axis = [f'<text x="{_LEFT - 6}" y="{height(value) + 4:.1f}" text-anchor="end">{_short(value)}</text>'
            for value in dict.fromkeys((low, high))]  # fmt: skip
    for year in dict.fromkeys((first, last)):
        x = _LEFT + (year - first + 0.5) * step
        axis.append(f'<text x="{x:.1f}" y="{_HEIGHT - 4}" text-anchor="middle">{year}</text>')
    name, unit = own[0]["column"], own[0]["unit"]
    scale = ", log scale" if logarithmic else ""
    heading = next(one for one in (_heading(label, unit, scale), _heading(name, unit, scale), name)
                   if len(one) <= _LONGEST or one == name)  # fmt: skip
    said = f"{_heading(label, unit, scale)}: {_medians(own)}"
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'style="font-size:11px"><title>{escape(said)}</title>'
        f'<text x="0" y="12" font-weight="600">{escape(heading)}</text>{"".join(axis)}{"".join(parts)}</svg>\n'
    )


def _heading(label: str, unit: str, scale: str) -> str:
    return f"{label} ({unit}{scale})" if unit else f"{label}{scale}"


def _medians(own: Entries) -> str:
    medians = [(one["year"], one["quantiles"][2]) for one in own if one["quantiles"][2] is not None]
    if not medians:
        return "no median over enough firms"
    (first, before), (last, after) = medians[0], medians[-1]
    return f"median {_short(before)} in {first}" + (f", {_short(after)} in {last}" if last != first else "")


def _short(value: float) -> str:
    size = abs(value)
    for unit, sign in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size >= unit:
            scaled = value / (1e3 if sign == "k" else unit)
            return f"{scaled:.3g} {sign}" if abs(scaled) < 1000 else f"{scaled:,.0f} {sign}"
    return f"{value:.3g}" if size < 1000 else f"{value:.0f}"
