"""The page of a panel with a link: its sections, its files, and nothing on it that rests on too few units."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tfplab.cli import main


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def report(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = (demo_folder / "hrw_2026.yaml").read_text(encoding="utf-8").replace("data/", f"{demo_folder}/data/")
    folder = tmp_path_factory.mktemp("panel")
    spec = folder / "spec.yaml"
    spec.write_text(text.replace("{on: firm}", "{propensity: {covariates: [survey_nace, size_class, cc]}}"))
    assert main(["panel", str(spec), "-o", str(folder / "panel"), "-q"]) == 0
    return folder / "panel"


def test_the_link_is_shown(report: Path) -> None:
    page = (report / "panel.html").read_text(encoding="utf-8")
    for heading in ("What became of the survey&#x27;s units", "Match rates", "Linked and unlinked units",
                    "Survey and accounts on the same units", "Probability of being linked, and weights"):  # fmt: skip
        assert f"<h2>{heading}</h2>" in page
    # Of firms in no account only the wave is told, and of 10 in section D nothing at all.
    assert "2,090" in page
    assert "over 95 %" in page


def test_the_links_files(report: Path) -> None:
    statuses = rows(report / "link.csv")
    assert {(one["wave"], one["status"], one["units"]) for one in statuses if one["units"] != "0"} == {
        ("2021", "linked_full", "1542"), ("2021", "linked_abridged", "548"), ("2021", "no_account", "76"),
        ("2023", "linked_full", "1497"), ("2023", "linked_abridged", "635"), ("2023", "no_account", "90"),
    }  # fmt: skip
    rates = {(one["wave"], one["by"], one["level"]): one for one in rows(report / "match_rates.csv")}
    assert float(rates["2021", "all", "all"]["share"]) == 2090 / 2166
    assert rates["2021", "scheme", "full"]["linked"] == "1542"
    assert (rates["2021", "nace", "R"]["units"], rates["2021", "nace", "R"]["withheld"]) == ("", "1")
    for one in rates.values():
        for key in ("units", "linked"):
            assert one[key] in ("", "0") or int(one[key]) >= 10
        unlinked = int(one["units"]) - int(one["linked"]) if one["units"] and one["linked"] else 0
        assert unlinked == 0 or unlinked >= 10
    assert rows(report / "balance.csv")[0]["covariate"] == "weight"
    assert "link_status" not in {one["column"] for one in rows(report / "levels.csv")}
    cells = rows(report / "agreement.csv")
    assert all(one["units"] in ("", "0") or int(one["units"]) >= 10 for one in cells)
    assert {one["term"] for one in rows(report / "propensity.csv")} >= {"constant", "size_class[250+]"}


def test_the_steps_are_explained(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(report.parent / "spec.yaml")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Weigh the linked units (link_weight): design weight over the probability of being linked" in printed


def test_distributions_are_drawn_by_year(report: Path) -> None:
    found = rows(report / "distributions.csv")
    assert {one["year"] for one in found if one["column"] == "turnover"} == {str(year) for year in range(2017, 2024)}
    assert {one["year"] for one in found if one["column"] == "weight"} == {"2021", "2023"}
    assert not {one["column"] for one in found} & {"ai", "firm", "year"}
    for one in found:
        cuts = [float(one[key]) for key in ("p10", "p25", "p50", "p75", "p90") if one[key]]
        assert cuts == sorted(cuts)
    page = (report / "panel.html").read_text(encoding="utf-8")
    section = page[page.index("<h2>Distributions</h2>") :]
    assert "turnover (EUR, log scale): median" in section
    # The wave has two values, and no quantiles.
    assert "and not drawn: months.<" in section


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
    (link,) = [one for one in rows(out / "ledger.csv") if (one["table"], one["step"]) == ("survey", "link")]
    assert (link["rows_in"], link["rows_out"], link["dropped"]) == ("60", "", "")
    assert [one["linked"] for one in rows(out / "years.csv")] == ["0"] * 6 + [""]
    columns = {one["column"]: one for one in rows(out / "columns.csv")}
    for name in ("wave", "ai", "survey_employees", "size"):
        assert {columns[name][key] for key in ("rows", "firms", "missing", "mean", "sd")} == {""}
    assert (columns["linked"]["mean"], columns["turnover"]["mean"] != "") == ("", True)
    told = [int(one["units"]) for one in rows(out / "link.csv") if one["linked"] == "1" and one["units"]]
    assert sum(told) < 50
    assert not [one for one in rows(out / "match_rates.csv") if one["linked"] == "59"]
    shares = [one for one in rows(out / "match_rates.csv") if one["by"] == "scheme"]
    assert {one["share"] for one in shares} == {""}
    levels = [one for one in rows(out / "levels.csv") if one["column"] == "size"]
    # Classes of the survey's employees are those of the match rates, which withhold how many of them are linked.
    assert levels
    assert {one["rows"] for one in levels} == {""}
    assert not [one for one in rows(out / "levels.csv") if one["column"] == "survey_nace"]
    assert not [one for one in rows(out / "distributions.csv") if one["firms"] == "59"]
    before_texts, _, _ = (out / "panel.html").read_text().partition("<h2>Texts")
    assert "<td>59</td>" not in before_texts
