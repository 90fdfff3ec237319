"""Placebos, levels left out and figures of models with attrition weights, or of groups of firms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.figures import coefficients, event_study, group_time
from estimation.figures.parts import part_name
from estimation.results import Estimates
from panels.frame import NumberColumn, Selection
from tests.estimation.test_did_attrition import effect
from tests.estimation.test_did_attrition import estimate as weighed
from tests.estimation.test_did_attrition import panel as answering
from tests.estimation.test_did_beyond import firms
from tests.estimation.test_did_design import estimate
from tests.estimation.test_did_figures import points


def panel() -> Selection:
    rows = answering(3)
    z = np.random.default_rng(8).normal(size=rows.rows.size) + rows.number("x") * (rows.year - 2019)
    return replace(rows, columns={**rows.columns, "z": NumberColumn(z)})


def placebos(found: Estimates, key: str) -> Any:
    assert found.sensitivity is not None
    return found.sensitivity["placebo"][key][0]


def test_levels_leave_the_weighted_estimate() -> None:
    rows = panel()
    found = weighed(rows, sensitivity={"leave_out": "nace"})
    told = found.sensitivity["leave_out"]  # type: ignore[index]
    assert told["estimate"] == pytest.approx(effect(found), abs=1e-14)
    for code, one in enumerate(told["levels"]):
        without = weighed(rows.take(rows.columns["nace"].codes != code))  # type: ignore[union-attr]
        at = without.terms.index("att[simple]")
        assert (one["estimate"], one["std_error"]) == pytest.approx(
            (effect(without), without.std_errors[at]), abs=1e-13
        )


def test_placebos_have_the_weights() -> None:
    rows = panel()
    found = weighed(rows, sensitivity={"placebo": {"outcomes": ("z",)}})
    own = weighed(rows, outcome="z")
    at = own.terms.index("att[simple]")
    one = placebos(found, "outcomes")
    assert (one["estimate"], one["std_error"]) == pytest.approx((effect(own), own.std_errors[at]), abs=1e-13)
    # With the base year 2021 a placebo can begin in 2020, beside 2019.
    dated = {"placebo": {"dates": (2020,)}}
    later = {"indicator": "ai", "waves": (2021, 2023), "base_year": 2021}
    with_weights = placebos(weighed(rows, adoption=later, sensitivity=dated), "dates")
    without = placebos(weighed(rows, adoption=later, sensitivity=dated, attrition=None), "dates")
    assert with_weights["status"] == without["status"] == "ok"
    assert with_weights["n_treated_firms"] == without["n_treated_firms"]
    assert with_weights["estimate"] != pytest.approx(without["estimate"], rel=1e-4)


def test_groups_are_estimated_without_what_is_asked_of_the_whole() -> None:
    """Groups by sector have a single sector each: there is none to leave out of them."""
    rows = firms(21, (2018.0, np.nan))
    keys: dict[str, Any] = {"power": {"effect": 0.1}, "sensitivity": {"leave_out": "nace"}, "aggregate": ("simple",)}
    found = estimate(rows, split={"by": "nace"}, **keys)
    assert [one["level"] for one in found.sensitivity["leave_out"]["levels"]] == ["A", "B", "C"]  # type: ignore[index]
    assert [one.reason for one in found.parts if one.group] == ["", "", ""]
    assert found.power is not None


@pytest.mark.parametrize("kind", [group_time.compute, coefficients.compute, event_study.compute])
def test_points_are_named_as_the_parts_of_their_model(kind: Any) -> None:
    """By these names disclosure finds the coefficient that a point shows."""
    split = estimate(firms(22, (2018.0, 2020.0, np.nan)), split={"by": "nace"})
    weights = weighed(panel(), adoption={"indicator": "ai", "waves": (2021, 2023), "dating": "late"})
    shown = {
        (model.name, part_name(part), term)
        for model in (replace(split, name="s"), replace(weights, name="w"))
        for part in model.parts
        for term in part.terms
    } | {("s", split.method, term) for term in split.terms}
    drawn = points(kind, s=split, w=weights) if kind is not coefficients.compute else points(kind, ("att",), s=split)
    named = {(one.of, one.estimator, one.term) for one in drawn if not (one.term == "reference" or one.estimate == 0.0)}
    assert named
    assert named <= shown
    if kind is not coefficients.compute:
        assert any("attrition weights" in estimator for _, estimator, _ in named)
