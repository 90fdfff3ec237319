"""Shares and their errors by other ways: sums over rows in plain Python, and the textbook's formulas."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["brute_share", "stratified_proportion"]


def brute_share(
    yes: Sequence[float | None],
    weight: Sequence[float],
    stratum: Sequence[str],
    inside: Sequence[bool],
    population: dict[str, float] | None = None,
) -> tuple[float, float]:
    """Return the weighted share of yes inside, and its linearised standard error, row by row."""
    counted = [i for i, answer in enumerate(yes) if inside[i] and answer is not None]
    total = math.fsum(weight[i] for i in counted)
    share = math.fsum(weight[i] * float(yes[i] or 0) for i in counted) / total
    z = [0.0] * len(yes)
    for i in counted:
        z[i] = weight[i] * (float(yes[i] or 0) - share) / total
    variance = 0.0
    for name in set(stratum):
        members = [i for i, one in enumerate(stratum) if one == name]
        n = len(members)
        left = 1.0 if population is None else 1.0 - n / population[name]
        if n == 1:
            variance += left * (z[members[0]] - math.fsum(z) / len(z)) ** 2
            continue
        mean = math.fsum(z[i] for i in members) / n
        variance += left * n / (n - 1) * math.fsum((z[i] - mean) ** 2 for i in members)
    return share, math.sqrt(variance)


def stratified_proportion(sizes: Sequence[float], sampled: Sequence[int], yes: Sequence[int]) -> tuple[float, float]:
    """Return the stratified estimate of a proportion and its standard error (Cochran, 1977, sections 5.10 and 3.2).

    V = sum of (N_h/N)^2 (1 - n_h/N_h) p_h (1 - p_h) / (n_h - 1).
    """
    whole = sum(sizes)
    p = [y / n for y, n in zip(yes, sampled, strict=True)]
    share = sum(size / whole * one for size, one in zip(sizes, p, strict=True))
    variance = sum(
        (size / whole) ** 2 * (1 - n / size) * one * (1 - one) / (n - 1)
        for size, n, one in zip(sizes, sampled, p, strict=True)
    )
    return share, math.sqrt(variance)
