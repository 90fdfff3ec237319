"""One table in every format is one panel; what a format can have wrong is told where it can be known."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pyreadstat
import pytest

from tests.panels.building import build, column, messages

REFERENCE = Path(__file__).parents[1] / "reference"
FRAME = pd.DataFrame(
    {
        "firm": ["0002", "0001", "0001", "0003"],
        "year": [2021, 2021, 2022, 2021],
        "x": [0.1, np.nan, -2.5e9, 3.0],
        "code": [1.0, 2.0, np.nan, 1.0],
        "closed": [date(2021, 12, 31), None, date(2022, 6, 30), date(1959, 12, 31)],
        "note": ["é", "NA", "", "b"],
    }
)
EXPECTED: dict[str, list[Any]] = {
    "x": [None, -2.5e9, 0.1, 3.0],
    "code": [2.0, None, 1.0, 1.0],
    "closed": [None, "2022-06-30", "2021-12-31", "1959-12-31"],
    "note": [None, None, "é", "b"],
}


def csv(folder: Path) -> str:
    FRAME.to_csv(folder / "t.csv", index=False)
    return "t.csv"


def parquet(folder: Path) -> str:
    frame = FRAME
    duckdb.sql("SELECT * REPLACE (CAST(closed AS DATE) AS closed) FROM frame").write_parquet(str(folder / "t.parquet"))
    assert len(frame)
    return "t.parquet"


def stata(version: int) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        # Before version 14 texts are in the encoding of the machine, which pyreadstat does not write.
        frame = FRAME if version > 13 else FRAME.assign(note=FRAME["note"].replace("é", "e"))
        labels = {"code": {1: "Flanders", 2: "Wallonia"}}
        pyreadstat.write_dta(frame, folder / "t.dta", version=version, variable_value_labels=labels,
                             variable_format={"closed": "%td"})  # fmt: skip
        return "t.dta"

    return write


def xport(folder: Path) -> str:
    pyreadstat.write_xport(FRAME, folder / "t.xpt", file_format_version=8)
    return "t.xpt"


def excel(folder: Path) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([])
    sheet.append(list(FRAME.columns))
    for number, row in enumerate(FRAME.itertuples(index=False)):
        cells = [None if isinstance(cell, float) and np.isnan(cell) else cell for cell in row]
        sheet.append([cell if cell != "" else None for cell in cells])
        if number == 1:
            sheet.append([None, ""])
    book.save(folder / "t.xlsx")
    return "t.xlsx"


def database(folder: Path) -> str:
    frame = FRAME
    assert len(frame)
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.execute("CREATE SCHEMA stat")
        connection.execute("CREATE TABLE stat.t AS SELECT * REPLACE (CAST(closed AS DATE) AS closed) FROM frame")
        connection.execute("CREATE TABLE other AS SELECT 1 AS a")
    return "{path: t.duckdb, table: stat.t}"


WRITERS = {
    "csv": csv, "parquet": parquet, "stata 15": stata(15), "stata 13": stata(13), "stata 8": stata(8),
    "xport": xport, "excel": excel, "duckdb": database,
}  # fmt: skip
TABLE = "panel: {{table: {{files: {}}}, firm: firm, year: year}}\n"


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_table_is_the_same_panel(tmp_path: Path, name: str) -> None:
    panel = build(tmp_path, TABLE.format(WRITERS[name](tmp_path)))
    assert panel.firm_names == ("0001", "0002", "0003")
    assert panel.years == (2021, 2022)
    for key, values in EXPECTED.items():
        found = column(panel, key)
        if name in ("stata 8", "stata 13"):
            found = ["é" if value == "e" else value for value in found]
        assert found == values, key


@pytest.mark.parametrize("name", ["accounts.sas7bdat", "accounts_compressed.sas7bdat"])
def test_sas_data_sets(tmp_path: Path, name: str) -> None:
    """Two files of 300 observations that ReadStat's writer made, one of them compressed."""
    shutil.copy(REFERENCE / name, tmp_path / name)
    panel = build(tmp_path, f"panel: {{table: {{files: {name}}}, firm: ENTNR, year: YEAR}}\n")
    assert (panel.n_rows, panel.n_firms, panel.years) == (300, 100, (2021, 2022, 2023))
    assert panel.firm_names[:2] == ("0000009900", "0000009901")
    assert column(panel, "CLOSED")[:4] == ["2021-12-31", "2022-12-31", "2023-12-31", "2021-12-31"]
    assert column(panel, "R70") == [None if i % 7 == 0 else 1000.5 * i for i in range(300)]
    regions = ["Vlaanderen", "Wallonie", "Bruxelles-été"]
    assert column(panel, "REGION") == [None if i % 11 == 0 else regions[i % 3] for i in range(300)]


def test_dates_with_a_time_are_days(tmp_path: Path) -> None:
    frame = pd.DataFrame({"firm": ["a"], "year": [2021], "at": [datetime(2021, 3, 1, 23, 59)]})
    pyreadstat.write_dta(frame, tmp_path / "t.dta", variable_format={"at": "%tc"})
    assert column(build(tmp_path, TABLE.format("t.dta")), "at") == ["2021-03-01"]
    pyreadstat.write_xport(frame, tmp_path / "t.xpt", file_format_version=5, variable_format={"at": "DATETIME20."})
    assert column(build(tmp_path, TABLE.format("t.xpt")), "at") == ["2021-03-01"]


def test_months_and_quarters_of_stata_stay_numbers(tmp_path: Path) -> None:
    frame = pd.DataFrame({"firm": ["a"], "year": [2021], "month": [732.0]})
    pyreadstat.write_dta(frame, tmp_path / "t.dta", variable_format={"month": "%tm"})
    assert column(build(tmp_path, TABLE.format("t.dta")), "month") == [732.0]


def test_more_rows_than_are_read_at_a_time(tmp_path: Path) -> None:
    n = 250_003
    frame = pd.DataFrame({"firm": [f"{i:06}" for i in range(n)], "year": 2021, "x": np.arange(n, dtype=float)})
    pyreadstat.write_dta(frame, tmp_path / "t.dta")
    panel = build(tmp_path, TABLE.format("t.dta"))
    assert panel.n_rows == n
    np.testing.assert_array_equal(panel.select(["x"]).number("x"), np.arange(n))


def latin(folder: Path) -> None:
    """A Stata file of version 14, whose texts should be UTF-8, with a label and a name in Latin-1."""
    frame = pd.DataFrame({"firm": ["a"], "year": [2021], "code": [1.0], "note": ["XX"]})
    pyreadstat.write_dta(frame, folder / "t.dta", version=14, variable_value_labels={"code": {1: "BruXX"}})
    content = (folder / "t.dta").read_bytes()
    (folder / "t.dta").write_bytes(content.replace(b"XX", b"\xe9\xe8"))


def test_labels_in_another_encoding(tmp_path: Path) -> None:
    latin(tmp_path)
    (message,) = messages(tmp_path, TABLE.format("t.dta"))
    assert message == (
        "spec.yaml:2:24: panel.table.files: t.dta: its texts and labels are not in the encoding that it names, "
        "write {path: t.dta, encoding: latin-1}"
    )
    assert column(build(tmp_path, TABLE.format("{path: t.dta, encoding: latin-1}")), "note") == ["éè"]
    (message,) = messages(tmp_path, TABLE.format("{path: t.dta, encoding: utf-8}"))
    assert "are not utf-8, as the spec declares" in message


@pytest.mark.parametrize("name", ["stata 15", "xport", "excel", "duckdb", "parquet"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_files_that_are_cut_off(tmp_path: Path, name: str, share: float) -> None:
    """Never a traceback, never a panel of the rows that are left."""
    files = WRITERS[name](tmp_path)
    path = next(path for path in tmp_path.iterdir() if path.suffix not in (".yaml",))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    found = messages(tmp_path, TABLE.format(files))
    assert found
    assert all(path.name in message for message in found)


@pytest.mark.parametrize("version", [5, 8])
def test_transport_files_that_are_cut_off(tmp_path: Path, version: int) -> None:
    """At any byte, and at the end of any record but those where a shorter file ends as well."""
    n = 60
    frame = pd.DataFrame({"firm": [f"{i:07}" for i in range(n)], "year": 2021, "x": np.arange(n, dtype=float)})
    pyreadstat.write_xport(frame, tmp_path / "t.xpt", file_format_version=version)
    content = (tmp_path / "t.xpt").read_bytes()
    start = content.index(b"HEADER RECORD*******OBS") + 80
    length = 7 + 8 + 8
    assert build(tmp_path, TABLE.format("t.xpt")).n_rows == n
    for cut in [*range(start + 80, len(content), 80), start + 101, len(content) - 1]:
        (tmp_path / "t.xpt").write_bytes(content[:cut])
        found = messages(tmp_path, TABLE.format("t.xpt"))
        rows = (cut - start) // length
        if version == 5 and (cut - start) % length == 0:
            assert not found
            continue
        of = f" of {n}" if version == 8 else ""
        expected = f"t.xpt is cut off: it ends behind {rows} whole observations{of}, copy it again"
        assert found
        assert found[0].endswith(expected), cut


def test_a_transport_file_of_several_data_sets(tmp_path: Path) -> None:
    xport(tmp_path)
    content = (tmp_path / "t.xpt").read_bytes()
    (tmp_path / "t.xpt").write_bytes(content + content[240:])
    (found,) = messages(tmp_path, TABLE.format("t.xpt"))
    assert found.endswith("holds several data sets, a transport file is read as one, save each in a file of its own")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.7, 0.999])
def test_sas_data_sets_that_are_cut_off(tmp_path: Path, share: float) -> None:
    content = (REFERENCE / "accounts.sas7bdat").read_bytes()
    (tmp_path / "a.sas7bdat").write_bytes(content[: int(share * len(content))])
    (message,) = messages(tmp_path, "panel: {table: {files: a.sas7bdat}, firm: ENTNR, year: YEAR}\n")
    assert "cannot be read as a SAS file" in message
    assert "is it cut off? copy it again" in message


@pytest.mark.parametrize(
    ("suffix", "said"),
    [
        ("dta", " is not a Stata file, it is Parquet, give it the name of what it is"),
        ("sas7bdat", " is not a SAS file, it is Parquet, give it the name of what it is"),
        ("xpt", " is not a SAS transport file, it is Parquet, give it the name of what it is"),
        ("xlsx", " is not an Excel workbook (.xlsx), it is Parquet, save it as .xlsx or as CSV"),
        ("duckdb", " cannot be read as a DuckDB database: "),
    ],
)
def test_files_under_a_wrong_name(tmp_path: Path, suffix: str, said: str) -> None:
    parquet(tmp_path)
    (tmp_path / "t.parquet").rename(tmp_path / f"t.{suffix}")
    (message,) = messages(tmp_path, TABLE.format(f"t.{suffix}"))
    assert said in message


def test_files_that_are_damaged_or_empty(tmp_path: Path) -> None:
    (tmp_path / "t.duckdb").write_bytes(b"")
    (message,) = messages(tmp_path, TABLE.format("t.duckdb"))
    assert message.endswith("t.duckdb is empty, copy it again")
    (tmp_path / "t.duckdb").write_bytes(b"x" * 20_000)
    (message,) = messages(tmp_path, TABLE.format("t.duckdb"))
    assert message.endswith(", is it one, and whole? copy it again, or write it with an older DuckDB")
    (tmp_path / "t.parquet").write_bytes(b"PAR1" + b"x" * 200 + b"PAR1")
    (message,) = messages(tmp_path, TABLE.format("t.parquet"))
    assert message.endswith(", it is damaged or cut off: copy it again")


def test_a_folder_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.parquet", "b.parquet", "c.csv", ".hidden.xpt"):
        (tmp_path / "in" / name).touch()
    (message,) = messages(tmp_path, TABLE.format("in"))
    assert message.endswith('"in" is a folder, name its files: in/*.parquet')


def test_keys_that_a_format_does_not_have(tmp_path: Path) -> None:
    stata(15)(tmp_path)
    found = messages(tmp_path, TABLE.format("{path: t.dta, delimiter: ',', sheet: a, table: b}"))
    assert [message.split("t.dta")[-1] for message in found] == [
        f": {key} has no meaning for Stata, leave it out" for key in ("delimiter", "sheet", "table")
    ]


def book(folder: Path, rows: list[list[Any]], *more: str) -> None:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "data"
    for row in rows:
        sheet.append(row)
    for name in more:
        workbook.create_sheet(name)
    workbook.save(folder / "t.xlsx")


def test_sheets(tmp_path: Path) -> None:
    book(tmp_path, [["firm", "year"], ["a", 2021]], "notes")
    (message,) = messages(tmp_path, TABLE.format("t.xlsx"))
    assert message.endswith("has 2 sheets, name one: {path: t.xlsx, sheet: data}; there are: data, notes")
    (message,) = messages(tmp_path, TABLE.format("{path: t.xlsx, sheet: Data}"))
    assert message.endswith('has no sheet "Data", there are: data, notes')
    (message,) = messages(tmp_path, TABLE.format("{path: t.xlsx, sheet: notes}"))
    assert message.endswith('the sheet "notes" is empty')
    assert build(tmp_path, TABLE.format("{path: t.xlsx, sheet: data}")).n_rows == 1


def test_cells_that_are_wrong(tmp_path: Path) -> None:
    rows = [
        ["firm", "year", "x"],
        ["a", 2021, "#DIV/0!"],
        [],
        ["b", "21/22", 1],
        ["c", 2021, "#N/A"],
        ["d", 2021, 1, 9],
    ]
    book(tmp_path, rows)
    found = [message.split("t.xlsx")[1] for message in messages(tmp_path, TABLE.format("t.xlsx"))]
    assert found == [
        ", row 2, column x: #DIV/0!, a formula that failed, mend it in the workbook, or empty the cell",
        ", row 6: cells behind the last column that has a name, give the column a name in the first row, or empty its "
        "cells",
        ', row 4, column year: "21/22" is not a year, write 2023: a year is a whole number, not a date',
    ]


def test_a_formula_that_failed_is_told_once(tmp_path: Path) -> None:
    rows = [["firm", "year"], ["a", "#REF!"], ["b", "#REF!"], ["c", "#REF!"], ["d", "#REF!"], ["e", 2021]]
    book(tmp_path, rows)
    found = [message.split("t.xlsx")[1] for message in messages(tmp_path, TABLE.format("t.xlsx"))]
    assert len(found) == 3
    assert all("#REF!, a formula that failed" in one for one in found)
    assert ", 1 more such cell, " in found[2]


def test_tables_of_a_database(tmp_path: Path) -> None:
    database(tmp_path)
    (message,) = messages(tmp_path, TABLE.format("t.duckdb"))
    assert message.endswith("has 2 tables, name one: {path: t.duckdb, table: other}; there are: other, stat.t")
    (message,) = messages(tmp_path, TABLE.format("{path: t.duckdb, table: stat.tt}"))
    assert message.endswith('has no table "stat.tt", did you mean "stat.t"?')


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mysql://host/db", '"mysql://" is no address that can be read, write a path, or postgresql://host/database'),
        ("postgresql://[host/db", "an address that cannot be read"),
    ],
)
def test_addresses(tmp_path: Path, address: str, said: str) -> None:
    (message,) = messages(tmp_path, TABLE.format(f"'{address}'"))
    assert said in message


def accounts(folder: Path, how: str, expression: str) -> str:
    """Accounts whose R70 is `expression`, in Parquet or DuckDB."""
    rows = (
        "SELECT printf('%04d', i) AS ENTNR, 2021 AS YEAR, 'VOL' AS SCHEME, "
        f"({expression}) AS R70, 1.5::DOUBLE AS R60, 1::BIGINT AS R61 FROM range(5) t(i)"
    )
    if how == "parquet":
        duckdb.sql(rows).write_parquet(str(folder / "a.parquet"))
    else:
        with duckdb.connect(str(folder / "a.duckdb")) as connection:
            connection.execute(f"CREATE TABLE a AS {rows}")
    return f"a.{how}"


@pytest.mark.parametrize("how", ["parquet", "duckdb"])
def test_infinity_is_no_number(tmp_path: Path, how: str) -> None:
    name = accounts(tmp_path, how, "CASE WHEN i = 2 THEN '-inf'::DOUBLE WHEN i > 2 THEN 'inf' ELSE 5.0 END")
    for spec in (f"panel: {{accounts: {{files: {name}, layout: nbb}}}}",
                 f"panel: {{table: {{files: {name}}}, firm: ENTNR, year: YEAR}}"):  # fmt: skip
        (message,) = messages(tmp_path, spec)
        assert message.endswith(
            f'{name}, row 3, column R70: "-inf" is not a number, 2 more such cells in the column, '
            "empty the cell if the number is not known"
        )
    # A sum beyond all numbers of numbers that are none is no mistake.
    panel = build(tmp_path, spec.replace(name, accounts(tmp_path, "parquet", "1.7e308::DOUBLE")))
    assert column(panel, "R70") == [1.7e308] * 5


def test_infinity_in_stata(tmp_path: Path) -> None:
    """Below all numbers; what is above them all is a missing value of the format itself."""
    pyreadstat.write_dta(pd.DataFrame({"firm": ["a", "b"], "year": 2021, "x": [1.0, 12345.678]}), tmp_path / "t.dta")
    content = (tmp_path / "t.dta").read_bytes()
    (tmp_path / "t.dta").write_bytes(content.replace(struct.pack("<d", 12345.678), struct.pack("<d", -np.inf)))
    (message,) = messages(tmp_path, TABLE.format("t.dta"))
    assert 't.dta, observation 2, column x: "-inf" is not a number, empty the cell' in message


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("[5.0]", "lists"), ("[i, i]::INTEGER[2]", "lists"), ("{'a': 5.0}", "structs"), ("MAP {'a': 5.0}", "maps")],
)
def test_columns_of_lists(tmp_path: Path, expression: str, kind: str) -> None:
    name = accounts(tmp_path, "parquet", expression)
    (message,) = messages(tmp_path, f"panel: {{accounts: {{files: {name}, layout: nbb}}}}")
    assert message.endswith(f"a.parquet, column R70: holds {kind}, not values, give it one value a row")
    # A ready-made panel takes all columns along: it is text there, and told where it is used as a number.
    panel = build(tmp_path, f"panel: {{table: {{files: {name}}}, firm: ENTNR, year: YEAR}}")
    assert column(panel, "R60") == [1.5] * 5
