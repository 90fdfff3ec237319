"""Intervals without parallel trends against R's HonestDiD, against linear programs, and in cases that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import ndtri

from estimation.did.honest import (
    HonestInterval,
    _by_pairs,
    _by_rows,
    _interval,
    _Study,
    _study,
    _Test,
    breakdown_magnitude,
    breakdown_smoothness,
    relative_magnitudes,
    smoothness,
)
from estimation.results import FloatArray
from specs.errors import EstimationError
from tests.estimation.rows import did_numbers

NAMES = ("A_es_2023cohort", "A_es_2021cohort")
SECOND = (0.05 - 0.005) / (1 - 0.005)
TWO_SIDED = float(-ndtri(0.0025 + (0.5 - 0.0025) * SECOND))
"""|t| where two opposite inequalities bind: eta is at least 0, at most its 0.995 quantile. It comes to 1.96 again."""
ONE_SIDED = float(-ndtri(0.0025 + (1 - 0.0025) * SECOND))
"""Where the other is far from binding: 1.668."""


def event_study(name: str) -> dict[str, Any]:
    entry = did_numbers()["honest"][name]
    return {
        "estimates": np.array(entry["betahat"]),
        "covariance": np.array(entry["sigma"]),
        "n_before": entry["numPre"],
        "n_after": entry["numPost"],
    }


def made(n_before: int, n_after: int, seed: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    n = n_before + n_after
    spread = rng.normal(size=(n, 3 * n))
    return {
        "estimates": rng.normal(size=n) * 1.5,
        "covariance": spread @ spread.T / (3 * n),
        "n_before": n_before,
        "n_after": n_after,
    }


def error_of(study: dict[str, Any], weights: FloatArray | None = None) -> float:
    chosen = np.eye(study["n_after"])[0] if weights is None else weights
    after = study["covariance"][study["n_before"] :, study["n_before"] :]
    return float(np.sqrt(chosen @ after @ chosen))


def ends(found: tuple[HonestInterval, ...]) -> FloatArray:
    return np.array([[one.low, one.high] for one in found])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("key", ["rm", "rm_avg", "sd_CLF"])
def test_as_honest_did(name: str, key: str) -> None:
    """R looks at 1,000 values, 0.04 standard errors apart, and draws c_kappa from 1,000 numbers."""
    rows = did_numbers()["honest"][name].get(key)
    if rows is None:
        return
    study = event_study(name)
    n = study["n_after"]
    weights = np.full(n, 1 / n) if key == "rm_avg" else np.eye(n)[0]
    method, bound = (smoothness, "M") if key == "sd_CLF" else (relative_magnitudes, "Mbar")
    found = method(**study, weights=weights, bounds=[row[bound] for row in rows])
    close = max(1e-3, 0.1 * error_of(study, weights))
    assert ends(found) == pytest.approx(np.array([[row["lb"], row["ub"]] for row in rows]), abs=close)
    assert [one.bound for one in found] == [row[bound] for row in rows]
    assert all(one.method == "C-LF" and one.gaps == () for one in found)


def pairs(study: _Study, sign: float) -> tuple[_Test, FloatArray, FloatArray]:
    u = study.changes()
    shared = -0.7 * sign * u[1]
    test = _by_pairs(study, u[study.n_before :], shared, 0.3)
    rows = np.concatenate([u[study.n_before :] + shared, shared - u[study.n_before :]])
    return test, rows, np.full(len(rows), 0.3)


def single(study: _Study) -> tuple[_Test, FloatArray, FloatArray]:
    bends = np.diff(study.changes(), axis=0)
    rows = np.concatenate([bends, -bends])
    d = np.full(len(rows), 0.3)
    return _by_rows(study, rows, d), rows, d


@pytest.mark.parametrize(("n_before", "n_after", "weights"), [
    (3, 4, (1.0, 0.0, 0.0, 0.0)), (3, 4, (0.25, 0.25, 0.25, 0.25)), (2, 3, (1.0, -2.0, 0.5)), (2, 2, (0.0, 1.0)),
    (3, 1, (1.0,)), (3, 1, (-2.0,)),
])  # fmt: skip
def test_eta_and_the_ends_of_its_distribution_are_those_of_linear_programs(
    n_before: int, n_after: int, weights: tuple[float, ...]
) -> None:
    made_ = made(n_before, n_after)
    study = _study(*made_.values(), weights, 0.05)
    test, rows, d = single(study) if n_after == 1 else pairs(study, 1.0)
    omega = rows @ study.covariance @ rows.T
    sigma = np.sqrt(np.diag(omega))
    after = rows[:, n_before:]
    free = after @ np.linalg.svd(np.array([weights]))[2][1:].T

    def dual(y: FloatArray) -> Any:
        equal = np.vstack([sigma, free.T])
        return linprog(-y, A_eq=equal, b_eq=np.eye(len(equal))[0], method="highs")

    particular = np.array(weights) / np.dot(weights, weights)
    for theta in np.linspace(-3, 3, 13):
        y = rows @ study.estimates - d - after @ particular * theta
        moments = test.base - test.slope * theta
        top = int(moments.argmax())
        solved = dual(y)
        assert moments[top] == pytest.approx(-solved.fun, abs=1e-9)
        gamma = solved.x
        variance = gamma @ omega @ gamma
        assert test.omega[top, top] == pytest.approx(variance, abs=1e-9)
        rho = omega @ gamma / variance
        rest = y - rho * (gamma @ y)
        short = 1 - test.omega[:, top] / test.omega[top, top]
        meets = moments[top] + (moments - moments[top])[short > 1e-9] / short[short > 1e-9]
        low = meets.max()
        # Where eta follows the chosen point it is the program's value, just below the end no longer.
        assert -dual(rest + rho * (low + 1e-6)).fun == pytest.approx(low + 1e-6, abs=1e-8)
        assert -dual(rest + rho * (low - 1e-3)).fun > low - 1e-3 + 1e-8


@pytest.mark.parametrize("name", NAMES)
def test_intervals_grow_with_the_bound(name: str) -> None:
    study = event_study(name)
    for found in (
        relative_magnitudes(**study, bounds=np.linspace(0, 3, 9)),
        smoothness(**study, bounds=np.linspace(0, 0.03, 9)),
    ):
        low, high = ends(found).T
        assert (np.diff(low) < 0).all()
        assert (np.diff(high) > 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", [0, -1])
def test_parallel_trends(name: str, place: int) -> None:
    """Mbar = 0 leaves the estimate and its usual interval."""
    study = event_study(name)
    weights = np.eye(study["n_after"])[place]
    (found,) = relative_magnitudes(**study, weights=weights, bounds=[0.0])
    estimate = study["estimates"][study["n_before"] + place % study["n_after"]]
    error = error_of(study, weights)
    assert pytest.approx(1.959964, abs=1e-6) == TWO_SIDED
    usual = estimate + error * TWO_SIDED * np.array([-1, 1])
    assert np.array([found.low, found.high]) == pytest.approx(usual, abs=0.01 * error)


def test_a_linear_difference_in_trends() -> None:
    """With one estimate on either side M = 0 extrapolates the line through it: theta = b_0 + b_-2."""
    study = made(1, 1)
    estimate = float(study["estimates"].sum())
    error = float(np.sqrt(study["covariance"].sum()))
    straight, bent = ends(smoothness(**study, bounds=[0.0, 100 * error]))
    sides = error * np.array([-1, 1])
    assert straight == pytest.approx(estimate + TWO_SIDED * sides, abs=0.01 * error)
    assert bent == pytest.approx(estimate + (100 + ONE_SIDED) * sides, abs=0.01 * error)


def test_one_change_before_treatment() -> None:
    """Seen without error, one change before bounds the effect by Mbar times it on either side."""
    tiny = 1e-6
    (found,) = relative_magnitudes(np.array([-2.0, 5.0]), np.diag([tiny, tiny]) ** 2, 1, 1, bounds=[1.5])
    assert (found.low, found.high) == pytest.approx((5 - 3, 5 + 3), abs=1e-4)
    # Two periods after treatment: the second can be twice as far away; an average, one and a half times.
    for weights, far in (((0.0, 1.0), 6.0), ((0.5, 0.5), 4.5)):
        (found,) = relative_magnitudes(np.array([-2.0, 5.0, 5.0]), np.eye(3) * tiny**2, 1, 2, weights, [1.5])
        assert (found.low, found.high) == pytest.approx((5 - far, 5 + far), abs=1e-4)
    # (2): the line through it goes on to 2 and 4, and bends by M at 0 and at 1.
    for weights, at, far in (((1.0, 0.0), 3.0, 0.5), ((0.0, 1.0), 1.0, 1.5)):
        (found,) = smoothness(np.array([-2.0, 5.0, 5.0]), np.eye(3) * tiny**2, 1, 2, weights, [0.5])
        assert (found.low, found.high) == pytest.approx((at - far, at + far), abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_units(name: str) -> None:
    study = event_study(name)
    scaled = {**study, "estimates": 100 * study["estimates"], "covariance": 100**2 * study["covariance"]}
    close = 1e-6 * error_of(scaled)
    assert ends(relative_magnitudes(**scaled)) == pytest.approx(100 * ends(relative_magnitudes(**study)), abs=close)
    assert ends(smoothness(**scaled, bounds=[0.0, 1.0])) == pytest.approx(
        100 * ends(smoothness(**study, bounds=[0.0, 0.01])), abs=close
    )
    assert breakdown_magnitude(**scaled) == pytest.approx(breakdown_magnitude(**study), rel=1e-3)
    assert breakdown_smoothness(**scaled) == pytest.approx(100 * breakdown_smoothness(**study), rel=1e-3)


@pytest.mark.parametrize(("n_before", "n_after"), [(1, 1), (3, 1), (1, 3), (3, 2)])
def test_signs_weights_and_order(n_before: int, n_after: int) -> None:
    """The mirror image of the estimates has that of the interval; c l has c times it; bounds keep theirs."""
    study = made(n_before, n_after)
    weights = np.linspace(1, 0.4, n_after)
    close = 1e-6 * error_of(study, weights)
    for method in (relative_magnitudes, smoothness):
        bounds = [1.0, 0.0, 3.0]
        found = method(**study, weights=weights, bounds=bounds)
        mirrored = method(**{**study, "estimates": -study["estimates"]}, weights=weights, bounds=bounds)
        assert ends(mirrored)[:, ::-1] == pytest.approx(-ends(found), abs=close, nan_ok=True)
        assert ends(method(**study, weights=3 * weights, bounds=bounds)) == pytest.approx(
            3 * ends(found), abs=3 * close, nan_ok=True
        )
        assert method(**study, weights=weights, bounds=bounds[::-1]) == found[::-1]


def test_a_hole_is_told_and_nothing_may_be_left() -> None:
    """Estimates that bend before treatment contradict M = 0; next to ties between inequalities, values pass still."""
    study = {"covariance": np.eye(4) * 0.25 + 0.05, "n_before": 3, "n_after": 1}
    (found,) = smoothness(np.array([0.0, 1.85, 0.0, 0.3]), **study)
    assert found.gaps
    assert all(found.low < low < high < found.high for low, high in found.gaps)
    (nothing,) = smoothness(np.array([0.0, 9.0, 0.0, 0.3]), **study)
    assert nothing.empty
    assert not nothing.holds(0.0)
    assert not found.empty


@pytest.mark.parametrize("name", NAMES)
def test_where_zero_enters(name: str) -> None:
    study = event_study(name)
    for method, breakdown in ((relative_magnitudes, breakdown_magnitude), (smoothness, breakdown_smoothness)):
        least = breakdown(**study)
        if method(**study, bounds=[0.0])[0].holds(0.0):
            assert least == 0
            continue
        before, after = method(**study, bounds=[least * 0.999, least * 1.001])
        assert after.holds(0.0)
        assert not before.holds(0.0)


def test_zero_may_never_enter() -> None:
    """No change is seen before treatment, and without error: no multiple of it explains the effect."""
    covariance = np.diag([1e-9, 1.0]) ** 2
    assert breakdown_magnitude(np.array([0.0, 20.0]), covariance, 1, 1) == float("inf")


def test_coverage() -> None:
    """At an end of what M allows the true effect is rejected in about 5 per cent of samples, and more seldom inside."""
    study = made(2, 2)
    held = {0.0: 0, 0.5: 0}
    root = np.linalg.cholesky(study["covariance"])
    critical = None
    for row in np.random.default_rng(11).normal(size=(1000, 4)) @ root.T + (0.0, 0.0, 1.0, 3.0):
        drawn = _study(row, study["covariance"], 2, 2, None, 0.05)
        test = _by_pairs(drawn, np.diff(drawn.changes(), axis=0)[1:], np.zeros(4), 1.0, critical)
        critical = test.critical
        for value in held:
            held[value] += int(test.accepts(np.array([value]))[0])
    assert 0.935 <= held[0.0] / 1000 <= 0.97
    assert held[0.5] > held[0.0]


def test_what_is_refused() -> None:
    study = made(2, 2)
    rank_one = np.ones((4, 4))
    for broken, told in (
        ({**study, "covariance": rank_one}, r"singular \(rank 1\)"),
        ({**study, "covariance": np.diag([1.0, 0.0, 1.0, 1.0])}, "place 2 of 4 .* no variance"),
        ({**study, "covariance": np.triu(study["covariance"])}, "not symmetric"),
        ({**study, "estimates": np.array([0.0, np.nan, 0.0, 0.0])}, "not a number"),
        ({**study, "n_before": 0, "n_after": 4}, "before the reference period"),
        ({**study, "n_before": 4, "n_after": 0}, "no event time from 0 on"),
    ):
        for method in (relative_magnitudes, smoothness, breakdown_magnitude, breakdown_smoothness):
            with pytest.raises(EstimationError, match=told):
                method(**broken)
    for bounds in ([-1.0], [float("nan")]):
        with pytest.raises(ValueError, match="bounds are numbers from 0 on"):
            smoothness(**study, bounds=bounds)
    with pytest.raises(ValueError, match="weights are 2 numbers"):
        smoothness(**study, weights=(0.0, 0.0))
    with pytest.raises(ValueError, match="event times"):
        smoothness(**{**study, "n_after": 3})
    with pytest.raises(ValueError, match="alpha"):
        smoothness(**study, alpha=0.5)


def test_moments_that_no_value_mends() -> None:
    test = _Test(np.array([9.0, -9.0, 9.0]), np.array([1.0, -1.0, 0.0]), np.eye(3), 2.8, SECOND)
    assert test.within(2.8) is None
    assert _interval([test], 1.0).empty
