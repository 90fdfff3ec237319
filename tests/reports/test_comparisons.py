"""What tables say of groups, added controls, tests and Oster's bounds; and what of them may leave a room."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.designs.cross_section import Options, fit
from reports.build import build_tables
from reports.record import dump_record
from reports.table import Table
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts


def record(sizes: dict[str, int], action: str = "report", locale: str = "en", **keys: Any) -> dict[str, Any]:
    """A model of so many firms by size, one row each; `d` is 1 for the first three of every size."""
    size = [level for level, many in sizes.items() for _ in range(many)]
    n, rng = len(size), np.random.default_rng(7)
    x, z = rng.normal(size=(2, n))
    d = np.concatenate([np.arange(many) < 3 for many in sizes.values()]).astype(float)
    rows = selection({"y": x + z + d + rng.normal(size=n), "x": x + z, "z": z, "d": d, "size": size}, list(range(n)))
    given = {"formula": "y ~ x", "split": {"by": "size"}, **keys}
    found = fit("m", Options.model_validate({key: one for key, one in given.items() if one is not None}), rows, None)
    tables = {"t": {"models": ["m"], "p_values": "none", "decimals": 3, "locale": [locale]}}
    rule = spec_facts(tables=tables, disclosure={"minimum_firms": 10, "on_breach": action})
    written: dict[str, Any] = published_record(spec=rule, models=[found])
    return written


def table(found: dict[str, Any], locale: str = "en") -> Table:
    return build_tables(found, locale)[0]


def notes(found: dict[str, Any], locale: str = "en") -> list[str]:
    return [one.text for one in table(found, locale).notes]


BIG = {"a": 60, "b": 40}


def test_a_column_each_all_rows_first() -> None:
    found = table(record(BIG))
    assert [one.heading for one in found.columns] == ["All", "Size a", "Size b"]
    lines = {row.key: [cell.text for cell in row.cells] for row in found.rows() if not row.continues}
    assert lines["n_obs"] == ["100", "60", "40"]


@pytest.mark.parametrize(
    ("locale", "headings"),
    [
        ("en", ["as the formula", "+ z", "+ z + d"]),
        ("nl_BE", ["zoals de formule", "+ z", "+ z + d"]),
        ("fr_BE", ["formule seule", "+ z", "+ z + d"]),
    ],
)
def test_rungs_are_named_by_what_was_added(locale: str, headings: list[str]) -> None:
    found = record(BIG, split=None, add_controls=[["z"], ["d"]], locale=locale)
    assert [one.heading for one in table(found, locale).columns] == headings
    told = " ".join(notes(found, locale))
    assert "Gelbach, 2016" in told


def test_beside_other_models_the_name_stays() -> None:
    found = record(BIG)
    found["models"]["other"] = {**found["models"]["m"], "parts": [], "notes": []}
    found["spec"]["tables"]["t"]["models"] = ["m", "other"]
    assert [one.heading for one in table(found).columns] == ["m, All", "m, Size a", "m, Size b", "other"]
    assert any(one.startswith("m: split by size") for one in notes(found))


def test_tests_stand_below() -> None:
    told = notes(record(BIG, split=None, test=["x = 1", ["x = 0", "constant = 0"]]))
    assert any(one.startswith("Test of x = 1: F(1, 98) = ") and "; difference " in one for one in told)
    assert any(one.startswith("Test of x = 0, constant = 0: F(2, 98) = ") and "p < 0.001." in one for one in told)


def test_equality_and_oster_stand_below_in_every_language() -> None:
    for locale, equal, bounds in (
        ("en", "Equal coefficients across Size: x F(1, 96) = ", "x: "),
        ("nl_BE", "Gelijke coëfficiënten over Grootte", "x: "),
        ("fr_BE", "Égalité des coefficients selon ", "x\N{NO-BREAK SPACE}: "),
    ):
        found = record(BIG, formula="y ~ x + z", sensitivity={"oster": {"term": "x"}}, locale=locale)
        told = notes(found, locale)
        assert any(one.startswith(equal.partition(":")[0]) for one in told), told
        assert any(one.startswith(bounds) and "(Oster, 2019)" in one for one in told)


def test_a_group_without_an_estimate_has_a_note_and_no_column() -> None:
    found = record({**BIG, "c": 2}, formula="y ~ x + z")
    assert [one.heading for one in table(found).columns] == ["All", "Size a", "Size b"]
    part = found["models"]["m"]["parts"][-1]
    assert (part["group"], part["coefficients"], part["n_firms"]) == ({"size": "c"}, [], 2)
    assert part["reason"].startswith("2 rows are too few")
    assert any("size c was not estimated (2 firms)" in one for one in notes(found))


def test_run_json_has_the_tests_and_the_decomposition() -> None:
    model = record(BIG, add_controls=[["z"]], test=["x = 1"])["models"]["m"]
    assert [one["test"] for one in model["stats"]["tests"]][:2] == ["x = 1", "constant equal across size"]
    assert set(model["stats"]["tests"][0]) == {
        "test", "statistic", "df1", "df2", "p_value", "estimate", "std_error", "by", "of", "n_firms", "reason",
    }  # fmt: skip
    assert [(one["group"], one["term"], one["block"]) for one in model["decomposition"]] == [
        (group, "x", block) for group in (None, {"size": "a"}, {"size": "b"}) for block in ("z", "total")
    ]


def withheld(found: dict[str, Any]) -> list[Any]:
    return [part["group"] for part in found["models"]["m"]["parts"] if part.get("suppressed")]


def test_a_small_group_takes_the_smallest_beside_it_along() -> None:
    sizes = {"a": 60, "b": 40, "c": 6}
    reported, found = record(sizes, add_controls=[["z"]]), record(sizes, "suppress", add_controls=[["z"]])
    assert withheld(found) == [{"size": "b"}] * 2 + [{"size": "c"}] * 2
    model = found["models"]["m"]
    assert (model["n_obs"], model["n_firms"]) == (106, 106)
    assert [part["n_obs"] for part in model["parts"]] == [106, 106, 60, 60, None, None, None, None]
    text = dump_record(found)
    for part in reported["models"]["m"]["parts"][4:]:
        for one in part["coefficients"]:
            assert repr(one["estimate"])[:10] not in text
    for one in model["decomposition"]:
        assert (one["estimate"] is None) == (one["group"] in ({"size": "b"}, {"size": "c"}))
    # What is left by the three groups together would give the two away, and their difference is none of ours.
    assert all(one["statistic"] is None for one in model["stats"]["tests"] if one["by"])
    assert not any("size c" in note or "size b" in note for note in model["notes"])
    breaches = {one["item"] for one in reported["disclosure"]["breaches"]}
    assert "ols, size c" in breaches
    table(found)


def test_a_group_that_was_not_estimated_does_not_follow_from_the_others() -> None:
    found = record({**BIG, "c": 2}, "suppress", formula="y ~ x + z")
    model = found["models"]["m"]
    assert withheld(found) == [{"size": "b"}, {"size": "c"}]
    assert model["parts"][-1]["reason"].startswith("withheld")
    assert not any("2 firms" in note or "2 rows" in note for note in model["notes"])


def test_firms_behind_a_term_do_not_follow_either() -> None:
    """Three firms of each group have d = 1: of all rows there are nine, of a and b six."""
    found = record({"a": 60, "b": 40, "c": 30}, "suppress", formula="y ~ x + d")
    model = found["models"]["m"]
    assert all(one["n_firms"] is None for part in model["parts"] for one in part["coefficients"] if one["term"] == "d")
    sizes = {"a": 60, "b": 40, "c": 30}
    reported = record(sizes, "report", formula="y ~ x + d")
    assert {one["n_firms"] for part in reported["models"]["m"]["parts"] for one in part["coefficients"]
            if one["term"] == "d"} == {3, 9}  # fmt: skip


def test_single_tests_of_few_firms_are_withheld() -> None:
    found = record({"a": 60}, "suppress", split=None, formula="y ~ x + d", test=["d = 0", "x = 1"])
    first, second = found["models"]["m"]["stats"]["tests"]
    assert (first["statistic"], first["estimate"]) == (None, None)
    assert second["statistic"] is not None
    assert any(one.startswith("Test of d = 0: none, c") for one in notes(found))


def test_bounds_of_few_firms_are_withheld() -> None:
    found = record({"a": 60}, "suppress", split=None, formula="y ~ d + x", sensitivity={"oster": {"term": "d"}})
    assert found["models"]["m"]["sensitivity"]["oster"]["beta_star"] is None
    assert not any("Oster" in one for one in notes(found))
