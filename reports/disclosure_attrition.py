"""What weights for attrition tell of few firms: how many were lost, and levels that few of them had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["lines_of_attrition", "without_attrition"]

SAID = "attrition: of "


def _record(model: Mapping[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (model.get("sensitivity") or {}).get("attrition")
    return found


def lines_of_attrition(model: Mapping[str, Any], minimum: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what rests on firms: the whole by the firms that were lost, then each covariate's line.

    A mean of an indicator times its firms counts them, among those at risk, kept and lost.
    """
    found = _record(model)
    if found is None:
        return
    yield "attrition", found
    if found["n_firms"] >= minimum:
        for one in found["covariates"]:
            yield f"attrition: {one['term']}", one


def without_attrition(model: dict[str, Any]) -> None:
    """Leave out the notes and counts by which withheld numbers could be had."""
    found = _record(model)
    if found is None or not (found.get("suppressed") or any(one.get("suppressed") for one in found["covariates"])):
        return
    if found.get("suppressed"):
        model["notes"] = [note for note in model["notes"] if not note.startswith(SAID)]
        model["dropped"] = dict.fromkeys(model["dropped"])
        return
    # The levels of a text add up to one: beside one that is withheld, none of its column is told.
    columns = {one["term"].partition("[")[0] for one in found["covariates"] if one.get("suppressed")}
    for one in found["covariates"]:
        if one["term"].partition("[")[0] in columns:
            one.update({key: None for key in one if key not in ("term", "suppressed")}, suppressed=True)
