"""Instrumented models in draws of a bootstrap: refits on firms that stand several times, the chain, standard errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation import chain
from estimation.bootstrap import Blocks, blocks
from estimation.chain import FirstStageDraws, bootstrap_design, design_std_errors
from estimation.designs import cross_section
from estimation.iv import draws
from estimation.iv.draws import InstrumentedDraws
from estimation.productivity import wlp
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from specs.uncertainty import Errors
from tests.estimation.duplicates import duplicated
from tests.estimation.test_chain import last_year, moved_by, panel, with_tfp
from tests.estimation.test_gmm_draws import drawn_from

FIRMS = 300
FORMULA, INSTRUMENTS = "tfp ~ ai + size", {"ai": ("z", "nace")}


def options(**changes: Any) -> cross_section.Options:
    keys = {"formula": FORMULA, "method": "iv", "instruments": INSTRUMENTS, "reference": {"size": "a", "nace": "S0"}}
    return cross_section.Options.model_validate(keys | changes)


def rows_of() -> Selection:
    rows = panel(n_firms=FIRMS)
    draw = np.random.default_rng(8)
    z = rows.number("ai") + draw.normal(size=len(rows.rows))
    return replace(rows, columns={**rows.columns, "z": NumberColumn(z)})


def design_of(rows: Selection, fit: ProductivityFit | None = None, **changes: Any) -> InstrumentedDraws:
    found = cross_section.resampler(options(**changes), rows, fit)
    assert isinstance(found, InstrumentedDraws)
    return found


def refitted(rows: Selection, terms: tuple[str, ...], **changes: Any) -> FloatArray:
    fit = cross_section.fit("m", options(**changes), rows, None)
    found = dict(zip(fit.terms, fit.coefficients, strict=True))
    return np.array([found.get(term, np.nan) for term in terms])


def everyone() -> Blocks:
    return blocks(5, np.arange(FIRMS), FIRMS)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("held", [draws.BLOCK_VALUES, 1])
def test_draws_are_the_fit_on_firms_that_stand_several_times(
    weights: str | None, held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "BLOCK_VALUES", held)
    monkeypatch.setattr(draws, "KEPT_VALUES", held)
    rows = rows_of()
    rows = with_tfp(rows, rows.number("y"))
    design = design_of(rows, weights=weights)
    once = design.draw(np.ones((1, FIRMS))).coefficients[0]
    assert once == pytest.approx(refitted(rows, design.terms, weights=weights), abs=1e-11)
    counts = everyone().counts(0, 4)
    counts[0, :2] = 0  # nobody of size d
    counts[1:, :2] = 1
    found = design.draw(counts).coefficients
    for draw, own in zip(found, counts, strict=True):
        wanted = refitted(duplicated(rows, own)[0], design.terms, weights=weights)
        np.testing.assert_allclose(draw, wanted, atol=1e-9)
    assert np.isnan(found[0, design.terms.index("size[d]")])


def test_draws_of_the_chain_are_both_stages_on_firms_that_stand_several_times() -> None:
    rows = rows_of()
    for changes in ({"degree": 1}, {"degree": 1, "separately_by": ("nace",), "min_firms": 30}):
        fit, resampler = drawn_from(rows, wlp, **changes)
        design = design_of(last_year(with_tfp(rows, fit.values)), fit)
        counts = everyone().counts(0, 2)
        counts[:, :2] = 1
        found = design.draw(counts, moved_by(fit, resampler, counts)).coefficients
        for draw, own in zip(found, counts, strict=True):
            many, _ = duplicated(rows, own)
            again, _ = drawn_from(many, wlp, **changes)
            wanted = refitted(last_year(with_tfp(many, again.values)), design.terms)
            np.testing.assert_allclose(draw, wanted, atol=1e-8)


def test_standard_errors_of_draws() -> None:
    rows = last_year(rows_of())
    rows = with_tfp(rows, rows.number("y"))
    design, counts = design_of(rows), everyone().counts(0, 3)
    counts[:, :2] = 1
    errors = design_std_errors(design, design.draw(counts), everyone(), counts)
    for own, error in zip(counts, errors, strict=True):
        closed = cross_section.fit("m", options(errors=Errors("HC0")), duplicated(rows, own)[0], None)
        assert closed.terms == design.terms
        np.testing.assert_allclose(error, closed.std_errors, rtol=1e-8)


def test_the_chain_has_the_closed_form_s_standard_errors() -> None:
    rows = rows_of()
    fit, resampler = drawn_from(rows, wlp, degree=1)
    kept = with_tfp(rows, fit.values)
    design, errors = design_of(kept, fit), []
    inner = chain._std_errors
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "_std_errors", lambda *args: errors.append(inner(*args)) or errors[-1])
        found = bootstrap_design(design, everyone(), 199, FirstStageDraws(fit, resampler))
    closed = cross_section.fit("m", options(errors={"cluster": ["firm"]}), kept, fit)
    assert closed.errors.tfp_uncertainty == "include"
    n, g, k = closed.n_obs, FIRMS, len(closed.terms)
    factor = np.sqrt(g / (g - 1) * (n - 1) / (n - k))
    np.testing.assert_allclose(factor * errors[0][0], closed.std_errors, rtol=1e-9)
    # Sectors differ in productivity: they are no valid instruments, and draws see what the closed form does not, that
    # the average of instruments which disagree is itself estimated.
    place = design.terms.index("ai")
    assert closed.stats["overidentification"]["p_value"] < 0.01
    assert found.std_errors[place] > 1.3 * closed.std_errors[place]
    alone = {"instruments": {"ai": ("z",)}}
    found = bootstrap_design(design_of(kept, fit, **alone), everyone(), 199, FirstStageDraws(fit, resampler))
    closed = cross_section.fit("m", options(errors={"cluster": ["firm"]}, **alone), kept, fit)
    # The spread of 199 draws is known to five per cent: four of these.
    assert found.std_errors[place] == pytest.approx(closed.std_errors[place], rel=0.2)
