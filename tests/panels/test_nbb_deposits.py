"""Deposits of the NBB as JSON-XBRL: read with their references, left out by reason, told when they are wrong."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panels.frame import FirmPanel
from panels.ledger import Ledger
from panels.readers.files import Scan
from panels.readers.nbb_json import ABSENT, CONSOLIDATED, READER, UNDATED
from panels.readers.registry import READERS
from tests.panels.building import ONE_ROW, build, column, messages
from tests.panels.deposits import body, reference, sources_of, table_of, write_deposits

SPEC = """\
    panel:
      accounts: {files: {path: deposits/*.json, references: references/*.json}, layout: nbb}
      clean: {months: [6, 18]}
    """
START = "spec.yaml:3:28: panel.accounts.files: "
FULL = [("70", "1000.0", "N"), ("60", "400.0", "N"), ("61", "100.0", "N"), ("22/27", "250.5", "N"),
        ("9087", "12.5", "N"), ("70", "900.0", "NM1"), ("60", "300.0", "NM1"), ("61", "100.0", "NM1")]  # fmt: skip


def folder_of(folder: Path) -> None:
    """Two firms, a long year, a consolidated reference, a body without reference and a reference without body."""
    write_deposits(
        folder,
        {
            "2024-1": body("2024-1", FULL, EnterpriseNumber="0403449823"),
            "2024-2": body("2024-2", [("9900", "600", "N"), ("22\\/27", "7", "N")], LegalForm="610"),
            "2024-3": body("2024-3", FULL),
            "2024-4": body("2024-4", FULL),
        },
        [
            reference("2024-1", "0403449823", 2023),
            reference("2024-2", "0200000042", 2023, ModelType="m07-f", ActivityCode=None,
                      ExerciseDates={"StartDate": "2022-07-01", "EndDate": "2023-12-31"}),
            reference("2024-4", "0403449823", 2023, AccountingDataURL=None),
            reference("2024-5", "0403449823", 2023, AccountingDataURL=None),
            reference("2024-6", "0403449823", 2021),
        ],
    )  # fmt: skip
    path = folder / "deposits" / "2024-2.json"
    path.write_text(path.read_text().replace("\\\\/", "\\/"))


def test_a_folder_of_deposits_with_a_known_answer(tmp_path: Path) -> None:
    folder_of(tmp_path)
    panel = build(tmp_path, SPEC)
    assert column(panel, "firm") == ["0200000042", "0403449823", "0403449823"]
    assert column(panel, "year") == [2023, 2022, 2023]
    assert column(panel, "scheme") == ["micro", "full", "full"]
    assert column(panel, "months") == [18, 12, 12]
    # 18 months: a flow is two thirds of itself; a stock stays.
    assert column(panel, "value_added") == [400, 500, 500]
    assert column(panel, "turnover") == [None, 900, 1000]
    assert column(panel, "capital") == [7, None, 250.5]
    assert column(panel, "labour") == [None, None, 12.5]
    assert column(panel, "nace") == [None, "C", "C"]
    told = [(one.step, one.rows_in, one.rows_out, one.dropped, one.reason) for one in panel.ledger][:4]
    assert told == [
        ("deposits", 9, 3, 3, CONSOLIDATED),
        ("deposits", 9, 3, 2, UNDATED),
        ("deposits", 9, 3, 1, ABSENT),
        ("read", 3, 3, 0, ""),
    ]


def test_the_rows_as_they_are(tmp_path: Path) -> None:
    write_deposits(tmp_path, {"a": body("2024-1", [("70", "5.0", "N"), ("9900", "", "N"), ("20/58", "3", "NM1")])},
                   [reference("2024-1", "0403.449.823", 2023)])  # fmt: skip
    rows, loaded, wrong = table_of(tmp_path)
    same = {"ENTNR": "0403.449.823", "SCHEME": "m02-f", "NACE": "10110", "DEPOSIT": "2024-1",
            "DEPOSITDATE": "2024-06-30", "DEPOSITTYPE": "Initial", "DATAVERSION": "Authentic"}  # fmt: skip
    assert rows == [
        {**same, "YEAR": 2023, "STARTDATE": "2023-01-01", "ENDDATE": "2023-12-31", "PERIOD": "N", "R70": 5},
        {**same, "YEAR": 2022, "STARTDATE": "2022-01-01", "ENDDATE": "2022-12-31", "PERIOD": "NM1", "R20/58": 3},
    ]
    assert wrong == []
    assert loaded is not None
    assert loaded.left_out == {CONSOLIDATED: 0, UNDATED: 0, ABSENT: 0}


@pytest.mark.parametrize(
    ("dates", "own", "before"),
    [
        ({"startDate": "2022-07-01", "endDate": "2023-12-31"}, (2023, "2022-07-01", "2023-12-31"),
         (2022, "2021-07-01", "2022-06-30")),
        ({"StartDate": "2024-03-01T00:00:00", "EndDate": "2025-02-28"}, (2025, "2024-03-01", "2025-02-28"),
         (2024, "2023-03-01", "2024-02-29")),
        ({"startDate": "2024-02-29", "endDate": "2024-12-31"}, (2024, "2024-02-29", "2024-12-31"),
         (2024, "2023-02-28", "2024-02-28")),
        ({"endDate": "2024-02-29"}, (2024, None, "2024-02-29"), (2023, "2022-03-01", "2023-02-28")),
    ],
)  # fmt: skip
def test_the_year_before_is_taken_as_twelve_months(
    tmp_path: Path, dates: dict[str, str], own: tuple[Any, ...], before: tuple[Any, ...]
) -> None:
    write_deposits(tmp_path, {"a": body("1", [("70", "5", "NM1")])}, [reference("1", "1", 2023, ExerciseDates=dates)])
    rows, _, wrong = table_of(tmp_path)
    assert wrong == []
    assert [(row["YEAR"], row.get("STARTDATE"), row["ENDDATE"]) for row in rows] == [own, before]


def test_lists_may_be_lines_and_may_repeat_themselves(tmp_path: Path) -> None:
    first, second = reference("1", "1", 2023), reference("2", "2", 2023)
    bodies = {"a": body("1", [("70", "1", "N")]), "b": body("2", [("70", "2", "N")])}
    write_deposits(tmp_path, bodies, f"\ufeff{json.dumps(first)}\n{json.dumps(second)}\n\n")
    (tmp_path / "references" / "more.json").write_text(json.dumps([second]))
    (tmp_path / "references" / "none.json").write_text(" [ ] ")
    rows, _, wrong = table_of(tmp_path)
    assert wrong == []
    assert [row["R70"] for row in rows] == [1, 2]
    (tmp_path / "references" / "more.json").write_text(json.dumps([{**second, "ModelType": "m01-f"}]))
    assert table_of(tmp_path)[2] == [
        ".references: references: 1 reference says something else of a deposit than a reference before it: "
        "references/more.json (number 1), it cannot be known which of the two holds, "
        "keep the list that goes with the deposit"
    ]


def text_of(number: str = "1", rubric: str = '{"Code": "70", "Value": "1", "Period": "N"}') -> str:
    return f'{{"ReferenceNumber": "{number}", "Rubrics": [{rubric}]}}'


FILES = "deposits/*.json: 1 file "
NO_DEPOSIT = ("is no deposit of the NBB: deposits/b.json, "
              "a deposit is an object with a ReferenceNumber and a list Rubrics, leave it out of files:")  # fmt: skip


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty: deposits/b.json, fetch it again"),
        (b" \n", "is empty: deposits/b.json, fetch it again"),
        (text_of()[:40], "is cut off: deposits/b.json, the JSON ends in the middle, fetch it again"),
        (text_of()[:-2], "is cut off: deposits/b.json, the JSON ends in the middle, fetch it again"),
        ("{'ReferenceNumber': 1}", "is not JSON: deposits/b.json, fetch it again"),
        (text_of().replace('"1", "P', 'NaN, "P'), "is not JSON: deposits/b.json, fetch it again"),
        ("<!DOCTYPE html><html>", "is not JSON but a web page: deposits/b.json, fetch it again"),
        (b"\x1f\x8b\x08\x00\xff", "is not JSON but a gzip archive: deposits/b.json, fetch it again"),
        (text_of().replace("70", "\u00e9").encode("latin-1"), "is not UTF-8: deposits/b.json, save it as UTF-8"),
        ("[" * 100_000, "is not JSON that can be read: deposits/b.json, it is nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", "is not JSON: deposits/b.json, fetch it again"),
        ("[]", "is no deposit but a list: deposits/b.json, name lists of references under references:"),
        ("3", NO_DEPOSIT),
        ("{}", NO_DEPOSIT),
        ('{"ReferenceNumber": "1"}', NO_DEPOSIT),
        ('{"ReferenceNumber": null, "Rubrics": []}', NO_DEPOSIT),
        ('{"ReferenceNumber": "1", "Rubrics": {}}', NO_DEPOSIT),
        (text_of(rubric="7"), "holds a rubric without a Code: deposits/b.json"),
        *(
            (text_of().replace('"1", "P', f'{value}, "P'), "holds a rubric whose Value is no number: deposits/b.json "
             "(rubric 70), amounts are written 1961298.0")
            for value in ('"x"', '"1,5"', '"1_0"', '"NaN1"', '"inf"', "true", "[]", '"1e999"', "1e999", '"\u0661"')
        ),
        (text_of(rubric='{"Code": "70", "Period": "N"}'), "holds a rubric whose Value is no number: deposits/b.json "
         "(rubric 70), amounts are written 1961298.0"),
        *(
            (text_of().replace('"N"', period), "holds a rubric whose Period is neither N nor NM1: deposits/b.json "
             "(rubric 70), its year is not known")
            for period in ('"NM2"', '"n"', "null", "1", "[]", '{"N": 1}')
        ),
        (text_of(rubric='{"Code": "70", "Value": "1", "Period": "N"}, {"Code": "70", "Value": "2", "Period": "N"}'),
         "gives a rubric twice with different values: deposits/b.json (rubric 70), "
         "it cannot be known which of the two holds, fetch it again"),
        (text_of("0"), "holds a deposit that another file holds already: deposits/b.json (as deposits/a.json), "
                       "its rows would count twice, keep one file a ReferenceNumber"),
    ],
)  # fmt: skip
def test_a_body_that_is_wrong(tmp_path: Path, content: str | bytes, expected: str) -> None:
    write_deposits(tmp_path, {"a": text_of("0"), "b": content}, [reference("0", "1", 2023), reference("1", "1", 2022)])
    assert messages(tmp_path, SPEC) == [f"{START}{FILES}{expected}"]


@pytest.mark.parametrize(
    "rubric",
    [
        '{"Code": "70", "Value": 1, "Period": "N"}',
        '{"Period": "N", "Value": " 1.0 ", "Code": 70, "DataType": "am"}',
        '{"Code": "70", "Value": "1", "Period": "N"}, {"Code": "70", "Value": "1.00", "Period": "N"}',
        '{"Code": "70", "Value": null, "Period": "N"}, {"Code": "70", "Value": "1", "Period": "N"}',
    ],
)
def test_a_rubric_may_be_written_in_other_ways(tmp_path: Path, rubric: str) -> None:
    write_deposits(tmp_path, {"a": text_of(rubric=rubric)}, reference("1", "1", 2023))
    rows, _, wrong = table_of(tmp_path)
    assert wrong == []
    assert [row["R70"] for row in rows] == [1]


REFERENCES = "spec.yaml:3:28: panel.accounts.files.references: references: 1 "


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "list is empty: references/all.json, fetch it again"),
        (b"[", "list is cut off: references/all.json, the JSON ends in the middle, fetch it again"),
        (b'[{"ReferenceNumber": "9"', "list is cut off: references/all.json, the JSON ends in the middle, "
                                      "fetch it again"),
        (b"[] []", "list is not JSON: references/all.json, fetch it again"),
        (b"PK\x03\x04\xff", "list is not JSON but a zip archive or an Excel workbook (.xlsx): references/all.json, "
                            "fetch it again"),
        (["0"], "reference is no object with a ReferenceNumber: references/all.json (number 1), "
                "name the lists as the NBB gives them"),
        ([reference("0", "1", 2023, ReferenceNumber=None)], "reference has no ReferenceNumber: references/all.json "
         "(number 1), no deposit can be found by it"),
        ([reference("0", "1", 2023, EnterpriseNumber=None)], "reference has no EnterpriseNumber: references/all.json "
         "(number 1), its deposit would belong to no firm"),
        ([reference("0", "1", 2023, ExerciseDates=[])], "reference has no ExerciseDates with an endDate: "
         "references/all.json (number 1), its deposit would belong to no year"),
        ([reference("0", "1", 2023, ExerciseDates={"endDate": "2023-02-30"})], "reference has a date that is none: "
         "references/all.json (number 1), write 2023-12-31"),
        ([reference("0", "1", 2023, ExerciseDates={"startDate": "2024-01-01", "endDate": "2023-12-31"})],
         "reference has an accounting year that ends before it begins: references/all.json (number 1)"),
    ],
)  # fmt: skip
def test_a_list_that_is_wrong(tmp_path: Path, content: Any, expected: str) -> None:
    write_deposits(tmp_path, {"a": text_of("0")}, content)
    assert messages(tmp_path, SPEC) == [REFERENCES + expected]


def test_everything_is_told_at_once_and_counted(tmp_path: Path) -> None:
    bad = {f"v{i}": text_of(f"v{i}", '{"Code": "secret70", "Value": "?", "Period": "N"}') for i in range(5)}
    write_deposits(tmp_path, {**bad, "a": "{", "b": "[]", "c": text_of("v1")}, "[{")
    found = messages(tmp_path, SPEC)
    assert [one.split(": ", 2)[2] for one in found] == [
        "deposits/*.json: 1 file is cut off: deposits/a.json, the JSON ends in the middle, fetch it again",
        "deposits/*.json: 1 file is no deposit but a list: deposits/b.json, name lists of references under references:",
        "deposits/*.json: 5 files hold a rubric whose Value is no number: deposits/v0.json (rubric secret70), "
        "deposits/v1.json (rubric secret70), deposits/v2.json (rubric secret70), ..., "
        "amounts are written 1961298.0",
        "deposits/*.json: 1 file holds a deposit that another file holds already: deposits/v1.json "
        "(as deposits/c.json), its rows would count twice, keep one file a ReferenceNumber",
        "references: 1 list is cut off: references/all.json, the JSON ends in the middle, fetch it again",
    ]


def test_what_the_spec_does_not_say(tmp_path: Path) -> None:
    folder_of(tmp_path)
    bare = "panel: {accounts: {files: deposits/*.json, layout: nbb}}\n"
    assert messages(tmp_path, bare) == [
        "spec.yaml:2:27: panel.accounts.files: deposits/*.json: deposits do not say whose they are, nor of which year: "
        "that stands in the lists of references, write {path: deposits/*.json, references: references/*.json}"
    ]
    assert messages(tmp_path, SPEC.replace("references/*", "reference/*")) == [
        'spec.yaml:3:28: panel.accounts.files.references: no file matches "reference/*.json"'
    ]
    (found,) = messages(tmp_path, SPEC.replace("references:", "decimal: ',', references:"))
    assert "decimal has no meaning for JSON deposits of the NBB, leave it out" in found
    (tmp_path / "a.csv").write_text("ENTNR,YEAR\n1,2\n")
    (found,) = messages(tmp_path, SPEC.replace("deposits/*.json", "a.csv"))
    assert found == START + "a.csv: references has no meaning for CSV, leave it out"
    (found,) = messages(tmp_path, SPEC.replace("deposits/*.json", "deposits"))
    assert '"deposits" is a folder' in found


def test_values_and_repeated_years_name_the_deposit(tmp_path: Path) -> None:
    write_deposits(
        tmp_path,
        {"a": body("1", FULL), "b": body("2", FULL), "c": body("3", [("9900", "1", "N")])},
        [reference("1", "7", 2022), reference("2", "7", 2023), reference("3", "8", 2023, ModelType="m99")],
    )
    refused = SPEC.replace("months: [6, 18]", "months: [6, 18], filings: refuse")
    assert sorted(one.removeprefix(START) for one in messages(tmp_path, refused)) == [
        f"deposits/*.json, deposits/b.json (NM1): firm 7 has the year 2022 already, in deposits/a.json, {ONE_ROW}",
        'deposits/*.json, deposits/c.json, column SCHEME: "m99" is not a code of the layout, '
        "there are: full, VOL, abridged, VKT, micro, MIC, ...",
    ]  # fmt: skip


def test_the_latest_deposit_of_a_period_counts_and_a_filing_comes_before_the_year_before(tmp_path: Path) -> None:
    turnover = {"a": ("100", "90"), "b": ("110", "95"), "c": ("200", "111"), "d": ("300", "250")}
    write_deposits(
        tmp_path,
        {name: body(name, [("70", now, "N"), ("70", before, "NM1"), ("60", "1", "N"), ("61", "1", "N")])
         for name, (now, before) in turnover.items()},
        [
            reference("a", "7", 2021, DepositDate="2022-05-01"),
            reference("b", "7", 2021, DepositDate="2022-09-01"),  # a correction
            reference("c", "7", 2022, DepositDate="2023-05-01"),  # its year before has filings of its own
            reference("d", "8", 2022, DepositDate="2023-05-01"),  # its year before has none
        ],
    )  # fmt: skip
    panel = build(tmp_path, SPEC)
    found = [(panel.firm_names[firm], year) for firm, year in zip(*_keys(panel), strict=True)]
    assert dict(zip(found, column(panel, "turnover"), strict=True)) == {
        ("7", 2020): 95, ("7", 2021): 110, ("7", 2022): 200, ("8", 2021): 250, ("8", 2022): 300,
    }  # fmt: skip
    dropped = {one.reason: one.dropped for one in panel.ledger if one.step == "filings"}
    assert dropped == {
        "the year before in a later filing, where that year has a filing of its own": 1,
        "an earlier filing of the same accounting year": 2,
    }


def _keys(panel: FirmPanel) -> tuple[list[int], list[int]]:
    rows = panel.select([])
    return rows.firm.tolist(), rows.year.tolist()


def test_the_file_of_a_row_that_was_not_scanned_is_its_number(tmp_path: Path) -> None:
    folder_of(tmp_path)
    (source,), _ = sources_of(tmp_path)
    assert READER.line(source.file, source.header, 3) == "row 3"


def test_a_table_of_deposits_that_the_economist_keys(tmp_path: Path) -> None:
    folder_of(tmp_path)
    spec = "panel: {table: {files: {path: deposits/*.json, references: references/*.json}}, firm: ENTNR, year: YEAR}\n"
    panel = build(tmp_path, spec + "variables: {ln: log(R70)}\n")
    assert column(panel, "PERIOD") == ["N", "NM1", "N"]
    assert column(panel, "R70") == [None, 900, 1000]
    assert [one.table for one in panel.ledger if one.step == "deposits"] == ["table"] * 3


def test_nothing_but_references(tmp_path: Path) -> None:
    write_deposits(tmp_path, {"a": body("1", FULL)}, [])
    rows, loaded, wrong = table_of(tmp_path)
    assert (rows, wrong) == ([], [])
    assert loaded is not None
    assert loaded.left_out == {CONSOLIDATED: 0, UNDATED: 2, ABSENT: 0}
    assert loaded.opened(Ledger(), "accounts", "deposits", 0).entries[0].rows_in == 2


def test_scans_without_left_out_open_no_step(tmp_path: Path) -> None:
    assert Scan("x").left_out == {}
    assert READERS["nbb_json"] is READER


MUTATIONS = st.lists(st.tuples(st.sampled_from(("cut", "drop", "shuffle", "copy", "value", "byte")),
                               st.integers(0, 10**6), st.integers(0, 10**6)), max_size=4)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS)
def test_mutilated_deposits_are_counted_or_told(
    tmp_path_factory: pytest.TempPathFactory, mutations: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("mutilated")
    folder_of(folder)
    for mutation in mutations:
        mutilate(folder, *mutation)
    rows, loaded, wrong = table_of(folder)
    assert all(one.startswith((": deposits/*.json: ", ".references: references: ")) for one in wrong)
    if not wrong:
        assert loaded is not None
        # Counted by another way: every period that a file holds, and every reference that no file belongs to.
        bodies = [json.loads(path.read_text()) for path in (folder / "deposits").iterdir()]
        listed = {one["ReferenceNumber"] for one in json.loads((folder / "references" / "all.json").read_text())}
        held = sum(1 + any(one["Period"] == "NM1" and one["Value"] for one in body["Rubrics"]) for body in bodies)
        alone = len(listed - {body["ReferenceNumber"] for body in bodies})
        assert len(rows) + sum(loaded.left_out.values()) == held + alone
        filed = [r for b in bodies for r in b["Rubrics"] if b["ReferenceNumber"] in ("2024-1", "2024-2")]
        # A mutated code may be a number, or half a character, which no table can hold.
        amounts = {(str(r["Code"]).replace("\ud800", "?"), r["Period"]) for r in filed if r["Value"]}
        assert {(k[1:], row["PERIOD"]) for row in rows for k in row if k[0] == "R"} <= amounts


def mutilate(folder: Path, how: str, first: int, second: int) -> None:
    paths = [*sorted((folder / "deposits").iterdir()), folder / "references" / "all.json"]
    path = paths[first % len(paths)]
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[: second % (len(data) + 1)])
    elif how == "byte":
        at = second % max(len(data), 1)
        path.write_bytes(data[:at] + bytes([second // 7 % 256]) + data[at + 1 :])
    elif how == "copy":
        (folder / "deposits" / f"copy{second}.json").write_bytes(data)
    else:
        change(path, {"drop": drop, "shuffle": shuffle, "value": value}[how], second)


def change(path: Path, how: Callable[[list[Any], random.Random], None], seed: int) -> None:
    """Change the list in a file that is still JSON."""
    try:
        found = json.loads(path.read_bytes())
    except ValueError:
        return
    listed = found.get("Rubrics") if isinstance(found, dict) else found
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed) and listed:
        how(listed, random.Random(seed))
        if isinstance(found, dict) and seed % 5 == 0:
            found.pop(random.Random(seed).choice(sorted(found)))
        path.write_text(json.dumps(found))


def drop(listed: list[Any], chance: random.Random) -> None:
    one = chance.choice(listed)
    if one:
        one.pop(chance.choice(sorted(one)))


def shuffle(listed: list[Any], chance: random.Random) -> None:
    chance.shuffle(listed)


def value(listed: list[Any], chance: random.Random) -> None:
    one = chance.choice(listed)
    if one:
        one[chance.choice(sorted(one))] = chance.choice([None, 1, -0.5, "", "x", [], {}, "2023-01-01", True, "\ud800"])


def test_thousands_of_deposits_in_little_time_and_memory(tmp_path: Path) -> None:
    codes = [str(1000 + i) for i in range(200)]
    (tmp_path / "deposits").mkdir()
    (tmp_path / "references").mkdir()
    number = 3000
    text = json.dumps(
        body("REF", [(code, f"{i}.5", period) for i, code in enumerate(codes) for period in ("N", "NM1")])
    )
    for i in range(number):
        (tmp_path / "deposits" / f"{i}.json").write_text(text.replace("REF", str(i)))
    # For the first 2,000 no activity is known.
    listed = [reference(str(i), f"{i:010}", 2023, ActivityCode="10110" if i >= 2500 else None) for i in range(number)]
    listed.sort(key=lambda one: str(one["ReferenceNumber"]))
    (tmp_path / "references" / "all.json").write_text(json.dumps(listed))
    start = time.perf_counter()
    build(tmp_path, SPEC)
    assert time.perf_counter() - start < 30
    (source,), problems = sources_of(tmp_path)
    assert problems == []
    tracemalloc.start()
    told: list[str] = []
    scan = READER.scan(Counting(told), source.file, source.header, [0, 1, 20])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert scan.problems() == ()
    assert told == ["reading deposits/*.json, 2,000 of 3,000 files"]
    # All parsed at once would be 300 MB; what stays is the references and a chunk.
    assert peak < 25e6


class Counting:
    """An engine that keeps nothing."""

    def __init__(self, heard: list[str]) -> None:
        self.told = heard.append

    def fill(self, types: Any, chunks: Any, stem: str) -> str:
        assert sum(len(chunk["c0"]) for chunk in chunks) == 6000
        return stem
