"""What a model was asked beyond its effects, and what of it may leave a room.

The estimate without a group of firms and the estimate with it tell of that group: it needs enough firms on either side.
The groups add up to all firms, so that the one that is missing could be had from the others: those that are left out
are made to hold enough firms together. The comparisons behind two-way fixed effects have weights that add up to one and
add up to its coefficient: where one is withheld, all are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["beside_levels", "beyond_entries", "reasons_of", "sized_by_cohorts", "summarise_levels"]

LEFT = ("n_treated_left_out", "n_control_left_out")
COUNTS = ("n_obs", "n_firms", "n_treated_firms", "n_control_firms", *LEFT)


def beyond_entries(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every part of `sensitivity` and `power` that has numbers of firms, with what it is."""
    if model.get("power") is not None:
        yield "power", model["power"]
    found = model.get("sensitivity") or {}
    placebo = found.get("placebo") or {"dates": [], "outcomes": []}
    for one in placebo["dates"]:
        yield f"placebo {one['date']}", one
    for one in placebo["outcomes"]:
        yield f"placebo {one['outcome']}", one
    apart = found.get("leave_out") or {"column": "", "levels": []}
    for one in apart["levels"]:
        yield f"without {apart['column']} {one['level']}", one
    for one in (found.get("bacon") or {"comparisons": []})["comparisons"]:
        yield f"bacon {one['treated']} vs {one['control']}", one


def beside_levels(apart: Mapping[str, Any], minimum: int) -> list[dict[str, Any]]:
    """Return the levels to be withheld beside those that are: the smallest, until those left out hold enough firms.

    Parameters
    ----------
    apart : mapping
        ``sensitivity.leave_out``, whose levels are marked where they are suppressed; before their counts are blanked.
    minimum : int
    """
    hidden = [one for one in apart["levels"] if _few(one, minimum)]
    shown = sorted(
        (one for one in apart["levels"] if not _few(one, minimum)), key=lambda one: (one["n_firms"], one["level"])
    )
    more: list[dict[str, Any]] = []
    while shown and _add_up_to_few([*hidden, *more, apart["without_level"]], minimum):
        more.append(shown.pop(0))
    return more


def _few(one: Mapping[str, Any], minimum: int) -> bool:
    counts = [one[key] for key in ("n_firms", "n_treated_firms", "n_control_firms") if one[key] is not None]
    return bool(min(counts) < minimum)


def _add_up_to_few(groups: Sequence[Mapping[str, Any]], minimum: int) -> bool:
    sides = [sum(one[key] for one in groups) for key in LEFT]
    return any(0 < one < minimum for one in sides)


def summarise_levels(apart: dict[str, Any]) -> None:
    """Say of the levels that are left what was said of all: the lowest, the highest, the one that moves it most."""
    there = [one for one in apart["levels"] if one["estimate"] is not None]
    apart["lowest"] = min((one["estimate"] for one in there), default=None)
    apart["highest"] = max((one["estimate"] for one in there), default=None)
    most = max(there, key=lambda one: abs(one["estimate"] - apart["estimate"]), default=None)
    apart["moves_most"] = None if most is None else most["level"]
    apart["without_level"] = dict.fromkeys(apart["without_level"])
    apart["suppressed_levels"] = True


def sized_by_cohorts(model: Mapping[str, Any]) -> None:
    """Blank the counts of placebos and levels, from which those of a cohort could be had."""
    for _, one in beyond_entries(model):
        one.update(dict.fromkeys(key for key in COUNTS if key in one))
        if "dropped" in one:
            one["dropped"] = dict.fromkeys(one["dropped"])


def reasons_of(model: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what failed and says why."""
    found = [one for _, one in beyond_entries(model)]
    bacon = (model.get("sensitivity") or {}).get("bacon")
    for one in [*found, *([bacon] if bacon else [])]:
        if one.get("reason") is not None:
            yield one
