"""Gandhi, Navarro and Rivers where the truth is known: recovery, and what its standard errors are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from estimation.results import FloatArray
from tests.estimation.gross_output_firms import Technology, ces, cobb_douglas, fitted, simulate, translog

# A translog: D is of degree one, the constant of integration of degree two. Both polynomials hold the truth.
SPANNED: dict[str, Any] = {"degree": 1, "constant_degree": 2, "markov_degree": 1}
PREDETERMINED: dict[str, Any] = {"free": (), "state": ("l", "k")}
TRUE = ("el", "ek", "em")


@pytest.mark.parametrize("predetermined", [False, True])
@pytest.mark.parametrize("technology", [cobb_douglas, translog, ces])
def test_elasticities_and_productivity_are_recovered(technology: Technology, predetermined: bool) -> None:
    rows = simulate(1500, 2020, technology=technology, predetermined=predetermined)
    fit = fitted(rows, extras="transitory", **(PREDETERMINED if predetermined else {}))
    group = fit.groups[0]
    truth = np.array([rows.number(name).mean() for name in TRUE])
    # Three standard errors; those of the averages hold sampling that these truths share, so this is generous. The CES
    # is outside the polynomials' space, by little for inputs that vary as these do.
    assert np.all(np.abs(group.coefficients - truth) < 3 * group.inference.std_errors)
    total = rows.number("w") + rows.number("e")
    assert np.corrcoef(fit.values, total)[0, 1] > 0.995
    assert fit.transitory is not None
    assert np.corrcoef(fit.transitory.values, rows.number("e"))[0, 1] > 0.995
    for name, true in zip("lkm", TRUE, strict=True):
        one = fit.elasticities[name]
        # The surface, not the average alone: rows are off by their standard errors, in the root mean square.
        spread = np.mean((one.gradient @ group.influence.T) ** 2, axis=0).sum()
        assert np.mean((one.values - rows.number(true)) ** 2) < 9 * spread


def test_purged_productivity_is_nearer_to_the_truth() -> None:
    rows = simulate(1500, 2021)
    residual, purged = fitted(rows), fitted(rows, tfp_from="control_function")
    truth = rows.number("w")
    assert np.corrcoef(purged.values, truth)[0, 1] > 0.99
    assert np.corrcoef(residual.values, truth)[0, 1] < 0.93


def test_what_least_squares_make_of_it() -> None:
    """Intermediates follow productivity: least squares give them productivity's due, the share equation does not."""
    rows = simulate(1500, 2022, technology=cobb_douglas, predetermined=True)
    x = np.column_stack([rows.number(name) for name in "lkm"])
    slopes = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), rows.number("y"))[0][:3]
    group = fitted(rows, **PREDETERMINED).groups[0]
    assert slopes[2] > 0.9
    assert group.coefficients[2] == pytest.approx(0.55, abs=0.005)


def coverage(draws: int, n_firms: int, predetermined: bool, seed: int) -> tuple[FloatArray, FloatArray]:
    """Share of the intervals that hold the truth, and the bias in standard deviations of the estimates."""
    population = simulate(40_000, seed, predetermined=predetermined)
    truth = np.array([population.number(name).mean() for name in TRUE])
    keys = SPANNED | (PREDETERMINED if predetermined else {})
    inside, found = [], []
    with threadpool_limits(1):  # as a run does
        for draw in range(draws):
            group = fitted(simulate(n_firms, seed + 1 + draw, predetermined=predetermined), **keys).groups[0]
            inside.append((group.inference.conf_low < truth) & (truth < group.inference.conf_high))
            found.append(group.coefficients)
    estimates = np.array(found)
    return np.mean(inside, axis=0), (estimates.mean(axis=0) - truth) / estimates.std(axis=0)


@pytest.mark.parametrize("predetermined", [False, True])
def test_intervals_cover(predetermined: bool) -> None:
    shares, bias = coverage(40, 300, predetermined, 9100)
    # 0.95 within three Monte Carlo errors of 40 draws, 0.034 each; a bias of three errors of a mean, 0.16 each.
    assert np.all(shares > 0.95 - 3 * 0.034)
    assert np.all(np.abs(bias) < 0.48)


@pytest.mark.heavy
@pytest.mark.parametrize("predetermined", [False, True])
def test_intervals_cover_in_a_long_study(predetermined: bool) -> None:
    shares, bias = coverage(500, 1000, predetermined, 31_000)
    # Three Monte Carlo errors of 500 draws are 0.029; the bias may be 0.15 standard deviations.
    assert np.all(np.abs(shares - 0.95) < 0.03)
    assert np.all(np.abs(bias) < 0.15)
