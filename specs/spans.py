"""Pairs of numbers: a first and a last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from specs.fields import Checked, as_written, mistake

__all__ = ["CALENDAR", "Months", "Shares", "Years", "span"]

CALENDAR = 1000
"""The first year that is one of a calendar, and no number of a period."""


def span(low: int, high: int, example: str) -> Callable[[Any], tuple[int, int]]:
    """Return the check of a pair of whole numbers: within bounds, the first not above the second."""

    def check(value: Any) -> tuple[int, int]:
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            shown = f"{len(value)} items" if isinstance(value, (tuple, list)) else as_written(value)
            raise mistake(f"a first and a last are wanted, not {shown}", "", f"write {example}")
        for index, item in enumerate(value):
            if not isinstance(item, int) or isinstance(item, bool) or not low <= item <= high:
                what = f"a whole number from {low} to {high} is wanted, not {as_written(item)}"
                raise mistake(what, path=(index,))
        if value[0] > value[1]:
            advice = "write both with four digits" if value[1] < CALENDAR <= value[0] else "exchange them"
            raise mistake(f"the first, {value[0]}, lies after the last, {value[1]}", "", advice)
        return value[0], value[1]

    return check


def _pair(low: int, high: int) -> dict[str, Any]:
    """Return the JSON schema of `span`."""
    item = {"type": "integer", "minimum": low, "maximum": high}
    wanted = "a first and a last are wanted"
    return {
        "type": "array",
        "items": {**item, "errorMessage": f"a whole number from {low} to {high} is wanted"},
        "minItems": 2,
        "maxItems": 2,
        "errorMessage": wanted,
        "lengthErrorMessage": wanted,
        "first": True,
    }


Years = Annotated[tuple[int, int], Checked(span(0, 9999, "[2017, 2023]"), list, _pair(0, 9999))]
"""A ready-made panel may count its periods; those of files with a layout are calendar years."""
Months = Annotated[tuple[int, int], Checked(span(1, 36, "[6, 18]"), list, _pair(1, 36))]


def _shares(value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise mistake(f"two shares are wanted, not {as_written(value)}", "", "write [0.01, 0.99]")
    for index, item in enumerate(value):
        if not isinstance(item, (int, float)) or isinstance(item, bool) or not 0 <= item <= 1:
            raise mistake(f"a share from 0 to 1 is wanted, not {as_written(item)}", path=(index,))
    if value[0] >= value[1]:
        raise mistake("the first share is not below the second")
    return float(value[0]), float(value[1])


_SHARE = {"type": "number", "minimum": 0, "maximum": 1, "errorMessage": "a share from 0 to 1 is wanted"}
_TWO_SHARES = {
    "type": "array",
    "items": _SHARE,
    "minItems": 2,
    "maxItems": 2,
    "errorMessage": "two shares are wanted",
    "lengthErrorMessage": "two shares are wanted",
    "first": True,
}

Shares = Annotated[tuple[float, float], Checked(_shares, list, _TWO_SHARES)]
