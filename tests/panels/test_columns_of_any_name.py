"""Columns of a user's own that are called as the steps' own are, and codes and classes of a kind nobody expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.panels.building import build, column, messages, write
from tests.panels.test_cleaning import accounts, row

HEAD = "panel: {table: {files: p.csv}, firm: id, year: year"


def test_size_classes_as_text_are_no_heads(tmp_path: Path) -> None:
    write(tmp_path, p__csv="id,year,employees,sales\na,2020,10-19,5\na,2021,20-49,6\nb,2020,10-19,7\n,2020,10-19,7\n")
    panel = build(tmp_path, HEAD + "}\n")
    assert panel.n_rows == 3
    assert {one.stratum for one in panel.ledger.strata} == set()


def test_codes_as_numbers_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, p__csv="id,year,region,sales\na,2020,1,5\na,2021,,6\nb,2021,2,7\nb,2020,2,7\n")
    panel = build(tmp_path, HEAD + ", years: [2020, 2020]}\n")
    assert {(one.level, one.dropped) for one in panel.ledger.strata if one.stratum == "region"} == {("", 1), ("2", 1)}


@pytest.mark.parametrize("name", ["~firm", "~row", "~where", "~1", "year before", "~year before", "n of cell", "~n"])
def test_a_column_keeps_its_values_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    text = "\n".join(f"{firm},{year},{10 * firm + year},{firm + year}" for firm in (1, 2, 3) for year in (2020, 2021))
    write(tmp_path, p__csv=f"id,year,{name},n\n{text}\n")
    clean = "clean: {require: [n > 0], trim: {of: [n], by: [year], action: winsorise}, jumps: {of: [n], above: 1}}"
    panel = build(tmp_path, HEAD + f", where: n > 0, {clean}}}\nvariables: {{before: lag(n)}}\n")
    expected = [10 * firm + year for firm in (1, 2, 3) for year in (2020, 2021)]
    assert column(panel, name) == expected
    assert column(panel, "before")[0] is None


def test_a_row_spread_over_years_is_one_row_of_its_file(tmp_path: Path) -> None:
    rows = [row(str(firm), 2021, "2020-01-01", "2021-06-30", NACE="8") for firm in (1, 2)]
    wrong = messages(tmp_path, accounts(tmp_path, rows, "year: calendar"))
    assert len(wrong) == 1
    assert "1 more such row" in wrong[0]
