"""linearmodels' IVGMM on the stacked rows of the two equations is exactly the two-step system, J included."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from linearmodels.iv import IV2SLS, IVGMM

from estimation.productivity import ols, wlp
from panels.frame import Selection, TextColumn
from tests.estimation.firms import fitted, simulate, std_errors


def independent(columns: np.ndarray) -> np.ndarray:
    """Return the columns without those that the ones before them span."""
    kept: list[int] = []
    basis = np.zeros((len(columns), 0))
    for number in range(columns.shape[1]):
        length = np.linalg.norm(columns[:, number])
        if not length:
            continue
        column = columns[:, number] / length
        left = column - basis @ (basis.T @ column)
        left -= basis @ (basis.T @ left)
        if np.linalg.norm(left) > 1e-6:
            kept.append(number)
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
    return columns[:, kept]


class Stacked:
    """The two equations' rows one above the other, from dense columns."""

    def __init__(
        self, rows: Selection, free: tuple[str, ...], state: tuple[str, ...], controls: tuple[str, ...],
        degree: int, common: bool,
    ) -> None:  # fmt: skip
        inputs = np.stack([rows.number(name) for name in (*state, "m")])
        inputs = inputs - inputs.mean(axis=1, keepdims=True)
        powers = [p for p in product(range(degree + 1), repeat=len(inputs)) if sum(p) <= degree]
        powers.sort(key=lambda p: (sum(p), p))
        poly = np.stack([np.prod(inputs ** np.array(p)[:, None], axis=0) for p in powers], axis=1)
        d = np.hstack([np.zeros((rows.n_panel, 0)), *(indicators(rows, name) for name in controls)])
        l = np.stack([rows.number(name) for name in free], axis=1)  # noqa: E741
        k = np.stack([rows.number(name) for name in state], axis=1)
        k = k - k.mean(axis=0)
        lag = np.flatnonzero((rows.firm[1:] == rows.firm[:-1]) & (rows.year[1:] == rows.year[:-1] + 1)) + 1
        now = lag if common else np.arange(rows.n_panel)
        c1 = independent(np.hstack([poly, d])[now])
        c2 = independent(np.hstack([poly[lag - 1], d[lag - 1], d[lag]]))
        n1, n2 = len(now), len(lag)

        def blocks(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
            out = np.zeros((n1 + n2, top.shape[1] + bottom.shape[1]))
            out[:n1, : top.shape[1]] = top
            out[n1:, top.shape[1] :] = bottom
            return out

        self.exog = np.hstack([blocks(np.zeros((n1, 0)), k[lag]), blocks(c1, c2)])
        self.endog = np.concatenate([l[now], l[lag]])
        self.instruments = blocks(l[now], l[lag - 1])
        self.y = np.concatenate([rows.number("y")[now], rows.number("y")[lag]])
        self.firm = np.concatenate([rows.firm[now], rows.firm[lag]])
        self.second = slice(n1, None)
        self.c2, self.k, self.n_k = c2, k[lag], len(state)

    def take(self, params: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return coefficients and errors in the order free, state."""
        n_free = self.endog.shape[1]
        order = [*range(len(params) - n_free, len(params)), *range(self.n_k)]
        return params[order], errors[order]


def indicators(rows: Selection, name: str) -> np.ndarray:
    column = rows.columns[name]
    values = column.codes if isinstance(column, TextColumn) else column.values
    if name == "size":
        return np.asarray(values)[:, None]
    return (np.asarray(values)[:, None] == np.unique(values)[1:]).astype(float)


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "quadratic, all rows": {"degree": 2, "sample": "all"},
    "quartic": {"degree": 4},
    "linear": {"degree": 1},
    "controls": {"controls": ("nace", "year")},
    "controls, all rows": {"controls": ("nace", "year"), "sample": "all", "degree": 2},
    "a number as a control": {"controls": ("size",), "degree": 2},
    "two free inputs": {"free": ("l", "l2"), "degree": 2},
    "two states": {"state": ("k", "k2"), "degree": 2},
    "two of each, with controls": {
        "free": ("l", "l2"), "state": ("k", "k2"), "degree": 2, "controls": ("nace", "year"),
    },
}  # fmt: skip


def panel() -> Selection:
    rows = simulate(250, 7, sectors=3, second_inputs=True, ragged=True, switchers=0.3)
    size = np.random.default_rng(5).normal(size=rows.n_panel) + rows.number("k")
    return Selection(
        rows.rows, rows.firm, rows.year, {**rows.columns, "size": type(rows.columns["k"])(size)},
        rows.n_panel, {},
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_two_step_clustered(case: str) -> None:
    rows, changes = panel(), CASES[case]
    world = Stacked(
        rows, changes.get("free", ("l",)), changes.get("state", ("k",)), changes.get("controls", ()),
        changes.get("degree", 3), changes.get("sample", "common") == "common",
    )  # fmt: skip
    model = IVGMM(world.y, world.exog, world.endog, world.instruments, weight_type="clustered", clusters=world.firm)
    referee = model.fit(cov_type="clustered", clusters=world.firm)
    fit = fitted(rows, **changes)
    group = fit.groups[0]
    coefficients, errors = world.take(referee.params.to_numpy(), referee.std_errors.to_numpy())
    assert group.rung == "two-step"
    # The referee inverts normal equations of raw powers: it keeps ten digits at degree 3, eight at degree 4.
    digits = 1e-7 if changes.get("degree") == 4 else 1e-8
    np.testing.assert_allclose(group.coefficients, coefficients, rtol=digits, atol=1e-10)
    np.testing.assert_allclose(std_errors(fit), errors, rtol=digits)
    assert group.j_statistic == pytest.approx(referee.j_stat.stat, rel=1e-6)
    assert group.j_df == len(changes.get("free", ("l",)))


@pytest.mark.parametrize("case", ["plain", "controls", "two free inputs", "two of each, with controls"])
def test_wlp_is_two_stage_least_squares(case: str) -> None:
    rows, changes = panel(), CASES[case]
    world = Stacked(
        rows, changes.get("free", ("l",)), changes.get("state", ("k",)), changes.get("controls", ()),
        changes.get("degree", 3), True,
    )  # fmt: skip
    second, n_free = world.second, world.endog.shape[1]
    exog = np.hstack([world.k, world.c2])
    model = IV2SLS(world.y[second], exog, world.endog[second], world.instruments[second, n_free:])
    referee = model.fit(cov_type="clustered", clusters=world.firm[second], debiased=False)
    for level in ("residual", "control_function"):
        fit = fitted(rows, wlp, tfp_from=level, **changes)
        coefficients, errors = world.take(referee.params.to_numpy(), referee.std_errors.to_numpy())
        np.testing.assert_allclose(fit.groups[0].coefficients, coefficients, rtol=1e-8)
        np.testing.assert_allclose(std_errors(fit), errors, rtol=1e-8)
        assert fit.groups[0].j_statistic is None


def test_first_stage_f_and_the_acf_share_are_those_of_regressions() -> None:
    rows = panel()
    world = Stacked(rows, ("l",), ("k",), ("nace", "year"), 3, True)
    second = world.second
    l, lagged = world.endog[second, 0], world.instruments[second, 1]  # noqa: E741
    short = np.hstack([world.k, world.c2])
    full = np.column_stack([short, lagged])
    rss = [np.sum((l - x @ np.linalg.lstsq(x, l, rcond=None)[0]) ** 2) for x in (short, full)]
    f = (rss[0] - rss[1]) / (rss[1] / (len(l) - full.shape[1]))
    found = fitted(rows, controls=("nace", "year")).groups[0].diagnostics
    assert found["first_stage_f"] == pytest.approx(f, rel=1e-8)
    c1 = world.exog[: len(l), world.n_k : world.exog.shape[1] - world.c2.shape[1]]
    top = world.endog[: len(l), 0]
    left = top - c1 @ np.linalg.lstsq(c1, top, rcond=None)[0]
    share = np.sum(left**2) / np.sum((top - top.mean()) ** 2)
    assert found["acf_one_minus_r2"] == pytest.approx(share, rel=1e-8)


def test_ols_is_least_squares_clustered_as_fixest_does() -> None:
    rows = panel()
    x = np.hstack([
        rows.number("l")[:, None], rows.number("k")[:, None], np.ones((rows.n_panel, 1)),
        indicators(rows, "nace"), indicators(rows, "year"),
    ])  # fmt: skip
    y = rows.number("y")
    inverse = np.linalg.inv(x.T @ x)
    beta = inverse @ x.T @ y
    scores = np.zeros((rows.firm.max() + 1, x.shape[1]))
    np.add.at(scores, rows.firm, x * (y - x @ beta)[:, None])
    g, (n, k) = len(np.unique(rows.firm)), x.shape
    v = inverse @ scores.T @ scores @ inverse * g / (g - 1) * (n - 1) / (n - k)
    fit = fitted(rows, ols, controls=("nace", "year"))
    np.testing.assert_allclose(fit.groups[0].coefficients, beta[:2], rtol=1e-10)
    np.testing.assert_allclose(fit.groups[0].covariance, v[:2, :2], rtol=1e-9)
    assert fit.groups[0].df == g - 1
