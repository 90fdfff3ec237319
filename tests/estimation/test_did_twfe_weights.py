"""TWFE taken apart: R's bacondecomp, the regression itself, and what its treated rows weigh."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.did.bacon import ALWAYS, decompose
from estimation.did.firms import NEVER, DidFirms
from estimation.did.negative_weights import treated_weights
from estimation.did.two_way import TwoWay, twfe
from estimation.results import FloatArray
from specs.errors import EstimationError
from tests.estimation.rows import did_numbers, did_panel


def reference() -> DidFirms:
    rows = did_panel()
    firm = np.unique(rows.firm, return_inverse=True)[1]
    first = np.flatnonzero(np.diff(firm, prepend=-1))
    years, time = np.unique(rows.year, return_inverse=True)
    cohort = rows.number("cohort")[first]
    return DidFirms(firm, time, rows.number("ln_tfp"), years, np.where(np.isnan(cohort), NEVER, cohort))


def made(
    seed: int, *cohorts: float, gaps: float = 0.0, weighted: bool = False, y: FloatArray | None = None
) -> DidFirms:
    draw = np.random.default_rng(seed)
    many, years = 40, np.array([2015, 2016, 2018, 2019, 2020, 2021])
    firm, time = np.repeat(np.arange(many), years.size), np.tile(np.arange(years.size), many)
    there = draw.random(firm.size) >= gaps
    outcome = draw.normal(size=firm.size) if y is None else y
    cohort = np.array(cohorts)[draw.integers(0, len(cohorts), many)]
    cohort[: len(cohorts)] = cohorts
    weights = draw.uniform(0.5, 2, many) if weighted else None
    return DidFirms(firm[there], time[there], outcome[there], years, cohort, weights)


def regression(firms: DidFirms, anticipation: int = 0) -> tuple[float, FloatArray]:
    found, _ = twfe(TwoWay(firms, [], np.zeros((firms.y.size, 0)), [firms.firm], -1 - anticipation))
    return float(found.estimates[0]), found.shares[:, 0]


def test_as_bacondecomp() -> None:
    expected = did_numbers()["imputation"]["bacon_balanced"]
    found = decompose(reference())
    assert (found.n_firms, found.n_left_out) == (expected["n_firms"], reference().n_firms - expected["n_firms"])
    ours = {(one.treated, one.control): one for one in found.comparisons}
    assert len(ours) == len(expected["table"]) == 9
    kinds = {"Treated vs Untreated": "treated vs never treated", "Earlier vs Later Treated": "earlier vs later treated",
             "Later vs Earlier Treated": "later vs earlier treated"}  # fmt: skip
    for one in expected["table"]:
        mine = ours[one["treated"], NEVER if one["untreated"] == 99999 else one["untreated"]]
        assert (mine.estimate, mine.weight) == pytest.approx((one["estimate"], one["weight"]), abs=1e-12)
        assert mine.kind == kinds[one["type"]]
    assert found.estimate == pytest.approx(expected["weighted_sum"], abs=1e-12)
    assert found.estimate == pytest.approx(expected["twfe"], abs=1e-12)
    later = sum(one["weight"] for one in expected["table"] if one["type"].startswith("Later"))
    assert found.treated_controls == pytest.approx(later, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10_000), st.booleans(), st.integers(0, 1),
    st.sets(st.sampled_from([2010.0, 2016.0, 2017.0, 2018.0, 2020.0, 2021.0, 2030.0, NEVER]), min_size=1),
)  # fmt: skip
def test_the_weighted_sum_is_the_regression(seed: int, weighted: bool, anticipation: int, cohorts: set[float]) -> None:
    """With weights, a year that is missing for all, firms always treated and firms treated after the last year."""
    firms = made(seed, *sorted(cohorts), weighted=weighted)
    treated = firms.years[firms.time] >= firms.cohort[firms.firm] - anticipation
    paths = np.unique(treated.reshape(firms.n_firms, -1), axis=0)
    if len(paths) == 1 or (len(paths) == 2 and (paths.all(axis=1) | ~paths.any(axis=1)).all()):
        with pytest.raises(EstimationError):
            decompose(firms, anticipation)
        return
    found = decompose(firms, anticipation)
    assert found.estimate == pytest.approx(regression(firms, anticipation)[0], abs=1e-12)
    assert sum(one.weight for one in found.comparisons) == pytest.approx(1, abs=1e-14)
    assert all(one.weight > 0 for one in found.comparisons)
    assert 0 <= found.treated_controls < 1 + 1e-12


def test_two_groups_are_one_difference_of_changes() -> None:
    firms = made(1, 2019.0, NEVER, gaps=0.05)
    (one,) = decompose(firms).comparisons
    wide = firms.wide(firms.y)
    full = ~np.isnan(wide).any(axis=1)
    assert 0 < decompose(firms).n_left_out == int((~full).sum())
    change = wide[full][:, 3:].mean(axis=1) - wide[full][:, :3].mean(axis=1)
    began = np.isfinite(firms.cohort[full])
    assert one.estimate == pytest.approx(change[began].mean() - change[~began].mean(), abs=1e-13)
    assert (one.treated, one.control, one.kind, one.weight) == (2019, NEVER, "treated vs never treated", 1)


def test_firms_always_treated_are_controls_by_name() -> None:
    found = decompose(made(2, 2010.0, 2019.0))
    (one,) = found.comparisons
    assert (one.treated, one.control, one.kind) == (2019, ALWAYS, "later vs always treated")
    assert found.treated_controls == 1


def test_no_firm_in_every_year() -> None:
    firms = made(3, 2019.0, NEVER)
    some = firms.time != firms.firm % firms.years.size
    with pytest.raises(EstimationError, match="no firm is seen in every year"):
        decompose(DidFirms(firms.firm[some], firms.time[some], firms.y[some], firms.years, firms.cohort))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.integers(0, 1))
def test_twfe_is_the_sum_of_weighted_effects(seed: int, weighted: bool, anticipation: int) -> None:
    """Any effects, one for each treated row, on an unbalanced panel without noise."""
    draw = np.random.default_rng(seed)
    firms = made(seed, 2016.0, 2018.0, 2020.0, NEVER, gaps=0.2, weighted=weighted)
    treated = firms.years[firms.time] >= firms.cohort[firms.firm] - anticipation
    tau = np.where(treated, draw.normal(size=firms.y.size), 0.0)
    y = draw.normal(size=firms.n_firms)[firms.firm] + draw.normal(size=firms.years.size)[firms.time] + tau
    firms = DidFirms(firms.firm, firms.time, y, firms.years, firms.cohort, firms.weights)
    estimate, shares = regression(firms, anticipation)
    assert shares @ tau == pytest.approx(estimate, abs=1e-11)
    found = treated_weights(firms, shares, anticipation)
    assert sum(one.weight for one in found.cells) == pytest.approx(1, abs=1e-12)
    assert sum(one.n_rows for one in found.cells) == found.n_treated <= int(treated.sum())
    assert found.negative_sum == pytest.approx(shares[treated & (shares < 0)].sum(), abs=1e-9)
    assert found.negative_share == found.n_negative / found.n_treated


def test_on_a_balanced_panel_weights_are_means_less_means() -> None:
    """d = D - its mean by firm - by year + over all: the first cohort weighs least in the last year."""
    firms = made(4, 2016.0, 2016.0, 2021.0)
    d = firms.wide((firms.years[firms.time] >= firms.cohort[firms.firm]) * 1.0)
    residual = d - d.mean(axis=1)[:, None] - d.mean(axis=0) + d.mean()
    found = treated_weights(firms, regression(firms)[1])
    total = (residual * d).sum()
    for one in found.cells:
        inside = (firms.cohort == one.cohort)[:, None] & (firms.years == one.year)
        assert one.weight == pytest.approx(residual[inside].sum() / total, abs=1e-12)
    negative = (d == 1) & (residual < -1e-12)
    assert (found.n_negative, found.n_treated) == (int(negative.sum()), int(d.sum()))
    assert found.negative_sum == pytest.approx(residual[negative].sum() / total, abs=1e-12)
    assert found.n_negative > 0


def test_one_cohort_beside_firms_never_treated_has_no_negative_weight() -> None:
    firms = made(5, 2019.0, NEVER)
    found = treated_weights(firms, regression(firms)[1])
    assert (found.n_negative, found.negative_sum) == (0, 0.0)
    assert [one.weight for one in found.cells] == pytest.approx([1 / 3] * 3, abs=1e-13)
