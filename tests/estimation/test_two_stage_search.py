"""The search for roots and minima: known ones are found, and a draw of a bootstrap ends where a refit of it ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from estimation.bootstrap import blocks
from estimation.chain import bootstrap_elasticities, told_of
from estimation.productivity import ackerberg_caves_frazer, levinsohn_petrin, olley_pakes
from estimation.productivity.common.inputs import read_inputs
from estimation.productivity.common.moments import Roles
from estimation.productivity.common.root_search import minima, roots
from estimation.productivity.two_stage.basis import MarkovBasis
from estimation.productivity.two_stage.coordinates import coordinates
from estimation.productivity.two_stage.draws import TwoStageResampler
from estimation.productivity.two_stage.group import TwoStageEstimate, estimate_two_stage
from estimation.productivity.two_stage.markov import Nuisance, SecondStage
from estimation.productivity.two_stage.rows import Recipe
from estimation.productivity.two_stage.solution import all_roots
from estimation.results import FloatArray
from panels.frame import NumberColumn, Selection, TextColumn
from tests.estimation.firms import simulate
from tests.estimation.rows import selection
from tests.estimation.test_two_stage_reference import panel
from tests.estimation.two_stage_firms import between, leaving


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """As a run does: threads cost small matrices ten times what they save."""
    with threadpool_limits(1):
        yield


def with_roots(known: FloatArray, seed: int, n: int = 400) -> tuple[SecondStage, Nuisance]:
    """A second stage of n rows that these points (r, p) solve: given theta, the moments are linear in Phi(t)."""
    rng, p = np.random.default_rng(seed), known.shape[1]
    before = (rng.normal(size=(p, p)) * 0.5 + np.eye(p)) @ rng.normal(size=(p, n))
    x = 0.7 * before + rng.normal(size=(p, n)) * 0.5
    z = np.vstack([before[:-1], x[-1:]])
    x, before, z = (values - values.mean(axis=1, keepdims=True) for values in (x, before, z))
    truth = np.array([0.6, 0.3, 0.2])[:p]
    phi_before = truth @ before + rng.normal(size=n) * 0.4
    phi = truth @ x + 0.6 * (phi_before - truth @ before) + rng.normal(size=n) * 0.2
    phi, phi_before = phi - phi.mean(), phi_before - phi_before.mean()
    columns, values = [], []
    for theta in known:
        w1 = phi_before - theta @ before
        q, _ = np.linalg.qr(np.vander(w1 / w1.std(), 4))
        left = z - (z @ q) @ q.T
        columns.append(left)
        values.append(left @ (theta @ x))
    wanted = np.vstack(columns)
    phi = phi + wanted.T @ np.linalg.solve(wanted @ wanted.T, np.concatenate(values) - wanted @ phi)
    stage = SecondStage(
        at=np.arange(n),
        firm=np.arange(n),
        x=x,
        before=before,
        factors=tuple((index,) for index in range(p)),
        instruments=z,
        free=np.zeros((0, n)),
        output=phi,
        fixed=np.full((1, n), n**-0.5),
        basis=MarkovBasis(3, float(phi_before.std())),
    )
    return stage, Nuisance(phi, phi_before, np.zeros(0), None)


@pytest.mark.parametrize("p", [2, 3])
def test_all_known_roots_within_the_box_are_found(p: int) -> None:
    for seed in range(8 if p == 2 else 4):
        rng = np.random.default_rng(1000 + seed)
        known = np.vstack([
            rng.uniform(-0.25, 1.25, (1, p)), rng.uniform(-2, 3, (2, p)), rng.uniform(-10, 10, (2, p))
        ])  # fmt: skip
        found, _, tried = all_roots(coordinates(*with_roots(known, seed)), np.zeros((1, p)), p)
        thetas = np.array([one.theta for one in found])
        # A round of starts in three boxes, and at least another.
        assert tried >= 2 * 3 * 48 * p
        for theta in known:
            # Phi was made by solving: the roots are known to ten digits or so.
            assert np.abs(thetas - theta).max(axis=1).min() < 1e-6, (seed, theta)


@pytest.mark.parametrize("p", [2, 3])
def test_starts_out_of_this_world_end_nowhere_in_silence(p: int) -> None:
    # Warnings are errors here: powers of such coefficients overflow.
    system = coordinates(*with_roots(np.array([[0.5] * p, [1.0] + [-0.5] * (p - 1)]), 3))
    far = np.vstack([np.eye(p) * 10.0**power for power in (5, 20, 120, 300)])
    found, _ = roots(system, far)
    assert all(np.abs(one.theta).max() < 1e3 and one.norm < 1e-8 for one in found)
    assert all(np.abs(one.theta).max() < 1e3 for one in minima(system, far))


def estimated(rows: Selection, free: tuple[str, ...], start: tuple[float, ...], translog: bool) -> TwoStageEstimate:
    inputs = read_inputs(rows, Roles("y", free, ("k",), "m", (), 2, translog=translog))
    return estimate_two_stage(
        inputs, np.ones(rows.n_panel, dtype=bool), Recipe(within=True, translog=translog, start=start)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "free", "starts"),
    [
        (panel(), ("l",), ((), (0.98, 0.02), (-9.0, 9.0))),
        (simulate(200, 7, second_inputs=True), ("l", "l2"), ((), (1.0, 0.0, 0.0), (9.0, -9.0, 3.0))),
    ],
)
def test_the_list_of_roots_does_not_hang_on_the_start(
    rows: Selection, free: tuple[str, ...], starts: tuple[tuple[float, ...], ...]
) -> None:
    lists = [np.array([one.theta for one in estimated(rows, free, start, False).found]) for start in starts]
    for other in lists[1:]:
        np.testing.assert_allclose(other, lists[0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("survival", [False, True])
def test_no_criterion_outside_the_region_is_lower(survival: bool) -> None:
    rows = leaving(250, 8) if survival else panel()
    keys = {"output": "y", "free": ("l",), "state": ("k",), "proxy": "i", "degree": 2, "survival": survival}
    inputs = olley_pakes.Options(**keys)  # type: ignore[arg-type]
    fit = olley_pakes.fit("tfp", inputs, rows, np.ones(rows.n_panel, dtype=bool))
    (estimate,) = olley_pakes.resampler(inputs, rows, np.ones(rows.n_panel, dtype=bool), fit).estimates
    system = coordinates(estimate.stage, estimate.given)
    lowest = minima(system, np.array([[float(fit.groups[0].coefficients[1])]]))[0].criterion
    region = system.region(lowest)
    assert region is not None
    centre, axes = region
    grid = np.concatenate([np.linspace(-20, 20, 4001), centre[0] + np.linspace(-1, 1, 4001) * axes[0, 0]])[:, None]
    criteria = np.sum(system.residuals(grid)[0] ** 2, axis=1)
    outside = np.abs(grid[:, 0] - centre[0]) > abs(axes[0, 0])
    assert np.all(criteria[outside] > lowest)
    # The estimate is the lowest of all.
    assert criteria.min() > lowest * (1 - 1e-9)


def resampled(rows: Selection, counts: FloatArray) -> Selection:
    """The panel of the firms that were drawn, each copy a firm of its own."""
    at, firm, number = [], [], 0
    for code, count in enumerate(counts.astype(int).tolist()):
        own = np.flatnonzero(rows.firm == code)
        for _ in range(count):
            at.append(own)
            firm.append(np.full(len(own), number))
            number += 1
    kept = np.concatenate(at)
    columns = {
        name: TextColumn(column.codes[kept], column.levels)
        if isinstance(column, TextColumn)
        else NumberColumn(column.values[kept])
        for name, column in rows.columns.items()
    }
    return Selection(np.arange(len(kept)), np.concatenate(firm), rows.year[kept], columns, len(kept), {})


def rare_level() -> Selection:
    """A control of which one level is that of two firms: most draws hold one of them, a seventh none."""
    rows = simulate(120, 3, ragged=True)
    kind = ["rare" if firm < 2 else f"k{firm % 2}" for firm in rows.firm]
    return selection({name: rows.number(name) for name in "ylkm"} | {"kind": kind}, rows.firm, rows.year)


CASES: dict[str, tuple[Any, Selection, dict[str, Any], int]] = {
    "two minima": (olley_pakes, panel(), {"degree": 2, "proxy": "i"}, 6),
    "exit": (olley_pakes, leaving(250, 8), {"degree": 2, "proxy": "i",
                                            "survival": olley_pakes.SurvivalKeys(degree=2)}, 8),
    "two states": (levinsohn_petrin, simulate(150, 3, second_inputs=True),
                   {"degree": 2, "state": ("k", "k2"), "free": ("l", "l2")}, 8),
    "a level lost": (levinsohn_petrin, rare_level(), {"degree": 2, "controls": ("kind",)}, 25),
    "three roots": (ackerberg_caves_frazer, panel(), {"degree": 2}, 12),
    "three roots, small": (ackerberg_caves_frazer, between(150, 5), {"degree": 2}, 12),
}  # fmt: skip


def drawn_and_refitted(case: str) -> tuple[FloatArray, FloatArray]:
    method, rows, changes, n_draws = CASES[case]
    options = method.Options(**({"output": "y", "free": ("l",), "state": ("k",), "proxy": "m"} | changes))
    use = np.ones(rows.n_panel, dtype=bool)
    fit = method.fit("tfp", options, rows, use)
    n = int(rows.firm.max()) + 1
    counts = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=n_draws).astype(float)
    (drawn,) = method.resampler(options, rows, use, fit).draw(counts)
    if method is ackerberg_caves_frazer:
        # Of a draw's roots the one nearest to the estimate is taken.
        options = options.model_copy(update={"start": tuple(fit.groups[0].coefficients)})
    again = []
    for one in counts:
        copied = resampled(rows, one)
        again.append(method.fit("tfp", options, copied, np.ones(copied.n_panel, dtype=bool)).groups[0].coefficients)
    return drawn[:, : len(again[0])], np.array(again)


@pytest.mark.parametrize("case", CASES)
def test_a_draw_is_the_refit_of_its_firms(case: str) -> None:
    drawn, again = drawn_and_refitted(case)
    # Newton's steps of a draw end at cosines of 1e-10.
    np.testing.assert_allclose(drawn, again, rtol=1e-6, atol=1e-7)


def test_draws_that_end_at_another_minimum_are_counted_and_are_the_lowest() -> None:
    rows = panel()
    options = olley_pakes.Options(output="y", free=("l",), state=("k",), proxy="i", degree=2)
    use = np.ones(rows.n_panel, dtype=bool)
    fit = olley_pakes.fit("tfp", options, rows, use)
    assert "2 local minima (k 0.0032; k 0.1044)" in fit.groups[0].notes[-1]
    n = int(rows.firm.max()) + 1
    counts = np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=600).astype(float)
    # Of these 600 draws eight have their lowest minimum near the full sample's other one.
    counts = counts[[106, 219, 309, 329, 0, 1, 2, 45, 80]]
    resampler = olley_pakes.resampler(options, rows, use, fit)
    (drawn,) = resampler.draw(counts)
    moved = np.abs(drawn[:, 1] - 0.1044) < np.abs(drawn[:, 1] - 0.0032)
    np.testing.assert_array_equal(moved, [True] * 4 + [False] * 5)
    assert resampler.told([drawn]) == ((
        "in 4 of 9 draws of the bootstrap the lowest local minimum lies nearer to another local minimum of the full "
        "sample than to the estimate",
    ),)  # fmt: skip
    for one, count in zip(drawn, counts, strict=True):
        copied = resampled(rows, count)
        everyone = np.ones(copied.n_panel, dtype=bool)
        refit = olley_pakes.fit("tfp", options, copied, everyone)
        np.testing.assert_allclose(one, refit.groups[0].coefficients, rtol=1e-6, atol=1e-7)
        # Brute force: no point of a fine grid is lower.
        (estimate,) = olley_pakes.resampler(options, copied, everyone, refit).estimates
        system = coordinates(estimate.stage, estimate.given)
        criteria = [
            np.sum(system.residuals(at)[0] ** 2, axis=1) for at in (np.linspace(-1, 1, 4001)[:, None], one[1:, None])
        ]
        assert criteria[0].min() > criteria[1][0] * (1 - 1e-9)


def test_what_a_resampler_says_of_its_draws_reaches_the_record(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = panel()
    options = olley_pakes.Options(output="y", free=("l",), state=("k",), proxy="i", degree=2)
    use = np.ones(rows.n_panel, dtype=bool)
    fit = olley_pakes.fit("tfp", options, rows, use)
    resampler = olley_pakes.resampler(options, rows, use, fit)
    own, rng = fit.groups[0].coefficients, np.random.default_rng(4)

    def drawn(_: Any, counts: FloatArray) -> tuple[FloatArray, ...]:
        found = own + rng.normal(0, 0.003, (len(counts), 2))
        found[1::3, 1] = 0.1
        return (found,)

    monkeypatch.setattr(TwoStageResampler, "draw", drawn)
    at = blocks(3, fit.groups[0].influence_firms, int(rows.firm.max()) + 1)
    ((summary, _),) = bootstrap_elasticities(fit, resampler, at, 60)
    (note,) = summary.notes
    assert note.startswith("in 20 of 60 draws of the bootstrap the lowest local minimum lies nearer to another")
    batches = [drawn(None, np.ones((30, 1))) for _ in range(2)]
    assert told_of(fit, resampler, batches) == summary.notes


def test_a_translogs_draws_are_all_had() -> None:
    rows = between(150, 5)
    options = ackerberg_caves_frazer.Options(
        output="y", free=("l",), state=("k",), proxy="m", degree=2, technology="translog"
    )
    use = np.ones(rows.n_panel, dtype=bool)
    fit = ackerberg_caves_frazer.fit("tfp", options, rows, use)
    counts = np.random.default_rng(2).multinomial(150, np.full(150, 1 / 150), size=20).astype(float)
    (drawn,) = ackerberg_caves_frazer.resampler(options, rows, use, fit).draw(counts)
    assert np.isnan(drawn).any(axis=1).sum() == 0
    # The search of a refit, the full sample's, finds no root that is nearer to the estimate.
    logs = np.column_stack([rows.number("l"), rows.number("k")])
    slopes = [
        np.column_stack([np.ones(len(logs)), 0 * logs[:, 0], 2 * logs[:, 0], logs[:, 1], 0 * logs[:, 0]]),
        np.column_stack([0 * logs[:, 0], np.ones(len(logs)), 0 * logs[:, 0], logs[:, 0], 2 * logs[:, 1]]),
    ]
    first = np.append(True, rows.firm[1:] != rows.firm[:-1])

    def away(coefficients: FloatArray) -> float:
        off = coefficients - fit.groups[0].coefficients
        return float(np.sqrt(sum(np.mean((one[~first] @ off) ** 2) for one in slopes)))

    for counted, one in zip(counts[:6], drawn[:6], strict=True):
        refit = estimated(resampled(rows, counted), ("l",), (), True)
        raw = [
            refit.technology.to_raw([float(values[refit.stage.at].mean()) for values in refit.inputs.technology])[0]
            @ found.theta
            for found in refit.found
        ]
        nearest = min(raw, key=away)
        np.testing.assert_allclose(one, nearest, rtol=1e-5, atol=1e-6)
