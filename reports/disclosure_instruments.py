"""What may leave a room of a model with instruments.

An effect rests on the firms behind its term and behind the instruments, whichever are fewer; so do the first stages.
Tests of strength and of the effect tell of the same firms: where the effect is withheld they are as well.
"""

from __future__ import annotations

from typing import Any

__all__ = ["TESTS", "blank_instruments"]

TESTS = ("first_stage_f", "first_stage", "anderson_rubin", "overidentification", "wu_hausman")


def blank_instruments(record: dict[str, Any]) -> None:
    """Blank the tests of instruments where the effect of an endogenous term is withheld; changed in place."""
    for model in record["models"].values():
        if model["method"] != "iv":
            continue
        endogenous = model["stats"].get("first_stage") or {}
        if any(one.get("suppressed") for one in model["coefficients"] if one["term"] in endogenous):
            for stats in (model["stats"], *(part["stats"] for part in model["parts"])):
                stats.update(dict.fromkeys(key for key in TESTS if key in stats))
