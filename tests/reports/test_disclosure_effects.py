"""Effects that rest on too few firms, on either side, and those by which they could be had."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.designs.did import Options, fit
from reports.disclosure_effects import beside_withheld, told_of_cohorts, told_together
from reports.disclosure_lost import without_few_firms
from reports.record import dump_record
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts

YEARS = [2018, 2019, 2020, 2021]


def record(cohorts: dict[float, int], never: int, action: str = "suppress", **keys: Any) -> dict[str, Any]:
    """A model of so many firms by cohort, over four years."""
    of_firm = [cohort for cohort, many in cohorts.items() for _ in range(many)] + [np.nan] * never
    firm, year = np.repeat(np.arange(len(of_firm)), 4), np.tile(YEARS, len(of_firm))
    cohort = np.array(of_firm)[firm]
    y = np.random.default_rng(4).normal(size=firm.size) + (year >= cohort)
    ai = np.where(year >= cohort, 1.0, 0.0)
    stops = firm >= len(of_firm) - keys.pop("stops", 0)
    ai[stops] = np.tile([0.0, 1.0, 0.0, 0.0], int(stops.sum()) // 4)
    rows = selection({"y": y, "cohort": cohort, "ai": ai}, firm, year)
    options = Options.model_validate({"outcome": "y", "adoption": {"cohort": "cohort"}, **keys})
    rule = spec_facts(disclosure={"minimum_firms": 10, "on_breach": action})
    found: dict[str, Any] = published_record(spec=rule, models=[fit("effect", options, rows, None)])
    return found


def shown(found: dict[str, Any]) -> list[str]:
    model = found["models"]["effect"]
    parts = [*model["coefficients"], *(one for part in model["parts"] for one in part["coefficients"])]
    return sorted({one["term"] for one in parts if one["estimate"] is not None})


def test_with_one_effect_all_but_the_overall_average_are_withheld() -> None:
    """A cohort of five beside one of forty: event times, cohorts and years would give it away."""
    keys = {"aggregate": ("simple", "event", "group", "calendar"), "estimator": ("callaway_santanna", "imputation")}
    suppressed = record({2020.0: 40, 2021.0: 5}, 60, **keys)
    assert shown(suppressed) == ["att[simple]"]
    model = suppressed["models"]["effect"]
    assert set(model["stats"].values()) == {None}
    assert model["sensitivity"] is None
    reported = record({2020.0: 40, 2021.0: 5}, 60, "report", **keys)
    for one in reported["models"]["effect"]["coefficients"]:
        if one["term"] != "att[simple]":
            assert f"{one['estimate']:.9f}"[:10] not in dump_record(suppressed)
    # The overall averages stand alone; what they differ by, and from cell to cell, does not.
    assert f"{reported['models']['effect']['stats']['spread_in_std_errors']:.9f}"[:10] not in dump_record(suppressed)
    assert "40 firms" not in "".join(model["notes"])


@pytest.mark.parametrize(
    ("cohorts", "never", "keys"),
    [
        ({2020.0: 5}, 60, {}),
        ({2020.0: 50}, 4, {}),
        ({2020.0: 50, 2021.0: 3}, 0, {"control_group": "not_yet_treated"}),
    ],
)
def test_few_firms_on_either_side_take_the_model(cohorts: dict[float, int], never: int, keys: dict[str, Any]) -> None:
    suppressed = record(cohorts, never, **keys)
    assert shown(suppressed) == []
    assert suppressed["models"]["effect"]["n_firms"] is None
    assert suppressed["disclosure"]["breaches"]


def test_enough_firms_are_shown() -> None:
    assert "event[0]" in shown(record({2020.0: 40, 2021.0: 30}, 60))


def test_rows_of_firms_that_were_left_out_do_not_give_them_away() -> None:
    """Three firms that stop, with four rows each."""
    found = record({2020.0: 40}, 60, adoption={"indicator": "ai"}, stops=3)
    model = found["models"]["effect"]
    assert any("fewer than 10 firms" in note for note in model["notes"])
    assert set(model["dropped"].values()) == {None}


def test_sizes_of_cohorts_are_told_together_or_not_at_all() -> None:
    note = "treatment begins in 2021 40 firms, in 2022 3 firms; never: 100 firms"
    assert told_of_cohorts(note, note, 10) == note
    masked = "treatment begins in 2021 40 firms, in 2022 fewer than 10 firms; never: 100 firms"
    said = "treatment begins in cohorts of which some hold fewer than 10 firms, or beside so few"
    assert told_of_cohorts(note, masked, 10) == said
    alone = "1 firm begins in 2022: its effects have no spread of their own"
    assert (
        told_of_cohorts(alone, "fewer than 10 firms begin in 2022: ...", 10) == "some cohorts hold fewer than 10 firms"
    )
    assert told_of_cohorts("3 firms moved", "fewer than 10 firms moved", 10) == "fewer than 10 firms moved"


def test_other_designs_keep_what_is_enough() -> None:
    model = {"design": "cross_section", "method": "ols", "parts": [],
             "coefficients": [{"term": "a", "suppressed": True}, {"term": "b"}]}  # fmt: skip
    assert beside_withheld(model) == []


def test_cohorts_of_groups_that_add_up_are_masked_together() -> None:
    whole, small, large = (
        "treatment begins in 2019 9 firms, in 2020 34 firms; never: 60 firms",
        "size s: treatment begins in 2019 fewer than 10 firms, in 2020 14 firms; never: 30 firms",
        "size l: treatment begins in 2019 4 firms, in 2020 20 firms; never: 30 firms",
    )
    masked = told_of_cohorts(small, f"{small} masked", 10)
    assert masked.startswith("size s: treatment begins in cohorts of which some hold fewer than 10 firms")
    told = " ".join(told_together([whole, masked, large, "the averages cover 91.7 % of the treated"], 10))
    assert "34" not in told
    assert "20 firms" not in told
    assert "91.7" not in told
    assert told_together([whole, large], 10) == [whole, large]


def test_firms_lost_on_one_side_are_not_told_by_two_estimates() -> None:
    def part(rung: str, treated: int, control: int) -> dict[str, Any]:
        stats = {"n_treated_firms": treated, "n_control_firms": control}
        return {
            "estimator": "callaway_santanna", "rung": rung, "group": None, "window": None, "n_obs": 10 * treated,
            "n_firms": treated + control, "stats": stats, "errors": {"clusters": {"firm": treated + control}},
            "coefficients": [{"term": "att[simple]", "n_firms": treated}],
        }  # fmt: skip

    model = {
        "sensitivity": {"attrition": {"n_firms": 44, "largest_share": 0.06}}, "notes": [], "dropped": {},
        "parts": [part("attrition weights", 56, 200), part("no attrition weights", 60, 240)],
    }  # fmt: skip
    without_few_firms(model, 10)
    weighted, unweighted = model["parts"]
    assert weighted["stats"]["n_treated_firms"] == 56
    assert (
        set(unweighted["stats"].values()) == {unweighted["n_firms"], unweighted["coefficients"][0]["n_firms"]} == {None}
    )
    assert model["sensitivity"]["attrition"]["largest_share"] is None
