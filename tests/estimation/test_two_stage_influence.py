"""Influence functions and draws of the estimators in two stages against plain, slow estimates with other weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection
from tests.estimation.firms import fitted, simulate
from tests.estimation.rows import selection
from tests.estimation.slow_two_stage import Slow, derivative
from tests.estimation.two_stage_firms import between, leaving

SIMPLE, LEAVING, BETWEEN = simulate(120, 3, ragged=True), leaving(250, 8), between(150, 5)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As a run does: threads cost a draw's small matrices ten times what they save."""
    with threadpool_limits(1):
        yield


def as_dict(rows: Selection) -> dict[str, Any]:
    return {name: rows.number(name) for name in rows.columns if name != "nace"}


CASES: dict[str, tuple[Any, Selection, dict[str, Any], dict[str, Any]]] = {
    "LP": (levinsohn_petrin, SIMPLE, {"degree": 2}, {}),
    "LP, years": (levinsohn_petrin, SIMPLE, {"degree": 2, "controls": ("year",), "markov_degree": 2},
                  {"years": True, "markov_degree": 2}),
    "OP, exit": (olley_pakes, LEAVING, {"degree": 2, "proxy": "i", "survival": olley_pakes.SurvivalKeys(degree=2)},
                 {"proxy": "i", "survival": True}),
    "ACF": (ackerberg_caves_frazer, BETWEEN, {"degree": 2}, {}),
    "ACF, years": (ackerberg_caves_frazer, BETWEEN, {"degree": 2, "controls": ("year",)}, {"years": True}),
    "ACF, translog": (ackerberg_caves_frazer, BETWEEN, {"degree": 2, "technology": "translog"}, {}),
}  # fmt: skip


def with_year(rows: Selection) -> Selection:
    return selection(as_dict(rows) | {"year": rows.year.astype(float)}, rows.firm, rows.year)


def to_centred(slow: Slow, terms: int) -> FloatArray:
    """What makes a translog's coefficients on logs those on logs about the slow estimator's means."""
    matrix = np.eye(terms)
    if terms > 2:
        labour, capital, _ = slow.middle
        matrix[0, 2], matrix[0, 3], matrix[1, 3], matrix[1, 4] = 2 * labour, capital, labour, 2 * capital
    return matrix


def centred(fit: ProductivityFit, slow: Slow) -> tuple[FloatArray, FloatArray]:
    """The coefficients and influence functions in the slow estimator's terms."""
    group = fit.groups[0]
    matrix = to_centred(slow, len(group.terms))
    return matrix @ group.coefficients, group.influence @ matrix.T


def estimator(case: str) -> tuple[ProductivityFit, Slow, Callable[[FloatArray], FloatArray]]:
    method, rows, changes, slowly = CASES[case]
    rows = with_year(rows)
    fit = fitted(rows, method, **changes)
    slow = Slow(rows, **slowly)
    near, _ = centred(fit, slow)
    if method is ackerberg_caves_frazer:
        translog = "technology" in changes
        return fit, slow, lambda weights: slow.solving(weights, near, translog)
    return fit, slow, lambda weights: slow.minimising(weights, near[1])


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_the_slow_one(case: str) -> None:
    fit, slow, estimate = estimator(case)
    # The slow one inverts normal equations of raw powers.
    np.testing.assert_allclose(estimate(np.ones(len(slow.y))), centred(fit, slow)[0], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_influence_is_the_derivative_in_a_firms_weight(case: str) -> None:
    fit, slow, estimate = estimator(case)
    group = fit.groups[0]
    _, influence = centred(fit, slow)
    size = np.abs(influence).max(axis=0)
    for firm in (0, 41, 118):
        numeric = derivative(estimate, slow.firm, firm, 1e-4)
        exact = influence[np.searchsorted(group.influence_firms, firm)]
        # Central differences: h^2 of the third derivative, and the slow estimate's rounding over h.
        np.testing.assert_allclose(exact / size, numeric / size, atol=2e-6)


@pytest.mark.parametrize("case", CASES)
def test_a_draw_is_the_estimate_with_its_counts(case: str) -> None:
    method, rows, changes, _ = CASES[case]
    fit, slow, estimate = estimator(case)
    keys = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | changes
    use = np.ones(rows.n_panel, dtype=bool)
    resampler = method.resampler(method.Options(**keys), with_year(rows), use, fit)
    n_firms = int(rows.firm.max()) + 1
    rng = np.random.default_rng(12)
    # Near the full sample, so that the slow solver finds the same root: every firm once, twenty once more.
    counts = np.ones((2, n_firms))
    counts[1, rng.choice(n_firms, 20, replace=False)] += 1
    (drawn,) = resampler.draw(counts)
    np.testing.assert_allclose(drawn[0], fit.groups[0].coefficients, rtol=1e-9)
    moved = centred(fit, slow)[0] + to_centred(slow, len(drawn[1])) @ (drawn[1] - fit.groups[0].coefficients)
    np.testing.assert_allclose(moved, estimate(counts[1][rows.firm]), rtol=1e-6, atol=1e-7)


def test_the_bootstrap_spreads_as_the_influence_functions_say() -> None:
    rows = between(300, 2)
    n_firms, rng = 300, np.random.default_rng(1)
    counts = rng.multinomial(n_firms, np.full(n_firms, 1 / n_firms), size=300).astype(float)
    for method, changes in ((levinsohn_petrin, {"degree": 1}), (ackerberg_caves_frazer, {"degree": 2})):
        options = method.Options(output="y", free=("l",), state=("k",), proxy="m", **changes)
        use = np.ones(rows.n_panel, dtype=bool)
        fit = method.fit("tfp", options, rows, use)
        (drawn,) = method.resampler(options, rows, use, fit).draw(counts)
        assert not np.isnan(drawn).any()
        # 300 draws leave a standard deviation 4 per cent of noise; the rest is what is not linear.
        np.testing.assert_allclose(drawn.std(axis=0), fit.groups[0].inference.std_errors, rtol=0.15)


def test_draws_with_the_control_function_and_groups() -> None:
    rows = simulate(200, 3, sectors=2)
    changes: dict[str, Any] = {"tfp_from": "control_function", "separately_by": ("nace",), "degree": 2}
    options = levinsohn_petrin.Options(output="y", free=("l",), state=("k",), proxy="m", **changes)
    use = np.ones(rows.n_panel, dtype=bool)
    fit = levinsohn_petrin.fit("tfp", options, rows, use)
    counts = np.ones((2, 200))
    counts[1, ::2] = 2.0
    drawn = levinsohn_petrin.resampler(options, rows, use, fit).draw(counts)
    for group, draws in zip(fit.groups, drawn, strict=True):
        assert draws.shape == (2, len(group.parameters))
        np.testing.assert_allclose(draws[0, :2], group.coefficients, rtol=1e-9)
    # Firms with even codes are the first sector's: doubling all of them moves nothing.
    np.testing.assert_allclose(drawn[0][1], drawn[0][0], rtol=1e-8, atol=1e-9)
    # Even at the level of rows: Phi - k bk with the drawn parameters is the level's own.
    np.testing.assert_allclose(drawn[1][1], drawn[1][0], rtol=1e-8, atol=1e-9)


def test_a_draw_without_a_root_is_nan() -> None:
    options = ackerberg_caves_frazer.Options(output="y", free=("l",), state=("k",), proxy="m", degree=2)
    use = np.ones(BETWEEN.n_panel, dtype=bool)
    fit = ackerberg_caves_frazer.fit("tfp", options, BETWEEN, use)
    counts = np.zeros((3, 150))
    # One firm has fewer rows than the second stage has coefficients.
    counts[0], counts[1, 0] = 1.0, 150.0
    (drawn,) = ackerberg_caves_frazer.resampler(options, BETWEEN, use, fit).draw(counts)
    assert not np.isnan(drawn[0]).any()
    assert np.isnan(drawn[1:]).all()
