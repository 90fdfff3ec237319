"""P-values of several hypotheses, adjusted for each other: Holm, Benjamini and Hochberg, Romano and Wolf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Hypothesis", "adjusted_p_values", "benjamini_hochberg", "correlation", "holm", "romano_wolf"]

FROM_FIRMS = 2**40
"""Codes from here on are clusters of one firm."""


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """What is tested, and what its t statistic is made of.

    Attributes
    ----------
    p_value : float
        Of the test alone; one where there is none.
    firms : (F,) integer array
        Codes of the panel, ascending.
    influence : (F,) array
        The firms' influence on the estimate; empty where there is none.
    clusters : (F,) integer array or None
        In codes of the panel; -1 where none is known. None where the firms are the clusters.
    """

    p_value: float
    firms: IntArray
    influence: FloatArray
    clusters: IntArray | None = None


def adjusted_p_values(hypotheses: Sequence[Hypothesis], method: str, draws: int, seed: int) -> FloatArray:
    """Return adjusted p-values in the order of the hypotheses, (m,).

    Parameters
    ----------
    hypotheses : sequence of Hypothesis
    method : {'romano_wolf', 'holm', 'benjamini_hochberg'}
    draws, seed : int
        Of `romano_wolf`.
    """
    p_values = np.array([one.p_value for one in hypotheses])
    if method == "holm":
        return holm(p_values)
    if method == "benjamini_hochberg":
        return benjamini_hochberg(p_values)
    return romano_wolf(p_values, correlation(hypotheses), draws, seed)


def holm(p_values: FloatArray) -> FloatArray:
    """Return Holm's (1979) p-values, (m,): the j-th smallest times m - j + 1, none below those before it."""
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(order), 0, -1)
    return _back(np.minimum(np.maximum.accumulate(steps), 1.0), order)


def benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    """Return Benjamini and Hochberg's (1995) p-values, (m,): the j-th smallest times m / j, none above those after."""
    order = np.argsort(p_values, kind="stable")
    m = len(order)
    steps = p_values[order] * m / np.arange(1, m + 1)
    return _back(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def correlation(hypotheses: Sequence[Hypothesis]) -> FloatArray:
    """Return the correlations of the t statistics, from influence functions summed by cluster, (m, m).

    Parameters
    ----------
    hypotheses : sequence of Hypothesis
        One without influence is taken to be independent of the others, which adjusts most.
    """
    codes = [_clusters(one) for one in hypotheses]
    everywhere = np.unique(np.concatenate(codes))
    sums = np.zeros((len(hypotheses), everywhere.size))
    for row, one, own in zip(sums, hypotheses, codes, strict=True):
        np.add.at(row, np.searchsorted(everywhere, own), one.influence)
    length = np.sqrt((sums**2).sum(axis=1))
    known: BoolArray = length > 0
    scaled = sums / np.where(known, length, 1.0)[:, None]
    found: FloatArray = np.clip(scaled @ scaled.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return found


def _clusters(one: Hypothesis) -> IntArray:
    own: IntArray = FROM_FIRMS + one.firms.astype(np.int64)
    return own if one.clusters is None else np.where(one.clusters >= 0, one.clusters, own)


def romano_wolf(p_values: FloatArray, correlations: FloatArray, draws: int, seed: int) -> FloatArray:
    """Return Romano and Wolf's (2005) step-down p-values, (m,).

    Parameters
    ----------
    p_values : (m,) array
        Of each test alone.
    correlations : (m, m) array
        Of the t statistics.
    draws, seed : int

    Returns
    -------
    (m,) array
        In the order of the p-values, smallest first: the probability that the smallest p-value of this and of all
        hypotheses behind it is as small, if all of them are true; none below those before it.

    Notes
    -----
    The t statistics of true hypotheses are drawn jointly as sums over clusters of xi_g s_gj / sqrt(sum of s_gj^2) with
    standard normal xi_g, given the data a normal vector with `correlations`; by its p-value each draw is set beside the
    test's own, whatever its degrees of freedom. The share of draws is held between the p-value alone and Holm's, as the
    probability is that it stands for. So a single hypothesis is not adjusted, and no floor of 1 / (1 + draws) binds.
    """
    m = len(p_values)
    order = np.argsort(p_values, kind="stable")
    # By p-value, and with the one root that is symmetric: the order in which models are written draws nothing else.
    values, vectors = np.linalg.eigh(correlations[np.ix_(order, order)])
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    normal = np.random.default_rng(np.random.SeedSequence(seed)).standard_normal((draws, m))
    drawn = 2 * ndtr(-np.abs(normal @ root))
    lowest = np.minimum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1]
    share = (1 + (lowest <= p_values[order]).sum(axis=0)) / (1 + draws)
    bounded = np.clip(share, p_values[order], np.minimum(p_values[order] * np.arange(m, 0, -1), 1.0))
    return _back(np.minimum(np.maximum.accumulate(bounded), 1.0), order)


def _back(ordered: FloatArray, order: IntArray) -> FloatArray:
    found = np.empty_like(ordered)
    found[order] = ordered
    return found
