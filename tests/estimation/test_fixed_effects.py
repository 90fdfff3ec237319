"""Firm effects: other packages' numbers, what must not matter, what is left out, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from linearmodels.panel import PanelOLS

from estimation.productivity import fixed_effects
from estimation.productivity.common.inputs import read_inputs
from estimation.productivity.common.moments import Roles
from estimation.productivity.firm_effects.within import alone
from estimation.results import FloatArray
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError
from tests.estimation.firms import fitted, reference_panel_a, simulate, std_errors, with_columns
from tests.estimation.processes import design_a
from tests.estimation.rows import REFERENCE, reference_panel, selection

TWO = {"free": ("l", "l2"), "state": ("k", "k2")}


def frame(rows: Selection, names: tuple[str, ...]) -> pd.DataFrame:
    return pd.DataFrame({"firm": rows.firm, "year": rows.year, **{name: rows.number(name) for name in names}})


def text(rows: Selection, name: str) -> list[str]:
    column = rows.columns[name]
    assert isinstance(column, TextColumn)
    return [column.levels[code] for code in column.codes]


def test_against_panelols() -> None:
    rows = simulate(300, 12, second_inputs=True, ragged=True)
    group = fitted(rows, fixed_effects, controls=("year", "m"), **TWO).groups[0]
    data = frame(rows, ("y", "l", "l2", "k", "k2", "m")).set_index(["firm", "year"])
    referee = PanelOLS(
        data["y"], data[["l", "l2", "k", "k2", "m"]], entity_effects=True, time_effects=True, singletons=True
    ).fit(cov_type="clustered", cluster_entity=True, debiased=False, auto_df=False, count_effects=False)
    np.testing.assert_allclose(group.coefficients, referee.params.to_numpy()[:4], rtol=1e-9)
    n, firms, k = group.n_obs, group.n_firms, 5 + rows.year.max() - rows.year.min() + 1
    # The package has no factor here; the convention is fixest's, with the years among K and the firms not.
    factor = firms / (firms - 1) * (n - 1) / (n - k)
    assert group.small_sample == pytest.approx(factor, rel=1e-14)
    expected = referee.std_errors.to_numpy()[:4] * np.sqrt(factor)
    np.testing.assert_allclose(np.sqrt(np.diag(group.covariance)), expected, rtol=1e-9)
    assert group.df == firms - 1


def test_against_fixest() -> None:
    """An event study of R's: eight slopes and the years, of which two stand where labour and capital would."""
    expected = json.loads((REFERENCE / "fixest_firm_effects.json").read_text(encoding="utf-8"))
    rows = reference_panel()
    names = sorted(expected["coef"])
    panel = pd.read_csv(REFERENCE / "cross_section_panel.csv.gz").sort_values(["firm", "year"], ignore_index=True)
    np.testing.assert_array_equal(panel["ln_tfp"], rows.number("ln_tfp"))
    first = panel[panel["ai"] == 1].groupby("firm")["year"].min().to_dict()
    adopted = panel["firm"].map(first | {int(firm): year for firm, year in expected["adopted"].items()})
    since = (panel["year"] - adopted).to_numpy()
    moved = selection(
        {
            "y": rows.number("ln_tfp"), "year": rows.year.astype(float),
            **{f"r{number}": (since == int(name.removeprefix("rel::"))) * 1.0 for number, name in enumerate(names)},
        },
        rows.firm, rows.year,
    )  # fmt: skip
    for one, other in ((0, 7), (3, 5)):
        rest = tuple(f"r{number}" for number in range(8) if number not in (one, other))
        group = fitted(moved, fixed_effects, free=(f"r{one}",), state=(f"r{other}",), controls=(*rest, "year")).groups[
            0
        ]
        assert group.n_obs == expected["nobs"]
        pair = [names[one], names[other]]
        # fixest iterates to 1e-6 of a step in its fixed effects by default.
        np.testing.assert_allclose(group.coefficients, [expected["coef"][name] for name in pair], rtol=1e-6)
        np.testing.assert_allclose(
            np.sqrt(np.diag(group.covariance)), [expected["se"][name] for name in pair], rtol=1e-7
        )


def test_against_indicators_of_firms() -> None:
    rows = simulate(25, 4, sectors=3, switchers=0.4, ragged=True)
    fit = fitted(rows, fixed_effects, controls=("nace", "year"))
    used = np.flatnonzero(fit.in_sample)
    data = frame(rows, ("y", "l", "k")).assign(nace=text(rows, "nace")).iloc[used]
    dummies = pd.get_dummies(data[["firm", "nace", "year"]].astype(str), drop_first=True).to_numpy(float)
    x = np.column_stack([data[["l", "k"]].to_numpy(), np.ones(len(data)), dummies])
    referee = sm.OLS(data["y"].to_numpy(), x).fit(
        cov_type="cluster", cov_kwds={"groups": data["firm"].to_numpy(), "use_correction": False}
    )
    group = fit.groups[0]
    np.testing.assert_allclose(group.coefficients, referee.params[:2], rtol=1e-9)
    raw = group.covariance / group.small_sample
    np.testing.assert_allclose(raw, referee.cov_params()[:2, :2], rtol=1e-8)


def weighted(x: FloatArray, y: FloatArray, weights: FloatArray) -> FloatArray:
    root = np.sqrt(weights)
    found: FloatArray = np.linalg.lstsq(root[:, None] * x, root * y, rcond=None)[0]
    return found


def test_influence_is_what_reweighting_a_firm_does() -> None:
    rows = simulate(30, 8, ragged=True)
    fit = fitted(rows, fixed_effects, controls=("year",))
    group, used = fit.groups[0], fit.in_sample
    data = frame(rows, ("y", "l", "k"))[used]
    x = np.column_stack([
        data[["l", "k"]].to_numpy(), (rows.firm[used][:, None] == np.unique(rows.firm[used])) * 1.0,
        (rows.year[used][:, None] == np.unique(rows.year)[1:]) * 1.0,
    ])  # fmt: skip
    step = 1e-4
    for place in (0, 11, 29):
        inside = rows.firm[used] == group.influence_firms[place]
        up, down = (weighted(x, data["y"].to_numpy(), 1.0 + sign * step * inside)[:2] for sign in (1, -1))
        # A central difference: step^2 of error, and 1e-14 / step of rounding.
        np.testing.assert_allclose(group.influence[place], (up - down) / (2 * step), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(group.small_sample * group.influence.T @ group.influence, group.covariance, rtol=1e-12)


def test_biased_as_in_the_recorded_study() -> None:
    """Productivity that moves and that labour follows: labour takes its part, capital is left with little."""
    recorded = json.loads((REFERENCE / "prodest_replicas.json").read_text(encoding="utf-8"))["simulated"]["A"]["FE"]
    group = fitted(reference_panel_a(), fixed_effects).groups[0]
    away = (group.coefficients - recorded["mean"]) / recorded["sd"]
    assert (np.abs(away) < 3).all()
    draws = np.array([fitted(design_a(500, seed), fixed_effects).groups[0].coefficients for seed in range(10)])
    assert draws[:, 0].mean() > 0.85
    assert draws[:, 1].mean() < 0.2


def test_right_where_productivity_is_a_constant_of_the_firm() -> None:
    rng = np.random.default_rng(3)
    firm, year = np.repeat(np.arange(400), 6), np.tile(np.arange(2015, 2021), 400)
    effect = rng.normal(0, 1, 400)[firm]
    l = 0.8 * effect + rng.normal(0, 1, 2400)  # noqa: E741
    k = 0.5 * effect + rng.normal(0, 1, 2400)
    rows = selection({"y": 0.6 * l + 0.4 * k + effect + rng.normal(0, 0.3, 2400), "l": l, "k": k}, firm, year)
    fit = fitted(rows, fixed_effects)
    np.testing.assert_allclose(fit.groups[0].coefficients, [0.6, 0.4], atol=4 * std_errors(fit).max())
    # The effect is productivity and stays in the residual.
    assert np.corrcoef(fit.values, effect)[0, 1] > 0.9


def test_units_order_and_names_do_not_matter() -> None:
    rows = simulate(150, 3, ragged=True, sectors=3, switchers=0.3)
    before = fitted(rows, fixed_effects, controls=("nace", "year"))
    for shift in (9.0, -7.0, 25.0):
        moved = with_columns(rows, **{name: rows.number(name) + shift for name in "ylk"})
        after = fitted(moved, fixed_effects, controls=("nace", "year"))
        np.testing.assert_allclose(after.groups[0].coefficients, before.groups[0].coefficients, rtol=1e-10)
        np.testing.assert_allclose(after.groups[0].covariance, before.groups[0].covariance, rtol=1e-10)
    names = np.random.default_rng(1).permutation(150)[rows.firm]
    order = np.lexsort((rows.year, names))
    nace = [text(rows, "nace")[at] for at in order]
    shuffled = selection(
        {**{name: rows.number(name)[order] for name in "ylk"}, "year": rows.year[order] * 1.0, "nace": nace},
        names[order], rows.year[order],
    )  # fmt: skip
    after = fitted(shuffled, fixed_effects, controls=("nace", "year"))
    np.testing.assert_allclose(after.groups[0].coefficients, before.groups[0].coefficients, rtol=1e-10)
    np.testing.assert_allclose(after.values, before.values[order], atol=1e-10)


def test_rows_alone_are_left_out_until_none_is() -> None:
    # Firm 2 has one row. Without it 2017 has one, of firm 1; without that one firm 1 has one, in 2015; without that
    # one 2015 has one, of firm 0.
    firm = np.array([0, 0, 0, 1, 1, 2, 3, 3])
    year = np.array([2014, 2015, 2016, 2015, 2017, 2017, 2014, 2016])
    rows = selection({"y": np.arange(8.0), "l": np.arange(8.0), "k": np.arange(8.0), "year": year * 1.0}, firm, year)
    everywhere = np.ones(8, dtype=bool)
    inputs = read_inputs(rows, Roles("y", ("l",), ("k",), None, ("year",), 0))
    assert np.flatnonzero(alone(inputs, everywhere)).tolist() == [1, 3, 4, 5]
    without = read_inputs(rows, Roles("y", ("l",), ("k",), None, (), 0))
    assert np.flatnonzero(alone(without, everywhere)).tolist() == [5]


def test_rows_alone_change_nothing_but_their_count() -> None:
    rows = simulate(60, 5)
    extra = selection(
        {name: np.append(rows.number(name), 1.0) for name in ("y", "l", "k", "year")},
        np.append(rows.firm, 60), np.append(rows.year, 2015),
    )  # fmt: skip
    before, after = fitted(rows, fixed_effects), fitted(extra, fixed_effects)
    np.testing.assert_array_equal(after.groups[0].influence_firms, before.groups[0].influence_firms)
    np.testing.assert_allclose(after.groups[0].covariance, before.groups[0].covariance, rtol=1e-12)
    assert after.dropped == {"the only row of its firm, or of a level of a control": 1}
    assert after.groups[0].notes == ("1 row alone in a firm or in a level of a control: left out",)
    assert np.isfinite(after.values[-1])
    assert not after.in_sample[-1]
    assert sum(after.dropped.values()) + int(after.in_sample.sum()) == extra.n_panel


def test_controls_that_the_effects_explain_are_left_out_and_named() -> None:
    rows = simulate(60, 5, sectors=3)
    with_it, without = (fitted(rows, fixed_effects, controls=controls) for controls in (("nace", "year"), ("year",)))
    np.testing.assert_allclose(with_it.groups[0].covariance, without.groups[0].covariance, rtol=1e-12)
    assert with_it.groups[0].notes == ("explained by the firms' effects and left out of the controls: nace",)
    both = fitted(with_columns(rows, trend=rows.year * 2.0), fixed_effects, controls=("year", "trend")).groups[0]
    assert both.notes == ("collinear with the other controls and left out: trend",)


def failing(rows: Selection, **changes: Any) -> str:
    with pytest.raises(EstimationError, match=r"^productivity\.tfp: ") as found:
        fitted(rows, fixed_effects, **changes)
    return str(found.value)


def test_an_input_constant_within_firms_is_refused_by_name() -> None:
    rows = simulate(60, 5)
    first = rows.number("k")[np.searchsorted(rows.firm, rows.firm)]
    # As it is, and with the rounding of a mean: neither is variation.
    for constant in (first, first + 1e-13 * rows.number("l")):
        assert '"k" does not vary within firms' in failing(with_columns(rows, k=constant))


def test_other_failures_by_name() -> None:
    rows = simulate(60, 5)
    assert 'the input "l" has no variation of its own' in failing(with_columns(rows, l=2 * rows.number("k") + 1))
    assert "controls year" in failing(with_columns(rows, k=rows.year * 1.0), controls=("year",))
    one = rows.take(rows.year == 2016)
    alone_rows = Selection(np.arange(60), one.firm, one.year, one.columns, 60, {})
    text_of = failing(alone_rows)
    assert "0 firms with two rows" in text_of
    assert "60 rows are alone" in text_of
    assert "separately_by" not in text_of
    # Every row is counted, those that are alone too.
    n = rows.n_panel
    almost_empty = with_columns(rows, l=np.where(np.arange(n) == 3, 1.0, np.nan))
    assert f"Of {n} rows: l is missing in {n - 1}" in failing(almost_empty)
    nobody = fixed_effects.Options(output="y", free=("l",), state=("k",))
    with pytest.raises(EstimationError, match=r"no row is left: where keeps none of them$"):
        fixed_effects.fit("tfp", nobody, rows, np.zeros(n, dtype=bool))
    two = rows.take((rows.firm < 2) & (rows.year < 2017))
    assert "nothing is left over" in failing(Selection(np.arange(4), two.firm, two.year, two.columns, 4, {}))
    assert "0 firms" in failing(with_columns(rows, y=np.full(rows.n_panel, np.nan)))


def test_equations_and_columns() -> None:
    keys = fixed_effects.Options(output="y", free=("l",), state=("k",), controls=("year",))
    assert fixed_effects.columns(keys) == ("y", "l", "k", "year")
    assert fixed_effects.equations(keys) == "(1) y(t) = a[firm] + b[l] l(t) + b[k] k(t) + lambda[year] year(t) + e(t)"
