"""The distribution of every numeric column in every year, by quantiles that are no firm's value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from panels.arrays import FloatArray, IntArray
from panels.frame import FirmPanel, TextColumn

__all__ = ["SHARES", "YearDistribution", "describe_distributions", "smoothed_quantile", "two_values"]

SHARES = (0.10, 0.25, 0.50, 0.75, 0.90)
"""Nothing beyond: the tails are single firms."""


@dataclass(frozen=True, slots=True)
class YearDistribution:
    """One column in one year.

    Attributes
    ----------
    column : str
    unit : str
        As in `ColumnFacts`.
    year : int
    firms : int or None
        With a value, each one row; None where there are fewer than asked for.
    quantiles : tuple of (float or None)
        At `SHARES`; None where fewer firms than asked for lie on either side.
    """

    column: str
    unit: str
    year: int
    firms: int | None
    quantiles: tuple[float | None, ...]


def describe_distributions(panel: FirmPanel, minimum_firms: int) -> tuple[YearDistribution, ...]:
    """Describe every numeric column but the keys and those of two values, a column at a time.

    Parameters
    ----------
    panel : FirmPanel
    minimum_firms : int
        Firms that must stand behind every number and on either side of a quantile.

    Returns
    -------
    tuple of YearDistribution
        Column by column, the years in which it has a value in order.
    """
    found = []
    for name, facts in panel.columns.items():
        if name in ("firm", "year"):
            continue
        rows = panel.select([name])
        column = rows.columns[name]
        if isinstance(column, TextColumn):
            continue
        values = column.values
        known = np.isfinite(values)
        if not known.any() or two_values(values[known]) is not None:
            continue
        for year in panel.years:
            own = np.sort(values[known & (rows.year == year)])
            if own.size:
                told = int(own.size) if own.size >= minimum_firms else None
                cuts = tuple(smoothed_quantile(own, share, minimum_firms) for share in SHARES)
                found.append(YearDistribution(name, facts.unit, year, told, cuts))
    return tuple(found)


def two_values(values: FloatArray) -> tuple[float, float] | None:
    """Return the lower and the upper value of a column that has no other: neighbours of these are counts.

    Parameters
    ----------
    values : float array, shape (n,)
        Finite, at least one.

    Returns
    -------
    tuple of float or None
        0 and 1 also where there is one of them alone; None for any other column of one value, or of more than two.
    """
    low, high = float(values.min()), float(values.max())
    if low == high:
        return (0.0, 1.0) if low in (0.0, 1.0) else None
    return (low, high) if bool(((values == low) | (values == high)).all()) else None


def smoothed_quantile(values: FloatArray, share: float, minimum: int, firms: IntArray | None = None) -> float | None:
    """Return the mean of the values around a quantile, so that it tells of no one firm.

    Parameters
    ----------
    values : float array, shape (n,)
        Sorted, finite.
    share : float
        In (0, 1).
    minimum : int
        How many of the values count: those whose ranks lie nearest to share (n - 1), at least two.
    firms : integer array, shape (n,), optional
        Whose the values are, where a firm has several: then as many values count as `minimum` firms need.

    Returns
    -------
    float or None
        None where fewer than `minimum` values (firms) lie on either side of the quantile, or fewer than two at all.
    """
    n, width = values.size, max(minimum, 2)
    place = share * (n - 1)
    # Ranks at or below and at or above the quantile, counted with it.
    below, above = int(np.floor(place)) + 1, n - int(np.ceil(place))
    if n < width or min(below, above) < minimum:
        return None
    if firms is None:
        first = _first(n, place, width)
        return float(values[first : first + width].mean())
    if not (_are(firms[:below], minimum) and _are(firms[n - above :], minimum) and _are(firms, width)):
        return None
    held = width
    while True:
        first = _first(n, place, held)
        lacking = width - np.unique(firms[first : first + held]).size
        if lacking <= 0:
            return float(values[first : first + held].mean())
        held = min(held + lacking, n)


def _are(firms: IntArray, number: int) -> bool:
    """Return whether so many firms are among these; looks no further than it has to."""
    seen = 4 * number
    while np.unique(firms[:seen]).size < number:
        if seen >= firms.size:
            return False
        seen *= 4
    return True


def _first(n: int, place: float, width: int) -> int:
    return int(np.clip(np.round(place - (width - 1) / 2), 0, n - width))
