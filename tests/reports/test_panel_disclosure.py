"""What may be seen of a panel's columns and years: nothing of too few firms, nor what would give them away."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from panels.describe import ColumnSummary, LevelCount, YearCount, YearSummary, describe_columns, describe_years
from panels.distributions import YearDistribution, describe_distributions
from reports.panel_disclosure import shown_panel
from tests.panels.building import build, write

MINIMUM = 10


def shown(folder: Path, head: str, rows: Sequence[tuple[Any, ...]], minimum: int = MINIMUM) -> dict[str, Any]:
    """Return what of a ready-made panel with these rows may be seen; its columns by name."""
    write(folder, own__csv="\n".join([head, *(",".join(str(cell) for cell in row) for row in rows)]))
    panel = build(folder, "panel: {table: {files: own.csv}, firm: id, year: t}\n")
    columns, nestings = describe_columns(panel, minimum)
    found = shown_panel(
        columns, nestings, describe_years(panel), describe_distributions(panel, minimum), None, minimum
    )  # fmt: skip
    return found | {"columns": {one["column"]: one for one in found["columns"]}}


def levels(column: dict[str, Any]) -> dict[str, tuple[int | None, int | None]]:
    return {level: (rows, firms) for level, rows, firms in column["levels"]}


def test_one_firm_of_a_level_does_not_follow_from_the_others(tmp_path: Path) -> None:
    rows = [(f"f{i:02}", year, "B" if i == 11 else "A") for i in range(12) for year in (2020, 2021, 2022)]
    found = shown(tmp_path, "id,t,sector", rows)
    # 36 rows less the 33 of A would be those of B.
    assert levels(found["columns"]["sector"]) == {"A": (None, None), "B": (None, None)}
    more = [*rows, *((f"g{i:02}", 2020, "C") for i in range(30))]
    found = shown(tmp_path, "id,t,sector", more)
    assert levels(found["columns"]["sector"]) == {"A": (None, None), "B": (None, None), "C": (30, 30)}


def test_firms_that_change_levels_are_counted_once(tmp_path: Path) -> None:
    # The same six firms stand behind B and C: their sum would be twelve.
    rows = [(f"f{i:02}", year, "B" if year == 2020 else "C") for i in range(6) for year in (2020, 2021)]
    rows += [(f"g{i:02}", 2020, "A") for i in range(15)] + [(f"h{i:02}", 2020, "D") for i in range(25)]
    found = levels(shown(tmp_path, "id,t,sector", rows)["columns"]["sector"])
    assert found == {"A": (None, None), "B": (None, None), "C": (None, None), "D": (25, 25)}


def test_a_division_does_not_follow_from_its_section(tmp_path: Path) -> None:
    sizes = {"R90": 4, "R93": 12, "C10": 30, "C11": 40}
    rows = [(f"{code}-{i}", 2020, code[0], code[1:]) for code, firms in sizes.items() for i in range(firms)]
    found = shown(tmp_path, "id,t,nace,nace2", [(*row[:3], f"d{row[3]}") for row in rows])["columns"]
    assert levels(found["nace"]) == {"C": (70, 70), "R": (16, 16)}
    assert levels(found["nace2"]) == {"d10": (30, 30), "d11": (40, 40), "d90": (None, None), "d93": (None, None)}


def test_an_only_division_goes_with_its_section(tmp_path: Path) -> None:
    # S has four firms; L is withheld with it, and so is the division that L consists of.
    sizes = {"S95": 4, "L68": 12, "C10": 50, "C11": 60}
    rows = [(f"{code}-{i}", 2020, code[0], f"d{code[1:]}") for code, firms in sizes.items() for i in range(firms)]
    found = shown(tmp_path, "id,t,nace,nace2", rows)["columns"]
    told = {**levels(found["nace"]), **levels(found["nace2"])}
    assert [name for name, counts in told.items() if counts == (None, None)] == ["L", "S", "d68", "d95"]
    assert told["C"] == (110, 110)


def test_a_level_beside_protects_a_part_and_what_it_makes_up(tmp_path: Path) -> None:
    sizes = {"S95": 4, "S96": 40, "L68": 12, "C10": 50}
    rows = [(f"{code}-{i}", 2020, code[0], f"d{code[1:]}") for code, firms in sizes.items() for i in range(firms)]
    found = shown(tmp_path, "id,t,nace,nace2", rows)["columns"]
    told = {**levels(found["nace"]), **levels(found["nace2"])}
    assert [name for name, counts in told.items() if counts == (None, None)] == ["d95", "d96"]


def test_a_share_needs_enough_firms_of_either_answer(tmp_path: Path) -> None:
    rows = [(f"f{i:02}", 2020, int(i < 3), int(i < 20), 1, 1 + (i < 4), i % 2) for i in range(40)]
    found = shown(tmp_path, "id,t,few,half,one,two,even", rows)["columns"]
    means = {name: found[name]["mean"] for name in ("few", "half", "one", "two", "even")}
    assert means == {"few": None, "half": 0.5, "one": None, "two": None, "even": 0.5}
    assert all(found[name]["sd"] is None for name in ("few", "one", "two"))
    assert all(found[name]["quantiles"] == {} for name in means)
    assert found["few"]["rows"] == 40


def test_a_firm_that_dominates_takes_the_mean(tmp_path: Path) -> None:
    rows = [
        (f"f{i:02}", year, 1e9 if i == 0 else 1e5 + i, 5e8 if i < 2 else 1e6 + i, 100 + i)
        for i in range(12) for year in (2020, 2021)
    ]  # fmt: skip
    found = shown(tmp_path, "id,t,one,pair,none", rows)["columns"]
    told = {name: (found[name]["mean"] is None, found[name]["sd"] is None) for name in ("one", "pair", "none")}
    assert told == {"one": (True, True), "pair": (True, True), "none": (False, False)}
    assert found["none"]["mean"] == pytest.approx(105.5)


def test_quantiles_are_no_firms_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    # Thirty firms with nine rows each: a firm's rows lie side by side.
    middle = {i: float(rng.normal()) * 100 for i in range(30)}
    rows = [(f"f{i:02}", 2000 + t, middle[i] + 0.001 * t) for i in range(30) for t in range(9)]
    column = shown(tmp_path, "id,t,x", rows)["columns"]["x"]
    values = np.sort([row[2] for row in rows])
    median = column["quantiles"]["0.5"]
    assert median is not None
    assert np.abs(values - median).min() > 0.001
    own = np.sort(list(middle.values()))
    # The mean over ten firms around the middle, some of them with a part of their rows.
    assert own[8] < median < own[21]
    assert column["quantiles"]["0.1"] is None


def test_a_year_of_one_firm_takes_another_along(tmp_path: Path) -> None:
    rows = [(f"f{i:02}", year, float(i)) for i in range(30) for year in (2019, 2020)]
    rows += [(f"f{i:02}", 2021, float(i)) for i in range(20)] + [("f00", 2022, 1.0)]
    found = shown(tmp_path, "id,t,x", rows)
    assert [one["firms"] for one in found["by_year"]] == [30, 30, None, None]
    assert [one["also_year_before"] for one in found["by_year"]] == [0, 30, None, None]
    # The same counts stand beside the distributions.
    assert [one["firms"] for one in found["distributions"]] == [30, 30, None, None]


def test_few_that_were_not_there_the_year_before_are_not_told(tmp_path: Path) -> None:
    rows = [(f"f{i:02}", year) for i in range(30) for year in (2019, 2020)] + [("new", 2020)]
    found = shown(tmp_path, "id,t", rows)
    assert [(one["firms"], one["also_year_before"]) for one in found["by_year"]] == [(30, 0), (31, None)]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 12))
def test_no_year_follows_from_the_rows_of_the_panel(firms: list[int], minimum: int) -> None:
    years = [YearSummary(2000 + i, count, 0, None) for i, count in enumerate(firms)]
    counts = tuple(YearCount(one.year, one.firms) for one in years)
    column = ColumnSummary("x", "number", "", "", sum(firms), max(firms), 0, years=counts)
    own = [YearDistribution("x", "", one.year, one.firms, (None,) * 5) for one in years]
    found = shown_panel([column], [], years, own, None, minimum)
    for told in (found["by_year"], found["distributions"]):
        gone = [count for count, one in zip(firms, told, strict=True) if one["firms"] is None]
        assert all(count in gone for count in firms if count < minimum)
        assert len(gone) != 1 or len(firms) == 1
        assert not gone or sum(gone) >= minimum or len(gone) == len(firms)


def survey_column(name: str, rows: Sequence[int], **more: Any) -> ColumnSummary:
    years = tuple(YearCount(2021 + 2 * i, count, count // 2, count - count // 2) for i, count in enumerate(rows))
    return ColumnSummary(name, "answer", "", "", sum(rows), sum(rows), 0, True, years, 0.5, 0.5, 30, 30, **more)


def link_of(*linked: int | None) -> dict[str, Any]:
    waves = [{"wave": 2021 + 2 * i, "linked": one} for i, one in enumerate(linked)]
    return {"waves": waves, "rates": [{"by": "all", **one} for one in waves]}


def test_few_without_an_answer_are_not_told() -> None:
    years = [YearSummary(2021, 300, 0, 60), YearSummary(2023, 300, 280, 60)]
    columns = [survey_column("whole", (60, 60)), survey_column("some", (60, 55)), survey_column("asked", (60, 30))]
    found = shown_panel(columns, [], years, [], link_of(60, 60), MINIMUM)["columns"]
    assert [(one["rows"], one["mean"]) for one in found] == [(120, 0.5), (None, None), (90, 0.5)]
    # Asked of users alone: with the ten of one wave the eight of the other would follow.
    users = [survey_column("of_users", (8, 10)), survey_column("asked_once", (0, 10))]
    told = shown_panel(users, [], years, [], link_of(60, 60), MINIMUM)["columns"]
    assert [one["rows"] for one in told] == [None, 10]
    assert all(one["sd"] is None and one["missing"] is None for one in found if one["rows"] is None)


def test_the_linked_are_told_nowhere_where_the_link_withholds_them() -> None:
    years = [YearSummary(2021, 300, 0, 59), YearSummary(2023, 300, 280, 60)]
    own = survey_column("ai", (59, 60), levels=(LevelCount("a", 60, 60), LevelCount("b", 59, 59)))
    linked = ColumnSummary("linked", "number", "0/1", "", 600, 300, 0, mean=119 / 600, sd=0.3, ones=100, zeros=200)
    sections = survey_column("survey_nace", (59, 60), levels=(LevelCount("C", 119, 100),))
    drawn = [YearDistribution("ai", "", year, count, (1.0,) * 5) for year, count in ((2021, 59), (2023, 60))]
    found = shown_panel([own, linked, sections], [], years, drawn, link_of(None, 60), MINIMUM)
    assert [one["linked"] for one in found["by_year"]] == [None, 60]
    ai, share, by_section = found["columns"]
    assert (ai["rows"], ai["mean"], share["mean"], share["rows"]) == (None, None, None, 600)
    # The levels may be groups of which the match rates withhold how many are linked.
    assert ai["levels"] == [("a", None, None), ("b", None, None)]
    assert by_section["levels"] == []
    assert [one["firms"] for one in found["distributions"]] == [None, 60]
    told = shown_panel([own, linked], [], years, drawn, link_of(59, 60), MINIMUM)
    assert [one["linked"] for one in told["by_year"]] == [59, 60]
    assert told["columns"][0]["rows"] == 119
    assert told["columns"][0]["levels"] == [("a", 60, 60), ("b", 59, 59)]
