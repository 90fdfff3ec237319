"""Adjusted p-values against statsmodels, special cases that must collapse, and errors within families in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from estimation.inference import two_sided
from estimation.multiple_testing import (
    Hypothesis,
    adjusted_p_values,
    benjamini_hochberg,
    correlation,
    holm,
    romano_wolf,
)
from estimation.results import FloatArray, IntArray

P = st.lists(st.floats(0, 1), min_size=1, max_size=12).map(np.array)


@settings(max_examples=30, deadline=None)
@given(P)
def test_as_statsmodels(p_values: FloatArray) -> None:
    for method, ours in (("holm", holm), ("fdr_bh", benjamini_hochberg)):
        # The same products in another order.
        assert ours(p_values) == pytest.approx(multipletests(p_values, method=method)[1], rel=1e-12, abs=1e-300)


def hypothesis(p_value: float, influence: FloatArray, clusters: IntArray | None = None) -> Hypothesis:
    return Hypothesis(p_value, np.arange(len(influence)), influence, clusters)


def test_one_hypothesis_is_not_adjusted() -> None:
    own = np.random.default_rng(1).normal(size=50)
    for p in (1e-9, 0.013, 0.4, 1.0):
        for method in ("romano_wolf", "holm", "benjamini_hochberg"):
            assert adjusted_p_values([hypothesis(p, own)], method, 99, 1).tolist() == [p]


def test_hypotheses_that_are_one_another_are_not_adjusted() -> None:
    """The same influence, in other units and with the other sign: the share of 9,999 draws knows p to 0.5 points."""
    own = np.random.default_rng(1).normal(size=50)
    family = [hypothesis(0.03, own), hypothesis(0.03, 1000 * own), hypothesis(0.03, -own)]
    assert adjusted_p_values(family, "romano_wolf", 9_999, 1) == pytest.approx([0.03] * 3, abs=0.005)
    assert adjusted_p_values(family, "holm", 9_999, 1).tolist() == [0.09] * 3


def test_independent_hypotheses_are_adjusted_as_sidak() -> None:
    """1 - (1 - p)^m, step by step; 99,999 draws know it to 0.2 points at three errors."""
    p = np.array([0.04, 0.01, 0.2, 0.6])
    expected = [1 - 0.96**3, 1 - 0.99**4, 1 - 0.8**2, 0.6]
    assert romano_wolf(p, np.eye(4), 99_999, 3) == pytest.approx(expected, abs=0.005)
    # Firms of their own for each: nothing in common.
    family = [Hypothesis(one, np.arange(100 * place, 100 * place + 100), np.ones(100)) for place, one in enumerate(p)]
    assert correlation(family).tolist() == np.eye(4).tolist()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_bounds_order_and_relabelling(seed: int, m: int) -> None:
    draw = np.random.default_rng(seed)
    p = draw.uniform(size=m) ** 3
    own = draw.normal(size=(m, 30)) + draw.normal(size=30)
    found = adjusted_p_values([hypothesis(*one) for one in zip(p, own, strict=True)], "romano_wolf", 199, 1)
    assert (found >= p).all()
    assert (found <= holm(p)).all()
    assert (np.diff(found[np.argsort(p)]) >= 0).all()
    # Firms in another order and under other codes.
    order = draw.permutation(30)
    again = [Hypothesis(float(q), np.arange(30) + 500, one[order]) for q, one in zip(p, own, strict=True)]
    # Sums over firms in another order.
    assert correlation(again) == pytest.approx(
        correlation([hypothesis(*one) for one in zip(p, own, strict=True)]), abs=1e-12
    )


def test_clusters_are_summed_and_firms_without_one_stand_alone() -> None:
    first, second = np.array([1.0, 2, -1, 4, 5]), np.array([2.0, 0, 3, 1, 1])
    codes = np.array([0, 0, 1, 1, -1])
    found = correlation([hypothesis(0.1, first, codes), hypothesis(0.1, second, codes)])
    one, two = np.array([3.0, 3, 5]), np.array([2.0, 4, 1])
    assert found[0, 1] == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), rel=1e-12)
    # Models on different firms: those that one does not see add nothing.
    other = Hypothesis(0.1, np.array([1, 3]), np.array([2.0, 5.0]))
    found = correlation([hypothesis(0.1, first), other])
    assert found[0, 1] == pytest.approx((2 * 2 + 4 * 5) / np.linalg.norm(first) / np.linalg.norm([2, 5]), rel=1e-12)


def test_errors_within_a_family() -> None:
    """Five true hypotheses with correlations of a half: unadjusted, one rejects in far more than 5 per cent.

    Romano and Wolf's share is 5 per cent, within three errors of 400 samples (3.3 points); Holm's is not above it.
    """
    draw = np.random.default_rng(7)
    any_plain = any_romano = any_holm = 0
    for seed in range(400):
        own = draw.normal(size=(5, 80)) + draw.normal(size=80)
        t = own.sum(axis=1) / np.sqrt((own**2).sum(axis=1))
        p = two_sided(t, np.inf)
        family = [hypothesis(*one) for one in zip(p, own, strict=True)]
        any_plain += bool((p <= 0.05).any())
        any_romano += bool((adjusted_p_values(family, "romano_wolf", 199, seed) <= 0.05).any())
        any_holm += bool((holm(p) <= 0.05).any())
    assert any_plain / 400 > 0.1
    assert any_romano / 400 == pytest.approx(0.05, abs=0.033)
    assert any_holm <= any_romano


def test_what_has_no_p_value_counts_as_a_true_hypothesis() -> None:
    own = np.random.default_rng(1).normal(size=50)
    nothing = Hypothesis(1.0, np.zeros(0, dtype=np.int64), np.zeros(0))
    found = adjusted_p_values([hypothesis(0.02, own), nothing], "holm", 99, 1)
    assert found.tolist() == [0.04, 1.0]
    drawn = adjusted_p_values([hypothesis(0.02, own), nothing], "romano_wolf", 99_999, 1)
    assert drawn == pytest.approx([1 - 0.98**2, 1.0], abs=0.002)


def test_the_order_of_the_hypotheses_changes_nothing() -> None:
    rng = np.random.default_rng(8)
    common = rng.normal(size=80)
    found = [hypothesis(p, common + rng.normal(size=80)) for p in (0.003, 0.02, 0.04, 0.3, 0.35, 0.6)]
    known = adjusted_p_values(found, "romano_wolf", 199, 1)
    for _ in range(5):
        order = rng.permutation(len(found))
        # To the last bit: a sum in another order would have to lift a draw over a p-value to be seen.
        assert list(adjusted_p_values([found[one] for one in order], "romano_wolf", 199, 1)) == list(known[order])
