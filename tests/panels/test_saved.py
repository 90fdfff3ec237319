"""A panel that was saved and read back: everything computed from it is the same to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from panels.engine import identifier
from panels.facts import ColumnFacts
from panels.frame import FirmPanel, Selection, TextColumn
from panels.saved import SavedPanel, UnsavableError, keep_only, read_panel, save_panel
from panels.survey_panel import with_answers
from specs.expressions import parse_expression
from tests.tfplab.cache.test_records import same
from tfplab.cache.records import from_bytes, to_bytes
from tfplab.first_gate import make_plan
from tfplab.runner import build_panel


@pytest.fixture(scope="module")
def built(demo_folder: Path) -> FirmPanel:
    return build_panel(make_plan(demo_folder / "hrw_2026.yaml"))


@pytest.fixture(scope="module")
def back(built: FirmPanel, tmp_path_factory: pytest.TempPathFactory) -> FirmPanel:
    folder = tmp_path_factory.mktemp("saved panel's")
    saved = save_panel(built, folder)
    return read_panel(from_bytes(to_bytes(saved)), folder)


def equal(one: Selection, other: Selection) -> bool:
    for a, b in ((one.rows, other.rows), (one.firm, other.firm), (one.year, other.year)):
        assert a.tobytes() == b.tobytes()
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        found = other.columns[name]
        assert type(column) is type(found)
        if isinstance(column, TextColumn) and isinstance(found, TextColumn):
            assert column.levels == found.levels, name
            assert column.codes.tobytes() == found.codes.tobytes(), name
        else:
            assert column.values.tobytes() == found.values.tobytes(), name  # type: ignore[union-attr]
    return (one.n_panel, one.outside, one.aliases) == (other.n_panel, other.outside, other.aliases)


def test_all_that_is_not_a_row_comes_back(built: FirmPanel, back: FirmPanel) -> None:
    for name in ("columns", "n_rows", "n_firms", "years", "ledger", "link", "aliases", "firm_names", "linkage"):
        assert same(getattr(built, name), getattr(back, name)), name
    assert built.linkage is not None
    assert list(built.columns) == list(back.columns)


def test_every_column_comes_back(built: FirmPanel, back: FirmPanel) -> None:
    assert equal(built.select(tuple(built.names())), back.select(tuple(back.names())))


@pytest.mark.parametrize("where", ["year >= 2020", "lag(turnover) > turnover", "yes(ai) and nace == 'J'"])
def test_conditions_find_the_same_rows(built: FirmPanel, back: FirmPanel, where: str) -> None:
    condition = parse_expression(where)
    assert equal(built.select(("turnover", "nace"), condition), back.select(("turnover", "nace"), condition))


def test_what_is_computed_further_is_the_same(built: FirmPanel, back: FirmPanel) -> None:
    numbers = np.linspace(-1, 1, built.n_rows)
    late = {
        "moved": parse_expression("x - lag(x)"),
        "class": parse_expression("cut(x, [-2, 0], labels=['low', 'high'])"),
        "again": parse_expression("where(isna(moved), 0, moved)"),
    }
    made = [one.with_numbers({"x": numbers}, {"x": ColumnFacts("x", "number")}).derive(late) for one in (built, back)]
    assert equal(made[0].select(("x", *late)), made[1].select(("x", *late)))
    assert made[0].ledger == made[1].ledger
    for one, panel in zip(made, (built, back), strict=True):
        panel.forget(one)


def test_the_respondents_come_back(built: FirmPanel, back: FirmPanel) -> None:
    assert built.respondents is not None
    assert back.respondents is not None
    names = tuple(built.respondents.names())
    assert equal(built.respondents.select(names), back.respondents.select(names))
    answered = [with_answers(one, ["ai"]) for one in (built.respondents, back.respondents)]
    wanted = ("yes(ai)", "asked(ai)", "weight")
    assert equal(answered[0].select(wanted), answered[1].select(wanted))


def test_a_ready_made_panel_and_odd_names_come_back(tmp_path: Path) -> None:
    rows = ["plant,yr,K,k,a\"b,é", *(f"p{firm},{year},{firm}.5,{year},x,{'' if firm == 2 else 'ü'}"
                                    for firm in range(1, 4) for year in (2001, 2002))]  # fmt: skip
    (tmp_path / "plants.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    spec = tmp_path / "own.yaml"
    spec.write_text(
        "tfplab: 1\ntitle: Plants\npanel: {table: {files: plants.csv}, firm: plant, year: yr, where: K < 3}\n"
        "variables: {v: \"cut(k, [0, 2002], labels=['z', 'b'])\"}\n"
    )
    panel = build_panel(make_plan(spec))
    folder = tmp_path / "kept"
    folder.mkdir()
    again = read_panel(from_bytes(to_bytes(save_panel(panel, folder))), folder)
    assert equal(panel.select(tuple(panel.names())), again.select(tuple(again.names())))
    assert again.aliases == panel.aliases != {}
    assert again.select(("v",)).columns["v"].levels == ("z", "b")  # type: ignore[union-attr]


def test_a_type_that_a_file_would_round_is_refused(built: FirmPanel, tmp_path: Path) -> None:
    store: Any = built.with_numbers({"x": np.ones(built.n_rows)}).store
    store.engine.execute(f"ALTER TABLE {identifier(store.parts[-1])} ALTER x TYPE HUGEINT")
    import dataclasses

    with pytest.raises(UnsavableError, match=r"column x .* HUGEINT"):
        save_panel(dataclasses.replace(built, store=store), tmp_path)


def test_a_file_that_is_not_what_it_was_is_told(built: FirmPanel, tmp_path: Path) -> None:
    saved = save_panel(built, tmp_path)
    assert isinstance(saved, SavedPanel)
    path = tmp_path / saved.parts[0].file
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", json.dumps({"a": 1}).encode()):
        path.write_bytes(content)
        with pytest.raises((ValueError, OSError, duckdb.Error)):
            read_panel(saved, tmp_path)


def test_a_panel_that_serves_many_runs_does_not_grow(back: FirmPanel) -> None:
    def tables() -> int:
        store: Any = back.store
        return len(store.engine.rows("SELECT 1 FROM duckdb_tables() UNION ALL SELECT 1 FROM duckdb_views() "
                                     "WHERE NOT internal"))  # fmt: skip

    keep_only(back)
    before, rows = tables(), back.select(tuple(back.names()))
    for _ in range(3):
        made = back.with_numbers({"x": np.ones(back.n_rows)}).derive({"z": parse_expression("x + 1")})
        made.select(("z",))
        assert back.respondents is not None
        with_answers(back.respondents, ["ai"])
        keep_only(back)
        assert tables() == before
    assert equal(rows, back.select(tuple(back.names())))
