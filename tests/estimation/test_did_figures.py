"""What the figures of models are computed from: cells, coefficients, comparisons, honest intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.designs import cross_section
from estimation.figures import bacon, coefficients, group_time, honest
from estimation.figures.question import FigureQuestion
from estimation.registry import ANY, FIGURES
from estimation.results import Estimates
from specs.errors import EstimationError
from tests.estimation.rows import reference_panel
from tests.estimation.test_did_beyond import firms
from tests.estimation.test_did_design import estimate, waves


def points(kind: Callable[..., Any], keep: tuple[str, ...] = (), **fits: Estimates) -> list[Any]:
    return list(computed(kind, keep, **fits).series)


def computed(kind: Callable[..., Any], keep: tuple[str, ...] = (), **fits: Estimates) -> Any:
    named = {name: replace(one, name=name) for name, one in fits.items()}
    return kind(FigureQuestion("f", "k", tuple(fits), None, None, 10, keep), None, named)


def test_cells_are_the_group_time_effects_and_their_base_periods() -> None:
    rows = firms(1, (2018.0, 2020.0, np.nan))
    model = estimate(rows, estimator=("callaway_santanna", "imputation"))
    drawn = points(group_time.compute, m=model)
    assert {one.label for one in drawn} == {"m, callaway_santanna", "m, imputation"}
    own = [one for one in drawn if one.estimator == "callaway_santanna, cells"]
    assert [(one.cohort, one.year) for one in own] == [(g, t) for g in (2018, 2020) for t in range(2015, 2023)]
    assert [(one.cohort, one.year) for one in own if one.reference] == [(2018, 2017), (2020, 2019)]
    part = next(one for one in model.parts if one.estimator == "callaway_santanna, cells")
    for one in own:
        if not one.reference:
            at = part.terms.index(one.term)
            assert (one.estimate, one.conf_low) == (part.coefficients[at], part.inference.conf_low[at])
            assert (one.p_value, one.n_firms) == (part.inference.p_values[at], 20)
    # Imputation has no effects before treatment, and no base period.
    assert min(one.year - one.cohort for one in drawn if one.estimator == "imputation, cells") == 0
    assert {one.label for one in points(group_time.compute, m=estimate(rows))} == {"m"}


def test_short_differences_have_no_common_base_period() -> None:
    rows = firms(2, (2018.0, np.nan))
    drawn = points(group_time.compute, m=estimate(rows, base_period="varying"))
    assert not any(one.reference for one in drawn)
    early = points(group_time.compute, m=estimate(rows, anticipation=1))
    assert [one.year for one in early if one.reference] == [2016]
    between = points(group_time.compute, m=estimate(waves(), adoption={"indicator": "ai", "waves": [2021, 2023]}))
    assert [(one.year, one.reference) for one in between] == [
        (2018, False), (2019, False), (2020, True), (2023, False),
    ]  # fmt: skip


def test_coefficients_of_models_of_any_design() -> None:
    rows = firms(3, (2018.0, np.nan))
    did = estimate(rows, estimator=("callaway_santanna", "twfe"))
    options = cross_section.Options.model_validate({"design": "cross_section", "formula": "ln_tfp ~ ai + size"})
    cross = cross_section.fit("cross", options, reference_panel(2023), None)
    drawn = points(coefficients.compute, did=did, cross=cross)
    assert {one.label for one in drawn} == {"did, callaway_santanna", "did, twfe", "cross"}
    assert "constant" not in {one.term for one in drawn}
    assert {one.design for one in drawn} == {"did", "cross_section"}
    ai = next(one for one in drawn if one.term == "ai")
    at = cross.terms.index("ai")
    assert (ai.estimator, ai.estimate, ai.conf_high) == ("ols", cross.coefficients[at], cross.conf_high[at])
    # A factor keeps all of its levels, a term itself alone, the constant where it is named.
    kept = [one.term for one in points(coefficients.compute, ("size", "constant"), cross=cross)]
    assert kept == [term for term in cross.terms if term.startswith(("size", "constant"))]
    assert [one.term for one in points(coefficients.compute, ("size[250+]",), cross=cross)] == ["size[250+]"]
    told = computed(coefficients.compute, ("att[simple]",), did=did, cross=cross)
    assert told.notes == ("cross has none of att[simple]",)
    assert FIGURES["coefficients"].models == ANY


def test_comparisons_and_their_sum() -> None:
    model = estimate(firms(4, (2018.0, 2020.0, np.nan)), estimator="twfe")
    drawn = points(bacon.compute, m=model)
    assert sum(one.weight for one in drawn) == pytest.approx(1.0, abs=1e-13)
    average = model.coefficients[model.terms.index("att[simple]")]
    assert sum(one.weight * one.estimate for one in drawn) == pytest.approx(average, abs=1e-12)
    assert [one.average for one in drawn] == pytest.approx([average] * len(drawn), abs=1e-12)
    assert {(one.n_firms, one.n_treated_firms) for one in drawn} == {(40, 20)}


def test_honest_intervals_stand_after_the_models_own() -> None:
    keys: dict[str, Any] = {"sensitivity": {"honest": {"relative_magnitudes": (2, 0.5), "smoothness": (0.1,)}}}
    model = estimate(firms(5, (2019.0, np.nan)), **keys)
    drawn = points(honest.compute, m=model)
    told = [(one.restriction, one.bound) for one in drawn]
    assert told == [
        ("relative_magnitudes", None), ("relative_magnitudes", 0.5), ("relative_magnitudes", 2.0),
        ("smoothness", None), ("smoothness", 0.1),
    ]  # fmt: skip
    at = model.terms.index("event[0]")
    assert {one.estimate for one in drawn} == {model.coefficients[at]}
    assert (drawn[0].conf_low, drawn[0].conf_high) == (model.conf_low[at], model.conf_high[at])
    assert drawn[1].conf_low > drawn[2].conf_low
    record = model.sensitivity["honest"]  # type: ignore[index]
    assert drawn[0].breakdown == record["breakdown_magnitude"]
    assert drawn[3].breakdown == record["breakdown_smoothness"]
    assert math.isfinite(drawn[0].breakdown)


def test_what_cannot_be_drawn() -> None:
    rows = firms(6, (2018.0, 2020.0, np.nan))
    plain, twfe = estimate(rows), estimate(rows, estimator="twfe")
    with pytest.raises(EstimationError, match="no effect by cohort and year"):
        points(group_time.compute, m=twfe)
    with pytest.raises(EstimationError, match="5 maps in one picture"):
        points(group_time.compute, **{f"m{place}": plain for place in range(5)})
    with pytest.raises(EstimationError, match="no comparisons: m: twfe is not among its estimators"):
        points(bacon.compute, m=plain)
    assert computed(bacon.compute, m=plain, t=twfe).notes == ("not drawn: m: twfe is not among its estimators",)
    with pytest.raises(EstimationError, match="no honest intervals were estimated"):
        points(honest.compute, m=plain)
    with pytest.raises(EstimationError, match=r"no coefficient was estimated: none of pre"):
        points(coefficients.compute, ("pre",), m=plain)
    with pytest.raises(EstimationError, match="7 estimates of several terms cannot be told apart"):
        points(coefficients.compute, **{f"m{place}": plain for place in range(7)})
    # Of one term there may be many.
    assert len(points(coefficients.compute, ("att[simple]",), **{f"m{place}": plain for place in range(7)})) == 7
