"""Draws of linear productivity estimators: dense matrices, and panels in which drawn firms stand several times."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from estimation import gmm_draws, unit_products
from estimation.bootstrap import blocks
from estimation.productivity import ols, wlp, wooldridge
from estimation.resamplers import InfluenceResampler, Resampler
from estimation.results import FloatArray, ProductivityFit
from panels.frame import Selection, TextColumn
from tests.estimation.duplicates import duplicated
from tests.estimation.firms import simulate, with_columns
from tests.estimation.recentred import dense_system, recentred

KEYS: dict[str, Any] = {"output": "y", "free": ("l",), "state": ("k",)}


def drawn_from(rows: Selection, method: ModuleType, **changes: Any) -> tuple[ProductivityFit, Resampler]:
    """Fit a method on every row, and return what draws it again."""
    proxy = {"proxy": "m"} if "proxy" in method.Options.model_fields else {}
    options = method.Options(**(KEYS | proxy | changes))
    use = np.ones(rows.n_panel, dtype=bool)
    fit = method.fit("tfp", options, rows, use)
    resampler: Resampler = method.resampler(options, rows, use, fit)
    return fit, resampler


def counts_of(rows: Selection, draws: int, seed: int = 5) -> FloatArray:
    firms = int(rows.firm.max()) + 1
    return blocks(seed, np.arange(firms), firms).counts(0, draws)


def with_rare_levels(rows: Selection, levels: dict[str, tuple[int, ...]], first: bool = False) -> Selection:
    """Give a few firms sectors of their own, before or behind the others in the order of levels."""
    column = rows.columns["nace"]
    assert isinstance(column, TextColumn)
    codes, names = column.codes.copy(), tuple(levels)
    if first:
        codes += len(names)
    for number, firms in enumerate(levels.values()):
        codes[np.isin(rows.firm, firms)] = number if first else number + len(column.levels)
    ordered = (*names, *column.levels) if first else (*column.levels, *names)
    return replace(rows, columns={**rows.columns, "nace": TextColumn(codes, ordered)})


PLAIN = simulate(200, 3)
SECTORS = simulate(300, 3, sectors=4, ragged=True)
CONTROLS = {"controls": ("nace", "year")}


@pytest.mark.parametrize(
    ("rows", "changes"),
    [
        (PLAIN, {"degree": 3}),
        (PLAIN, {"degree": 2, "steps": 1}),
        (PLAIN, {"degree": 1, "gmm_weights": "robust"}),
        (PLAIN, {"degree": 2, "gmm_weights": "unadjusted"}),
        (SECTORS, {"degree": 2, **CONTROLS}),
        (SECTORS, {"degree": 2, **CONTROLS, "steps": 1}),
        (SECTORS, {"degree": 2, "sample": "all"}),
        (SECTORS, {"degree": 1, "sample": "all", "gmm_weights": "robust"}),
        (SECTORS, {"degree": 1, "sample": "all", "gmm_weights": "unadjusted"}),
    ],
)
def test_draws_are_the_recentred_system_in_dense_matrices(rows: Selection, changes: dict[str, Any]) -> None:
    fit, resampler = drawn_from(rows, wooldridge, **changes)
    assert fit.groups[0].rung == ("one-step" if changes.get("steps") == 1 else "two-step")
    system = dense_system(rows, changes["degree"], changes.get("controls", ()), changes.get("sample") != "all")
    counts = counts_of(rows, 4)
    found = resampler.draw(counts)[0]
    for draw, own in zip(found, counts, strict=True):
        wanted = recentred(system, own, changes.get("steps", 2), changes.get("gmm_weights", "cluster"))
        # The dense referee inverts cross-products of raw powers: it keeps ten digits.
        np.testing.assert_allclose(draw[:2], wanted, atol=1e-9)


@pytest.mark.parametrize("first", [False, True], ids=["last levels", "base level"])
def test_levels_that_no_drawn_firm_has_are_left_out_as_in_a_sample_of_its_own(first: bool) -> None:
    # One firm and two firms stand behind a level: several of the draws lack one or both.
    rows = with_rare_levels(SECTORS, {"T8": (7,), "T9": (9, 11)}, first)
    _, resampler = drawn_from(rows, wooldridge, degree=2, steps=1, **CONTROLS)
    system, counts = dense_system(rows, 2, ("nace", "year")), counts_of(rows, 8)
    assert ((counts[:, [9, 11]] == 0).all(axis=1) | (counts[:, 7] == 0)).sum() >= 3
    for draw, own in zip(resampler.draw(counts)[0], counts, strict=True):
        np.testing.assert_allclose(draw[:2], recentred(system, own, 1), atol=1e-9)  # as above


def test_moments_without_variance_in_a_draw_are_met_exactly() -> None:
    # Four firms behind a level: a draw with one of them has moments without variance, and the weight no inverse.
    rows = with_rare_levels(SECTORS, {"T9": (7, 9, 11, 13)})
    _, resampler = drawn_from(rows, wooldridge, degree=1, controls=("nace",))
    counts = np.ones((1, 300))
    counts[0, [7, 9, 11, 13]] = 2, 0, 0, 0
    system = dense_system(rows, 1, ("nace",))
    # The limit of a weight that grows without bound: 5e-6 away with a ridge of 1e-6, 5e-8 with one of 1e-8.
    wanted = recentred(system, counts[0], 2, ridge=1e-8)
    np.testing.assert_allclose(resampler.draw(counts)[0][0], wanted, atol=1e-6)


JUST_IDENTIFIED: list[tuple[ModuleType, dict[str, Any]]] = [
    (wlp, {"degree": 3}),
    (wlp, {"degree": 2, **CONTROLS}),
    (wlp, {"degree": 2, **CONTROLS, "tfp_from": "control_function"}),
    (wlp, {"degree": 2, **CONTROLS, "tfp_from": "control_function", "sample": "all"}),
    (wlp, {"degree": 2, "technology": "translog"}),
    (wlp, {"degree": 2, "weights": "w"}),
    (wlp, {"degree": 1, "separately_by": ("nace",), "min_firms": 30}),
    (ols, CONTROLS),
    (ols, {"technology": "translog", "controls": ("year",)}),
]


@pytest.mark.parametrize(("method", "changes"), JUST_IDENTIFIED)
def test_draws_are_the_estimate_on_firms_that_stand_several_times(method: ModuleType, changes: dict[str, Any]) -> None:
    weight = 0.5 + np.random.default_rng(1).random(len(SECTORS.firm))
    rows = with_columns(SECTORS, w=weight)
    fit, resampler = drawn_from(rows, method, **changes)
    counts = counts_of(rows, 3)
    found = resampler.draw(counts)
    origin = resampler.draw(np.ones((1, 300)))
    for number, own in enumerate(counts):
        many, where = duplicated(rows, own)
        again, _ = drawn_from(many, method, **changes)
        for group, draws in zip(again.groups, found, strict=True):
            # Euro for euro the same estimate: polynomials are standardised anew, which costs two digits.
            np.testing.assert_allclose(draws[number, : len(group.terms)], group.coefficients, atol=1e-9, rtol=1e-9)
        level = fit.values.copy()
        for group_number, draws in enumerate(found):
            inside = fit.group_of_row == group_number
            moved = draws[number] - origin[group_number][0]
            level[inside] += fit.gradient[inside, : len(moved)] @ moved
        np.testing.assert_allclose(level[where], again.values, atol=1e-8)


def test_survival_is_estimated_again_in_every_draw() -> None:
    rng = np.random.default_rng(8)
    rows = simulate(400, 9)
    age = rng.normal(size=len(rows.firm))
    rows = with_columns(rows, age=age)
    stays = rng.random(len(age)) < 1 / (1 + np.exp(-3 - 2 * age - 0.5 * rows.number("truth")))
    # A firm leaves for good.
    gone = np.concatenate([np.cumsum(~stays[rows.firm == firm]) - ~stays[rows.firm == firm] > 0 for firm in range(400)])
    rows = replace(rows.take(~gone), rows=np.arange(int((~gone).sum())), n_panel=int((~gone).sum()))
    changes = {"degree": 2, "survival": wlp.Options.model_fields["survival"].annotation.__args__[0](on=("age",))}
    fit, resampler = drawn_from(rows, wlp, **changes)
    assert not isinstance(resampler, InfluenceResampler)
    np.testing.assert_allclose(resampler.draw(np.ones((1, 400)))[0][0], fit.groups[0].coefficients, atol=1e-10)
    counts = counts_of(rows, 2)
    for number, own in enumerate(counts):
        again, _ = drawn_from(duplicated(rows, own)[0], wlp, **changes)
        # The probit of a draw converges to 1e-10 or so.
        np.testing.assert_allclose(resampler.draw(counts)[0][number], again.groups[0].coefficients, atol=1e-8)


def test_pooled_groups_share_their_draws() -> None:
    rows = with_rare_levels(SECTORS, {"T8": (7,), "T9": (9, 11)})
    fit, resampler = drawn_from(rows, wlp, degree=1, separately_by=("nace",), min_firms=30)
    pooled = [number for number, group in enumerate(fit.groups) if "pooled over all" in group.rung]
    assert len(pooled) == 2
    found = resampler.draw(counts_of(rows, 3))
    assert found[pooled[0]] is found[pooled[1]]


def test_a_draw_in_which_a_drawn_firms_level_is_left_open_has_no_estimate() -> None:
    # Firm 7 alone has the sector in equation 1; firm 9 has a value of TFP there, but no year before.
    rows = with_rare_levels(SECTORS, {"T9": (7, 9)})
    lonely = (rows.firm == 9) & (rows.year != rows.year[rows.firm == 9][0])
    rows = replace(rows.take(~lonely), rows=np.arange(int((~lonely).sum())), n_panel=int((~lonely).sum()))
    fit, resampler = drawn_from(rows, wlp, degree=1, tfp_from="control_function", controls=("nace",))
    assert np.isfinite(fit.values[rows.firm == 9]).all()
    counts = np.ones((3, 300))
    counts[0, 7] = 0  # firm 9 is drawn, its level is not
    counts[1, [7, 9]] = 0
    found = resampler.draw(counts)[0]
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:]).all()
    assert np.isfinite(drawn_from(rows, wlp, degree=1, controls=("nace",))[1].draw(counts)[0]).all()


def test_the_influence_functions_of_a_draw() -> None:
    fit, resampler = drawn_from(SECTORS, wlp, degree=2, **CONTROLS)
    assert isinstance(resampler, InfluenceResampler)
    once = resampler.redraw(np.ones((1, 300)))[0]
    np.testing.assert_allclose(once.influence[0].T, fit.groups[0].influence, atol=1e-12)
    counts = counts_of(SECTORS, 1)
    found = resampler.redraw(counts)[0]
    step = 1e-4
    for firm in (0, 40, 77):
        place = int(np.searchsorted(fit.groups[0].influence_firms, firm))
        ends = []
        for sign in (-1, 1):
            moved = counts.copy()
            moved[0, firm] += sign * step
            ends.append(resampler.draw(moved)[0][0])
        # The infinitesimal jackknife; central differences are off by the square of the step.
        np.testing.assert_allclose(found.influence[0][:, place], (ends[1] - ends[0]) / (2 * step), atol=1e-8)


def test_units_do_not_matter() -> None:
    counts = counts_of(SECTORS, 4)
    plain = drawn_from(SECTORS, wooldridge, degree=3, **CONTROLS)[1].redraw(counts)[0]
    # Euros in the place of millions: logs move by 6 ln 10.
    euros = with_columns(SECTORS, **{name: SECTORS.number(name) + 6 * np.log(10) for name in "ylkm"})
    moved = drawn_from(euros, wooldridge, degree=3, **CONTROLS)[1].redraw(counts)[0]
    np.testing.assert_allclose(moved.parameters, plain.parameters, rtol=1e-9)
    np.testing.assert_allclose(moved.influence, plain.influence, atol=1e-10)


def test_kept_products_and_products_made_anew_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = counts_of(SECTORS, 5)
    kept = drawn_from(SECTORS, wooldridge, degree=2, **CONTROLS)[1].draw(counts)[0]
    monkeypatch.setattr(unit_products, "KEPT_BYTES", 0)
    assert np.array_equal(drawn_from(SECTORS, wooldridge, degree=2, **CONTROLS)[1].draw(counts)[0], kept)


def test_the_size_of_batches_and_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = counts_of(SECTORS, 6)
    resampler = drawn_from(SECTORS, wooldridge, degree=2, **CONTROLS)[1]
    whole = resampler.draw(counts)[0]
    monkeypatch.setattr(gmm_draws, "BLOCK_VALUES", 50)
    parts = np.concatenate([resampler.draw(counts[:1])[0], resampler.draw(counts[1:])[0]])
    # Matrix products of other shapes add up in another order.
    np.testing.assert_allclose(parts, whole, rtol=1e-11)
