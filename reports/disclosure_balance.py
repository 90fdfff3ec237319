"""Which lines of a balance of covariates may leave a room: a mean of an indicator times its rows counts firms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["beside_withheld_levels", "lines_of_balance", "told_of_levels", "without_shares"]


_LARGEST = re.compile(r"standardised differences were [\d.]+ at most and are [\d.]+; ")
_ONE_SIDED = re.compile(r"balance: (?P<column>\S+) .* has no (?:un)?treated row: ")


def told_of_levels(note: str, masked: str) -> str:
    """Return a note on a level of one side, whose firms are all users or all none, without the level where it holds too
    few firms to be told.
    """
    if "one firm holds " in note:
        return "a note was withheld: it concerns one firm"
    found = _ONE_SIDED.match(note)
    if note == masked or found is None:
        return masked
    return f"balance: a level of {found['column']} was left out: treated rows alone have it, or untreated rows alone"


def lines_of_balance(model: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the lines of a model's balance, named by the covariate; none where it has no balance."""
    for one in (model.get("balance") or {}).get("covariates", ()):
        yield f"balance: {one['term']}", one


def beside_withheld_levels(model: Mapping[str, Any], minimum: int) -> list[dict[str, Any]]:
    """Return the levels to be withheld beside those that are: shares of levels add up to one."""
    balance = model.get("balance")
    if not balance or balance["n_firms_treated"] is None:
        return []
    factors: dict[str, list[dict[str, Any]]] = {}
    for _, one in lines_of_balance(model):
        column, bracket, _ = one["term"].partition("[")
        if bracket:
            factors.setdefault(column, []).append(one)
    found = []
    for levels in factors.values():
        open_ = sorted((one for one in levels if not one.get("suppressed")), key=lambda one: one["n_firms"])
        gone = len(levels) - len(open_)
        while gone and open_ and (gone < 2 or _left_over(open_, balance) < minimum):
            found.append(open_.pop(0))
            gone += 1
    return found


def _left_over(shown: list[dict[str, Any]], balance: Mapping[str, Any]) -> float:
    """Return how many firms of a side the levels that are not shown hold together."""
    sides = ("treated", "control")
    shares = [1.0 - sum(float(one[f"mean_{side}"]) for one in shown) for side in sides]
    return min(share * float(balance[f"n_firms_{side}"]) for share, side in zip(shares, sides, strict=True))


def without_shares(model: dict[str, Any]) -> None:
    """Take out what tells of a single firm, and the largest difference where lines are withheld; changed in place."""
    balance = model.get("balance")
    if not balance:
        return
    balance |= {"largest_share_treated": None, "largest_share_control": None}
    if any(one.get("suppressed") for one in balance["covariates"]):
        model["notes"] = [_LARGEST.sub("", note) for note in model["notes"]]
