"""What the reader should know of the rows that a decomposition rests on: a firm that holds most, groups of one firm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["check_groups_hold_several", "dominated", "like_a_log"]

# Shares of one firm that are told, from above: which of them it exceeds and not the share itself, which may be secret.
BOUNDS = (0.99, 0.9, 0.75, 0.5)
# What tells a log from an amount: rows that it takes, between what the largest log of employees or of money lies, the
# skewness that sizes of firms exceed and their logs do not.
FEWEST_ROWS, LARGEST_LOG, LEAST_SKEWNESS = 20, (3.0, 30.0), 1.0


def dominated(weights: str, share: FloatArray, places: Sequence[tuple[str, BoolArray]]) -> tuple[str, ...]:
    """Say where one firm holds more than half of the activity.

    Parameters
    ----------
    weights : str
        The activity.
    share : (n,) array
        Weight times activity of every row, above zero; a firm has one row in a place.
    places : sequence of (str, (n,) bool array)
        ``in 2017``, ``of the entrants``; and the rows.
    """
    found: dict[str, list[str]] = {}
    for where, here in places:
        own = share[here]
        if not len(own):
            continue
        largest = float(own.max() / own.sum())
        above = [bound for bound in BOUNDS if largest > bound]
        if len(own) == 1:
            found.setdefault("all", []).append(where)
        elif above:
            found.setdefault(f"more than {100 * above[0]:.0f} per cent", []).append(where)
    if not found:
        return ()
    told = "; ".join(f"{held} of {weights} {', '.join(where)}" for held, where in found.items())
    return (
        f"one firm holds {told}: a mean weighted by such shares is mostly that firm's own value, which can be read "
        "off it",
    )


def check_groups_hold_several(
    by: str, groups: Sequence[str], group: IntArray, year: IntArray, n_years: int
) -> tuple[str, ...]:
    """Say how many groups hold one firm: there is no covariance inside.

    Raises
    ------
    EstimationError
        If no group holds two firms of a year.
    """
    sizes = np.bincount(group * n_years + year, minlength=len(groups) * n_years)
    if sizes.max() < 2:
        raise EstimationError(
            f"by: no {by} holds two firms of one year: nothing can happen inside a group of one firm; take a coarser "
            "column, or make classes of it by cut()"
        )
    alone, there = int(np.count_nonzero(sizes == 1)), int(np.count_nonzero(sizes))
    if not alone:
        return ()
    return (f"{alone} of {there} groups of {by} by year hold one firm: there is no covariance inside these",)


def like_a_log(values: FloatArray) -> bool:
    """Say whether a column looks like the log of an activity: not whole, small, and about as long a tail on each side.

    Firms' employees, turnover or assets have a long tail above, their logs hardly any.

    Parameters
    ----------
    values : (n,) array
        NaN where missing.
    """
    there = values[~np.isnan(values)]
    if len(there) < FEWEST_ROWS or not np.ptp(there) > 0:
        return False
    low, high = LARGEST_LOG
    if not low < there.max() < high or bool((there == np.round(there)).all()):
        return False
    about = (there - there.mean()) / there.std()
    return float(np.mean(about**3)) < LEAST_SKEWNESS
