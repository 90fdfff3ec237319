"""The table of diagnostics: what a reviewer must see, what is marked, and what nobody has a name for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from estimation.agreement import Agreement, Correlation
from estimation.inference import inference
from estimation.results import Elasticities, EquationRows, ErrorsInfo, Failed, ProductivityFit
from reports.build import build_table
from reports.diagnostics_table import COLUMNS
from reports.formats.registry import FORMATS
from reports.page import render
from reports.record import dump_record
from reports.table import Table
from reports.words import words_of
from specs.errors import TfplabError
from tests.reports.published import published_record, spec_facts, wooldridge

BAD = {
    "n_obs_equation1": 21000.0, "n_firms_equation1": 4100.0, "n_obs_equation2": 19877.0, "n_firms_equation2": 4068.0,
    "first_stage_f": 7.31, "first_stage_f[ln_l]": 7.31, "acf_one_minus_r2": 0.004, "share_phi_rises_in_proxy": 0.81,
    "returns_to_scale": 0.8021, "constant_returns_p_value": 0.00003, "negative_elasticities": 1.0,
    "share_negative[ln_k]": 0.2, "roots": 2.0, "scaled_moment_norm": 3e-5, "survival_excluded_p_value": 0.4,
    "markov_wald": 8.25, "markov_df": 2.0, "markov_p_value": 0.016, "entries": 109.0, "exits": 336.0,
    "something_new": 12.0, "something_else": 0.123456, "not_there": None,
}  # fmt: skip


def entry(name: str = "tfp", diagnostics: Any = None, **changes: Any) -> ProductivityFit:
    fit = wooldridge(name)
    found = BAD if diagnostics is None else diagnostics
    return replace(fit, groups=(replace(fit.groups[0], diagnostics=found, **changes),))


def sectors(name: str = "by_sector", number: int = 8) -> ProductivityFit:
    fit = wooldridge(name)
    groups = tuple(
        replace(
            fit.groups[0], group=(("nace", level),), rung="two-step, pooled over all" if level == "H" else "two-step"
        )
        for level in "ABCDEFGH"[:number]
    )
    return replace(fit, groups=groups)


def table(
    *fits: ProductivityFit | Failed, locale: str = "en", rule: Any = None, labels: Any = None, **keys: Any
) -> Table:
    facts: dict[str, Any] = {"tables": {"t": {"kind": "diagnostics", **keys}}}
    if rule is not None:
        facts["disclosure"] = {"minimum_firms": 10, "on_breach": rule}
    if labels is not None:
        facts["labels"] = labels
    return build_table(published_record(spec=spec_facts(**facts), productivity=list(fits)), "t", locale)


def printed(of: Table, key: str, place: int = 0) -> list[str]:
    return [row.cells[place].text + row.cells[place].mark for row in of.rows() if row.key == key]


def test_one_look_tells_what_an_estimate_rests_on() -> None:
    made = table(entry())
    assert [panel.heading for panel in made.panels] == [
        "Output elasticities", "Estimate", "Technology", "Identification", "Sample", "Other",
    ]  # fmt: skip
    assert printed(made, "ln_l") == ["0.699", "[0.683; 0.715]"]
    assert printed(made, "method") == ["Wooldridge", "(2009)"]
    assert printed(made, "rung") == ["two-step"]
    assert printed(made, "j_statistic") == ["1.372", "(df 1, p 0.241)"]
    assert printed(made, "returns_to_scale") == ["0.802", "(p < 0.001)"]
    assert printed(made, "markov_wald") == ["8.250", "(df 2, p 0.016)"]
    assert (printed(made, "n_obs"), printed(made, "n_obs_equation1")) == (["19,877"], ["21,000"])
    assert (printed(made, "entries"), printed(made, "exits")) == (["109"], ["336"])
    assert printed(made, "dropped[no lag]") == ["4,412"]
    lost = next(row for row in made.rows() if row.key == "dropped[missing ln_m]")
    assert lost.label == "Rows lost: ln_m is missing"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("first_stage_f", "7.310!"),
        ("first_stage_f[ln_l]", "7.310!"),
        ("acf_one_minus_r2", "0.004!"),
        ("share_phi_rises_in_proxy", "0.810!"),
        ("negative_elasticities", "1!"),
        ("share_negative[ln_k]", "0.200!"),
        ("roots", "2!"),
        ("scaled_moment_norm", "3.0e-05!"),
        ("survival_excluded_p_value", "0.400!"),
    ],
)
def test_what_is_beyond_its_bound_is_marked(key: str, shown: str) -> None:
    assert printed(table(entry()), key) == [shown]
    # At the bound itself, and on its good side, nothing is.
    good = {"first_stage_f": 10.0, "first_stage_f[ln_l]": 812.0, "acf_one_minus_r2": 0.01, "roots": 1.0,
            "share_phi_rises_in_proxy": 0.95, "negative_elasticities": 0.0, "share_negative[ln_k]": 0.05,
            "scaled_moment_norm": 1e-8, "survival_excluded_p_value": 0.05}  # fmt: skip
    assert not [row for row in table(entry(diagnostics=good)).rows() if row.key == key and row.cells[0].mark]


def test_a_j_that_rejects_is_marked() -> None:
    made = table(entry(j_p_value=0.049))
    assert printed(made, "j_statistic") == ["1.372!", "(df 1, p 0.049)"]


@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_every_line_that_has_a_name_says_what_a_bad_value_means(locale: str) -> None:
    made, words = table(entry(rung="one-step, pooled over all"), locale=locale), words_of(locale)
    meanings = [note.text for note in made.notes if note.kind == "meaning"]
    for key in ("first_stage_f", "acf_one_minus_r2", "share_phi_rises_in_proxy", "j_statistic", "returns_to_scale",
                "negative_elasticities", "share_negative", "roots", "scaled_moment_norm", "markov_wald", "rung",
                "survival_excluded_p_value", "n_obs", "exits", "entries"):  # fmt: skip
        assert sum(text.startswith(words(f"diagnostic.{key}")) for text in meanings) >= 1, key
    assert not [text for text in meanings if "{" in text]
    ten = next(text for text in meanings if text.startswith(words("diagnostic.first_stage_f")))
    assert " 10" in ten


def test_unknown_diagnostics_stand_under_their_own_names() -> None:
    made = table(entry())
    other = made.panels[-1]
    assert [(row.key, row.label, row.cells[0].text) for row in other.rows] == [
        ("something_new", "something_new", "12"),
        ("something_else", "something_else", "0.123"),
    ]
    assert "not_there" not in {row.key for row in made.rows()}


def test_averages_stand_where_coefficients_are_no_elasticities() -> None:
    mean, covariance = np.array([0.61, 0.22]), np.diag([0.01**2, 0.02**2])
    averages = Elasticities(("ln_l", "ln_k"), mean, covariance, inference(mean, covariance, np.inf), np.zeros(2))
    made = table(entry(elasticities=averages, terms=("ln_l", "ln_l^2")))
    assert printed(made, "ln_l")[0] == "0.610"
    assert printed(made, "ln_l^2") == []


def test_few_groups_stand_side_by_side_under_their_entry() -> None:
    made = table(entry(), sectors(number=3))
    assert [(one.heading, one.span) for one in made.spanners] == [("tfp", 1), ("by_sector", 3)]
    assert [column.heading for column in made.columns] == ["", "NACE section A", "NACE section B", "NACE section C"]
    # What is known of the entry alone stands in no group's column, but once below.
    assert [cell.text for cell in next(row for row in made.rows() if row.key == "dropped[no lag]").cells] == [
        "4,412", "", "", "",
    ]  # fmt: skip
    lost = [note.text for note in made.notes if "all groups together" in note.text]
    assert lost == ["by_sector, all groups together. Rows lost: no lag: 4,412; Rows lost: ln_m is missing: 21."]


def test_many_entries_without_groups_stay_side_by_side() -> None:
    made = table(*(entry(f"tfp{number}") for number in range(COLUMNS + 2)))
    assert [column.heading for column in made.columns][-1] == f"tfp{COLUMNS + 1}"


def test_more_than_six_estimates_stand_in_blocks() -> None:
    made = table(entry(), sectors(), entry("wlp"))
    assert made.blocks == (1, 6, 2, 1)
    parts = made.parts()
    assert [part.title for part in parts] == [f"Diagnostics ({number}/4)" for number in (1, 2, 3, 4)]
    assert [column.heading for column in parts[2].columns] == ["NACE section G", "NACE section H"]
    assert [(one.heading, one.span) for one in parts[1].spanners] == [("by_sector", 6)]
    assert printed(parts[2], "rung", 1) == ["two-step", "pooled over all firms"]
    # What is known of the entry alone stands once, in the notes.
    assert [printed(part, "dropped[no lag]") for part in parts[1:3]] == [[], []]
    assert [bool(part.notes) for part in parts] == [False, False, False, True]
    assert table(*(entry(f"tfp{number}") for number in range(COLUMNS + 2))).blocks == (COLUMNS, 2)
    assert table(entry(), sectors(number=3)).blocks == (4,)


def test_a_block_has_no_empty_lines() -> None:
    other = entry("ols", {"r2_within": 0.5})
    parts = table(*(entry(f"tfp{number}") for number in range(COLUMNS)), other).parts()
    assert printed(parts[1], "r2_within") == ["0.500"]
    assert {row.key for row in parts[1].rows()}.isdisjoint({"first_stage_f", "entries", "something_new"})
    assert "r2_within" not in {row.key for row in parts[0].rows()}


def test_every_entry_says_how_its_errors_were_computed() -> None:
    info = ErrorsInfo("cluster", {"firm": 4492}, np.inf, "", "none", detail="windmeijer")
    assert printed(table(entry(errors=info)), "std_errors") == [
        "clustered by firm", "(G = 4,492), two-step with Windmeijer’s correction",
    ]  # fmt: skip
    classical = ErrorsInfo("classical", {}, np.inf, "", "none", detail="prodest")
    assert printed(table(entry(errors=classical), locale="fr_BE"), "std_errors") == [
        "classiques", "telles que prodest les imprime",
    ]  # fmt: skip
    assert printed(table(entry(errors=None)), "std_errors") == ["none"]


def test_rows_that_an_equation_does_not_use_are_shown_beside_those_lost() -> None:
    rows = {
        "1": EquationRows(24289, {}),
        "2": EquationRows(19877, {"no row in the year before": 4400, "missing ai in the year before": 12}),
    }
    made = table(replace(entry(), equations=rows))
    labels = {row.label: row.cells[0].text for row in made.rows()}
    assert labels["Not in equation 2: no row in the year before"] == "4,400"
    assert labels["Not in equation 2: Uses AI is missing in the year before"] == "12"


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.parametrize("locale", ["en", "nl_BE", "fr_BE"])
def test_every_format_writes_both_layouts(form: str, locale: str) -> None:
    for made in (table(entry(), sectors(number=2), locale=locale), table(entry(), sectors(), locale=locale)):
        text = FORMATS[form].document(made)
        assert ("0.699" if locale == "en" else "0,699") in text
        assert "7.310" in text or "7,310" in text


def test_entries_without_estimates_are_said() -> None:
    lp = replace(wooldridge("lp"), method="labour_productivity", groups=())
    made = table(entry(), lp, Failed("acf", "ackerberg_caves_frazer", "no root"))
    texts = [note.text for note in made.notes]
    assert "lp: nothing is estimated; 24,289 rows have a value." in texts
    assert "Not estimated: acf: no root" in texts
    assert len(made.columns) == 1


def test_the_table_takes_what_the_spec_says_of_it() -> None:
    made = table(
        entry(), entry("wlp"), models=["wlp"], title={"en": "Checks"}, headings={"wlp": "One equation"}, decimals=2,
        notes=["A note."],
    )  # fmt: skip
    assert made.title == "Checks"
    assert [column.heading for column in made.columns] == ["One equation"]
    assert printed(made, "ln_l")[0] == "0.70"
    assert "A note." in [note.text for note in made.notes]
    with pytest.raises(TfplabError, match='no productivity entry "tpf" in this run, did you mean "tfp"'):
        table(entry(), models=["tpf"])


def test_what_rests_on_few_firms() -> None:
    few = entry(n_firms=7)
    said = [note.text for note in table(few).notes if note.kind == "disclosure"]
    assert said == ["Resting on fewer than 10 firms: tfp (7)."]
    made = table(few, rule="suppress")
    assert printed(made, "ln_l")[0] == "c"
    assert "7.310" not in FORMATS["md"].document(made)
    assert [row.key for row in made.rows()] == ["ln_l", "ln_l", "ln_k", "ln_k", "method", "method", "n_firms",
                                               "dropped[no lag]", "dropped[missing ln_m]"]  # fmt: skip


def pair(one: str = "tfp", other: str = "wlp", firms: int = 400, within: tuple[str, ...] = ()) -> Agreement:
    levels, growth = Correlation(0.9123, 0.8766, 2400, firms), Correlation(0.7412, 0.6987, 1900, firms - 2)
    return Agreement((one, other), levels, growth, within)


def page(**changes: Any) -> str:
    facts = changes.pop("facts", {})
    return render(published_record(spec=spec_facts(**facts), **changes), "tfplab: 1\n", {}, "en")


def test_the_page_shows_the_agreement_of_the_measures() -> None:
    shown = page(productivity=[entry(), entry("wlp")], agreement=[pair(within=("nace",))])
    assert "Agreement of the measures" in shown
    # Levels below the diagonal, growth above.
    assert '<th scope="row">tfp</th><td></td><td>0.741</td>' in shown
    assert '<th scope="row">wlp</th><td>0.912</td><td></td>' in shown
    assert "<td>0.912</td><td>0.877</td><td>2,400</td><td>400</td><td>0.741</td>" in shown
    assert "Levels about the means of NACE section" in shown
    assert '<li><a href="#productivity-agreement">Agreement of the measures</a></li>' in shown
    assert '<h3 id="productivity-agreement">' in shown
    assert "Agreement" not in page()


def test_the_page_says_which_output_each_measure_has() -> None:
    one = replace(pair(), outputs=("ln_va", "ln_output"))
    shown = page(productivity=[entry(), entry("wlp")], agreement=[one])
    assert "The measures are not all of one output: " in shown
    assert "ln_va; " in shown
    assert "ln_output. " in shown
    same = replace(pair(), outputs=("ln_va", "ln_va"))
    assert "not all of one output" not in page(productivity=[entry(), entry("wlp")], agreement=[same])


def test_agreement_obeys_the_disclosure_rule() -> None:
    rule = {"disclosure": {"minimum_firms": 10, "on_breach": "suppress"}}
    record = published_record(spec=spec_facts(**rule), agreement=[pair(firms=9)])
    assert record["agreement"][0]["levels"] == {
        "spearman": None, "pearson": None, "n_obs": None, "n_firms": None, "suppressed": True,
    }  # fmt: skip
    assert "0.9123" not in dump_record(record)
    breaches = [one["item"] for one in record["disclosure"]["breaches"] if one["where"] == "agreement"]
    assert breaches == ["tfp, wlp: levels", "tfp, wlp: growth"]
    # A group whose size is hidden cannot be had from the rows that the measures share.
    small = entry(n_firms=7)
    record = published_record(spec=spec_facts(**rule), productivity=[small], agreement=[pair()])
    assert record["agreement"][0]["levels"]["n_obs"] is None
    assert record["agreement"][0]["levels"]["spearman"] == 0.9123


def test_the_page_explains_each_line_once() -> None:
    shown = page(productivity=[entry(), sectors(), sectors("again")])
    assert shown.count("First-stage F: below 10") == 1
    assert shown.count("What a bad value means</h3>") == 1
    # The contents lead to the parts of the section.
    assert '<li><a href="#productivity-meanings">What a bad value means</a></li>' in shown
    assert '<h3 id="productivity-meanings">' in shown
    assert "productivity-agreement" not in shown


def test_a_markup_is_no_elasticity() -> None:
    mean, spread = np.array([0.6987]), np.array([[0.0081**2]])
    fit = entry(
        "ln_markup", {"median_markup": 1.4, "share_markup_below_one": 0.1}, terms=("log_markup",), coefficients=mean,
        inference=inference(mean, spread, np.inf),
    )  # fmt: skip
    made = table(replace(fit, method="markup"))
    assert [panel.heading for panel in made.panels] == ["Estimate", "Technology", "Sample"]
    assert printed(made, "log_markup") == ["0.699", "[0.683; 0.715]"]
    assert printed(made, "median_markup") == ["1.400"]
