from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from estimation.results import ErrorsInfo, Failed
from reports.build import build_table, build_tables
from reports.notes import listed
from reports.table import Table
from specs.errors import TfplabError
from tests.reports.published import TABLE1, classical, clustered, published_record, spec_facts, wooldridge


def table(
    locale: str = "en", labels: dict[str, Any] | None = None, parts: dict[str, Any] | None = None, **keys: Any
) -> Table:
    changes: dict[str, Any] = {"tables": {"t": {"models": ["table1"], **keys}}}
    if labels is not None:
        changes["labels"] = labels
    record = published_record(spec=spec_facts(**changes), **(parts or {}))
    return build_table(record, "t", locale)


def texts(of: Table, key: str) -> list[list[str]]:
    return [[cell.text + cell.mark for cell in row.cells] for row in of.rows() if row.key == key]


def notes(of: Table, kind: str) -> list[str]:
    return [note.text for note in of.notes if note.kind == kind]


def test_the_published_row_in_dutch() -> None:
    made = table("nl_BE", p_values="r_style")
    assert texts(made, "ai") == [["0,2306", "0,0316", "4,02e-13***"]]
    assert texts(made, "constant") == [["10,8442", "0,0443", "< 2e-16***"]]
    assert [column.heading for column in made.columns] == ["Schatting", "Standaardfout", "p-waarde"]
    assert made.spanners == ()


def test_every_published_number_prints_as_published() -> None:
    made = table(p_values="r_style")
    for term, estimate, std_error, _ in TABLE1:
        assert [cell[:2] for cell in texts(made, term)] == [[f"{estimate:.4f}", f"{std_error:.4f}"]]


def test_levels_stand_under_the_name_of_their_factor() -> None:
    made = table(p_values="r_style")
    assert [panel.heading for panel in made.panels] == ["", "Size", "", "NACE section", ""]
    assert [row.label for row in made.panels[1].rows] == ["20-49", "50-249", "250+"]


def test_economists_layout() -> None:
    made = table()
    assert texts(made, "ai") == [["0.231***"], ["(0.032)"]]
    assert made.panels[-1].rows[0].key == "constant"
    assert notes(made, "errors")[0] == "Standard errors in parentheses."
    assert notes(made, "legend") == ["Two-sided p-values: *** p < 0.01."]


def test_without_marks_there_is_no_legend() -> None:
    made = table(p_values="none", decimals=2)
    assert texts(made, "ai") == [["0.23"], ["(0.03)"]]
    assert notes(made, "legend") == []


def test_the_footer_says_what_the_published_table_did_not() -> None:
    made = table(models=["table1", "table1_robust"])
    assert [row.label for row in made.footer] == [
        "Observations", "Firms", "R²", "Standard errors", "Uncertainty of the estimated productivity",
        "Productivity", "Weights",
    ]  # fmt: skip
    assert texts(made, "std_errors") == [["classical", "clustered by firm (G = 2,310)"]]
    assert texts(made, "tfp_uncertainty") == [["not included", "included"]]
    assert texts(made, "weights") == [["none", "none"]]
    assert texts(made, "productivity") == [["Wooldridge (2009)"] * 2]


def test_the_notes_name_outcome_reference_and_source() -> None:
    made = table(notes=["Seen by nobody.", {"en": "In English.", "nl": "In het Nederlands."}])
    assert notes(made, "outcome") == ["Dependent variable: Total factor productivity (log)."]
    assert notes(made, "reference") == ["Reference categories: Size: 10-19; NACE section: C."]
    assert notes(made, "note") == ["Seen by nobody.", "In English."]
    assert made.notes[-1].kind == "source"
    assert "degree 3" in notes(made, "method")[0]
    assert notes(made, "disclosure") == [
        "Resting on fewer than 10 firms: NACE section: Q (5); NACE section: R (1); NACE section: S (3)."
    ]


def test_r_style_with_several_models_has_spanners() -> None:
    made = table(models=["table1", "table1_robust"], p_values="r_style", headings=["(1)", "(2)"])
    assert [(one.heading, one.span) for one in made.spanners] == [("(1)", 3), ("(2)", 3)]
    assert [cell.span for cell in made.footer[0].cells] == [3, 3]


def test_headings_fall_back_from_spec_to_label_to_id() -> None:
    both = ["table1", "table1_robust"]
    assert [one.heading for one in table(models=both, headings={"table1": "A"}).columns] == [
        "A",
        "Robust, corrected",
    ]
    assert [one.heading for one in table(models=both, labels={}).columns] == both


def test_keep_and_order() -> None:
    made = table(keep=["ai", "size"], order=["ai"])
    assert [panel.heading or panel.rows[0].key for panel in made.panels] == ["ai", "Size"]
    made = table(keep=["nace[D]"])
    assert [row.key for panel in made.panels for row in panel.rows] == ["nace[D]"] * 2


@pytest.mark.parametrize("key", ["keep", "order"])
def test_an_unknown_term_is_an_error(key: str) -> None:
    with pytest.raises(TfplabError, match=rf'tables.t.{key}: no term "siz" in its models, did you mean "size"\?'):
        table(**{key: ["siz"]})


def test_unknown_tables_and_models_are_errors() -> None:
    with pytest.raises(TfplabError, match='no table "tabel1" in this run, did you mean "table1"'):
        build_tables(published_record(), "en", ["tabel1"])
    with pytest.raises(TfplabError, match=r'tables\.t\.models: no "table2" in this run'):
        table(models=["table2"])


def test_a_failed_model_is_said_below_the_table() -> None:
    made = table(models=["table1", "small"], keep=["never_estimated", "ai"])
    assert len(made.columns) == 1
    reason = "models.small: the regressors nace and section are collinear"
    assert notes(made, "failed") == [f"Not estimated: small: {reason}"]


def test_a_table_of_failures_alone_still_prints() -> None:
    made = table(models=["small"])
    assert made.columns == ()
    assert made.footer == ()
    assert len(notes(made, "failed")) == 1


def test_a_failed_productivity_entry_is_said_below_the_table() -> None:
    parts = {"productivity": [Failed("tfp", "wooldridge", "no lags")]}
    made = table(models=["table1", "tfp"], parts=parts)
    assert notes(made, "failed") == ["Not estimated: tfp: no lags"]
    assert [column.model for column in made.columns] == ["table1"]


def test_a_productivity_entry_is_a_column() -> None:
    made = table(models=["tfp"])
    assert texts(made, "ln_l") == [["0.699***"], ["(0.008)"]]
    assert texts(made, "rung") == [["two-step"]]
    assert texts(made, "j_statistic") == [["1.372 (df 1, p 0.241)"]]


def test_groups_of_a_productivity_entry_are_columns_of_their_own() -> None:
    made = table(models=["tfp"], parts={"productivity": [wooldridge(group=(("nace", "C"),))]})
    assert [column.heading for column in made.columns] == ["tfp, NACE section C"]


def test_interactions_and_powers_read_as_such() -> None:
    model = classical()
    renamed = (
        "constant",
        "ai:size[20-49]",
        "ai:size[50-249]",
        "(firm_age)^2",
        "log(labour)",
        *model.terms[5:],
    )
    changed = type(model)(**{**{name: getattr(model, name) for name in model.__slots__}, "terms": renamed})
    made = table(parts={"models": [changed]})
    assert [panel.heading for panel in made.panels][:3] == ["Uses AI × Size", "", ""]
    assert [panel.rows[0].label for panel in made.panels][:3] == [
        "20-49",
        "Age of the firm²",
        "log of labour",
    ]


def test_a_label_missing_in_a_language_is_said() -> None:
    made = table("nl_BE", labels={"ai": {"en": "Uses AI"}, "firm_age": {"en": "Age"}, "tfp": {"fr": "PTF"}})
    # Built-in Dutch words stand in; English or the name only where there are none.
    assert notes(made, "label") == []
    model = clustered("table1")
    renamed = tuple(term.replace("firm_age", "robots").replace("ai", "chatbots") for term in model.terms)
    changed = type(model)(**{**{name: getattr(model, name) for name in model.__slots__}, "terms": renamed})
    made = table("nl_BE", labels={"robots": {"en": "Has robots"}}, parts={"models": [changed]})
    assert notes(made, "label") == ["Geen Nederlands label voor: robots, chatbots."]
    assert [row.label for row in made.rows() if row.key in ("robots", "chatbots")] == [
        "Has robots",
        "",
        "chatbots",
        "",
    ]


def test_a_label_may_be_one_for_all_languages() -> None:
    made = table("fr_BE", labels={"ai": "AI & robots"})
    assert next(row.label for row in made.rows() if row.key == "ai") == "AI & robots"


def test_titles_come_from_table_model_or_spec() -> None:
    assert table(title={"en": "One", "nl": "Een"}).title == "One"
    assert table().title == "Simple linear model of the productivity of Belgian firms"
    assert table(models=["table1", "table1_robust"]).title == "AI use and the productivity of Belgian firms"


def test_different_outcomes_become_a_row() -> None:
    other = clustered()
    changed = type(other)(**{**{name: getattr(other, name) for name in other.__slots__}, "outcome": "ln_va"})
    made = table(models=["table1", "table1_robust"], parts={"models": [classical(), changed]})
    assert texts(made, "outcome") == [["Total factor productivity (log)", "ln_va"]]
    assert texts(made, "productivity") == [["Wooldridge (2009)", "not applicable"]]
    assert notes(made, "outcome") == []


def test_terms_of_a_second_model_join_their_factor() -> None:
    first = classical()
    short = Failed("unused", "cross_section", "unused")
    second = clustered()
    extra = tuple("size[1000+]" if term == "nace[D]" else term for term in second.terms)
    changed = type(second)(**{**{name: getattr(second, name) for name in second.__slots__}, "terms": extra})
    made = table(models=["table1", "table1_robust"], parts={"models": [first, changed, short]})
    size = next(panel for panel in made.panels if panel.heading == "Size")
    assert [row.key for row in size.rows if not row.continues] == [
        "size[20-49]", "size[50-249]", "size[250+]", "size[1000+]",
    ]  # fmt: skip
    assert texts(made, "size[1000+]")[0] == ["", "0.722***"]


def sectors() -> Any:
    """An entry of two groups, the second of which climbed the ladder."""
    groups = tuple(replace(wooldridge().groups[0], group=(("nace", level),)) for level in ("C", "Q"))
    notes = ("nace Q: 9 firms with a year before, where one step needs 30 firms",)
    return replace(wooldridge(), name="by", groups=(groups[0], replace(groups[1], notes=notes)))


def test_a_note_of_a_group_names_it_once() -> None:
    facts = spec_facts(tables={"t": {"models": ["by", "tfp"]}, "alone": {"models": ["by"]}})
    record = published_record(spec=facts, productivity=[sectors(), wooldridge()])
    texts = [note.text for note in build_table(record, "t", "en").notes]
    assert "by, NACE section Q: 9 firms with a year before, where one step needs 30 firms." in texts
    one = replace(sectors(), groups=sectors().groups[1:])
    texts = [note.text for note in build_table(published_record(spec=facts, productivity=[one]), "alone", "en").notes]
    assert "by, NACE section Q: 9 firms with a year before, where one step needs 30 firms." in texts


def test_headings_with_commas_stand_apart_in_a_list() -> None:
    assert listed(["tfp", "by"]) == "tfp, by"
    assert listed(["tfp", "by, nace C", "by, nace Q"]) == "tfp; by, nace C; by, nace Q"


@pytest.mark.parametrize(
    ("locale", "said"),
    [("en", "G counts the firms of all equations"), ("nl_BE", "G telt de"), ("fr_BE", "G compte les entreprises")],
)
def test_more_clusters_than_firms_are_explained(locale: str, said: str) -> None:
    facts = spec_facts(tables={"t": {"models": ["tfp"]}})
    fit = wooldridge()
    errors = ErrorsInfo("cluster", {"firm": fit.groups[0].n_firms + 72}, float("inf"), "", "none")
    wider = replace(fit, groups=(replace(fit.groups[0], errors=errors),))
    for one, told in ((fit, False), (wider, True)):
        table = build_table(published_record(spec=facts, productivity=[one]), "t", locale)
        assert any(note.text.startswith(said) for note in table.notes) is told


def test_base_levels_that_differ_name_their_models() -> None:
    other = replace(classical("other"), reference={"size": "250+", "nace": "C"})
    made = table(parts={"models": [classical(), other]}, models=["table1", "other"])
    assert notes(made, "reference") == [
        "Reference categories: Size: 10-19 (As published), 250+ (other); NACE section: C."
    ]  # fmt: skip


@pytest.mark.parametrize(("locale", "said"), [("en", "none."), ("nl_BE", "geen."), ("fr_BE", "aucune.")])
def test_no_small_sample_correction_is_said_in_the_tables_language(locale: str, said: str) -> None:
    plain = replace(classical(), errors=replace(classical().errors, small_sample="none"))
    (note,) = [one for one in notes(table(locale, parts={"models": [plain]}), "errors") if said in one]
    assert note.endswith(said)
