"""Variants run: each case gives what the same model gives when it is written out, and one that fails stops no other."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import tfplab
from reports.build import build_table
from tests.tfplab.test_variants import BASE
from tfplab.cli import main

SPEC = (
    BASE
    + """\
  case1: {like: m, outcome: lp, errors: HC3}
  case2: {like: m, formula: tfp ~ ai_ttm + nace, family: {id: t, method: holm, terms: [ai_ttm]}}
  case3: {like: m, formula: tfp ~ cc + nace, family: {id: t, method: holm, terms: [cc]}}
  case4: {like: m, where: year == 2023 and not isna(labour_cost)}
variants:
  grid:
    of: m
    vary: {outcome: [tfp, lp], errors: [HC1, HC3]}
  technologies:
    of: m
    vary: {replace: {ai: [ai_ttm, cc]}}
    family: {method: holm}
  degrees:
    of: m
    vary: {productivity.tfp.degree: [2, 3], productivity.tfp.where: {all: null, large: employees >= 20}}
  samples:
    of: m
    cases:
      as it is: {}
      without trade: {panel.where: nace != 'G'}
      nobody: {panel.where: nace == 'ZZ'}
      nothing: {where: year == 1900}
  alike:
    of: m
    rows: common
    vary: {formula: [tfp ~ ai + nace, tfp ~ ai + nace + labour_cost]}
tables:
  few: {models: [m, grid]}
  many: {models: [grid, degrees, samples], keep: [ai], locale: [en, nl_BE, fr_BE], formats: [html, md, csv, latex]}
"""
)
WRITTEN_OUT = BASE.replace("degree: 2", "degree: 3").replace("proxy: ln_m", "proxy: ln_m, where: employees >= 20")
WITHOUT_TRADE = BASE.replace("years: [2017, 2023]", "years: [2017, 2023]\n  where: nace != 'G'")


@pytest.fixture(scope="module")
def folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("variants")
    (folder / "data").symlink_to(demo_folder / "data")
    for name, text in (("s", SPEC), ("degree", WRITTEN_OUT), ("trade", WITHOUT_TRADE)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> tfplab.Run:
    return tfplab.run(folder / "s.yaml", folder / "bundle")


def cases(run: tfplab.Run, variant: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = run.record["variants"][variant]["cases"]
    return found


def numbers(model: Mapping[str, Any]) -> Any:
    return {key: model[key] for key in ("n_obs", "n_firms", "coefficients", "stats", "errors", "dropped", "rows_in")}


def test_cases_are_the_models_written_out(run: tfplab.Run) -> None:
    # The same code on the same rows: equal to the last bit.
    models = run.record["models"]
    grid = cases(run, "grid")
    assert [one["settings"] for one in grid] == [
        {"outcome": outcome, "errors": errors} for outcome in ("tfp", "lp") for errors in ("HC1", "HC3")
    ]
    assert [one["main"] for one in grid] == [True, False, False, False]
    assert numbers(grid[0]) == numbers(models["m"])
    assert numbers(grid[3]) == numbers(models["case1"])
    technologies = cases(run, "technologies")
    assert numbers(technologies[0]) == numbers(models["case2"])
    assert numbers(technologies[1]) == numbers(models["case3"])


def test_a_family_adjusts_over_all_cases(run: tfplab.Run) -> None:
    for case, model in zip(cases(run, "technologies"), ("case2", "case3"), strict=True):
        own = run.record["models"][model]["family"]
        assert case["family"]["hypotheses"] == own["hypotheses"] == 2
        assert list(case["family"]["adjusted"].values()) == list(own["adjusted"].values())


def test_cases_that_ask_for_the_same_are_one_hypothesis(folder: Path) -> None:
    text = BASE + (
        "variants: {g: {of: m, vary: {outcome: [lp, tfp], productivity.tfp.degree: [2, 3], replace: {ai: [ai, cc]}}, "
        "family: {method: holm}}}\n"
    )
    (folder / "twins.yaml").write_text(text, encoding="utf-8")
    found = tfplab.run(folder / "twins.yaml").record["variants"]["g"]["cases"]
    # Value added per worker does not depend on how TFP is estimated: two of its four cases are the other two.
    assert [one["family"]["hypotheses"] for one in found] == [6] * 8
    assert found[0]["family"]["adjusted"] == found[2]["family"]["adjusted"]


def test_settings_of_productivity_are_estimated_anew_and_once(run: tfplab.Run, folder: Path) -> None:
    degrees = cases(run, "degrees")
    assert [one["main"] for one in degrees] == [True, False, False, False]
    assert [one["own"] for one in degrees] == [None, 0, 1, 2]
    other = tfplab.run(folder / "degree.yaml").record
    assert numbers(degrees[3]) == numbers(other["models"]["m"])
    own = run.record["variants"]["degrees"]["own"][2]
    assert own["settings"] == {"productivity.tfp.degree": 3, "productivity.tfp.where": "large"}
    assert own["productivity"]["tfp"]["groups"] == other["productivity"]["tfp"]["groups"]
    # What the spec itself has stands there alone.
    assert list(own["productivity"]) == ["tfp"]


def test_another_panel_is_built_for_the_cases_that_ask_for_it(run: tfplab.Run, folder: Path) -> None:
    samples = cases(run, "samples")
    other = tfplab.run(folder / "trade.yaml").record
    assert numbers(samples[1]) == numbers(other["models"]["m"])
    assert run.record["variants"]["samples"]["own"][0]["rows"] == other["panel"]["rows"]
    assert numbers(samples[0]) == numbers(run.record["models"]["m"])


def test_a_case_that_fails_is_named_and_stops_no_other(run: tfplab.Run) -> None:
    samples = cases(run, "samples")
    assert [one["status"] for one in samples] == ["ok", "ok", "failed", "failed"]
    assert samples[2]["reason"].startswith("its panel cannot be built: panel: no row is left in the panel")
    assert samples[3]["reason"].startswith("no rows are left")
    assert "s.yaml" not in samples[2]["reason"]


def test_common_rows_are_those_that_every_case_has(run: tfplab.Run) -> None:
    narrow, wide = cases(run, "alike")
    assert narrow["n_obs"] == wide["n_obs"] == run.record["models"]["case4"]["n_obs"]
    assert [one["estimate"] for one in narrow["coefficients"]] == [
        one["estimate"] for one in run.record["models"]["case4"]["coefficients"]
    ]
    lost = narrow["rows_in"] - narrow["n_obs"]
    assert sum(narrow["dropped"].values()) == lost
    assert narrow["dropped"]["not a row that every case has"] > 0


def test_the_tidy_tables_hold_every_case(run: tfplab.Run, folder: Path) -> None:
    frame = run.variants["samples"]
    assert list(frame["case"].unique()) == [f"samples[{number}]" for number in range(1, 5)]
    assert set(frame.loc[frame["status"] == "failed", "called"]) == {"nobody", "nothing"}
    with (folder / "bundle" / "variants" / "samples.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(frame)
    assert [float(one["estimate"]) for one in rows if one["term"] == "ai"] == list(
        frame.loc[frame["term"] == "ai", "estimate"]
    )


def test_few_cases_are_columns_and_many_are_rows(run: tfplab.Run) -> None:
    few = build_table(run.record, "few", "en")
    assert [one.heading for one in few.columns] == [
        "m", *(f"outcome = {outcome}, errors = {errors}" for outcome in ("tfp", "lp") for errors in ("HC1", "HC3"))
    ]  # fmt: skip
    many = build_table(run.record, "many", "nl_BE")
    assert [one.heading for one in many.panels] == ["Gebruikt AI"]
    printed = {row.key: row for row in many.panels[0].rows}
    assert list(printed) == [one["name"] for name in ("grid", "degrees", "samples") for one in cases(run, name)
                             if one["status"] == "ok"]  # fmt: skip
    assert printed["grid[1]"].label.endswith("†")
    notes = [one.text for one in many.notes]
    assert any("samples[3]" in note and "samples[4]" not in note for note in notes)
    assert any("samples[4]" in note for note in notes)


def test_the_report_names_the_cases_that_failed(folder: Path, run: tfplab.Run) -> None:
    page = (folder / "bundle" / "report.html").read_text(encoding="utf-8")
    assert "variants.samples[3]" in page
    assert "its panel cannot be built" in page


def test_the_command_names_them_and_ends_with_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(folder / "s.yaml"), "-o", str(folder / "again"), "--only", "samples"]
    assert main(arguments) == 1
    printed = capsys.readouterr().out
    assert "variant samples: 4 cases of m, 2 failed" in printed
    assert "samples[4]: failed: no rows are left" in printed
    assert main([*arguments, "-q"]) == 1
    assert capsys.readouterr().err.count("failed") == 2
    record = json.loads((folder / "again" / "run.json").read_text(encoding="utf-8"))
    assert list(record["models"]) == []
    assert list(record["variants"]) == ["samples"]
    assert list(record["spec"]["tables"]) == ["many"]


def test_disclosure_reaches_the_cases(folder: Path) -> None:
    text = SPEC.partition("tables:")[0] + "disclosure: {minimum_firms: 400, on_breach: suppress}\n"
    (folder / "few.yaml").write_text(text, encoding="utf-8")
    record = tfplab.run(folder / "few.yaml", only=["technologies"]).record
    few = list(record["variants"]["technologies"]["cases"])
    hidden = [one for case in few for one in case["coefficients"] if one.get("suppressed")]
    assert hidden
    assert all(one["estimate"] is None for one in hidden)
    assert {one["where"].partition(".")[0] for one in record["disclosure"]["breaches"]} <= {"variants", "productivity"}


def test_productivity_is_estimated_once_whatever_asks_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = BASE + (
        "variants:\n"
        "  alike: {of: m, rows: common, vary: {productivity.tfp.degree: [2, 3], formula: [tfp ~ ai, lp ~ ai]}}\n"
        "  again: {of: m, vary: {productivity.tfp.degree: [3, 1], errors: [HC1, HC3]}}\n"
    )
    (folder / "once.yaml").write_text(text, encoding="utf-8")
    import tfplab.cache.kept as kept

    estimated: list[tuple[str, int]] = []
    own = kept.estimate_productivity

    def counted(plan: Any, step: Any, *others: Any) -> Any:
        estimated.append((step.name, getattr(step.options, "degree", 0)))
        return own(plan, step, *others)

    monkeypatch.setattr(kept, "estimate_productivity", counted)
    tfplab.run(folder / "once.yaml")
    assert sorted(estimated) == [("lp", 0), ("tfp", 1), ("tfp", 2), ("tfp", 3)]
