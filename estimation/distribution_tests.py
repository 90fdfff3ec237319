"""Whether two distributions differ, and whether one lies above the other: distances and their p-values.

With F1 and F0 the (weighted) distribution functions of a group and of its base, the group dominates the base at first
order if F1 <= F0 everywhere, and at second order if the integral of F1 - F0 from below is nowhere above zero. A
distance says how far the two are from that.

References
----------
Barrett, G. F. and Donald, S. G. (2003). Consistent tests for stochastic dominance. Econometrica 71(1), 71-104.
Sections 2 and 3.
Delgado, M. A., Fariñas, J. C. and Ruano, S. (2002). Firm productivity and export markets: a non-parametric approach.
Journal of International Economics 57(2), 397-422. Section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from estimation.results import FloatArray, IntArray

__all__ = ["DISTANCES", "EXACT_UP_TO", "LEVEL", "Pair", "distances", "exact", "multiplied", "shares_beyond", "verdict"]

DISTANCES = ("ks", "first_order", "first_order_reverse", "second_order", "second_order_reverse")
"""``ks``: either way; ``first_order``: how far F1 rises above F0, against dominance of the group; ``reverse``: of the
base."""
LEVEL = 0.05
"""Of the tests that a verdict rests on."""
EXACT_UP_TO = 1_000
"""Firms in the larger group up to which Kolmogorov and Smirnov's p-values are exact."""
BLOCK_VALUES = 4_000_000
ROUNDING = 1e-13
"""Of a distribution function: what is left of sums that cancel."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A group and its base: the rows of both, in ascending order of the outcome.

    Attributes
    ----------
    values : (n,) array
    mass : (n,) array
        What a row adds to F1 - F0: its weight over its group's, below zero for the base's rows.
    cluster : (n,) integer array
        Whose it is, 0 to G - 1.
    """

    values: FloatArray
    mass: FloatArray
    cluster: IntArray


def distances(values: FloatArray, mass: FloatArray) -> FloatArray:
    """Return the five distances of `DISTANCES`, (5,).

    Parameters
    ----------
    values : (n,) array
        Ascending.
    mass : (n,) array
    """
    last = _last(values)
    found: FloatArray = _from(np.cumsum(mass)[None, last], np.diff(values[last]))[0]
    return found


def _last(values: FloatArray) -> slice | IntArray:
    """Return which of ascending values are the last of their kind: there a distribution function is what it is."""
    ends = np.append(np.diff(values) > 0, True)
    return slice(None) if ends.all() else np.flatnonzero(ends)


def _from(path: FloatArray, steps: FloatArray) -> FloatArray:
    """Return the distances of differences of distribution functions, (B, n), with steps between their n values."""
    path[np.abs(path) < ROUNDING] = 0.0
    above, below = path.max(axis=1), -path.min(axis=1)
    area = path[:, :-1] * steps
    np.cumsum(area, axis=1, out=area)
    more, less = area.max(axis=1, initial=0.0), 0.0 - area.min(axis=1, initial=0.0)
    above, below = np.maximum(above, 0.0), np.maximum(below, 0.0)
    return np.stack([np.maximum(above, below), above, below, more, less], axis=1)


def multiplied(pairs: Sequence[Pair], n_clusters: int, draws: int, seed: int) -> FloatArray:
    """Return the distances of draws under the hypothesis that the two distributions are one, (draws, pairs, 5).

    Every cluster's part in F1 - F0 is multiplied by a normal number of its own, the same in all pairs (Barrett and
    Donald, 2003, equation 10, with clusters in the place of observations).

    Parameters
    ----------
    pairs : sequence of Pair
    n_clusters, draws, seed : int
    """
    random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))
    found = np.empty((draws, len(pairs), len(DISTANCES)))
    prepared = []
    for one in pairs:
        sides = np.stack([np.maximum(one.mass, 0.0), np.maximum(-one.mass, 0.0)])
        last = _last(one.values)
        prepared.append((one, last, np.diff(one.values[last]), sides, np.cumsum(sides, axis=1)))
    for part in _blocks(draws, max([n_clusters, *(len(one.values) for one in pairs)])):
        normal = random.standard_normal((part.stop - part.start, n_clusters))
        for number, (one, last, steps, sides, functions) in enumerate(prepared):
            path = normal[:, one.cluster]
            upper, lower = (path @ side for side in sides)
            path *= one.mass
            np.cumsum(path, axis=1, out=path)
            # Each side about its own distribution function.
            path -= upper[:, None] * functions[0]
            path += lower[:, None] * functions[1]
            found[part, number] = _from(path[:, last], steps)
    return found


def _blocks(draws: int, width: int) -> Iterator[slice]:
    size = max(BLOCK_VALUES // width, 1)
    for start in range(0, draws, size):
        yield slice(start, min(start + size, draws))


def shares_beyond(found: FloatArray, drawn: FloatArray) -> FloatArray:
    """Return the p-values of distances, (5,), from those of B draws, (B, 5): (1 + draws beyond) / (B + 1).

    A draw that is NaN has lost a group: it does not count.
    """
    there = ~np.isnan(drawn).any(axis=1)
    if not there.any():
        return np.full(len(found), np.nan)
    # A draw as far as the sample by rounding is as far: under ties they are the same number.
    beyond = drawn[there] >= found * (1 - 1e-12)
    p_values: FloatArray = (1 + beyond.sum(axis=0)) / (1 + int(there.sum()))
    return p_values


def exact(group: FloatArray, base: FloatArray) -> tuple[FloatArray, bool]:
    """Return Kolmogorov and Smirnov's p-values of `ks`, `first_order` and `first_order_reverse`, and whether exact.

    Of independent rows without weights.

    Parameters
    ----------
    group, base : (n,), (m,) arrays
    """
    method: Literal["exact", "asymp"] = "exact" if max(len(group), len(base)) <= EXACT_UP_TO else "asymp"
    # F1 above F0 somewhere is "greater" of the first sample's function.
    sides: tuple[Literal["two-sided", "greater", "less"], ...] = ("two-sided", "greater", "less")
    found = [float(stats.ks_2samp(list(group), list(base), alternative=side, method=method).pvalue) for side in sides]
    return np.array(found), method == "exact"


def verdict(p_values: Mapping[str, float]) -> int:
    """Return at which order one group is seen to dominate the other.

    Parameters
    ----------
    p_values : mapping of str to float
        By `DISTANCES`.

    Returns
    -------
    int
        1 or 2: that the group dominates is not rejected, that the base does is; -1 or -2: the other way round; 0: the
        tests tell neither. At first order the two must differ at all by `ks` (Delgado, Fariñas and Ruano, 2002).
    """
    differ = p_values["ks"] < LEVEL
    for order, name in ((1, "first_order"), (2, "second_order"))[0 if differ else 1 :]:
        group, base = p_values[name], p_values[f"{name}_reverse"]
        if group >= LEVEL > base:
            return order
        if base >= LEVEL > group:
            return -order
    return 0
