"""Changes over windows of years among the parts of a model: their names, and what of them may leave a room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PLACEBO", "blank_subsets", "note_name", "small_windows", "windows_of"]

PLACEBO = "placebo"
"""The estimator of a part that looks at other years than those that can have an effect."""


def windows_of(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a model that are changes over a window."""
    return [part for part in model["parts"] if part["window"] is not None]


def small_windows(model: Mapping[str, Any], minimum: int) -> list[dict[str, Any]]:
    """Return the changes of a model that rest on fewer firms than the minimum as a whole."""
    return [part for part in windows_of(model) if part["n_firms"] is not None and part["n_firms"] < minimum]


def blank_subsets(model: Mapping[str, Any]) -> None:
    """Take out how many firms a placebo rests on: less than those of the main window by the firms that it lost.

    Where a note may not say how many these are, the two numbers may not either.
    """
    for part in windows_of(model):
        if part["estimator"] == PLACEBO:
            part |= {"n_obs": None, "n_firms": None}
            part["stats"] = {key: None if key == "df_resid" else value for key, value in part["stats"].items()}
            part["errors"] |= {"df": None, "clusters": dict.fromkeys(part["errors"]["clusters"])}
            for one in part["coefficients"]:
                one["n_firms"] = None


def note_name(part: Mapping[str, Any]) -> str:
    """Return what begins the notes on a window, ``2017-2020, placebo: ``; empty for a part that is none."""
    if part["window"] is None:
        return ""
    years = "-".join(str(year) for year in part["window"])
    return f"{years}, {PLACEBO}: " if part["estimator"] == PLACEBO else f"{years}: "
