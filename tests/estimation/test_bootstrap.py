"""Draws of clusters of firms, and what is read off draws of an estimate."""

from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from estimation.bootstrap import Blocks, blocks, summarise
from estimation.bootstrapped import _inference, _said
from estimation.drawn_firms import drawn_firms
from specs.errors import EstimationError
from specs.uncertainty import Bootstrap, Errors
from tests.estimation.rows import selection


def drawn_at_random(seed: int, n_firms: int, n_clusters: int, n_strata: int) -> tuple[Blocks, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    firms = np.sort(rng.choice(2 * n_firms, n_firms, replace=False))
    cluster = rng.integers(0, n_clusters, n_firms)
    stratum = rng.integers(0, n_strata, n_clusters)[cluster]
    return blocks(seed, firms, 2 * n_firms, cluster, stratum), cluster, stratum


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_a_draw_takes_whole_clusters_and_as_many_of_each_stratum(
    seed: int, n_firms: int, n_clusters: int, n_strata: int
) -> None:
    found, cluster, stratum = drawn_at_random(seed, n_firms, n_clusters, n_strata)
    counts = found.counts(0, 5)
    assert counts.shape == (5, 2 * n_firms)
    outside = np.setdiff1d(np.arange(2 * n_firms), found.firms)
    assert not counts[:, outside].any()
    own = counts[:, found.firms]
    for one in np.unique(cluster):
        assert (own[:, cluster == one] == own[:, cluster == one][:, :1]).all()
    for one in np.unique(stratum):
        clusters, first = np.unique(cluster[stratum == one], return_index=True)
        assert (own[:, np.flatnonzero(stratum == one)[first]].sum(axis=1) == len(clusters)).all()
    assert (found.n_clusters, found.n_strata) == (len(np.unique(cluster)), len(np.unique(stratum)))


@given(st.integers(0, 10_000), st.lists(st.integers(1, 9), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_the_same_draws_whatever_the_batches(seed: int, sizes: list[int]) -> None:
    found, _, _ = drawn_at_random(seed, 30, 10, 3)
    ends = np.cumsum([0, *sizes])
    whole = found.counts(0, int(ends[-1]))
    parts = [found.counts(int(start), int(stop)) for start, stop in pairwise(ends)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert all(np.array_equal(counts, whole[part]) for part, counts in found.batches(len(whole), 4))


def test_draws_depend_on_the_seed_and_are_fair() -> None:
    firms = np.arange(50)
    one, other = blocks(1, firms, 50).counts(0, 400), blocks(2, firms, 50).counts(0, 400)
    assert not np.array_equal(one, other)
    assert (one.sum(axis=1) == 50).all()
    # A firm's count has mean one and variance one: 400 draws of 50 firms leave five standard errors of 0.007.
    assert abs(one.var() - (1 - 1 / 50)) < 0.05
    assert np.abs(one.mean(axis=0) - 1).max() < 0.25


def test_intervals_and_p_values_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(4)
    draws = rng.normal(1.0, 0.5, (199, 2))
    errors = np.full((199, 2), 0.4)
    estimate, error = np.array([1.0, -0.1]), np.array([0.5, 0.5])
    found = summarise(estimate, draws, error, errors)
    ordered = np.sort(draws[:, 0])
    # (199 + 1) x 0.025 = 5: the fifth draw from either end.
    np.testing.assert_allclose(found.percentile[0], [ordered[4], ordered[194]], rtol=1e-14)
    t = np.sort((draws[:, 0] - 1.0) / 0.4)
    np.testing.assert_allclose(found.studentised[0], [1 - t[194] * 0.5, 1 - t[4] * 0.5], rtol=1e-14)
    np.testing.assert_allclose(found.std_errors, draws.std(axis=0, ddof=1), rtol=1e-14)
    np.testing.assert_allclose(found.covariance, np.cov(draws, rowvar=False), rtol=1e-12)
    below = int((draws[:, 0] <= 0).sum())
    assert found.p_percentile[0] == 2 * (1 + below) / 200
    t1 = (draws[:, 1] + 0.1) / 0.4
    assert found.p_studentised[1] == min(2 * (1 + min((t1 <= -0.2).sum(), (t1 >= -0.2).sum())) / 200, 1.0)


@given(st.integers(0, 10_000), st.sampled_from([99, 199, 499]), st.floats(-3, 3))
@settings(max_examples=80, deadline=None)
def test_the_p_value_is_below_five_per_cent_where_the_interval_leaves_zero_out(
    seed: int, n_draws: int, centre: float
) -> None:
    rng = np.random.default_rng(seed)
    draws = rng.normal(centre, 1, (n_draws, 1)) + rng.exponential(1, (n_draws, 1))
    errors = rng.uniform(0.5, 1.5, (n_draws, 1))
    found = summarise(np.array([centre + 1]), draws, np.array([1.2]), errors)
    for interval, p_value in (
        (found.percentile, found.p_percentile),
        (found.studentised, found.p_studentised),
    ):
        outside = interval[0, 0] > 0 or interval[0, 1] < 0
        # Between two draws the interval interpolates where the p-value jumps: it may be one draw ahead of it.
        slack = 2 / (n_draws + 1)
        assert p_value[0] <= 0.05 + slack if outside else p_value[0] >= 0.05 - slack


@given(st.integers(0, 10_000), st.floats(0.001, 1000), st.floats(-100, 100))
@settings(max_examples=40, deadline=None)
def test_another_unit_moves_everything_with_it(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    draws, errors = rng.normal(0, 1, (99, 1)), rng.uniform(0.5, 1.5, (99, 1))
    one = summarise(np.array([0.1]), draws, np.array([1.0]), errors)
    other = summarise(np.array([0.1 * scale + shift]), draws * scale + shift, np.array([scale]), errors * scale)
    size = 1e-9 * (scale + abs(shift))
    np.testing.assert_allclose(other.std_errors, one.std_errors * scale, rtol=1e-7, atol=size)
    np.testing.assert_allclose(other.percentile, one.percentile * scale + shift, rtol=1e-7, atol=size)
    np.testing.assert_allclose(other.studentised, one.studentised * scale + shift, rtol=1e-7, atol=size)


def test_draws_without_an_estimate_and_without_a_term_are_counted_apart() -> None:
    rng = np.random.default_rng(5)
    draws = rng.normal(size=(99, 3))
    draws[:7] = np.nan
    draws[10:30, 2] = np.nan
    found = summarise(np.zeros(3), draws, np.ones(3), np.ones((99, 3)))
    assert found.failed == 7
    assert found.undefined.tolist() == [0, 0, 20]
    np.testing.assert_allclose(found.std_errors[2], np.nanstd(draws[:, 2], ddof=1), rtol=1e-14)
    both = ~np.isnan(draws).any(axis=1)
    np.testing.assert_allclose(found.covariance[0, 2], np.cov(draws[both][:, [0, 2]].T)[0, 1], rtol=1e-12)
    np.testing.assert_allclose(found.covariance[0, 1], np.cov(draws[7:, :2].T)[0, 1], rtol=1e-12)


def test_what_has_no_spread_has_no_interval_of_its_own() -> None:
    draws = np.column_stack([np.random.default_rng(6).normal(size=99), np.full(99, np.nan)])
    errors = np.column_stack([np.where(np.arange(99) < 30, 0.0, 1.0), np.full(99, np.nan)])
    found = summarise(np.zeros(2), draws, np.ones(2), errors)
    # A third of the draws have no standard error: a t of theirs would be infinite.
    assert np.isnan(found.studentised).all()
    assert np.isfinite(found.percentile[0]).all()
    assert np.isnan(found.percentile[1]).all()
    assert np.isnan(found.std_errors[1])


def test_draws_far_from_the_others_are_told_with_their_factor() -> None:
    draws = np.random.default_rng(8).normal(size=(499, 2))
    draws[:10, 1] = 60.0  # as of another root
    summary = summarise(np.zeros(2), draws)
    # Of a normal, half the middle 68.27 per cent is its standard deviation; three Monte Carlo errors are 0.15.
    assert summary.middle[0] == pytest.approx(1.0, abs=0.15)
    factor = summary.std_errors[1] / summary.middle[1]
    (note,) = [one for one in _said(summary, ("a", "b"), Bootstrap(draws=499)) if "far from the others" in one]
    assert f"for b ({factor:.1f});" in note
    assert factor > 8
    assert not [
        one for one in _said(summarise(np.zeros(2), draws[10:]), ("a", "b"), Bootstrap(draws=489)) if "far" in one
    ]


def test_the_bound_of_a_p_value_is_that_of_the_draws_that_are_there() -> None:
    rng = np.random.default_rng(7)
    draws = 5 + rng.normal(size=(99, 3))
    draws[:37] = np.nan
    draws[40:50, 2] = np.nan
    summary = summarise(np.full(3, 5.0), draws)
    np.testing.assert_allclose(summary.p_percentile, [2 / 63, 2 / 63, 2 / 53], rtol=1e-14)
    said = [note for note in _said(summary, ("a", "b", "c"), Bootstrap(draws=99)) if "cannot be below" in note]
    assert [note.partition(" they are")[0] for note in said] == [
        "p-values of the 62 draws that are there, of 99, cannot be below 2/(62 + 1) = 0.032: of a, b",
        "p-values of the 52 draws that are there, of 99, cannot be below 2/(52 + 1) = 0.038: of c",
    ]
    summary = summarise(np.full(3, 5.0), 5 + rng.normal(size=(99, 3)))
    (note,) = _said(summary, ("a", "b", "c"), Bootstrap(draws=99))
    assert note.startswith("p-values of 99 draws cannot be below 2/(99 + 1) = 0.02: of a, b, c they")


def test_what_no_draw_moves_has_no_error() -> None:
    draws = np.column_stack([np.random.default_rng(8).normal(size=99), np.zeros(99)])
    summary = summarise(np.zeros(2), draws)
    assert np.isnan(summary.percentile[1]).all()
    found = _inference(np.zeros(2), summary, Bootstrap(draws=99))
    assert np.isnan([found.std_errors[1], found.conf_low[1], found.conf_high[1], found.p_values[1]]).all()
    assert np.isfinite([found.std_errors[0], found.conf_low[0], found.conf_high[0], found.p_values[0]]).all()


FIRM = [0, 0, 1, 1, 2, 3, 3, 4, 5]


def drawn(errors: Errors, rows: list[int], others: list[int], **columns: list[str | None]) -> object:
    panel = selection(columns | {"one": [1.0] * 9}, FIRM, [2020, 2021, 2020, 2021, 2020, 2020, 2021, 2020, 2020])
    return drawn_firms(errors, 1, panel, 6, np.array(rows), np.array(others, dtype=np.int64))


def boot(*cluster: str, strata: str | None = None) -> Errors:
    return Errors("bootstrap", (cluster or ("firm",),), Bootstrap(strata=strata))


def test_firms_of_earlier_steps_are_drawn_with_the_others() -> None:
    found = drawn(boot(), [1, 3, 4], [0, 4])
    assert found.blocks.firms.tolist() == [0, 1, 2, 4]  # type: ignore[attr-defined]
    assert found.clusters == {"firm": 4}  # type: ignore[attr-defined]
    assert found.notes == ()  # type: ignore[attr-defined]


def test_coarse_clusters_place_other_firms_by_their_last_row() -> None:
    nace = ["A", "B", "A", "A", "B", "C", "A", None, "C"]
    found = drawn(boot("nace"), [1, 3, 4], [3, 4, 5], nace=nace)
    # Firms 0, 1, 2 lie where their rows lie (B, A, B), 3 in its last (A), 4 has none: a cluster of its own.
    cluster = found.blocks.cluster  # type: ignore[attr-defined]
    assert found.clusters == {"nace": 4}  # type: ignore[attr-defined]
    groups = {tuple(np.flatnonzero(cluster == one).tolist()) for one in range(4)}
    assert groups == {(0, 2), (1, 3), (4,), (5,)}


def test_strata_are_those_of_the_rows_and_firms_without_one_form_their_own() -> None:
    stratum = [None, "s", "s", None, "t", "t", "u", None, "t"]
    found = drawn(boot(strata="stratum"), [0, 1, 2, 3, 4, 5, 6], [4, 5], stratum=stratum)
    first, size = found.blocks.first, found.blocks.size  # type: ignore[attr-defined]
    stratum_of = first[found.blocks.cluster]  # type: ignore[attr-defined]
    assert len(set(stratum_of.tolist())) == 4
    assert stratum_of[0] == stratum_of[1]  # s
    assert stratum_of[4] == stratum_of[5]  # firm 5 has t, but in none of the rows
    assert sorted(size.tolist()) == [1, 1, 2, 2, 2, 2]
    notes = " ".join(found.notes)  # type: ignore[attr-defined]
    assert "1 firm changes its stratum" in notes
    assert "2 strata of stratum have one cluster" in notes
    found = drawn(boot(strata="stratum"), [0, 1, 2, 3, 4], [], stratum=["s", "s", "s", "s", "t"])
    assert "1 stratum of stratum has one cluster" in " ".join(found.notes)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("errors", "columns", "said"),
    [
        (boot("nace"), {"nace": ["A", "B", "A", "A", "B", "C", "C", "A", "C"]}, "clusters of nace cut through 1 firm,"),
        (boot("nace"), {"nace": ["A"] * 9}, "all rows lie in one cluster of nace"),
        (
            boot("nace", strata="s"),
            {"nace": ["A", "A", "A", "A", "B", "C", "C", "A", "C"], "s": ["x", "x", "y", "y", "x", "x", "x", "y", "x"]},
            "clusters of nace lie in several strata of s",
        ),
    ],
)
def test_clusters_that_cannot_be_drawn_are_refused(errors: Errors, columns: dict[str, list[str]], said: str) -> None:
    with pytest.raises(EstimationError, match=said):
        drawn(errors, [0, 1, 2, 3, 4], [], **columns)
