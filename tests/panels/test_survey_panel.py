"""The survey's respondents beside the panel: all of them, with their columns, whatever the panel leaves out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panels.frame import FirmPanel
from panels.survey_panel import with_answers
from specs.expressions import parse_expression
from tests.panels.building import build, column, messages, write

ACCOUNTS = """\
ENTNR;YEAR;SCHEME;R9087;R70;NACE;STARTDATE
1;2021;m01;20;100;C;2000
1;2023;m01;20;100;C;2000
2;2023;m01;5;100;K;2000
3;2022;m01;30;100;C;2000
"""
SURVEY = """\
ENTNR,WAVE,WEIGHT,STRATUM,STRATUM_SIZE,INTERVIEW_DATE,NACE,EMPLOYEES,E_AI_TTM,E_AI_PMS,E_CC
1,2021,2.5,a,40,2021-06-01,C,20,0,,1
1,2023,2.5,a,40,2023-06-01,C,22,1,0,0
2,2023,4,b,9,2023-06-03,K,5,0,,9
3,2023,4,b,9,,C,0,1,,1
9,2023,1,,9,2023-05-01,J,400,,,
"""
LAYOUT = """\
layout: small
title: A survey
table: survey
keys: {firm: {column: ENTNR}, wave: {column: WAVE}}
concepts:
  weight: {column: WEIGHT}
  stratum: {column: STRATUM, kind: text}
  interview_date: {column: INTERVIEW_DATE, kind: date}
  survey_employees: {column: EMPLOYEES}
waves: [2021, 2023]
answers: {'yes': ['1'], 'no': ['0'], no_answer: ['9']}
items:
  ai: {column: E_AI_TTM, waves: [2021, 2023]}
  ai_pms: {column: E_AI_PMS, waves: [2021, 2023]}
  cc: {column: E_CC, waves: [2021, 2023]}
filters: [{asked_if: ai == 1, items: [ai_pms]}]
"""
OWN = """\
layout: own
title: Accounts
table: accounts
keys: {firm: {column: ENTNR}, year: {column: YEAR}}
concepts:
  employees: {of: R9087}
  nace: {column: NACE, kind: text}
"""
SPEC = """\
panel:
  accounts: {files: accounts.csv, layout: own.yaml}
  survey: {files: survey.csv, layout: small.yaml}
  where: nace != 'K'
  where_ever: employees >= 10
variables:
  class: cut(survey_employees, [10, 250], labels=['small', 'large'])
  began: ai == 1 and lag(ai, n=2) == 0
  ln_size: log(survey_employees)
  twice: began + 1
  size: cut(employees, [1], labels=['all'])
  mixed: survey_employees / employees
"""


@pytest.fixture
def panel(tmp_path: Path) -> FirmPanel:
    write(tmp_path, accounts__csv=ACCOUNTS, survey__csv=SURVEY, small__yaml=LAYOUT, own__yaml=OWN)
    return build(tmp_path, SPEC)


def test_every_respondent_is_there_linked_or_not(panel: FirmPanel) -> None:
    assert panel.respondents is not None
    assert panel.n_rows == 3
    assert (panel.respondents.n_rows, panel.respondents.n_firms, panel.respondents.years) == (5, 4, (2021, 2023))
    assert column(panel.respondents, "firm") == ["1", "1", "2", "3", "9"]
    assert column(panel.respondents, "wave") == column(panel.respondents, "year") == [2021, 2023, 2023, 2023, 2023]
    assert column(panel.respondents, "stratum") == ["a", "a", "b", "b", None]
    assert column(panel.respondents, "interview_date")[3] is None


def test_they_have_what_is_made_of_the_survey_alone(panel: FirmPanel) -> None:
    there = panel.respondents
    assert there is not None
    assert {"class", "began", "ln_size", "twice"} <= there.names().keys()
    assert not {"size", "mixed", "employees", "nace", "linked"} & there.names().keys()
    assert column(there, "class") == ["small", "small", None, None, "large"]
    assert there.facts("class").levels == ("small", "large")
    # A lag sees the firm's earlier waves.
    assert column(there, "began") == [0.0, 1.0, 0.0, None, None]
    assert column(there, "twice")[1] == 2.0
    # What is missing there is counted in the survey's ledger, beside what is counted in the panel's.
    reasons = [entry.reason for entry in panel.ledger if (entry.table, entry.step) == ("survey", "variables")]
    assert reasons == ["ln_size: log of zero or less, missing in 1 row"]


def test_answers_are_those_of_yes_and_asked(panel: FirmPanel) -> None:
    assert panel.respondents is not None
    rows = with_answers(panel.respondents, ["ai", "ai_pms", "cc", "began"])
    assert column(rows, "yes(ai_pms)") == [0.0, 0.0, 0.0, None, None]
    assert column(rows, "asked(ai_pms)") == [0.0, 1.0, 0.0, 1.0, 1.0]
    assert column(rows, "yes(cc)") == [1.0, 0.0, None, 1.0, None]
    # A variable that is 1 or 0 was asked of whom it has a value.
    assert column(rows, "yes(began)") == column(panel.respondents, "began")
    assert column(rows, "asked(began)") == [1.0, 1.0, 1.0, 0.0, 0.0]
    panel.respondents.forget(rows)
    assert column(panel.respondents, "ai") == [0.0, 1.0, 0.0, 1.0, None]


def test_conditions_run_on_them(panel: FirmPanel) -> None:
    assert panel.respondents is not None
    found = panel.respondents.select(["weight"], parse_expression("wave == 2023 and class == 'small'"))
    np.testing.assert_array_equal(found.number("weight"), [2.5])
    assert found.outside == {"where is false": 2, "where is missing": 2}
    assert found.n_panel == 5


def test_years_say_which_waves_there_are(tmp_path: Path) -> None:
    write(tmp_path, accounts__csv=ACCOUNTS, survey__csv=SURVEY, small__yaml=LAYOUT, own__yaml=OWN)
    panel = build(tmp_path, SPEC.replace("panel:\n", "panel:\n  years: [2022, 2023]\n"))
    assert panel.respondents is not None
    assert panel.respondents.years == (2023,)


def test_a_panel_without_a_survey_has_none(tmp_path: Path) -> None:
    write(tmp_path, accounts__csv=ACCOUNTS, own__yaml=OWN)
    assert build(tmp_path, "panel: {accounts: {files: accounts.csv, layout: own.yaml}}\n").respondents is None


def test_what_is_no_condition_is_told_where_only_the_unlinked_show_it(tmp_path: Path) -> None:
    write(tmp_path, accounts__csv=ACCOUNTS, survey__csv=SURVEY, small__yaml=LAYOUT, own__yaml=OWN)
    spec = SPEC + "  flag: survey_employees - 399 and weight > 0\n"
    lines = messages(tmp_path, spec.replace("[10, 250]", "[10, 250]"))
    assert lines
    assert "a condition is neither 0 nor 1" in lines[0]
    only = SPEC + "  flag: where(survey_employees == 400, survey_employees, 1) and weight > 0\n"
    (line,) = messages(tmp_path, only)
    assert "variables.flag: a condition is neither 0 nor 1 in 1 row of the survey" in line
