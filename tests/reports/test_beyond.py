"""Power, placebos, levels left out and comparisons: what tables say of them, and what disclosure leaves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from estimation.designs.did import Options, fit
from reports.build import build_tables
from reports.disclosure_beyond import beyond_entries
from reports.record import dump_record
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts

YEARS = np.arange(2016, 2022)


def record(
    cohorts: dict[float, dict[str, int]], action: str = "suppress", locale: str = "en", **keys: Any
) -> dict[str, Any]:
    """A model of so many firms by cohort (NaN for never) and sector, over six years."""
    of_firm = [(cohort, nace) for cohort, sizes in cohorts.items() for nace, many in sizes.items() for _ in range(many)]
    firm, year = np.repeat(np.arange(len(of_firm)), 6), np.tile(YEARS, len(of_firm))
    cohort = np.array([one for one, _ in of_firm])[firm]
    draw = np.random.default_rng(4)
    y = draw.normal(size=firm.size) + (year >= cohort)
    rows = selection(
        {"y": y, "x": draw.normal(size=firm.size), "cohort": cohort, "nace": [of_firm[one][1] or None for one in firm]},
        firm, year,
    )  # fmt: skip
    options = Options.model_validate(
        {"outcome": "y", "adoption": {"cohort": "cohort"}, "aggregate": ("simple",), **keys}
    )
    rule = spec_facts(
        disclosure={"minimum_firms": 10, "on_breach": action},
        tables={"t": {"models": ["effect"], "decimals": 2, "locale": [locale]}},
    )
    found: dict[str, Any] = published_record(spec=rule, models=[fit("effect", options, rows, None)])
    return found


def beyond(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(beyond_entries(found["models"]["effect"]))


def notes(found: dict[str, Any], locale: str = "en") -> list[str]:
    return [note.text for note in build_tables(found, locale)[0].notes]


NEVER = float("nan")
MANY = {2020.0: {"A": 20, "B": 30, "C": 12}, NEVER: {"A": 30, "B": 40, "C": 25}}
ASKED: dict[str, Any] = {
    "sensitivity": {"placebo": {"dates": (2018, 2019), "outcomes": ("x",)}, "leave_out": "nace", "bacon": True},
    "power": {"effect": 0.05}, "estimator": ("callaway_santanna", "twfe"),
}  # fmt: skip


def test_a_table_says_what_was_asked_beyond_the_effects() -> None:
    found = record(MANY, **ASKED)
    told, model = notes(found), found["models"]["effect"]
    power = model["power"]
    mde, found_with = f"{power['minimum_detectable_effect']:.2f}", f"{100 * power['power']:.1f} %"
    said = f"Minimum detectable effect (80 % power, 5 % two-sided): {mde}; the power to find an effect of 0.05 is"
    assert f"{said} {found_with}." in told
    placebo = model["sensitivity"]["placebo"]["dates"][0]
    assert any(
        note.startswith(
            f"Placebo, on the rows before treatment as if it had begun in 2018: {placebo['estimate']:.2f} ("
        )
        for note in told
    )
    assert any("placebo, 2019: 2019 is not before the base period of any cohort" in note for note in told)
    assert any(note.startswith("Placebo, the effect on x: ") for note in told)
    apart = model["sensitivity"]["leave_out"]
    assert any(f"without {apart['moves_most']} it moves most" in note for note in told)
    # Two groups, of which one is never treated, are one comparison: nothing to say.
    assert not any("Goodman-Bacon" in note for note in told)


@pytest.mark.parametrize(
    ("locale", "said"), [("nl_BE", "Placebo, het effect op x: "), ("fr_BE", "Placebo, l’effet sur x")]
)
def test_in_the_languages_of_the_table(locale: str, said: str) -> None:
    assert any(note.startswith(said) for note in notes(record(MANY, locale=locale, **ASKED), locale))


def test_comparisons_with_firms_that_are_treated_already_are_said() -> None:
    cohorts = {2018.0: {"A": 20}, 2020.0: {"A": 20}, NEVER: {"A": 30}}
    found = record(cohorts, estimator="twfe")
    bacon = found["models"]["effect"]["sensitivity"]["bacon"]
    said = f"have {100 * bacon['treated_controls']:.1f} % of the weight (Goodman-Bacon; 70 firms seen in every year"
    assert any(said in note for note in notes(found))


def test_levels_of_few_firms_on_a_side_and_those_they_would_follow_from() -> None:
    """C holds three treated firms. Beside A and B it could be had: the smaller of them leaves as well."""
    cohorts = {2020.0: {"A": 20, "B": 30, "C": 3}, NEVER: {"A": 30, "B": 40, "C": 25}}
    plain, found = record(cohorts, "report", **ASKED), record(cohorts, **ASKED)
    shown = {item: one["estimate"] is not None for item, one in beyond(found).items() if item.startswith("without")}
    assert shown == {"without nace A": False, "without nace B": True, "without nace C": False}
    assert [one["item"] for one in found["disclosure"]["breaches"]] == ["without nace C"]
    apart, whole = (one["models"]["effect"]["sensitivity"]["leave_out"] for one in (found, plain))
    b = next(one for one in whole["levels"] if one["level"] == "B")
    assert (apart["lowest"], apart["highest"], apart["moves_most"]) == (b["estimate"], b["estimate"], "B")
    for one in whole["levels"]:
        if one["level"] != "B":
            assert f"{one['estimate']:.9f}"[:10] not in dump_record(found)
    assert any("would follow from them: 2." in note for note in notes(found))
    assert {one["item"] for one in plain["disclosure"]["breaches"]} == {"without nace C"}


def test_firms_without_a_level_count_as_one_that_is_left_out() -> None:
    """Four treated firms have no sector. With A and B shown, the effect on them would follow from the two."""
    cohorts = {2020.0: {"A": 20, "B": 30, "": 4}, NEVER: {"A": 30, "B": 40}}
    found = record(cohorts, **ASKED)
    shown = {item: one["estimate"] is not None for item, one in beyond(found).items() if item.startswith("without")}
    assert shown == {"without nace A": False, "without nace B": True}
    assert set(found["models"]["effect"]["sensitivity"]["leave_out"]["without_level"].values()) == {None}


def test_comparisons_are_shown_together_or_not_at_all() -> None:
    """twfe has no effects by cohort: a cohort of four is seen in the comparisons alone."""
    cohorts = {2018.0: {"A": 4}, 2020.0: {"A": 40}, NEVER: {"A": 50}}
    found = record(cohorts, estimator="twfe", sensitivity={"placebo": {"dates": (2017,)}})
    bacon = found["models"]["effect"]["sensitivity"]["bacon"]
    assert {one["estimate"] for one in bacon["comparisons"]} == {None}
    assert {one["type"] for one in bacon["comparisons"]} >= {"treated vs never treated"}
    assert bacon["estimate"] is None
    assert not any("Goodman-Bacon" in note for note in notes(found))
    # The placebo at 2017 is of the later cohort alone; its counts would tell the size of the other.
    (one,) = found["models"]["effect"]["sensitivity"]["placebo"]["dates"]
    assert one["n_treated_firms"] is None
    assert set(one["dropped"].values()) == {None}


def test_a_placebo_of_few_firms_is_withheld() -> None:
    cohorts = {2018.0: {"A": 40}, 2021.0: {"A": 4}, NEVER: {"A": 50}}
    found = record(cohorts, estimator="twfe", sensitivity={"placebo": {"dates": (2018,)}})
    one = beyond(found)["placebo 2018"]
    assert (one["date"], one["estimate"], one["suppressed"]) == (2018, None, True)
    assert any("begun in 2018: c." in note for note in notes(found))


def test_all_of_it_goes_with_the_model() -> None:
    found = record({2020.0: {"A": 4, "B": 3}, NEVER: {"A": 30, "B": 40}}, **ASKED)
    model = found["models"]["effect"]
    assert all(one.get("estimate") is None for one in beyond(found).values())
    assert model["power"]["std_error"] is None
    assert json.loads(dump_record(found))["models"]["effect"]["n_firms"] is None
    assert not any("Minimum detectable" in note for note in notes(found))
