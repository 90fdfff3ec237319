"""Recovery of a known process where each estimator in two stages is valid, and the designs where each fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes
from estimation.results import FloatArray
from tests.estimation.firms import fitted
from tests.estimation.two_stage_coverage import OFFER, TRUTH, VALID, Make
from tests.estimation.two_stage_firms import between, dependent, leaving


def draws(make: Make, method: Any, n_draws: int, n_firms: int, **changes: Any) -> tuple[FloatArray, FloatArray]:
    """Estimates and standard errors, (draws, 2) each; the seeds are 0, 1, 2 and so on."""
    groups = [fitted(make(n_firms, seed), method, **changes).groups[0] for seed in range(n_draws)]
    return np.array([one.coefficients for one in groups]), np.array([one.inference.std_errors for one in groups])


def away(estimates: FloatArray) -> FloatArray:
    """How many Monte Carlo errors the mean is from the truth."""
    return np.asarray((estimates.mean(axis=0) - TRUTH) / (estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))))


@pytest.mark.parametrize("case", VALID)
def test_the_truth_is_recovered(case: str) -> None:
    make, method, changes = VALID[case]
    estimates, errors = draws(make, method, 24, 400, **changes)
    # Three Monte Carlo errors, and a little: 24 draws estimate their own spread with fifteen per cent of noise.
    assert np.all(np.abs(away(estimates)) < 3.3)
    np.testing.assert_allclose(errors.mean(axis=0), estimates.std(axis=0, ddof=1), rtol=0.45)


def test_without_a_correction_exit_biases_capital_down() -> None:
    plain, _ = draws(leaving, olley_pakes, 12, 800, degree=1, proxy="i")
    corrected, _ = draws(leaving, olley_pakes, 12, 800, degree=1, proxy="i", survival=OFFER)
    assert away(plain)[1] < -5
    assert abs(away(corrected)[1]) < 3
    assert corrected[:, 1].mean() - plain[:, 1].mean() > 0.04
    # bl comes from the first stage, which exit given (k, i) does not bias.
    np.testing.assert_array_equal(plain[:, 0], corrected[:, 0])


def test_the_flag_of_exit_says_what_the_panel_says() -> None:
    rows = leaving(400, 3)
    keys = {"degree": 1, "proxy": "i"}
    by_panel = fitted(rows, olley_pakes, survival=OFFER, **keys).groups[0]
    flagged = olley_pakes.SurvivalKeys(on=("z",), degree=1, exit="left")
    by_flag = fitted(rows, olley_pakes, survival=flagged, **keys).groups[0]
    np.testing.assert_array_equal(by_panel.coefficients, by_flag.coefficients)
    assert by_panel.diagnostics["survival_exits"] == np.sum(rows.number("left"))


def test_functional_dependence_defeats_the_first_stage_and_is_told() -> None:
    estimates, _ = draws(dependent, levinsohn_petrin, 5, 500)
    # bl takes up the polynomial's misfit: far from 0.6 in every draw, with capital on the other side.
    assert np.all(estimates[:, 0] > 1.5)
    assert np.all(estimates[:, 1] < 0.0)
    group = fitted(dependent(500, 0), levinsohn_petrin).groups[0]
    assert (group.diagnostics["acf_one_minus_r2"] or 1.0) < 0.01
    said = "per cent of a free input: equation 1 can hardly tell it from productivity"
    assert any(said in note for note in group.notes)


def test_labour_chosen_between_biases_levinsohn_petrin_and_not_ackerberg_caves_frazer() -> None:
    lp, _ = draws(between, levinsohn_petrin, 6, 500, degree=1)
    acf, _ = draws(between, ackerberg_caves_frazer, 6, 500, degree=1)
    assert np.all(lp[:, 0] < 0.4)
    assert np.all(np.abs(acf.mean(axis=0) - TRUTH) < 0.05)
