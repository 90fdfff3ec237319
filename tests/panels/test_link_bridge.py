"""Enterprises of legal units: every number below is worked out by hand; every mistake in a bridge is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.panels.building import build, column, messages, write

LAYOUT = """\
layout: mine
table: accounts
keys: {firm: {column: ID}, year: {column: Y}, closing: {column: CLOSED}}
concepts:
  scheme: {column: FORM, kind: text}
  months: {column: MONTHS, unit: months}
  nace: {column: NACE, kind: nace, level: section}
  value_added: {of: VA, unit: EUR, flow: true}
  materials: {of: M, unit: EUR, flow: true}
  labour: {of: L, unit: FTE}
  rating: {column: RATING}
  start_year: {column: START, kind: year}
  firm_age: {expression: year - start_year, unit: years}
  wage: {expression: value_added / labour}
  tag: {column: TAG, kind: text, over_units: first}
  lowest: {column: RATING, over_units: min}
"""
# A and B are enterprise E1 until B is sold to E2 on 1 July 2022; D belongs to E1 and never files; C joins E3 in 2023;
# Z is in no bridge.
ACCOUNTS = """\
    ID,Y,CLOSED,FORM,MONTHS,NACE,VA,M,L,RATING,START,TAG
    A,2021,,full,12,10,10,5,1,7,2000,
    B,2021,,abridged,12,62,30,,2,3,1990,b
    A,2022,2022-12-31,full,12,10,10,5,1,7,2000,
    B,2022,2022-06-30,abridged,6,62,30,6,2,,1990,b
    C,2022,,micro,12,62,5,1,1,2,2010,c
    B,2023,,abridged,12,62,12,6,3,3,1990,b
    C,2023,,micro,12,62,12,1,1,2,2010,c
    A,2023,,full,12,10,-4,1,1,2,2010,a
    Z,2023,,micro,12,62,5,,1,2,2010,z
    """
BRIDGE = """\
    ENTERPRISE,UNIT,VALID_FROM,VALID_TO
    E1,A,,
    E1,B,2021-01-01,2022-06-30
    E1,D,,2022-12-31
    E2,B,01/07/2022,
    E3,C,2023-01-01,
    """
SURVEY = "F,W\nE1,1\nE2,1\nE3,1\nZ,1\nC,1\nX,1\n"
SPEC = """\
    panel:
      accounts: {files: accounts.csv, layout: mine.yaml}
      survey: {files: {2022: s22.csv, 2023: s23.csv}, layout: theirs.yaml}
      link: {on: firm, bridge: {files: bridge.csv}}
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    theirs = (
        "layout: s\ntable: survey\nkeys: {firm: {column: F}, wave: {column: WAVE}}\nconcepts: {weight: {column: W}}\n"
    )
    write(tmp_path, mine__yaml=LAYOUT, theirs__yaml=theirs, accounts__csv=ACCOUNTS, bridge__csv=BRIDGE,
          s22__csv=SURVEY, s23__csv=SURVEY)  # fmt: skip
    return tmp_path


def test_sums_over_legal_units_by_hand(folder: Path) -> None:
    panel = build(folder, SPEC)
    assert column(panel, "firm") == ["C", "E1", "E1", "E1", "E2", "E3", "Z"]
    assert column(panel, "year") == [2022, 2021, 2022, 2023, 2023, 2023, 2023]
    # In 2022 B's year closes on its last day in E1: 10 + 30. In 2021 B says nothing of materials: no sum.
    assert column(panel, "value_added") == [5, 40, 40, -4, 12, 12, 5]
    assert column(panel, "materials") == [1, None, 11, 1, 6, 1, None]
    assert column(panel, "labour") == [1, 3, 3, 1, 3, 1, 1]
    # B is the larger of the two in 2021 and 2022.
    assert column(panel, "scheme") == ["micro", "abridged", "abridged", "full", "abridged", "micro", "micro"]
    assert column(panel, "nace") == ["J", "J", "J", "C", "J", "J", "J"]
    assert column(panel, "rating") == [2, 3, None, 2, 3, 2, 2]
    assert column(panel, "lowest") == [2, 3, 7, 2, 3, 2, 2]
    assert column(panel, "start_year") == [2010, 1990, 1990, 2010, 1990, 2010, 2010]
    # Expressions are reckoned anew: of the enterprise's value added and labour.
    assert column(panel, "firm_age") == [12, 31, 32, 13, 33, 13, 13]
    assert column(panel, "wage") == [5, 40 / 3, 40 / 3, -4, 4, 12, 5]
    assert column(panel, "tag") == ["c", "b", "b", "a", "b", "c", "z"]
    assert column(panel, "legal_units") == [1, 3, 3, 1, 1, 1, 1]
    assert column(panel, "units_missing") == [0, 1, 1, 0, 0, 0, 0]
    assert column(panel, "intra_group") == [0, 1, 1, 0, 0, 0, 0]


def test_every_respondent_has_one_reason_code(folder: Path) -> None:
    panel = build(folder, SPEC)
    assert panel.linkage is not None
    first, second = ({name: n for name, n in one.statuses.items() if n} for one in panel.linkage.waves)
    # E2, E3 and Z have accounts in 2023 only.
    assert first == {"unit_incomplete": 1, "linked_micro": 1, "other_year_only": 3, "no_account": 1}
    # Value added of E1 is below zero, Z says nothing of intermediates.
    assert second == {"value_added_not_positive": 1, "linked_abridged": 1, "linked_micro": 1, "no_intermediates": 1,
                      "other_year_only": 1, "no_account": 1}  # fmt: skip
    assert column(panel, "link_status") == ["linked_micro", None, "unit_incomplete", "value_added_not_positive",
                                            "linked_abridged", "linked_micro", "no_intermediates"]  # fmt: skip
    assert column(panel, "linked") == [1, 0, 1, 1, 1, 1, 1]


def test_several_units_that_all_file(folder: Path) -> None:
    write(folder, bridge__csv=BRIDGE.replace("    E1,D,,2022-12-31\n", ""))
    panel = build(folder, SPEC)
    assert column(panel, "link_status")[2] == "linked_multi_unit"
    assert column(panel, "legal_units") == [1, 2, 2, 1, 1, 1, 1]


def test_accounts_that_cleaning_drops_are_no_missing_accounts(folder: Path) -> None:
    # B's half year is too short here: it is missing from E1 in 2022; C's twelve months become one and drop its row.
    write(folder, accounts__csv=ACCOUNTS.replace("C,2022,,micro,12", "C,2022,,micro,1"))
    spec = SPEC.replace("link:", "clean: {months: [7, 18]}\n      link:")
    panel = build(folder, spec)
    assert panel.linkage is not None
    assert {name: n for name, n in panel.linkage.waves[0].statuses.items() if n} == {
        "unit_incomplete": 1, "account_dropped": 1, "other_year_only": 3, "no_account": 1}  # fmt: skip
    assert column(panel, "units_missing")[1] == 1  # D; B left before the end of 2022
    assert column(panel, "value_added")[1] == 10


def test_the_ledger_accounts_for_every_legal_unit(folder: Path) -> None:
    entries = [e for e in build(folder, SPEC).ledger if e.step == "bridge" or e.table == "bridge"]
    assert [(e.table, e.rows_in, e.rows_out, e.dropped, e.reason) for e in entries] == [
        ("bridge", 5, 5, 0, ""),
        ("bridge", 5, 5, 0, "legal unit without accounts in the years kept in 1 row"),
        ("accounts", 9, 7, 2, "added to another legal unit of the same enterprise"),
        ("accounts", 7, 7, 0, "legal unit that is not in the bridge, a firm of its own in 1 row"),
        ("accounts", 7, 7, 0, "legal unit at a time that the bridge leaves open, a firm of its own in 1 row"),
        (
            "accounts",
            7,
            7,
            0,
            "several legal units summed, turnover and intermediates hold flows between them in 2 rows",
        ),
        ("accounts", 7, 7, 0, "enterprise with a legal unit that has no accounts (units_missing) in 2 rows"),
        ("accounts", 7, 7, 0, "legal units whose years differ in length, flows summed as they are in 1 row"),
        ("accounts", 7, 7, 0, "materials: a legal unit lacks it, missing in 1 row"),
    ]


def test_flows_are_brought_to_twelve_months_before_they_are_summed(folder: Path) -> None:
    panel = build(folder, SPEC.replace("link:", "clean: {months: [6, 18]}\n      link:"))
    assert column(panel, "value_added")[2] == 10 + 30 * 2
    assert not [e for e in panel.ledger if "differ in length" in e.reason]


def test_without_a_closing_date_the_year_closes_on_31_december(folder: Path) -> None:
    write(folder, accounts__csv=ACCOUNTS.replace("2022-06-30", ""))
    panel = build(folder, SPEC)
    rows = dict(zip(zip(column(panel, "firm"), column(panel, "year"), strict=True), column(panel, "value_added"),
                    strict=True))  # fmt: skip
    assert (rows["E1", 2022], rows["E2", 2022]) == (10, 30)


def test_an_end_may_be_a_day_that_never_comes(folder: Path) -> None:
    expected = column(build(folder, SPEC), "legal_units")
    never = "\n".join(line + ("31/12/9999" if line.strip().endswith(",") else "") for line in BRIDGE.splitlines())
    assert never.count("9999") > 0
    write(folder, bridge__csv=never + "\n")
    assert column(build(folder, SPEC), "legal_units") == expected
    write(folder, bridge__csv=never.replace("31/12/9999", "31/12/99") + "\n")
    (message, *_) = messages(folder, SPEC)
    assert '"31/12/99" is not a date of a plausible year' in message


def test_a_bridge_may_know_no_dates(folder: Path) -> None:
    own = "layout: own\ntable: bridge\nkeys: {enterprise: {column: GROUP}, unit: {column: LU}}\n"
    write(folder, bridge__csv="GROUP,LU\nE1,A\nE1,B\n", own__yaml=own)
    panel = build(folder, SPEC.replace("{files: bridge.csv}", "{files: bridge.csv, layout: own.yaml}"))
    assert column(panel, "firm")[:2] == ["C", "C"]
    assert column(panel, "legal_units") == [1, 1, 2, 2, 2, 1]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # One after the other, to the day.
        ("E1,A,,2021-12-31\nE2,A,2022-01-01,\nE3,B,,\n", []),
        ("E1,A,,2022-01-01\nE2,A,2022-01-01,\nE3,A,2021-05-05,2021-05-05\n", [
            "bridge.csv, line 3 with line 2, line 4 with line 2: a legal unit in two enterprises at a time, its "
            "accounts would count in both, let one validity end before the other begins"]),
        ("E1,A,,\nE1,A,2021-01-01,\n", [
            "bridge.csv, line 3 with line 2: a legal unit twice in its enterprise at a time, its accounts would count "
            "twice, keep one row, or let one validity end before the other begins"]),
        (",A,,\nE1,,,\nE1,B,2022-01-01,2021-01-01\n,C,,\n,,,\n,D,,\n,E,,\n", [
            "bridge.csv, line 2, line 5, line 6 and 2 more: no enterprise, the legal unit would belong to nobody, "
            "fill it in, or leave the row out",
            "bridge.csv, line 3, line 6: no legal unit, the enterprise would have no accounts, fill it in, or leave "
            "the row out",
            "bridge.csv, line 4: the validity ends before it begins, the row would never hold, exchange the two "
            "dates"]),
        ("E1,A,12 May,\n", [
            'bridge.csv, line 2, column VALID_FROM: "12 May" is not a date, write dates as 2023-12-31']),
        ("", ["bridge.csv holds no rows, no legal unit would belong to an enterprise"]),
        ("A,E1,,\nB,E2,,\n", [
            "bridge.csv: none of its 2 rows has a legal unit that is in the accounts, are unit and enterprise "
            "exchanged?"]),
        ("A,E1,,\n", ["bridge.csv: its only row has no legal unit that is in the accounts, are unit and enterprise "
                      "exchanged?"]),
        ("A,B,,\n", ["bridge.csv: 3 rows of the accounts are of legal units outside the bridge whose number is that "
                     "of an enterprise of other units in the same year, they would be added to its accounts, give the "
                     "unit a row in the bridge for that time"]),
    ],
)  # fmt: skip
def test_a_bridge_that_contradicts_itself(folder: Path, rows: str, expected: list[str]) -> None:
    write(folder, bridge__csv="ENTERPRISE,UNIT,VALID_FROM,VALID_TO\n" + rows)
    # What its values have wrong stops the reading; firms that are then in no survey are another matter.
    found = [one.split("panel.link.bridge.files: ", 1)[-1] for one in messages(folder, SPEC) if "bridge" in one]
    assert [one for one in found if not one.startswith("s2")] == expected


def test_numbers_that_lost_their_zeros(folder: Path) -> None:
    write(folder, accounts__csv=ACCOUNTS.replace("    A,", "    007,"), bridge__csv=BRIDGE.replace("E1,A", "E1,7"))
    assert messages(folder, SPEC) == [
        "spec.yaml:5:36: panel.link.bridge.files: bridge.csv, line 2: a legal unit whose number the accounts write "
        "with other zeros, its accounts would stay outside its enterprise, write a number alike in all files, with its "
        "leading zeros"
    ]


def test_mistakes_that_the_first_gates_find(folder: Path) -> None:
    assert messages(folder, SPEC.replace("bridge.csv", "bridgee.csv")) == [
        'spec.yaml:5:36: panel.link.bridge.files: no such file "bridgee.csv", did you mean "bridge.csv"?'
    ]
    assert messages(folder, SPEC.replace("{files: bridge.csv}", "{files: bridge.csv, layout: nbb}")) == [
        'spec.yaml:5:56: panel.link.bridge.layout: "nbb" is a layout of accounts'
    ]
    assert messages(folder, SPEC.replace("{files: bridge.csv}", "{file: bridge.csv}")) == [
        'spec.yaml:5:20: panel.link.bridge: the key "files" is missing',
        'spec.yaml:5:29: panel.link.bridge: unknown key "file", did you mean "files"?',
    ]
    write(folder, bridge__csv="ENTERPRISE,LU,VALID_FROM,VALID_TO\nE1,A,,\n")
    assert messages(folder, SPEC) == [
        'spec.yaml:5:36: panel.link.bridge.files: bridge.csv has no column "UNIT", it has: ENTERPRISE, LU, VALID_FROM, '
        "VALID_TO"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("over_units: first}", "over_units: sum}", "concepts.tag.over_units: text has no sum, write largest or first"),
        ("{expression: value_added / labour}", "{expression: value_added / labour, over_units: min}",
         "concepts.wage.over_units: an expression is reckoned anew for an enterprise, of the concepts that it uses, "
         "leave over_units out"),
        ("  tag:", "  legal_units:", 'concepts.legal_units: "legal_units" stands twice or is a key'),
        ("closing:", "closed:", 'keys.closed: unknown key "closed", did you mean "closing"?'),
    ],
)  # fmt: skip
def test_a_layout_that_cannot_be_put_together(folder: Path, old: str, new: str, expected: str) -> None:
    assert old in LAYOUT
    write(folder, mine__yaml=LAYOUT.replace(old, new))
    (found,) = messages(folder, SPEC)
    assert found.split(": ", 1)[1].lstrip(".") == expected


def test_a_firm_that_answers_a_wave_twice(folder: Path) -> None:
    write(folder, s23__csv=SURVEY + "E1,2\n")
    assert messages(folder, SPEC) == [
        "spec.yaml:4:41: panel.survey.files: s23.csv, line 8: firm E1 has the wave 2023 already, in line 2, keep one "
        "row a firm and wave"
    ]


def test_weights_that_weigh_nothing_are_counted(folder: Path) -> None:
    write(folder, s23__csv="F,W\nE1,0\nE2,\nE3,3\nZ,1\nC,-1\nX,1\n")
    panel = build(folder, SPEC)
    assert panel.linkage is not None
    wave = panel.linkage.waves[1]
    assert (wave.weights_missing, wave.weights_not_positive) == (1, 2)
    total = next(one for one in panel.linkage.rates if (one.wave, one.by) == (2023, "all"))
    # E3 and Z of 3 + 1, of E3, Z and X with 3 + 1 + 1
    assert (total.weighted_share, total.weighted_units, total.weighted_linked) == (4 / 5, 3, 2)
    assert [e.reason for e in panel.ledger if e.step == "link" and "weight" in e.reason] == [
        "weight of 2023 missing, left out of weighted rates and link weights, in 1 row",
        "weight of 2023 not above zero, left out of weighted rates and link weights, in 2 rows",
    ]


def test_what_deflators_have_wrong_is_told_beside_a_broken_bridge(folder: Path) -> None:
    write(
        folder, bridge__csv="ENTERPRISE,UNIT,VALID_FROM,VALID_TO\nE1,A,,\nE2,A,2022-01-01,\n",
        deflators__csv="nace,year,output,intermediates\nC,2021,0,1\nZ,2021,1,x\n",
    )  # fmt: skip
    spec = SPEC.replace("link:", "deflators: deflators.csv\n      link:")
    # C 2022 and J are lacking too; whether the enterprises need them is known when there are enterprises.
    deflators = [
        'deflators.csv, line 3, column intermediates: "x" is not a number',
        'deflators.csv, line 3: "Z" is neither a section nor a division of NACE, write C, or 10 for a division',
        "deflators.csv, line 2: the index output of C 2021 is not above zero",
    ]
    bridge = (
        "bridge.csv, line 3 with line 2: a legal unit in two enterprises at a time, its accounts would count in both, "
        "let one validity end before the other begins"
    )
    assert [one.split("files: ")[-1].split("deflators: ")[-1] for one in messages(folder, spec)] == [*deflators, bridge]
    write(folder, bridge__csv=BRIDGE)
    assert [one.split("deflators: ")[-1] for one in messages(folder, spec)] == deflators
