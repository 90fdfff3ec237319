"""What may leave a room of a model with instruments.

An effect rests on the firms behind its term and behind the instruments, whichever are fewer; so do the first stages.
Tests of strength and of the effect tell of the same firms: where the effect is withheld they are as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reports.disclosure_fit import FIT

__all__ = ["TESTS", "blank_instruments"]

TESTS = ("first_stage_f", "first_stage", "anderson_rubin", "overidentification", "wu_hausman")


def blank_instruments(record: dict[str, Any], blank: Callable[[Any], None], minimum: int) -> None:
    """Blank what tells of a withheld effect of an endogenous term; changed in place.

    The other coefficients, the fit, the first stages and the reduced form of the same rows would give it back.

    Parameters
    ----------
    record : dict
    blank : callable
        Sets the numbers of an entry to None.
    minimum : int
    """
    for model in record["models"].values():
        endogenous = model["stats"].get("first_stage") or {}
        if model["method"] != "iv" or not endogenous:
            continue
        withheld = [
            (part["group"], part["rung"])
            for part in (*model["parts"], {**model, "estimator": "iv", "group": None, "rung": None})
            if part["estimator"] == "iv"
            and any(one.get("suppressed") for one in part["coefficients"] if one["term"] in endogenous)
        ]
        for part in model["parts"]:
            if (part["group"], part["rung"]) in withheld and part["estimator"] != "ols":
                _without(part, blank)
        if (None, None) in withheld:
            _without(model, blank)
        if withheld:
            for stats in (model["stats"], *(part["stats"] for part in model["parts"])):
                for test in stats.get("tests") or ():
                    if test["by"]:
                        blank(test)
            kept = [note for note in model["notes"] if "instrument" not in note]
            if len(kept) < len(model["notes"]):
                model["notes"] = [*kept, f"a note was withheld: it concerns fewer than {minimum} firms"]


def _without(estimate: dict[str, Any], blank: Callable[[Any], None]) -> None:
    for one in estimate["coefficients"]:
        blank(one)
    stats = estimate["stats"]
    stats.update(dict.fromkeys(key for key in (*TESTS, *FIT) if key in stats))
