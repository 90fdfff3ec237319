"""Counts of firms that add up: which of them may be told, so that no small one follows from the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import TypeVar

__all__ = ["to_hide"]

Key = TypeVar("Key", bound=Hashable)


def to_hide(
    counts: Mapping[Key, int],
    sums: Sequence[tuple[Key, Sequence[Key]]],
    minimum: int,
    also: Collection[Key] = (),
    together: Callable[[Sequence[Key]], int] | None = None,
) -> set[Key]:
    """Return the counts that have to be left out.

    Parameters
    ----------
    counts : mapping of key to int
    sums : sequence of (total, parts)
        Which counts add up to which.
    minimum : int
        A count from 1 to ``minimum - 1`` is left out; that there is no firm may be told.
    also : collection of keys, optional
        Counts that are left out for other reasons, small or not.
    together : callable, optional
        How many firms stand behind several counts, where some stand behind more than one: their union. The sum of the
        counts without it.

    Returns
    -------
    set of keys
        The small counts; and, until no sum gives one away, the smallest beside them: of every sum either nothing is
        left out, or two counts at least, and parts that hold `minimum` firms together where their total is told. A
        total whose one part is left out is left out as well.

    Notes
    -----
    It looks at one sum at a time, and chooses greedily: no optimal secondary suppression over several tables.
    """

    def firms(keys: Sequence[Key]) -> int:
        return together(keys) if together is not None else sum(counts[key] for key in keys)

    hidden = {key for key, count in counts.items() if 0 < count < minimum} | set(also)
    changed = True
    while changed:
        changed = False
        for total, parts in sums:
            gone = [key for key in parts if key in hidden]
            left = sorted((key for key in parts if key not in hidden), key=lambda key: (counts[key] == 0, counts[key]))
            alone = len(gone) + (total in hidden) == 1
            few = total not in hidden and gone and firms(gone) < minimum
            # Where all parts are gone, or the total has none, it is the total that gives the one away.
            if left and (alone or few):
                hidden.add(left[0])
                changed = True
            elif gone and (alone or few):
                hidden.add(total)
                changed = True
    return hidden
