"""From rubrics and questionnaires to a linked panel: every number below is worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.panels.building import build, column, messages, write

ACCOUNTS = """\
    ENTNR;YEAR;SCHEME;MONTHS;NACE;REGION;START;R70;R71;R72;R74;R740;R76A;R60;R61;R9900;R62;R21;R22/27;R8169;R9087;R9086;R1001;R1002;R1003
    0001;2021;VOL;12;10110;BE1;1990-05-01;1000;10;;20;5;;400;200;;250;;300;30;10,5;12;9;3;10
    0001;2022;VOL;6;10110;BE1;1990-05-01;500;;;;;;200;100;;125;50;300;30;10,5;12;;;10
    0001;2023;VOL;24;10110;BE1;1990-05-01;500;;;;;;200;100;;125;50;300;30;10,5;12;;;10
    0002;2021;m01-f;12;62010;BE2;2001;;;;;;7;;;90;60;;40;;;3;;2;2,5
    0002;2022;VKT;12;62010;BE2;2001;;;;;;;;;90;60;;;;;3;;;
    0003;2021;MIC;12;64110;BE3;2001;;;;;;;;;90;60;;40;;;3;;;1
    ;2021;MIC;12;64110;BE3;2001;;;;;;;;;90;60;;40;;;3;;;1
    0001;2016;VOL;12;10110;BE1;1990-05-01;1;;;;;;1;1;;1;;1;1;1;1;1;;1
    """
DEFLATORS = "nace,year,output,intermediates,investment\n" + "".join(
    f"{nace},{year},{index},{2 * index},{4 * index}\n"
    for nace, index in (("C", 0.5), ("J", 1), ("K", 1), ("10", 0.8))
    for year in range(2016, 2024)
)
ICT_2021 = """\
    ENTNR,WEIGHT,STRATUM,STRATUM_SIZE,INTERVIEW_DATE,NACE,EMPLOYEES,E_AI_TTM,E_AI_TSR,E_AI_TNLG,E_AI_TIR,E_AI_TML,E_AI_TPA,E_AI_TAR,E_AI_TANY,E_AI_PMS,E_AI_PBA,E_AI_EC,E_AI_BCST,E_ITSP2
    0001,2.5,s1,40,03/05/2021,C,12,0,0,1,0,0,0,0,1,1,,,,1
    0002,3,s2,60,2021-05-04,62010,3,0,0,0,0,0,0,0,0,,,1,0,0
    0099,3,s2,60,2021-05-04,62010,3,0,0,0,0,0,0,0,0,,,0,,0
    """
ICT_2023 = """\
    ENTNR,WEIGHT,STRATUM,STRATUM_SIZE,INTERVIEW_DATE,NACE,EMPLOYEES,AI_TTM,AI_TSR,AI_TNLG,AI_TIR,AI_TML,AI_TPA,AI_TAR,AI_TANY,AI_PMS,AI_PBAM,AI_EC,AI_BCST
    0001,2.5,s1,40,2023-05-03,C,12,0,0,0,0,0,0,,0,1,,,
    0002,2.5,s1,40,2023-05-03,J,12,0,9,1.0,0,0,0,,1,0,DK,,
    """
SPEC = """\
    panel:
      accounts: {files: accounts.csv, layout: nbb}
      survey: {files: {2021: ict_2021.csv, 2023: ict_2023.csv}, layout: eurostat_ict}
      deflators: deflators.csv
      years: [2017, 2023]
      clean: {months: [6, 18]}
      where: nace != 'K'
    variables:
      asked_purpose: asked(ai_pms)
      purpose: yes(ai_pms)
      barrier: yes(ai_bcst)
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, accounts__csv=ACCOUNTS, deflators__csv=DEFLATORS, ict_2021__csv=ICT_2021, ict_2023__csv=ICT_2023)
    return tmp_path


def test_accounts_by_hand(folder: Path) -> None:
    panel = build(folder, SPEC)
    assert column(panel, "firm") == ["0001", "0001", "0002", "0002"]
    assert column(panel, "year") == [2021, 2022, 2021, 2022]
    # 1000 + 10 + 20 - 5 - 400 - 200; half a year: (500 - 200 - 100) x 2; gross margin 90 less 7 non-recurring
    assert column(panel, "value_added") == [425, 400, 83, 90]
    assert column(panel, "materials") == [600, 600, None, None]
    assert column(panel, "turnover") == [1000, 1000, None, None]
    assert column(panel, "capital") == [300, 350, 40, None]
    assert column(panel, "labour") == [10.5, 10.5, 2.5, None]
    assert column(panel, "employees") == [12, 12, 2, 3]
    assert column(panel, "labour_cost") == [250, 250, 60, 60]
    assert column(panel, "scheme") == ["full", "full", "abridged", "abridged"]
    assert column(panel, "nace") == ["C", "C", "J", "J"]
    assert column(panel, "nace3") == ["101", "101", "620", "620"]
    assert column(panel, "start_year") == [1990, 1990, 2001, 2001]
    assert column(panel, "firm_age") == [31, 32, 20, 21]


def test_deflators_of_a_division_come_before_those_of_its_section(folder: Path) -> None:
    panel = build(folder, SPEC)
    assert column(panel, "value_added_real") == [425 / 0.8, 400 / 0.8, 83, 90]
    assert column(panel, "materials_real") == [600 / 1.6, 600 / 1.6, None, None]
    assert column(panel, "capital_real") == [300 / 3.2, 350 / 3.2, 10, None]


def test_an_empty_index_of_a_division_is_that_of_its_section(folder: Path) -> None:
    write(folder, deflators__csv=DEFLATORS.replace("10,2021,0.8,1.6,3.2", "10,2021,,1.6,"))
    panel = build(folder, SPEC)
    assert column(panel, "value_added_real")[:2] == [425 / 0.5, 400 / 0.8]
    assert column(panel, "materials_real")[:2] == [600 / 1.6, 600 / 1.6]
    assert column(panel, "capital_real")[:2] == [300 / 2, 350 / 3.2]


def test_answers_filters_and_links(folder: Path) -> None:
    panel = build(folder, SPEC.replace("where: nace != 'K'", "where: year != 2020"))
    assert column(panel, "linked") == [1, 0, 1, 0, 0]
    assert column(panel, "ai") == [1, None, 0, None, None]
    assert column(panel, "weight") == [2.5, None, 3, None, None]
    assert column(panel, "interview_date") == ["2021-05-03", None, "2021-05-04", None, None]
    assert column(panel, "survey_nace") == ["C", None, "J", None, None]
    # Asked of users: yes; not applicable to the firm that uses none, so that yes() is 0 there.
    assert column(panel, "ai_pms") == [1, None, None, None, None]
    assert column(panel, "purpose") == [1, None, 0, None, None]
    assert column(panel, "asked_purpose") == [1, 0, 0, 0, 0]
    assert column(panel, "barrier") == [0, None, 0, None, None]
    assert column(panel, "itsp2") == [1, None, 0, None, None]
    assert panel.link == {
        "2021": {"respondents": 3, "linked": 2, "no_account": 1, "other_year_only": 0, "account_dropped": 0},
        "2023": {"respondents": 2, "linked": 0, "no_account": 0, "other_year_only": 1, "account_dropped": 1},
    }


def test_answers_without_a_technology_and_despite_a_filter(folder: Path) -> None:
    write(folder, accounts__csv=ACCOUNTS.replace(";2022;", ";2023;").replace("0001;2023;VOL;24", "0009;2023;VOL;12"))
    panel = build(folder, SPEC)
    rows = dict(zip(zip(column(panel, "firm"), column(panel, "year"), strict=True), column(panel, "ai"), strict=True))
    # 0001 says no to six technologies and nothing of the seventh; 0002 does not know one and says yes to another.
    assert rows["0001", 2023] is None
    assert rows["0002", 2023] == 1
    notes = [e.reason for e in panel.ledger if e.step == "filters"]
    assert notes == []


def test_the_ledger_accounts_for_every_row(folder: Path) -> None:
    panel = build(folder, SPEC)
    assert [(e.table, e.step, e.rows_in, e.rows_out, e.dropped, e.reason) for e in panel.ledger] == [
        ("accounts", "read", 8, 7, 1, "no firm number"),
        ("accounts", "years", 7, 6, 1, "year outside 2017-2023"),
        ("accounts", "months", 6, 5, 1, "accounting year longer than 18 months"),
        (
            "survey",
            "waves",
            5,
            5,
            0,
            "ai_padm in 2021: no file has the column E_AI_PME, so that a no is not certain and is no answer, in 3 rows",
        ),
        ("survey", "read", 5, 5, 0, ""),
        ("survey", "years", 5, 5, 0, ""),
        ("survey", "link", 5, 2, 1, "no accounts of the firm"),
        ("survey", "link", 5, 2, 1, "accounts of the firm in other years only"),
        ("survey", "link", 5, 2, 1, "accounts of the wave's year, which cleaning dropped"),
        ("panel", "where", 5, 4, 1, "where is false: nace != 'K'"),
    ]


def test_months_from_dates(folder: Path) -> None:
    dated = ACCOUNTS.replace(";MONTHS;", ";STARTDATE;ENDDATE;").replace(";12;1", ";01/01/2021;31/12/2021;1")
    dated = dated.replace(";12;6", ";2021-01-01;2021-12-31;6").replace(";6;1", ";2021-01-01;2021-06-30;1")
    write(folder, accounts__csv=dated.replace(";24;1", ";20210101;20221231;1"))
    assert column(build(folder, SPEC), "months") == [12, 6, 12, 12]


def test_a_yes_that_its_filter_skips_is_not_applicable_and_counted(folder: Path) -> None:
    write(folder, ict_2021__csv=ICT_2021.replace("0,0,,,1,0,0\n", "0,0,1,,1,0,0\n", 1))
    panel = build(folder, SPEC)
    assert column(panel, "purpose") == [1, None, 0, None]
    assert column(panel, "asked_purpose") == [1, 0, 0, 0]
    notes = [e.reason for e in panel.ledger if e.step == "filters"]
    assert notes == ["ai_pms: yes although its filter skips it, taken as not applicable, in 1 row"]


def test_what_a_file_cannot_give_is_absent_with_a_reason(folder: Path) -> None:
    write(folder, accounts__csv=ACCOUNTS.replace("R62", "X62").replace("REGION", "X"))
    assert messages(folder, SPEC + "  wage: labour_cost / labour\n") == [
        'spec.yaml:13:9: variables.wage: no column "labour_cost" can be made of the files, '
        "accounts.csv has no column R62"
    ]


def test_demo_like_names_never_reach_the_panel(folder: Path) -> None:
    panel = build(folder, SPEC)
    assert not [name for name in panel.columns if "~" in name]
