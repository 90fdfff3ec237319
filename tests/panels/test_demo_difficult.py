"""The demo's firms in difficult files: the panel is that of the tidy files, and what made it so is counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from panels.demo import generate, write
from panels.demo_difficult import UNKNOWN_ITEMS, DifficultShapes, draw_shapes
from panels.demo_firms import YEARS
from panels.frame import FirmPanel, TextColumn
from tests.panels.building import ONE_ROW, build, messages

PANEL = """\
panel:
  accounts: {{files: {data}/accounts_*.csv, layout: nbb}}
  survey: {{files: {{2021: {data}/ict_2021.csv, 2023: {data}/ict_2023.csv}}, layout: eurostat_ict}}
  deflators: data/deflators.csv
  years: [2017, 2023]
  link: {link}
  clean: {clean}
"""
BRIDGE = "{bridge: {files: data_difficult/bridge.csv}}"
CLEAN = "{filings: latest, periods: sum, months: [6, 18]}"
ITEMS = tuple(item.removeprefix("E_").lower() for item in UNKNOWN_ITEMS)


@dataclass(frozen=True)
class Demo:
    folder: Path
    tidy: FirmPanel
    difficult: FirmPanel
    shapes: DifficultShapes


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("difficult")
    write(folder, difficult=True)
    tidy = build(folder, PANEL.format(data="data", link="{on: firm}", clean="{months: [6, 18]}"))
    difficult = build(folder, PANEL.format(data="data_difficult", link=BRIDGE, clean=CLEAN))
    return Demo(folder, tidy, difficult, draw_shapes(generate()))


def dropped(panel: FirmPanel, step: str, reason: str) -> int:
    return sum(one.dropped for one in panel.ledger.entries if one.step == step and reason in one.reason)


def test_every_value_is_that_of_the_tidy_files(demo: Demo) -> None:
    tidy, difficult = demo.tidy, demo.difficult
    assert difficult.firm_names == tidy.firm_names
    assert set(difficult.columns) - set(tidy.columns) == {"legal_units", "units_missing", "intra_group"}
    # Which answers were given is known again where nobody knew them; the status tells several units apart.
    compared = [name for name in tidy.columns if name not in (*ITEMS, "firm", "link_status")]
    ours, theirs = difficult.select(compared), tidy.select(compared)
    assert np.array_equal(ours.firm, theirs.firm)
    assert np.array_equal(ours.year, theirs.year)
    for name in compared:
        own, other = ours.columns[name], theirs.columns[name]
        if isinstance(own, TextColumn):
            assert isinstance(other, TextColumn)
            assert own.levels == other.levels
            assert np.array_equal(own.codes, other.codes), name
        else:
            # Amounts are split in whole euros and brought to twelve months unit by unit: only rounding is left.
            np.testing.assert_allclose(own.values, other.values, rtol=1e-12, atol=1e-12, err_msg=name)


def test_unknown_answers_are_missing_and_the_others_stay(demo: Demo) -> None:
    for name in ITEMS:
        own, other = demo.difficult.select([name]).number(name), demo.tidy.select([name]).number(name)
        gone = np.isnan(own) & ~np.isnan(other)
        answered = int((~np.isnan(other)).sum())
        # 3 per cent, within five binomial standard deviations.
        assert abs(gone.sum() - 0.03 * answered) < 5 * np.sqrt(0.03 * 0.97 * answered)
        assert np.array_equal(own[~gone], other[~gone], equal_nan=True)


def test_what_the_files_hold_beyond_the_tidy_ones_is_counted(demo: Demo) -> None:
    panel, shapes = demo.difficult, demo.shapes
    lines = {
        folder: sum(len(path.read_bytes().splitlines()) - 1 for path in (demo.folder / folder).glob("accounts_*.csv"))
        for folder in ("data", "data_difficult")
    }
    earlier = dropped(panel, "filings", "an earlier filing of the same accounting year")
    twice = dropped(panel, "filings", "an earlier row of the same firm and accounting year")
    parts = dropped(panel, "periods", "added to the accounting year that closes later")
    rows = panel.select(["legal_units", "intra_group"])
    second = int(np.nansum(rows.number("legal_units") == 2))
    assert lines["data_difficult"] - lines["data"] == earlier + twice + parts + second
    assert min(earlier, twice, parts, second) > 100
    # A row a year of every firm with short years, which closed twice in each.
    assert parts == int(np.isin(demo.tidy.select([]).firm, firms_of(demo, shapes.short)).sum())
    assert np.nansum(rows.number("intra_group")) == second


def firms_of(demo: Demo, chosen: np.ndarray) -> np.ndarray:
    numbers = generate().firms.number[chosen]
    return np.flatnonzero(np.isin(np.array(demo.tidy.firm_names), numbers))


def test_a_unit_that_is_sold_counts_for_the_buyer_from_the_year_in_which_it_is(demo: Demo) -> None:
    numbers, names = generate().firms.number, demo.difficult.firm_names
    rows = demo.difficult.select(["legal_units"])
    units = rows.number("legal_units")
    for seller, buyer in zip(demo.shapes.seller, demo.shapes.buyer, strict=True):
        for place, years in ((seller, YEARS[YEARS < 2021]), (buyer, YEARS[YEARS >= 2021])):
            own = rows.firm == names.index(numbers[place])
            assert rows.year[own & (units == 2)].tolist() == years.tolist()


def test_without_the_steps_that_mend_them_the_files_are_wrong(demo: Demo) -> None:
    folder = demo.folder
    refused = messages(folder, PANEL.format(data="data_difficult", link=BRIDGE, clean="{months: [6, 18]}"))
    # A firm that closed twice in a year is told, and no sum over its units is made.
    assert refused
    assert all(one.startswith("spec.yaml:3:21: panel.accounts.files: data_difficult/accounts_") for one in refused)
    assert all(one.endswith(ONE_ROW) for one in refused)
    naive = build(folder, PANEL.format(data="data_difficult", link="{on: firm}", clean=CLEAN))
    assert len(naive.firm_names) > len(demo.tidy.firm_names)


def test_no_firm_takes_two_shapes_and_the_same_seed_gives_the_same_files(demo: Demo, tmp_path: Path) -> None:
    shapes = demo.shapes
    sold = np.zeros(shapes.split.size, dtype=int)
    sold[shapes.seller] += 1
    sold[shapes.buyer] += 1
    assert (shapes.split.astype(int) + shapes.short + sold).max() == 1
    write(tmp_path, difficult=True)
    for path in (demo.folder / "data_difficult").iterdir():
        assert path.read_bytes() == (tmp_path / "data_difficult" / path.name).read_bytes()
