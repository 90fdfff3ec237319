"""Who survives, by the panel or by a flag; the flag's contradictions; the probability and its influence."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from estimation.productivity import olley_pakes, wlp, wooldridge
from estimation.productivity.common.survival import (
    Survival,
    polynomial_regressors,
    survival_probability,
    survival_status,
)
from estimation.results import FloatArray, IntArray
from specs.errors import EstimationError
from tests.estimation.firms import with_columns
from tests.estimation.two_stage_firms import leaving

FIRMS, YEARS = 300, 6


def panel(seed: int = 5) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Firms that leave when an index of (k, i) and luck is low."""
    rng = np.random.default_rng(seed)
    firm, year, k, i = [], [], [], []
    for number in range(FIRMS):
        capital = rng.normal(3, 1)
        for t in range(YEARS):
            capital = 0.6 + 0.8 * capital + rng.normal(0, 0.4)
            invested = 0.5 * capital + rng.normal(0, 0.7)
            firm.append(number)
            year.append(2010 + t)
            k.append(capital)
            i.append(invested)
            if 0.2 + 0.3 * capital + 0.4 * invested + rng.normal() < 0:
                break
    return np.array(firm), np.array(year), np.array(k), np.array(i)


FIRM, YEAR, K, INVESTED = panel()
ALL = np.ones(len(FIRM), dtype=bool)


def survival(k: FloatArray = K, degree: int = 2, use: np.ndarray = ALL) -> Survival:
    regressors = polynomial_regressors(("k", "i"), (k, INVESTED), degree, use & ~np.isnan(k))
    return survival_probability(FIRM, survival_status(FIRM, YEAR, ALL), use, regressors)


def test_a_firm_leaves_after_its_last_row_unless_the_panel_ends() -> None:
    firm, year = np.array([0, 0, 1, 1, 2, 2]), np.array([2010, 2012, 2011, 2012, 2010, 2011])
    # A gap is no exit; the panel's last year says nothing.
    np.testing.assert_array_equal(survival_status(firm, year, np.ones(6, dtype=bool)), [1, np.nan, 1, np.nan, 1, 0])
    # Rows outside `where` are no sign of life.
    np.testing.assert_array_equal(
        survival_status(firm, year, np.array([1, 1, 1, 0, 1, 1], dtype=bool)), [1, np.nan, 0, np.nan, 1, 0]
    )


def test_a_flag_that_agrees_changes_nothing() -> None:
    status = survival_status(FIRM, YEAR, ALL)
    flag = np.where(status == 0, 1.0, 0.0)
    np.testing.assert_array_equal(survival_status(FIRM, YEAR, ALL, flag), status)


def test_a_flag_that_contradicts_the_panel_is_counted() -> None:
    status = survival_status(FIRM, YEAR, ALL)
    flag = np.where(status == 0, 1.0, 0.0)
    gone, there = np.flatnonzero(status == 0)[:2], np.flatnonzero(status == 1)[:3]
    flag[gone], flag[there] = 0.0, 1.0
    with pytest.raises(EstimationError) as found:
        survival_status(FIRM, YEAR, ALL, flag, "left")
    text = str(found.value)
    assert "3 firm-years have left = 1 before a later row of the firm" in text
    assert "2 firms disappear before the panel's last year without left = 1" in text
    assert f"{YEAR[gone[0]]}: " in text
    assert "leave it out" in text


def test_a_flag_of_other_numbers_is_named() -> None:
    with pytest.raises(EstimationError, match='"left" holds 2: it is 1 in a firm'):
        survival_status(FIRM, YEAR, ALL, np.full(len(FIRM), 2.0), "left")


def test_the_probability_is_a_probits() -> None:
    found = survival()
    assert found.exits == np.count_nonzero(found.outcome == 0)
    np.testing.assert_array_equal(found.rows, YEAR.max() > YEAR)
    # The scores of a maximum sum to zero in every column.
    index = found.regressors @ found.fit.coefficients
    np.testing.assert_allclose(found.density, np.exp(-(index**2) / 2) / np.sqrt(2 * np.pi), rtol=1e-12)
    p, d = found.probability[found.rows], found.outcome[found.rows]
    score = found.regressors[found.rows] * (found.density[found.rows] * (d - p) / (p * (1 - p)))[:, None]
    np.testing.assert_allclose(score.sum(axis=0), 0.0, atol=1e-8)


def test_its_influence_is_the_derivative_by_the_firms_weight() -> None:
    found, h = survival(), 1e-5
    for firm in (3, 120):
        up, down = (found.reweighted(np.where(firm == FIRM, 1 + step, 1.0)) for step in (h, -h))
        psi = found.influence[np.searchsorted(found.firms, firm)]
        by_formula = found.density * (found.regressors @ psi)
        np.testing.assert_allclose((up - down) / (2 * h), by_formula, rtol=1e-6, atol=1e-10)


def test_units_and_powers_that_repeat_others_change_nothing() -> None:
    once, other = survival(), survival(k=K + 11.5)
    np.testing.assert_allclose(other.probability, once.probability, atol=1e-10)
    listed = (K > 3).astype(float)
    regressors = polynomial_regressors(("k", "i", "listed"), (K, INVESTED, listed), 2, ALL)
    found = survival_probability(FIRM, survival_status(FIRM, YEAR, ALL), ALL, regressors)
    # The square of an indicator is the indicator: nine columns of ten are left.
    assert found.regressors.shape[1] == 9


def test_rows_without_a_regressor_have_no_probability() -> None:
    k = K.copy()
    k[::7] = np.nan
    found = survival(k)
    np.testing.assert_array_equal(np.isnan(found.probability), np.isnan(k))
    assert not found.rows[::7].any()


def test_what_cannot_be_had_is_named() -> None:
    regressors = polynomial_regressors(("k", "i"), (K, INVESTED), 2, ALL)
    stay = np.where(YEAR.max() > YEAR, 1.0, np.nan)
    with pytest.raises(EstimationError, match="no firm leaves before the panel's last year"):
        survival_probability(FIRM, stay, ALL, regressors)
    few = stay.copy()
    few[np.flatnonzero(stay == 1)[:4]] = 0.0
    with pytest.raises(EstimationError, match="4 exits for 6 coefficients"):
        survival_probability(FIRM, few, ALL, regressors)
    with pytest.raises(EstimationError, match="tells for certain who stays"):
        survival_probability(FIRM, np.where(np.isnan(stay), np.nan, (K > 3).astype(float)), ALL, regressors)
    with pytest.raises(EstimationError, match='"i" is a linear function of k'):
        polynomial_regressors(("k", "i"), (K, 2 * K), 2, ALL)
    with pytest.raises(EstimationError, match='"i" does not vary'):
        polynomial_regressors(("k", "i"), (K, 0 * K), 2, ALL)


@pytest.mark.parametrize("name", ["l", "y"])
def test_a_correction_that_rests_on_an_input_or_the_output_is_refused(name: str) -> None:
    keys = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m", "survival": {"on": (name,)}}
    with pytest.raises(ValueError, match=f'"{name}" is .* already'):
        wooldridge.Options(**keys)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("on", "said"),
    [
        (("empty",), "no row has empty: is it the right column?"),
        (("i", "empty"), "no row has empty: is it the right column?"),
        (("one",), "only 1 row has one: is it the right column?"),
        (("empty", "one"), "no row has empty, one: are these the right columns?"),
        (("even", "odd"), "no row has even, odd together: are these the right columns?"),
    ],
)
@pytest.mark.parametrize("method", [wooldridge, wlp, olley_pakes])
def test_columns_that_no_row_has_are_named(method: Any, on: tuple[str, ...], said: str) -> None:
    rows = leaving(200, 5)
    there = np.arange(rows.n_panel)
    own = {
        "m": rows.number("i"),
        "empty": np.full(rows.n_panel, np.nan),
        "one": np.where(there == 3, 1.0, np.nan),
        "even": np.where(there % 2 == 0, 1.0 * there, np.nan),
        "odd": np.where(there % 2 == 1, 1.0 * there, np.nan),
    }
    # The proxy of olley_pakes stands in the probit without being asked for.
    proxy = "i" if method is olley_pakes else "m"
    keys = {"output": "y", "free": ["l"], "state": ["k"], "proxy": proxy}
    options = method.Options.model_validate(keys | {"survival": {"on": [name for name in on if name != proxy]}})
    with pytest.raises(EstimationError, match=re.escape(f"the probability of survival: {said}")):
        method.fit("tfp", options, with_columns(rows, **own), np.ones(rows.n_panel, dtype=bool))
