"""What an event-study figure is computed from."""

from __future__ import annotations

import math
from typing import Any

import pytest

from estimation.figures.event_study import compute
from estimation.figures.question import FigureQuestion
from estimation.results import Estimates
from specs.errors import EstimationError
from tests.estimation.test_did_design import estimate, panel, waves


def points(**fits: Estimates) -> list[Any]:
    question = FigureQuestion("f", "event_study", tuple(fits), None, None, 10)
    return list(compute(question, None, fits).series)  # type: ignore[arg-type]


def named(found: Estimates, name: str) -> Estimates:
    from dataclasses import replace

    return replace(found, name=name)


def test_points_are_the_estimates_and_a_reference() -> None:
    model = named(estimate(panel(1)), "m")
    drawn = points(m=model)
    assert [one.at for one in drawn] == [-4, -3, -2, -1, 0, 1, 2, 3]
    reference = next(one for one in drawn if one.term == "reference")
    assert (reference.at, reference.estimate) == (-1, 0.0)
    assert math.isnan(reference.conf_low)
    critical = model.stats["sup_t_event"]
    for one in drawn:
        if one.term != "reference":
            at = model.terms.index(one.term)
            assert (one.estimate, one.conf_low) == (model.coefficients[at], model.conf_low[at])
            assert one.band_high == pytest.approx(one.estimate + critical * model.std_errors[at])  # type: ignore[operator]
            assert one.band_high > one.conf_high


def test_a_band_around_several_points_lies_between_one_and_bonferroni() -> None:
    critical = estimate(panel(2, firms=200)).stats["sup_t_event"]
    assert 1.96 < critical < 2.74  # type: ignore[operator]  # seven points: the normal's 1 - 0.025 / 7


def test_several_estimators_stand_side_by_side() -> None:
    model = named(estimate(panel(1), estimator=("callaway_santanna", "sun_abraham", "twfe")), "m")
    assert {one.label for one in points(m=model)} == {"m, callaway_santanna", "m, sun_abraham"}


def test_between_waves_the_years_are_drawn() -> None:
    model = named(estimate(waves(), adoption={"indicator": "ai", "waves": [2021, 2023]}), "m")
    drawn = points(m=model)
    assert [(one.at, one.term) for one in drawn] == [
        (2018, "pre[2018]"), (2019, "pre[2019]"), (2020, "reference"), (2023, "att[simple]"),
    ]  # fmt: skip
    assert {(one.unsure_from, one.unsure_to) for one in drawn} == {(2021, 2022)}


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(EstimationError, match="no effect by event time"):
        points(m=named(estimate(panel(1), aggregate=("simple",)), "m"))
    censored = named(estimate(waves(), adoption={"indicator": "ai", "waves": [2021, 2023]}), "c")
    with pytest.raises(EstimationError, match="do not go into one picture"):
        points(m=named(estimate(panel(1)), "m"), c=censored)
