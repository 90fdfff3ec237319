"""Cost shares and the multilateral index: written out row by row, special cases, what must not matter, bad shares."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.productivity import cost_shares, tornqvist
from estimation.productivity.index_numbers.average_shares import median_scores
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError
from tests.estimation.firms import simulate, with_columns
from tests.estimation.rows import selection

BOTH = [cost_shares, tornqvist]
TWO = {"free": ("l", "l2"), "state": ("k", "k2"), "shares": {"l": "sl", "l2": "sl2", "k2": "sk2"}}


def panel(n_firms: int = 60, seed: int = 1, **changes: Any) -> Selection:
    """Firms with shares of their own: most of a share is the firm's, some of it the year's."""
    rows = simulate(n_firms, seed, second_inputs=True, ragged=True, **changes)
    rng = np.random.default_rng(seed)

    def share(mean: float) -> FloatArray:
        own = rng.normal(0, 0.06, n_firms)[rows.firm]
        found: FloatArray = np.clip(mean + own + rng.normal(0, 0.02, rows.n_panel), 0.02, 0.6)
        return found

    return with_columns(rows, sl=share(0.45), sl2=share(0.15), sk2=share(0.1))


def fitted(rows: Selection, method: Any, *, extras: str = "", where: Any = None, **changes: Any) -> ProductivityFit:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "shares": {"l": "sl"}} | changes
    use = np.ones(rows.n_panel, dtype=bool) if where is None else where
    fit = method.fit("tfp", method.Options(**keys), rows, use, extras=extras)
    assert isinstance(fit, ProductivityFit)
    return fit


def failing(rows: Selection, method: Any, **changes: Any) -> str:
    with pytest.raises(EstimationError, match=r"^productivity\.tfp: ") as found:
        fitted(rows, method, **changes)
    return str(found.value)


def index_by_hand(rows: Selection, chained: bool, weights: FloatArray | None = None) -> FloatArray:
    """The index of every row by loops: one free input, one state."""
    w = np.ones(rows.n_panel) if weights is None else weights
    s, l, k, y = (rows.number(name) for name in ("sl", "l", "k", "y"))  # noqa: E741
    out = np.zeros(rows.n_panel)
    years = sorted(set(rows.year.tolist())) if chained else [None]
    before: list[float] | None = None
    d = 0.0
    for year in years:
        inside = [at for at in range(rows.n_panel) if year is None or rows.year[at] == year]
        total = sum(w[at] for at in inside)
        sm, lm, km, ym = (sum(w[at] * x[at] for at in inside) / total for x in (s, l, k, y))
        if before is not None:
            d += ym - before[3] - 0.5 * (sm + before[0]) * (lm - before[1])
            d -= 0.5 * (1 - sm + 1 - before[0]) * (km - before[2])
        for at in inside:
            out[at] = y[at] - ym - 0.5 * (s[at] + sm) * (l[at] - lm) - 0.5 * (1 - s[at] + 1 - sm) * (k[at] - km) + d
        before = [sm, lm, km, ym]
    return out


@pytest.mark.parametrize("chained", [False, True])
def test_the_index_by_hand(chained: bool) -> None:
    rows = panel()
    fit = fitted(rows, tornqvist, chained=chained)
    np.testing.assert_allclose(fit.values, index_by_hand(rows, chained), atol=1e-12)
    assert fit.in_sample.all()
    assert fit.groups[0].terms == ("l", "k")
    assert fit.groups[0].coefficients.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("chained", [False, True])
def test_the_means_influence_is_what_reweighting_a_firm_does(chained: bool) -> None:
    rows = panel(40, 2)
    fit = fitted(rows, tornqvist, chained=chained)
    group = fit.groups[0]
    assert fit.gradient.shape[1] == group.influence.shape[1] == len(group.parameters)
    step = 1e-5
    for place in (0, 9, 33):
        inside = rows.firm == group.influence_firms[place]
        up, down = (index_by_hand(rows, chained, 1.0 + sign * step * inside) for sign in (1, -1))
        # A central difference: step^2 of error, and 1e-14 / step of rounding.
        np.testing.assert_allclose(fit.gradient @ group.influence[place], (up - down) / (2 * step), atol=1e-8)


def test_cost_shares_by_hand() -> None:
    rows = panel()
    fit = fitted(rows, cost_shares, **TWO)
    means = {name: rows.number(name).mean() for name in ("sl", "sl2", "sk2")}
    expected = [means["sl"], means["sl2"], 1 - sum(means.values()), means["sk2"]]
    group = fit.groups[0]
    np.testing.assert_allclose(group.coefficients, expected, rtol=1e-14)
    residual = rows.number("y") - sum(b * rows.number(name) for b, name in zip(expected, TWO["free"] + TWO["state"], strict=True))  # type: ignore[operator]  # fmt: skip  # noqa: E501
    np.testing.assert_allclose(fit.values, residual, atol=1e-12)
    # Firms' sums of deviations, and the mean's own over firms of unequal length.
    sums = np.bincount(rows.firm, rows.number("sl") - means["sl"]) / rows.n_panel
    firms = group.n_firms
    assert group.small_sample == pytest.approx(firms / (firms - 1))
    assert group.covariance[0, 0] == pytest.approx(firms / (firms - 1) * (sums**2).sum(), rel=1e-12)
    # What the others do not take: the covariances add to zero over all inputs.
    np.testing.assert_allclose(group.covariance.sum(axis=0), 0.0, atol=1e-16)


def test_influence_of_the_average_is_what_reweighting_a_firm_does() -> None:
    rows = panel(40, 2)
    group = fitted(rows, cost_shares, **TWO).groups[0]
    step = 1e-4
    for place in (0, 17, 39):
        inside = rows.firm == group.influence_firms[place]
        up, down = (
            np.array([np.average(rows.number(name), weights=1 + sign * step * inside) for name in ("sl", "sl2", "sk2")])
            for sign in (1, -1)
        )
        change = (up - down) / (2 * step)
        expected = [change[0], change[1], -change.sum(), change[2]]
        np.testing.assert_allclose(group.influence[place], expected, rtol=1e-6, atol=1e-12)


def test_the_medians_error_is_that_of_its_draws() -> None:
    """The density at the median is estimated: the standard error is right to a tenth."""
    draws, errors = [], []
    for seed in range(300):
        values = np.random.default_rng(seed).beta(5, 4, 400)
        middle, scores = median_scores(values)
        assert middle == np.median(values)
        draws.append(middle)
        errors.append(np.sqrt(np.sum(scores**2)))
    # The spread of 300 draws is known to four per cent.
    assert np.mean(errors) == pytest.approx(np.std(draws, ddof=1), rel=0.15)
    same, none = median_scores(np.full(9, 0.5))
    assert same == 0.5
    assert not none.any()


def test_the_median_of_shares() -> None:
    rows = panel()
    group = fitted(rows, cost_shares, average="median").groups[0]
    assert group.coefficients[0] == np.median(rows.number("sl"))
    assert group.coefficients[1] == 1 - group.coefficients[0]
    assert group.rung == "median of shares"


@pytest.mark.parametrize("chained", [False, True])
def test_equal_shares_everywhere_collapse_to_cost_shares(chained: bool) -> None:
    rows = with_columns(panel(), sl=np.full(panel().n_panel, 0.6))
    index, residual = fitted(rows, tornqvist, chained=chained), fitted(rows, cost_shares)
    np.testing.assert_allclose(np.ptp(index.values - residual.values), 0.0, atol=1e-12)
    assert index.groups[0].covariance[0, 0] == pytest.approx(0.0, abs=1e-30)


def test_two_firms_are_compared_by_tornqvists_own_index() -> None:
    rows = selection(
        {"y": [3.0, 3.5], "l": [1.0, 1.7], "k": [2.0, 1.5], "sl": [0.7, 0.5]}, np.array([0, 1]), np.array([2020, 2020])
    )
    a, b = fitted(rows, tornqvist, min_firms=2).values
    bilateral = (3.0 - 3.5) - 0.5 * (0.7 + 0.5) * (1.0 - 1.7) - 0.5 * (0.3 + 0.5) * (2.0 - 1.5)
    assert a - b == pytest.approx(bilateral, abs=1e-14)


def test_a_chain_of_one_year_is_the_index() -> None:
    rows = panel().take(panel().year == 2017)
    rows = Selection(np.arange(len(rows.rows)), rows.firm, rows.year, rows.columns, len(rows.rows), {})
    np.testing.assert_allclose(fitted(rows, tornqvist, chained=True).values, fitted(rows, tornqvist).values, atol=1e-14)


def test_the_first_year_of_a_chain_is_that_years_index() -> None:
    rows = panel()
    fit = fitted(rows, tornqvist, chained=True)
    first = rows.year == rows.year.min()
    own = Selection(np.arange(first.sum()), rows.firm[first], rows.year[first], rows.take(first).columns, int(first.sum()), {})  # fmt: skip  # noqa: E501
    np.testing.assert_allclose(fit.values[first], fitted(own, tornqvist).values, atol=1e-13)


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize("changes", [{}, {"chained": True}], ids=["", "chained"])
def test_units_order_and_names_do_not_matter(method: Any, changes: dict[str, Any]) -> None:
    if changes and method is cost_shares:
        changes = {"average": "median"}
    rows = panel()
    before = fitted(rows, method, **changes)
    moved = with_columns(rows, y=rows.number("y") + 11, l=rows.number("l") - 7, k=rows.number("k") + 5)
    after = fitted(moved, method, **changes)
    np.testing.assert_array_equal(after.groups[0].coefficients, before.groups[0].coefficients)
    np.testing.assert_allclose(np.ptp(after.values - before.values), 0.0, atol=1e-12)
    if method is tornqvist:  # a difference from an average has no units at all
        np.testing.assert_allclose(after.values, before.values, atol=1e-12)
    names = np.random.default_rng(0).permutation(60)[rows.firm]
    order = np.lexsort((rows.year, names))
    shuffled = selection({n: rows.number(n)[order] for n in ("y", "l", "k", "sl")}, names[order], rows.year[order])
    again = fitted(shuffled, method, **changes)
    np.testing.assert_allclose(again.groups[0].coefficients, before.groups[0].coefficients, rtol=1e-13)
    np.testing.assert_allclose(again.groups[0].covariance, before.groups[0].covariance, rtol=1e-10)
    np.testing.assert_allclose(again.values, before.values[order], atol=1e-12)


def test_the_elasticities_of_rows() -> None:
    rows = panel()
    index = fitted(rows, tornqvist, extras="transitory", **TWO)
    np.testing.assert_array_equal(index.elasticities["l"].values, rows.number("sl"))
    rest = 1 - rows.number("sl") - rows.number("sl2") - rows.number("sk2")
    np.testing.assert_allclose(index.elasticities["k"].values, rest, atol=1e-15)
    assert not index.elasticities["k"].gradient.any()
    averages = fitted(rows, cost_shares, extras="transitory", **TWO)
    np.testing.assert_array_equal(averages.elasticities["k"].values, averages.groups[0].coefficients[2])
    np.testing.assert_array_equal(averages.elasticities["k"].gradient, np.eye(4)[[2]].repeat(rows.n_panel, 0))


def nace_of(rows: Selection) -> FloatArray:
    column = rows.columns["nace"]
    assert isinstance(column, TextColumn)
    return column.codes.astype(float)


@pytest.mark.parametrize("method", BOTH)
def test_groups_and_the_ladder(method: Any) -> None:
    rows = panel(60, 1, sectors=4)
    rows = with_columns(rows, sl=np.where(nace_of(rows) == 0, 0.3, rows.number("sl")))
    fit = fitted(rows, method, separately_by=("nace",))
    assert [group.group for group in fit.groups] == [(("nace", f"S{n}"),) for n in range(4)]
    assert fit.groups[0].coefficients[0] == pytest.approx(0.3)
    assert "pooled" not in fit.groups[0].rung
    # Fifteen firms a sector, thirty a branch.
    climbed = fitted(rows, method, separately_by=("nace", "branch"), min_firms=20)
    assert all(group.rung.endswith("pooled over branch") for group in climbed.groups)
    assert "15 firms with shares that can be used, 20 are needed" in climbed.groups[0].notes[0]
    np.testing.assert_allclose(climbed.groups[0].coefficients, climbed.groups[1].coefficients)
    # A group without one share that can be used stands on the next rung as well, but an index needs its own shares.
    lost = with_columns(rows, sl=np.where(nace_of(rows) == 2, 1.4, rows.number("sl")))
    served = fitted(lost, method, separately_by=("nace",))
    assert served.groups[2].rung.endswith("pooled over all")
    assert np.isfinite(served.values[nace_of(rows) == 2]).all() == (method is cost_shares)


@pytest.mark.parametrize("method", BOTH)
def test_bad_shares_are_counted_and_named(method: Any) -> None:
    rows = panel()
    share = rows.number("sl").copy()
    share[3], share[4], share[5], share[6], share[7] = 1.2, -0.1, 0.0, 1.0, np.nan
    fit = fitted(with_columns(rows, sl=share), method)
    assert fit.dropped == {"missing sl": 1, "sl outside (0, 1)": 4}
    assert sum(fit.dropped.values()) + int(fit.in_sample.sum()) == rows.n_panel
    assert "4 rows with sl outside (0, 1)" in fit.groups[0].notes[0]
    good = np.delete(share, [3, 4, 5, 6, 7])
    assert fit.groups[0].coefficients[0] == pytest.approx(good.mean(), rel=1e-14)
    # The elasticity serves every row with its inputs; the index needs the row's own share.
    assert np.isfinite(fit.values[3:8]).all() == (method is cost_shares)
    assert np.isnan(fit.values[3:8]).all() == (method is tornqvist)


@pytest.mark.parametrize("method", BOTH)
def test_shares_most_of_which_cannot_be_used_are_told(method: Any) -> None:
    rows = panel()
    share, n = rows.number("sl").copy(), rows.n_panel
    share[np.arange(n) % 5 < 3] = 40.0
    bad = int(np.count_nonzero(share > 1))
    (told,) = (note for note in fitted(with_columns(rows, sl=share), method).groups[0].notes if "only" in note)
    assert f"only {n - bad} rows of {n} that have every column have shares that can be used" in told
    assert "are the shares in per cent, or not over output?" in told
    share[np.arange(n) % 5 == 0] = 0.5
    assert not any("only" in note for note in fitted(with_columns(rows, sl=share), method).groups[0].notes)


@pytest.mark.parametrize("method", BOTH)
def test_every_row_is_counted_once(method: Any) -> None:
    rows = panel(60, 1, sectors=3)
    share, codes = rows.number("sl").copy(), nace_of(rows).astype(int)
    share[:4] = 1.5
    codes[2:8] = -1
    column = rows.columns["nace"]
    assert isinstance(column, TextColumn)
    rows = with_columns(rows, sl=share)
    rows = Selection(
        rows.rows, rows.firm, rows.year, {**rows.columns, "nace": TextColumn(codes, column.levels)}, rows.n_panel, {}
    )
    fit = fitted(rows, method, separately_by=("nace",))
    assert fit.dropped == {"missing nace": 6, "sl outside (0, 1)": 2}
    assert sum(fit.dropped.values()) + int(fit.in_sample.sum()) == rows.n_panel


def test_shares_that_leave_nothing() -> None:
    rows = with_columns(panel(), sl=np.full(panel().n_panel, 0.7), sl2=np.full(panel().n_panel, 0.4))
    keys = {"free": ("l", "l2"), "shares": {"l": "sl", "l2": "sl2"}}
    text = failing(rows, cost_shares, **keys)
    assert "(0.7000 of l, 0.4000 of l2) add to one or more and leave nothing for k" in text
    text = failing(rows, tornqvist, **keys)
    assert "0 firms with shares that can be used" in text
    assert "shares that add to one or more" in text
    some = with_columns(rows, sl2=np.where(np.arange(rows.n_panel) < 5, 0.4, 0.2))
    fit = fitted(some, tornqvist, **keys)
    assert fit.dropped == {"shares that add to one or more": 5}
    assert fitted(some, cost_shares, **keys).dropped == {}


@pytest.mark.parametrize("method", BOTH)
def test_failures_by_name(method: Any) -> None:
    rows = panel()
    assert "are the shares in per cent" in failing(with_columns(rows, sl=100 * rows.number("sl")), method)
    assert "nothing but missing" in failing(with_columns(rows, sl=np.full(rows.n_panel, np.nan)), method)
    assert "60 firms" in failing(rows, method, min_firms=61)


def test_a_year_with_few_firms_breaks_the_chain() -> None:
    rows = panel()
    kept = (rows.year > 2015) | (rows.firm < 4)
    few = rows.take(kept)
    few = Selection(np.arange(len(few.rows)), few.firm, few.year, few.columns, len(few.rows), {})
    assert "firms with shares in 2015, 10 are needed for the average firm of a year" in failing(
        few, tornqvist, chained=True
    )
    fit = fitted(few, tornqvist, chained=True, where=few.year > 2015)
    lost = int((few.year == 2015).sum())
    assert np.isnan(fit.values[few.year == 2015]).all()
    assert fit.notes == (f"no value in {lost} rows of years without an average firm",)


@pytest.mark.parametrize("method", BOTH)
@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"shares": {}}, ("shares",), "no share of l"),
        ({"shares": {"l": "sl", "k": "sk"}}, ("shares",), "every input has a share"),
        ({"shares": {"k": "sk"}}, ("shares",), "no share of l"),
        ({"shares": {"l": "sl", "m": "sm"}}, ("shares", "m"), '"m" is no input'),
        ({"shares": {"l": "y"}}, ("shares", "l"), 'the column "y" is output already'),
        ({"state": ("k", "k2")}, ("shares",), "no share of k, k2"),
        ({"free": ("l", "y")}, ("free", 1), 'the column "y" is output already'),
        ({"state": ()}, ("state",), "an empty list"),
        ({"min_firms": 1}, ("min_firms",), ""),
        ({"shares": {"l": "log(x)"}}, ("shares", "l"), "is not the name of a column"),
        ({"controls": ("year",)}, ("controls",), ""),
    ],
)
def test_options_refuse(method: Any, changes: dict[str, Any], path: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValidationError) as found:
        method.Options(**({"output": "y", "free": ("l",), "state": ("k",), "shares": {"l": "sl"}} | changes))
    (error,) = found.value.errors()
    mistake = (error.get("ctx") or {}).get("found")
    assert (*error["loc"], *(mistake.path if mistake else ())) == path
    assert said in (mistake.what if mistake else "")


def test_equations_and_columns() -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",), "shares": {"l": "sl"}}
    assert cost_shares.columns(cost_shares.Options(**keys, separately_by=("nace",))) == ("y", "l", "k", "sl", "nace")
    assert cost_shares.equations(cost_shares.Options(**keys)).splitlines() == ["b[l] = mean of sl", "b[k] = 1 - b[l]"]
    assert tornqvist.equations(tornqvist.Options(**keys)).splitlines() == [
        "y(t) - mean[y] - 1/2 (sl(t) + mean[sl]) (l(t) - mean[l]) - 1/2 (s[k](t) + mean[s[k]]) (k(t) - mean[k])",
        "s[k] = 1 - sl",
    ]
    assert "plus, summed over years: mean[y](t) - mean[y](t-1)" in tornqvist.equations(
        tornqvist.Options(**keys, chained=True)
    )
