"""What a spec asks beyond an estimate: how far its assumptions can fail before the conclusion does."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from specs.errors import did_you_mean
from specs.fields import COLUMN, COLUMNS, Checked, OptionsModel, as_written, mistake
from specs.tokens import is_name

__all__ = ["HonestSpec", "PlaceboSpec", "PowerField", "PowerSpec", "SensitivityField", "SensitivitySpec"]

KEYS = ("honest", "placebo", "leave_out", "bacon")
FIRST, LAST = 1000, 9999


def _bounds(value: Any) -> tuple[float, ...]:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of numbers is wanted, not {as_written(value)}", "", "write [0.5, 1, 2]")
    for place, one in enumerate(value):
        if not isinstance(one, (int, float)) or isinstance(one, bool) or not 0 <= one < 1e6:
            raise mistake(f"{as_written(one)} is no bound", "a bound is a number from 0 on", path=(place,))
    return tuple(float(one) for one in value)


def _dates(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of years is wanted, not {as_written(value)}", "", "write [2019]")
    for place, one in enumerate(value):
        if not isinstance(one, int) or isinstance(one, bool) or not FIRST <= one <= LAST:
            raise mistake(f"{as_written(one)} is no year", "", "write [2019]", path=(place,))
        if one in value[:place]:
            raise mistake(f"{one} stands twice", "", "leave one out", path=(place,))
    return tuple(value)


def _outcomes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of columns is wanted, not {as_written(value)}", "", "write [firm_age]")
    for place, one in enumerate(value):
        if not isinstance(one, str) or not is_name(one):
            raise mistake(f"the name of a column is wanted, not {as_written(one)}", path=(place,))
        if one in value[:place]:
            raise mistake(f'"{one}" stands twice', "", "leave one out", path=(place,))
    return tuple(value)


def _column(value: Any) -> str:
    if not isinstance(value, str) or not is_name(value):
        raise mistake(f"the name of a column is wanted, not {as_written(value)}", "", "write leave_out: nace")
    if value in ("firm", "year"):
        meaning = (
            "one firm's part would be the difference to the estimate" if value == "firm" else "years are the design"
        )
        raise mistake(f"leave_out: {value}", meaning, "name a text column that groups firms: nace")
    return value


def _effect(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < abs(value) < 1e6:
        raise mistake(f"{as_written(value)} is no effect", "it is a number other than 0, in units of the outcome",
                      "write 0.05")  # fmt: skip
    return float(value)


NUMBERS = {
    "type": "array",
    "items": {"type": "number", "minimum": 0, "errorMessage": "no bound"},
    "errorMessage": "a list of numbers is wanted",
}
_DATES = {
    "type": "array",
    "items": {"type": "integer", "minimum": FIRST, "maximum": LAST, "errorMessage": "no year"},
    "errorMessage": "a list of years is wanted",
}
_EFFECT = {"type": "number", "errorMessage": "no effect, it is a number other than 0"}
Bounds = Annotated[tuple[float, ...], Checked(_bounds, list, NUMBERS)]
Dates = Annotated[tuple[int, ...], Checked(_dates, list, _DATES)]
Outcomes = Annotated[tuple[str, ...], Checked(_outcomes, list, COLUMNS)]
LeaveOut = Annotated[str, Checked(_column, str, COLUMN)]
Effect = Annotated[float, Checked(_effect, float, _EFFECT)]


class HonestSpec(OptionsModel):
    """Intervals that allow for different trends (Rambachan and Roth, 2023).

    Attributes
    ----------
    relative_magnitudes : tuple of float
        Trends after treatment that change by no more than this many times the largest change before.
    smoothness : tuple of float
        Trends whose slope changes by no more than this from period to period, in units of the outcome.
    """

    relative_magnitudes: Bounds = (0.5, 1.0, 1.5, 2.0)
    smoothness: Bounds = ()


class PlaceboSpec(OptionsModel):
    """Effects where there should be none.

    Attributes
    ----------
    dates : tuple of int
        Years, before the base period, in which treatment is made out to have begun.
    outcomes : tuple of str
        Columns that treatment should not move.
    """

    dates: Dates = ()
    outcomes: Outcomes = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.dates and not self.outcomes:
            raise mistake("no placebo", "neither dates nor outcomes are named", "write {dates: [2019]}")
        return self


class SensitivitySpec(OptionsModel):
    """What is asked of a difference-in-differences beyond its effects.

    Attributes
    ----------
    honest : HonestSpec or None
        Intervals that allow for trends that are not parallel (Rambachan and Roth, 2023).
    placebo : PlaceboSpec or None
        Effects where there should be none: of earlier dates, on other outcomes.
    leave_out : str or None
        A text column: the estimate without each of its levels.
    bacon : bool or None
        Whether the comparisons behind ``twfe`` are shown; None: where it is estimated and they exist.
    """

    honest: HonestSpec | None = None
    placebo: PlaceboSpec | None = None
    leave_out: LeaveOut | None = None
    bacon: bool | None = None


class PowerSpec(OptionsModel):
    """Which effect the power is asked for.

    Attributes
    ----------
    effect : float
        In units of the outcome.
    """

    effect: Effect


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            if key == "oster":
                what, meaning = '"oster" on a difference-in-differences', "it is of a regression with controls"
                raise mistake(what, meaning, f"here there are: {', '.join(KEYS)}", path=(key,), at_key=True)
            if key not in KEYS:
                near = did_you_mean(key, KEYS) if isinstance(key, str) else ""
                advice = near or f"there are: {', '.join(KEYS)}"
                raise mistake(f'unknown key "{key}"', "", advice, path=(key,), at_key=True)
    return value


SensitivityField = Annotated[SensitivitySpec, BeforeValidator(_known)]
"""``{honest: {relative_magnitudes: [0.5, 1, 2]}, placebo: {dates: [2019]}, leave_out: nace, bacon: true}``."""


def _power(value: Any) -> Any:
    if not isinstance(value, (dict, PowerSpec)):
        raise mistake(f"a map is wanted, not {as_written(value)}", "", "write {effect: 0.05}")
    return value


PowerField = Annotated[PowerSpec, BeforeValidator(_power)]
"""``{effect: 0.05}``."""
