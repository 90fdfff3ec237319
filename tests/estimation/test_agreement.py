"""Agreement of measures against scipy, and what must not matter to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from estimation.agreement import Agreement, agreement_of
from estimation.results import FloatArray, ProductivityFit
from tests.estimation.rows import group_fit, productivity

N_FIRMS, YEARS = 50, 4
FIRM = np.repeat(np.arange(N_FIRMS), YEARS)
YEAR = np.tile(2019 + np.arange(YEARS), N_FIRMS)


def measure(seed: int, name: str, *, ties: bool = False) -> ProductivityFit:
    random = np.random.default_rng(seed)
    values = np.repeat(np.random.default_rng(0).normal(size=N_FIRMS), YEARS) + random.normal(size=FIRM.size)
    values[random.random(FIRM.size) < 0.1] = np.nan
    if ties:
        values = np.round(values)
    fit = productivity(values, np.zeros((FIRM.size, 1)), [group_fit(np.arange(N_FIRMS), np.zeros((N_FIRMS, 1)))])
    return replace(fit, name=name)


def separately(fit: ProductivityFit, group_of_row: Any) -> ProductivityFit:
    groups = tuple(replace(fit.groups[0], group=(("nace", level),)) for level in "AB")
    return replace(fit, groups=groups, group_of_row=np.asarray(group_of_row))


def agree(*fits: ProductivityFit) -> tuple[Agreement, ...]:
    return agreement_of({fit.name: fit for fit in fits}, FIRM, YEAR)


@pytest.mark.parametrize("ties", [False, True])
def test_levels_and_growth_are_scipys(ties: bool) -> None:
    one, other = measure(1, "one", ties=ties), measure(2, "other", ties=ties)
    found = agree(one, other)[0]
    both = ~np.isnan(one.values) & ~np.isnan(other.values)
    assert found.levels is not None
    assert found.growth is not None
    # The same sums in another order.
    assert found.levels.spearman == pytest.approx(spearmanr(one.values[both], other.values[both])[0], abs=1e-13)
    assert found.levels.pearson == pytest.approx(pearsonr(one.values[both], other.values[both])[0], abs=1e-13)
    assert (found.levels.n_obs, found.levels.n_firms) == (both.sum(), np.unique(FIRM[both]).size)
    changes = [
        (row - 1, row) for row in range(1, FIRM.size) if FIRM[row] == FIRM[row - 1] and both[[row - 1, row]].all()
    ]
    x = [one.values[b] - one.values[a] for a, b in changes]
    y = [other.values[b] - other.values[a] for a, b in changes]
    assert found.growth.spearman == pytest.approx(spearmanr(x, y)[0], abs=1e-13)
    assert found.growth.pearson == pytest.approx(pearsonr(x, y)[0], abs=1e-13)
    assert found.growth.n_obs == len(changes)


def test_every_pair_once_in_order() -> None:
    found = agree(measure(1, "a"), measure(2, "b"), measure(3, "c"))
    assert [one.of for one in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert agree(measure(1, "a")) == ()


def test_a_gap_gives_no_growth() -> None:
    one, other = measure(1, "one"), measure(2, "other")
    gap = np.where(YEAR >= 2021, YEAR + 1, YEAR)
    found = agreement_of({"one": one, "other": other}, FIRM, gap)[0].growth
    whole = agree(one, other)[0].growth
    assert found is not None
    assert whole is not None
    both = ~np.isnan(one.values) & ~np.isnan(other.values)
    over = sum(both[row] and both[row - 1] for row in np.flatnonzero(YEAR == 2021))
    assert found.n_obs == whole.n_obs - over


def test_separate_technologies_are_set_about_their_means() -> None:
    one, other = measure(1, "one"), measure(2, "other")
    group = FIRM % 2
    # Units of one group's technology: a level that means nothing.
    shifted = separately(replace(one, values=one.values + 100.0 * group), group)
    found = agree(shifted, other)[0]
    both = ~np.isnan(one.values) & ~np.isnan(other.values)

    def centred(values: FloatArray) -> FloatArray:
        return np.concatenate([values[both & (group == g)] - values[both & (group == g)].mean() for g in (0, 1)])

    assert found.within == ("nace",)
    assert found.levels is not None
    assert found.levels.pearson == pytest.approx(pearsonr(centred(one.values), centred(other.values))[0], abs=1e-12)
    assert found.growth is not None
    assert found.growth.spearman == pytest.approx(agree(one, other)[0].growth.spearman, abs=1e-9)  # type: ignore[union-attr]
    assert agree(one, other)[0].within == ()


def test_a_firm_that_changes_group_has_no_growth_there() -> None:
    one, other = measure(1, "one"), measure(2, "other")
    moves = np.where((FIRM == 3) & (YEAR >= 2021), 1, 0)
    found, whole = agree(separately(one, moves), other)[0].growth, agree(one, other)[0].growth
    assert found is not None
    assert whole is not None
    assert found.n_obs == whole.n_obs - 1


def test_what_does_not_vary_has_no_correlation() -> None:
    one = replace(measure(1, "one"), values=np.ones(FIRM.size))
    found = agree(one, measure(2, "other"))[0]
    assert found.levels is not None
    assert np.isnan([found.levels.spearman, found.levels.pearson]).all()
    nothing = replace(one, values=np.full(FIRM.size, np.nan))
    assert (agree(nothing, measure(2, "b"))[0].levels, agree(nothing, measure(2, "b"))[0].growth) == (None, None)


def test_a_measure_and_itself_in_other_units() -> None:
    one = measure(1, "one")
    other = replace(one, name="other", values=3 * one.values + 7)
    found = agree(one, other)[0]
    assert found.levels is not None
    assert (found.levels.spearman, found.levels.pearson) == pytest.approx((1, 1), abs=1e-14)
