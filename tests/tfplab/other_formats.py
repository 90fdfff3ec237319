"""The demo's files in other formats: what the docs name, and what must give the same run."""

from __future__ import annotations

from pathlib import Path

import duckdb
import openpyxl
import pandas as pd
import pyreadstat

__all__ = ["write_other_formats"]


def write_other_formats(data: Path) -> None:
    """Write, beside the demo's CSV files, accounts.duckdb, accounts_2023.xpt, ict_2021.dta and ict.xlsx."""
    with duckdb.connect(str(data / "accounts.duckdb")) as connection:
        connection.execute("CREATE SCHEMA nbb")
        files = sorted(str(path) for path in data.glob("accounts_*.csv") if "2023" not in path.name)
        connection.execute(
            "CREATE TABLE nbb.accounts AS SELECT * FROM read_csv($1, types={'ENTNR': 'VARCHAR', 'NACE': 'VARCHAR'})",
            [files],
        )
    text = {"ENTNR": str, "NACE": str, "STRATUM": str}
    # SAS has no slash in the names of its columns.
    frame = pd.read_csv(data / "accounts_2023.csv", dtype=text).rename(columns=lambda name: name.replace("/", "_"))
    pyreadstat.write_xport(frame, data / "accounts_2023.xpt", file_format_version=8)
    frame = pd.read_csv(data / "ict_2021.csv", dtype=text, parse_dates=["INTERVIEW_DATE"])
    frame["INTERVIEW_DATE"] = frame["INTERVIEW_DATE"].dt.date
    pyreadstat.write_dta(frame, data / "ict_2021.dta", version=15, variable_format={"INTERVIEW_DATE": "%td"})
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "read me"
    sheet = book.create_sheet("wave 2023")
    frame = pd.read_csv(data / "ict_2023.csv", dtype=text)
    sheet.append(list(frame.columns))
    for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False):
        sheet.append(list(row))
    book.save(data / "ict.xlsx")
