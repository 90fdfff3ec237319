"""Placebos, the estimate without each group of firms, twfe taken apart, and power, of ``design: did``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from estimation.designs.did import Options, columns
from estimation.designs.did_keys import ESTIMATORS as NAMES
from estimation.did.power import detectable_effect, power_to_detect
from estimation.results import Estimates, FloatArray
from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError
from tests.estimation.rows import did_panel, group_fit, productivity, selection
from tests.estimation.test_did_design import estimate as estimate_by_event
from tests.estimation.test_did_design import panel, values

YEARS = np.arange(2015, 2023)


def estimate(rows: Selection, first: Any = None, **keys: Any) -> Estimates:
    """Without event times, whose band costs most of the time."""
    return estimate_by_event(rows, first, **{"aggregate": ("simple",), **keys})


def firms(seed: int, cohorts: tuple[float, ...], each: int = 20, **more: Any) -> Selection:
    """Years 2015 to 2022, so many firms a cohort, no effect, one kind of firm in each sector."""
    draw = np.random.default_rng(seed)
    count = each * len(cohorts)
    firm, year = np.repeat(np.arange(count), 8), np.tile(YEARS, count)
    cohort = np.repeat(np.array(cohorts), each)[firm]
    y = draw.normal(size=count)[firm] + 0.1 * year + draw.normal(size=firm.size)
    columns: dict[str, Any] = {
        "y": y, "cohort": cohort, "z": draw.normal(size=firm.size), "nace": [("A", "B", "C")[one % 3] for one in firm],
    }  # fmt: skip
    return selection({**columns, **more}, firm, year)


def sensitivity(found: Estimates, key: str) -> Any:
    assert found.sensitivity is not None
    return found.sensitivity[key]


def test_a_placebo_date_is_the_same_estimator_on_the_rows_before() -> None:
    """By hand: the mean change from 2017 to 2018 and 2019 of the cohort of 2021, beside that of firms never treated."""
    rows = firms(1, (2021.0, np.nan))
    found = estimate(rows, sensitivity={"placebo": {"dates": (2018,)}})
    (one,) = sensitivity(found, "placebo")["dates"]
    wide = rows.number("y").reshape(40, 8)
    # The base period is 2020: 2018, 2019 and 2020 itself lie before treatment.
    change = wide[:, 3:6].mean(axis=1) - wide[:, 2]
    assert one["estimate"] == pytest.approx(change[:20].mean() - change[20:].mean(), abs=1e-12)
    # Two means, each with its own spread, no small-sample factor, as the design's own errors.
    spread = sum(float(((part - part.mean()) ** 2).sum()) / 20**2 for part in (change[:20], change[20:]))
    assert one["std_error"] == pytest.approx(np.sqrt(spread), rel=1e-12)
    assert (one["n_firms"], one["n_treated_firms"], one["n_control_firms"]) == (20, 20, 20)
    assert one["dropped"]["treated firms from the year on in which effects can begin"] == 40
    assert one["n_obs"] + sum(one["dropped"].values()) == len(rows.rows)


@pytest.mark.parametrize("estimator", NAMES)
def test_what_happens_after_treatment_does_not_touch_a_placebo(estimator: str) -> None:
    rows = firms(2, (2019.0, 2021.0, np.nan))
    keys: dict[str, Any] = {"estimator": estimator, "sensitivity": {"placebo": {"dates": (2017,)}}}
    before = estimate(rows, **keys)
    after = rows.year >= np.where(np.isnan(rows.number("cohort")), 9999, rows.number("cohort"))
    moved = selection(
        {"y": rows.number("y") + 7.0 * after, "cohort": rows.number("cohort")}, rows.firm, rows.year
    )  # fmt: skip
    again = estimate(moved, **keys)
    assert values(again)["att[simple]"] == pytest.approx(values(before)["att[simple]"] + 7.0, abs=0.6)
    assert sensitivity(again, "placebo") == sensitivity(before, "placebo")
    one = sensitivity(before, "placebo")["dates"][0]
    assert (one["status"], one["estimator"]) == ("ok", estimator)
    assert abs(one["statistic"]) < 3.5


def test_cohorts_whose_base_period_is_not_after_the_date_leave() -> None:
    rows = firms(3, (2018.0, 2022.0, np.nan))
    (one,) = sensitivity(estimate(rows, sensitivity={"placebo": {"dates": (2018,)}}), "placebo")["dates"]
    assert one["n_treated_firms"] == 20
    assert one["dropped"]["the base period of the firm's cohort is not after 2018"] == 160
    late = sensitivity(estimate(rows, sensitivity={"placebo": {"dates": (2021, 2014)}}), "placebo")["dates"]
    assert [one["status"] for one in late] == ["failed", "failed"]
    assert late[0]["reason"] == "2021 is not before the base period of any cohort, the last of which is 2021"
    assert late[1]["reason"] == "no year lies before 2014, with which 2014 could be compared"
    everybody = firms(3, (2018.0, 2022.0))
    keys: dict[str, Any] = {"control_group": "not_yet_treated", "sensitivity": {"placebo": {"dates": (2017,)}}}
    (one,) = sensitivity(estimate(everybody, **keys), "placebo")["dates"]
    assert "every firm is treated in the end" in one["reason"]


def test_a_placebo_between_waves_begins_before_the_base_year() -> None:
    year = np.tile(YEARS, 40)
    ai = np.where(np.isin(year, (2019, 2021)), (np.repeat(np.arange(40), 8) < 20) & (year >= 2020), np.nan) * 1.0
    rows = firms(4, (0.0, 1.0), ai=ai)
    keys: dict[str, Any] = {"adoption": {"indicator": "ai", "waves": [2019, 2021]}}
    found = estimate(rows, **keys, sensitivity={"placebo": {"dates": (2017,)}})
    (one,) = sensitivity(found, "placebo")["dates"]
    wide = rows.number("y").reshape(40, 8)
    change = wide[:, 2:4].mean(axis=1) - wide[:, 1]
    assert one["estimate"] == pytest.approx(change[:20].mean() - change[20:].mean(), abs=1e-12)
    with pytest.raises(ValidationError, match="the placebo date 2018 is not before the base period, 2018"):
        estimate(rows, **keys, sensitivity={"placebo": {"dates": (2018,)}})


def test_anticipation_holds_for_the_made_up_date_too() -> None:
    """Effects of the cohort of 2021 can begin in 2020: the base period is 2019. Those of 2018 could in 2017."""
    rows = firms(13, (2021.0, np.nan))
    keys: dict[str, Any] = {"anticipation": 1, "sensitivity": {"placebo": {"dates": (2018, 2019)}}}
    one, late = sensitivity(estimate(rows, **keys), "placebo")["dates"]
    wide = rows.number("y").reshape(40, 8)
    change = wide[:, 3:5].mean(axis=1) - wide[:, 1]
    assert one["estimate"] == pytest.approx(change[:20].mean() - change[20:].mean(), abs=1e-12)
    assert late["reason"] == "2019 is not before the base period of any cohort, the last of which is 2019"


def test_covariates_weights_and_effects_hold_for_placebos_too() -> None:
    """Without an effect a placebo on the rows before treatment is the design on a panel that ends there."""
    rows = firms(14, (2021.0, np.nan), w=np.repeat(np.random.default_rng(1).uniform(0.5, 2, 40), 8))
    early = rows.take(rows.year <= 2020)
    began = np.where(np.isnan(early.number("cohort")), np.nan, 2018.0)
    as_if = replace(early, columns={**early.columns, "cohort": NumberColumn(began)})
    asked: tuple[dict[str, Any], ...] = (
        {"covariates": ("z",)}, {"estimator": "imputation", "effects": ("nace^year",)},
        {"estimator": "twfe", "covariates": ("z",)},
    )  # fmt: skip
    for keys in asked:
        placebo = {"placebo": {"dates": (2018,)}}
        (one,) = sensitivity(estimate(rows, weights="w", sensitivity=placebo, **keys), "placebo")["dates"]
        own = estimate(as_if, weights="w", **keys)
        at = own.terms.index("att[simple]")
        assert (one["estimate"], one["std_error"]) == pytest.approx(
            (own.coefficients[at], own.std_errors[at]), abs=1e-12
        ), keys


def test_a_placebo_date_carries_the_first_stage() -> None:
    rows = firms(5, (2021.0, np.nan))
    draw = np.random.default_rng(5)
    psi = 0.02 * draw.normal(size=(40, 1))
    first = productivity(rows.number("y"), draw.normal(size=(320, 1)), [group_fit(np.arange(40), psi)])
    keys: dict[str, Any] = {"sensitivity": {"placebo": {"dates": (2018,), "outcomes": ("z",)}}}
    wider = sensitivity(estimate(rows, first, **keys), "placebo")
    plain = sensitivity(estimate(rows, first, **keys, tfp_uncertainty="ignore"), "placebo")
    assert wider["dates"][0]["estimate"] == plain["dates"][0]["estimate"]
    assert wider["dates"][0]["std_error"] != plain["dates"][0]["std_error"]
    assert wider["outcomes"] == plain["outcomes"]


def test_a_placebo_outcome_is_the_design_on_it() -> None:
    rows = firms(6, (2019.0, np.nan), w=np.where(np.arange(320) % 7 == 0, np.nan, 1.0 * np.arange(320)))
    found = estimate(rows, sensitivity={"placebo": {"outcomes": ("z", "w")}})
    of_z, of_w = sensitivity(found, "placebo")["outcomes"]
    own = estimate(rows, outcome="z")
    at = own.terms.index("att[simple]")
    assert (of_z["outcome"], of_z["estimate"]) == ("z", pytest.approx(own.coefficients[at], abs=1e-14))
    assert of_z["p_value"] == pytest.approx(own.p_values[at], abs=1e-14)
    assert of_w["dropped"]["w is missing"] == 46
    assert {"z", "w"} < set(columns(Options.model_validate({
        "outcome": "y", "adoption": {"cohort": "g"}, "sensitivity": {"placebo": {"outcomes": ("z", "w")}},
    })))  # fmt: skip


@pytest.mark.parametrize("estimator", ["callaway_santanna", "twfe"])
def test_leaving_out_is_where(estimator: str) -> None:
    rows = firms(7, (2019.0, 2021.0, np.nan))
    found = estimate(rows, estimator=estimator, sensitivity={"leave_out": "nace"})
    told = sensitivity(found, "leave_out")
    nace = rows.columns["nace"]
    for code, level in enumerate(("A", "B", "C")):
        without = estimate(rows.take(nace.codes != code), estimator=estimator)  # type: ignore[union-attr]
        one = told["levels"][code]
        at = without.terms.index("att[simple]")
        assert (one["level"], one["n_obs"]) == (level, without.n_obs)
        assert one["estimate"] == pytest.approx(without.coefficients[at], abs=1e-14)
        assert one["std_error"] == pytest.approx(without.std_errors[at], abs=1e-14)
        count = np.unique(rows.firm[nace.codes == code]) // 20  # type: ignore[union-attr]
        assert (one["n_treated_left_out"], one["n_control_left_out"]) == (
            int((count < 2).sum()),
            int((count == 2).sum()),
        )
        assert one["n_firms"] == min(one["n_treated_left_out"], one["n_control_left_out"])
    estimates = [one["estimate"] for one in told["levels"]]
    assert (told["lowest"], told["highest"]) == (min(estimates), max(estimates))
    assert told["estimate"] == pytest.approx(values(found)["att[simple]"], abs=1e-14)
    far = int(np.argmax(np.abs(np.array(estimates) - told["estimate"])))
    assert told["moves_most"] == "ABC"[far]


def test_leaving_out_what_cannot_be_left_out() -> None:
    rows = firms(8, (2019.0, np.nan), nace=["A"] * 160 + ["B"] * 153 + [None] * 7)
    told = sensitivity(estimate(rows, sensitivity={"leave_out": "nace"}), "leave_out")
    assert [one["status"] for one in told["levels"]] == ["failed", "ok"]
    assert "no treated firm is left" in told["levels"][0]["reason"]
    assert told["levels"][1]["n_treated_left_out"] == 0
    assert told["levels"][1]["n_firms"] == told["levels"][1]["n_control_left_out"] == 20
    assert told["without_level"] == {"n_treated_left_out": 0, "n_control_left_out": 1}
    assert told["moves_most"] == "B"
    one = firms(8, (2019.0, np.nan), nace=["A"] * 320)
    with pytest.raises(EstimationError, match="nace has a single level"):
        estimate(one, sensitivity={"leave_out": "nace"})


def test_estimators_that_share_a_sample_share_it_without_a_level_too() -> None:
    rows = panel(9)
    keys: dict[str, Any] = {"sensitivity": {"leave_out": "nace"}}
    several = estimate(rows, estimator=("callaway_santanna", "twfe"), **keys)
    assert sensitivity(several, "leave_out")["estimate"] == pytest.approx(values(several)["att[simple]"], abs=1e-14)


def test_comparisons_add_up_to_twfe() -> None:
    rows = firms(10, (2017.0, 2019.0, 2021.0, np.nan), each=11)
    found = estimate(rows, estimator="twfe")
    apart = sensitivity(found, "bacon")
    assert apart["estimate"] == pytest.approx(values(found)["att[simple]"], abs=1e-12)
    assert sum(one["weight"] for one in apart["comparisons"]) == pytest.approx(1.0, abs=1e-14)
    assert {one["type"] for one in apart["comparisons"]} == {
        "treated vs never treated", "earlier vs later treated", "later vs earlier treated",
    }  # fmt: skip
    assert {(one["treated"], one["control"], one["n_firms"]) for one in apart["comparisons"]} >= {
        ("2017", "never", 22), ("2019", "2017", 22),
    }  # fmt: skip
    assert (apart["n_firms"], apart["n_left_out"]) == (44, 0)
    assert apart["negative_weights"]["share"] == found.stats["negative_weight_share"]
    assert apart["treated_controls"] == pytest.approx(
        sum(one["weight"] for one in apart["comparisons"] if one["type"] == "later vs earlier treated"), abs=1e-14
    )


def test_comparisons_come_where_they_can() -> None:
    rows = firms(11, (2017.0, 2019.0, np.nan))
    for keys in (
        {},
        {"estimator": "twfe", "covariates": ("z",)},
        {"estimator": "twfe", "sensitivity": {"bacon": False}},
    ):
        assert "bacon" not in (estimate(rows, **keys).sensitivity or {})
    both = estimate(rows, estimator=("imputation", "twfe"))
    assert sensitivity(both, "bacon")["negative_weights"]["share"] == both.parts[-1].stats["negative_weight_share"]
    # No firm is seen in every year.
    gone = rows.take(rows.year - 2015 != rows.firm % 8)
    assert "bacon" not in (estimate(gone, estimator="twfe").sensitivity or {})
    asked = sensitivity(estimate(gone, estimator="twfe", sensitivity={"bacon": True}), "bacon")
    assert (asked["status"], asked["comparisons"]) == ("failed", [])
    assert "needs a balanced panel" in asked["reason"]


def test_power_is_that_of_the_standard_error() -> None:
    rows = did_panel()
    found = estimate(rows, outcome="ln_tfp", power={"effect": 0.05})
    error = float(found.std_errors[found.terms.index("att[simple]")])
    assert found.power is not None
    assert found.power["minimum_detectable_effect"] == found.stats["minimum_detectable_effect"]
    assert found.power["minimum_detectable_effect"] == detectable_effect(error)
    assert found.power["power"] == power_to_detect(0.05, error)
    assert found.power["n_firms"] == found.n_firms_term[found.terms.index("att[simple]")]
    assert estimate(rows, outcome="ln_tfp").power is None


def test_power_does_not_know_the_estimate() -> None:
    """The same for outcomes with an effect of nought and of one."""
    rows = firms(12, (2019.0, np.nan))

    def told(y: FloatArray) -> Any:
        with_effect = selection({"y": y, "cohort": rows.number("cohort")}, rows.firm, rows.year)
        return estimate(with_effect, power={"effect": 0.2}).power

    without = told(rows.number("y"))
    one = told(rows.number("y") + (rows.year >= np.nan_to_num(rows.number("cohort"), nan=9999)))
    assert without["std_error"] == pytest.approx(one["std_error"], rel=1e-12)
    assert without["power"] == pytest.approx(one["power"], rel=1e-10)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"sensitivity": {"placebo": {}}}, "no placebo"),
        ({"sensitivity": {"placebo": {"dates": 2019}}}, "a list of years is wanted"),
        ({"sensitivity": {"placebo": {"dates": ("x",)}}}, "is no year"),
        ({"sensitivity": {"placebo": {"dates": (2018, 2018)}}}, "2018 stands twice"),
        ({"sensitivity": {"placebo": {"outcomes": ("y",)}}}, "is the outcome"),
        ({"sensitivity": {"placebo": {"outcomes": (3,)}}}, "the name of a column is wanted"),
        ({"sensitivity": {"leave_out": "firm"}}, "leave_out: firm"),
        ({"sensitivity": {"leave_out": ("nace",)}}, "the name of a column is wanted, not a list"),
        ({"sensitivity": {"bacon": True}}, "bacon without twfe"),
        ({"sensitivity": {"bacon": True}, "estimator": "twfe", "covariates": ("x",)}, "bacon beside covariates"),
        ({"sensitivity": {"bacon": True}, "estimator": "twfe",
          "adoption": {"indicator": "ai", "waves": [2021, 2023]}}, "bacon of an adoption that lies between waves"),
        ({"sensitivity": {"oster": {}}}, "on a difference-in-differences"),
        ({"sensitivity": {"leaveout": "nace"}}, "did you mean"),
        ({"power": 0.05}, "a map is wanted"),
        ({"power": {"effect": 0}}, "is no effect"),
        ({"power": {"effect": 0.1}, "aggregate": ("event",)}, r"power without att\[simple\]"),
        ({"sensitivity": {"leave_out": "nace"}, "aggregate": ("group",)}, r"leave_out without att\[simple\]"),
        ({"adoption": {"indicator": "ai", "waves": [2021, 2023], "dating": "late"},
          "sensitivity": {"placebo": {"dates": (2022,)}}}, "not before the base period, 2022"),
        ({"adoption": {"indicator": "ai", "waves": [2021, 2023]}, "anticipation": 1,
          "sensitivity": {"placebo": {"dates": (2019,)}}}, "not before the base period, 2019"),
    ],
)  # fmt: skip
def test_mistakes(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Options.model_validate({"outcome": "y", "adoption": {"cohort": "g"}, **keys})
