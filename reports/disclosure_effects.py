"""Which effects of a difference-in-differences may leave a room.

An effect rests on the treated firms behind it. Averages are weighted sums of group-time effects whose weights can be
had from numbers of firms: one that is missing would follow from the others. So where a cell is withheld all cells are,
and where one level of an average (an event time after treatment, a cohort, a year) is withheld alone, the level with
the fewest firms beside it is withheld too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["beside_withheld", "effects_of_parts", "estimates_of", "told_of_cohorts"]

CELLS = ", cells"
BEGINS = "treatment begins "
_FAMILIES = ("event[", "att[group=", "att[calendar=")


def effects_of_parts(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the coefficients of a model's parts, named by the part."""
    for part in model["parts"]:
        for one in part["coefficients"]:
            yield f"{part['estimator']}: {one['term']}", one


def estimates_of(model: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each estimator's coefficients; the model's own first."""
    yield model["method"], model["coefficients"]
    for part in model["parts"]:
        yield part["estimator"], part["coefficients"]


def beside_withheld(model: Mapping[str, Any]) -> list[Any]:
    """Return the coefficients that have to be withheld beside those that are."""
    found: list[Any] = []
    for part in model["parts"]:
        if part["estimator"].endswith(CELLS) and any(one.get("suppressed") for one in part["coefficients"]):
            found += [one for one in part["coefficients"] if not one.get("suppressed")]
    for _, coefficients in estimates_of(model):
        for family in _FAMILIES:
            levels = [one for one in coefficients if one["term"].startswith(family) and not _before(one["term"])]
            hidden = [one for one in levels if one.get("suppressed")]
            left = [one for one in levels if not one.get("suppressed")]
            if len(hidden) == 1 and left:
                found.append(min(left, key=lambda one: one["n_firms"]))
    return found


def _before(term: str) -> bool:
    return term.startswith("event[-")


def told_of_cohorts(note: str, masked: str, minimum: int) -> str:
    """Return a note on the sizes of cohorts, which add up, without any of them where one has to be masked."""
    if not note.startswith(BEGINS) or note == masked:
        return masked
    return f"{BEGINS}in cohorts of which some hold fewer than {minimum} firms"
