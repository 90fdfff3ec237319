"""Every value with its origin: the file and line on which it was written, through `like`, `extends` and `--set`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from specs.extends import LIBRARY
from tfplab.cli import main
from tfplab.explaining.account import Settings
from tfplab.explaining.gather import account_of
from tfplab.first_gate import make_plan

BASE = """tfplab: 1
panel: {table: {files: ../p.csv}, firm: plant, year: yr}
productivity:
  tfp: {method: wooldridge, output: y, free: [l], state: [k], proxy: m,
    degree: 2}
models:
  table1:
    design: cross_section
    formula: tfp ~ size
    where: yr == 2012
    errors:
      cluster: [sector]
  robust: {like: table1, errors: HC1}
"""
OVER = """tfplab: 1
title: Over
extends: [up/base.yaml]
productivity:
  tfp: {degree: 3}
models:
  table1: {errors: HC3}
"""
Origins = Callable[..., dict[str, tuple[str, str]]]


@pytest.fixture
def origins(tmp_path: Path) -> Origins:
    """Return the value and the origin of every setting of an entry."""
    (tmp_path / "p.csv").write_text("plant,yr\n")
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "base.yaml").write_text(BASE)
    (tmp_path / "over.yaml").write_text(OVER)

    def of(entry: str, spec: str = "over.yaml", given: tuple[str, ...] = ()) -> dict[str, tuple[str, str]]:
        told = account_of(make_plan(tmp_path / spec, given=given))
        return {
            row.key: (row.value, row.origin)
            for section in told.sections
            for block in section.blocks
            if block.heading.split(":")[0] == entry
            for part in block.parts
            if isinstance(part, Settings)
            for row in part.rows
        }

    return of


def test_what_a_spec_extends_keeps_its_own_file_and_line(origins: Origins) -> None:
    found = origins("tfp")
    assert found["degree"] == ("3", "over.yaml:5")
    assert found["proxy"] == ("m", "up/base.yaml:4")
    assert found["steps"] == ("2", "default")
    found = origins("table1")
    assert found["errors"] == ("HC3", "over.yaml:7")
    assert found["formula"] == ("tfp ~ size", "up/base.yaml:9")


def test_like_says_where_the_value_stands_that_it_takes_over(origins: Origins) -> None:
    found = origins("robust")
    assert found["errors"] == ("HC1", "up/base.yaml:13")
    assert found["formula"] == ("tfp ~ size", "up/base.yaml:9")
    assert found["design"][1] == "up/base.yaml:8"


def test_files_are_seen_from_the_folder_of_the_spec(
    origins: Origins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "up" / "base.yaml").write_text(f"title: Base\n{BASE}")
    assert origins("table1", "up/base.yaml")["errors"] == ("{cluster: [sector]}", "base.yaml:13")
    monkeypatch.chdir(tmp_path / "up")
    assert origins("table1")["formula"][1] == "up/base.yaml:10"


def test_what_a_command_sets_has_the_number_of_its_option(origins: Origins) -> None:
    found = origins("table1", given=("models.table1.errors=HC2", "seed=3"))
    assert found["errors"] == ("HC2", "--set:1")


def test_a_spec_of_the_library_has_its_name(
    demo_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").symlink_to(demo_folder / "data")
    spec = tmp_path / "mine.yaml"
    spec.write_text("tfplab: 1\nextends: library/hrw_2026.yaml\nproductivity: {tfp: {degree: 2}}\n")
    assert main(["explain", str(spec)]) == 0
    said = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "degree = 2 # mine.yaml:3" in lines
    text = (LIBRARY / "hrw_2026.yaml").read_text(encoding="utf-8")
    line = text[: text.index("method: wooldridge")].count("\n") + 1
    assert f"output = ln_va # library/hrw_2026.yaml:{line}" in lines
    assert str(tmp_path) not in said


def test_a_map_of_which_a_part_is_a_default_is_told_key_by_key(origins: Origins, tmp_path: Path) -> None:
    (tmp_path / "did.yaml").write_text(
        "tfplab: 1\ntitle: D\npanel: {table: {files: p.csv}, firm: plant, year: yr}\nmodels:\n  d:\n"
        "    design: did\n    outcome: y\n    adoption:\n      indicator: a\n      waves: [2011, 2013]\n"
    )
    found = origins("d", "did.yaml")
    assert found["adoption.indicator"] == ("a", "did.yaml:9")
    assert found["adoption.waves"] == ("[2011, 2013]", "did.yaml:10")
    assert found["adoption.dating"] == ("censored", "default")
