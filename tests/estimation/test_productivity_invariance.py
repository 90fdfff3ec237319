"""What must not matter: units, the order of firms, their names, columns that are alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimation.productivity import wlp, wooldridge
from estimation.results import ProductivityFit
from panels.frame import Selection, TextColumn
from tests.estimation.firms import fitted, simulate, std_errors, with_columns
from tests.estimation.rows import selection

# The bound; rounding of the shifted logs alone is 1e-15 of a number near 20.
NOTHING = 1e-9
SMALL = simulate(150, 3, ragged=True, sectors=3)


def same(one: ProductivityFit, other: ProductivityFit, tolerance: float = NOTHING) -> None:
    for left, right in zip(one.groups, other.groups, strict=True):
        np.testing.assert_allclose(left.coefficients, right.coefficients, rtol=tolerance)
        np.testing.assert_allclose(left.covariance, right.covariance, rtol=tolerance, atol=1e-14)
        if left.j_statistic is not None:
            assert left.j_statistic == pytest.approx(right.j_statistic, rel=tolerance * 100)


shifts = st.floats(-25, 25, allow_nan=False)


@settings(max_examples=15, deadline=None)
@given(y=shifts, l=shifts, k=shifts, m=shifts, level=st.sampled_from(["residual", "control_function"]))
def test_units_shift_the_level_and_nothing_else(y: float, l: float, k: float, m: float, level: str) -> None:  # noqa: E741
    before = fitted(SMALL, tfp_from=level, sample="all")
    moved = with_columns(
        SMALL, y=SMALL.number("y") + y, l=SMALL.number("l") + l, k=SMALL.number("k") + k,
        m=SMALL.number("m") + m,
    )  # fmt: skip
    after = fitted(moved, tfp_from=level, sample="all")
    same(before, after)
    bl, bk = before.groups[0].coefficients
    constant = y - l * bl - k * bk
    np.testing.assert_allclose(after.values, before.values + constant, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_and_names_of_firms(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.permutation(150)[SMALL.firm]
    order = np.lexsort((SMALL.year, names))
    columns = {
        name: [column.levels[code] for code in column.codes[order]]
        if isinstance(column, TextColumn)
        else column.values[order]
        for name, column in SMALL.columns.items()
    }
    before = fitted(SMALL, controls=("nace", "year"))
    after = fitted(selection(columns, names[order], SMALL.year[order]), controls=("nace", "year"))
    same(before, after)
    np.testing.assert_allclose(after.values, before.values[order], atol=1e-10)


@pytest.mark.parametrize("method", [wooldridge, wlp])
def test_amounts_in_euros_thousands_or_millions_keep_ten_digits(method: object) -> None:
    amounts = {name: np.exp(SMALL.number(name) + 9) for name in "ylkm"}
    found = []
    for unit in (1.0, 1e3, 1e6):
        rows = with_columns(SMALL, **{name: np.log(amount / unit) for name, amount in amounts.items()})
        found.append(fitted(rows, method, degree=4))
    for other in found[1:]:
        np.testing.assert_allclose(other.groups[0].coefficients, found[0].groups[0].coefficients, rtol=1e-10)
        np.testing.assert_allclose(std_errors(other), std_errors(found[0]), rtol=1e-10)


def test_inputs_that_move_almost_together_keep_their_digits() -> None:
    """Capital and materials correlated 0.9999 and far from zero: raw monomials would be singular."""
    k = SMALL.number("k")
    close = with_columns(SMALL, m=k + 0.01 * SMALL.number("m"))
    far = with_columns(SMALL, m=1e3 * (k + 0.01 * SMALL.number("m")) + 1e4, k=k + 100)
    one, other = fitted(close), fitted(far)
    # Shifting by 100 costs two digits of k's own part, m's own part is a hundredth of it.
    np.testing.assert_allclose(other.groups[0].coefficients, one.groups[0].coefficients, rtol=1e-8)


def test_a_control_that_is_constant_changes_nothing_and_is_noted() -> None:
    rows = selection(
        {**{name: SMALL.number(name) for name in "ylkm"}, "region": ["B"] * SMALL.n_panel},
        SMALL.firm, SMALL.year,
    )  # fmt: skip
    with_it, without = fitted(rows, controls=("region",)), fitted(rows)
    same(with_it, without, 1e-13)
    assert with_it.groups[0].notes == ("control region is constant here and left out",)


def test_a_control_that_others_span_changes_nothing_and_is_named() -> None:
    branch = [f"B{code // 2}" for code in SMALL.columns["nace"].codes]  # type: ignore[union-attr]
    rows = Selection(
        SMALL.rows, SMALL.firm, SMALL.year,
        {**SMALL.columns, "branch": TextColumn(np.array([int(b[1]) for b in branch]), ("B0", "B1"))},
        SMALL.n_panel, {},
    )  # fmt: skip
    with_it, without = fitted(rows, controls=("nace", "branch")), fitted(rows, controls=("nace",))
    same(with_it, without, 1e-11)
    assert with_it.groups[0].notes == ("collinear with the other controls and left out: branch[B1]",)


def test_one_group_is_no_group() -> None:
    rows = selection(
        {**{name: SMALL.number(name) for name in "ylkm"}, "country": ["BE"] * SMALL.n_panel},
        SMALL.firm, SMALL.year,
    )  # fmt: skip
    apart, together = fitted(rows, separately_by=("country",)), fitted(rows)
    same(apart, together, 1e-13)
    np.testing.assert_array_equal(apart.values, together.values)
    np.testing.assert_array_equal(apart.in_sample, together.in_sample)
    assert apart.groups[0].group == (("country", "BE"),)
