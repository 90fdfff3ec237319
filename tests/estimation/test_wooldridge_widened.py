"""Wooldridge's system widened: translog, weights, markov columns, survival, Windmeijer, input prices."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from estimation.productivity import gross_output, ols, wlp, wooldridge
from estimation.results import FloatArray
from panels.frame import Selection
from specs.errors import EstimationError
from tests.estimation.firms import fitted, simulate, std_errors, with_columns
from tests.estimation.rows import selection

ROWS = simulate(250, 7, ragged=True)


class Dense:
    """The stacked moments of both equations from dense matrices on raw logs, written without the package's help."""

    def __init__(self, rows: Selection, degree: int = 2, translog: bool = False, weights: str | None = None) -> None:
        y, l, k, m = (rows.number(name) for name in "ylkm")  # noqa: E741
        lag = np.flatnonzero((rows.firm[1:] == rows.firm[:-1]) & (rows.year[1:] == rows.year[:-1] + 1)) + 1
        powers = [p for p in product(range(degree + 1), repeat=2) if sum(p) <= degree]
        poly = np.stack([(k - 5) ** a * (m - 1) ** b for a, b in powers], axis=1)
        free, state, instruments = [l[lag]], [k[lag]], [l[lag - 1]]
        if translog:
            free += [l[lag] ** 2, l[lag] * k[lag]]
            state += [k[lag] ** 2]
            instruments += [l[lag - 1] ** 2, l[lag - 1] * k[lag]]
        f, s, z = (np.stack(columns, axis=1) for columns in (free, state, instruments))
        c1, c2 = poly[lag], poly[lag - 1]
        zero = np.zeros
        n = len(lag)
        x = np.vstack([
            np.hstack([f, zero((n, s.shape[1])), c1, zero(c2.shape)]),
            np.hstack([f, s, zero(c1.shape), c2]),
        ])  # fmt: skip
        w = np.vstack([
            np.hstack([f, c1, zero((n, z.shape[1] + s.shape[1] + c2.shape[1]))]),
            np.hstack([zero((n, f.shape[1] + c1.shape[1])), z, s, c2]),
        ])  # fmt: skip
        root = np.ones(n) if weights is None else np.sqrt(rows.number(weights)[lag])
        root = np.concatenate([root, root])[:, None]
        self.x, self.y = x * root, np.concatenate([y[lag], y[lag]]) * root[:, 0]
        # An orthonormal basis of the instruments of each equation: the raw ones lose digits when squared.
        self.z = np.linalg.qr(w * root)[0]
        self.firm = np.concatenate([rows.firm[lag], rows.firm[lag]])

    def moments(self, theta: FloatArray) -> FloatArray:
        scores = self.z * (self.y - self.x @ theta)[:, None]
        return np.stack([scores[self.firm == one].sum(axis=0) for one in np.unique(self.firm)])

    def solve(self, weight: FloatArray) -> FloatArray:
        root = np.linalg.cholesky(weight).T
        return np.linalg.lstsq(root @ self.z.T @ self.x, root @ self.z.T @ self.y, rcond=None)[0]

    def one_step(self) -> FloatArray:
        return self.solve(np.eye(self.z.shape[1]))

    def second(self, first: FloatArray) -> FloatArray:
        s = self.moments(first)
        return self.solve(np.linalg.inv(s.T @ s))

    def two_step(self) -> tuple[FloatArray, FloatArray]:
        """Return theta and its sandwich covariance."""
        first = self.one_step()
        s = self.moments(first)
        weight = np.linalg.inv(s.T @ s)
        theta = self.solve(weight)
        g = self.z.T @ self.x
        a = np.linalg.solve(g.T @ weight @ g, g.T @ weight)
        s = self.moments(theta)
        return theta, a @ s.T @ s @ a.T


def test_translog_is_the_dense_system() -> None:
    fit = fitted(ROWS, degree=2, technology="translog", min_firms=10)
    world = Dense(ROWS, translog=True)
    theta, covariance = world.two_step()
    order = [0, 3, 1, 2, 4]  # the referee has l, l^2, l*k, k, k^2
    group = fit.groups[0]
    assert group.terms == ("l", "k", "l^2", "l*k", "k^2")
    assert group.rung == "two-step"
    # The referee works with raw logs, whose squares are nearly their double: it keeps some seven digits.
    np.testing.assert_allclose(group.coefficients, theta[order], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(std_errors(fit), np.sqrt(np.diag(covariance))[order], rtol=1e-5)


def test_a_translog_of_cobb_douglas_data_has_the_elasticities_and_no_curvature() -> None:
    fit = fitted(simulate(2000, 3), technology="translog")
    found = fit.groups[0].elasticities
    assert found is not None
    # Three standard errors: the design is the estimator's own.
    assert np.all(np.abs(found.mean - [0.6, 0.4]) < 3 * found.inference.std_errors)
    curvature = fit.groups[0].inference.statistics[2:]
    assert np.all(np.abs(curvature) < 3)
    assert fit.groups[0].diagnostics["returns_to_scale"] == pytest.approx(found.mean.sum())


def translog_firms(n: int, seed: int) -> Selection:
    rows = simulate(n, seed)
    l, k = rows.number("l"), rows.number("k")  # noqa: E741
    return with_columns(rows, y=rows.number("y") + 0.05 * l**2 - 0.08 * l * (k - 5) + 0.03 * (k - 5) ** 2)


def test_translog_recovers_a_translog() -> None:
    rows = translog_firms(3000, 5)
    fit = fitted(rows, technology="translog", degree=3)
    truth = np.array([0.6 + 0.4, 0.4 - 0.3, 0.05, -0.08, 0.03])
    assert np.all(np.abs(fit.groups[0].coefficients - truth) < 3.5 * std_errors(fit))
    found = fit.groups[0].elasticities
    assert found is not None
    lag = np.diff(rows.firm, prepend=-1) == 0  # years run on: every row but a firm's first
    l, k = rows.number("l")[lag], rows.number("k")[lag]  # noqa: E741
    average = [np.mean(0.6 + 0.1 * l - 0.08 * (k - 5)), np.mean(0.4 - 0.08 * l + 0.06 * (k - 5))]
    assert np.all(np.abs(found.mean - average) < 3.5 * found.inference.std_errors)
    every = fitted(rows, technology="translog", degree=3)
    full = wooldridge.fit(
        "tfp", wooldridge.Options(**options(technology="translog")), rows, everywhere(rows), extras="transitory"
    )
    np.testing.assert_allclose(full.elasticities["l"].values[lag].mean(), found.mean[0], rtol=1e-10)
    np.testing.assert_allclose(every.values, full.values, rtol=1e-12)


def options(**changes: Any) -> dict[str, Any]:
    return {"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | changes


def everywhere(rows: Selection) -> np.ndarray:
    return np.ones(rows.n_panel, dtype=bool)


@pytest.mark.parametrize("method", [wooldridge, wlp, ols])
def test_units_move_a_translogs_first_coefficients_and_nothing_else(method: Any) -> None:
    rows = translog_firms(300, 9)
    shifted = with_columns(
        rows, y=rows.number("y") + np.log(1e3), l=rows.number("l") + np.log(1e6), k=rows.number("k") - np.log(1e3),
        m=rows.number("m") + np.log(1e6),
    )  # fmt: skip
    here, there = (fitted(one, method, technology="translog").groups[0] for one in (rows, shifted))
    assert here.elasticities is not None
    assert there.elasticities is not None
    # Ten digits survive amounts in euros, thousands or millions.
    np.testing.assert_allclose(there.elasticities.mean, here.elasticities.mean, rtol=1e-10)
    np.testing.assert_allclose(
        there.elasticities.inference.std_errors, here.elasticities.inference.std_errors, rtol=1e-9
    )
    np.testing.assert_allclose(there.coefficients[2:], here.coefficients[2:], rtol=1e-9)


@pytest.mark.parametrize("technology", ["cobb_douglas", "translog"])
@pytest.mark.parametrize("method", [wooldridge, wlp])
def test_the_levels_differ_by_the_transitory_error(method: Any, technology: str) -> None:
    rows = simulate(300, 4, ragged=True, sectors=2)
    keys = options(technology=technology, controls=("nace",), sample="all")
    full = method.fit("tfp", method.Options(**keys), rows, everywhere(rows), extras="transitory")
    smooth = method.fit(
        "tfp", method.Options(**keys, tfp_from="control_function"), rows, everywhere(rows), extras="transitory"
    )  # fmt: skip
    assert full.transitory is not None
    np.testing.assert_allclose(full.values - smooth.values, full.transitory.values, atol=1e-9)
    if method is wlp:
        # The control function's regression has a constant and sees every row: its errors sum to zero.
        assert abs(full.transitory.values.mean()) < 1e-9
    np.testing.assert_allclose(full.transitory.values, smooth.transitory.values, atol=1e-12)
    # Values are linear in the parameters: the gradient is what moving them does.
    group = full.groups[0]
    step = np.random.default_rng(1).normal(size=len(group.parameters)) * 1e-3
    p = len(group.terms)
    moved = rows.number("y") - sum(
        (group.coefficients + step[:p])[number] * column for number, column in enumerate(terms(rows, technology))
    )
    np.testing.assert_allclose(full.values + full.gradient @ step, moved, atol=1e-10)


def terms(rows: Selection, technology: str) -> list[FloatArray]:
    l, k = rows.number("l"), rows.number("k")  # noqa: E741
    return [l, k, l * l, l * k, k * k] if technology == "translog" else [l, k]


def test_weights_are_the_dense_system_and_scale_free() -> None:
    rows = with_columns(ROWS, weight=np.random.default_rng(3).uniform(0.5, 4.0, ROWS.n_panel))
    fit = fitted(rows, degree=2, weights="weight")
    theta, covariance = Dense(rows, weights="weight").two_step()
    # As above: seven digits of the referee.
    np.testing.assert_allclose(fit.groups[0].coefficients, theta[:2], rtol=1e-7)
    np.testing.assert_allclose(std_errors(fit), np.sqrt(np.diag(covariance))[:2], rtol=1e-6)
    heavier = fitted(with_columns(rows, weight=1e4 * rows.number("weight")), degree=2, weights="weight")
    np.testing.assert_allclose(heavier.groups[0].coefficients, fit.groups[0].coefficients, rtol=1e-11)
    np.testing.assert_allclose(heavier.groups[0].j_statistic, fit.groups[0].j_statistic, rtol=1e-8)
    for kind in ("robust", "unadjusted"):
        one, other = (fitted(each, weights="weight", gmm_weights=kind)
                      for each in (rows, with_columns(rows, weight=7 * rows.number("weight"))))  # fmt: skip
        np.testing.assert_allclose(std_errors(one), std_errors(other), rtol=1e-10)


def test_equal_weights_change_nothing_and_doubled_firms_are_firms_twice() -> None:
    rows = simulate(120, 6)
    equal = with_columns(rows, weight=np.full(rows.n_panel, 3.0))
    np.testing.assert_allclose(
        fitted(equal, weights="weight").groups[0].coefficients, fitted(rows).groups[0].coefficients, rtol=1e-11
    )
    twice = with_columns(rows, weight=np.where(rows.firm < 40, 2.0, 1.0))
    again = np.concatenate([np.arange(rows.n_panel), np.flatnonzero(rows.firm < 40)])
    firm = np.concatenate([rows.firm, rows.firm[rows.firm < 40] + 1000])
    doubled = selection({name: rows.number(name)[again] for name in "ylkm"}, firm, rows.year[again])
    one = fitted(twice, weights="weight", steps=1).groups[0].coefficients
    np.testing.assert_allclose(one, fitted(doubled, steps=1).groups[0].coefficients, rtol=1e-10)


def test_weights_that_are_none() -> None:
    rows = with_columns(ROWS, weight=np.where(ROWS.firm % 5 == 0, 0.0, 1.0))
    fit = fitted(rows, weights="weight")
    kept = ROWS.take(ROWS.firm % 5 != 0)
    np.testing.assert_allclose(
        fit.groups[0].coefficients,
        fitted(Selection(np.arange(len(kept.rows)), kept.firm, kept.year, kept.columns, len(kept.rows), {}))
        .groups[0].coefficients,
        rtol=1e-11,
    )  # fmt: skip
    assert fit.dropped["weight is zero"] == np.count_nonzero(ROWS.firm % 5 == 0)
    below = with_columns(ROWS, weight=np.where(ROWS.firm == 3, -1.0, 1.0))
    with pytest.raises(EstimationError, match='weight "weight" is below zero in'):
        fitted(below, weights="weight")


def test_windmeijers_correction_is_the_derivative_of_two_steps_in_the_first() -> None:
    rows = simulate(90, 8)
    world = Dense(rows)
    first = world.one_step()
    step = 1e-5
    slope = np.zeros((len(first), len(first)))
    for which in range(len(first)):
        up, down = first.copy(), first.copy()
        up[which] += step
        down[which] -= step
        slope[:, which] = (world.second(up) - world.second(down)) / (2 * step)
    s, g = world.moments(first), world.z.T @ world.x
    weight = np.linalg.inv(s.T @ s)
    v2 = np.linalg.inv(g.T @ weight @ g)
    a1 = np.linalg.pinv(g)
    v1 = a1 @ s.T @ s @ a1.T
    corrected = v2 + slope @ v2 + v2 @ slope.T + slope @ v1 @ slope.T
    fit = fitted(rows, degree=2, windmeijer=True, min_firms=10)
    assert fit.groups[0].rung == "two-step"
    factor = fit.groups[0].small_sample
    # The derivative is numerical: steps of 1e-5 leave six digits.
    np.testing.assert_allclose(fit.groups[0].covariance / factor, corrected[:2, :2], rtol=1e-4)
    plain = fitted(rows, degree=2, min_firms=10)
    np.testing.assert_array_equal(plain.groups[0].coefficients, fit.groups[0].coefficients)
    influence = fit.groups[0].influence
    np.testing.assert_allclose(influence.T @ influence * factor, fit.groups[0].covariance, rtol=1e-10)


def ai_firms(
    n: int, seed: int, effect: float = 0.15, *, timing: str = "lagged", n_years: int = 7, share: float = 0.5
) -> Selection:
    """Firms that adopt once, the able and capital-rich sooner; AI of t-1 (or of t) moves the process."""
    rng = np.random.default_rng(seed)
    shape = (n, n_years)
    w, k, ai, wage = (np.zeros(shape) for _ in range(4))
    w[:, 0], k[:, 0], wage[:, 0] = rng.normal(0, 0.4, n), rng.normal(0, 0.8, n), rng.normal(0, 0.4, n)
    for t in range(1, n_years):
        chance = share * 0.25 * (1 + np.tanh(w[:, t - 1] + 0.5 * k[:, t - 1]))
        ai[:, t] = np.maximum(ai[:, t - 1], rng.random(n) < chance)
        known = ai[:, t] if timing == "current" else ai[:, t - 1]
        w[:, t] = 0.7 * w[:, t - 1] + effect * known + rng.normal(0, 0.25, n)
        k[:, t] = 0.8 * k[:, t - 1] + 0.3 * w[:, t - 1] + 0.3 * ai[:, t - 1] + rng.normal(0, 0.35, n)
        wage[:, t] = 0.8 * wage[:, t - 1] + rng.normal(0, 0.25, n)
    l = 2 + 0.4 * k + 0.8 * w - wage  # noqa: E741
    m = 1 + 0.4 * k + w + 0.2 * ai
    y = 3 + 0.6 * l + 0.4 * k + w + rng.normal(0, 0.2, shape)
    firm, year = np.nonzero(np.ones(shape))
    return selection(
        {name: values.ravel() for name, values in {"y": y, "l": l, "k": k, "m": m, "ai": ai}.items()}, firm, year + 2015
    )


@pytest.mark.parametrize("timing", ["lagged", "current"])
def test_a_status_in_the_process_is_recovered_and_tested(timing: str) -> None:
    rows = ai_firms(2500, 11, 0.4, timing=timing)
    fit = fitted(rows, markov=("ai",), markov_timing=timing)
    group = fit.groups[0]
    assert np.all(np.abs(group.coefficients - [0.6, 0.4]) < 3 * std_errors(fit))
    assert group.diagnostics["markov_p_value"] is not None
    assert group.diagnostics["markov_p_value"] < 1e-6
    # Ten monomials of (k, m), and six of them again with a status whose square it is.
    assert group.diagnostics["markov_df"] == (6 if timing == "lagged" else 12)
    without = fitted(rows)
    # Left out, what adoption does to productivity goes to the capital that adopters have.
    assert abs(without.groups[0].coefficients[1] - 0.4) > (3 if timing == "lagged" else 1.5) * std_errors(without)[1]


def test_the_walds_size_where_the_status_has_no_part() -> None:
    rejected = 0
    for seed in range(40):
        rows = ai_firms(400, 500 + seed, 0.0)
        rows = with_columns(rows, m=rows.number("m") - 0.2 * rows.number("ai"))
        p_value = fitted(rows, markov=("ai",), degree=2).groups[0].diagnostics["markov_p_value"]
        assert p_value is not None
        rejected += p_value < 0.05
    # 5 per cent of 40 within three binomial errors, and a little for 400 firms behind the weight.
    assert rejected <= 7


def test_the_markov_test_is_walds() -> None:
    rows = ai_firms(400, 3)
    p_before = rows.number("k"), rows.number("m"), rows.number("ai")
    k, m, ai = p_before
    lag = np.flatnonzero(np.diff(rows.firm, prepend=-1) == 0)
    poly = np.stack([np.ones_like(k), k, m, k * k, k * m, m * m, ai, ai * k, ai * m], axis=1)
    l, y = rows.number("l"), rows.number("y")  # noqa: E741
    x = np.column_stack([l[lag], k[lag], poly[lag - 1]])
    z = np.linalg.qr(np.column_stack([l[lag - 1], k[lag], poly[lag - 1]]))[0]
    theta = np.linalg.solve(z.T @ x, z.T @ y[lag])
    scores = z * (y[lag] - x @ theta)[:, None]
    s = np.stack([scores[rows.firm[lag] == one].sum(axis=0) for one in np.unique(rows.firm)])
    a = np.linalg.inv(z.T @ x)
    v = (a @ s.T @ s @ a.T)[-3:, -3:]
    statistic = theta[-3:] @ np.linalg.solve(v, theta[-3:])
    fit = fitted(rows, wlp, markov=("ai",), degree=2)
    np.testing.assert_allclose(fit.groups[0].coefficients, theta[:2], rtol=1e-9)
    # The test's value does not depend on how the polynomial is written: one degree's worth of digits is lost.
    np.testing.assert_allclose(fit.groups[0].diagnostics["markov_wald"], statistic, rtol=1e-6)


def test_a_status_hardly_seen_is_refused() -> None:
    rows = ai_firms(300, 2, share=0.05)
    with pytest.raises(EstimationError, match=r"markov: \d+ firms with ai in an observed year before, where 50"):
        fitted(rows, markov=("ai",))
    waves = np.where(np.isin(rows.year, (2017, 2019, 2021)), rows.number("ai"), np.nan)
    with pytest.raises(EstimationError, match=r"never observed in two years running.*2017, 2019, 2021"):
        fitted(with_columns(rows, ai=waves), markov=("ai",))


def leaving_firms(n: int, seed: int, n_years: int = 8) -> Selection:
    """Firms that leave when their productivity falls below a bound that capital lowers and age raises.

    Capital is known a year ahead: i of t-1 makes k of t, so that (k, i, age) of t-1 tell the bound of t.
    """
    rng = np.random.default_rng(seed)
    shape = (n, n_years)
    w, k, wage, age, i = (np.zeros(shape) for _ in range(5))
    alive = np.ones(shape, dtype=bool)
    w[:, 0], k[:, 0], wage[:, 0] = rng.normal(0, 0.4, n), rng.normal(0, 0.8, n), rng.normal(0, 0.4, n)
    age[:, 0] = rng.uniform(0, 2, n)
    for t in range(1, n_years):
        w[:, t] = 0.7 * w[:, t - 1] + rng.normal(0, 0.3, n)
        i[:, t - 1] = 0.3 * w[:, t - 1] + rng.normal(0, 0.35, n)
        k[:, t] = 0.8 * k[:, t - 1] + i[:, t - 1]
        wage[:, t] = 0.8 * wage[:, t - 1] + rng.normal(0, 0.25, n)
        age[:, t] = age[:, t - 1] + 0.1
        # The productive and the large stay: of small firms only the productive are seen.
        alive[:, t] = alive[:, t - 1] & (w[:, t] + 0.6 * k[:, t] > 0.5 * (1 - age[:, t - 1]) - 0.5)
    i[:, -1] = 0.3 * w[:, -1] + rng.normal(0, 0.35, n)
    l = 2 + 0.4 * k + 0.8 * w - wage  # noqa: E741
    m = 1 + 0.4 * k + w
    y = 3 + 0.6 * l + 0.4 * k + w + rng.normal(0, 0.2, shape)
    firm, year = np.nonzero(alive)
    return selection(
        {name: values[alive] for name, values in {"y": y, "l": l, "k": k, "m": m, "age": age, "i": i}.items()},
        firm,
        year + 2015,
    )


def test_the_survival_correction_moves_capital_towards_the_truth() -> None:
    plain, corrected = [], []
    for seed in range(8):
        rows = leaving_firms(1500, 70 + seed)
        plain.append(fitted(rows).groups[0].coefficients[1])
        fit = fitted(rows, survival={"on": ("i", "age")})
        corrected.append(fit.groups[0].coefficients[1])
        assert fit.groups[0].diagnostics["survival_exits"] > 100
    spread = np.std(corrected) / np.sqrt(8)
    # Selection makes capital look useless; the correction takes most of that away.
    assert np.mean(plain) < 0.4 - 4 * np.std(plain) / np.sqrt(8)
    assert abs(np.mean(corrected) - 0.4) < 3 * spread + 0.01
    assert abs(np.mean(corrected) - 0.4) < 0.5 * abs(np.mean(plain) - 0.4)


def test_the_survival_corrections_influence_is_the_infinitesimal_jackknife() -> None:
    rows = leaving_firms(250, 5)
    keys = {"survival": {"on": ("age",), "degree": 1}, "degree": 2, "weights": "weight"}

    def estimate(weight: FloatArray) -> FloatArray:
        return fitted(with_columns(rows, weight=weight), wlp, **keys).groups[0].coefficients

    ones = np.ones(rows.n_panel)
    group = fitted(with_columns(rows, weight=ones), wlp, **keys).groups[0]
    step = 1e-4
    for place in range(0, len(group.influence_firms), 25):
        firm = rows.firm == group.influence_firms[place]
        moved = (estimate(ones + step * firm) - estimate(ones - step * firm)) / (2 * step)
        # A just identified system: psi is the derivative itself, here with six digits of a central difference. What
        # the polynomial's standardisation takes from the data moves nothing.
        np.testing.assert_allclose(group.influence[place], moved, rtol=2e-4, atol=1e-8)


def test_a_survival_probability_that_c_spans_is_refused() -> None:
    rows = leaving_firms(800, 3)
    noise = np.random.default_rng(4).normal(size=rows.n_panel)
    unmoved = fitted(with_columns(rows, noise=noise), survival={"on": ("noise",)})
    assert any("survival.on do not move exit" in note for note in unmoved.groups[0].notes)
    # A linear index in (k, m) and hardly anything else: C(t-1) spans what the probit makes of it.
    flat = leaving_firms(800, 3, n_years=3)
    hardly = with_columns(flat, noise=1e-3 * np.random.default_rng(4).normal(size=flat.n_panel) + flat.number("m"))
    with pytest.raises(EstimationError, match=r"spanned by C\(t-1\)"):
        fitted(hardly, survival={"on": ("noise",), "degree": 1}, degree=4)
    last = np.append(rows.firm[1:] != rows.firm[:-1], True)
    flag = np.where(last & (rows.year < rows.year.max()), 1.0, 0.0)
    agreed = fitted(with_columns(rows, gone=flag), survival={"on": ("age",), "exit": "gone"})
    unsaid = fitted(rows, survival={"on": ("age",)})
    np.testing.assert_allclose(agreed.groups[0].coefficients, unsaid.groups[0].coefficients, rtol=1e-12)
    flag[np.flatnonzero(~last)[:3]] = 1.0
    with pytest.raises(EstimationError, match="exit flag contradicts the panel: 3 firm-years"):
        fitted(with_columns(rows, gone=flag), survival={"on": ("age",), "exit": "gone"})


def priced_firms(n: int, seed: int, n_years: int = 7) -> Selection:
    """Gross output with materials bought at prices of the firm's own: 0.3 l + 0.2 k + 0.45 m."""
    rng = np.random.default_rng(seed)
    shape = (n, n_years)
    w, k, price, wage = (np.zeros(shape) for _ in range(4))
    w[:, 0], k[:, 0] = rng.normal(0, 0.4, n), rng.normal(0, 0.8, n)
    price[:, 0], wage[:, 0] = rng.normal(0, 0.3, n), rng.normal(0, 0.4, n)
    for t in range(1, n_years):
        w[:, t] = 0.7 * w[:, t - 1] + rng.normal(0, 0.25, n)
        k[:, t] = 0.8 * k[:, t - 1] + 0.3 * w[:, t - 1] + rng.normal(0, 0.35, n)
        price[:, t] = 0.6 * price[:, t - 1] + rng.normal(0, 0.25, n)
        wage[:, t] = 0.8 * wage[:, t - 1] + rng.normal(0, 0.25, n)
    l = 2 + 0.4 * k + 0.8 * w - wage  # noqa: E741
    m = 1 + 0.5 * k + 1.2 * w - 0.8 * price
    y = 3 + 0.3 * l + 0.2 * k + 0.45 * m + w + rng.normal(0, 0.15, shape)
    firm, year = np.nonzero(np.ones(shape))
    return selection(
        {name: v.ravel() for name, v in {"y": y, "l": l, "k": k, "m": m, "price": price}.items()}, firm, year + 2015
    )


def test_gross_output_is_recovered_with_prices() -> None:
    rows = priced_firms(2500, 21)
    fit = fitted(rows, gross_output, instruments=("price",), degree=2)
    group = fit.groups[0]
    assert group.terms == ("l", "k", "m")
    assert np.all(np.abs(group.coefficients - [0.3, 0.2, 0.45]) < 3 * std_errors(fit))
    assert group.diagnostics["first_stage_f[m]"] > 100
    assert group.diagnostics["sanderson_windmeijer_f"] > 10
    expected = rows.number("y") - np.stack([rows.number(name) for name in "lkm"], axis=1) @ group.coefficients
    np.testing.assert_allclose(fit.values, expected, rtol=1e-10)
    smooth = fitted(rows, gross_output, instruments=("price",), degree=2, tfp_from="control_function")
    shown = np.corrcoef(smooth.values[~np.isnan(smooth.values)], fit.values[~np.isnan(smooth.values)])[0, 1]
    assert shown > 0.8


def test_gross_output_with_useless_prices_says_so() -> None:
    rows = priced_firms(400, 22)
    noise = np.random.default_rng(3).normal(size=rows.n_panel)
    fit = fitted(with_columns(rows, noise=noise), gross_output, instruments=("noise",), degree=2)
    assert fit.groups[0].diagnostics["sanderson_windmeijer_f"] < 10
    assert any("weak" in note for note in fit.groups[0].notes)


def test_gross_output_in_dense_matrices() -> None:
    rows = priced_firms(200, 23)
    y, l, k, m, p = (rows.number(name) for name in ("y", "l", "k", "m", "price"))  # noqa: E741
    lag = np.flatnonzero(np.diff(rows.firm, prepend=-1) == 0)
    powers = [a for a in product(range(2), repeat=3) if sum(a) <= 1]
    poly = np.stack([k**a * m**b * p**c for a, b, c in powers], axis=1)
    n, zero = len(lag), np.zeros
    x = np.vstack([
        np.column_stack([l[lag], zero((n, 2)), poly[lag], zero((n, 4))]),
        np.column_stack([l[lag], k[lag], m[lag], zero((n, 4)), poly[lag - 1]]),
    ])  # fmt: skip
    z = np.vstack([
        np.column_stack([l[lag], poly[lag], zero((n, 7))]),
        np.column_stack([zero((n, 5)), l[lag - 1], k[lag], p[lag], poly[lag - 1]]),
    ])  # fmt: skip
    z, both = np.linalg.qr(z)[0], np.concatenate([y[lag], y[lag]])
    theta = np.linalg.lstsq(z.T @ x, z.T @ both, rcond=None)[0]
    fit = fitted(rows, gross_output, instruments=("price",), degree=1, steps=1)
    np.testing.assert_allclose(fit.groups[0].coefficients, theta[:3], rtol=1e-9)


@pytest.mark.parametrize("sample", ["common", "all"])
def test_rows_without_a_probability_of_survival_are_counted(sample: str) -> None:
    rows = leaving_firms(800, 3)
    i = rows.number("i").copy()
    i[::9] = np.nan
    fit = fitted(with_columns(rows, i=i), survival={"on": ("i", "age")}, sample=sample)
    lag = np.diff(rows.firm, prepend=-1) == 0
    lost = int(np.count_nonzero(lag & np.isnan(np.append(np.nan, i[:-1]))))
    group = fit.groups[0]
    assert group.n_obs == np.count_nonzero(lag) - lost
    if sample == "common":
        assert fit.dropped == {
            "no row in the year before": np.count_nonzero(~lag),
            "missing i in the year before": lost,
        }
        assert sum(fit.dropped.values()) + np.count_nonzero(fit.in_sample) == rows.n_panel
    else:
        assert fit.equations["2"].dropped == {
            "no row in the year before": np.count_nonzero(~lag),
            "missing i in the year before": lost,
        }
        assert any(note.startswith(f"{lost} rows stand in equation 1 alone") for note in fit.notes)


@pytest.mark.parametrize("codes", [(1.0, 2.0), (-1.0, 1.0), (0.0, 2.5)])
def test_a_status_may_be_coded_with_any_two_numbers(codes: tuple[float, float]) -> None:
    rows = ai_firms(400, 3)
    coded = with_columns(rows, ai=np.where(rows.number("ai") > 0, codes[1], codes[0]))
    one, other = (fitted(each, markov=("ai",)).groups[0] for each in (rows, coded))
    np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=1e-9)
    np.testing.assert_allclose(other.diagnostics["markov_wald"], one.diagnostics["markov_wald"], rtol=1e-6)
    assert other.diagnostics["share_phi_rises_in_proxy"] == one.diagnostics["share_phi_rises_in_proxy"]


def test_a_status_of_three_values() -> None:
    rows = ai_firms(600, 4)
    level = np.minimum(rows.number("ai") + (rows.number("ai") > 0) * (rows.number("k") > 0.5), 2.0)
    group = fitted(with_columns(rows, ai=level), markov=("ai",)).groups[0]
    assert group.diagnostics["markov_p_value"] is not None
    assert np.isfinite(group.coefficients).all()


def test_the_conditional_first_stage_f_by_hand() -> None:
    """First stages whose errors go together: Angrist and Pischke's F is 16, Sanderson and Windmeijer's below 10."""
    rng = np.random.default_rng(5)
    n, n_years = 500, 5
    l, k, z, w = rng.normal(size=n), rng.normal(size=n), rng.normal(size=n), rng.normal(size=n) * 0.3  # noqa: E741
    seen: dict[str, list[FloatArray]] = {name: [] for name in "lkmzy"}
    for _ in range(n_years):
        z, w = 0.5 * z + rng.normal(size=n), 0.6 * w + rng.normal(size=n) * 0.3
        k, error = 0.8 * k + rng.normal(size=n) * 0.5, rng.normal(size=n)
        core = 0.6 * l + 0.8 * z + 0.3 * k
        l, m = core + error, 0.5 * core - 0.5 * error + w + 0.03 * z  # noqa: E741
        y = 0.3 * l + 0.2 * k + 0.4 * m + w + 0.1 * rng.normal(size=n)
        for name, value in zip("lkmzy", (l, k, m, z, y), strict=True):
            seen[name].append(value)
    rows = selection(
        {name: np.array(values).T.ravel() for name, values in seen.items()},
        np.repeat(np.arange(n), n_years),
        np.tile(np.arange(2010, 2010 + n_years), n),
    )
    group = fitted(rows, gross_output, instruments=("z",), degree=1).groups[0]
    now = np.flatnonzero(rows.year > 2010)
    at = {name: rows.number(name)[now] for name in "lkmz"}
    before = {name: rows.number(name)[now - 1] for name in "lkmz"}
    exogenous = np.column_stack([np.ones(len(now)), at["k"], before["k"], before["m"], before["z"]])
    instruments = np.column_stack([exogenous, before["l"], at["z"]])

    def left(values: FloatArray, on: FloatArray) -> float:
        return float(np.sum((values - on @ np.linalg.lstsq(on, values, rcond=None)[0]) ** 2))

    found = []
    for one, other in (("l", "m"), ("m", "l")):
        fitted_other = instruments @ np.linalg.lstsq(instruments, at[other], rcond=None)[0]
        design = np.column_stack([exogenous, fitted_other])
        delta = np.linalg.lstsq(design, at[one], rcond=None)[0][-1]
        own = at[one] - at[other] * delta
        rest = left(own, instruments)
        found.append((left(own, exogenous) - rest) / (rest / (len(now) - instruments.shape[1])))
    # Both by least squares on hundreds of rows, in another order of operations.
    assert group.diagnostics["sanderson_windmeijer_f"] == pytest.approx(min(found), rel=1e-9)
    assert min(found) < 10
    assert any("smallest conditional first-stage F is 4.7" in note for note in group.notes)
