"""The polynomial of the control function."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimation.polynomial import DegenerateInputError, exponents_up_to, standardised_polynomial


def polynomial(x: np.ndarray, degree: int):
    names = [f"x{j}" for j in range(len(x))]
    return standardised_polynomial(names, degree, x.mean(axis=1), np.cov(x).reshape(len(x), len(x)))


@given(st.integers(1, 4), st.integers(0, 4))
def test_every_monomial_once_the_constant_first(n_inputs: int, degree: int) -> None:
    powers = exponents_up_to(n_inputs, degree)
    assert len(powers) == comb(n_inputs + degree, degree) == len({tuple(row) for row in powers.tolist()})
    assert not powers[0].any()
    assert (np.diff(powers.sum(axis=1)) >= 0).all()


def test_names_read_as_monomials() -> None:
    made = polynomial(np.random.default_rng(0).normal(size=(2, 50)), 2)
    assert made.terms == ("1", "x0", "x1", "x0^2", "x0*x1", "x1^2")


@pytest.mark.parametrize("degree", [1, 2, 3, 4])
def test_spans_the_raw_monomials(degree: int) -> None:
    rng = np.random.default_rng(1)
    k = rng.normal(3, 1, 200)
    x = np.stack([k, 0.9 * k + rng.normal(0, 0.1, 200)])
    ours = polynomial(x, degree).evaluate(list(x)).T
    raw = np.column_stack([x[0] ** i * x[1] ** j for i in range(degree + 1) for j in range(degree + 1 - i)])
    left = raw - ours @ np.linalg.lstsq(ours, raw, rcond=None)[0]
    # Raw powers are near 1e3 and collinear: ten digits of them are what their own rounding leaves.
    assert np.abs(left).max() < 1e-10 * np.abs(raw).max()


def test_keeps_its_digits_where_inputs_move_together() -> None:
    rng = np.random.default_rng(2)
    k = rng.normal(12, 1, 5000)
    x = np.stack([k, k + rng.normal(0, 1e-3, 5000)])
    ours = polynomial(x, 4).evaluate(list(x))
    size = np.sqrt((ours**2).sum(axis=1, keepdims=True))
    # Standardised: the conditioning depends on the degree alone (raw monomials are singular to rounding).
    assert np.linalg.cond(ours / size) < 100


@pytest.mark.parametrize("variable", [0, 1])
def test_derivative_is_the_difference_quotient(variable: int) -> None:
    rng = np.random.default_rng(3)
    x = np.stack([rng.normal(2, 1, 40), rng.normal(5, 2, 40)])
    made = polynomial(x, 3)
    step = np.zeros_like(x)
    step[variable] = 1e-5
    quotient = (made.evaluate(list(x + step)) - made.evaluate(list(x - step))) / 2e-5
    # Central differences of cubics: error of the order step^2, rounding 1e-16 / 1e-5.
    np.testing.assert_allclose(made.derivative(variable) @ made.evaluate(list(x)), quotient, atol=1e-8)


def test_an_input_without_variation_of_its_own_is_named() -> None:
    x = np.random.default_rng(4).normal(size=100)
    with pytest.raises(DegenerateInputError) as found:
        polynomial(np.stack([x, 2 * x + 1]), 2)
    assert (found.value.index, found.value.constant) == (1, False)
    with pytest.raises(DegenerateInputError) as found:
        polynomial(np.stack([np.full(100, 7.0), x]), 2)
    assert (found.value.index, found.value.constant) == (0, True)
