"""Deposits as CSV of the NBB's portal: told by their first line, read as one table, told when they are wrong."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from panels.readers.files import DataFile
from panels.readers.nbb_csv import READER
from panels.readers.nbb_spellings import SPELLINGS
from panels.readers.registry import READERS
from specs.errors import Position
from specs.read import read
from specs.tree import plain
from tests.panels.building import ONE_ROW, build, column, messages
from tests.panels.deposits import table_of

MONTHS = ", clean: {months: [6, 18]}"
SPEC = f"panel: {{accounts: {{files: portal/*.csv, layout: nbb}}{MONTHS}}}\n"
START = "spec.yaml:2:27: panel.accounts.files: portal/*.csv: 1 file "
HEAD = {
    "Reference number": "2024-1",
    "Entity name": "Café, België",
    "Entity number": "0403.449.823",
    "Accounting period start date": "2023-01-01",
    "Accounting period end date": "2023-12-31",
    "Deposit date": "2024-06-30",
    "Model": "m02-f",
}
RUBRICS = {"70": "1000.0", "60": "400.0", "61": "100.0", "22/27": "250.5", "8199P": "3", "9087": "12.5"}


def text_of(facts: dict[str, str | None] | None = None, rubrics: dict[str, str] | None = None, delimiter: str = ",",
            quoting: int = csv.QUOTE_ALL) -> str:  # fmt: skip
    """Return a file: facts replace those of HEAD, None takes one out."""
    rows = {**HEAD, **(facts or {}), **(RUBRICS if rubrics is None else rubrics)}
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(("rubric", "value"))
    writer.writerows((key, value) for key, value in rows.items() if value is not None)
    return stream.getvalue()


def portal(folder: Path, **files: str | bytes) -> None:
    (folder / "portal").mkdir(exist_ok=True)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / "portal" / f"{name}.csv").write_bytes(data)


def test_a_folder_with_a_known_answer(tmp_path: Path) -> None:
    second = {"Reference number": "2024-2", "Entity number": "0200000042", "Model": "m07-f",
              "Accounting period start date": "2022-07-01"}  # fmt: skip
    portal(tmp_path, a=text_of(), b=text_of(second, {"9900": "600", "22/27": "7"}))
    panel = build(tmp_path, SPEC)
    assert column(panel, "firm") == ["0200000042", "0403.449.823"]
    assert column(panel, "months") == [18, 12]
    assert column(panel, "value_added") == [400, 500]
    assert column(panel, "capital") == [7, 250.5]
    assert next(one.step for one in panel.ledger) == "read"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "windows-1252"])
def test_the_rows_as_they_are(tmp_path: Path, delimiter: str, quoting: int, encoding: str) -> None:
    portal(tmp_path, a=text_of(delimiter=delimiter, quoting=quoting).encode(encoding))
    rows, loaded, wrong = table_of(tmp_path, "portal/*.csv", None)
    assert wrong == []
    assert rows == [{
        "ENTNR": "0403.449.823", "YEAR": 2023, "STARTDATE": "2023-01-01", "ENDDATE": "2023-12-31", "SCHEME": "m02-f",
        "DEPOSIT": "2024-1", "DEPOSITDATE": "2024-06-30", "PERIOD": "N", "R22/27": 250.5, "R60": 400, "R61": 100,
        "R70": 1000, "R8199P": 3, "R9087": 12.5,
    }]  # fmt: skip
    assert loaded is not None
    assert loaded.left_out == {}


def test_other_spellings_and_dates(tmp_path: Path) -> None:
    facts: dict[str, str | None] = dict.fromkeys(HEAD)
    facts |= {"ENTERPRISE  NUMBER:": "0403449823", "Period end date": "31/12/2023", "Model name": "Full model",
              "Model code": "m02-f", "Activity code": "10110"}  # fmt: skip
    portal(tmp_path, a=text_of(facts, {"70": "1,5", "60": "", "61": "NA"}))
    rows, _, wrong = table_of(tmp_path, "portal/*.csv", None)
    assert wrong == []
    assert rows == [{"ENTNR": "0403449823", "YEAR": 2023, "ENDDATE": "2023-12-31", "SCHEME": "m02-f", "NACE": "10110",
                     "PERIOD": "N", "R70": 1.5}]  # fmt: skip


def test_no_spelling_gives_two_columns() -> None:
    root, problems = read(SPELLINGS)
    assert root is not None
    assert not problems
    found = [one.lower() for listed in plain(root)["columns"].values() for one in listed]  # type: ignore[index]
    assert len(found) == len(set(found))
    assert not any(one[0].isdigit() for one in found)


def test_only_the_first_line_makes_it_one_of_the_portal(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("rubric,value,year\n1,2,2020\n")
    panel = build(tmp_path, "panel: {table: {files: a.csv}, firm: rubric, year: year}\n")
    assert column(panel, "value") == [2]
    assert [name for name, one in READERS.items() if ".csv" in one.suffixes] == ["nbb_csv", "csv"]
    portal(tmp_path, a=text_of(), b="ENTN,YEAR\n1,2\n", c=text_of({"Reference number": "2"}))
    # The two of the portal are read as one, wherever the stranger stands.
    assert [one.split("files: ")[1] for one in messages(tmp_path, SPEC.replace(MONTHS, ""))] == [
        'portal/b.csv has no column "ENTNR", did you mean "ENTN"?'
    ]
    portal(tmp_path, b="ENTNR,YEAR\n1,2022\n")
    assert [
        one.split("files: ")[1] for one in messages(tmp_path, SPEC.replace(MONTHS, ", clean: {filings: refuse}"))
    ] == [f"portal/*.csv, portal/c.csv: firm 0403.449.823 has the year 2023 already, in portal/a.csv, {ONE_ROW}"]


def spelled(column_name: str) -> str:
    """What to try where a row is spelled in another way."""
    return (
        f"if a row says it in other words, write them in a file of your own, columns: {{{column_name}: [...]}}, "
        "and name it: {path: ..., references: spellings.yaml}"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (text_of(rubrics={}), "holds no rubric: portal/b.csv, it is cut off, or a deposit without amounts, "
         "fetch it again, or leave it out"),
        (text_of({"Entity number": None}), "has no row with the number of the entity: portal/b.csv, the deposit would "
         "belong to no firm, " + spelled("ENTNR")),
        (text_of({"Accounting period end date": ""}), "has no row with the end of the accounting period: portal/b.csv, "
         "the deposit would belong to no year, " + spelled("ENDDATE")),
        (text_of({"Deposit date": "2024-06-31"}), "has a date that is none: portal/b.csv, write 2023-12-31"),
        (text_of({"Accounting period start date": "2024-01-01"}),
         "has an accounting period that ends before it begins: portal/b.csv"),
        (text_of(rubrics={"70": "x"}), "holds a rubric whose value is no number: portal/b.csv (rubric 70), amounts are "
         "written 1961298.0, for a decimal comma write files: {path: ..., decimal: ','}"),
        (text_of(rubrics={"70": "1,234"}), "holds a rubric whose value is no number: portal/b.csv (rubric 70), amounts "
         "are written 1961298.0, for a decimal comma write files: {path: ..., decimal: ','}"),
        (text_of() + '"70","7"\r\n', "gives a rubric twice with different values: portal/b.csv (rubric 70), "
         "it cannot be known which of the two holds, fetch it again"),
        (text_of() + '"71"', "is cut off, or not of two columns: portal/b.csv (row 15), fetch it again"),
        (text_of() + '"71","7', "is cut off, or not of two columns: portal/b.csv, fetch it again"),
        (text_of() + '"71","7","8"', "is cut off, or not of two columns: portal/b.csv (row 15), fetch it again"),
        (text_of().encode() + b'"\x81\x8d","1"', "is neither UTF-8 nor windows-1252: portal/b.csv, "
                                                  "declare its encoding:"),
        # Unquoted the rows that are there would be a whole deposit, its texts in other letters.
        ((text_of(quoting=csv.QUOTE_MINIMAL) + "Street,é\r\nPlace,é").encode()[:-1],
         "is cut off in the middle of a character of UTF-8: portal/b.csv, fetch it again"),
        (text_of().encode("utf-8-sig") + b'"Place","\xe9t\xe9"\r\n',
         "is not UTF-8, as its first bytes say: portal/b.csv, fetch it again, or declare its encoding:"),
        (text_of({"Reference number": "0"}), "holds a deposit that another file holds already: portal/b.csv "
         "(as portal/a.csv), its rows would count twice, keep one file a reference number"),
        ('"rubric","value"\n', "has no row with the number of the entity: portal/b.csv, the deposit would "
         "belong to no firm, " + spelled("ENTNR")),
    ],
)  # fmt: skip
def test_a_deposit_that_is_wrong(tmp_path: Path, content: str | bytes, expected: str) -> None:
    portal(tmp_path, a=text_of({"Reference number": "0", "Entity number": "1"}), b=content)
    assert messages(tmp_path, SPEC)[0] == START + expected


def test_spellings_of_ones_own(tmp_path: Path) -> None:
    odd: dict[str, str | None] = {"Entity number": None, "Numéro": "0403449823", "Model": "m01-f", "Modèle": "m02-f"}
    portal(tmp_path, a=text_of(odd))
    (tmp_path / "mine.yaml").write_text("columns:\n  ENTNR: [Numéro]\n  SCHEME: [modèle]\n", encoding="utf-8")
    rows, _, wrong = table_of(tmp_path, "portal/*.csv", "mine.yaml")
    assert wrong == []
    assert (rows[0]["ENTNR"], rows[0]["SCHEME"], rows[0]["ENDDATE"]) == ("0403449823", "m02-f", "2023-12-31")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "mine.yaml:1:1: the file is empty, write columns: {ENTNR: [Entity number]}"),
        ("ENTNR: [a]\n", "mine.yaml:1:1: a list of spellings has one key, columns:, "
                         "write columns: {ENTNR: [Entity number]}"),
        ("columns: {ENTN: [a]}\n", 'mine.yaml:1:17: columns.ENTN: "ENTN" is no column of a deposit, '
                                   'did you mean "ENTNR"?'),
        ("columns: {ENTNR: a}\n", "mine.yaml:1:18: columns.ENTNR: a list of texts is wanted, "
                                  "write columns: {ENTNR: [Entity number]}"),
    ],
)  # fmt: skip
def test_spellings_that_are_wrong(tmp_path: Path, text: str, expected: str) -> None:
    portal(tmp_path, a=text_of())
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert table_of(tmp_path, "portal/*.csv", "mine.yaml")[2] == [expected]


def test_a_last_letter_of_windows_1252_is_no_cut(tmp_path: Path) -> None:
    portal(tmp_path, a=(text_of(quoting=csv.QUOTE_MINIMAL) + "Place,café").encode("windows-1252"))
    assert table_of(tmp_path, "portal/*.csv", None)[2] == []


def test_what_the_spec_declares(tmp_path: Path) -> None:
    portal(tmp_path, a=text_of(rubrics={"70": "1,234", "60": "5"}).encode("utf-16-le"))
    portal(tmp_path, a=text_of(rubrics={"70": "1,234", "60": "5"}).encode("latin2"))
    rows, _, wrong = table_of(tmp_path, "portal/*.csv", None, decimal=",", encoding="latin2")
    assert wrong == []
    assert (rows[0]["R70"], rows[0]["R60"]) == (1.234, 5)
    portal(tmp_path, a=text_of())
    assert table_of(tmp_path, "portal/*.csv", None, encoding="ascii")[2] == [
        ": portal/*.csv: 1 file is not in the encoding that the spec declares: portal/a.csv, "
        "leave encoding: out to have it found"
    ]
    (found,) = table_of(tmp_path, "portal/*.csv", None, delimiter=";")[2]
    assert found == ": portal/*.csv: delimiter has no meaning for CSV of the NBB's portal, leave it out"


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 400), at=st.integers(0, 400), byte=st.integers(0, 255), copies=st.integers(0, 1))
def test_a_mutilated_deposit_is_read_or_told(
    tmp_path_factory: pytest.TempPathFactory, cut: int, at: int, byte: int, copies: int
) -> None:
    folder = tmp_path_factory.mktemp("portal")
    data = text_of().encode()
    changed = (data[:at] + bytes([byte]) + data[at + 1 :])[: max(cut, 20)]
    portal(folder, a=changed, **{f"copy{i}": changed for i in range(copies)})
    assert READER.sniff is not None
    if not READER.sniff(DataFile(folder / "portal" / "a.csv", "a", Position("", 1, 1), "")):
        return  # a first line that is not the portal's: a CSV like another, with tests of its own
    rows, _, wrong = table_of(folder, "portal/*.csv", None)
    assert all(one.startswith(": portal/*.csv: ") for one in wrong)
    assert wrong or len(rows) == 1 + copies
