"""Draws of clusters of firms with replacement, and what is read off them.

A draw is a number of times that each firm was drawn. It depends on the seed, on the clusters and strata and
on its own number, and on nothing else: not on how many draws are made at a time, nor on those before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["FEWEST_DRAWS", "MANY_FAILED", "Blocks", "Summary", "blocks", "summarise"]

FEWEST_DRAWS = 99
MANY_FAILED = 0.05
LEVEL = 0.95
# A draw whose standard error is rounding (one firm stands behind a level there) has no t statistic.
NO_ERROR = 1e-8
# The middle of a normal that one standard deviation to both sides holds.
MIDDLE = (0.158655, 0.841345)


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """What is drawn: clusters of firms, each stratum as many as it has.

    Attributes
    ----------
    seed : int
    firms : (G,) integer array
        Codes of the firms that can be drawn, ascending.
    cluster : (G,) integer array
        Each firm's cluster, 0 to C - 1; clusters are numbered stratum by stratum.
    first, size : (C,) integer arrays
        The first cluster of each cluster's stratum, and the number of clusters in it.
    n_panel : int
        Firms of the panel.
    """

    seed: int
    firms: IntArray
    cluster: IntArray
    first: IntArray
    size: IntArray
    n_panel: int

    @property
    def n_clusters(self) -> int:
        """Clusters that can be drawn."""
        return len(self.size)

    @property
    def n_strata(self) -> int:
        """Strata."""
        return int(np.unique(self.first).size)

    @property
    def n_alone(self) -> int:
        """Strata with one cluster, which is in every draw."""
        return int(np.count_nonzero(self.size == 1))

    def counts(self, start: int, stop: int) -> FloatArray:
        """Return how often each of the panel's firms was drawn in the draws from start to stop, (B, n_panel)."""
        found = np.zeros((stop - start, self.n_panel))
        for row, number in enumerate(range(start, stop)):
            random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(number,))))
            picked = self.first + (random.random(self.n_clusters) * self.size).astype(np.int64)
            found[row, self.firms] = np.bincount(picked, minlength=self.n_clusters)[self.cluster]
        return found

    def batches(self, draws: int, at_a_time: int) -> Iterator[tuple[slice, FloatArray]]:
        """Yield the draws' numbers and their counts, some at a time."""
        for start in range(0, draws, at_a_time):
            part = slice(start, min(start + at_a_time, draws))
            yield part, self.counts(part.start, part.stop)


def blocks(
    seed: int,
    firms: IntArray,
    n_panel: int,
    cluster: IntArray | None = None,
    stratum: IntArray | None = None,
) -> Blocks:
    """Say what is drawn.

    Parameters
    ----------
    seed : int
    firms : (G,) integer array
        Codes of the firms that can be drawn, ascending.
    n_panel : int
        Firms of the panel.
    cluster : (G,) integer array, optional
        Each firm's cluster; every firm one of its own where it is left out.
    stratum : (G,) integer array, optional
        Each firm's stratum, the same for all firms of a cluster.
    """
    cluster = np.arange(len(firms)) if cluster is None else cluster
    stratum = np.zeros(len(firms), dtype=np.int64) if stratum is None else stratum
    pairs, member = np.unique(np.stack([stratum, cluster]), axis=1, return_inverse=True)
    of_cluster = pairs[0]
    _, first, size = np.unique(of_cluster, return_index=True, return_counts=True)
    group = np.searchsorted(np.unique(of_cluster), of_cluster)
    return Blocks(seed, firms, member.reshape(-1).astype(np.int64), first[group], size[group], n_panel)


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """What B draws say of k estimates.

    Attributes
    ----------
    std_errors : (k,) array
        Standard deviations of the draws.
    covariance : (k, k) array
        Each pair on the draws that have both.
    percentile, studentised : (k, 2) arrays
        The two intervals; NaN where there is none, as where all draws are alike.
    p_percentile, p_studentised : (k,) arrays
        Two-sided; what the intervals hold back.
    smallest_percentile, smallest_studentised : (k,) arrays
        What these p-values cannot be below with so many draws.
    undefined : (k,) integer array
        Draws that are no failures and have no value of this estimate.
    failed : int
        Draws without any estimate.
    middle : (k,) array
        Half the range of the draws' middle 68.27 per cent, which is the standard deviation of a normal.
    notes : tuple of str
        What the resampler says of its draws.
    tests : mapping of str to float, int or None
        The `stats` of tests whose p-values the draws give.
    """

    std_errors: FloatArray
    covariance: FloatArray
    percentile: FloatArray
    studentised: FloatArray
    p_percentile: FloatArray
    p_studentised: FloatArray
    smallest_percentile: FloatArray
    smallest_studentised: FloatArray
    undefined: IntArray
    failed: int
    middle: FloatArray
    notes: tuple[str, ...] = ()
    tests: Mapping[str, float | int | None] = field(default_factory=dict)


def summarise(
    estimate: FloatArray, draws: FloatArray, std_error: FloatArray | None = None, std_errors: FloatArray | None = None
) -> Summary:
    """Read standard errors, intervals and p-values off draws.

    Parameters
    ----------
    estimate : (k,) array
    draws : (B, k) array
        NaN where a draw has no estimate.
    std_error, std_errors : (k,) and (B, k) arrays, optional
        Of the estimate and of each draw, by one formula; without them there is no studentised interval.

    Returns
    -------
    Summary

    Notes
    -----
    With b(1) <= ... <= b(B) the draws of one estimate and alpha = 0.05, quantiles are those of the (B + 1) alpha
    rule, interpolated linearly. The percentile interval is ``[q(alpha/2), q(1 - alpha/2)]`` of the draws, and its
    p-value ``2 (1 + min(#{b <= 0}, #{b >= 0})) / (B + 1)``. With ``t_b = (b - estimate) / se_b``, the studentised
    interval is ``[estimate - se q(1 - alpha/2), estimate - se q(alpha/2)]`` of the t_b (Efron and Tibshirani, 1993,
    equation 12.22), and its p-value the same share of the t_b beyond ``estimate / se``: equal-tailed both.
    """
    there: BoolArray = ~np.isnan(draws)
    lost = np.asarray(~there.any(axis=1), dtype=np.bool_)
    k = len(estimate)
    percentile, studentised = np.full((k, 2), np.nan), np.full((k, 2), np.nan)
    p_percentile, p_studentised = np.full(k, np.nan), np.full(k, np.nan)
    smallest_percentile, smallest_studentised = np.full(k, np.nan), np.full(k, np.nan)
    std_errors_found, middle = np.full(k, np.nan), np.full(k, np.nan)
    for j in range(k):
        values = draws[there[:, j], j]
        if len(values) < 2:
            continue
        std_errors_found[j] = float(np.std(values, ddof=1))
        if not std_errors_found[j] > 0:
            continue
        low, high = np.quantile(values, MIDDLE)
        middle[j] = (high - low) / 2
        percentile[j] = _tails(values)
        p_percentile[j], smallest_percentile[j] = _two_sided(values, 0.0), 2 / (len(values) + 1)
        if std_error is None or std_errors is None or not std_error[j] > 0:
            continue
        own = std_errors[there[:, j], j]
        usable = own > NO_ERROR * std_error[j]
        if np.count_nonzero(~usable) > MANY_FAILED * len(own):
            continue
        t = (values[usable] - estimate[j]) / own[usable]
        low, high = _tails(t)
        studentised[j] = estimate[j] - high * std_error[j], estimate[j] - low * std_error[j]
        p_studentised[j], smallest_studentised[j] = _two_sided(t, estimate[j] / std_error[j]), 2 / (len(t) + 1)
    return Summary(
        std_errors=std_errors_found,
        covariance=_pairwise(draws, there),
        percentile=percentile,
        studentised=studentised,
        p_percentile=p_percentile,
        p_studentised=p_studentised,
        smallest_percentile=smallest_percentile,
        smallest_studentised=smallest_studentised,
        undefined=(~there & ~lost[:, None]).sum(axis=0).astype(np.int64),
        failed=int(lost.sum()),
        middle=middle,
    )


def _tails(values: FloatArray) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail], method="weibull")
    return float(low), float(high)


def _two_sided(values: FloatArray, at: float) -> float:
    beyond = min(int(np.count_nonzero(values <= at)), int(np.count_nonzero(values >= at)))
    return min(2 * (1 + beyond) / (len(values) + 1), 1.0)


def _pairwise(draws: FloatArray, there: BoolArray) -> FloatArray:
    """Return the covariance of every pair over the draws that have both, (k, k); NaN where fewer than two have."""
    k = draws.shape[1]
    if there.all(axis=1).sum() == there.any(axis=1).sum():
        full = draws[there.all(axis=1)]
        if len(full) < 2:
            return np.full((k, k), np.nan)
        return np.asarray(np.cov(full, rowvar=False), dtype=np.float64).reshape(k, k)
    found = np.full((k, k), np.nan)
    for i in range(k):
        for j in range(i + 1):
            both = there[:, i] & there[:, j]
            if np.count_nonzero(both) > 1:
                pair = draws[both][:, [i, j]]
                found[i, j] = found[j, i] = float(np.cov(pair, rowvar=False)[0, 1])
    return found
