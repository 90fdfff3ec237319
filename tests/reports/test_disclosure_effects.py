"""Effects that rest on too few treated firms, and those by which they could be had."""

from __future__ import annotations

from typing import Any

from reports.disclosure_effects import beside_withheld, effects_of_parts, told_of_cohorts


def effect(term: str, firms: int, *, hidden: bool = False) -> dict[str, Any]:
    return {"term": term, "n_firms": None if hidden else firms, **({"suppressed": True} if hidden else {})}


def model(coefficients: list[dict[str, Any]], cells: list[dict[str, Any]]) -> dict[str, Any]:
    parts = [{"estimator": "callaway_santanna, cells", "coefficients": cells}]
    return {"method": "callaway_santanna", "coefficients": coefficients, "parts": parts}


def test_with_one_cell_all_cells_are_withheld() -> None:
    cells = [effect("att[2021,2021]", 20), effect("att[2022,2022]", 3, hidden=True), effect("att[2022,2023]", 12)]
    found = beside_withheld(model([], cells))
    assert [one["term"] for one in found] == ["att[2021,2021]", "att[2022,2023]"]
    assert not beside_withheld(model([], [effect("att[2021,2021]", 20)]))


def test_a_level_alone_takes_the_smallest_beside_it() -> None:
    levels = [
        effect("event[0]", 40),
        effect("event[1]", 25),
        effect("event[2]", 4, hidden=True),
        effect("event[-2]", 11),
    ]
    assert [one["term"] for one in beside_withheld(model(levels, []))] == ["event[1]"]
    two = [
        effect("att[group=2021]", 4, hidden=True),
        effect("att[group=2022]", 5, hidden=True),
        effect("att[group=2023]", 50),
    ]
    assert not beside_withheld(model(two, []))


def test_effects_of_parts_are_named() -> None:
    found = dict(effects_of_parts(model([], [effect("att[2021,2021]", 20)])))
    assert list(found) == ["callaway_santanna, cells: att[2021,2021]"]


def test_sizes_of_cohorts_are_told_together_or_not_at_all() -> None:
    note = "treatment begins in 2021 40 firms, in 2022 3 firms; never: 100 firms"
    assert told_of_cohorts(note, note, 10) == note
    masked = "treatment begins in 2021 40 firms, in 2022 fewer than 10 firms; never: 100 firms"
    assert told_of_cohorts(note, masked, 10) == "treatment begins in cohorts of which some hold fewer than 10 firms"
    assert told_of_cohorts("3 firms moved", "fewer than 10 firms moved", 10) == "fewer than 10 firms moved"
