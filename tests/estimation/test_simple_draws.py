"""Draws of firm effects, index numbers and system GMM: what a sample made of the drawn firms would give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.productivity import cost_shares, fixed_effects, system_gmm, tornqvist
from estimation.resamplers import InfluenceResampler, LevelResampler
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from tests.estimation.firms import simulate, with_columns
from tests.estimation.processes import dynamic

SHARES: dict[str, Any] = {"shares": {"l": "sl"}}
KEYS: list[tuple[Any, dict[str, Any]]] = [
    (fixed_effects, {"controls": ("year",)}),
    (cost_shares, SHARES),
    (cost_shares, SHARES | {"average": "median"}),
    (cost_shares, SHARES | {"separately_by": ("nace",), "min_firms": 15}),
    (tornqvist, SHARES),
    (tornqvist, SHARES | {"chained": True}),
    (tornqvist, SHARES | {"separately_by": ("nace",), "min_firms": 15}),
]
IDS = ["firm effects", "means", "medians", "means by sector", "index", "chain", "index by sector"]


def panel(n_firms: int = 60, seed: int = 2) -> Selection:
    rows = simulate(n_firms, seed, ragged=True, sectors=4)
    rng = np.random.default_rng(seed)
    own = rng.normal(0.6, 0.05, n_firms)[rows.firm]
    return with_columns(rows, sl=own + rng.normal(0, 0.02, rows.n_panel))


def fit_and_draws(rows: Selection, method: Any, changes: dict[str, Any]) -> tuple[ProductivityFit, Any]:
    options = method.Options(**({"output": "y", "free": ("l",), "state": ("k",)} | changes))
    everywhere = np.ones(rows.n_panel, dtype=bool)
    fit = method.fit("tfp", options, rows, everywhere)
    return fit, method.resampler(options, rows, everywhere, fit)


def made_of(rows: Selection, counts: FloatArray) -> Selection:
    """The panel in which a firm stands as often as it was drawn."""
    parts = [np.flatnonzero(rows.firm == firm) for firm in np.repeat(np.arange(len(counts)), counts.astype(int))]
    at = np.concatenate(parts)
    columns = {
        name: TextColumn(one.codes[at], one.levels) if isinstance(one, TextColumn) else NumberColumn(one.values[at])
        for name, one in rows.columns.items()
    }
    firm = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Selection(np.arange(len(at)), firm, rows.year[at], columns, len(at), {})


@pytest.mark.parametrize(("method", "changes"), KEYS, ids=IDS)
def test_every_firm_once_is_the_fit_itself(method: Any, changes: dict[str, Any]) -> None:
    rows = panel()
    fit, draws = fit_and_draws(rows, method, changes)
    found = draws.draw(np.ones((1, 60)))
    assert len(found) == len(fit.groups)
    for group, own in zip(fit.groups, found, strict=True):
        assert own.shape == (1, len(group.parameters))
        np.testing.assert_allclose(own[0, : len(group.terms)], group.coefficients, rtol=1e-12)
    if isinstance(draws, LevelResampler):
        np.testing.assert_allclose(draws.level(tuple(one[0] for one in found)), fit.values, atol=1e-12)


@pytest.mark.parametrize(("method", "changes"), KEYS, ids=IDS)
def test_a_draw_is_the_fit_to_the_drawn_firms(method: Any, changes: dict[str, Any]) -> None:
    rows = panel()
    _, draws = fit_and_draws(rows, method, changes)
    rng = np.random.default_rng(7)
    counts = np.array([np.bincount(rng.integers(0, 60, 60), minlength=60) for _ in range(3)], dtype=float)
    if "separately_by" in changes:  # groups stand on the rung of the full sample
        counts[:, :16] = np.maximum(counts[:, :16], 1)
        changes = changes | {"min_firms": 2}
    found = draws.draw(counts)
    for number, own in enumerate(counts):
        again, _ = fit_and_draws(made_of(rows, own), method, changes)
        for group, drawn in zip(again.groups, found, strict=True):
            np.testing.assert_allclose(drawn[number, : len(group.terms)], group.coefficients, rtol=1e-9)
        if isinstance(draws, LevelResampler):
            level = draws.level(tuple(one[number] for one in found))
            each = np.concatenate([level[rows.firm == firm] for firm in np.repeat(np.arange(60), own.astype(int))])
            np.testing.assert_allclose(again.values, each, atol=1e-10)


def test_influence_of_a_draw_of_firm_effects() -> None:
    rows = panel()
    fit, draws = fit_and_draws(rows, fixed_effects, {"controls": ("year",)})
    assert isinstance(draws, InfluenceResampler)
    (once,) = draws.redraw(np.ones((1, 60)))
    np.testing.assert_allclose(once.influence[0].T, fit.groups[0].influence, atol=1e-14)


def test_a_year_without_a_drawn_firm_has_no_chain() -> None:
    rows = panel(40)
    _, draws = fit_and_draws(rows, tornqvist, SHARES | {"chained": True})
    counts = np.zeros((1, 40))
    lacking = next(firm for firm in range(40) if len(rows.year[rows.firm == firm]) < len(np.unique(rows.year)))
    counts[0, lacking] = 40.0
    (found,) = draws.draw(counts)
    assert np.isnan(found[0]).any()


def test_draws_of_system_gmm_spread_as_its_error_says() -> None:
    # Six thousand firms: below, the instruments are weak and the draws have the tails of that.
    rows = dynamic(6000, 3)
    fit, draws = fit_and_draws(rows, system_gmm, {"controls": ("year",)})
    group = fit.groups[0]
    (once,) = draws.draw(np.ones((1, 6000)))
    np.testing.assert_allclose(once[0], group.coefficients, rtol=1e-9)
    rng = np.random.default_rng(1)
    counts = np.array([np.bincount(rng.integers(0, 6000, 6000), minlength=6000) for _ in range(150)], dtype=float)
    (found,) = draws.draw(counts)
    assert not np.isnan(found).any()
    # The spread of 150 draws is known to six per cent, three times that and a little for the approximation.
    ratio = np.std(found, axis=0, ddof=1) / np.sqrt(np.diag(group.covariance))
    assert (np.abs(ratio - 1) < 0.25).all(), ratio
    (redrawn,) = draws.redraw(counts[:2])
    np.testing.assert_allclose(redrawn.parameters, found[:2], rtol=1e-12)
    assert redrawn.influence.shape == (2, 2, 6000)
