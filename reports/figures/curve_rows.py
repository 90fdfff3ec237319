"""What stands below a specification curve: a row a value of a setting, and what the whole curve says in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from reports.cases import setting_name, setting_value
from reports.figures.drawing import FigureContext
from specs.variants import in_words

__all__ = ["Curve", "CurveRow", "curve_of", "is_sure", "rows_below"]

AT_MOST = 40
"""Rows of values that can be read below a curve."""
SURE = 0.05

Point = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CurveRow:
    """A row below the curve.

    Attributes
    ----------
    text : str
        The setting of a group, or one of its values.
    places : tuple of int or None
        The points that have the value, in the order of the curve; None for the line that names the setting.
    """

    text: str
    places: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a curve, and what they say together: of what is shown alone, so that nothing else can be had of it.

    Attributes
    ----------
    shown : list of points
        In ascending order.
    failed, without, hidden : list of str
        The cases that failed, that have no coefficient of the term, that disclosure took.
    """

    shown: list[Point]
    failed: list[str]
    without: list[str]
    hidden: list[str]

    @property
    def main(self) -> int | None:
        """The place of the model itself; None where it is not among the points."""
        return next((place for place, one in enumerate(self.shown) if one["main"]), None)

    @property
    def median(self) -> float:
        """Of the estimates."""
        return float(median(one["estimate"] for one in self.shown))

    @property
    def positive(self) -> int:
        """How many estimates are above zero."""
        return sum(one["estimate"] > 0 for one in self.shown)

    @property
    def sure(self) -> int:
        """How many are significant at 5 per cent and have the sign of the median."""
        sign = self.median
        return sum(is_sure(one) and one["estimate"] * sign > 0 for one in self.shown)

    @property
    def observations(self) -> tuple[int, int] | None:
        """The fewest and the most of a case; None where they are withheld."""
        found = [one["n_obs"] for one in self.shown if one["n_obs"] is not None]
        return (min(found), max(found)) if found else None


def is_sure(point: Point) -> bool:
    """Return whether an estimate is significant at 5 per cent."""
    return point["p_value"] is not None and point["p_value"] < SURE


def curve_of(series: Sequence[Point]) -> Curve:
    """Return a curve of the series of a figure."""
    rest = [one for one in series if one["estimate"] is None]
    return Curve(
        [one for one in series if one["estimate"] is not None],
        [one["case"] for one in rest if one["status"] == "failed"],
        [one["case"] for one in rest if one["status"] == "no_term"],
        [one["case"] for one in rest if one["status"] == "ok"],
    )


def rows_below(context: FigureContext, shown: Sequence[Point]) -> tuple[list[CurveRow], int, int]:
    """Return the rows below a curve, settings and values in the order of the spec.

    Parameters
    ----------
    context : FigureContext
    shown : sequence of points
        In the order of the curve.

    Returns
    -------
    rows : list of CurveRow
    drawn, all : int
        Rows of values that are among them, and that there are; where they are too many, every setting gives some up.
    """
    order = sorted(range(len(shown)), key=lambda place: int(shown[place]["case"].rpartition("[")[2][:-1]))
    groups: dict[str, dict[str | None, list[int]]] = {}
    for place in order:
        for path in shown[place]["settings"]:
            groups.setdefault(path, {})
    for place in order:
        settings = shown[place]["settings"]
        for path, values in groups.items():
            values.setdefault(in_words(settings[path]) if path in settings else None, []).append(place)
    room = _room({path: len(values) for path, values in groups.items()})
    rows: list[CurveRow] = []
    for path, values in groups.items():
        if room[path]:
            rows.append(CurveRow(setting_name(path, context.labels, context.words), None))
        for value, places in _kept(values, room[path], shown):
            text = context.words("figure.curve_as_model")
            if value is not None:
                text = setting_value(path, value, context.labels, context.words)
            rows.append(CurveRow(text, tuple(sorted(places))))
    return rows, sum(room.values()), sum(len(values) for values in groups.values())


def _kept(
    values: Mapping[str | None, list[int]], room: int, shown: Sequence[Point]
) -> list[tuple[str | None, list[int]]]:
    """Return the first values of a setting, that of the main case among them."""
    every = list(values.items())
    kept, rest = every[:room], every[room:]
    main = [one for one in rest if any(shown[place]["main"] for place in one[1])]
    return [*kept[: room - len(main)], *main] if room else []


def _room(wanted: Mapping[str, int]) -> dict[str, int]:
    """Return how many rows each group gets: small ones all that they want, large ones what is left, in equal parts."""
    left, found = AT_MOST, dict[str, int]()
    for place, name in enumerate(sorted(wanted, key=lambda one: wanted[one])):
        found[name] = min(wanted[name], left // (len(wanted) - place))
        left -= found[name]
    return found
