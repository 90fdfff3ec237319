"""Survey tables from spec to bundle: against pandas on the files, the messages, the page of the panel."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tfplab
from panels.waves import wave_pairs
from tfplab.cli import main

HEAD = """\
tfplab: 1
title: Use of AI
panel:
  accounts: {files: data/accounts_*.csv, layout: nbb}
  survey: {files: {2021: data/ict_2021.csv, 2023: data/ict_2023.csv}, layout: eurostat_ict}
  where: nace == 'J' and year == 2019
variables:
  ln_l: log(labour)
  survey_size: cut(survey_employees, [10, 50, 250], labels=['10-49', '50-249', '250+'])
  size: cut(employees, [10, 50], labels=['10-49', '50+'])
  large_user: yes(ai) and survey_employees >= 250
"""
MODELS = """\
models:
  use_2023:
    design: adoption_rates
    items: [ai, ai_tml, large_user]
    by: [[survey_size], [survey_size, survey_nace]]
    where: wave == 2023 and survey_employees >= 10
    weights: weight
    strata: stratum
    population: stratum_size
  use_2021: {like: use_2023, where: wave == 2021 and survey_employees >= 10}
  purposes: {like: use_2023, items: [ai_pms, ai_pbam], base: asked}
  barriers: {like: purposes, items: [ai_bcst, ai_ble]}
"""


@pytest.fixture(scope="module")
def folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    here = tmp_path_factory.mktemp("rates")
    shutil.copytree(demo_folder / "data", here / "data")
    return here


def spec(folder: Path, text: str, name: str = "rates") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def rates(folder: Path) -> tfplab.api.Run:
    return tfplab.run(spec(folder, HEAD + MODELS))


def from_files(folder: Path, wave: int, item: str, inside: Any, *, asked: bool) -> tuple[float, float, int]:
    """The share, its error and the firms in its base, by pandas from the file."""
    table = pd.read_csv(folder / "data" / f"ict_{wave}.csv", dtype={"ENTNR": str})
    technologies = [f"E_AI_{one}" for one in ("TTM", "TSR", "TNLG", "TIR", "TML", "TPA", "TAR")]
    table["E_AI"] = (table[technologies] == 1).any(axis=1).astype(float)
    answer = table[f"E_{item.upper()}"]
    base = inside(table) & (table["EMPLOYEES"] >= 10)
    # What a filter skipped is empty in the files.
    base &= answer.notna() if asked else True
    y, w = answer.fillna(0.0).to_numpy(), table["WEIGHT"].to_numpy() * base.to_numpy()
    share = float((w * y).sum() / w.sum())
    table["z"] = w * (y - share) / w.sum()
    by = table.groupby("STRATUM")["z"]
    size = table.groupby("STRATUM")["STRATUM_SIZE"].first()
    n = by.size()
    assert (n > 1).all()
    return share, float(np.sqrt(((1 - n / size) * n * by.var(ddof=1)).sum())), int(base.sum())


@pytest.mark.parametrize(("model", "wave", "item", "asked"), [
    ("use_2023", 2023, "ai", False), ("use_2021", 2021, "ai", False), ("use_2023", 2023, "ai_tml", False),
    ("purposes", 2023, "ai_pbam", True), ("barriers", 2023, "ai_ble", True),
])  # fmt: skip
def test_shares_are_those_of_the_files(
    folder: Path, rates: tfplab.api.Run, model: str, wave: int, item: str, asked: bool
) -> None:
    found = rates.models[model].coefficients.set_index("term")
    cells = {
        item: lambda table: table["EMPLOYEES"] > 0,
        f"{item}[survey_size=50-249]": lambda table: table["EMPLOYEES"].between(50, 249),
        f"{item}[survey_size=10-49,survey_nace=G]": lambda t: t["EMPLOYEES"].between(10, 49) & (t["NACE"] == "G"),
    }
    for term, inside in cells.items():
        share, error, firms = from_files(folder, wave, item, inside, asked=asked)
        assert found.loc[term, "estimate"] == pytest.approx(share, rel=1e-11), term
        assert found.loc[term, "std_error"] == pytest.approx(error, rel=1e-11), term
        assert found.loc[term, "n_firms"] == firms, term


def test_panel_where_does_not_touch_the_respondents(rates: tfplab.api.Run) -> None:
    assert rates.results.panel.years == (2019,)
    model = rates.record["models"]["use_2023"]
    assert model["n_obs"] == 2222
    assert model["rows_in"] == 4388 == model["n_obs"] + sum(model["dropped"].values())
    entry = next(one for one in rates.record["panel"]["ledger"] if one["table"] == "models.use_2023")
    assert (entry["rows_in"], entry["rows_out"]) == (4388, 2222)
    large = rates.models["use_2023"].coefficients.set_index("term")
    assert large.loc["large_user[survey_size=250+]", "estimate"] == pytest.approx(
        large.loc["ai[survey_size=250+]", "estimate"], rel=1e-13
    )
    assert large.loc["large_user[survey_size=10-49]", "estimate"] == 0


def problems(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    path = spec(folder, HEAD + text, "wrong")
    assert main(["check", "--data", str(path)]) == 2
    return [line.partition("wrong.yaml:")[2] for line in capsys.readouterr().err.splitlines()[:-1]]


def test_names_are_those_of_the_survey(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = problems(
        folder,
        "models:\n  a: {design: adoption_rates, items: [ai, size, weight, ai_foo],\n"
        "      by: [[linked], [survey_employees]], where: employees > 10, weights: ln_l, strata: nace}\n",
        capsys,
    )
    assert [line.partition(": ")[2].partition(",")[0] for line in found] == [
        'models.a.items: "size" is no column of the survey',
        'models.a.items: "weight" is no item of the survey',
        'models.a.items: no column "ai_foo" in the survey or in variables:',
        'models.a.by: "linked" is no column of the survey',
        'models.a.by: "survey_employees" is a number and has no levels',
        'models.a.where: "employees" is no column of the survey',
        'models.a.weights: "ln_l" is no column of the survey',
        'models.a.strata: "nace" is no column of the survey',
    ]
    assert found[0].startswith("13:")
    assert 'did you mean "survey_size"?' in found[0]
    assert "linked or not" in found[3]


@pytest.mark.parametrize(("text", "message"), [
    ("models:\n  a: {design: adoption_rates, items: [ai], where: wave == 2022}\n",
     "models.a.where: no row of the survey fulfils this condition"),
    ("models:\n  a: {design: adoption_rates, items: [ai], errors: HC1}\n", 'models.a: the key "errors" has no meaning'),
    ("models:\n  a: {design: cross_section, formula: labour ~ ai, items: [ai]}\n",
     "it is a key of design adoption_rates"),
    ("models:\n  a: {design: adoption_rates, items: [ai], by: [survey_size]}\n", "write [[survey_size]]"),
    ("models:\n  a: {design: adoption_rates, items: [ai], by: [[survey_size]]}\n"
     "figures:\n  f: {kind: adoption_rates, of: a, by: survey_nace}\n", "is no block of a"),
    ("models:\n  a: {design: adoption_rates, items: [ai]}\n"
     "figures:\n  f: {kind: adoption_rates, of: a, keep: [cc], where: wave == 2023}\n", 'no item "cc"'),
    ("models:\n  a: {design: adoption_rates, items: [ai]}\n"
     "figures:\n  f: {kind: adoption_rates, of: [b]}\n", '"b" is no model of design adoption_rates'),
    ("models:\n  a: {design: adoption_rates, items: [ai]}\nfigures:\n  f: {kind: adoption_rates, of: a, by: ai}\n",
     "there is none of a single column"),
])  # fmt: skip
def test_mistakes_are_told(folder: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    assert any(message in line for line in problems(folder, text, capsys))


def test_a_panel_without_a_survey_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "panel.csv").write_text("id,year,ai\n1,2023,1\n")
    path = spec(tmp_path, "tfplab: 1\npanel: {table: {files: panel.csv}, firm: id, year: year}\n"
                          "models: {a: {design: adoption_rates, items: [ai]}}\n")  # fmt: skip
    assert main(["check", "--data", str(path)]) == 2
    assert '"adoption_rates" needs panel.survey' in capsys.readouterr().err


def test_a_pool_of_waves_fails_by_name_and_its_figure_with_it(folder: Path) -> None:
    text = (
        HEAD + "models:\n  pool: {design: adoption_rates, items: [ai]}\n"
        "  apart: {design: adoption_rates, items: [ai], by: [[wave]]}\n"
        "figures:\n  f: {kind: adoption_rates, of: pool}\n  g: {kind: adoption_rates, of: apart, by: wave}\n"
    )
    record = tfplab.run(spec(folder, text, "pool")).record
    assert record["models"]["pool"]["status"] == "failed"
    assert "2 waves (2021, 2023)" in record["models"]["pool"]["reason"]
    assert record["figures"]["f"]["reason"].startswith("model pool failed")
    assert [one["term"] for one in record["models"]["apart"]["coefficients"]] == ["ai[wave=2021]", "ai[wave=2023]"]
    assert [one["label"] for one in record["figures"]["g"]["series"]] == ["2021", "2023"]


def test_the_bundle_suppresses_and_reads_well(folder: Path, tmp_path: Path) -> None:
    text = (
        HEAD + MODELS + "tables:\n  use: {models: [use_2021, use_2023], formats: [html, md, latex, csv], "
        "locale: [en, nl_BE, fr_BE]}\n"
        "figures:\n  f: {kind: adoption_rates, of: [use_2021, use_2023], keep: [ai, ai_tml]}\n"
        "disclosure: {on_breach: suppress}\n"
    )
    assert main(["run", str(spec(folder, text, "bundle")), "-o", str(tmp_path / "run"), "-q"]) == 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    shown = [one for one in record["models"]["use_2023"]["coefficients"] if not one.get("suppressed")]
    assert shown
    assert all(min(one["n_firms"], one["n_yes"], one["n_no"]) >= 10 for one in shown)
    assert len(shown) < len(record["models"]["use_2023"]["coefficients"])
    english = (tmp_path / "run" / "tables" / "use.md").read_text()
    assert "| Uses AI " in english
    assert "Respondents" in english
    assert " 15.9 |" in english
    dutch = (tmp_path / "run" / "tables" / "use.nl_BE.md").read_text()
    assert "Machinaal leren" in dutch
    assert "15,9" in dutch
    assert "Respondenten" in dutch
    assert (tmp_path / "run" / "tables" / "use.fr_BE.tex").exists()
    assert (tmp_path / "run" / "figures" / "f.svg").exists()
    assert (tmp_path / "run" / "figures" / "f.png").exists()
    assert record["spec"]["tables"]["use"]["decimals"] == 1


def test_the_page_of_the_panel_shows_the_waves(folder: Path, tmp_path: Path) -> None:
    assert main(["panel", str(spec(folder, HEAD + MODELS)), "-o", str(tmp_path / "panel"), "-q"]) == 0
    with (tmp_path / "panel" / "waves.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert rows[0] == {"first": "2021", "second": "2023", "size": "all", "n_first": "2166", "n_both": "943",
                       "n_left": "1223", "n_entrants": "1279", "n_second": "2222"}  # fmt: skip
    with (tmp_path / "panel" / "transitions.csv").open() as stream:
        moves = {row["size"]: row for row in csv.DictReader(stream)}
    assert [moves["all"][key] for key in ("n00", "n01", "n10", "n11")] == ["664", "70", "10", "199"]
    for row in moves.values():
        assert not any(row[key] and 0 < int(row[key]) < 10 for key in row if key.startswith("n"))
    # 8 firms of the largest stopped: the count and what it would follow from are left out.
    assert moves["250+"]["n10"] == moves["250+"]["n01"] == moves["250+"]["w00"] == ""
    page = (tmp_path / "panel" / "panel.html").read_text()
    assert "Waves of the survey" in page
    assert "too few firms" in page
    assert "What the waves say" in page


def test_explain_says_what_is_computed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = HEAD + "models:\n  a: {design: adoption_rates, items: [ai], by: [[wave]]}\n"
    assert main(["explain", str(spec(folder, text, "explained"))]) == 0
    printed = capsys.readouterr().out
    assert "all respondents of the survey" in printed
    assert "z_i = w_i d_i (yes_i - p)" in printed


def test_the_page_shows_what_its_spec_gives(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "survey_tables.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(tfplab: 1\n.*?)```", page, re.DOTALL)
    assert found
    run = tfplab.run(spec(folder, found[1], "page"))
    shown = re.findall(
        r"^\| `(ai[^`]*)` \| (\S+) \| (\S+) to (\S+) \| (\S+) \| (\S+) to (\S+) \| (\S+) \|$", page, re.M
    )
    assert len(shown) == 5
    then, now = (run.models[name].coefficients.set_index("term") for name in ("use_2021", "use_2023"))
    for term, *numbers, respondents in shown:
        for table, printed in ((then, numbers[:3]), (now, numbers[3:])):
            given = table.loc[term, ["estimate", "conf_low", "conf_high"]].to_list()
            assert printed == [f"{100 * float(one):.1f}" for one in given], term
        assert respondents == f"{now.loc[term, 'n_firms']:,.0f}"
    pairs = wave_pairs(run.results.panel.respondents, "ai")
    whole = pairs[0]
    assert f"{whole.n_both} of the {whole.n_first:,} respondents" in page
    assert f"{whole.n00} said no twice, {whole.n01} began, {whole.n11} said yes twice and {whole.n10} said" in page
    assert f"{100 * whole.n10 / (whole.n10 + whole.n11):.1f} per cent of the users" in page
    assert f"Of the {whole.n_entrants:,} new respondents {whole.n_entrants_yes} use AI" in page
