"""Entropy balancing and overlap weights: the balance itself, other routes to it, and the errors of what rests on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import minimize

from estimation.balancing.tilting import entropy, overlap
from estimation.designs import cross_section, fixed_effects
from estimation.results import Estimates, FloatArray
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from tests.estimation.duplicates import duplicated
from tests.estimation.rows import group_fit, productivity, selection

METHODS = ("entropy", "overlap")


def firms(n: int = 600, seed: int = 1, effect: float = 0.3) -> Selection:
    """One row a firm; larger firms and those of sector b use AI more often, and are more productive in a curved way."""
    rng = np.random.default_rng(seed)
    x, sector = rng.normal(size=n), rng.integers(0, 3, n)
    p = 1 / (1 + np.exp(-(-0.5 + 0.8 * x + 0.7 * (sector == 1))))
    ai = (rng.random(n) < p).astype(float)
    y = 1 + effect * ai + x + 0.4 * x**2 + 0.5 * (sector == 1) + rng.normal(0, 0.5, n)
    return selection({
        "y": y, "ai": ai, "x": x, "w": rng.uniform(0.5, 2, n), "sector": ["abc"[one] for one in sector],
    })  # fmt: skip


def estimate(rows: Selection, method: str = "entropy", formula: str = "y ~ ai", **keys: Any) -> Estimates:
    balance = {"method": method, "covariates": ["x", "sector"], **keys.pop("balance", {})}
    options = cross_section.Options.model_validate({"formula": formula, "balance": balance, **keys})
    return cross_section.fit("m", options, rows, keys.pop("first", None))


def z_of(rows: Selection) -> FloatArray:
    codes = rows.columns["sector"].codes  # type: ignore[union-attr]
    return np.column_stack([np.ones(codes.size), rows.number("x"), codes == 1, codes == 2]).astype(float)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("method", METHODS)
def test_covariates_are_alike(method: str, weights: str | None) -> None:
    found = estimate(firms(), method, weights=weights)
    assert found.balance is not None
    for one in found.balance["covariates"]:
        # The means of what is balanced are the same by the first-order conditions, solved to 1e-12.
        assert one["balanced_treated"] == pytest.approx(one["balanced_control"], abs=1e-9)
        assert abs(one["std_difference"]) > 0.05 or one["term"].startswith("sector")
    assert {one["term"] for one in found.balance["covariates"]} == {"x", "sector[a]", "sector[b]", "sector[c]"}


@pytest.mark.parametrize("weights", [None, "w"])
def test_entropy_weights_are_those_of_least_divergence(weights: str | None) -> None:
    rows = firms(150)
    own = np.ones(150) if weights is None else rows.number("w")
    treated, z = rows.number("ai") == 1, z_of(rows)
    found = entropy(z, treated, own)
    assert found is not None
    base, control, wanted = own[~treated], z[~treated], own[treated] @ z[treated]
    primal = minimize(
        lambda w: float((w * np.log(w / base)).sum()), found.weights[~treated] * 1.2 + 0.01,
        jac=lambda w: np.log(w / base) + 1, method="SLSQP", bounds=[(1e-9, None)] * base.size,
        constraints={"type": "eq", "fun": lambda w: control.T @ w - wanted, "jac": lambda w: control.T},
        options={"maxiter": 500, "ftol": 1e-14},
    )  # fmt: skip
    assert primal.success
    # SLSQP stops at 1e-14 of the objective, the square of what is left in the weights.
    np.testing.assert_allclose(found.weights[~treated], primal.x, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(found.weights[treated], own[treated])


def test_overlap_is_the_logit_of_another_package_and_weighted_least_squares() -> None:
    rows = firms()
    z, ai, y = z_of(rows), rows.number("ai"), rows.number("y")
    p = sm.Logit(ai, z).fit(disp=0, tol=1e-12).predict()
    weights = np.where(ai == 1, 1 - p, p)
    wls = sm.WLS(y, sm.add_constant(ai), weights).fit()
    found = estimate(rows, "overlap")
    np.testing.assert_allclose(found.coefficients, wls.params, rtol=1e-8)
    # Without covariates it is the difference of two weighted means.
    means = [np.average(y[ai == one], weights=weights[ai == one]) for one in (1, 0)]
    assert found.coefficients[1] == pytest.approx(means[0] - means[1], rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_sides_that_are_alike_already_weigh_the_same(method: str) -> None:
    half = firms(200)
    x, sector = half.number("x"), ["abc"[one] for one in half.columns["sector"].codes]  # type: ignore[union-attr]
    rng = np.random.default_rng(3)
    rows = selection({"y": rng.normal(size=400), "ai": [0.0] * 200 + [1.0] * 200, "x": np.tile(x, 2),
                      "sector": sector * 2})  # fmt: skip
    found = estimate(rows, method, "y ~ ai + x")
    plain = cross_section.fit("m", cross_section.Options.model_validate({"formula": "y ~ ai + x"}), rows, None)
    np.testing.assert_allclose(found.coefficients, plain.coefficients, rtol=1e-9)


def numerically(rows: Selection, method: str, formula: str, **keys: Any) -> FloatArray:
    """The influence of every row on the coefficients, by the weight that it has."""
    step, n = 1e-5, rows.rows.size
    out = []
    for row in range(n):
        ends = []
        for sign in (1, -1):
            own = np.ones(n)
            own[row] += sign * step
            moved = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "w": NumberColumn(own)}, n, {})
            ends.append(estimate(moved, method, formula, weights="w", **keys).coefficients)
        out.append((ends[0] - ends[1]) / (2 * step))
    return np.array(out)


@pytest.mark.parametrize("formula", ["y ~ ai", "y ~ ai + x"])
@pytest.mark.parametrize("method", METHODS)
def test_influence_is_what_a_rows_weight_does(method: str, formula: str) -> None:
    rows = firms(60, seed=5)
    found = estimate(rows, method, formula)
    # Differences of 1e-5 leave an error of their square times the third derivative.
    np.testing.assert_allclose(found.influence, numerically(rows, method, formula), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_errors_are_those_of_both_steps_in_draws_of_firms(method: str) -> None:
    rows = firms(500, seed=2)
    found = estimate(rows, method, errors="HC0")
    rng = np.random.default_rng(7)
    draws = []
    for _ in range(200):
        many, _ = duplicated(rows, np.bincount(rng.integers(0, 500, 500), minlength=500).astype(float))
        draws.append(estimate(many, method).coefficients)
    # 200 draws know a standard error to 5 per cent.
    np.testing.assert_allclose(found.std_errors, np.std(draws, axis=0), rtol=0.15)
    taken = cross_section.Options.model_validate({"formula": "y ~ ai", "weights": "v", "errors": "HC0"})
    z, treated = z_of(rows), rows.number("ai") == 1
    tilted = (entropy if method == "entropy" else overlap)(z, treated, np.ones(500))
    assert tilted is not None
    columns = {**rows.columns, "v": NumberColumn(tilted.weights)}
    naive = cross_section.fit("m", taken, Selection(rows.rows, rows.firm, rows.year, columns, 500, {}), None)
    np.testing.assert_allclose(found.coefficients, naive.coefficients, rtol=1e-12)
    # Taking the weights as given overstates the error: what the covariates explain of y is balanced away.
    assert found.std_errors[1] < 0.8 * naive.std_errors[1]


@pytest.mark.parametrize("method", METHODS)
def test_intervals_cover(method: str) -> None:
    # With a constant effect and y linear in what is balanced both weights estimate the effect.
    inside = []
    for seed in range(200):
        rows = firms(300, seed=1000 + seed)
        y = rows.number("y") - 0.4 * rows.number("x") ** 2
        rows = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "y": NumberColumn(y)}, 300, {})
        found = estimate(rows, method)
        inside.append(found.conf_low[1] < 0.3 < found.conf_high[1])
    # Three Monte Carlo errors of 0.95 in 200 panels.
    assert np.mean(inside) == pytest.approx(0.95, abs=0.046)


def test_the_first_stage_is_carried_through_the_weights() -> None:
    rows = firms(120)
    rng = np.random.default_rng(9)
    gradient, psi = rng.normal(size=(120, 2)), rng.normal(0, 0.05, (120, 2))
    first = productivity(rows.number("y"), gradient, [group_fit(range(120), psi)])
    options = cross_section.Options.model_validate(
        {"formula": "y ~ ai + x", "balance": {"method": "entropy", "covariates": ["x"]}, "errors": "HC0"}
    )
    found = cross_section.fit("m", options, rows, first)
    plain = cross_section.fit("m", options, rows, None)
    moved = []
    for place in range(2):
        y = NumberColumn(rows.number("y") + gradient[:, place])
        other = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "y": y}, 120, {})
        moved.append(cross_section.fit("m", options, other, None).coefficients - plain.coefficients)
    # The estimate is linear in the outcome: a step of one is exact.
    total = plain.influence + psi @ np.array(moved)
    np.testing.assert_allclose(found.covariance, total.T @ total, rtol=1e-9)
    assert found.errors.tfp_uncertainty == "include"


@given(scale=st.floats(0.001, 1000), shift=st.floats(-100, 100), seed=st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_units_and_order_do_not_matter(scale: float, shift: float, seed: int) -> None:
    rows = firms(80, seed=11)
    x = NumberColumn(rows.number("x") * scale + shift)
    other = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "x": x}, 80, {})
    order = np.random.default_rng(seed).permutation(80)
    shuffled = selection(
        {"sector": ["abc"[one] for one in other.columns["sector"].codes[order]],  # type: ignore[union-attr]
         **{name: other.number(name)[order] for name in ("y", "ai", "x", "w")}},
    )  # fmt: skip
    for method in METHODS:
        one, two = estimate(rows, method), estimate(shuffled, method)
        np.testing.assert_allclose(one.coefficients, two.coefficients, rtol=1e-7)
        np.testing.assert_allclose(one.std_errors, two.std_errors, rtol=1e-6)


def test_within_firms_the_weights_balance_rows_and_clusters_are_firms() -> None:
    rng = np.random.default_rng(4)
    firm, year = np.repeat(np.arange(100), 4), np.tile(np.arange(2020, 2024), 100)
    x = rng.normal(size=400)
    ai = ((rng.random(400) < 1 / (1 + np.exp(-x))) & (rng.random(400) < 0.7)).astype(float)
    y = np.repeat(rng.normal(size=100), 4) + 0.5 * ai + x + rng.normal(0, 0.3, 400)
    rows = selection({"y": y, "ai": ai, "x": x}, firm, year)
    keys = {"formula": "y ~ ai | firm + year", "balance": {"method": "overlap", "covariates": ["x", "year"]}}
    found = fixed_effects.fit("m", fixed_effects.Options.model_validate(keys), rows, None)
    assert found.errors.clusters == {"firm": 100}
    written = cross_section.Options.model_validate(
        {"formula": "y ~ ai + unit + year", "balance": keys["balance"], "errors": {"cluster": ["firm"]}}
    )
    unit = selection({"unit": [f"f{one:03}" for one in firm]}).columns["unit"]
    whole = Selection(rows.rows, firm, year, {**rows.columns, "unit": unit}, 400, {})
    dense = cross_section.fit("m", written, whole, None)
    place = dense.terms.index("ai")
    assert found.coefficients[0] == pytest.approx(dense.coefficients[place], rel=1e-9)
    # The two differ in what the small-sample factor counts: effects nested in clusters.
    ratio = np.sqrt((400 - dense.coefficients.size) / (400 - 1 - 4))
    assert found.std_errors[0] == pytest.approx(dense.std_errors[place] * ratio, rel=1e-7)


def test_both_estimates_stand_side_by_side_and_rows_are_counted() -> None:
    rows = firms(100)
    x = rows.number("x").copy()
    x[:7] = np.nan
    rows = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "x": NumberColumn(x)}, 100, {})
    found = estimate(rows)
    assert [part.estimator for part in found.parts] == ["entropy_balancing", "unbalanced"]
    assert found.dropped == {"x is missing": 7}
    assert {part.n_obs for part in found.parts} == {93}
    assert found.parts[0].coefficients.tolist() == found.coefficients.tolist()
    assert found.balance is not None
    record = found.balance
    assert record["n_firms_treated"] + record["n_firms_control"] == 93
    assert 0 < record["effective_control"] < record["n_firms_control"]
    assert record["effective_treated"] == pytest.approx(record["n_firms_treated"])
    assert any("standardised differences were" in note for note in found.notes)


def rare() -> Selection:
    rows = firms(100)
    codes = rows.columns["sector"].codes.copy()  # type: ignore[union-attr]
    codes[rows.number("ai") == 0] %= 2
    sector = selection({"s": ["abc"[one] for one in codes]}, levels={"s": "abc"}).columns["s"]
    return Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "sector": sector}, 100, {})


@pytest.mark.parametrize(
    ("rows", "method", "keys", "said"),
    [
        (rare(), "entropy", {"covariates": ["third"]}, "among untreated rows third does not vary"),
        (rare(), "overlap", {"covariates": ["third"]}, "third tell some treatments for certain"),
        (firms(), "entropy", {"treatment": "x", "covariates": ["w"]}, "x is neither 0 nor 1 in 600 rows"),
        (firms().take(firms().number("ai") == 1), "overlap", {"treatment": "ai"}, "ai has the same value in every row"),
        (firms(), "entropy", {"covariates": ["far"]}, "untreated rows the treated ones' means of far"),
    ],
)  # fmt: skip
def test_what_cannot_be_balanced_is_named(rows: Selection, method: str, keys: dict[str, Any], said: str) -> None:
    far = NumberColumn(rows.number("x") + 50 * rows.number("ai"))
    third = NumberColumn((rows.columns["sector"].codes == 2).astype(float))  # type: ignore[union-attr]
    columns = {**rows.columns, "far": far, "third": third}
    rows = Selection(rows.rows, rows.firm, rows.year, columns, rows.n_panel, {})
    with pytest.raises(EstimationError, match=said):
        estimate(rows, method, "y ~ ai + x", balance=keys)


@pytest.mark.parametrize("method", METHODS)
def test_levels_of_one_side_alone_leave_and_are_counted(method: str) -> None:
    rows = rare()
    alone = rows.columns["sector"].codes == 2  # type: ignore[union-attr]
    found = estimate(rows, method)
    count = int(alone.sum())
    assert found.dropped == {"sector has a level that treated rows alone have, or untreated rows alone": count}
    assert f"balance: sector c has no untreated row: {count} firms left out" in found.notes
    np.testing.assert_allclose(found.coefficients, estimate(rows.take(~alone), method).coefficients, rtol=1e-12)


def test_which_column_is_the_treatment_must_be_plain() -> None:
    rows = firms()
    both = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "cc": rows.columns["ai"]}, 600, {})
    other = NumberColumn(np.roll(rows.number("ai"), 1))
    both = Selection(rows.rows, rows.firm, rows.year, {**rows.columns, "cc": other}, 600, {})
    with pytest.raises(EstimationError, match="ai and cc are both 0 or 1; write treatment:"):
        estimate(both, formula="y ~ ai + cc")
    assert estimate(both, formula="y ~ ai + cc", balance={"treatment": "ai"}).balance is not None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"errors": "HC3"}, "HC3 beside balance"),
        ({"errors": "classical"}, "classical beside balance"),
        ({"errors": {"bootstrap": {"cluster": ["firm"]}}}, "bootstrap beside balance"),
        ({"balance": {"covariates": []}}, "an empty list"),
        ({"balance": {"covariates": ["y"]}}, '"y" is the outcome'),
        ({"balance": {"treatment": "a"}}, '"a" is not in the formula'),
        ({"balance": {"treatment": "x"}}, '"x" is the treatment'),
    ],
)
def test_mistakes_in_the_keys(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        estimate(firms(), formula="y ~ ai + x", **keys)
