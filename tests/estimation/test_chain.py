"""The chain in draws: designs on counts of firms, an estimated outcome with them, standard errors of draws."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from estimation import chain
from estimation.bootstrap import Blocks, Summary, blocks
from estimation.chain import FirstStageDraws, bootstrap_design, bootstrap_elasticities, design_std_errors
from estimation.designs import cross_section
from estimation.productivity import levinsohn_petrin, ols, wlp, wooldridge
from estimation.regression_draws import RegressionDraws
from estimation.resamplers import AverageResampler, Resampler
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection, TextColumn
from specs.uncertainty import Errors
from tests.estimation.duplicates import duplicated
from tests.estimation.firms import simulate
from tests.estimation.test_gmm_draws import drawn_from

FIRMS = 300
LEVELS = ("a", "b", "c", "d")


def panel(seed: int = 3, n_firms: int = FIRMS, **changes: Any) -> Selection:
    """Simulated firms with a size, an indicator that firms with much capital take up, and a weight."""
    rows = simulate(n_firms, seed, sectors=3, **changes)
    rng = np.random.default_rng(seed + 1)
    size = rng.integers(0, 3, n_firms)
    size[:2] = 3
    k = rows.number("k")
    own = {
        "size": TextColumn(size[rows.firm], LEVELS),
        "ai": NumberColumn((k + rng.normal(0, 0.5, len(k)) > 5.5).astype(float)),
        "w": NumberColumn(rng.uniform(0.5, 2.0, len(k))),
        "region": TextColumn((rows.firm // 10) % 7, tuple("ABCDEFG")),
    }
    return replace(rows, columns={**rows.columns, **own})


def with_tfp(rows: Selection, values: FloatArray) -> Selection:
    return replace(rows, columns={**rows.columns, "tfp": NumberColumn(values)})


def last_year(rows: Selection) -> Selection:
    return rows.take(rows.year == rows.year.max())


def options(formula: str, **changes: Any) -> cross_section.Options:
    # Base levels are named: the most frequent one can be another in a draw.
    return cross_section.Options(formula=formula, reference={"size": "a", "nace": "S0"}, **changes)


def design_of(rows: Selection, formula: str, fit: ProductivityFit | None = None, **changes: Any) -> RegressionDraws:
    found = cross_section.resampler(options(formula, **changes), rows, fit)
    assert isinstance(found, RegressionDraws)
    return found


def everything(rows: Selection, seed: int = 5) -> Blocks:
    n = int(rows.firm.max()) + 1
    return blocks(seed, np.arange(n), n)


def refitted(rows: Selection, formula: str, terms: tuple[str, ...], **changes: Any) -> FloatArray:
    """Coefficients of a fit on these rows, by the terms of another; NaN for a term that it does not have."""
    fit = cross_section.fit("m", options(formula, **changes), rows, None)
    found = dict(zip(fit.terms, fit.coefficients, strict=True))
    return np.array([found.get(term, np.nan) for term in terms])


@pytest.mark.parametrize("weights", [None, "w"])
def test_draws_of_a_regression_are_the_fit_on_firms_that_stand_several_times(weights: str | None) -> None:
    rows = panel()
    design = design_of(rows, "y ~ size + ai + nace + ai:nace", weights=weights)
    counts = everything(rows).counts(0, 6)
    counts[0, :2] = 0  # nobody of size d
    found = design.draw(counts).coefficients
    for draw, own in zip(found, counts, strict=True):
        wanted = refitted(duplicated(rows, own)[0], "y ~ size + ai + nace + ai:nace", design.terms, weights=weights)
        np.testing.assert_allclose(draw, wanted, atol=1e-10)
    assert np.isnan(found[0, design.terms.index("size[d]")])


def test_a_base_level_that_no_drawn_firm_has_leaves_its_comparisons_open() -> None:
    rows = panel()
    design = design_of(rows.take(rows.firm < 40), "y ~ size + ai")
    counts = np.ones((1, FIRMS))
    base = np.unique(rows.firm[(rows.columns["size"].codes == 0)])  # type: ignore[union-attr]
    counts[0, base] = 0
    found = dict(zip(design.terms, design.draw(counts).coefficients[0], strict=True))
    assert np.isnan([found[term] for term in ("constant", "size[b]", "size[c]", "size[d]")]).all()
    drawn = rows.take((rows.firm < 40) & (counts[0, rows.firm] > 0))
    again = cross_section.fit("m", cross_section.Options(formula="y ~ size + ai"), drawn, None)
    np.testing.assert_allclose(found["ai"], again.coefficients[again.terms.index("ai")], atol=1e-10)


def test_a_draw_without_any_of_the_firms_has_no_estimate() -> None:
    rows = last_year(panel()).take(last_year(panel()).firm < 20)
    counts = np.zeros((1, FIRMS))
    counts[0, 50:] = 1
    assert np.isnan(design_of(rows, "y ~ ai").draw(counts).coefficients).all()


CHAINS: list[tuple[ModuleType, dict[str, Any], str]] = [
    (wlp, {"degree": 2, "controls": ("nace", "year")}, "tfp ~ size + ai + nace"),
    (wlp, {"degree": 2, "controls": ("nace",), "tfp_from": "control_function"}, "tfp ~ size + ai + nace"),
    (wlp, {"degree": 1, "separately_by": ("nace",), "min_firms": 30}, "tfp ~ size + ai + nace"),
    (ols, {"controls": ("year",)}, "tfp ~ ai"),
    (levinsohn_petrin, {"degree": 2}, "tfp ~ size + ai"),
]


@pytest.mark.parametrize(("method", "changes", "formula"), CHAINS)
@pytest.mark.parametrize("weights", [None, "w"])
def test_draws_of_the_chain_are_both_stages_on_firms_that_stand_several_times(
    method: ModuleType, changes: dict[str, Any], formula: str, weights: str | None
) -> None:
    rows = panel()
    fit, resampler = drawn_from(rows, method, **changes)
    design = design_of(last_year(with_tfp(rows, fit.values)), formula, fit, weights=weights)
    counts = everything(rows).counts(0, 3)
    counts[:, :2] = 1
    moved = moved_by(fit, resampler, counts)
    found = design.draw(counts, moved).coefficients
    for draw, own in zip(found, counts, strict=True):
        many, _ = duplicated(rows, own)
        again, _ = drawn_from(many, method, **changes)
        wanted = refitted(last_year(with_tfp(many, again.values)), formula, design.terms, weights=weights)
        # The roots of the two-stage estimator are polished to 1e-10 of its moments, the others are exact.
        np.testing.assert_allclose(draw, wanted, atol=1e-6 if method is levinsohn_petrin else 1e-8)


def moved_by(fit: ProductivityFit, resampler: Resampler, counts: FloatArray) -> tuple[FloatArray, ...]:
    origin = resampler.draw(np.ones((1, counts.shape[1])))
    return tuple(one - at for one, at in zip(resampler.draw(counts), origin, strict=True))


def test_a_group_that_a_draw_cannot_estimate_takes_the_draw_along_only_where_its_firms_are_drawn() -> None:
    rows = panel()
    fit, resampler = drawn_from(rows, wlp, degree=1, separately_by=("nace",), min_firms=30)
    design = design_of(last_year(with_tfp(rows, fit.values)), "tfp ~ ai", fit)
    counts = np.ones((2, FIRMS))
    moved = list(moved_by(fit, resampler, counts))
    moved[1] = np.full_like(moved[1], np.nan)
    sector = rows.columns["nace"].codes  # type: ignore[union-attr]
    counts[1, np.unique(rows.firm[sector == 1])] = 0
    found = design.draw(counts, tuple(moved)).coefficients
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def numerically(design: RegressionDraws, fit: ProductivityFit, resampler: Resampler, counts: FloatArray) -> FloatArray:
    """The influence of every firm on the coefficients of a draw, by moving its count."""
    found = []
    for firm in range(counts.shape[1]):
        ends = []
        for sign in (-1, 1):
            own = counts.copy()
            own[0, firm] += sign * 1e-4
            ends.append(design.draw(own, moved_by(fit, resampler, own)).coefficients[0])
        found.append((ends[1] - ends[0]) / 2e-4)
    return np.array(found)


@pytest.mark.parametrize("by", ["firm", "region"])
def test_the_standard_error_of_a_draw(by: str) -> None:
    rows = panel(n_firms=120)
    fit, resampler = drawn_from(rows, wlp, degree=1)
    formula = "tfp ~ ai + size"
    kept = with_tfp(rows, fit.values).take(rows.firm > 1)
    design = design_of(kept, formula, fit, weights="w")
    cluster = np.arange(120) if by == "firm" else (np.arange(120) // 10) % 7
    found = blocks(1, np.arange(120), 120, cluster)
    counts = found.counts(0, 1)
    psi = numerically(design, fit, resampler, counts)
    sums = np.zeros((120, len(design.terms)))
    np.add.at(sums, cluster, psi)
    drawn = np.zeros(120)
    drawn[cluster] = counts[0]
    wanted = np.sqrt(drawn @ sums**2)
    errors: list[FloatArray] = []

    def kept_errors(*arguments: Any) -> FloatArray:
        errors.append(chain_errors(*arguments))
        return errors[-1]

    chain_errors = chain._std_errors
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "_std_errors", kept_errors)
        bootstrap_design(design, replace(found, seed=1), 1, FirstStageDraws(fit, resampler))
    # First the estimate itself, then the draw. Central differences are off by the square of the step.
    np.testing.assert_allclose(errors[1][0], wanted, rtol=1e-6)


def test_standard_errors_of_the_estimate_are_those_of_the_closed_form() -> None:
    rows = panel()
    fit, resampler = drawn_from(rows, wlp, degree=2)
    kept = last_year(with_tfp(rows, fit.values))
    closed = cross_section.fit("m", options("tfp ~ ai + size", errors=Errors("HC0")), kept, fit)
    found = summary_of(kept, "tfp ~ ai + size", fit, resampler, 99)
    np.testing.assert_allclose(found[1], closed.std_errors, rtol=1e-10)


def summary_of(
    rows: Selection, formula: str, fit: ProductivityFit, resampler: Resampler, draws: int, **changes: Any
) -> tuple[Summary, FloatArray]:
    """The bootstrap of a chain, and the standard error of the estimate itself."""
    design = design_of(rows, formula, fit, **changes)
    errors: list[FloatArray] = []
    with pytest.MonkeyPatch.context() as patch:
        inner = chain._std_errors
        patch.setattr(chain, "_std_errors", lambda *args: errors.append(inner(*args)) or errors[-1])
        n = int(fit.groups[0].influence_firms.max()) + 1
        found = bootstrap_design(design, blocks(3, np.arange(n), n), draws, FirstStageDraws(fit, resampler))
    return found, errors[0][0]


@pytest.mark.parametrize("changes", [{}, {"steps": 1}, {"tfp_from": "control_function"}])
def test_the_spread_of_the_draws_is_near_the_closed_form(changes: dict[str, Any]) -> None:
    rows = panel(n_firms=1500)
    fit, resampler = drawn_from(rows, wooldridge, degree=2, controls=("nace",), **changes)
    found, closed = summary_of(last_year(with_tfp(rows, fit.values)), "tfp ~ ai + nace", fit, resampler, 399)
    assert found.failed == 0
    # The spread of 399 draws is known to 1 / sqrt(2 x 399) = 3.5 per cent: four of these.
    np.testing.assert_allclose(found.std_errors, closed, rtol=0.14)
    elasticities = bootstrap_elasticities(fit, resampler, blocks(3, np.arange(1500), 1500), 399)[0][0]
    np.testing.assert_allclose(elasticities.std_errors, fit.groups[0].inference.std_errors, rtol=0.14)


def test_average_elasticities_of_a_draw() -> None:
    rows = panel(n_firms=150)
    changes: dict[str, Any] = {"degree": 2, "technology": "translog", "weights": "w"}
    fit, resampler = drawn_from(rows, wlp, **changes)
    assert isinstance(resampler, AverageResampler)
    once, counts = np.ones((1, 150)), everything(rows).counts(0, 2)
    (average,) = resampler.averages(once, resampler.redraw(once))
    group = fit.groups[0]
    assert average is not None
    assert group.elasticities is not None
    np.testing.assert_allclose(average.parameters[0], group.elasticities.mean, rtol=1e-10)
    spread = group.small_sample * average.influence[0] @ average.influence[0].T
    np.testing.assert_allclose(spread, group.elasticities.covariance, rtol=1e-8)
    (average,) = resampler.averages(counts, resampler.redraw(counts))
    assert average is not None
    for number, own in enumerate(counts):
        again = drawn_from(duplicated(rows, own)[0], wlp, **changes)[0].groups[0].elasticities
        assert again is not None
        # Coefficients of a translog on raw logs lose digits that their sums do not.
        np.testing.assert_allclose(average.parameters[number], again.mean, atol=1e-7)
    found = bootstrap_elasticities(fit, resampler, everything(rows), 199)[0][1]
    assert found is not None
    # The spread of 199 draws is known to five per cent, and 150 firms are few.
    np.testing.assert_allclose(found.std_errors, group.elasticities.inference.std_errors, rtol=0.25)
    assert np.isfinite(found.studentised).all()


def test_the_size_of_batches_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = panel()
    fit, resampler = drawn_from(rows, wooldridge, degree=2, controls=("nace",))
    kept = last_year(with_tfp(rows, fit.values))
    whole, _ = summary_of(kept, "tfp ~ ai + size", fit, resampler, 99)
    again, _ = summary_of(kept, "tfp ~ ai + size", fit, resampler, 99)
    assert np.array_equal(whole.percentile, again.percentile)
    assert np.array_equal(whole.studentised, again.studentised)
    monkeypatch.setattr(chain, "BATCH_VALUES", 1)
    monkeypatch.setattr(chain, "STRETCH_VALUES", 1)
    parts, _ = summary_of(kept, "tfp ~ ai + size", fit, resampler, 99)
    # Matrix products of other shapes add up in another order.
    np.testing.assert_allclose(parts.percentile, whole.percentile, rtol=1e-9)
    np.testing.assert_allclose(parts.studentised, whole.studentised, rtol=1e-9)


def test_strata_take_away_the_spread_between_them() -> None:
    rng = np.random.default_rng(7)
    n = 400
    stratum = np.arange(n) % 4
    rows = panel(n_firms=n)
    y, x = 5.0 * stratum[rows.firm] + rng.normal(size=len(rows.firm)), rng.normal(size=len(rows.firm))
    rows = last_year(replace(rows, columns={"y": NumberColumn(y), "x": NumberColumn(x)}))
    design = design_of(rows, "y ~ x")
    plain = bootstrap_design(design, blocks(1, np.arange(n), n), 199)
    within = bootstrap_design(design, blocks(1, np.arange(n), n, None, stratum), 199)
    # Thirty of thirty-one parts of the variance lie between the strata: the mean's error falls to a fifth.
    assert within.std_errors[0] < 0.3 * plain.std_errors[0]


def test_standard_errors_of_a_design_alone() -> None:
    rows = last_year(panel())
    design, found = design_of(rows, "y ~ ai + size"), everything(panel())
    counts = found.counts(0, 3)
    errors = design_std_errors(design, design.draw(counts), found, counts)
    for own, error in zip(counts, errors, strict=True):
        many, _ = duplicated(rows, own)
        # HC0 on the duplicated rows: each row a firm of its own.
        closed = cross_section.fit("m", options("y ~ ai + size", errors=Errors("HC0")), many, None)
        place = [closed.terms.index(term) for term in design.terms if term in closed.terms]
        np.testing.assert_allclose(error[[term in closed.terms for term in design.terms]], closed.std_errors[place])
