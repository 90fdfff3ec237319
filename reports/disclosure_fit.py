"""A regression of which every slope is withheld: its constant and its fit would give them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["FIT", "blank_fit"]

REGRESSIONS = ("cross_section", "fixed_effects", "long_difference")
FIT = ("r2", "adj_r2", "within_r2", "sigma")


def blank_fit(model: dict[str, Any], blank: Callable[[Any], None]) -> None:
    """Blank the constant and the fit of a model, and of its parts, where all slopes are withheld; changed in place.

    Parameters
    ----------
    model : dict
        Of the record.
    blank : callable
        Sets the numbers of an entry to None.
    """
    if model["design"] not in REGRESSIONS:
        return
    for estimate in (model, *model["parts"]):
        slopes = [one for one in estimate["coefficients"] if one["term"] != "constant"]
        if slopes and all(one.get("suppressed") for one in slopes):
            for one in estimate["coefficients"]:
                blank(one)
            estimate["stats"].update({key: None for key in FIT if key in estimate["stats"]})
