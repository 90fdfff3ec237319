"""The logit against statsmodels, on columns of all sizes, and what has no maximum."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from panels.logit import SeparationError, fit_logit


@pytest.mark.parametrize("seed", range(6))
def test_coefficients_and_errors_are_those_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scale = np.array([1.0, 1e-4, 1e3, 1.0])
    x = np.column_stack([np.ones(400), rng.normal(size=(400, 2)), rng.random(400) < 0.2]) * scale
    index = x @ (np.array([2.5, 0.8, -1.2, 0.5]) / scale)
    y = (rng.random(400) < 1 / (1 + np.exp(-index))).astype(float)
    mine = fit_logit(x, y)
    theirs = sm.Logit(y, x / scale).fit(disp=0, method="newton", tol=1e-14, maxiter=100)
    assert mine.coefficients * scale == pytest.approx(theirs.params, rel=1e-7)
    assert mine.std_errors * scale == pytest.approx(theirs.bse, rel=1e-7)
    assert mine.probabilities == pytest.approx(theirs.predict(), abs=1e-9)
    assert mine.probabilities.sum() == pytest.approx(y.sum())


@pytest.mark.parametrize("cut", [1, 10, 39])
def test_outcomes_that_are_told_for_certain_have_no_maximum(cut: int) -> None:
    x = np.column_stack([np.ones(40), np.arange(40.0)])
    with pytest.raises(SeparationError):
        fit_logit(x, (np.arange(40) >= cut).astype(float))


def test_a_quasi_separated_outcome_has_none_either() -> None:
    x = np.column_stack([np.ones(60), np.arange(60) % 3 == 0])
    y = np.where(np.arange(60) % 3 == 0, 1.0, np.arange(60) % 2)
    with pytest.raises(SeparationError):
        fit_logit(x, y)


def test_rare_outcomes_are_found_from_afar() -> None:
    y = np.zeros(20_000)
    y[:3] = 1
    assert fit_logit(np.ones((20_000, 1)), y).coefficients[0] == pytest.approx(np.log(3 / 19_997))
