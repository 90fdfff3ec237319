"""What attrition weights tell of few firms is withheld: levels that few have, and the whole where few were lost."""

from __future__ import annotations

from typing import Any

from reports.disclosure_lost import lines_of_firms, without_few_firms


def model(lost: int, **firms: int) -> dict[str, Any]:
    lines = [{"term": term, "n_firms": count, "mean_kept": 0.5} for term, count in firms.items()]
    record = {"n_firms": lost, "n_firms_at_risk": 100, "n_firms_kept": 100 - lost, "covariates": lines}
    notes = ["attrition: of 100 firms at risk", "adoption lies between waves"]
    return {"sensitivity": {"attrition": record}, "notes": notes, "dropped": {"attrition": 12}}


def test_lines_come_by_the_firms_that_they_tell_of() -> None:
    found = list(lines_of_firms(model(30, ln_l=30, level=4), 10))
    assert [(item, one["n_firms"]) for item, one in found] == [
        ("attrition", 30), ("attrition: ln_l", 30), ("attrition: level", 4)
    ]  # fmt: skip
    assert [item for item, _ in lines_of_firms(model(3, ln_l=3), 10)] == ["attrition"]
    assert list(lines_of_firms({"sensitivity": None}, 10)) == []
    taken_back = {"sensitivity": {"misclassification": {"n_firms": 3, "attenuation_low": 0.9}}}
    assert [(item, one["n_firms"]) for item, one in lines_of_firms(taken_back, 10)] == [("misclassification", 3)]


def test_where_few_were_lost_nothing_counts_them() -> None:
    one = model(3)
    without_few_firms(one, 10)
    assert one["dropped"] == {"attrition": 12}
    one["sensitivity"]["attrition"]["suppressed"] = True
    without_few_firms(one, 10)
    assert one["notes"] == ["adoption lies between waves"]
    assert one["dropped"] == {"attrition": None}
