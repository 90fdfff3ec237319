"""Sums that must agree and amounts with a bound: counted, and refused where a column is in another unit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.panels.building import build, column, messages, write

SPEC = "panel: {accounts: {files: 'acc_*.csv', layout: nbb}}\n"
HEAD = "ENTNR,YEAR,SCHEME,R70,R60,R61,R20/58,R10/49,R22/27\n"


def accounts(folder: Path, **files: list[tuple[object, object, object]]) -> None:
    """Rows of (20/58, 10/49, 22/27), one firm each."""
    for name, rows in files.items():
        lines = [
            f"{name}{at},2021,VOL,9,1,1,{left},{right},{fixed}" for at, (left, right, fixed) in enumerate(rows)
        ]  # fmt: skip
        write(folder, **{f"acc_{name}__csv": HEAD + "\n".join(lines) + "\n"})


def notes(folder: Path, step: str) -> list[str]:
    return [one.reason for one in build(folder, SPEC).ledger if one.step == step]


def test_rows_that_fail_are_counted_and_stay(tmp_path: Path) -> None:
    accounts(
        tmp_path, a=[(100, 100, 1), (100, 102, 1), (100, 103, 1), ("", 5, 1), (7, 90, 1)], b=[(5, 1, 1), (3, 9, 1)]
    )
    assert notes(tmp_path, "identities") == [
        "R20_58 = R10_49 fails by more than 2 (acc_a.csv line 4, acc_a.csv line 6, acc_b.csv line 2, ...) in 4 rows"
    ]
    assert build(tmp_path, SPEC).n_rows == 7


def test_a_column_in_thousands(tmp_path: Path) -> None:
    accounts(tmp_path, a=[(1_234_567, 1_234_567, 1)], b=[(1_234_567, 1_235, 1), (890_123, 890, 1), (5, 5, 1)])
    assert messages(tmp_path, SPEC) == [
        "spec.yaml:2:28: panel.accounts.files: acc_b.csv: R20_58 is 1,000 times R10_49 in 2 of 3 rows, the two must be "
        "equal, so one of them is in another unit, bring the columns to one unit in the file, or in a layout of your "
        "own"
    ]


def test_part_of_a_file_in_thousands_is_said(tmp_path: Path) -> None:
    whole = [(value, value, 1) for value in range(9)]
    accounts(tmp_path, a=[*whole, (5_000, 5, 1), (7_123, 7, 1), (9_050, 9, 1), (3, 90, 1)], b=[*whole, (8_000, 8, 1)])
    assert notes(tmp_path, "identities") == [
        "R20_58 = R10_49 fails by more than 2, in 4 of them one side is 1,000 times the other "
        "(acc_a.csv line 11, acc_a.csv line 12, acc_a.csv line 13, ...) in 5 rows"
    ]


@pytest.mark.parametrize(("factor", "told"), [(1e6, "1,000,000"), (100, "100"), (1e3, "1,000")])
def test_the_other_side(tmp_path: Path, factor: float, told: str) -> None:
    accounts(tmp_path, a=[(value, value * factor, 1) for value in (1_234, 56_789)])
    (message,) = messages(tmp_path, SPEC)
    assert f"R10_49 is {told} times R20_58 in 2 of 2 rows" in message


def test_an_amount_below_its_bound_is_missing(tmp_path: Path) -> None:
    accounts(tmp_path, a=[(1, 1, -5), (1, 1, 0), (1, 1, ""), (1, 1, -0.5), (1, 1, -1), (1, 1, -1)])
    assert column(build(tmp_path, SPEC), "capital") == [None, 0.0, None, None, None, None]
    assert notes(tmp_path, "bounds") == [
        "capital below 0, missing (acc_a.csv line 2, acc_a.csv line 5, acc_a.csv line 6, ...) in 4 rows"
    ]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(-50, 50))] * 3), min_size=1, max_size=12))
def test_counts_against_a_loop(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int | None, ...]]) -> None:
    folder = tmp_path_factory.mktemp("identities")
    accounts(folder, a=[tuple("" if one is None else one for one in row) for row in rows])  # type: ignore[misc]
    failing = sum(None not in row[:2] and abs(row[0] - row[1]) > 2 for row in rows)  # type: ignore[operator]
    low = sum(row[2] is not None and row[2] < 0 for row in rows)
    found = messages(folder, SPEC)
    if not found:
        for step, number in (("identities", failing), ("bounds", low)):
            told = notes(folder, step)
            assert (not told) if number == 0 else told[0].endswith(f" in {number} row{'s' if number > 1 else ''}")


LAYOUT = """\
layout: mine
like: nbb
table: accounts
"""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("identities: [{left: A}]", 'the key "right" is missing'),
        ("identities: [{left: A, right: B, tolerance: -1}]", "mine.yaml:4:"),
        ("identities: [{left: A +, right: B}]", "does not continue a sum of columns"),
        ("concepts: {x: {column: X, kind: text, at_least: 0}}", '"at_least" goes with numbers made of columns'),
        ("filings: [{order: [A]}]", "column"),
    ],
)
def test_mistakes_in_a_layout(tmp_path: Path, lines: str, said: str) -> None:
    accounts(tmp_path, a=[(1, 1, 1)])
    write(tmp_path, mine__yaml=LAYOUT + lines + "\n")
    found = messages(tmp_path, SPEC.replace("layout: nbb", "layout: mine.yaml"))
    assert any(said in message for message in found), found


def test_a_survey_has_none(tmp_path: Path) -> None:
    accounts(tmp_path, a=[(1, 1, 1)])
    write(tmp_path, s__csv="ENTNR,WAVE\na0,2021\n",
          mine__yaml="layout: m\nlike: eurostat_ict\ntable: survey\nidentities: [{left: A, right: B}]\n")  # fmt: skip
    spec = "panel: {accounts: {files: acc_a.csv, layout: nbb}, survey: {files: s.csv, layout: mine.yaml}}\n"
    (message,) = messages(tmp_path, spec)
    assert "a survey has no identities" in message
