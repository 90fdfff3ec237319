"""The folder of `tfplab panel` on a small survey: what one of its tables withholds stands in no other."""

from __future__ import annotations

import csv
from pathlib import Path

from tfplab.cli import main


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def small_survey(demo: Path, folder: Path) -> Path:
    """Return a spec of sixty respondents of one wave, one of whom files no accounts."""
    data = folder / "data"
    data.mkdir()
    head, *answers = (demo / "data" / "ict_2023.csv").read_text().splitlines(keepends=True)
    (data / "ict_2023.csv").write_text("".join([head, *answers[:60]]))
    gone = answers[7].partition(",")[0]
    for path in (demo / "data").glob("accounts_*.csv"):
        kept = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith(gone)]
        (data / path.name).write_text("".join(kept))
    spec = folder / "small.yaml"
    spec.write_text(
        "tfplab: 1\ntitle: A small survey\npanel:\n"
        "  accounts: {files: data/accounts_*.csv, layout: nbb}\n"
        "  survey: {files: {2023: data/ict_2023.csv}, layout: eurostat_ict}\n"
        "  years: [2017, 2023]\n  link: {on: firm}\n"
        "variables:\n  size: cut(survey_employees, [10, 50, 250], labels=['10-49', '50-249', '250+'])\n"
        "disclosure: {minimum_firms: 10, on_breach: report}\n"
    )
    return spec


def test_one_unit_without_accounts_follows_from_no_table(demo_folder: Path, tmp_path: Path) -> None:
    spec = small_survey(demo_folder, tmp_path)
    out = tmp_path / "panel"
    assert main(["panel", str(spec), "-o", str(out), "-q"]) == 0
    (link,) = [one for one in table(out, "ledger.csv") if (one["table"], one["step"]) == ("survey", "link")]
    assert (link["rows_in"], link["rows_out"], link["dropped"]) == ("60", "", "")
    assert [one["linked"] for one in table(out, "years.csv")] == ["0"] * 6 + [""]
    columns = {one["column"]: one for one in table(out, "columns.csv")}
    for name in ("wave", "ai", "survey_employees", "size"):
        assert {columns[name][key] for key in ("rows", "firms", "missing", "mean", "sd")} == {""}
    assert (columns["linked"]["mean"], columns["turnover"]["mean"] != "") == ("", True)
    told = [int(one["units"]) for one in table(out, "link.csv") if one["linked"] == "1" and one["units"]]
    assert sum(told) < 50
    assert not [one for one in table(out, "match_rates.csv") if one["linked"] == "59"]
    shares = [one for one in table(out, "match_rates.csv") if one["by"] == "scheme"]
    assert {one["share"] for one in shares} == {""}
    levels = [one for one in table(out, "levels.csv") if one["column"] == "size"]
    # Classes of the survey's employees are those of the match rates, which withhold how many of them are linked.
    assert levels
    assert {one["rows"] for one in levels} == {""}
    assert not [one for one in table(out, "levels.csv") if one["column"] == "survey_nace"]
    assert not [one for one in table(out, "distributions.csv") if one["firms"] == "59"]
    before_texts, _, _ = (out / "panel.html").read_text().partition("<h2>Texts")
    assert "<td>59</td>" not in before_texts
