"""Which changes over windows of years may leave a room, and which counts beside them give others away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["blank_subsets", "small_windows", "windows_of"]


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
        if part["estimator"] == "placebo":
            part |= {"n_obs": None, "n_firms": None}
            part["stats"] = {key: None if key == "df_resid" else value for key, value in part["stats"].items()}
            part["errors"] |= {"df": None, "clusters": dict.fromkeys(part["errors"]["clusters"])}
            for one in part["coefficients"]:
                one["n_firms"] = None
