"""Laws that every registered productivity estimator keeps, whatever it estimates."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from estimation.productivity import wooldridge
from estimation.registry import PRODUCTIVITY
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.errors import EstimationError
from tests.estimation.rows import selection

VALUE_ADDED: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",)}
PROXIED = VALUE_ADDED | {"proxy": "m"}
KEYS: dict[str, dict[str, Any]] = {
    "wooldridge": PROXIED,
    "wlp": PROXIED,
    "gross_output": PROXIED | {"output": "q", "instruments": ("price",), "degree": 2},
    "levinsohn_petrin": PROXIED | {"degree": 2},
    "olley_pakes": PROXIED | {"proxy": "i", "degree": 2},
    "ackerberg_caves_frazer": PROXIED | {"degree": 2},
    "gandhi_navarro_rivers": PROXIED | {"output": "q", "share": "share"},
    "system_gmm": VALUE_ADDED | {"controls": ("year",)},
    "ols": VALUE_ADDED,
    "fixed_effects": VALUE_ADDED,
    "prodest_wrdg": PROXIED,
    "prodest_wrdg_gmm": PROXIED,
    "cost_shares": VALUE_ADDED | {"shares": {"l": "labour_share"}},
    "tornqvist": VALUE_ADDED | {"shares": {"l": "labour_share"}},
    "labour_productivity": {"output": "y", "free": ("l",)},
    "markup": {"of": "tfp", "input": "l", "expenditure": "paid", "revenue": "earned"},
}
LOGS = ("y", "q", "l", "k", "m", "i", "price")
# Their polynomials are of raw logs, so that the estimate moves with the units: what their pages say is wrong with them.
RAW_LOGS = {"prodest_wrdg", "prodest_wrdg_gmm"}
METHODS = sorted(PRODUCTIVITY)


def firms(n_firms: int = 220, seed: int = 3, n_years: int = 6) -> Selection:
    """Firms with value added y and gross output q, materials, investment, prices, shares and amounts."""
    rng = np.random.default_rng(seed)
    shape = (n_firms, n_years)
    w, k, i, wage, price = (np.zeros(shape) for _ in range(5))
    w[:, 0], k[:, 0] = rng.normal(0, 0.4, n_firms), rng.normal(0, 0.8, n_firms)
    wage[:, 0], price[:, 0] = rng.normal(0, 0.4, n_firms), rng.normal(0, 0.3, n_firms)
    for t in range(1, n_years):
        w[:, t] = 0.7 * w[:, t - 1] + rng.normal(0, 0.25, n_firms)
        k[:, t] = 0.8 * k[:, t - 1] + 0.3 * w[:, t - 1] + rng.normal(0, 0.35, n_firms)
        wage[:, t] = 0.8 * wage[:, t - 1] + rng.normal(0, 0.25, n_firms)
        price[:, t] = 0.6 * price[:, t - 1] + rng.normal(0, 0.25, n_firms)
    i = 1 + 0.3 * k + w + 0.05 * rng.normal(size=shape)
    l = 2 + 0.4 * k + 0.8 * w - wage  # noqa: E741
    m = 1 + 0.5 * k + 1.2 * w - 0.3 * price
    y = 3 + 0.6 * l + 0.4 * k + w + rng.normal(0, 0.2, shape)
    q = 3 + 0.3 * l + 0.2 * k + 0.45 * m + w + rng.normal(0, 0.15, shape)
    columns = {"y": y, "q": q, "l": l, "k": k, "m": m, "i": i, "price": price}
    columns["share"] = np.log(0.45) + rng.normal(0, 0.05, shape)
    columns["labour_share"] = np.clip(0.6 + 0.1 * rng.normal(size=shape), 0.2, 0.9)
    columns["paid"], columns["earned"] = np.exp(y) * columns["labour_share"], np.exp(y)
    firm, year = np.nonzero(np.ones(shape))
    return selection({name: v.ravel() for name, v in columns.items()} | {"year": year + 2015.0}, firm, year + 2015)


def everywhere(rows: Selection) -> np.ndarray:
    return np.ones(rows.n_panel, dtype=bool)


def fitted(method: str, rows: Selection, use: np.ndarray | None = None, **changes: Any) -> ProductivityFit:
    entry = PRODUCTIVITY[method]
    options = entry.options(**(KEYS[method] | changes))
    use = everywhere(rows) if use is None else use
    more: dict[str, Any] = {}
    if entry.parents is not None:
        parent = wooldridge.fit("tfp", wooldridge.Options(**PROXIED, sample="all"), rows, use, extras="transitory")
        more["parents"] = {"tfp": parent}
    fit = entry.fit("tfp", options, rows, use, **more)
    assert isinstance(fit, ProductivityFit)
    return fit


@cache
def here() -> Selection:
    return firms()


@cache
def known(method: str) -> ProductivityFit:
    return fitted(method, here())


def rebuilt(rows: Selection, order: np.ndarray, firm: np.ndarray) -> Selection:
    """The rows in another order under other codes of firms."""
    columns = {name: NumberColumn(rows.number(name)[order]) for name in rows.columns}
    return Selection(np.arange(len(order)), firm, rows.year[order], columns, len(order), {})


def averages(fit: ProductivityFit) -> list[FloatArray]:
    """The output elasticities of every group."""
    return [
        group.coefficients if group.elasticities is None else group.elasticities.mean for group in fit.groups
    ]  # fmt: skip


def test_every_method_is_held_to_the_laws() -> None:
    assert set(METHODS) <= set(KEYS)


@pytest.mark.parametrize("method", sorted(set(METHODS) - RAW_LOGS))
@pytest.mark.parametrize("unit", [1e-3, 1e6])
def test_units_are_a_constant_in_tfp_and_nothing_else(method: str, unit: float) -> None:
    rows = here()
    shift = np.log(unit)
    columns = {
        name: NumberColumn(rows.number(name) + (shift if name in LOGS else 0.0)) for name in rows.columns
    }  # fmt: skip
    for name in ("paid", "earned"):
        columns[name] = NumberColumn(rows.number(name) * unit)
    there = fitted(method, Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, {}))
    fit = known(method)
    for one, other in zip(averages(fit), averages(there), strict=True):
        # Ten digits survive amounts in thousands or in parts.
        np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-11)
    for group, moved in zip(fit.groups, there.groups, strict=True):
        p = len(group.terms)
        np.testing.assert_allclose(
            np.sqrt(np.diag(moved.covariance))[:p], np.sqrt(np.diag(group.covariance))[:p], rtol=1e-8
        )
    difference = there.values - fit.values
    assert np.nanstd(difference) < 1e-9


@pytest.mark.parametrize("method", METHODS)
def test_names_and_order_of_firms_do_not_matter(method: str) -> None:
    rows, rng = here(), np.random.default_rng(8)
    code = rng.permutation(rows.firm.max() + 1)
    order = np.lexsort((rows.year, code[rows.firm]))
    fit, there = known(method), fitted(method, rebuilt(rows, order, code[rows.firm][order]))
    # Sums in another order differ by rounding; the replicas' raw logs lose more to it.
    digits = 1e-6 if method in RAW_LOGS else 1e-10
    np.testing.assert_allclose(there.values, fit.values[order], rtol=digits, atol=digits)
    for group, moved in zip(fit.groups, there.groups, strict=True):
        np.testing.assert_allclose(moved.coefficients, group.coefficients, rtol=digits, atol=digits)
        np.testing.assert_allclose(
            np.diag(moved.covariance), np.diag(group.covariance), rtol=1e3 * digits, atol=1e-16
        )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_the_record_agrees_with_itself(method: str) -> None:
    fit, n = known(method), here().n_panel
    assert fit.values.shape == (n,)
    assert fit.gradient.shape[0] == n
    assert np.isfinite(fit.values[fit.group_of_row >= 0]).all()
    assert np.isnan(fit.values[fit.group_of_row < 0]).all() or not fit.groups
    for group in fit.groups:
        p, q = len(group.terms), group.influence.shape[1]
        assert group.parameters[:p] == group.terms
        assert group.coefficients.shape == (p,)
        assert group.covariance.shape == (p, p)
        assert group.influence.shape == (len(group.influence_firms), q)
        assert np.all(np.diff(group.influence_firms) > 0)
        assert np.isfinite(group.influence).all()
        assert group.n_firms <= group.n_firms_scores
        assert all(value is None or np.isfinite(value) for value in group.diagnostics.values())
        if method not in RAW_LOGS:
            both = group.small_sample * group.influence.T @ group.influence
            np.testing.assert_allclose(both[:p, :p], group.covariance, rtol=1e-7, atol=1e-14)
            # Estimates solve their moments: influence sums to zero, against its own size, up to what two steps leave.
            assert np.all(np.abs(group.influence.sum(axis=0)) < 2 * np.sqrt((group.influence**2).sum(axis=0)) + 1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_rows_with_a_missing_value_are_as_good_as_absent_and_counted(method: str) -> None:
    if method == "labour_productivity":
        pytest.skip("labour productivity estimates nothing")
    rows, rng = here(), np.random.default_rng(4)
    gone = rng.random(rows.n_panel) < 0.04
    column = KEYS[method].get("output", "paid")
    holes = {name: rows.columns[name] for name in rows.columns}
    holes[column] = NumberColumn(np.where(gone, np.nan, rows.number(column)))
    fit = fitted(method, Selection(rows.rows, rows.firm, rows.year, holes, rows.n_panel, {}))
    assert fit.dropped[f"missing {column}"] == int(gone.sum())
    assert sum(fit.dropped.values()) + int(fit.in_sample.sum()) == rows.n_panel
    if method != "markup":
        kept = np.flatnonzero(~gone)
        without = fitted(method, rebuilt(rows, kept, rows.firm[kept]))
        for one, other in zip(averages(fit), averages(without), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"labour_productivity"}))
def test_too_little_fails_by_name(method: str) -> None:
    rows = here()
    nobody = np.zeros(rows.n_panel, dtype=bool)
    with pytest.raises(EstimationError):
        fitted(method, rows, nobody)
    lonely = np.flatnonzero(rows.year == 2016 + rows.firm % 3)
    single = rebuilt(rows, lonely, rows.firm[lonely])
    if method in ("ols", "cost_shares", "tornqvist"):
        assert np.isfinite(fitted(method, single).values).all()
    else:
        with pytest.raises(EstimationError) as found:
            fitted(method, single)
        assert len(str(found.value)) > 40


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"labour_productivity", "cost_shares", "tornqvist", "markup"}))
@pytest.mark.parametrize("name", ["l", "k"])
def test_an_input_without_variation_fails_by_name(method: str, name: str) -> None:
    rows = here()
    flat = {**rows.columns, name: NumberColumn(np.full(rows.n_panel, 2.5))}
    with pytest.raises(EstimationError, match=rf'"?\b{name}\b'):
        fitted(method, Selection(rows.rows, rows.firm, rows.year, flat, rows.n_panel, {}))


GROUPED = sorted(method for method in METHODS if "separately_by" in PRODUCTIVITY[method].options.model_fields)


@pytest.mark.parametrize("method", GROUPED)
def test_groups_without_a_row_fail_by_name(method: str) -> None:
    rows = here()
    empty = {**rows.columns, "sector": TextColumn(np.full(rows.n_panel, -1), ())}
    with pytest.raises(EstimationError, match="separately_by: sector"):
        fitted(method, Selection(rows.rows, rows.firm, rows.year, empty, rows.n_panel, {}), separately_by=("sector",))


CONSTANT = sorted(set(METHODS) - {"labour_productivity", "cost_shares", "tornqvist", "markup"})


@pytest.mark.parametrize("method", [one for one in CONSTANT if one not in RAW_LOGS | {"gandhi_navarro_rivers"}])
def test_an_output_without_variation_fails_by_name(method: str) -> None:
    rows, name = here(), KEYS[method]["output"]
    flat = {**rows.columns, name: NumberColumn(np.full(rows.n_panel, 1.0))}
    with pytest.raises(EstimationError, match=rf'"{name}" does not vary'):
        fitted(method, Selection(rows.rows, rows.firm, rows.year, flat, rows.n_panel, {}))
