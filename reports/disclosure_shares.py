"""Which shares of firms may leave a room: of enough firms, of whom enough said yes and enough said no.

A share rests on the firms in its base. But one user among five hundred firms is one firm's secret whatever the base,
and so is the one firm that does not use; and a share of 0 or 1 tells what every firm of the cell said. So the firms
that said yes and those that said no both count, zero included.

Shares of the cells of a block, with the firms behind them, add up to that of the coarser cell. One that is missing
would be the difference of the others: what is left out is made to hold enough firms together, by leaving out the
smallest cells beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

__all__ = ["blank_added_up", "few_behind", "is_of_shares"]


def is_of_shares(model: Mapping[str, Any]) -> bool:
    """Return whether a model's coefficients are shares of firms."""
    described = model.get("design") == "descriptives"
    return not described and any("n_yes" in one for one in model["coefficients"])


def few_behind(entry: Mapping[str, Any]) -> int | None:
    """Return the smallest number of firms that an entry tells something of; None where it is taken already."""
    sides = ("n_yes", "n_no", "n_treated_firms", "n_control_firms")
    counts = [entry["n_firms"], *(entry[key] for key in sides if key in entry)]
    return None if None in counts else min(counts)


def blank_added_up(coefficients: Sequence[Mapping[str, Any]], minimum: int) -> list[Any]:
    """Return the shares that have to be left out beside those that are suppressed already.

    Parameters
    ----------
    coefficients : sequence of mapping
        Of one model; those suppressed have no counts any more.
    minimum : int

    Returns
    -------
    list of mapping
        Of `coefficients`: of each coarser cell the smallest finer ones, until the finer ones left out hold enough
        firms, yes and no, together; and all that lies within a cell left out for that reason.
    """
    found: list[Any] = []
    for item in dict.fromkeys(one["item"] for one in coefficients):
        found += _of_item([one for one in coefficients if one["item"] == item], minimum)
    return found


def _of_item(shares: Sequence[Mapping[str, Any]], minimum: int) -> list[Any]:
    cells = [frozenset(one["cell"].items()) for one in shares]
    hidden = [bool(one.get("suppressed")) for one in shares]
    taken: list[int] = []

    def take(place: int) -> None:
        hidden[place] = True
        taken.append(place)

    families = _families(shares, cells)
    changed = True
    while changed:
        changed = False
        for parent, finer in families:
            if hidden[parent]:
                # What adds up to a cell that is left out would give it away.
                inside = [place for place in finer if not hidden[place]] if parent in taken else []
                for place in inside:
                    take(place)
                changed = changed or bool(inside)
                continue
            gone = [place for place in finer if hidden[place]]
            left = sorted((place for place in finer if not hidden[place]), key=lambda place: shares[place]["n_firms"])
            while gone and left and _too_few(shares[parent], [shares[place] for place in left], minimum):
                take(left.pop(0))
                changed = True
    return [shares[place] for place in taken]


def _families(
    shares: Sequence[Mapping[str, Any]], cells: Sequence[frozenset[tuple[str, str]]]
) -> list[tuple[int, list[int]]]:
    """Return every cell with the cells of each finer block that lie within it, by their places."""
    blocks: dict[frozenset[str], list[int]] = {}
    for place, one in enumerate(shares):
        blocks.setdefault(frozenset(one["cell"]), []).append(place)
    return [
        (parent, [place for place in blocks[fine] if cells[place] > cells[parent]])
        for coarse, fine in combinations(sorted(blocks, key=len), 2)
        if coarse < fine
        for parent in blocks[coarse]
    ]


def _too_few(parent: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], minimum: int) -> bool:
    """Return whether what the shown cells leave of their sum is fewer firms than may be told of."""
    keys = [key for key in ("n_firms", "n_yes", "n_no") if key in parent]
    rest = (int(parent[key]) - sum(int(one[key]) for one in shown) for key in keys)
    return min(rest) < minimum
