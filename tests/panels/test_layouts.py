"""The layouts that come with the house, the examples of the docs, and what a wrong layout is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from panels.layout import divisions, load_layout
from panels.shipped import COLUMNS, LAYOUTS
from specs.errors import Position
from tests.panels.building import build, column, messages, write
from tests.panels.layout_columns import columns_text

PAGE = Path(__file__).parents[2] / "docs" / "layouts.md"
HERE = Position("spec.yaml", 3, 40)
SPEC = """\
panel:
  accounts: {files: accounts.csv, layout: mine.yaml}
  clean: {months: [6, 18]}
"""
ACCOUNTS = """\
    Company,FY,Form,MONTHS,BEGIN,END,ACTIVITY,PROVINCE,FOUNDED,FULL_TIME,PART_TIME,HEADS,FTE,SALES,OTHER_INCOME,PURCHASES,SERVICES,MARGIN,TANGIBLE,INTANGIBLE
    007,2021,L,,2021-01-01,2021-12-31,10110,Gent,2001,3,,9,2.5,100,,40,10,,7,
    007,2022,l,6,,,10110,Gent,1/2/2001,,,9,2.5,100,8,40,10,,7,1
    008,2021,S,12,,,6201,,,,,,,,,,,30,,2
    """


def example(word: str) -> str:
    """The block of the page that is marked ``yaml word``."""
    found = re.search(rf"```yaml {word}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_accounts_example_of_the_docs(tmp_path: Path) -> None:
    write(tmp_path, mine__yaml=example("accounts"), accounts__csv=ACCOUNTS)
    panel = build(tmp_path, SPEC)
    assert column(panel, "firm") == ["007", "007", "008"]
    assert column(panel, "form") == ["long", "long", "short"]
    assert column(panel, "months") == [12, 6, 12]
    assert column(panel, "value_added") == [50, 2 * 58, 30]
    assert column(panel, "materials") == [50, 100, None]
    assert column(panel, "capital") == [7, 8, None]
    assert column(panel, "employees") == [3, 9, None]
    assert column(panel, "labour") == [2.5, 2.5, None]
    assert column(panel, "nace") == ["C", "C", "J"]
    assert column(panel, "nace2") == ["10", "10", "62"]
    assert column(panel, "firm_age") == [20, 21, None]


def test_the_survey_example_of_the_docs(tmp_path: Path) -> None:
    survey = "COMPANY,W,ACTIVITY,CHAT,E_VISION,OWN\n007,2,C,N,N,\n008,1,62,Y,,DK\n"
    write(tmp_path, mine__yaml=example("accounts"), accounts__csv=ACCOUNTS.replace(",2021,", ",2024,"),
          theirs__yaml=example("survey"), s__csv=survey)  # fmt: skip
    spec = (
        "panel:\n  accounts: {files: accounts.csv, layout: mine.yaml}\n"
        "  survey: {files: {2024: s.csv}, layout: theirs.yaml}\n"
    )
    panel = build(tmp_path, spec + "variables: {o: yes(own), asked_own: asked(own)}\n")
    assert column(panel, "year") == [2022, 2024, 2024]
    assert column(panel, "ai") == [None, 0, 1]
    assert column(panel, "o") == [None, 0, None]
    assert column(panel, "asked_own") == [0, 0, 1]
    assert column(panel, "survey_nace") == [None, "C", "J"]


def test_the_bridge_example_of_the_docs(tmp_path: Path) -> None:
    theirs = "layout: s\ntable: survey\nkeys: {firm: {column: F}, wave: {column: W}}\nconcepts: {w: {column: WT}}\n"
    write(tmp_path, mine__yaml=example("accounts"), theirs__yaml=theirs, s__csv="F,WT\nG,1\n",
          accounts__csv=ACCOUNTS, own__yaml=example("bridge"),
          b__csv="GROUP,COMPANY,SINCE,UNTIL\nG,007,,2021-12-31\nG,008,01/01/2021,\n")  # fmt: skip
    panel = build(tmp_path, SPEC + "  survey: {files: {2021: s.csv}, layout: theirs.yaml}\n"
                                   "  link: {bridge: {files: b.csv, layout: own.yaml}}\n")  # fmt: skip
    assert column(panel, "firm") == ["007", "G"]
    assert column(panel, "value_added") == [116, 80]
    assert column(panel, "start_year") == [2001, 2001]
    # Of the two units in 2021 the first is the larger: 50 and 30.
    assert column(panel, "form") == ["long", "long"]
    assert column(panel, "legal_units") == [1, 2]


def test_the_example_of_a_layout_like_another(tmp_path: Path) -> None:
    write(tmp_path, mine__yaml=example("like"))
    layout, problems = load_layout("mine.yaml", tmp_path, HERE, "panel.accounts.layout")
    assert problems == ()
    assert layout is not None
    nbb, _ = load_layout("nbb", tmp_path, HERE, "panel.accounts.layout")
    assert nbb is not None
    assert list(layout.concepts) == [name for name in nbb.concepts if name != "region"]
    assert layout.concepts["labour"].source() == "R9088"
    assert layout.concepts["value_added"] == nbb.concepts["value_added"]
    assert layout.keys["year"].column == "YEAR"


def test_the_layouts_of_the_house() -> None:
    columns = {name: load_layout(name, Path(), HERE, "")[0] for name in LAYOUTS}
    accounts, survey = columns["nbb"], columns["eurostat_ict"]
    assert accounts is not None
    assert survey is not None
    assert {"scheme", "months", "nace", "nace2", "nace3", "nace4", "region", "start_year", "employees", "labour",
            "turnover", "value_added", "materials", "capital", "investment", "labour_cost",
            "firm_age"} == set(accounts.columns())  # fmt: skip
    flows = {name for name, concept in accounts.concepts.items() if concept.flow}
    assert flows == {"turnover", "value_added", "materials", "investment", "labour_cost"}
    assert survey.columns()["ai"].source.count("ai_t") == 7
    assert {"wave", "weight", "stratum", "survey_nace", "ai_any", "ai_pbam", "cc", "itsp2"} <= set(survey.columns())
    sections = divisions("nace_rev2")
    assert len(sections) == 88
    assert (sections["01"], sections["33"], sections["62"], sections["99"]) == ("A", "C", "J", "U")


def test_the_promises_of_the_first_gate_are_those_of_the_layouts() -> None:
    assert COLUMNS.read_text(encoding="utf-8") == columns_text(), "run python -m tests.panels.layout_columns"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("of: FTE", "of: FTE FTE", 'mine.yaml:28:20: concepts.labour.of: "FTE" does not continue a sum of columns, '
                                   "write R70 + R71? - R60"),
        ("unit: heads", "units: heads", 'concepts.employees: unknown key "units", did you mean "unit"?'),
        ("form == 'long'", "forms == 'long'", 'concepts.value_added.cases.0.when: no concept "forms" stands above, '
                                              'did you mean "form"?'),
        ("{of: FTE, unit", "{of: FTE, first: [X], unit", "concepts.labour: a concept that comes from of and first, "
                                                         "write one of column, of, first, cases, expression"),
        ("year - start_year", "lag(start_year)", "concepts.firm_age.expression: lag() looks at other rows, "
                                                 "a concept is made row by row, write it under variables: in the spec"),
        ("{long: [L, long], short: [S]}", "{long: [L, long], short: [S, l]}",
         'concepts.form.codes.short.1: the code "l" stands for "long" and for "short", a cell that holds it could be '
         "either, take it out of one"),
        ("kind: text  ", "kind: words  ", "concepts.form.kind"),
        ("{of: FTE, unit", "{of: FTE, unknown: ['0'], unit", 'mine.yaml:28:21: concepts.labour.unknown: "unknown" goes '
                                                             "with column:"),
        ("PROVINCE, kind: text", "PROVINCE, kind: text, unknown: [X]",
         'concepts.region.unknown: "unknown" goes with kind: nace, or with codes:, of other texts none is refused, '
         "leave it out, or list the codes"),
        ("short: [S]}", "short: [S]}\n    unknown: [X, l]",
         'mine.yaml:16:18: concepts.form.unknown.1: the code "l" stands for "long", and is listed as not known, '
         "a cell that holds it could be either, take it out of one"),
        ("level: 2, digits: [4, 5], unknown: ['00000']", "level: 2, digits: [4, 5], unknown: ['00000', ' ']",
         "concepts.nace2.unknown.1: an empty cell is not known as it is, leave it out"),
        ("level: 2, digits: [4, 5], unknown: ['00000']", "level: 2, digits: [4, 5], unknown: ['0']",
         'concepts.nace2.unknown: "nace2" and "nace" are of one column and have not the same unknown:, '
         "a cell would be known to one of them, write the same in both"),
        ("level: 2, digits: [4, 5], unknown: ['00000']", "level: 2, digits: [4, 5]",
         'concepts.nace2: "nace2" and "nace" are of one column and have not the same unknown:'),
        ("section, digits: [4, 5], unknown: ['00000']", "section, digits: [4, 5], unknown: [00000]",
         "00000 begins with 0, some programs read it as another number, quote it for text: '00000'"),
    ],
)  # fmt: skip
def test_a_wrong_layout_is_told_at_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in example("accounts")
    write(tmp_path, mine__yaml=example("accounts").replace(old, new), accounts__csv=ACCOUNTS)
    found = messages(tmp_path, SPEC)
    assert len(found) == 1
    assert found[0].startswith("mine.yaml:")
    assert expected in found[0]


def told(folder: Path, text: str) -> list[str]:
    """What is wrong with a layout of one's own, without the place of the spec."""
    write(folder, mine__yaml=text)
    return [str(one).replace(f"{folder}/", "") for one in load_layout("mine.yaml", folder, HERE, "p")[1]]


def test_the_mistakes_of_a_layout_are_told_together(tmp_path: Path) -> None:
    text = example("accounts")
    for old, new in (
        ("  year: {column: FY}", "  yeer: {column: FY}"),
        ("  region: {column", "  firm: {column"),
        ("{expression: year - start_year", "{expression: year - begun"),
        ("form == 'long'", "forms == 'long'"),
    ):
        assert old in text
        text = text.replace(old, new)
    assert told(tmp_path, text) == [
        'mine.yaml:8:3: keys.yeer: unknown key "yeer", did you mean "year"?',
        'mine.yaml:22:3: concepts.firm: "firm" stands twice or is a key',
        'mine.yaml:24:33: concepts.firm_age.expression: no concept "begun" stands above',
        'mine.yaml:33:16: concepts.value_added.cases.0.when: no concept "forms" stands above, did you mean "form"?',
    ]
    assert [one.split(": ", 1)[1] for one in told(tmp_path, example("accounts").replace("accounts ", "survey "))] == [
        'keys.year: unknown key "year", there are: firm, wave',
        'keys.closing: unknown key "closing", there are: firm, wave',
        "filings: a survey has no filings",
        "identities: a survey has no identities",
        'concepts.firm_age.expression: no concept "year" stands above',
    ]


SURVEY = """\
    layout: mine
    table: survey
    waves: [2021, 2023]
    keys: {firm: {column: F}}
    answers: {'yes': [1], 'no': [1, 0]}
    items:
      a: {column: A, waves: [2021, 2022]}
      b: {any_of: [a]}
      c: {any_of: [b, aa]}
    """


def test_what_a_layout_of_a_survey_says_against_itself(tmp_path: Path) -> None:
    assert told(tmp_path, SURVEY) == [
        'mine.yaml:5:30: answers.no.0: the code 1 stands for "yes" and for "no", a cell that holds it could be either, '
        "take it out of one"
    ]
    assert told(tmp_path, SURVEY.replace("[1, 0]", "[0]")) == [
        "mine.yaml:7:32: items.a.waves.1: the layout knows no wave 2022, there are: 2021, 2023",
        'mine.yaml:9:16: items.c.any_of.0: "b" is itself any_of others, name the items that it is made of',
        'mine.yaml:9:19: items.c.any_of.1: no item "aa" with a column, did you mean "a"?',
    ]


def test_a_layout_that_is_empty_or_like_another_table(tmp_path: Path) -> None:
    assert told(tmp_path, "# nothing yet\n") == [
        "mine.yaml:1:1: the file is empty, a layout begins with layout: and a name"
    ]
    found = told(tmp_path, "layout: mine\ntable: survey\nlike: nbb\n")
    assert 'mine.yaml:3:7: keys.year: unknown key "year", as nbb has it, there are: firm, wave' in found
    assert all(one.startswith("mine.yaml:3:7: ") for one in found)
    # A layout may know fewer waves than the one that it is like, whose items were asked in more.
    assert told(tmp_path, "layout: mine\ntable: survey\nlike: eurostat_ict\nwaves: [2023]\n") == []


def test_a_survey_may_have_no_column_of_waves(tmp_path: Path) -> None:
    layout = SURVEY.replace("[1, 0]", "[0]").replace("2021, 2022", "2021").replace("[b, aa]", "[a]")
    write(tmp_path, theirs__yaml=layout, mine__yaml=example("accounts"),
          accounts__csv=ACCOUNTS, s__csv="F,A\n007,1\n008,0\n")  # fmt: skip
    spec = (
        SPEC.replace("{", "{{").replace("}", "}}")
        + "  survey: {{files: {}, layout: theirs.yaml}}\nvariables: {{y: yes(a)}}\n"
    )
    panel = build(tmp_path, spec.format("{2021: s.csv}"))
    assert column(panel, "y") == [1, None, 0]
    assert column(panel, "wave") == [2021, None, 2021]
    (found,) = messages(tmp_path, spec.format("s.csv"))
    assert found.endswith("s.csv: the layout has no key wave, its wave is not known, write files: {2023: s.csv}")


def test_codes_that_say_that_it_is_not_known(tmp_path: Path) -> None:
    """They are missing, and counted by column and text, in accounts and in a survey; all others are refused as ever."""
    listed = "unknown: ['00.000', 99999, onb, '-']"
    layout = example("accounts").replace("unknown: ['00000']", listed)
    layout = layout.replace("short: [S]}", "short: [S]}\n    unknown: [X]")
    codes = ("00000", "10110", "99999", "ONB", "00.000", "-", "", "6201")
    rows = "".join(f"{n},2024,{'X' if n == 1 else 'x' if n == 2 else 'S'},{one}\n" for n, one in enumerate(codes))
    theirs = example("survey").replace("level: section}", "level: section, unknown: [ZZ, '00']}")
    survey = "COMPANY,WAVE,ACTIVITY,CHAT\n0,2024,00,Y\n1,2024,zz,N\n2,2024,J,N\n3,2024,00,N\n"
    write(tmp_path, mine__yaml=layout, accounts__csv="COMPANY,FY,FORM,ACTIVITY\n" + rows, theirs__yaml=theirs,
          s__csv=survey)  # fmt: skip
    spec = (
        "panel:\n  accounts: {files: accounts.csv, layout: mine.yaml}\n  survey: {files: s.csv, layout: theirs.yaml}\n"
    )
    panel = build(tmp_path, spec)
    assert column(panel, "nace") == [None, "C", None, None, None, None, None, "J"]
    assert column(panel, "nace2") == [None, "10", None, None, None, None, None, "62"]
    assert column(panel, "form") == ["short", None, None, *["short"] * 5]
    assert column(panel, "survey_nace") == [None, None, "J", *[None] * 5]
    noted = [(one.table, one.reason) for one in panel.ledger if "not known" in one.reason]
    assert noted == [
        ("accounts", "column FORM: X is not known, missing in 2 rows"),
        ("accounts", "column ACTIVITY: - is not known, missing in 1 row"),
        ("accounts", "column ACTIVITY: 00.000 is not known, missing in 2 rows"),
        ("accounts", "column ACTIVITY: 99999 is not known, missing in 1 row"),
        ("accounts", "column ACTIVITY: onb is not known, missing in 1 row"),
        ("survey", "column ACTIVITY: 00 is not known, missing in 2 rows"),
        ("survey", "column ACTIVITY: ZZ is not known, missing in 1 row"),
    ]
    write(tmp_path, accounts__csv="COMPANY,FY,FORM,ACTIVITY\n1,2024,S,34100\n2,2024,Y,00000\n")
    told = messages(tmp_path, spec)
    assert len(told) == 2
    assert 'line 3, column FORM: "Y" is not a code of the layout, ' in told[0]
    assert 'line 2, column ACTIVITY: "34100" is in no division' in told[1]


def test_all_codes_of_a_column_may_be_unknown(tmp_path: Path) -> None:
    write(tmp_path, mine__yaml=example("accounts"), accounts__csv="COMPANY,FY,ACTIVITY\n1,2024,00000\n")
    spec = "panel: {accounts: {files: accounts.csv, layout: mine.yaml}}\n"
    assert column(build(tmp_path, spec), "nace2") == [None]


def test_two_concepts_of_one_column_refuse_what_either_does_not_list(tmp_path: Path) -> None:
    second = "concepts:\n  letter: {column: FORM, kind: text, codes: {a: [L], b: [Q]}}\n"
    write(tmp_path, mine__yaml=example("accounts").replace("concepts: ", second + "# ", 1),
          accounts__csv="COMPANY,FY,FORM\n1,2024,L\n2,2024,Q\n3,2024,S\n")  # fmt: skip
    told = messages(tmp_path, "panel: {accounts: {files: accounts.csv, layout: mine.yaml}}\n")
    assert [one.split("accounts.csv, ")[1] for one in told] == [
        'line 4, column FORM: "S" is not a code of the layout, there are: L, Q, ...',
        'line 3, column FORM: "Q" is not a code of the layout, there are: L, long, S, ...',
    ]


def test_a_layout_that_there_is_not(tmp_path: Path) -> None:
    assert messages(tmp_path, SPEC.replace("mine.yaml", "nbbb")) == [
        'spec.yaml:3:43: panel.accounts.layout: "nbbb" is not a layout, did you mean "nbb"?'
    ]
    assert messages(tmp_path, SPEC) == ['spec.yaml:3:43: panel.accounts.layout: no such file "mine.yaml"']
    assert messages(tmp_path, SPEC.replace("mine.yaml", "eurostat_ict")) == [
        'spec.yaml:3:43: panel.accounts.layout: "eurostat_ict" is a layout of a survey'
    ]


def test_expressions_are_checked_against_the_layout_before_any_file_is_opened(tmp_path: Path) -> None:
    write(tmp_path, mine__yaml=example("accounts"))
    spec = (
        SPEC
        + "  where: nace == 5 and region\n  where_ever: employes >= 10\nvariables: {firm_age: 1, b: nace > region}\n"
    )
    assert messages(tmp_path, spec) == [
        "spec.yaml:5:18: panel.where: \"nace\" is text and is never equal to a number, write '5'",
        'spec.yaml:5:24: panel.where: "region" is text, "and" wants a number',
        'spec.yaml:6:15: panel.where_ever: no column "employes" in the panel or in variables:, '
        'did you mean "employees"?',
        'spec.yaml:7:13: variables.firm_age: the panel has a column "firm_age" already, choose another name',
        'spec.yaml:7:34: variables.b: ">" does not compare texts, write == or !=, or in [...]',
    ]
