"""The power of tests before treatment: closed forms, R's integrals by other means, simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from estimation.did.pretest import pretest_power, pretest_slopes
from estimation.results import FloatArray
from specs.errors import EstimationError
from tests.estimation.rows import did_numbers

Z = stats.norm.ppf(0.975)


def before() -> tuple[FloatArray, FloatArray]:
    entry = did_numbers()["honest"]["A_es_2023cohort"]
    n = entry["numPre"]
    return np.array(entry["sigma"])[:n, :n], np.array(entry["years"][:n]) - 2023.0


def test_one_estimate() -> None:
    """Both are a test of one normal: Phi(-z - d) + Phi(d - z), d the slope in standard errors."""
    covariance = np.array([[0.04]])
    for found in pretest_power(covariance, [-3.0], [-0.5, 0.0, 0.05, 0.2, 0.4]):
        d = 2 * found.slope / 0.2
        closed = stats.norm.cdf(-Z - d) + stats.norm.cdf(d - Z)
        assert found.individual == pytest.approx(closed, abs=1e-12)
        assert found.joint == pytest.approx(closed, abs=1e-12)
    half, most = pretest_slopes(covariance, [-3.0])
    # The other tail adds next to nothing: Phi(d - z) is one half at z, 0.8 at z + 0.8416.
    assert half.individual == pytest.approx(Z * 0.1, abs=1e-4)
    assert most.individual == pytest.approx((Z + stats.norm.ppf(0.8)) * 0.1, abs=1e-5)
    assert [half.joint, most.joint] == pytest.approx([half.individual, most.individual], rel=1e-9)
    assert [half.power, most.power] == [0.5, 0.8]


def test_estimates_that_are_independent() -> None:
    errors, times = np.array([0.3, 0.2, 0.1]), np.array([-4.0, -3.0, -2.0])
    for found in pretest_power(np.diag(errors**2), times, [0.0, 0.03, 0.1]):
        d = found.slope * (times + 1) / errors
        assert found.individual == pytest.approx(1 - np.prod(stats.norm.cdf(Z - d) - stats.norm.cdf(-Z - d)), abs=1e-12)
        law = stats.ncx2(3, (d**2).sum()) if found.slope else stats.chi2(3)
        assert found.joint == pytest.approx(law.sf(stats.chi2.ppf(0.95, 3)), abs=1e-10)


def test_against_scipy_and_simulation() -> None:
    """SciPy integrates the normal another way; a million draws see both tests."""
    covariance, times = before()
    most = Z * np.sqrt(np.diag(covariance))
    slopes = pretest_slopes(covariance, times)
    for found in pretest_power(covariance, times, [0.0, 0.001, 0.003, 0.01]):
        mean = found.slope * (times + 1)
        inside = stats.multivariate_normal(mean, covariance, seed=1).cdf(most, lower_limit=-most)
        assert found.individual == pytest.approx(1 - inside, abs=1e-4)
    draws = np.random.default_rng(5).normal(size=(200_000, len(times))) @ np.linalg.cholesky(covariance).T
    inverse = np.linalg.inv(covariance)
    for slope in slopes:
        seen = np.abs(draws + slope.individual * (times + 1)) > most
        assert seen.any(axis=1).mean() == pytest.approx(slope.power, abs=0.005)
        moved = draws + slope.joint * (times + 1)
        wald = np.einsum("ij,jk,ik->i", moved, inverse, moved)
        assert (wald > stats.chi2.ppf(0.95, len(times))).mean() == pytest.approx(slope.power, abs=0.005)


def test_units_signs_and_order() -> None:
    covariance, times = before()
    found = pretest_slopes(covariance, times)
    scaled = pretest_slopes(covariance * 100**2, times)
    order = np.array([3, 0, 4, 1, 2])
    turned = pretest_slopes(covariance[np.ix_(order, order)], times[order])
    for one, large, other in zip(found, scaled, turned, strict=True):
        assert large.individual == pytest.approx(100 * one.individual, rel=1e-9)
        assert large.joint == pytest.approx(100 * one.joint, rel=1e-9)
        assert other.individual == pytest.approx(one.individual, rel=1e-3)
        assert other.joint == pytest.approx(one.joint, rel=1e-9)
    up, down = pretest_power(covariance, times, [0.004, -0.004])
    assert up.individual == pytest.approx(down.individual, abs=1e-4)
    assert up.joint == pytest.approx(down.joint, abs=1e-12)
    assert found[0].individual < found[1].individual
    # The reference period moved by one and the event times with it: the same slopes.
    assert pretest_slopes(covariance, times + 1, reference=0.0) == found


def test_a_trend_that_cannot_be_missed() -> None:
    covariance, times = before()
    (found,) = pretest_power(covariance, times, [1e3])
    assert (found.individual, found.joint) == (1.0, 1.0)


def test_power_below_the_size_has_no_slope() -> None:
    """Five estimates: one of them is significant in 17 per cent of samples without any trend."""
    covariance, times = before()
    (found,) = pretest_slopes(covariance, times, power=[0.1])
    assert np.isnan(found.individual)
    assert found.joint > 0


def test_what_is_refused() -> None:
    covariance, times = before()
    for broken, at, told in (
        (np.zeros((0, 0)), [], "there is no pre-test"),
        (np.ones((2, 2)), [-3.0, -2.0], "singular"),
        (np.diag([1.0, 0.0]), [-3.0, -2.0], "no variance"),
    ):
        with pytest.raises(EstimationError, match=told):
            pretest_slopes(broken, at)
    with pytest.raises(ValueError, match="before the reference period"):
        pretest_power(covariance, times + 2, [0.1])
    with pytest.raises(ValueError, match="event times"):
        pretest_power(covariance, times[:3], [0.1])
    with pytest.raises(ValueError, match="powers"):
        pretest_slopes(covariance, times, power=[1.0])
    with pytest.raises(ValueError, match="alpha"):
        pretest_slopes(covariance, times, alpha=0.0)
