"""Bad input: each failure names the estimate, the user's columns, the usual cause and what to try."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.productivity import labour_productivity, ols, wlp, wooldridge
from estimation.registry import PRODUCTIVITY
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.firms import fitted, simulate, with_columns
from tests.estimation.rows import selection

ROWS = simulate(120, 8)


def failing(rows: Selection, method: Any = wooldridge, **changes: Any) -> str:
    with pytest.raises(EstimationError) as found:
        fitted(rows, method, **changes)
    text = str(found.value)
    assert text.startswith("productivity.tfp: ")
    return text


def test_no_lags() -> None:
    odd = ROWS.take(ROWS.year % 2 == 1)
    rows = Selection(np.arange(len(odd.rows)), odd.firm, odd.year, odd.columns, len(odd.rows), {})
    text = failing(rows)
    assert "0 firms have a year before among 360 complete rows" in text
    assert "a gap gives none" in text


def test_nothing_but_missing() -> None:
    rows = with_columns(ROWS, m=np.full(ROWS.n_panel, np.nan))
    assert "logarithm of an amount that is not above zero" in failing(rows)
    assert "logarithm of an amount that is not above zero" in failing(
        with_columns(ROWS, y=np.full(ROWS.n_panel, np.nan)), ols
    )


def test_a_constant_proxy() -> None:
    assert '"m" does not vary' in failing(with_columns(ROWS, m=np.full(ROWS.n_panel, 7.0)))


def test_a_proxy_that_is_the_state() -> None:
    text = failing(with_columns(ROWS, m=2 * ROWS.number("k") + 1))
    assert '"m" is a linear function of k' in text


def test_a_state_that_never_changes_within_a_firm() -> None:
    first = ROWS.number("k")[np.searchsorted(ROWS.firm, ROWS.firm)]
    text = failing(with_columns(ROWS, k=first))
    assert 'the state "k" has no variation of its own in equation 2' in text
    assert "never change within a firm" in text


def test_a_free_input_that_the_controls_determine() -> None:
    labour = np.round(ROWS.number("l"))
    rows = selection(
        {**{name: ROWS.number(name) for name in "ykm"}, "l": labour, "size": [f"s{int(x)}" for x in labour]},
        ROWS.firm, ROWS.year,
    )  # fmt: skip
    for method in (wooldridge, ols):
        text = failing(rows, method, controls=("size",))
        assert 'the free input "l" has no variation of its own' in text
        assert "Leave out the control that does" in text


def test_a_free_input_that_is_a_function_of_the_polynomial() -> None:
    rows = with_columns(ROWS, l=ROWS.number("k") - 0.5 * ROWS.number("m") ** 2)
    assert 'the free input "l" has no variation of its own in equation 1' in failing(rows)


def test_an_input_of_few_values() -> None:
    rows = with_columns(ROWS, m=(ROWS.number("m") > 1).astype(float))
    text = failing(rows)
    assert "the polynomial of degree 3 in (k, m) is rank-deficient" in text
    assert "m^2" in text
    assert "lower the degree" in text


def test_two_free_inputs_that_are_one() -> None:
    rows = with_columns(ROWS, l2=3 * ROWS.number("l"))
    assert 'the free input "l2"' in failing(rows, free=("l", "l2"))


def test_wlp_whose_lagged_labour_moves_nothing() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=ROWS.n_panel)
    # Labour is noise that its own lag cannot foresee: orthogonal to it in the sample.
    rows = with_columns(ROWS, l=noise)
    group = fitted(rows, wlp).groups[0]
    # Weak, not unidentified: it is estimated, and the F says so.
    assert (group.diagnostics["first_stage_f"] or 0) < 10


def test_two_firms_are_no_sample() -> None:
    two = ROWS.take(ROWS.firm < 2)
    rows = Selection(np.arange(12), two.firm, two.year, two.columns, 12, {})
    # Which of its limits it meets first does not matter; it fails by name.
    failing(rows)
    failing(Selection(np.arange(6), two.firm[:6], two.year[:6], two.take(two.firm < 1).columns, 6, {}), ols)


@pytest.mark.parametrize(
    ("method", "changes", "what"),
    [
        ("wooldridge", {"degree": 5}, "degree"),
        ("wooldridge", {"degree": 0}, "degree"),
        ("wooldridge", {"degree": True}, "degree"),
        ("wooldridge", {"steps": 3}, "steps"),
        ("wooldridge", {"sample": "some"}, "sample"),
        ("wooldridge", {"gmm_weights": "hac"}, "gmm_weights"),
        ("wooldridge", {"markov": ("k",)}, "markov"),
        ("wooldridge", {"markov_timing": "next"}, "markov_timing"),
        ("wooldridge", {"technology": "ces"}, "technology"),
        ("wooldridge", {"technology": "translog", "degree": 1}, "degree"),
        ("wooldridge", {"survival": {}}, "survival"),
        ("wooldridge", {"survival": {"on": ("k",)}}, "survival"),
        ("wooldridge", {"survival": {"on": ("i",)}, "gmm_weights": "robust"}, "gmm_weights"),
        ("wooldridge", {"windmeijer": True, "steps": 1}, "windmeijer"),
        ("wooldridge", {"windmeijer": True, "gmm_weights": "unadjusted"}, "windmeijer"),
        ("wooldridge", {"weights": "k"}, "weights"),
        ("wooldridge", {"free": ()}, "free"),
        ("wooldridge", {"state": "k"}, "state"),
        ("wooldridge", {"proxy": "l"}, "proxy"),
        ("wooldridge", {"controls": ("y",)}, "controls"),
        ("wooldridge", {"separately_by": "nace"}, "separately_by"),
        ("wooldridge", {"min_firms": 1}, "min_firms"),
        ("ols", {"proxy": "m"}, "proxy"),
        ("labour_productivity", {"free": ("l", "l2")}, "free"),
    ],
)
def test_options_refuse(method: str, changes: dict[str, Any], what: str) -> None:
    keys: dict[str, Any] = {"output": "y", "free": ("l",)}
    if method != "labour_productivity":
        keys["state"] = ("k",)
    if method == "wooldridge":
        keys["proxy"] = "m"
    with pytest.raises(ValidationError) as found:
        PRODUCTIVITY[method].options(**(keys | changes))
    (error,) = found.value.errors()
    at = [*error["loc"], *getattr((error.get("ctx") or {}).get("found"), "path", ())]
    assert what in at


def test_defaults_are_the_documented_ones() -> None:
    keys = wooldridge.Options(output="y", free=("l",), state=("k",), proxy="m")
    assert (keys.degree, keys.steps, keys.sample, keys.gmm_weights, keys.tfp_from) == (
        3, 2, "common", "cluster", "residual",
    )  # fmt: skip
    assert (keys.separately_by, keys.min_firms, keys.controls, keys.where) == ((), 50, (), None)
    assert (
        wooldridge.Options(output="y", free=("l",), state=("k",), proxy="m", separately_by="none").model_dump(
            mode="json"
        )["separately_by"]
        == "none"
    )


def test_columns_and_equations_read_like_the_paper() -> None:
    keys = wooldridge.Options(
        output="y", free=("l",), state=("k",), proxy="m", controls=("nace",), separately_by=("nace",)
    )
    assert wooldridge.columns(keys) == ("y", "l", "k", "m", "nace")
    assert wooldridge.equations(keys).splitlines() == [
        "(1) y(t) = b[l] l(t) + C(t) lambda1 + e1(t), instruments: l(t), C(t)",
        "(2) y(t) = b[l] l(t) + b[k] k(t) + C(t-1) lambda2 + e2(t), instruments: l(t-1), k(t), C(t-1)",
        "C: the constant; all monomials of (k, m) up to degree 3; the controls nace",
        "Beside C(t-1) stand the controls of t that those of t-1 do not span.",
    ]
    assert labour_productivity.equations(labour_productivity.Options(output="y", free=("l",))) == "y(t) - l(t)"
