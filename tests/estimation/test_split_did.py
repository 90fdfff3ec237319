"""A difference-in-differences on groups of firms: each as if there were no others, by what firms were at the start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.designs.did import Options, fit
from estimation.results import Estimates, ModelPart
from estimation.workings import WaldTest
from panels.frame import Selection
from specs.adoption import Adoption
from specs.errors import EstimationError
from specs.uncertainty import Errors
from tests.estimation.rows import group_fit, productivity, selection

YEARS = np.arange(2018, 2022)


def draw(seed: int = 0, firms: int = 120, *, moves: bool = False) -> Selection:
    rng = np.random.default_rng(seed)
    firm, year = np.repeat(np.arange(firms), 4), np.tile(YEARS, firms)
    big = (np.arange(firms) % 2)[firm]
    cohort = np.where(firm % 3 == 0, 2020.0, np.nan)
    treated = year >= np.where(np.isnan(cohort), 9999, cohort)
    y = rng.normal(size=firms)[firm] + 0.3 * big * (year - 2018) + rng.normal(size=firm.size) * 0.3
    y += treated * np.array([0.5, 0.1])[big]
    size = np.where(big == 1, "big", "small")
    if moves:
        size[(year > 2019) & (firm % 5 == 0)] = "big"
    return selection(
        {"y": y, "cohort": cohort, "size": size.tolist(), "region": [f"r{f % 20:02}" for f in firm]},
        firm.tolist(), year.tolist(),
    )  # fmt: skip


def estimate(rows: Selection, stage: Any = None, **keys: Any) -> Estimates:
    given = {"outcome": "y", "adoption": Adoption(cohort="cohort"), "split": {"by": "size"}, **keys}
    return fit("m", Options.model_validate({key: one for key, one in given.items() if one is not None}), rows, stage)


def of_group(found: Estimates, level: str) -> ModelPart:
    return next(one for one in found.parts if one.group == {"size": level})


def equality(found: Estimates, term: str) -> WaldTest:
    return next(one for one in found.tests if one.term == term)


@pytest.mark.parametrize("estimator", ["callaway_santanna", "imputation", "twfe"])
def test_each_group_is_the_design_on_its_firms(estimator: str) -> None:
    rows = draw()
    found = estimate(rows, estimator=(estimator,))
    codes = rows.columns["size"].codes  # type: ignore[union-attr]
    for level, code in (("big", 0), ("small", 1)):
        alone = estimate(rows.take(codes == code), estimator=(estimator,), split=None)
        assert of_group(found, level).coefficients == pytest.approx(alone.coefficients, abs=0)
        assert of_group(found, level).inference.std_errors == pytest.approx(alone.std_errors, abs=0)
    assert found.coefficients == pytest.approx(estimate(rows, estimator=(estimator,), split=None).coefficients, abs=0)


@pytest.mark.parametrize("errors", [Errors("cluster", (("firm",),)), Errors("cluster", (("region",),))])
def test_groups_of_firms_are_independent_where_their_clusters_are(errors: Errors) -> None:
    """Regions hold big firms alone or small ones alone, as firms are of one size."""
    found = estimate(draw(1), errors=errors)
    errors_of = [of_group(found, level).inference.std_errors[0] for level in ("big", "small")]
    one = equality(found, "att[simple]")
    assert one.std_error == pytest.approx(np.hypot(*errors_of), rel=1e-12)
    assert one.estimate == pytest.approx(np.subtract(*[of_group(found, s).coefficients[0] for s in ("small", "big")]))


def test_clusters_across_groups_link_them() -> None:
    base = draw(2)
    # A shock to whoever is treated in a block, big and small alike.
    treated = (base.year > 2019) & ~np.isnan(base.number("cohort"))
    noise = np.random.default_rng(0).normal(size=10)[base.firm // 12][:, None]
    rows = selection(
        {"y": base.number("y") + noise.ravel() * treated, "cohort": base.number("cohort"),
         "size": [base.columns["size"].levels[c] for c in base.columns["size"].codes],  # type: ignore[union-attr]
         "block": [f"b{f // 12}" for f in base.firm]},
        base.firm.tolist(), base.year.tolist(),
    )  # fmt: skip
    found = estimate(rows, errors=Errors("cluster", (("block",),)))
    errors_of = [of_group(found, level).inference.std_errors[0] for level in ("big", "small")]
    linked = equality(found, "att[simple]").std_error
    assert linked is not None
    assert linked < 0.5 * np.hypot(*errors_of)


def test_a_firm_is_what_it_was_in_the_base_year() -> None:
    """Treatment may make firms grow: who became big later stays small."""
    still, moved = estimate(draw(3)), estimate(draw(3, moves=True))
    for level in ("big", "small"):
        assert of_group(moved, level).coefficients == pytest.approx(of_group(still, level).coefficients, abs=0)
    assert any("split by the size that firms had in 2018" in note for note in moved.notes)


def test_waves_name_the_base_year() -> None:
    rows = draw(4)
    ai = (rows.year >= np.where(np.isnan(rows.number("cohort")), 9999, 2021)).astype(float)
    asked = selection(
        {"y": rows.number("y"), "ai": np.where(np.isin(rows.year, [2019, 2021]), ai, np.nan),
         "size": [rows.columns["size"].levels[c] for c in rows.columns["size"].codes]},  # type: ignore[union-attr]
        rows.firm.tolist(), rows.year.tolist(),
    )  # fmt: skip
    found = estimate(asked, adoption=Adoption(indicator="ai", waves=(2019, 2021)))
    assert any("split by the size that firms had in 2018" in note for note in found.notes)
    found = estimate(asked, adoption=Adoption(indicator="ai", waves=(2019, 2021), base_year=2019))
    assert any("split by the size that firms had in 2019" in note for note in found.notes)


def test_firms_not_seen_in_the_base_year_are_counted() -> None:
    rows = draw(5)
    rows = rows.take(~((rows.year == 2018) & (rows.firm < 7)))
    found = estimate(rows)
    assert any(note.startswith("7 firms are in no group: not seen in 2018") for note in found.notes)
    assert found.dropped["size is missing in 2018"] == 21
    assert found.n_firms == 113 == sum(of_group(found, level).n_firms for level in ("big", "small"))


def test_a_group_without_treated_firms_is_named() -> None:
    rows = draw(6)
    rows = rows.take(~((rows.firm % 3 == 0) & (rows.firm % 2 == 1)))  # no big firm is treated
    found = estimate(rows)
    failed = of_group(found, "big")
    assert failed.terms == ()
    assert failed.reason
    assert any(note.startswith("size big was not estimated (40 firms): ") for note in found.notes)


def test_the_first_stage_is_shared() -> None:
    rows, rng = draw(7), np.random.default_rng(1)
    gradient = (rows.year >= 2020)[:, None] * (~np.isnan(rows.number("cohort")))[:, None] * 5.0
    stage = productivity(rows.number("y"), gradient, [group_fit(np.arange(120), rng.normal(size=(120, 1)))])
    found = estimate(rows, stage)
    alone = estimate(rows, stage, tfp_uncertainty="ignore")
    assert of_group(found, "big").inference.std_errors[0] > 10 * of_group(alone, "big").inference.std_errors[0]
    # theta moves both effects by five times itself: their difference stays what it is, but for rounding.
    one, other = equality(found, "att[simple]").std_error, equality(alone, "att[simple]").std_error
    assert one == pytest.approx(other, rel=1e-6)


def test_what_changes_or_is_the_treatment_makes_no_groups() -> None:
    for by in ("y", "cohort", "year"):
        with pytest.raises(ValidationError, match="a firm's group is what it was before treatment"):
            estimate(draw(), split={"by": by})
    rows = draw()
    with pytest.raises(EstimationError, match="size is big in every row"):
        estimate(rows.take(rows.columns["size"].codes == 0))  # type: ignore[union-attr]


def test_known_effects_are_found_and_told_apart() -> None:
    found = estimate(draw(8, 600))
    for level, effect in (("big", 0.1), ("small", 0.5)):
        part = of_group(found, level)
        # Four standard errors: one draw.
        assert abs(part.coefficients[0] - effect) < 4 * part.inference.std_errors[0]
    p = equality(found, "att[simple]").p_value
    assert p is not None
    assert p < 1e-6
