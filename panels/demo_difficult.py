"""The demo's firms in files as they come: legal units, short years, corrected and repeated filings, unknown answers.

What the files say of every firm and year is what the tidy files say, so the right answer is known: the same panel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from panels.arrays import BoolArray, IntArray, TextArray
from panels.demo_files import account_columns, survey_columns, write_csv, write_text
from panels.demo_firms import YEARS
from panels.demo_records import DemoData

__all__ = ["SPEC", "DifficultShapes", "draw_shapes", "write_difficult"]

SPEC = "hrw_2026_difficult.yaml"
FOLDER = "data_difficult"

SPLIT, SHORT = 0.04, 0.02
"""Shares of firms: with a second legal unit; with two accounting years of six months in each calendar year."""
SALES = 30
"""Legal units that one firm sells to another, on SOLD."""
CORRECTED, TWICE, UNKNOWN = 0.03, 0.01, 0.03
"""Shares: of rows with an earlier, wrong filing; of rows that stand there twice; of answers to UNKNOWN_ITEMS."""
SOLD = "2021-07-01"
UNKNOWN_ITEMS = ("E_CC", "E_ERP1")
UNIT_SHARE = 0.3
"""Of every amount, what belongs to a second legal unit."""

_FLOWS = ("R70", "R71", "R72", "R74", "R740", "R76A", "R60", "R61", "R9900", "R62", "R630", "R9901", "R8169", "R8179")
_STOCKS = ("R21", "R22/27", "R20/58")
_HEADS = ("R9086", "R1001", "R1002")
_FTE = ("R9087", "R1003")
# The panel of the tidy spec, line for line, and what stands there instead.
_INSTEAD = {
    "data/accounts_*.csv": f"{FOLDER}/accounts_*.csv",
    "data/ict_2021.csv": f"{FOLDER}/ict_2021.csv",
    "data/ict_2023.csv": f"{FOLDER}/ict_2023.csv",
    "link: {on: firm}": f"link: {{bridge: {{files: {FOLDER}/bridge.csv}}}}  # accounts of units, survey of enterprises",
    "clean: {months: [6, 18]}      ": "clean: {filings: latest, periods: sum, months: [6, 18]}",
    "(synthetic data)": "(synthetic data in difficult files)",
}

Row = dict[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class DifficultShapes:
    """Which firms take which shape; no firm takes two.

    Attributes
    ----------
    split, short : (n,) boolean array
        With a second legal unit all along; with accounting years of six months.
    seller, buyer : (s,) integer array
        Positions of the firms between which a legal unit goes.
    """

    split: BoolArray
    short: BoolArray
    seller: IntArray
    buyer: IntArray


def draw_shapes(data: DemoData) -> DifficultShapes:
    """Draw who takes which shape; the same demo gives the same.

    Parameters
    ----------
    data : DemoData
    """
    rng = np.random.default_rng(np.random.SeedSequence(data.seed, spawn_key=(7,)))
    n = data.firms.number.size
    filing = data.accounts.filing
    filed = np.bincount(filing.firm, minlength=n)
    twelve = np.bincount(filing.firm[filing.months == 12], minlength=n)
    order = rng.permutation(n)
    always = order[(filed[order] == YEARS.size)]
    seller, buyer = always[:SALES], always[SALES : 2 * SALES]
    rest = order[(filed[order] > 0) & ~np.isin(order, always[: 2 * SALES])]
    split, short = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    cut = round(SPLIT * n)
    split[rest[:cut]] = True
    regular = rest[cut:][twelve[rest[cut:]] == filed[rest[cut:]]]
    short[regular[: round(SHORT * n)]] = True
    return DifficultShapes(split, short, seller, buyer)


def write_difficult(data: DemoData, folder: Path) -> Path:
    """Write accounts, survey and bridge in difficult shapes, and the demo's spec for them.

    Parameters
    ----------
    data : DemoData
    folder : Path
        Of the tidy demo, whose deflators the spec uses.

    Returns
    -------
    Path
        The spec.
    """
    shapes = draw_shapes(data)
    rng = np.random.default_rng(np.random.SeedSequence(data.seed, spawn_key=(8,)))
    inside = folder / FOLDER
    inside.mkdir(parents=True, exist_ok=True)
    units = _unit_numbers(data.firms.number)
    for year in YEARS.tolist():
        rows: list[Row] = []
        for row in _rows(account_columns(data.accounts, data.firms, year)):
            rows += _filings(row, year, shapes, units, rng)
        shuffled = [rows[place] for place in rng.permutation(len(rows))]
        write_csv(inside / f"accounts_{year}.csv", _columns(shuffled))
    for wave in data.waves:
        answers = _columns([_answered(row, wave.wave, rng) for row in _rows(survey_columns(wave, data.firms))])
        write_csv(inside / f"ict_{wave.wave}.csv", answers)
    write_csv(inside / "bridge.csv", _columns(_bridge(shapes, units)))
    text = files("specs").joinpath("library", "hrw_2026.yaml").read_text(encoding="utf-8")
    for tidy, difficult in _INSTEAD.items():
        assert text.count(tidy) == 1, tidy
        text = text.replace(tidy, difficult)
    return write_text(folder / SPEC, text)


@dataclass(frozen=True, slots=True)
class _Units:
    """Numbers of firms and their positions, and the numbers of second units and of those that are sold."""

    number: list[str]
    firm: Mapping[str, int]
    second: Mapping[str, str]
    sold: Mapping[str, str]


def _unit_numbers(numbers: TextArray) -> _Units:
    # Ranges that were never issued either, beside that of the firms (0010 to 0099).
    known = numbers.tolist()
    return _Units(
        known,
        {number: place for place, number in enumerate(known)},
        {number: f"0008{number[4:]}" for number in known},
        {number: f"0007{number[4:]}" for number in known},
    )


def _rows(columns: Mapping[str, Iterable[str]]) -> list[Row]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _columns(rows: Sequence[Row]) -> dict[str, Iterable[str]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _filings(row: Row, year: int, shapes: DifficultShapes, units: _Units, rng: np.random.Generator) -> list[Row]:
    """Return the rows that stand in the files for one of the tidy rows."""
    months = int(row.pop("MONTHS"))
    row = {"ENTNR": row.pop("ENTNR"), **_period(year, months), "DEPOSITDATE": f"{year + 1}-07-15", **row}
    number = row["ENTNR"]
    firm = units.firm[number]
    if shapes.split[firm]:
        return _in_units(row, units.second[number])
    if firm in shapes.seller and f"{year}-12-31" < SOLD:
        return _in_units(row, units.sold[number])
    if firm in shapes.buyer and f"{year}-12-31" >= SOLD:
        seller = shapes.seller[np.flatnonzero(shapes.buyer == firm)[0]]
        return _in_units(row, units.sold[units.number[seller]])
    if shapes.short[firm]:
        return _in_periods(row, year)
    drawn = rng.random()
    if drawn < CORRECTED:
        wrong = {name: _part(row[name], 0.1) for name in (*_FLOWS, *_STOCKS)}
        return [{**row, **wrong, "DEPOSITDATE": f"{year + 1}-05-30"}, row]
    return [row, dict(row)] if drawn < CORRECTED + TWICE else [row]


def _period(year: int, months: int) -> Row:
    begins = 12 * year + 12 - months
    return {"STARTDATE": f"{begins // 12}-{begins % 12 + 1:02}-01", "ENDDATE": f"{year}-12-31"}


def _in_units(row: Row, unit: str) -> list[Row]:
    """Split a row between the firm's own number and a smaller unit; what they file adds up to the row."""
    second = {
        **row,
        **{name: _part(row[name], UNIT_SHARE) for name in (*_FLOWS, *_STOCKS, *_HEADS)},
        **{name: _tenths(row[name], UNIT_SHARE) for name in _FTE},
    }
    first = {
        **row,
        **{name: _less(row[name], second[name], 0) for name in (*_FLOWS, *_STOCKS, *_HEADS)},
        **{name: _less(row[name], second[name], 1) for name in _FTE},
    }
    # The larger unit says what the firm does and where, the older one when it began.
    other = {"ENTNR": unit, "REGION": "BE1", "NACE": "70100", "START": str(int(row["START"]) + 1)}
    return [first, {**second, **other}]


def _in_periods(row: Row, year: int) -> list[Row]:
    """Split a row of twelve months into two of six; stocks at the end of the first are other ones."""
    early = {name: _part(row[name], 0.45) for name in _FLOWS}
    stocks = {name: _part(row[name], 0.9) for name in _STOCKS}
    late = {name: _less(row[name], early[name], 0) for name in _FLOWS}
    first = {**row, **early, **stocks, "ENDDATE": f"{year}-06-30", "DEPOSITDATE": f"{year}-12-15"}
    return [first, {**row, **late, "STARTDATE": f"{year}-07-01"}]


def _part(text: str, share: float) -> str:
    return str(int(int(text) * share)) if text else ""


def _tenths(text: str, share: float) -> str:
    return f"{round(float(text) * share, 1):.1f}" if text else ""


def _less(text: str, part: str, places: int) -> str:
    if not text:
        return ""
    return str(int(text) - int(part)) if places == 0 else f"{float(text) - float(part):.{places}f}"


def _answered(row: Row, wave: int, rng: np.random.Generator) -> Row:
    """Return a respondent as a raw questionnaire has it: 2 for no in 2021, and some answers that nobody knew."""
    if wave == 2021:
        row = {name: "2" if name.startswith("E_") and cell == "0" else cell for name, cell in row.items()}
    unknown = {name: ("9" if wave == 2021 else "DK") for name in UNKNOWN_ITEMS if rng.random() < UNKNOWN and row[name]}
    return {**row, **unknown}


def _bridge(shapes: DifficultShapes, units: _Units) -> list[Row]:
    known = units.number

    def line(enterprise: str, unit: str, start: str = "", stop: str = "") -> Row:
        return {"ENTERPRISE": enterprise, "UNIT": unit, "VALID_FROM": start, "VALID_TO": stop}

    rows = [line(number, number) for number in known]
    rows += [line(known[place], units.second[known[place]]) for place in np.flatnonzero(shapes.split)]
    day_before = str(np.datetime64(SOLD) - np.timedelta64(1, "D"))
    for seller, buyer in zip(shapes.seller, shapes.buyer, strict=True):
        unit = units.sold[known[seller]]
        rows += [line(known[seller], unit, "", day_before), line(known[buyer], unit, SOLD)]
    return rows
