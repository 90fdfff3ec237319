"""The second stage of two-stage estimators: its roots, its derivatives, and what must not matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import root

from estimation.productivity.gnr.markov_search import linear_roots, search
from estimation.productivity.gnr.markov_step import CollinearTermError, MarkovStep, markov_step
from estimation.results import FloatArray

TRUTH = np.array([0.3, 0.4])


def rows(seed: int = 4, n_firms: int = 600, n_years: int = 6, curve: float = 0.0) -> dict[str, FloatArray]:
    """Phi and two terms by row: a predetermined one, and one that answers the innovation; a wage moves the second.

    The wage is more persistent than productivity: were both alike, w plus any multiple of the wage would be a
    Markov process as well, and the coefficient of the second term not identified.
    """
    rng = np.random.default_rng(seed)
    w, k, wage = (rng.normal(0, s, n_firms) for s in (0.3, 0.8, 0.7))
    columns: dict[str, list[FloatArray]] = {name: [] for name in ("w", "k", "l")}
    for _ in range(n_years):
        columns["w"].append(w)
        columns["k"].append(k)
        columns["l"].append(0.5 * k + 0.6 * w - wage)
        k = 0.7 * k + 0.3 * w + rng.normal(0, 0.4, n_firms)
        w = 0.5 * w + curve * w**2 + rng.normal(0, 0.2, n_firms)
        wage = 0.9 * wage + rng.normal(0, 0.3, n_firms)
    panel = {name: np.array(values) for name, values in columns.items()}
    panel["phi"] = panel["w"] + TRUTH[0] * panel["l"] + TRUTH[1] * panel["k"] + 3.0
    dated = {name: values[1:].T.ravel() for name, values in panel.items()}
    return dated | {f"{name}_before": values[:-1].T.ravel() for name, values in panel.items()}


def step_of(data: dict[str, FloatArray], **changes: Any) -> MarkovStep:
    """The step with l instrumented by its lag and k by itself."""
    terms = (np.column_stack([data["l"], data["k"]]), np.column_stack([data["l_before"], data["k_before"]]))
    instruments = np.column_stack([data["l_before"], data["k"]])
    return markov_step((data["phi"], data["phi_before"]), terms, instruments, **changes)


def brute_force(data: dict[str, FloatArray], b: FloatArray, degree: int, weights: FloatArray | None = None,
                controls: FloatArray | None = None) -> FloatArray:  # fmt: skip
    """The moments written down plainly: weighted least squares of w(t) on powers of w(t-1), then Z'xi."""
    n = len(data["phi"])
    weights = np.ones(n) if weights is None else weights
    now = data["phi"] - b[0] * data["l"] - b[1] * data["k"]
    before = data["phi_before"] - b[0] * data["l_before"] - b[1] * data["k_before"]
    x = np.column_stack([before**power for power in range(degree + 1)])
    if controls is not None:
        x = np.column_stack([x, controls])
    root_weights = np.sqrt(weights)[:, None]
    effects = np.linalg.lstsq(x * root_weights, now * root_weights[:, 0])[0]
    xi = now - x @ effects
    return np.array([np.sum(weights * data["l_before"] * xi), np.sum(weights * data["k"] * xi)])


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_root_is_the_one_that_plain_least_squares_and_a_general_solver_find(degree: int) -> None:
    data = rows()
    found = search(step_of(data, degree=degree)).roots[0]
    other = root(lambda b: brute_force(data, b, degree), TRUTH, options={"xtol": 1e-14})
    # Two solvers of the same equations, each to rounding: the general one differentiates numerically.
    np.testing.assert_allclose(found.coefficients, other.x, rtol=0, atol=1e-9)
    assert found.norm < 1e-12


def test_weights_and_controls_enter_as_plain_weighted_least_squares_has_them() -> None:
    data, rng = rows(), np.random.default_rng(8)
    n = len(data["phi"])
    weights = rng.integers(0, 3, n).astype(float)
    controls = np.column_stack([rng.normal(size=n), np.arange(n) % 3 == 0, np.arange(n) % 3 != 0]).astype(float)
    found = search(step_of(data, weights=weights, controls=controls)).roots[0]
    # The last two controls add up to the constant: they change nothing but the space that they share.
    other = root(lambda b: brute_force(data, b, 3, weights, controls[:, :2]), TRUTH, options={"xtol": 1e-14})
    np.testing.assert_allclose(found.coefficients, other.x, rtol=0, atol=1e-9)
    repeated = np.repeat(np.arange(n), weights.astype(int))
    copies = {name: values[repeated] for name, values in data.items()}
    again = search(step_of(copies, controls=controls[repeated])).roots[0]
    np.testing.assert_allclose(found.coefficients, again.coefficients, rtol=0, atol=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
def test_derivatives_are_those_of_finite_differences(weighted: bool) -> None:
    data, rng = rows(curve=0.1), np.random.default_rng(3)
    n = len(data["phi"])
    controls = rng.normal(size=(n, 2))
    weights = rng.uniform(0.5, 2.0, n) if weighted else None
    at = np.array([0.25, 0.5])  # away from the root, where every term of the derivative counts

    def moments(b: FloatArray, moved: FloatArray, size: float) -> FloatArray:
        shifted = data | {"phi": data["phi"] + size * moved[0], "phi_before": data["phi_before"] + size * moved[1]}
        step = step_of(shifted, controls=controls, weights=weights)
        point = step._point(step.inner(b))
        assert point is not None
        return point.moments

    moved, h = rng.normal(size=(2, n)), 1e-6
    line = step_of(data, controls=controls, weights=weights).linearise(at)
    numeric = np.column_stack(
        [(moments(at + h * e, moved, 0.0) - moments(at - h * e, moved, 0.0)) / (2 * h) for e in np.eye(2)]
    )
    # Central differences of step 1e-6 keep about nine digits.
    np.testing.assert_allclose(line.jacobian, numeric, rtol=1e-6)
    along = (moments(at, moved, h) - moments(at, moved, -h)) / (2 * h)
    np.testing.assert_allclose(line.now.T @ moved[0] - line.before.T @ moved[1], along, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(line.scores.sum(axis=0), moments(at, moved, 0.0), atol=1e-10)


def test_all_roots_of_a_linear_process_are_found() -> None:
    data = rows(n_firms=60, n_years=4, seed=12)
    step = step_of(data, degree=1)
    roots = linear_roots(step)
    assert roots
    for b in roots:
        scale = np.linalg.norm(data["phi"]) * np.linalg.norm(data["k"])
        np.testing.assert_allclose(brute_force(data, b, 1), 0, atol=1e-9 * scale)
    for found in search(step).roots:
        assert min(step.size(found.coefficients - b) for b in roots) < 1e-8


def test_units_do_not_matter() -> None:
    data = rows(curve=0.1)
    base = search(step_of(data)).roots[0].coefficients
    moved = dict(data)
    for name, shift in (("phi", -6.9), ("l", 13.8), ("k", -6.9)):
        for column in (name, f"{name}_before"):
            moved[column] = data[column] + shift
    # Shifts of logs move no root; ten digits survive.
    np.testing.assert_allclose(search(step_of(moved)).roots[0].coefficients, base, rtol=1e-10)


def test_collinear_terms_and_instruments_are_told() -> None:
    data = rows()
    terms = (np.column_stack([data["l"], 2 * data["l"] + 1]), np.column_stack([data["l_before"]] * 2))
    with pytest.raises(CollinearTermError, match="term 1") as told:
        markov_step((data["phi"], data["phi_before"]), terms, np.column_stack([data["l_before"], data["k"]]))
    assert (told.value.index, told.value.instrument) == (1, False)
    with pytest.raises(CollinearTermError, match="instrument 1"):
        step_of(data, controls=data["k"][:, None])
