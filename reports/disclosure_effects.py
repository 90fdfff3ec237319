"""Which effects of a difference-in-differences may leave a room.

An effect rests on the treated firms behind it and on the firms beside them. Event times, cohorts, years and the overall
averages are weighted sums of the same group-time effects, by weights that can be had from numbers of firms: one that is
missing would follow from the others. So where one effect is withheld, of any estimator, all are, but the average over
all treated firms and years, which stands alone; and with them what `stats` tells of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = [
    "COVERS",
    "SIDES",
    "beside_withheld",
    "effects_of_parts",
    "estimates_of",
    "part_name",
    "told_of_cohorts",
    "told_together",
]

SIDES = ("n_treated_firms", "n_control_firms", "n_yes_firms", "n_no_firms")
"""How many firms stand on either side of a comparison, or gave either of two answers."""

BEGINS, ALONE, COVERS = "treatment begins ", re.compile(r"(?:[\w, ]+: )?1 firm begins in "), "the averages cover "
OVERALL = "att[simple]"
SMALL = "in cohorts of which some hold fewer than"


def effects_of_parts(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the coefficients of a model's parts, named by the part."""
    for part in model["parts"]:
        for one in part["coefficients"]:
            yield f"{part_name(part)}: {one['term']}", one


def part_name(part: Mapping[str, Any]) -> str:
    """Return what tells a part from the others of its model: ``twfe``, ``size 10-19``, ``2020-2023``."""
    of = [f"{column} {level}" for column, level in (part["group"] or {}).items()]
    window = [] if part["window"] is None else ["-".join(str(year) for year in part["window"])]
    return ", ".join(filter(None, [part["estimator"], *of, part["rung"], *window]))


def estimates_of(model: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each estimator's coefficients; the model's own first."""
    yield model["method"], model["coefficients"]
    for part in model["parts"]:
        yield part_name(part), part["coefficients"]


def beside_withheld(model: Mapping[str, Any]) -> list[Any]:
    """Return the coefficients of a model of design did that have to be withheld beside those that are."""
    if model["design"] != "did":
        return []
    every = [one for _, coefficients in estimates_of(model) for one in coefficients]
    if not any(one.get("suppressed") for one in every):
        return []
    return [one for one in every if not one.get("suppressed") and one["term"] != OVERALL]


def told_of_cohorts(note: str, masked: str, minimum: int) -> str:
    """Return a note on the sizes of cohorts, which add up, without any of them where one has to be masked."""
    if note == masked:
        return note
    if BEGINS in note:
        of, _, _ = note.partition(BEGINS)
        return f"{of}{BEGINS}{SMALL} {minimum} firms, or beside so few"
    return f"some cohorts hold fewer than {minimum} firms" if ALONE.match(note) else masked


def told_together(notes: list[str], minimum: int) -> list[str]:
    """Return the notes of a model without the cohorts and shares by which a masked one could be had: groups of a split
    add up to the whole.
    """
    if not any(SMALL in note for note in notes):
        return notes
    hidden = [
        told_of_cohorts(note, f"{note} ", minimum) if BEGINS in note and SMALL not in note else note for note in notes
    ]
    return [note for note in hidden if COVERS not in note]
