"""Exact fits, inputs that are functions of others, wild weights and shares: refused by name, or told in a note."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.productivity import (
    ackerberg_caves_frazer,
    cost_shares,
    fixed_effects,
    gandhi_navarro_rivers,
    gross_output,
    labour_productivity,
    levinsohn_petrin,
    ols,
    prodest_wrdg,
    prodest_wrdg_gmm,
    system_gmm,
    wlp,
    wooldridge,
)
from estimation.productivity.common.vetting import effective_firms
from estimation.results import FloatArray, GroupFit
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from tests.estimation import test_every_estimator as every
from tests.estimation.firms import fitted, simulate, with_columns

ROWS = simulate(120, 8)
L, K, M = (ROWS.number(name) for name in "lkm")
REPLICAS = (prodest_wrdg, prodest_wrdg_gmm)


def failing(rows: Selection, method: ModuleType, **changes: Any) -> str:
    with pytest.raises(EstimationError) as found:
        fitted(rows, method, **changes)
    return str(found.value)


def group_of(rows: Selection, method: ModuleType = wooldridge, **changes: Any) -> GroupFit:
    return fitted(rows, method, **changes).groups[0]


@pytest.mark.parametrize("method", REPLICAS)
def test_a_replica_names_the_second_of_two_collinear_states(method: ModuleType) -> None:
    text = failing(with_columns(ROWS, k2=2 * K + 1), method, state=("k", "k2"))
    assert 'the state "k2" is a linear function of k' in text


@pytest.mark.parametrize("method", REPLICAS)
@pytest.mark.parametrize("labour", [0.5 * K + 0.3 * M, K - 0.5 * M**2, K])
def test_a_replica_refuses_a_free_input_that_the_polynomial_spans(method: ModuleType, labour: FloatArray) -> None:
    assert 'the free input "l" has no variation of its own' in failing(with_columns(ROWS, l=labour), method)


@pytest.mark.parametrize("method", REPLICAS)
def test_a_replica_names_a_state_that_never_moves(method: ModuleType) -> None:
    still = K[np.searchsorted(ROWS.firm, ROWS.firm)]
    assert "k is a combination of the other columns" in failing(with_columns(ROWS, k=still), method)


@pytest.mark.parametrize("method", [*REPLICAS, gandhi_navarro_rivers, wooldridge, ols])
@pytest.mark.parametrize("column", ["y", "l", "k"])
def test_a_constant_column_is_named_as_such(method: ModuleType, column: str) -> None:
    flat = with_columns(ROWS, **{column: np.full(ROWS.n_panel, 3.3)})
    assert f'"{column}" does not vary in these rows' in failing(flat, method)


@pytest.mark.parametrize("method", [wooldridge, wlp, levinsohn_petrin, ackerberg_caves_frazer, ols, fixed_effects])
def test_a_column_too_small_to_compute_with_is_named_as_such(method: ModuleType) -> None:
    text = failing(with_columns(ROWS, l=1e-300 * L), method)
    assert '"l" varies by' in text
    assert "too little to compute with: no log does" in text


@pytest.mark.parametrize("method", [wooldridge, wlp, ols, fixed_effects, system_gmm, *REPLICAS])
def test_output_that_is_a_function_of_the_inputs_is_refused(method: ModuleType) -> None:
    text = failing(with_columns(ROWS, y=0.6 * L + 0.3 * K), method)
    assert "productivity does not vary: y is an exact function of the inputs" in text


@pytest.mark.parametrize("method", [wooldridge, wlp, levinsohn_petrin, ackerberg_caves_frazer, *REPLICAS])
def test_output_that_is_a_function_of_the_inputs_and_the_proxy_is_told(method: ModuleType) -> None:
    made = with_columns(ROWS, y=0.6 * L + 0.3 * K + 0.2 * M)
    noisy = with_columns(ROWS, y=0.6 * L + 0.3 * K + 0.2 * M + 1e-6 * np.random.default_rng(1).normal(size=len(L)))
    degree = {} if method in REPLICAS else {"degree": 1}
    told = [note for note in group_of(made, method, **degree).notes if "exact function of l, k and m" in note]
    assert len(told) == 1
    assert "was y made of them" in told[0]
    assert not [note for note in group_of(noisy, method, **degree).notes if "exact function" in note]


def test_rounding_errors_beside_firm_effects_are_told() -> None:
    effect = np.random.default_rng(1).normal(size=120)[ROWS.firm]
    group = group_of(with_columns(ROWS, y=0.6 * L + 0.3 * K + effect), fixed_effects)
    np.testing.assert_allclose(group.coefficients, [0.6, 0.3], rtol=1e-9)
    assert any("standard errors are rounding" in note for note in group.notes)
    assert not any("rounding" in note for note in group_of(ROWS, fixed_effects).notes)


def test_effective_firms() -> None:
    firm = np.array([0, 0, 1, 1, 5])
    assert effective_firms(firm, np.array([1.0, 1.0, 2.0, 0.0, 2.0])) == pytest.approx((3.0, 1 / 3))
    assert effective_firms(firm, np.array([1.0, 1.0, 1.0, 0.0, 1e12])) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("method", [wooldridge, wlp])
def test_one_weight_beyond_all_others_is_told(method: ModuleType) -> None:
    weights = np.ones(ROWS.n_panel)
    assert not any("weight" in note for note in group_of(with_columns(ROWS, w=weights), method, weights="w").notes)
    weights[9] = 1e12
    (note,) = (one for one in group_of(with_columns(ROWS, w=weights), method, weights="w").notes if "weights w" in one)
    assert "count as 1.0 of equal weight" in note
    assert "the largest one has 100.0 per cent" in note


def test_one_firm_that_the_estimate_follows_is_told() -> None:
    y, l = ROWS.number("y").copy(), L.copy()  # noqa: E741
    assert not any("one firm" in note for note in group_of(ROWS, ols).notes)
    y[7], l[7] = 40.0, 90.0
    assert any("one firm makes up" in note for note in group_of(with_columns(ROWS, y=y, l=l), ols).notes)


@pytest.mark.parametrize("share", [1e6, 1e-6])
def test_a_share_with_a_slipped_decimal_is_told(share: float) -> None:
    rows = every.here()
    shares = rows.number("share").copy()
    clean = every.fitted("gandhi_navarro_rivers", rows).groups[0]
    assert not any("interquartile" in note for note in clean.notes)
    shares[17] = np.log(share)
    changed = Selection(
        rows.rows, rows.firm, rows.year, {**rows.columns, "share": NumberColumn(shares)}, rows.n_panel, {}
    )
    group = every.fitted("gandhi_navarro_rivers", changed).groups[0]
    assert np.abs(group.coefficients - clean.coefficients).max() > 0.05
    assert any(note.startswith("1 of 1,320 rows has a share of m more than 10 interquartile") for note in group.notes)


def test_collinear_states_of_the_share_method_and_prices() -> None:
    text = failing(with_columns(ROWS, k2=2 * K + 1), gandhi_navarro_rivers, state=("k", "k2"))
    assert 'the state "k2" is a linear function of l, k' in text
    rows = with_columns(every.here(), price2=2 * every.here().number("price") + 1)
    with pytest.raises(EstimationError, match='the price "price2" is a linear function of k, m, price'):
        gross_output.fit(
            "tfp",
            gross_output.Options(**every.KEYS["gross_output"] | {"instruments": ("price", "price2")}),
            rows,
            every.everywhere(rows),
        )


def test_a_degree_that_cannot_be_is_told_once() -> None:
    with pytest.raises(ValidationError) as found:
        gandhi_navarro_rivers.Options(output="y", free=("l",), state=("k",), proxy="m", degree=0)
    assert [error["loc"] for error in found.value.errors()] == [("degree",)]


@pytest.mark.parametrize("method", [wooldridge, wlp, ols, prodest_wrdg, gandhi_navarro_rivers])
def test_what_empties_the_sample_is_named_with_counts(method: ModuleType) -> None:
    some = np.where(np.arange(ROWS.n_panel) < 20, np.nan, L)
    text = failing(with_columns(ROWS, k=np.full(ROWS.n_panel, np.nan), l=some), method)
    assert "Of 720 rows: k is missing in 720, l is missing in 20" in text


def test_weights_of_one_firm_are_named() -> None:
    text = failing(with_columns(ROWS, w=(ROWS.firm == 3) * 1.0), wooldridge, weights="w")
    assert "1 firm has a year before among 6 complete rows" in text
    assert "Of 720 rows: w is zero in 714" in text


@pytest.mark.parametrize("method", [wooldridge, wlp])
@pytest.mark.parametrize("sample", ["common", "all"])
@pytest.mark.parametrize("control", [M, M**2, K - M])
def test_a_control_that_the_polynomial_spans_leaves_every_equation(
    method: ModuleType, sample: str, control: FloatArray
) -> None:
    plain = group_of(ROWS, method, sample=sample, controls=("year",))
    group = group_of(with_columns(ROWS, c=control), method, sample=sample, controls=("year", "c"))
    # Of t it would stand beside C(t-1), where nothing spans it.
    np.testing.assert_allclose(group.coefficients, plain.coefficients, rtol=1e-12)
    assert any(note.startswith("control c is left out of every equation") for note in group.notes)


def test_a_control_that_other_controls_span_is_told_as_before() -> None:
    step = (ROWS.year >= 2018).astype(float)
    group = group_of(with_columns(ROWS, c=step), controls=("year", "c"))
    assert group.notes == ("collinear with the other controls and left out: c",)
    np.testing.assert_allclose(group.coefficients, group_of(ROWS, controls=("year",)).coefficients, rtol=1e-9)


def test_keys_that_would_do_nothing_are_refused() -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",)}
    for options, changes, said in (
        (wooldridge.Options, {"proxy": "m", "markov_timing": "current"}, "markov_timing without markov"),
        (wooldridge.Options, {"proxy": "m", "separately_by": ["none"]}, '"none" in a list'),
        (system_gmm.Options, {"steps": 1, "windmeijer": True}, "windmeijer does not go with steps: 1"),
    ):
        with pytest.raises(ValidationError, match=said):
            options(**keys | changes)
    assert system_gmm.Options(**keys, steps=1).windmeijer


def test_lags_beyond_the_panel_are_refused() -> None:
    assert "no firm has more than 5 consecutive ones before a row: write [2, 5]" in failing(
        ROWS, system_gmm, lags=(2, 9)
    )


def test_an_instrument_that_is_an_inputs_past_is_explained() -> None:
    rows = every.here()
    m = rows.number("m")
    past = np.where(np.diff(rows.firm, prepend=-1) == 0, np.append(np.nan, m[:-1]), np.nan)
    keys = every.KEYS["gross_output"] | {"instruments": ("past",)}
    with pytest.raises(EstimationError, match='the instrument "past" is m of the year before'):
        gross_output.fit("tfp", gross_output.Options(**keys), with_columns(rows, past=past), every.everywhere(rows))


def test_few_firms() -> None:
    two = ROWS.take(ROWS.firm < 2)
    rows = Selection(np.arange(len(two.rows)), two.firm, two.year, two.columns, len(two.rows), {})
    assert "2 firms and 10 rows with a year before, where one step needs 30 firms" in failing(rows, wooldridge)
    assert "2 firms: standard errors by firm mean little with so few" in group_of(rows, ols).notes


@pytest.mark.parametrize("method", [fixed_effects, system_gmm, cost_shares, labour_productivity])
def test_empty_columns_are_named_by_the_other_methods_too(method: ModuleType) -> None:
    rows = with_columns(ROWS, l=np.full(ROWS.n_panel, np.nan), s=np.full(ROWS.n_panel, 0.5))
    use = np.ones(ROWS.n_panel, dtype=bool)
    written: dict[str, Any] = {"output": "y", "free": ("l",)}
    if method is not labour_productivity:
        written["state"] = ("k",)
    if method is cost_shares:
        written["shares"] = {"l": "s"}
    for kept, said in ((use, "l"), (~use, "where")):
        with pytest.raises(EstimationError) as found:
            method.fit("tfp", method.Options(**written), rows, kept)
        assert said in str(found.value).removeprefix("productivity.tfp: ")
        assert sum(found.value.dropped.values()) == ROWS.n_panel
