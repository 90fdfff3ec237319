"""Which lines of a balance of covariates may leave a room: a mean of an indicator times its rows counts firms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["beside_withheld_levels", "lines_of_balance", "told_of_levels"]


_ONE_SIDED = re.compile(r"balance: (?P<column>\S+) .* has no (?:un)?treated row: ")


def told_of_levels(note: str, masked: str) -> str:
    """Return a note on a level of one side, whose firms are all users or all none, without the level where it holds too
    few firms to be told.
    """
    found = _ONE_SIDED.match(note)
    if note == masked or found is None:
        return masked
    return f"balance: a level of {found['column']} was left out: treated rows alone have it, or untreated rows alone"


def lines_of_balance(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the lines of a model's balance, named by the covariate; none where it has no balance."""
    for one in (model.get("balance") or {}).get("covariates", ()):
        yield f"balance: {one['term']}", one


def beside_withheld_levels(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the levels to be withheld beside those that are: shares of levels add up to one."""
    factors: dict[str, list[dict[str, Any]]] = {}
    for _, one in lines_of_balance(model):
        column, bracket, _ = one["term"].partition("[")
        if bracket:
            factors.setdefault(column, []).append(one)
    found = []
    for levels in factors.values():
        open_ = [one for one in levels if not one.get("suppressed")]
        if len(levels) - len(open_) == 1 and open_:
            found.append(min(open_, key=lambda one: one["n_firms"]))
    return found
