"""The page of a panel: numbers that can be compared, reasons that add up, labels beside codes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from panels.ledger import Ledger
from reports.formats.html import style
from reports.labels import Labels
from reports.link_page import link_sections
from reports.panel_page import panel_files
from reports.words import words_of

QUANTILES = ("0.1", "0.5")


def column(name: str, mean: float | None, *cuts: float | None, **more: Any) -> dict[str, Any]:
    quantiles = dict(zip(QUANTILES, cuts, strict=False))
    return {"column": name, "kind": "number", "unit": "", "source": "", "rows": 500, "firms": 60, "missing": 0,
            "mean": mean, "sd": 0.5, "quantiles": quantiles, "levels": []} | more  # fmt: skip


def files(**more: Any) -> dict[str, Any]:
    ledger = Ledger().step("accounts", "filings", 1500, 1200, {"no year": 180, "no firm number": 120})
    record = {
        "spec": {"labels": {"profit": "Profit of the year"}},
        "panel": {"rows": 1200, "firms": 60, "years": [2017], "ledger": ledger.plain()},
        "columns": [], "by_year": [{"year": 2017, "firms": 60, "also_year_before": 0, "linked": None}],
        "waves": {}, "minimum_firms": 10, "linkage": None, "strata": [], "distributions": [],
        "distribution_shares": [0.1, 0.5],
    }  # fmt: skip
    return dict(panel_files(record | more, "A panel", {}))


def rows_of(page: str, first: str) -> list[list[str]]:
    """Return the cells of the rows whose heading begins like this."""
    found = re.findall(r"<tr><th scope=\"row\">([^<]*)</th>(.*?)</tr>", page)
    return [[head, *re.findall(r"<td[^>]*>([^<]*)</td>", rest)] for head, rest in found if head.startswith(first)]


def test_numbers_have_one_format_and_years_are_no_thousands() -> None:
    columns = [
        column("turnover", 430_215.7, 1_015_948.0, 0.0),
        column("ratio", 0.012341, -12.5, 987.64),
        column("start_year", 1990.21, 1965.0, 2004.4),
        column("wave", 2022.0),
        column("profit", None, None, 3.0),
    ]
    page = files(columns=columns)["panel.html"]
    told = {cells[0]: cells[5:] for name in ("turnover", "ratio", "start", "profit") for cells in rows_of(page, name)}
    assert told["turnover"] == ["430,216", "0.5000", "1,015,948", "0"]
    assert told["ratio"] == ["0.01234", "0.5000", "\N{MINUS SIGN}12.50", "987.6"]
    assert told["start_year"] == ["1990", "0.5000", "1965", "2004"]
    assert told["profit (Profit of the year)"] == ["too few firms", "0.5000", "too few firms", "3.000"]
    assert rows_of(page, "wave") == [["wave", "Wave", "", "500", "60", "0", "2022", "0.5000"]]


def test_a_panel_of_one_year_has_no_span() -> None:
    assert "1,200 rows, 60 firms, 2017<" in files()["panel.html"]


def test_one_of_a_thing_is_no_several() -> None:
    ledger = Ledger().step("accounts", "read", 1, 1).plain()
    page = files(panel={"rows": 1, "firms": 1, "years": [2017], "ledger": ledger})["panel.html"]
    assert "The panel: 1 row, 1 firm, 2017<" in page
    assert "fewer than 1 firm, or" in files(columns=[column("turnover", 1.0)], minimum_firms=1)["panel.html"]


def test_one_unit_of_the_survey_is_no_several() -> None:
    empty: dict[str, Any] = {key: [] for key in ("statuses", "rates", "schemes", "propensity")}
    wave = {"wave": 2023, "linked": 1, "respondents": 4, "weights_missing": 1, "weights_not_positive": 12}
    keys = ("mean_linked", "mean_unlinked", "difference", "variance_ratio", "weighted_difference")
    balance = {"wave": 2023, "covariate": "cc", "linked": 1, "unlinked": 3, "imbalanced": False, "withheld": False}
    row = {"survey": "C", "cells": [1], "units": 1, "share": 1.0, "over": None}
    agreement = {"wave": 2023, "of": "nace", "levels": ["C"], "rows": [row], "share": 1.0, "over": None, "units": 1,
                 "unknown": 1}  # fmt: skip
    link = empty | {"minimum_firms": 1, "waves": [wave], "agreement": [agreement],
                    "balance": [balance | dict.fromkeys(keys, 1.0)]}  # fmt: skip
    page = "".join(body for _, body in link_sections(link, Labels({}, words_of("en"))))
    assert "fewer than 1 unit are withheld" in page
    assert "2023: 1 unit has no design weight. Weighted rates leave it out, and it gets no link weight." in page
    assert "2023: 12 units have a weight of zero or less. Weighted rates leave them out, and they get no" in page
    assert "2023: linked: 1 unit, unlinked: 3<" in page
    assert "100.0 % of 1 unit alike" in page
    assert "Left out: 1 linked unit of which" in page


def test_the_rows_of_a_step_stand_once_beside_its_reasons() -> None:
    lines = rows_of(files()["panel.html"], "accounts")
    assert lines == [
        ["accounts", "filings", "1,500", "180", "no year", ""],
        ["accounts", "filings", "", "120", "no firm number", "1,200"],
    ]


def test_what_the_link_withholds_is_marked_in_the_ledger() -> None:
    ledger = Ledger().step("survey", "link", 60, 59, {"no accounts of the firm": 1}).plain()
    ledger[0] |= {"dropped": None, "rows_out": None}
    written = files(panel={"rows": 59, "firms": 59, "years": [2017], "ledger": ledger})
    assert rows_of(written["panel.html"], "survey") == [["survey", "link", "60", "c", "no accounts of the firm", "c"]]
    assert "c: withheld, as in the tables of the link" in written["panel.html"]
    assert written["ledger.csv"].splitlines()[1] == "survey,link,60,,,no accounts of the firm"


def test_words_break_between_words_alone() -> None:
    (rule,) = re.findall(r"table\.list td\.words \{([^}]*)\}", style())
    assert "anywhere" not in rule
    page = files(columns=[column("turnover", 1.0, 2.0, 3.0, unit="EUR, base year")])["panel.html"]
    assert '<td class="words whole">EUR, base year</td>' in page
    assert '<td class="words whole">filings</td>' in page


@pytest.mark.parametrize(
    ("share", "over", "units", "said"),
    [
        (None, None, None, "too few units to say how many are alike"),
        (None, 0.9, 100, "over 90 % of 100 units alike"),
        (0.95, None, None, "95.0 % of the units alike"),
    ],
)
def test_the_heading_of_an_agreement_reads(
    share: float | None, over: float | None, units: int | None, said: str
) -> None:
    row = {"survey": "C", "cells": [None], "units": None, "share": None, "over": None}
    table = {"wave": 2023, "of": "nace", "levels": ["C"], "rows": [row], "share": share, "over": over, "units": units,
             "unknown": 0}  # fmt: skip
    empty: dict[str, Any] = {key: [] for key in ("waves", "statuses", "rates", "schemes", "balance", "propensity")}
    link = empty | {"minimum_firms": 10, "agreement": [table]}
    page = "".join(body for _, body in link_sections(link, Labels({}, words_of("en"))))
    assert f"(columns), {said}</caption>" in page


def test_covariates_have_their_labels() -> None:
    keys = ("mean_linked", "mean_unlinked", "difference", "variance_ratio", "weighted_difference")
    lines = [
        {"wave": 2023, "covariate": name, "linked": 50, "unlinked": 0, "imbalanced": False, "withheld": withheld}
        | dict.fromkeys(keys, 1372.566)
        for name, withheld in (("ai_ttm", False), ("survey_nace[C]", True), ("cc", True), ("survey_nace[D]", True))
    ]
    empty: dict[str, Any] = {key: [] for key in ("waves", "statuses", "rates", "schemes", "agreement", "propensity")}
    link = empty | {"minimum_firms": 10, "balance": lines}
    page = "".join(body for _, body in link_sections(link, Labels({}, words_of("en"))))
    assert rows_of(page, "Text mining")[0][1] == "1,372.566"
    assert "2023: linked: 50 units, unlinked: 0<" in page
    assert "2023, withheld: NACE section in the survey: C, D; Buys cloud computing." in page


def test_waves_and_who_left_have_the_labels_of_the_spec() -> None:
    counts = {"n_first": 60, "n_second": 60, "n_both": 40, "n00": 20, "n01": 20, "n10": 0, "n11": 0, "n_missing": 0,
              "n_entrants": 20, "n_entrants_yes": 20, "n_entrants_no": 0}  # fmt: skip
    pair = {"indicator": "ai", "first": 2021, "second": 2023, "size": "all", **counts} | dict.fromkeys(
        ("w00", "w01", "w10", "w11")
    )
    adoption = {"never": 20, "adopted": 20, "before_first": 20, "reversal": 0, "unknown": 0}
    waves = {"indicator": "ai", "years": [2021, 2023], "pairs": [pair], "adoption": adoption}
    left = {"table": "accounts", "step": "require", "reason": "materials is missing", "stratum": "size",
            "level": "0-9", "dropped": 30}  # fmt: skip
    spec = {"labels": {"ai": "Learning <machines>", "materials": "Purchases"}}
    page = files(spec=spec, waves=waves, strata=[left])["panel.html"]
    assert "Transitions of Learning &lt;machines&gt; (<code>ai</code>) are those" in page
    assert rows_of(page, "accounts: Purchases") == [["accounts: Purchases is missing", "30"]]
    plain = files(waves=waves, strata=[left])["panel.html"]
    assert "Learning" not in plain
    assert "(<code>ai</code>) are those" in plain
