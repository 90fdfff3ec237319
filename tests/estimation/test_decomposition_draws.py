"""Draws of a decomposition: panels in which drawn firms stand several times, and the error of a draw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.bootstrap import blocks
from estimation.chain import FirstStageDraws, bootstrap_design, design_std_errors
from estimation.designs import decomposition
from estimation.productivity import wlp
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from tests.estimation.duplicates import duplicated
from tests.estimation.firms import simulate
from tests.estimation.test_chain import moved_by
from tests.estimation.test_decomposition import panel
from tests.estimation.test_gmm_draws import drawn_from

CASES = [
    (method, by, weight)
    for method in ("olley_pakes", "melitz_polanec")
    for by in (None, "nace")
    for weight in (None, "weight")
]


def options(method: str, by: str | None, weight: str | None, **changes: Any) -> decomposition.Options:
    keys: dict[str, Any] = {"outcome": "tfp", "weights": "employees", "method": method, "by": by}
    return decomposition.Options(**(keys | {"sampling_weights": weight} | changes))


def leaving(n_firms: int = 240, seed: int = 4) -> Selection:
    """Simulated firms of three sectors, of which some enter late and some leave early, with a size."""
    rows = simulate(n_firms, seed, sectors=3)
    rng = np.random.default_rng(seed + 1)
    years = np.unique(rows.year)
    own = {
        "employees": NumberColumn(np.exp(rows.number("l") + 0.5 * rng.normal(size=n_firms)[rows.firm])),
        "weight": NumberColumn(1.0 + rows.firm % 4),
    }
    rows = replace(rows, columns={**rows.columns, **own})
    gone = ((rows.firm % 5 == 0) & (rows.year == years[0])) | ((rows.firm % 7 == 1) & (rows.year == years[-1]))
    kept = rows.take(~gone)
    return replace(kept, rows=np.arange(kept.firm.size), n_panel=kept.firm.size)


def with_tfp(rows: Selection, values: FloatArray) -> Selection:
    return replace(rows, columns={**rows.columns, "tfp": NumberColumn(values)})


def refitted(rows: Selection, asked: decomposition.Options, terms: tuple[str, ...]) -> FloatArray:
    found = decomposition.fit("m", asked, rows, None)
    return np.array([dict(zip(found.terms, found.coefficients, strict=True)).get(term, np.nan) for term in terms])


@pytest.mark.parametrize(("method", "by", "weight"), CASES)
def test_draws_are_the_decomposition_of_firms_that_stand_several_times(
    method: str, by: str | None, weight: str | None
) -> None:
    rows, asked = panel(), options(method, by, weight)
    design = decomposition.resampler(asked, rows, None)
    counts = blocks(3, np.arange(60), 60).counts(0, 6)
    found = design.draw(counts).coefficients
    for draw, own in zip(found, counts, strict=True):
        wanted = refitted(duplicated(rows, own)[0], asked, design.terms)
        # The same sums in another order, of numbers of order one.
        np.testing.assert_allclose(draw, wanted, atol=1e-12)


@pytest.mark.parametrize(("method", "by", "weight"), CASES)
def test_draws_of_the_chain_are_both_stages_on_firms_that_stand_several_times(
    method: str, by: str | None, weight: str | None
) -> None:
    rows, asked = leaving(), options(method, by, weight)
    changes: dict[str, Any] = {"degree": 1, "separately_by": ("nace",), "min_firms": 20} if by else {"degree": 2}
    fit, resampler = drawn_from(rows, wlp, **changes)
    design = decomposition.resampler(asked, with_tfp(rows, fit.values), fit)
    counts = blocks(7, np.arange(240), 240).counts(0, 3)
    found = design.draw(counts, moved_by(fit, resampler, counts)).coefficients
    for draw, own in zip(found, counts, strict=True):
        many, _ = duplicated(rows, own)
        again, _ = drawn_from(many, wlp, **changes)
        wanted = refitted(with_tfp(many, again.values), asked, design.terms)
        np.testing.assert_allclose(draw, wanted, atol=1e-8)


@pytest.mark.parametrize(("method", "by", "weight"), CASES[::3])
def test_the_standard_error_of_a_draw(method: str, by: str | None, weight: str | None) -> None:
    """The influence of every firm by brute force: its count moved, both stages estimated again."""
    rows, asked = leaving(100), options(method, by, weight)
    fit, resampler = drawn_from(rows, wlp, degree=1)
    design = decomposition.resampler(asked, with_tfp(rows, fit.values), fit)
    everyone = blocks(1, np.arange(100), 100)
    counts = everyone.counts(0, 1)
    drawn = design.draw(counts, moved_by(fit, resampler, counts))
    psi = numerically(design, fit, resampler, counts)
    own = numerically(design, fit, None, counts)
    np.testing.assert_allclose(design_std_errors(design, design.draw(counts), everyone, counts)[0],
                               np.sqrt(counts[0] @ own**2), rtol=1e-6)  # fmt: skip
    # Both stages: scores of the design, and the operator on the first stage's influence functions.
    redrawn = resampler.redraw(counts)  # type: ignore[attr-defined]
    joint = np.zeros((len(design.terms), 100))
    joint[:, design.firms] = drawn.scores(0, len(design.firms))[0]
    for number, operator in drawn.operators.items():
        joint[:, fit.groups[number].influence_firms] += operator[0] @ redrawn[number].influence[0]
    # Central differences are off by the square of the step, 1e-8 of the third derivative.
    np.testing.assert_allclose(joint.T, psi, atol=1e-6 * np.abs(psi).max())


def numerically(design: Any, fit: ProductivityFit, resampler: Any, counts: FloatArray) -> FloatArray:
    found = []
    for firm in range(counts.shape[1]):
        ends = []
        for sign in (-1, 1):
            own = counts.copy()
            own[0, firm] += sign * 1e-4
            moved = () if resampler is None else moved_by(fit, resampler, own)
            ends.append(design.draw(own, moved).coefficients[0])
        found.append((ends[1] - ends[0]) / 2e-4)
    return np.array(found)


@pytest.mark.parametrize("method", ["olley_pakes", "melitz_polanec"])
def test_errors_of_the_estimate_are_those_of_the_closed_form(method: str) -> None:
    rows, asked = leaving(), options(method, "nace", None)
    fit, resampler = drawn_from(rows, wlp, degree=1)
    full = with_tfp(rows, fit.values)
    closed = decomposition.fit("m", asked, full, fit)
    design = decomposition.resampler(asked, full, fit)
    everyone = blocks(1, np.arange(240), 240)
    once = np.ones((1, 240))
    found = design_std_errors(design, design.draw(once), everyone, once)[0]
    naive = decomposition.fit("m", options(method, "nace", None), full, None)
    # G/(G-1) stands in the closed form alone.
    np.testing.assert_allclose(found, naive.std_errors * np.sqrt(1 - 1 / naive.n_firms), rtol=1e-9)
    summary = bootstrap_design(design, everyone, 499, FirstStageDraws(fit, resampler))
    # The spread of 499 draws is known to 3 per cent; skewed terms of 240 firms leave a tenth.
    np.testing.assert_allclose(summary.std_errors, closed.std_errors, rtol=0.2)


def test_a_draw_without_a_groups_survivors_has_no_change_within() -> None:
    rows, asked = panel(), options("melitz_polanec", "nace", None)
    design = decomposition.resampler(asked, rows, None)
    codes = rows.columns["nace"].codes  # type: ignore[union-attr]
    stays = np.isin(np.arange(60) % 5, [2, 3, 4])
    counts = np.ones((2, 60))
    b = np.isin(np.arange(60), rows.firm[codes == 1])
    counts[0, b & stays] = 0
    counts[1, b] = 0
    found = dict(zip(design.terms, design.draw(counts).coefficients.T, strict=True))
    assert [name for name, values in found.items() if np.isnan(values[0])] == ["within", "between", "entry", "exit"]
    # A group that nobody of is drawn is no group of the draw.
    wanted = refitted(rows.take(codes != 1), asked, design.terms)
    np.testing.assert_allclose([values[1] for values in found.values()], wanted, atol=1e-12)


def test_a_group_without_activity_has_a_share_of_zero() -> None:
    rows = panel()
    codes = rows.columns["nace"].codes  # type: ignore[union-attr]
    idle = NumberColumn(np.where(codes == 1, 0.0, rows.number("employees")))
    rows = replace(rows, columns={**rows.columns, "employees": idle})
    found = decomposition.fit("m", options("olley_pakes", "nace", None), rows, None)
    assert np.isfinite(found.coefficients).all()
    assert np.isfinite(found.std_errors).all()


def test_draws_do_not_depend_on_how_many_are_made_at_a_time() -> None:
    rows = panel()
    design = decomposition.resampler(options("melitz_polanec", "nace", "weight"), rows, None)
    counts = blocks(3, np.arange(60), 60).counts(0, 8)
    together = design.draw(counts).coefficients
    for number in range(8):
        alone = design.draw(counts[number : number + 1]).coefficients[0]
        np.testing.assert_allclose(alone, together[number], rtol=1e-12)
