"""Accounts with everything wrong in them, in every format: one panel, one ledger, and no row unaccounted for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pyreadstat
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from panels.frame import FirmPanel
from tests.panels.building import build, column, messages

TEXTS = ("ENTNR", "SCHEME", "NACE", "REGION", "DEPOSITDATE")
NUMBERS = ("YEAR", "MONTHS", "START", "R70", "R60", "R61", "R9900", "R22_27", "R21", "R9086", "R1003")
SPEC = """\
panel:
  accounts: {{files: {}, layout: nbb}}
  years: [2018, 2021]
  clean:
    filings: latest
    periods: longest
    months: [6, 18]
    minimum_employees: 2
    missing_intermediates: drop
    require: [capital > 0]
    trim: {{of: [turnover], by: [year], quantiles: [0.1, 0.9], action: drop}}
    jumps: {{of: [turnover], above: 1}}
variables:
  before: lag(turnover)
"""


def csv(frame: pd.DataFrame, folder: Path) -> str:
    frame.to_csv(folder / "t.csv", index=False)
    return "t.csv"


def parquet(frame: pd.DataFrame, folder: Path) -> str:
    duckdb.from_df(frame).write_parquet(str(folder / "t.parquet"))
    return "t.parquet"


def database(frame: pd.DataFrame, folder: Path) -> str:
    assert len(frame)
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM frame")
    return "{path: t.duckdb, table: t}"


def stata(frame: pd.DataFrame, folder: Path) -> str:
    pyreadstat.write_dta(frame, folder / "t.dta", version=15)
    return "t.dta"


def xport(frame: pd.DataFrame, folder: Path) -> str:
    pyreadstat.write_xport(frame, folder / "t.xpt", file_format_version=8)
    return "t.xpt"


def excel(frame: pd.DataFrame, folder: Path) -> str:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        sheet.append([None if pd.isna(cell) or cell == "" else cell for cell in row])
    book.save(folder / "t.xlsx")
    return "t.xlsx"


WRITERS: dict[str, Callable[[pd.DataFrame, Path], str]] = {
    "csv": csv, "parquet": parquet, "duckdb": database, "stata": stata, "xport": xport, "excel": excel,
}  # fmt: skip

amount = st.sampled_from([None, None, 0.0, -7.0, 1.0, 2.5, 900.0, 1e6, 1e12])
row = st.fixed_dictionaries(
    {
        "ENTNR": st.sampled_from(["0001", "0001", "0002", "0003", "0004", ""]),
        "YEAR": st.sampled_from([2018.0, 2019.0, 2020.0, 2021.0, 2021.0, 2016.0, None]),
        "SCHEME": st.sampled_from(["VOL", "VKT", "MIC", ""]),
        "NACE": st.sampled_from(["62010", "10711", ""]),
        "REGION": st.sampled_from(["BE1", ""]),
        "DEPOSITDATE": st.sampled_from(["2022-05-01", "2022-07-01", ""]),
        "MONTHS": st.sampled_from([12.0, 12.0, 12.0, 18.0, 3.0, 30.0, None]),
        "START": st.sampled_from([1990.0, None]),
        **{name: amount for name in NUMBERS if name.startswith("R")},
    }
)


def balanced(panel: FirmPanel, rows: int) -> None:
    """Every row that was written is read, and is in the panel or among the dropped."""
    entries = panel.ledger.entries
    assert entries[0].rows_in == rows
    assert rows - sum(one.dropped for one in entries) == panel.n_rows


def unplaced(reason: str) -> str:
    """Return a reason without its places: a line of a CSV is a row of a database."""
    return re.sub(r" \(t\..*\)", "", reason)


def same_everywhere(rows: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(rows, columns=[*TEXTS, *NUMBERS])
    frame[list(NUMBERS)] = frame[list(NUMBERS)].astype("float64")
    found: dict[str, Any] = {}
    for name, write in WRITERS.items():
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            spec = SPEC.format(write(frame, folder))
            wrong = messages(folder, spec)
            if wrong:
                # Where a row stands is said in the words of its format; what is wrong is the same.
                found[name] = len(wrong)
                continue
            panel = build(folder, spec)
            balanced(panel, len(rows))
            values = {key: column(panel, key) for key in ("firm", "year", "turnover", "materials", "capital", "before")}
            found[name] = (values, [(one.step, unplaced(one.reason), one.dropped) for one in panel.ledger.entries])
    assert all(one == found["csv"] for one in found.values()), found


# Not shrunk: an example is six files and six panels.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)


@settings(deadline=None, max_examples=4, phases=PHASES)
@given(st.lists(row, min_size=1, max_size=25))
def test_every_format_gives_the_same_panel_and_accounts_for_every_row(rows: list[dict[str, Any]]) -> None:
    same_everywhere(rows)


@pytest.mark.heavy
@settings(deadline=None, max_examples=80, phases=PHASES)
@given(st.lists(row, min_size=1, max_size=40))
def test_every_format_and_many_files(rows: list[dict[str, Any]]) -> None:
    same_everywhere(rows)
