"""Which estimates of a model on groups of its rows may leave a room.

The firms of the groups add up to those of all rows: where a group has to be withheld, its number of firms must not
follow from the others, nor that of a term. So the smallest group beside it is withheld too; coefficients of all rows
and of some groups give no exact coefficient of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reports.disclosure_effects import SIDES, part_name
from reports.few_firms import to_hide

__all__ = ["Withheld", "blank_withheld", "compared_entries", "names_withheld", "small_parts", "withheld_of"]

Level = tuple[tuple[str, str], ...]
TOTAL: Level = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """What has to go beside what rests on too few firms.

    Attributes
    ----------
    groups : set of Level
        Groups whose estimates go; `TOTAL` for the model as a whole.
    counts : set of (Level, estimate, term)
        Numbers of firms behind a term.
    """

    groups: set[Level]
    counts: set[tuple[Level, str, str]]


def small_parts(model: Mapping[str, Any], minimum: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parts that rest on too few firms as a whole."""
    for part in _compared(model):
        firms = [part["n_firms"], *(part["stats"].get(side) for side in SIDES if part["group"])]
        if any(one is not None and one < minimum for one in firms):
            yield part_name(part), part


def compared_entries(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what is computed from a model's estimates and rests on firms: tests, parts of a change, Oster's bounds."""
    for of, stats in (("", model["stats"]), *((part_name(part), part["stats"]) for part in model["parts"])):
        for test in stats.get("tests") or ():
            yield f"{of}: {test['test']}" if of else test["test"], test
    for one in model.get("decomposition") or ():
        level = ", ".join(f"{column} {value}" for column, value in (one["group"] or {}).items())
        yield ", ".join(filter(None, [level, f"{one['term']} by {one['block']}"])), one
    bounds = (model["sensitivity"] or {}).get("oster")
    if bounds is not None:
        yield "oster", bounds


def withheld_of(model: Mapping[str, Any], minimum: int) -> Withheld:
    """Return what has to go, as long as all numbers of firms are there.

    Parameters
    ----------
    model : mapping
        Of the record, nothing blanked yet.
    minimum : int
    """
    parts = _compared(model)
    if not any(part["group"] for part in parts):
        return Withheld(set(), set())
    firms = {_level(part): part["n_firms"] for part in parts if part["n_firms"] is not None}
    groups = [level for level in firms if level != TOTAL]
    counts: set[tuple[Level, str, str]] = set()
    behind: dict[tuple[str, str], dict[Level, int]] = {}
    for part in parts:
        for one in part["coefficients"]:
            if one["n_firms"] is not None:
                behind.setdefault((_estimate(part), one["term"]), {})[_level(part)] = one["n_firms"]
    for (rung, term), of in behind.items():
        hidden = to_hide(of, [(TOTAL, [level for level in of if level != TOTAL])] if TOTAL in of else [], minimum)
        counts |= {(level, rung, term) for level in hidden}
    small = {_level(part) for _, part in small_parts(model, minimum)}
    hidden = to_hide(firms, [(TOTAL, groups)], minimum, also=small)
    for side in SIDES:
        # Of a difference-in-differences the firms on either side add up as well.
        sides = {_level(part): part["stats"][side] for part in parts if part["stats"].get(side) is not None}
        hidden |= to_hide(
            sides, [(TOTAL, [level for level in sides if level != TOTAL])], minimum, also=hidden & set(sides)
        )
    return Withheld(hidden, counts)


def blank_withheld(model: dict[str, Any], withheld: Withheld, minimum: int, blank: Callable[[Any], None]) -> None:
    """Blank what has to go.

    Parameters
    ----------
    model : dict
        Of the record.
    withheld : Withheld
    minimum : int
    blank : callable
        Sets the numbers of an entry to None.
    """
    if TOTAL in withheld.groups:
        blank(model)
    _blank_beside(model, blank)
    for part in model["parts"]:
        level = _level(part)
        if level != TOTAL and level in withheld.groups:
            blank(part)
            if part["reason"]:
                part["reason"] = f"withheld: it concerns a group of fewer than {minimum} firms, or one beside it"
        for one in part["coefficients"]:
            if (level, _estimate(part), one["term"]) in withheld.counts:
                one["n_firms"] = None
    for one in model["coefficients"]:
        if (TOTAL, _estimate(model["parts"][0]) if model["parts"] else "", one["term"]) in withheld.counts:
            one["n_firms"] = None
    if not withheld.groups and not withheld.counts:
        return
    for one in model.get("decomposition") or ():
        if tuple((one["group"] or {}).items()) in withheld.groups:
            blank(one)
        # Firms behind a term stand here once more.
        one["n_firms"] = None
    for stats in (model["stats"], *(part["stats"] for part in model["parts"])):
        for test in stats.get("tests") or ():
            test["n_firms"] = None
            if test["by"] and withheld.groups:
                blank(test)
    if (model["sensitivity"] or {}).get("oster"):
        model["sensitivity"]["oster"]["n_firms"] = None


def _blank_beside(model: dict[str, Any], blank: Callable[[Any], None]) -> None:
    """Blank the blocks beside one that is withheld, which add up to the change, and what Oster's bounds conclude."""
    moved = model.get("decomposition") or ()
    few = {(one["term"], tuple((one["group"] or {}).items())) for one in moved if one.get("suppressed")}
    for one in moved:
        if (one["term"], tuple((one["group"] or {}).items())) in few:
            blank(one)
    bounds = (model["sensitivity"] or {}).get("oster")
    if bounds and bounds.get("suppressed"):
        bounds |= {key: None for key, value in bounds.items() if isinstance(value, bool) and key != "suppressed"}


def names_withheld(withheld: Withheld) -> list[str]:
    """Return how notes name the groups, ``size 250+``, and the terms of which numbers of firms are withheld."""
    groups = [f"{column} {value}" for level in withheld.groups for column, value in level]
    return [*groups, *sorted({term for _, _, term in withheld.counts if term != "constant"})]


def _compared(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a model that is split, or has controls added; of another none."""
    parts: list[dict[str, Any]] = model["parts"]
    return parts if any(part["group"] or part["rung"] for part in parts) else []


def _level(part: Mapping[str, Any]) -> Level:
    return tuple((part["group"] or {}).items())


def _estimate(part: Mapping[str, Any]) -> str:
    """Return which estimate of its group a part is: its estimator and its rung."""
    return f"{part['estimator']} {part['rung'] or ''}"
