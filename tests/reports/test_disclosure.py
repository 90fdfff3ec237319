from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.agreement import Agreement, Correlation
from estimation.results import Failed
from reports.build import build_tables
from reports.formats.registry import FORMATS
from reports.page_productivity import agreement_lists
from reports.record import dump_record
from reports.words import words_of
from specs.errors import TfplabError
from tests.reports.published import (
    classical,
    figure9,
    ledger,
    panel_facts,
    published_record,
    spec_facts,
    wooldridge,
)


def rule(action: str, minimum: int = 10) -> Any:
    return spec_facts(disclosure={"minimum_firms": minimum, "on_breach": action})


def test_report_lists_and_keeps() -> None:
    record = published_record(spec=rule("report"))
    found = record["disclosure"]["breaches"]
    assert [one["item"] for one in found if one["where"] == "models.table1"] == [
        "nace[Q]",
        "nace[R]",
        "nace[S]",
    ]
    assert [one["n_firms"] for one in found][:3] == [5, 1, 3]
    assert record["models"]["table1"]["coefficients"][15]["estimate"] == 0.2524


def test_suppress_leaves_no_trace_of_the_number() -> None:
    record = published_record(spec=rule("suppress"))
    text = dump_record(record)
    for number in ("0.2524", "0.2656", "1.6235", "0.5894", "0.1474", "0.3415"):
        assert number not in text
    hidden = [one for one in record["models"]["table1"]["coefficients"] if one.get("suppressed")]
    assert [one["term"] for one in hidden] == ["nace[Q]", "nace[R]", "nace[S]"]
    assert {value for one in hidden for key, value in one.items() if key not in ("term", "suppressed")} == {None}
    assert [one["n_firms"] for one in record["disclosure"]["breaches"]] == [None] * 6


def test_tables_show_that_something_was_suppressed() -> None:
    record = published_record(spec=rule("suppress"))
    for table in build_tables(record, "en"):
        for name in ("md", "html", "latex", "csv"):
            assert "c: suppressed, resting on fewer than 10 firms." in FORMATS[name].render(table)
    row = next(row for row in build_tables(record, "en")[0].rows() if row.key == "nace[R]")
    assert [cell.text for cell in row.cells] == ["c", "", ""]


def test_fail_names_every_breach() -> None:
    with pytest.raises(TfplabError, match=r"6 numbers rest on fewer than 10 .* nace\[R\] \(1"):
        published_record(spec=rule("fail"))
    assert published_record(spec=rule("fail", minimum=1))["disclosure"]["breaches"] == []


def test_a_small_group_of_a_density_is_blanked() -> None:
    record = published_record(spec=rule("suppress"), figures=[figure9(users=7)])
    users = record["figures"]["figure9"]["series"][1]
    assert users == {
        "of": "tfp", "label": "1", "n_obs": None, "n_firms": None, "mean": None, "bandwidth": None, "grid": [],
        "density": [], "suppressed": True,
    }  # fmt: skip
    assert {"where": "figures.figure9", "item": "ai=1", "n_firms": None} in record["disclosure"]["breaches"]


def test_a_small_group_of_a_productivity_entry_is_blanked() -> None:
    fit = wooldridge(n_firms=9, group=(("nace", "R"),))
    record = published_record(spec=rule("suppress"), productivity=[fit])
    group = record["productivity"]["tfp"]["groups"][0]
    assert group["group"] == {"nace": "R"}
    numbers = json.dumps({key: value for key, value in group.items() if key != "group"})
    assert not any(letter.isdigit() for letter in numbers)
    # What the entry counts in all would give the group away.
    assert record["productivity"]["tfp"]["n_rows_sample"] is None
    counts = [one["rows_out"] for one in record["panel"]["ledger"] if one["table"] == "productivity.tfp"]
    assert set(counts) == {None}


def test_a_small_model_is_blanked_whole() -> None:
    model = classical()
    small = type(model)(**{**{name: getattr(model, name) for name in model.__slots__}, "n_firms": 4, "n_obs": 4})
    record = published_record(spec=rule("suppress"), models=[small])
    blank = record["models"]["table1"]
    assert blank["n_obs"] is None
    assert blank["stats"]["r2"] is None
    assert all(one["estimate"] is None and one["suppressed"] for one in blank["coefficients"])
    assert {one["dropped"] for one in record["panel"]["ledger"] if one["table"] == "models.table1"} == {None}
    assert [one["item"] for one in record["disclosure"]["breaches"]] == ["n_firms"]


def test_notes_that_name_a_suppressed_term_are_withheld() -> None:
    model = classical()
    said = ("nace[R]: one firm, 1.6235", "year effects are in")
    changed = type(model)(**{**{name: getattr(model, name) for name in model.__slots__}, "notes": said})
    record = published_record(spec=rule("suppress"), models=[changed])
    kept = record["models"]["table1"]["notes"]
    assert kept == ["year effects are in", "a note was withheld: it concerns fewer than 10 firms"]


def test_small_counts_in_notes_and_reasons_are_withheld() -> None:
    reason = "productivity.tfp: 7 firms and 12 rows with a year before, where one step needs 30 firms"
    figure = figure9()
    said = replace(figure, name="f", notes=("1 firm lies outside", "1,507 firms lie inside"))
    failed = Failed("tfp", "wooldridge", reason)
    record = published_record(spec=rule("suppress"), productivity=[failed], figures=[said])
    hidden = reason.replace("7 firms and 12 rows", "fewer than 10 firms and some rows")
    assert record["productivity"]["tfp"]["reason"] == hidden
    assert record["figures"]["f"]["notes"] == ["fewer than 10 firms lie outside", "1,507 firms lie inside"]
    record = published_record(spec=rule("report"), productivity=[failed])
    assert record["productivity"]["tfp"]["reason"] == reason


def test_terms_that_add_up_to_each_other_are_blanked_together() -> None:
    names = ("change", "within", "between", "entry", "exit")
    model = classical("change")
    five = np.full(5, 0.123456789)
    change = replace(
        model, design="decomposition", method="melitz_polanec", terms=names, covariance=np.eye(5), coefficients=five,
        std_errors=five, statistics=five, p_values=five, conf_low=five, conf_high=five,
        n_firms_term=np.array([2310, 2000, 2000, 300, 7]),
    )  # fmt: skip
    record = published_record(spec=rule("suppress"), models=[change])
    # The four others would give away what the seven exits add.
    assert all(one["estimate"] is None and one["suppressed"] for one in record["models"]["change"]["coefficients"])
    assert "0.123456789" not in dump_record(record)
    reported = published_record(spec=rule("report"), models=[change])
    assert [one["item"] for one in reported["disclosure"]["breaches"]] == ["exit"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (
            "23 firms and 130 rows with a year before, where one step needs 30 firms and 90 rows",
            "fewer than 50 firms and some rows with a year before, where one step needs 30 firms and 90 rows",
        ),
        ("7 firms with a year before, where two stages need 30", "fewer than 50 firms with a year before, where two"),
        ("markov: 1 firm with ai in an observed year before, where 40 firms are asked for", "where 40 firms are asked"),
        (
            "1 firm has a year before among 4 complete rows, at least 5 rows are needed",
            "fewer than 50 firms have a year before among some complete rows, at least 5 rows are needed",
        ),
        (
            "7 firms have a year before among 20 complete rows: are years gaps? Of 1,831 rows: w is zero in 1789, "
            "ln_m is missing in 1,202",
            "among some complete rows: are years gaps? Of some rows: w is zero in some, ln_m is missing in some",
        ),
        ("236 of 24065 rows lie outside, of 7 firms", "some rows lie outside, of fewer than 50 firms"),
        ("7 of 291 firms move", "fewer than 50 of 291 firms move"),
        ("1 firm counts as entering with a row in 2018", "fewer than 50 firms count as entering with a row in 2018"),
        ("1 firm changes nace: each counts as an exit", "fewer than 50 firms change nace: each counts as an exit"),
        ("291 firms lie outside: w is zero in 1789", "291 firms lie outside: w is zero in 1789"),
        ("each curve ends where at least 10 firms lie beyond", "at least 10 firms lie beyond"),
        ("1200 firms are left, 30 are needed", "1200 firms are left, 30 are needed"),
    ],
)
def test_thresholds_in_reasons_disclose_nothing(reason: str, said: str) -> None:
    facts = spec_facts(disclosure={"minimum_firms": 50, "on_breach": "suppress"})
    record = published_record(spec=facts, productivity=[Failed("tfp", "wooldridge", reason)], models=[], figures=[])
    shown = record["productivity"]["tfp"]["reason"]
    assert said in shown
    assert not re.search(r"\b(23|7|1) firms?\b", shown)


def counted(**diagnostics: float) -> Any:
    fit = wooldridge()
    return replace(fit, groups=(replace(fit.groups[0], diagnostics={"roots": 1.0, **diagnostics}),))


def test_small_numbers_of_firms_among_diagnostics_are_breaches() -> None:
    fit = counted(entries=13.0, exits=3.0, survival_exits=2.0, n_firms_equation1=9.0)
    reported = published_record(spec=rule("report"), productivity=[fit], models=[], figures=[])
    assert [(one["item"], one["n_firms"]) for one in reported["disclosure"]["breaches"]] == [
        ("all: exits", 3), ("all: survival_exits", 2), ("all: n_firms_equation1", 9),
    ]  # fmt: skip
    record = published_record(spec=rule("suppress"), productivity=[fit], models=[], figures=[])
    group = record["productivity"]["tfp"]["groups"][0]
    assert group["diagnostics"] == {
        "roots": 1.0, "entries": 13.0, "exits": None, "survival_exits": None, "n_firms_equation1": None,
    }  # fmt: skip
    assert group["suppressed_diagnostics"] == ["exits", "survival_exits", "n_firms_equation1"]
    assert group["n_firms"] == wooldridge().groups[0].n_firms
    with pytest.raises(TfplabError, match=r"productivity.tfp: all: exits \(3"):
        published_record(spec=rule("fail"), productivity=[fit], models=[], figures=[])


def test_a_suppressed_number_of_firms_is_shown_as_such() -> None:
    facts = spec_facts(disclosure={"minimum_firms": 10, "on_breach": "suppress"}, tables={"t": {"kind": "diagnostics"}})
    record = published_record(spec=facts, productivity=[counted(entries=13.0, exits=3.0)], models=[], figures=[])
    shown = {row.key: row.cells[0].text for row in build_tables(record, "en")[0].rows()}
    assert (shown["entries"], shown["exits"]) == ("13", "c")
    notes = [note.text for note in build_tables(record, "en")[0].notes]
    assert "c: suppressed, resting on fewer than 10 firms." in notes
    record = published_record(spec=replace(facts, disclosure={}), productivity=[counted(exits=3.0)], models=[])
    notes = [note.text for note in build_tables(record, "en")[0].notes]
    assert "Resting on fewer than 10 firms: tfp: Leaving firms (3)." in notes


def test_that_nobody_leaves_is_no_breach() -> None:
    record = published_record(spec=rule("suppress"), productivity=[counted(exits=0.0)], models=[], figures=[])
    assert record["disclosure"]["breaches"] == []
    assert record["productivity"]["tfp"]["groups"][0]["diagnostics"]["exits"] == 0


def test_few_entrants_are_a_breach_and_take_the_others_with_them() -> None:
    stats = {"n_survivors": 300, "share_survivors_first": 0.9, "n_entrants": 3, "share_entrants": 0.1, "n_exiters": 12}
    model = replace(classical("change"), design="decomposition", method="melitz_polanec", stats=stats)
    reported = published_record(spec=rule("report"), models=[model], figures=[])["disclosure"]["breaches"]
    assert {"where": "models.change", "item": "n_entrants", "n_firms": 3} in reported
    record = published_record(spec=rule("suppress"), models=[model], figures=[])
    hidden = record["models"]["change"]
    assert set(hidden["stats"].values()) == {None}
    # Survivors have two rows, so rows less firms would be their number.
    assert hidden["n_obs"] is None
    assert set(hidden["dropped"].values()) <= {None}
    assert hidden["n_firms"] == model.n_firms
    assert {one["rows_out"] for one in record["panel"]["ledger"] if one["table"] == "models.change"} <= {None}


def labour_productivity(n_firms: int) -> Any:
    """A method that estimates nothing: a column without groups."""
    fit = wooldridge("lp")
    some = replace(
        fit, method="labour_productivity", groups=(), values=np.arange(8.0), in_sample=np.ones(8, dtype=bool)
    )
    return replace(some, dropped={"outside where": 24302}, n_firms=n_firms)


def test_a_column_of_few_firms_that_nothing_was_estimated_for_is_a_breach() -> None:
    facts = rule("report")
    tables = {"t": {"models": ["lp"]}, "d": {"kind": "diagnostics"}}
    productivity = [labour_productivity(1)]
    changes: dict[str, Any] = {"models": [], "figures": [], "agreement": []}
    panel = replace(
        panel_facts(), ledger=ledger().step("productivity.lp", "sample", 24310, 8, {"outside where": 24302})
    )
    changes |= {"panel": panel, "productivity": productivity}
    record = published_record(**changes, spec=replace(facts, tables=tables))
    assert record["disclosure"]["breaches"] == [{"where": "productivity.lp", "item": "all", "n_firms": 1}]
    for table in build_tables(record, "en"):
        assert "Resting on fewer than 10 firms: lp (1)." in [note.text for note in table.notes]
    record = published_record(**changes, spec=replace(rule("suppress"), tables=tables))
    assert record["productivity"]["lp"]["n_rows"] is None
    assert record["productivity"]["lp"]["n_firms"] is None
    assert {one["rows_out"] for one in record["panel"]["ledger"] if one["table"] == "productivity.lp"} == {None}
    for table in build_tables(record, "en"):
        texts = [note.text for note in table.notes]
        assert "lp: nothing is estimated; c rows have a value." in texts
        assert "c: suppressed, resting on fewer than 10 firms." in texts
    with pytest.raises(TfplabError, match=r"productivity.lp: all \(1 firm\)"):
        published_record(**changes, spec=rule("fail"))
    assert published_record(**(changes | {"productivity": [labour_productivity(40)]}))["disclosure"]["breaches"] == []


def test_a_reason_that_counts_too_few_has_no_counts_beside_it() -> None:
    """The ledger and what was dropped would add up to what the reason no longer says."""
    dropped = {"no weight": 24268}
    failed = Failed("tfp", "wooldridge", "7 firms and 42 rows with a year before", dropped)
    other = Failed("o", "ols", "291 firms: collinear", {"no lag": 5})
    steps = ledger().step("productivity.tfp", "complete rows", 24310, 42, dropped)
    steps = steps.step("productivity.o", "complete rows", 24310, 24305, {"no lag": 5})
    record = published_record(
        spec=rule("suppress"), productivity=[failed, other], figures=[], panel=replace(panel_facts(), ledger=steps)
    )
    assert record["productivity"]["tfp"]["dropped"] == {"no weight": None}
    assert record["productivity"]["o"]["dropped"] == {"no lag": 5}
    rows = {one["table"]: one["rows_out"] for one in record["panel"]["ledger"] if one["step"] == "complete rows"}
    assert rows == {"productivity.tfp": None, "productivity.o": 24305}


def test_no_note_speaks_of_terms_that_are_all_taken() -> None:
    names = ("change", "within", "between", "entry", "exit")
    five = np.full(5, 0.123456789)
    change = replace(
        classical("change"), design="decomposition", method="melitz_polanec", terms=names, covariance=np.eye(5),
        coefficients=five, std_errors=five, statistics=five, p_values=five, conf_low=five, conf_high=five,
        n_firms_term=np.array([2310, 2000, 2000, 300, 7]), notes=("one firm holds all of emp of those who leave",),
    )  # fmt: skip
    withheld = ["a note was withheld: it concerns fewer than 10 firms"]
    assert published_record(spec=rule("suppress"), models=[change])["models"]["change"]["notes"] == withheld
    assert published_record(spec=rule("report"), models=[change])["models"]["change"]["notes"] == [*change.notes]


def test_counts_of_a_pair_are_taken_with_those_of_its_measure() -> None:
    """The correlation is of many firms and stays; how many there are would give the small group away."""
    small = replace(wooldridge(), groups=(*wooldridge().groups, *wooldridge(n_firms=4).groups))
    pairs = [Agreement(("tfp", "lp"), Correlation(0.9, 0.8, 900, 120), None, (), ("y", "y"))]
    other = replace(labour_productivity(400), name="lp")
    record = published_record(
        spec=rule("suppress"), productivity=[small, other], models=[], figures=[], agreement=pairs
    )
    levels = record["agreement"][0]["levels"]
    assert levels == {"spearman": 0.9, "pearson": 0.8, "n_obs": None, "n_firms": None, "suppressed_counts": True}
    lists = agreement_lists(record, words_of("en"))
    assert lists.count("<td>c</td>") == 2
    assert "c: suppressed, resting on fewer than 10 firms." in lists
    record = published_record(spec=rule("report"), productivity=[small, other], models=[], figures=[], agreement=pairs)
    assert "suppressed, resting" not in agreement_lists(record, words_of("en"))
