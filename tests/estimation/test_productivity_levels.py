"""TFP levels, their gradients, influence functions, and the account of rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from estimation.productivity import labour_productivity, ols, wlp, wooldridge
from estimation.results import FloatArray
from panels.frame import Selection
from tests.estimation.firms import fitted, options, simulate, with_columns
from tests.estimation.rows import selection

ROWS = simulate(200, 11, ragged=True, sectors=3)


def with_holes() -> Selection:
    rng = np.random.default_rng(1)
    return with_columns(
        ROWS,
        **{name: np.where(rng.random(ROWS.n_panel) < 0.05, np.nan, ROWS.number(name)) for name in "ylkm"},
    )


def test_residual_is_filled_wherever_y_l_and_k_are() -> None:
    rows = with_holes()
    fit = fitted(rows)
    bl, bk = fit.groups[0].coefficients
    expected = rows.number("y") - bl * rows.number("l") - bk * rows.number("k")
    np.testing.assert_allclose(fit.values, expected, rtol=1e-13)
    there = ~np.isnan(expected)
    np.testing.assert_array_equal(fit.group_of_row, np.where(there, 0, -1))
    np.testing.assert_array_equal(fit.gradient[there], -np.stack([rows.number("l"), rows.number("k")], 1)[there])
    assert not fit.gradient[~there].any()


@pytest.mark.parametrize("controls", [(), ("nace",), ("nace", "year")])
@pytest.mark.parametrize("method", [wooldridge, wlp])
def test_control_function_is_linear_in_its_parameters(method: object, controls: tuple[str, ...]) -> None:
    rows = with_holes()
    fit = fitted(rows, method, tfp_from="control_function", sample="all", controls=controls)
    group = fit.groups[0]
    p = len(group.terms)
    there = ~np.isnan(rows.number("l") + rows.number("k") + rows.number("m"))
    np.testing.assert_array_equal(~np.isnan(fit.values), there)
    # Output is no input of this level: rows without it are filled.
    assert (there & np.isnan(rows.number("y"))).any()
    assert fit.gradient.shape[1] == len(group.parameters)
    assert group.parameters[:p] == group.terms
    np.testing.assert_array_equal(fit.gradient[there, 0], 0.0)
    np.testing.assert_array_equal(fit.gradient[there, 1], -rows.number("k")[there])
    left = (fit.values - fit.gradient[:, :p] @ group.coefficients)[there]
    c = fit.gradient[there, p:]
    # What lambda1 multiplies explains the rest exactly.
    np.testing.assert_allclose(c @ np.linalg.lstsq(c, left, rcond=None)[0], left, atol=1e-10)


def test_a_level_that_equation_1_never_saw_gives_no_control_function() -> None:
    fit = fitted(ROWS, tfp_from="control_function", controls=("year",))
    first = ROWS.year == ROWS.year.min()
    np.testing.assert_array_equal(np.isnan(fit.values), first)
    (note,) = fit.notes
    assert note.startswith(f"{first.sum()} rows")
    assert "year 2015" in note


@pytest.mark.parametrize("weights", ["cluster", "robust", "unadjusted"])
def test_influence_functions_are_what_leaving_a_firm_out_does(weights: str) -> None:
    rows = simulate(120, 5)
    fit = fitted(rows, gmm_weights=weights, tfp_from="control_function")
    group = fit.groups[0]
    assert group.influence.shape == (group.n_firms_scores, len(group.parameters))
    if weights == "cluster":
        np.testing.assert_allclose(
            group.small_sample * (group.influence.T @ group.influence)[:2, :2], group.covariance, rtol=1e-10
        )
    moved = []
    for firm in range(0, 120, 4):
        use = rows.firm != firm
        other = wooldridge.fit("tfp", options(gmm_weights=weights), rows, use)
        moved.append(group.coefficients - other.groups[0].coefficients)
    psi = group.influence[np.arange(0, 120, 4), :2]
    for number in range(2):
        # To first order: the rest is of the size 1/G, and the second step's weight moves too.
        assert np.corrcoef(psi[:, number], np.array(moved)[:, number])[0, 1] > 0.9


def test_ols_influence_functions_are_exact_sums() -> None:
    fit = fitted(ROWS, ols, controls=("nace",))
    group = fit.groups[0]
    np.testing.assert_allclose(group.small_sample * group.influence.T @ group.influence, group.covariance, rtol=1e-12)
    assert (group.rung, group.j_statistic) == ("least squares", None)
    # Scores of least squares sum to zero.
    np.testing.assert_allclose(group.influence.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("sample", ["common", "all"])
def test_every_row_is_accounted_for(sample: str) -> None:
    rows = with_holes()
    use = np.random.default_rng(2).random(rows.n_panel) < 0.9
    fit = wooldridge.fit("tfp", options(sample=sample), rows, use)
    assert sum(fit.dropped.values()) + np.count_nonzero(fit.in_sample) == rows.n_panel
    assert fit.dropped["outside where"] == np.count_nonzero(~use)
    assert fit.dropped["missing y"] == np.count_nonzero(use & np.isnan(rows.number("y")))
    assert ("no row in the year before" in fit.dropped) == (sample == "common")
    assert not fit.in_sample[~use].any()
    # Rows outside `where` have their inputs too.
    assert not np.isnan(fit.values[~use & ~np.isnan(rows.number("y") + rows.number("l") + rows.number("k"))]).any()


def test_a_gap_gives_no_lag() -> None:
    columns: dict[str, FloatArray] = {name: ROWS.number(name) for name in "ylkm"}
    adjacent = (ROWS.firm[1:] == ROWS.firm[:-1]) & (ROWS.year[1:] == ROWS.year[:-1] + 1)
    fit = fitted(selection(columns, ROWS.firm, ROWS.year))
    assert fit.groups[0].n_obs == adjacent.sum()
    np.testing.assert_array_equal(np.flatnonzero(fit.in_sample), np.flatnonzero(adjacent) + 1)


@pytest.mark.parametrize("lacking", ["y", "l", "k", "m"])
def test_an_incomplete_row_is_as_if_left_out_of_the_panel(lacking: str) -> None:
    rows = simulate(100, 3)
    gone = rows.year == 2015
    holes = fitted(with_columns(rows, **{lacking: np.where(gone, np.nan, rows.number(lacking))}))
    assert holes.dropped == {f"missing {lacking}": 100, "missing value in the year before": 100}
    without = wooldridge.fit("tfp", options(), rows, ~gone)
    np.testing.assert_array_equal(holes.groups[0].coefficients, without.groups[0].coefficients)


def test_firm_years_that_stand_twice_never_arrive() -> None:
    twice = selection({name: ROWS.number(name) for name in "ylkm"}, ROWS.firm, np.full(ROWS.n_panel, 2015))
    with pytest.raises(AssertionError, match="each once"):
        fitted(twice)


def test_labour_productivity_is_a_difference() -> None:
    rows = with_holes()
    use = rows.year > 2016
    keys = labour_productivity.Options(output="y", free=("l",))
    fit = labour_productivity.fit("lp", keys, rows, use)
    expected = np.where(use, rows.number("y") - rows.number("l"), np.nan)
    np.testing.assert_array_equal(fit.values, expected)
    assert fit.groups == ()
    assert fit.gradient.shape == (rows.n_panel, 0)
    assert sum(fit.dropped.values()) + fit.in_sample.sum() == rows.n_panel


def test_diagnostics_say_what_the_panel_is() -> None:
    rows = simulate(100, 3, ragged=True)
    found = fitted(rows, sample="all").groups[0].diagnostics
    firms = np.unique(rows.firm)
    first = np.array([rows.year[rows.firm == firm].min() for firm in firms])
    last = np.array([rows.year[rows.firm == firm].max() for firm in firms])
    assert found["entries"] == (first > 2015).sum()
    assert found["exits"] == (last < 2020).sum()
    assert found["n_firms_equation1"] == len(firms)
    # h(k, m) = m - 0.4 k rises in m everywhere.
    assert found["share_phi_rises_in_proxy"] == pytest.approx(1.0, abs=0.02)
    assert 0 < (found["acf_one_minus_r2"] or 0) < 1


def test_the_year_under_its_own_name_enters_as_indicators() -> None:
    rows = replace(with_columns(ROWS, jaar=ROWS.year.astype(float)), aliases={"jaar": "year"})
    one, other = fitted(rows, controls=("year",)), fitted(rows, controls=("jaar",))
    np.testing.assert_array_equal(one.groups[0].coefficients, other.groups[0].coefficients)
