"""Recovery and coverage on a known process that the polynomial spans.

Targets: 0.95 within three Monte Carlo errors, absolute bias below 0.15 standard deviations, seed fixed
beforehand, 1,000 firms. The long study has 2,000 draws (marker `heavy`), the short one 200.
"""

from __future__ import annotations

import numpy as np
import pytest

from estimation.productivity import ols, wlp, wooldridge
from tests.estimation.firms import BK, BL, fitted, simulate, std_errors

SEED = 20_260_000
TRUTH = np.array([BL, BK])
DRAWS = [200, pytest.param(2000, marks=pytest.mark.heavy)]


def study(method: object, draws: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return estimates and standard errors, (draws, 2), and the p-values of J."""
    found = [fitted(simulate(1000, SEED + draw), method) for draw in range(draws)]
    return (
        np.array([fit.groups[0].coefficients for fit in found]),
        np.array([std_errors(fit) for fit in found]),
        np.array([fit.groups[0].j_p_value or np.nan for fit in found]),
    )


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("method", [wooldridge, wlp])
def test_bias_and_coverage(method: object, draws: int) -> None:
    estimates, errors, p_values = study(method, draws)
    spread = estimates.std(axis=0)
    assert (np.abs(estimates.mean(axis=0) - TRUTH) < 0.15 * spread).all()
    covered = (np.abs(estimates - TRUTH) < 1.96 * errors).mean(axis=0)
    allowed = 3 * np.sqrt(0.95 * 0.05 / draws)
    assert (np.abs(covered - 0.95) < allowed).all(), covered
    if method is wooldridge:
        assert abs((p_values < 0.05).mean() - 0.05) < allowed


def test_ten_thousand_firms_recover_the_truth_and_least_squares_does_not() -> None:
    rows = simulate(10_000, SEED)
    fit = fitted(rows)
    assert (np.abs(fit.groups[0].coefficients - TRUTH) < 3 * std_errors(fit)).all()
    assert (std_errors(fit) < 0.01).all()
    labour = fitted(rows, ols).groups[0].coefficients[0]
    assert labour > BL + 0.1
    w = rows.number("truth")
    # The control function is purged of the transitory error; the residual holds it.
    assert np.corrcoef(fitted(rows, tfp_from="control_function").values, w)[0, 1] > 0.99
    assert np.corrcoef(fit.values, w)[0, 1] == pytest.approx(w.std() / np.hypot(w.std(), 0.2), abs=0.01)


def test_sectors_of_different_productivity_need_their_control() -> None:
    """Sector means break the Markov process: without `nace` the state's elasticity is off, J silent."""
    rows = simulate(2000, SEED, sectors=6)
    with_it, without = fitted(rows, controls=("nace", "year")).groups[0], fitted(rows).groups[0]
    assert abs(with_it.coefficients[1] - BK) < 2 * np.sqrt(with_it.covariance[1, 1])
    assert abs(without.coefficients[1] - BK) > 4 * np.sqrt(without.covariance[1, 1])
    assert (without.j_p_value or 0) > 0.05
