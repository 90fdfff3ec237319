"""The production function's terms, its elasticities, and coefficients on centred logs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimation.productivity.common.technology import Technology


def test_terms_stand_inputs_first() -> None:
    assert Technology(("l", "k")).terms == ("l", "k")
    assert Technology(("l", "k"), translog=True).terms == ("l", "k", "l^2", "l*k", "k^2")


def test_the_slopes_are_the_derivatives() -> None:
    technology = Technology(("l", "s", "k"), translog=True)
    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=7) for _ in range(3)]
    coefficients = rng.normal(size=len(technology.terms))
    for which, name in enumerate(technology.inputs):
        up = [values + (1e-6 if number == which else 0.0) for number, values in enumerate(inputs)]
        down = [values - (1e-6 if number == which else 0.0) for number, values in enumerate(inputs)]
        difference = coefficients @ (technology.monomials(up) - technology.monomials(down)) / 2e-6
        # Central differences of a quadratic are exact but for rounding, 1e-16 over a step of 1e-6.
        np.testing.assert_allclose(coefficients @ technology.slopes(name, inputs), difference, atol=1e-8)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=2), st.booleans())
def test_centred_and_raw_coefficients_draw_the_same_surface(centre: list[float], translog: bool) -> None:
    technology = Technology(("l", "k"), translog=translog)
    rng = np.random.default_rng(2)
    inputs = [rng.normal(size=5) + 3 for _ in range(2)]
    centred = rng.normal(size=len(technology.terms))
    matrix, constant = technology.to_raw(centre)
    moved = [values - middle for values, middle in zip(inputs, centre, strict=True)]
    found = (matrix @ centred) @ technology.monomials(inputs) + constant @ centred
    # Squares of numbers up to 23: rounding of 1e-16 times 500 a term.
    assert found == pytest.approx(centred @ technology.monomials(moved), abs=1e-11)
