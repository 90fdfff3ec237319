"""Laws that the draws of every productivity estimator keep: what the bootstrap of the chain relies on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.bootstrap import blocks
from estimation.bootstrapped import bootstrapped_group
from estimation.chain import bootstrap_elasticities, redrawn_with_influence
from estimation.drawn_firms import DrawnFirms
from estimation.productivity.two_stage.draws import TwoStageResampler
from estimation.productivity.two_stage.solution import average_slopes
from estimation.productivity.wlp import Options as WlpOptions
from estimation.registry import PRODUCTIVITY
from estimation.resamplers import AverageResampler, InfluenceResampler, LevelResampler, Resampler
from estimation.results import Elasticities, FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from specs.uncertainty import Bootstrap
from tests.estimation.duplicates import duplicated
from tests.estimation.slopes import assert_slopes
from tests.estimation.test_every_estimator import KEYS, everywhere, firms

# Markups are made of another entry: test_markup.py has theirs.
DRAWN = sorted(name for name, entry in PRODUCTIVITY.items() if entry.resampler is not None and entry.parents is None)
# Their draws are recentred: the estimate on duplicated firms is another one.
RECENTRED = {"wooldridge", "gross_output", "system_gmm"}
LEVELS = [
    (method, level)
    for method in DRAWN
    for level in ("residual", "control_function")
    if level == "residual" or "tfp_from" in PRODUCTIVITY[method].options.model_fields
]


def drawn_again(
    method: str, rows: Selection, level: str = "residual", changes: dict[str, Any] | None = None
) -> tuple[ProductivityFit, Resampler]:
    entry = PRODUCTIVITY[method]
    keys: dict[str, Any] = KEYS[method] | ({} if level == "residual" else {"tfp_from": level}) | (changes or {})
    options = entry.options(**keys)
    fit = entry.fit("tfp", options, rows, everywhere(rows))
    assert entry.resampler is not None
    return fit, entry.resampler(options, rows, everywhere(rows), fit)


def level_at(
    fit: ProductivityFit, resampler: Resampler, draws: tuple[FloatArray, ...], origin: tuple[FloatArray, ...]
) -> FloatArray:
    """The column of the first draw, as the chain makes it."""
    if isinstance(resampler, LevelResampler):
        return resampler.level(tuple(one[0] for one in draws))
    values = fit.values.copy()
    for group, (one, at) in enumerate(zip(draws, origin, strict=True)):
        rows = np.flatnonzero(fit.group_of_row == group)
        values[rows] += fit.gradient[rows, : one.shape[1]] @ (one[0] - at[0])
    return values


@pytest.mark.parametrize(("method", "level"), LEVELS)
def test_a_draw_of_every_firm_once_is_the_estimate(method: str, level: str) -> None:
    rows = firms()
    fit, resampler = drawn_again(method, rows, level)
    once = np.ones((1, int(rows.firm.max()) + 1))
    found = resampler.draw(once)
    for one, group in zip(found, fit.groups, strict=True):
        assert one.shape == (1, len(group.parameters))
        np.testing.assert_allclose(one[0, : len(group.terms)], group.coefficients, atol=1e-12)
    np.testing.assert_allclose(level_at(fit, resampler, found, found), fit.values, atol=1e-12)
    if isinstance(resampler, InfluenceResampler):
        for one, group in zip(resampler.redraw(once), fit.groups, strict=True):
            assert one.influence.shape == (1, len(group.parameters), len(group.influence_firms))


@pytest.mark.parametrize(("method", "level"), [one for one in LEVELS if one[0] not in RECENTRED])
def test_the_level_of_a_draw_is_that_of_an_estimate_on_the_drawn_firms(method: str, level: str) -> None:
    rows = firms()
    fit, resampler = drawn_again(method, rows, level)
    rng = np.random.default_rng(5)
    for _ in range(20):
        counts = np.bincount(rng.integers(0, 220, 220), minlength=220).astype(float)
        draws = resampler.draw(counts[None])
        if not any(np.isnan(one).any() for one in draws):
            break
    many, where = duplicated(rows, counts)
    again, _ = drawn_again(method, many, level)
    if isinstance(resampler, LevelResampler):
        assert_slopes(resampler, tuple(one[0] for one in draws))
    difference = level_at(fit, resampler, draws, resampler.draw(np.ones((1, 220))))[where] - again.values
    assert np.array_equal(np.isnan(again.values), np.isnan(fit.values[where]))
    # A level's origin may stay where it is (the means of Gandhi, Navarro and Rivers' shares): differences of firms
    # and years have a meaning. Roots are polished to 1e-10 of their moments.
    np.testing.assert_allclose(difference, np.nanmean(difference), atol=1e-8)


SURVIVAL = WlpOptions.model_validate(KEYS["wlp"] | {"survival": {"on": ["age"]}}).survival
TRANSLOG: dict[str, Any] = {"technology": "translog", "degree": 2}
AVERAGED: dict[str, tuple[str, dict[str, Any]]] = {
    "wlp": ("wlp", TRANSLOG),
    "wlp, exit": ("wlp", TRANSLOG | {"survival": SURVIVAL}),
    "ackerberg_caves_frazer": ("ackerberg_caves_frazer", TRANSLOG),
    "gandhi_navarro_rivers": ("gandhi_navarro_rivers", {"tfp_from": "control_function"}),
}


def leaving(rows: Selection) -> Selection:
    """Firms that may leave for good, which their age decides."""
    rng = np.random.default_rng(8)
    age = rng.normal(size=len(rows.firm))
    stays = rng.random(len(age)) < 1 / (1 + np.exp(-3 - 2 * age))
    gone = np.concatenate(
        [np.cumsum(~own) - ~own > 0 for own in np.split(stays, np.flatnonzero(np.diff(rows.firm)) + 1)]
    )
    kept = replace(rows, columns={**rows.columns, "age": NumberColumn(age)}).take(~gone)
    return replace(kept, rows=np.arange(len(kept.firm)), n_panel=len(kept.firm))


def of(fit: ProductivityFit) -> list[Elasticities]:
    return [group.elasticities for group in fit.groups if group.elasticities is not None]


@pytest.mark.parametrize("case", AVERAGED)
def test_averages_of_a_draw_are_those_of_an_estimate_on_the_drawn_firms(case: str) -> None:
    method, changes = AVERAGED[case]
    rows = leaving(firms()) if "survival" in changes else firms()
    fit, resampler = drawn_again(method, rows, changes=changes)
    assert isinstance(resampler, AverageResampler)
    counts = np.vstack([np.ones(220), np.random.default_rng(3).multinomial(220, np.full(220, 1 / 220), size=2)])
    redrawn = redrawn_with_influence(fit, resampler, counts)
    averages = resampler.averages(counts, redrawn)
    assert len(of(fit)) == len(averages) == len(fit.groups)
    for one, group, own in zip(averages, fit.groups, of(fit), strict=True):
        assert one is not None
        np.testing.assert_allclose(one.parameters[0], own.mean, rtol=1e-9)
        spread = group.small_sample * one.influence[0] @ one.influence[0].T
        np.testing.assert_allclose(spread, own.covariance, rtol=1e-7)
    for number, count in enumerate(counts[1:], start=1):
        again, refit = drawn_again(method, duplicated(rows, count)[0], changes=changes)
        for place, (one, other) in enumerate(zip(averages, of(again), strict=True)):
            assert one is not None
            wanted = other.mean
            if isinstance(refit, TwoStageResampler):
                # A draw takes the root nearest to the estimate, a refit that nearest to its own linear equation.
                its = refit.estimates[place]
                slopes = average_slopes(its.inputs, its.stage, its.technology)
                wanted = min(
                    (slopes @ root.theta for root in its.found),
                    key=lambda mean: float(np.linalg.norm(mean - one.parameters[number])),
                )
            # Roots and probits are polished to 1e-10; a translog on raw logs loses digits that its sums do not.
            np.testing.assert_allclose(one.parameters[number], wanted, atol=1e-7)


@pytest.mark.parametrize("case", ["wlp, exit", "ackerberg_caves_frazer", "gandhi_navarro_rivers"])
def test_average_elasticities_have_the_errors_of_their_draws(case: str) -> None:
    method, changes = AVERAGED[case]
    rows = leaving(firms()) if "survival" in changes else firms()
    fit, resampler = drawn_again(method, rows, changes=changes)
    drawn = DrawnFirms(blocks(3, np.arange(220), 220), {"firm": 220}, {}, ())
    ((summary, averages),) = bootstrap_elasticities(fit, resampler, drawn.blocks, 25)
    assert averages is not None
    for interval, shown in (("percentile", averages.percentile), ("studentised", averages.studentised)):
        asked = Bootstrap(draws=25, interval=interval)
        group = bootstrapped_group(fit.groups[0], summary, averages, drawn, asked)
        assert group.elasticities is not None
        found = group.elasticities.inference
        np.testing.assert_array_equal(found.std_errors, averages.std_errors)
        np.testing.assert_array_equal(np.stack([found.conf_low, found.conf_high], axis=1), shown)
        assert np.isfinite(shown).all()
        # What the table prints are the averages: of them the bound is said, too; of terms that are the averages once.
        said = " ".join(group.notes)
        assert "closed form" not in said
        if method == "gandhi_navarro_rivers":
            np.testing.assert_array_equal(found.std_errors, group.inference.std_errors)
            assert "the average elasticity of" not in said
        elif (found.p_values < 2 / 25).any():
            assert "the average elasticity of" in said
