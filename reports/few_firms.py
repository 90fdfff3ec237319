"""Counts of firms that add up: which of them may be told, so that no small one follows from the others."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

__all__ = ["to_hide"]

Key = TypeVar("Key", bound=Hashable)


def to_hide(counts: Mapping[Key, int], sums: Sequence[tuple[Key, Sequence[Key]]], minimum: int) -> set[Key]:
    """Return the counts that have to be left out.

    Parameters
    ----------
    counts : mapping of key to int
    sums : sequence of (total, parts)
        Which counts add up to which.
    minimum : int
        A count from 1 to ``minimum - 1`` is left out; that there is no firm may be told.

    Returns
    -------
    set of keys
        The small counts; and, until no sum gives one away, the smallest beside them: of every sum either nothing is
        left out, or two counts at least, and parts that hold `minimum` firms together where their total is told.

    Notes
    -----
    It looks at one sum at a time, and chooses greedily: no optimal secondary suppression over several tables.
    """
    hidden = {key for key, count in counts.items() if 0 < count < minimum}
    changed = True
    while changed:
        changed = False
        for total, parts in sums:
            gone = [key for key in parts if key in hidden]
            left = sorted((key for key in parts if key not in hidden), key=lambda key: (counts[key] == 0, counts[key]))
            if not left:
                continue
            alone = len(gone) + (total in hidden) == 1
            few = total not in hidden and gone and sum(counts[key] for key in gone) < minimum
            if alone or few:
                hidden.add(left[0])
                changed = True
    return hidden
