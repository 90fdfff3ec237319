"""Draws of regressions with absorbed effects against fits on firms that stand several times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation import absorbed_draws
from estimation.bootstrap import blocks
from estimation.chain import FirstStageDraws, bootstrap_design
from estimation.designs import fixed_effects
from estimation.productivity import wlp
from estimation.results import FloatArray, ProductivityFit
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.duplicates import duplicated
from tests.estimation.firms import simulate

FIRMS = 80
FORMULAS = (
    "y ~ x + z | firm",
    "y ~ x + z | firm + year",
    "y ~ x + z | firm + nace^year",
    "y ~ x + z:nace | firm + year",
    "y ~ x + z | nace + year",
    "y ~ x + z | firm + branch^year + year",
)


def panel() -> Selection:
    rows = simulate(FIRMS, 3, 6, sectors=4, ragged=True)
    rng = np.random.default_rng(4)
    own = {name: NumberColumn(rng.normal(size=rows.firm.size)) for name in ("x", "z")}
    own["w"] = NumberColumn(rng.uniform(0.5, 2, rows.firm.size))
    # An effect of its own for firms that are seen once would leave with them.
    seen = np.bincount(rows.firm)[rows.firm]
    return replace(rows, columns={**rows.columns, **own}).take(seen > 1)


def options(formula: str, **keys: Any) -> fixed_effects.Options:
    return fixed_effects.Options.model_validate({"formula": formula, "reference": {"nace": "S0"}, **keys})


def refitted(rows: Selection, formula: str, **keys: Any) -> FloatArray:
    return fixed_effects.fit("m", options(formula, **keys), rows, None).coefficients


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_draw_is_the_fit_on_firms_that_stand_several_times(formula: str, weights: str | None) -> None:
    rows = panel()
    design = fixed_effects.resampler(options(formula, weights=weights), rows, None)
    n = int(rows.firm.max()) + 1
    counts = np.vstack([np.ones(n), blocks(5, np.arange(n), n).counts(0, 4)])
    found = design.draw(counts).coefficients
    for draw, own in zip(found, counts, strict=True):
        many, _ = duplicated(rows, own)
        # Rounding, of systems that are solved in another order.
        np.testing.assert_allclose(draw, refitted(many, formula, weights=weights), atol=1e-9)


def test_both_stages_are_drawn() -> None:
    rows = panel()
    keys = wlp.Options.model_validate({"output": "y", "free": ["l"], "state": ["k"], "proxy": "m", "degree": 1})

    def first(of: Selection) -> ProductivityFit:
        return wlp.fit("tfp", keys, of, np.ones(of.rows.size, dtype=np.bool_))

    def with_tfp(of: Selection, values: FloatArray) -> Selection:
        return replace(of, columns={**of.columns, "tfp": NumberColumn(values)})

    rows = replace(rows, rows=np.arange(rows.firm.size), n_panel=rows.firm.size)
    fit = first(rows)
    draws = wlp.resampler(keys, rows, np.ones(rows.rows.size, dtype=np.bool_), fit)
    asked = options("tfp ~ x + z | firm + year")
    design = fixed_effects.resampler(asked, with_tfp(rows, fit.values), fit)
    n = int(rows.firm.max()) + 1
    counts = blocks(6, np.arange(n), n).counts(0, 4)
    origin = draws.draw(np.ones((1, n)))
    moved = tuple(one - at for one, at in zip(draws.draw(counts), origin, strict=True))
    found = design.draw(counts, moved).coefficients
    for draw, own in zip(found, counts, strict=True):
        many, _ = duplicated(rows, own)
        wanted = fixed_effects.fit("m", asked, with_tfp(many, first(many).values), None).coefficients
        np.testing.assert_allclose(draw, wanted, atol=1e-9)
    # The standard error of the sample itself is that of the closed form, without its small-sample factor.
    closed = fixed_effects.fit("m", asked, with_tfp(rows, fit.values), fit)
    assert closed.errors.tfp_uncertainty == "include"
    summary = bootstrap_design(design, blocks(6, np.arange(n), n), 25, FirstStageDraws(fit, draws))
    # With 25 draws the spread has an error of a seventh of itself.
    np.testing.assert_allclose(summary.std_errors, closed.std_errors, rtol=0.6)


def test_standard_errors_of_a_draw_are_those_of_clusters_by_firm() -> None:
    from estimation.chain import design_std_errors

    rows = panel()
    asked = options("y ~ x + z | firm + nace^year", errors=Errors("cluster", (("firm",),)))
    design = fixed_effects.resampler(asked, rows, None)
    n = int(rows.firm.max()) + 1
    once = np.ones((1, n))
    found = design_std_errors(design, design.draw(once), blocks(1, np.arange(n), n), once)
    closed = fixed_effects.fit("m", asked, rows, None)
    clusters, levels = np.unique(rows.firm).size, 24
    factor = clusters / (clusters - 1) * (rows.firm.size - 1) / (rows.firm.size - 2 - levels)
    np.testing.assert_allclose(found[0] * np.sqrt(factor), closed.std_errors, rtol=1e-9)


def test_effects_that_are_too_many_columns_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absorbed_draws, "MOST_LEVELS", 5)
    with pytest.raises(EstimationError, match=r"6 levels of year on .* rows are too many to be estimated again"):
        fixed_effects.resampler(options("y ~ x | firm + year"), panel(), None)
