"""Draws of a comparison of distributions: panels in which drawn firms stand several times, and the whole chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.bootstrap import blocks
from estimation.chain import FirstStageDraws, bootstrap_design, design_std_errors
from estimation.designs import distribution
from estimation.distribution_draws import DistributionDraws
from estimation.distribution_tests import distances
from estimation.productivity import wlp
from estimation.results import Estimates
from panels.frame import NumberColumn, Selection, TextColumn
from tests.estimation.duplicates import duplicated
from tests.estimation.firms import simulate
from tests.estimation.test_chain import moved_by
from tests.estimation.test_gmm_draws import drawn_from

N = 240
CASES = [(by, weight) for by in ("ai", "size") for weight in (None, "weight")]


def panel(seed: int = 4) -> Selection:
    """Simulated firms, of which some use AI in every year, with a size and a weight."""
    rows = simulate(N, seed, sectors=2)
    rng = np.random.default_rng(seed)
    uses, size = rng.random(N) < 0.4, rng.integers(0, 3, N)
    own: dict[str, Any] = {
        "ai": NumberColumn(uses[rows.firm].astype(float)),
        "size": TextColumn(size[rows.firm], ("small", "middle", "large")),
        "weight": NumberColumn(1.0 + rows.firm % 4),
    }
    return replace(rows, columns={**rows.columns, **own})


def with_tfp(rows: Selection, values: Any) -> Selection:
    kept = replace(rows, columns={**rows.columns, "tfp": NumberColumn(values)})
    return kept.take(~np.isnan(values))


def asked(by: str, weight: str | None, **more: Any) -> distribution.Options:
    keys: dict[str, Any] = {"outcome": "tfp", "by": by, "weights": weight, "quantiles": [0.25, 0.5, 0.8]}
    if by == "size":
        keys["reference"] = {"size": "middle"}
    return distribution.Options(**(keys | more))


def refitted(rows: Selection, options: distribution.Options) -> Estimates:
    return distribution.fit("m", options, rows, None)


@pytest.mark.parametrize(("by", "weight"), CASES)
def test_draws_are_the_comparison_of_firms_that_stand_several_times(by: str, weight: str | None) -> None:
    rows = panel()
    rows = with_tfp(rows, rows.number("y"))
    options = asked(by, weight, draws=99)
    design = distribution.resampler(options, rows, None)
    counts = blocks(3, np.arange(N), N).counts(0, 4)
    everyone = blocks(3, np.arange(N), N)
    drawn = design.draw(counts)
    errors = design_std_errors(design, drawn, everyone, counts)
    assert isinstance(design, DistributionDraws)
    far = drawn.distances_from(design)  # type: ignore[attr-defined]
    for number, own in enumerate(counts):
        again = refitted(duplicated(rows, own)[0], options)
        assert again.terms == design.terms
        # The same sums in another order.
        np.testing.assert_allclose(drawn.coefficients[number], again.coefficients, atol=1e-12)
        factor = np.sqrt(1 - 1 / again.n_firms)
        np.testing.assert_allclose(errors[number], again.std_errors * factor, rtol=1e-9)
    # The distance of a draw from the sample, by brute force on a grid of all values.
    level, base = (design.sample.group == one for one in (design.others[0], design.sample.base))
    y, w = design.sample.values, design.sample.weights
    grid = np.unique(y)
    own = counts[0, design.sample.firm]

    def function(inside: Any, weight: Any) -> Any:
        return np.array([weight[inside & (y <= at)].sum() for at in grid]) / weight[inside].sum()

    path = function(level, w * own) - function(base, w * own) - function(level, w) + function(base, w)
    np.testing.assert_allclose(far[0, 0, 0], np.abs(path).max(), atol=1e-12)


@pytest.mark.parametrize(("by", "weight"), CASES[::3])
def test_draws_of_the_chain_are_both_stages_on_firms_that_stand_several_times(by: str, weight: str | None) -> None:
    rows = panel()
    fit, resampler = drawn_from(rows, wlp, degree=2)
    kept = with_tfp(rows, fit.values)
    options = asked(by, weight, draws=99)
    design = distribution.resampler(options, kept, fit)
    counts = blocks(7, np.arange(N), N).counts(0, 3)
    drawn = design.draw(counts, moved_by(fit, resampler, counts))
    for found, own in zip(drawn.coefficients, counts, strict=True):
        many, _ = duplicated(rows, own)
        again, _ = drawn_from(many, wlp, degree=2)
        wanted = refitted(with_tfp(many, again.values), options)
        np.testing.assert_allclose(found, wanted.coefficients, atol=1e-8)


def test_the_first_stage_moves_quantiles_as_the_operator_says() -> None:
    """Of a smooth distribution dQ/dtheta is the mean of dy/dtheta at the quantile; of the mean it is exact."""
    rows = panel()
    fit, _ = drawn_from(rows, wlp, degree=1)
    kept = with_tfp(rows, fit.values)
    design = distribution.resampler(asked("ai", None), kept, fit)
    once = np.ones((1, N))
    q = len(fit.groups[0].parameters)
    operator = design.draw(once, (np.zeros((1, q)),)).operators[0][0]
    for parameter in range(q):
        step = np.zeros((1, q))
        step[0, parameter] = 0.05
        ends = [design.draw(once, (sign * step,)).coefficients[0] for sign in (-1, 1)]
        slope = (ends[1] - ends[0]) / 0.1
        assert operator[-1, parameter] == pytest.approx(slope[-1], abs=1e-10)
        # Quantiles of 1,000 rows move in small jumps.
        np.testing.assert_allclose(operator[:, parameter], slope, atol=0.25)


def test_the_chain_gives_errors_and_p_values() -> None:
    rows = panel()
    fit, resampler = drawn_from(rows, wlp, degree=1)
    kept = with_tfp(rows, fit.values)
    options = asked("ai", None)
    closed = distribution.fit("m", options, kept, fit)
    design = distribution.resampler(options, kept, fit)
    everyone = blocks(1, np.arange(N), N)
    summary = bootstrap_design(design, everyone, 199, FirstStageDraws(fit, resampler))
    # The first stage adds little here; 199 draws know a spread to 5 per cent, and the density at a quantile is rough.
    np.testing.assert_allclose(summary.std_errors, closed.std_errors, rtol=0.35)
    assert summary.tests["ks"] == pytest.approx(closed.stats["ks"], abs=1e-12)
    # Both are p-values of the same distance: by multipliers with the outcome as data, and by draws of both stages.
    assert summary.tests["ks_p_value"] == pytest.approx(closed.stats["ks_p_value"], abs=0.12)
    assert np.isfinite(summary.studentised).all()
    again = bootstrap_design(design, everyone, 199, FirstStageDraws(fit, resampler))
    assert again.tests == summary.tests
    asked_for = asked("ai", None, errors={"bootstrap": {"draws": 99}})
    waiting = distribution.fit("m", asked_for, kept, fit)
    assert waiting.stats["ks_p_value"] is None
    assert waiting.stats["dominance"] is None


def test_a_draw_without_a_group_has_no_gap_of_it_alone() -> None:
    rows = panel()
    rows = with_tfp(rows, rows.number("y"))
    design = distribution.resampler(asked("size", None), rows, None)
    codes = rows.columns["size"].codes  # type: ignore[union-attr]
    counts = np.ones((1, N))
    counts[0, np.unique(rows.firm[codes == 0])] = 0
    drawn = design.draw(counts)
    lost = [name for name, value in zip(design.terms, drawn.coefficients[0], strict=True) if np.isnan(value)]
    assert lost == ["gap[0.25,small]", "gap[0.5,small]", "gap[0.8,small]", "mean[small]"]
    far = drawn.distances_from(design)  # type: ignore[attr-defined]
    assert np.isnan(far[0, 0]).all()
    assert np.isfinite(far[0, 1]).all()
    assert np.isfinite(drawn.scores(0, N)).all()


def test_draws_do_not_depend_on_how_many_are_made_at_a_time() -> None:
    rows = panel()
    rows = with_tfp(rows, rows.number("y"))
    design = distribution.resampler(asked("ai", "weight"), rows, None)
    counts = blocks(3, np.arange(N), N).counts(0, 5)
    together = design.draw(counts)
    for number in range(5):
        alone = design.draw(counts[number : number + 1])
        np.testing.assert_array_equal(alone.coefficients[0], together.coefficients[number])
        np.testing.assert_array_equal(alone.scores(3, 50)[0], together.scores(3, 50)[number])


def test_distances_of_nothing_are_zero() -> None:
    assert not distances(np.array([1.0, 1.0]), np.array([0.5, -0.5])).any()
