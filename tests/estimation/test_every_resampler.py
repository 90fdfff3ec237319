"""Laws that the draws of every productivity estimator keep: what the bootstrap of the chain relies on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.registry import PRODUCTIVITY
from estimation.results import FloatArray, InfluenceResampler, LevelResampler, ProductivityFit, Resampler
from panels.frame import Selection
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


def drawn_again(method: str, rows: Selection, level: str = "residual") -> tuple[ProductivityFit, Resampler]:
    entry = PRODUCTIVITY[method]
    keys: dict[str, Any] = KEYS[method] | ({} if level == "residual" else {"tfp_from": level})
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
