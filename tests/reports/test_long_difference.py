"""What disclosure leaves of changes over windows, and what a table sets side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from estimation.designs.long_difference import Options, fit
from panels.frame import Selection
from reports.build import build_tables
from reports.formats.registry import FORMATS
from reports.labels import Labels
from reports.reasons import reason_of
from reports.record import dump_record
from reports.words import words_of
from tests.estimation.rows import selection
from tests.reports.published import published_record, spec_facts


def firms_seen(before: int, both: int, users: int = 0) -> Selection:
    """So many firms seen in 2020 and 2023, and of them so many in 2017; every second one uses AI, or so many do."""
    random = np.random.default_rng(8)
    years = [year for firm in range(both) for year in ((2017, 2020, 2023) if firm < before else (2020, 2023))]
    firm = [firm for firm in range(both) for _ in range(3 if firm < before else 2)]
    columns = {
        "y": random.normal(size=len(firm)),
        "ai": (np.array(firm) < users if users else np.array(firm) % 2).astype(float),
        "x": random.normal(size=len(firm)),
    }
    return selection(columns, firm, years)


def record(rows: Selection, action: str = "suppress", locale: str = "en", **keys: Any) -> dict[str, Any]:
    keys = {"outcome": "y", "window": [2020, 2023], "placebo": [2017, 2020], "formula": "ai + x", **keys}
    found = fit("growth", Options.model_validate(keys), rows, None)
    tables = {"t": {"models": ["growth"], "p_values": "none", "decimals": 3, "locale": [locale]}}
    spec = spec_facts(disclosure={"minimum_firms": 10, "on_breach": action}, tables=tables)
    made: dict[str, Any] = published_record(spec=spec, models=[found])
    return made


def printed(made: dict[str, Any], locale: str = "en") -> tuple[dict[str, list[str]], list[str], list[str]]:
    table = build_tables(made, locale)[0]
    rows = {row.label: [cell.text for cell in row.cells] for row in table.rows()}
    return rows, [column.heading for column in table.columns], [note.text for note in table.notes]


@pytest.mark.parametrize(
    ("locale", "placebo", "years"),
    [
        ("en", "growth, 2017-2020, placebo", "Years of the change"),
        ("nl_BE", "growth, 2017-2020, placebo", "Jaren van de verandering"),
        ("fr_BE", "growth, 2017-2020, placebo", "Années de la variation"),
    ],
)
def test_windows_stand_side_by_side(locale: str, placebo: str, years: str) -> None:
    rows, headings, _ = printed(record(firms_seen(60, 100), "report", locale), locale)
    assert headings == ["growth, 2020-2023", placebo]
    assert rows[years] == ["2020-2023", "2017-2020"]


def test_notes_stand_under_their_window() -> None:
    _, _, notes = printed(record(firms_seen(60, 100), "report"))
    assert "growth, 2020-2023: firms seen in 2020 and 2023." in notes
    said = "firms of 2020-2023 seen in 2017 and 2020; left out are 40 firms: not seen in 2017."
    assert f"growth, 2017-2020, placebo: {said}" in notes


def test_one_window_has_the_models_name() -> None:
    rows, headings, notes = printed(record(firms_seen(60, 100), "report", placebo=None))
    assert headings == ["growth"]
    assert rows["Years of the change"] == ["2020-2023"]
    assert "firms seen in 2020 and 2023." in notes


def test_a_placebo_of_few_firms_is_withheld_and_the_window_is_not() -> None:
    rows = firms_seen(8, 60)
    reported, suppressed = record(rows, "report"), record(rows)
    assert [one["item"] for one in reported["disclosure"]["breaches"]][:1] == ["placebo, 2017-2020"]
    main, placebo = suppressed["models"]["growth"]["parts"]
    assert placebo["window"] == [2017, 2020]
    assert placebo["suppressed"]
    assert {placebo["n_obs"], placebo["n_firms"], placebo["stats"]["r2"], placebo["stats"]["sigma"]} == {None}
    assert all(one["estimate"] is one["n_firms"] is None for one in placebo["coefficients"])
    assert main["n_firms"] == 60
    assert main["coefficients"][1]["estimate"] is not None
    text = dump_record(suppressed)
    # The firms that it lost would give away those that it has.
    assert "52 firms" in dump_record(reported)
    assert "52 firms" not in text
    for one in reported["models"]["growth"]["parts"][1]["coefficients"]:
        assert f"{one['estimate']:.9f}"[:10] not in text
    for name in ("md", "html", "latex", "csv"):
        for table in build_tables(suppressed, "en"):
            assert FORMATS[name].render(table)


def test_few_firms_behind_a_term_take_it_in_every_window() -> None:
    model = record(firms_seen(60, 100, users=6))["models"]["growth"]
    for part in model["parts"]:
        shown = {one["term"]: one["estimate"] is not None for one in part["coefficients"]}
        assert shown == {"constant": True, "ai": False, "x": True}
    assert model["coefficients"][1]["estimate"] is None


def test_how_few_firms_a_placebo_lost_does_not_follow() -> None:
    model = record(firms_seen(96, 100))["models"]["growth"]
    main, placebo = model["parts"]
    assert "fewer than 10 firms: not seen in 2017" in " ".join(model["notes"])
    assert main["n_firms"] == 100
    assert placebo["n_firms"] is placebo["n_obs"] is placebo["stats"]["df_resid"] is placebo["errors"]["df"] is None
    assert {one["n_firms"] for one in placebo["coefficients"]} == {None}
    assert placebo["coefficients"][1]["estimate"] is not None, "the estimate itself rests on 96 firms"
    rows, _, _ = printed(record(firms_seen(96, 100)))
    assert rows["Firms"][1] == "c"


def test_a_model_of_few_firms_keeps_its_years_alone() -> None:
    model = record(firms_seen(5, 7))["models"]["growth"]
    assert model["suppressed"]
    assert [part["window"] for part in model["parts"]] == [[2020, 2023], [2017, 2020]]
    assert all(part["n_obs"] is None for part in model["parts"])


@pytest.mark.parametrize(
    "reason",
    ["x of 2023 is missing", "not seen in 2020", "where is not true in 2020", "joined to the firm's row of 2020"],
)
def test_why_firms_are_lost_in_every_language(reason: str) -> None:
    english, dutch, french = (reason_of(reason, Labels({}, words_of(one)), words_of(one)) for one in ("en", "nl", "fr"))
    assert english.replace("’", "'") == reason
    assert len({english, dutch, french}) == 3
    assert all("202" in said for said in (dutch, french))
