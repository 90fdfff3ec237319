"""The demo's microdata in other formats give the same run, to the last digit."""

from __future__ import annotations

import shutil
from pathlib import Path

import tfplab
from tests.tfplab.other_formats import write_other_formats
from tfplab.api import Run

ACCOUNTS = "[{path: data/accounts.duckdb, table: nbb.accounts}, data/accounts_2023.xpt]"
SURVEY = "{2021: data/ict_2021.dta, 2023: {path: data/ict.xlsx, sheet: wave 2023}}"


def test_the_demo_in_other_formats_is_the_same_run(demo_folder: Path, demo_run: Run, tmp_path: Path) -> None:
    shutil.copytree(demo_folder, tmp_path / "demo")
    write_other_formats(tmp_path / "demo" / "data")
    spec = tmp_path / "demo" / "hrw_2026.yaml"
    text = spec.read_text(encoding="utf-8")
    for old, new in (
        ("{files: data/accounts_*.csv,", f"{{files: {ACCOUNTS},"),
        ("{2021: data/ict_2021.csv, 2023: data/ict_2023.csv}", SURVEY),
    ):
        assert old in text
        text = text.replace(old, new)
    spec.write_text(text, encoding="utf-8")
    record = tfplab.run(spec).record
    assert {key: record[key] for key in record if key != "spec"} == {
        key: demo_run.record[key] for key in demo_run.record if key != "spec"
    }
