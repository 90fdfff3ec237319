"""The same steps give the same panel on DuckDB and on pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from panels.assemble import assemble
from panels.demo import write
from panels.engine import Engine, Frame
from panels.frame import FirmPanel, TextColumn
from panels.plan import PanelPlan
from panels.sources import inspect_sources
from specs.model import parse_spec
from specs.read import read
from tests.panels.building import build
from tests.panels.pandas_engine import PandasEngine
from tests.panels.test_cleaning import Cells, accounts, row

TOLERANCE = 1e-12
"""Relative to the larger of 1 and the value: the two add up in other orders."""

# Pandas groups some expressions row by row, and says so; it is asked for its numbers, not for its speed.
pytestmark = pytest.mark.filterwarnings("ignore:Found complex group-by expression")


@pytest.fixture
def on_pandas(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make panels on pandas from here on; the list tells which tables it handed out."""
    asked: list[str] = []

    class Watched(PandasEngine):
        def table(self, name: str) -> Frame:
            asked.append(name)
            return super().table(name)

    monkeypatch.setattr("panels.assemble.Engine", Watched)
    return asked


def same(one: FirmPanel, other: FirmPanel) -> None:
    """Rows, columns, values, ledger, link: all alike."""
    assert list(one.columns) == list(other.columns)
    assert (one.n_rows, one.firm_names, one.years) == (other.n_rows, other.firm_names, other.years)
    for name in one.columns:
        left, right = (panel.select([name]).columns[name] for panel in (one, other))
        if isinstance(left, TextColumn):
            assert isinstance(right, TextColumn)
            assert left.levels == right.levels
            np.testing.assert_array_equal(left.codes, right.codes)
        else:
            assert not isinstance(right, TextColumn)
            np.testing.assert_array_equal(np.isnan(left.values), np.isnan(right.values))
            apart = np.abs(left.values - right.values) / np.maximum(1.0, np.abs(left.values))
            assert np.nanmax(apart, initial=0.0) <= TOLERANCE, name
    assert one.ledger == other.ledger
    assert one.link == other.link


CLEANS = [
    "months: [6, 18]",
    "filings: latest, year: orbis, periods: sum, months: [3, 24], jumps: {of: [turnover], above: 0.1}",
    "filings: latest, year: calendar, periods: longest, capital: {depreciation: 0.1}",
    "filings: latest, periods: sum, jumps: {of: [turnover / labour], above: 2, action: firm}",
    "filings: latest, periods: longest, jumps: {of: [turnover], above: 0.1, action: blank}",
    "filings: latest, periods: longest, minimum_employees: 3, missing_intermediates: drop",
    "filings: latest, periods: sum, minimum_employees: 2, require: [lag(turnover) > 0 or isna(lag(turnover))]",
    "filings: latest, periods: sum, trim: {of: [turnover / labour], by: [nace, year], quantiles: [0.1, 0.8]}",
    "filings: latest, periods: sum, trim: {of: [turnover], quantiles: [0.1, 0.8], action: blank}",
    "filings: latest, periods: sum, trim: {of: [turnover], by: [year], quantiles: [0.1, 0.8], action: winsorise}",
]


def nasty() -> list[Cells]:
    """Short years, two filings, gaps, missing cells, amounts of zero."""
    random = np.random.default_rng(20261201)
    rows = []
    for firm in range(12):
        for year in range(2018, 2023):
            if random.random() < 0.15:
                continue
            closed = f"{year}-{random.choice(['12-31', '06-30', '03-31'])}"
            one = row(str(firm), year, f"{year - 1}-{random.choice(['07-01', '10-01'])}", closed)
            one |= {"R70": int(random.integers(0, 300)), "R9087": round(float(random.random() * 9), 2),
                    "DEPOSITDATE": f"{year + 1}-0{random.integers(1, 9)}-01"}  # fmt: skip
            for key in ("R70", "R60", "R8169", "R22_27", "R9086", "NACE"):
                if random.random() < 0.1:
                    one[key] = ""
            rows.append(one)
            if random.random() < 0.2:
                rows.append(one | {"R70": 77, "DEPOSITDATE": f"{year + 1}-09-01"})
    return rows


@pytest.mark.parametrize("clean", CLEANS)
def test_cleaning(tmp_path: Path, clean: str, on_pandas: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    spec = accounts(tmp_path, nasty(), clean) + (
        "variables: {ln: log(turnover), before: diff(ln), peers: 'mean(ln, by=[nace, year], leave_out=true)'}\n"
    )
    on_the_one = build(tmp_path, spec)
    assert on_pandas
    monkeypatch.setattr("panels.assemble.Engine", Engine)
    same(build(tmp_path, spec), on_the_one)


@pytest.fixture(scope="module")
def difficult_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("difficult")
    write(folder, difficult=True)
    return folder


@pytest.mark.parametrize("name", ["hrw_2026", "hrw_2026_difficult"])
def test_the_demo(difficult_folder: Path, name: str, on_pandas: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Survey, link, deflators; in the difficult files a bridge and corrected filings, too."""
    root, _ = read(difficult_folder / f"{name}.yaml")
    assert root is not None
    model, _ = parse_spec(root)
    assert model.panel is not None
    plan = PanelPlan(model.panel, root, model.variables)
    on_the_one = assemble(plan, inspect_sources(plan))
    assert len(on_pandas) > 10
    monkeypatch.setattr("panels.assemble.Engine", Engine)
    same(assemble(plan, inspect_sources(plan)), on_the_one)
