"""What a spec asks beyond an estimate: how far its assumptions can fail before the conclusion does."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

from specs.errors import did_you_mean
from specs.fields import Checked, OptionsModel, as_written, mistake

__all__ = ["HonestSpec", "SensitivityField", "SensitivitySpec"]

LATER = ("placebo", "leave_out")


def _bounds(value: Any) -> tuple[float, ...]:
    if not isinstance(value, (tuple, list)):
        raise mistake(f"a list of numbers is wanted, not {as_written(value)}", "", "write [0.5, 1, 2]")
    for place, one in enumerate(value):
        if not isinstance(one, (int, float)) or isinstance(one, bool) or not 0 <= one < 1e6:
            raise mistake(f"{as_written(one)} is no bound", "a bound is a number from 0 on", path=(place,))
    return tuple(float(one) for one in value)


Bounds = Annotated[tuple[float, ...], Checked(_bounds, list, {"type": "array", "items": {"type": "number"}})]


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


class SensitivitySpec(OptionsModel):
    """What is asked of a difference-in-differences beyond its effects.

    Attributes
    ----------
    honest : HonestSpec or None
    """

    honest: HonestSpec | None = None


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            if key == "oster":
                what, meaning = '"oster" on a difference-in-differences', "it is of a regression with controls"
                raise mistake(what, meaning, "here there is: honest", path=(key,), at_key=True)
            if key in LATER:
                raise mistake(f'"{key}" comes later', "", "available now: honest", path=(key,), at_key=True)
            if key != "honest":
                advice = did_you_mean(key, ("honest", *LATER)) if isinstance(key, str) else ""
                raise mistake(f'unknown key "{key}"', "", advice or "there is: honest", path=(key,), at_key=True)
    return value


SensitivityField = Annotated[SensitivitySpec, BeforeValidator(_known)]
"""``{honest: {relative_magnitudes: [0.5, 1, 2], smoothness: [0.01]}}``."""
