"""The demo's files: accounts and survey as CSV in the real layouts, deflators, the specs and a README."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from panels.arrays import FloatArray
from panels.demo_filing import NOT_FILED, Prices
from panels.demo_firms import SECTIONS, YEARS
from panels.demo_items import NOT_ASKED
from panels.demo_records import DemoAccounts, DemoData, DemoFirms, DemoWave

__all__ = ["SPECS", "DemoFiles", "account_columns", "survey_columns", "write_csv", "write_files", "write_text"]

# Specs of the library that run on the demo's files.
SPECS = (
    "hrw_2026.yaml", "hrw_2026_adopters.yaml", "premium_and_complements.yaml", "developers_and_buyers.yaml",
    "adoption_equation.yaml", "technologies_and_purposes.yaml", "long_differences.yaml", "peer_instrument.yaml",
    "quantile_gaps.yaml", "within_industry_and_size.yaml",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """Where the demo lies.

    Attributes
    ----------
    folder : Path
    accounts : tuple of Path
        A file a year, 2017-2023.
    survey : dict of int to Path
        A file a wave.
    deflators, readme : Path
    specs : tuple of Path
        Ready to run; their paths are relative to `folder`.
    """

    folder: Path
    accounts: tuple[Path, ...]
    survey: dict[int, Path]
    deflators: Path
    readme: Path
    specs: tuple[Path, ...]


def write_files(data: DemoData, folder: Path) -> DemoFiles:
    """Write the files of a demo panel; the same panel gives the same bytes.

    Parameters
    ----------
    data : DemoData
    folder : Path
        Made where it does not exist; files of the same names are replaced.

    Returns
    -------
    DemoFiles
    """
    inside = folder / "data"
    inside.mkdir(parents=True, exist_ok=True)
    accounts = tuple(
        write_csv(inside / f"accounts_{year}.csv", account_columns(data.accounts, data.firms, int(year)))
        for year in YEARS
    )
    survey = {
        wave.wave: write_csv(inside / f"ict_{wave.wave}.csv", survey_columns(wave, data.firms)) for wave in data.waves
    }
    deflators = write_csv(inside / "deflators.csv", _deflator_columns(data.prices))
    readme = write_text(folder / "README.txt", _readme(data.seed))
    library = files("specs").joinpath("library")
    specs = tuple(write_text(folder / name, library.joinpath(name).read_text(encoding="utf-8")) for name in SPECS)
    return DemoFiles(folder, accounts, survey, deflators, readme, specs)


def _readme(seed: int) -> str:
    text = files("panels").joinpath("demo_readme.txt").read_text(encoding="utf-8")
    return text.format(seed=seed)


def account_columns(accounts: DemoAccounts, firms: DemoFirms, year: int) -> dict[str, Iterable[str]]:
    """Return one year's accounts in the columns of the layout `nbb`, as text, sorted by firm number."""
    filing = accounts.filing
    rows = np.flatnonzero(filing.year == year)
    firm = filing.firm[rows]
    fte = _decimals(accounts.labour[rows], 1)
    full = filing.full[rows].tolist()
    columns: dict[str, Iterable[str]] = {
        "ENTNR": firms.number[firm].tolist(),
        "YEAR": _whole(filing.year[rows]),
        "SCHEME": ["VOL" if flag else "VKT" for flag in full],
        "MONTHS": _whole(filing.months[rows]),
        "NACE": firms.nace_code[firm].tolist(),
        "REGION": firms.region[firm].tolist(),
        "START": _whole(firms.start_year[firm]),
    }
    columns |= {f"R{code}": _whole(values[rows], NOT_FILED) for code, values in filing.rubrics.items()}
    # The notes of the full scheme hold the average FTE (9087); everybody's social balance sheet does (1003).
    columns["R9087"] = [text if flag else "" for text, flag in zip(fte, full, strict=True)]
    columns["R9086"] = _whole(accounts.closing_heads[rows])
    columns["R1001"] = _whole(accounts.full_time[rows])
    columns["R1002"] = _whole(np.where(accounts.part_time[rows] > 0, accounts.part_time[rows], NOT_FILED), NOT_FILED)
    columns["R1003"] = fte
    return columns


def survey_columns(wave: DemoWave, firms: DemoFirms) -> dict[str, Iterable[str]]:
    """Return one wave in the columns of the layout `eurostat_ict`, as text, sorted by firm number."""
    columns: dict[str, Iterable[str]] = {
        "ENTNR": firms.number[wave.firm].tolist(),
        "WAVE": [str(wave.wave)] * wave.firm.size,
        "WEIGHT": _decimals(wave.weight, 4),
        "STRATUM": wave.stratum.tolist(),
        "STRATUM_SIZE": _whole(wave.stratum_size),
        "INTERVIEW_DATE": wave.interview_date.astype(str).tolist(),
        "NACE": firms.section[wave.firm].tolist(),
        "EMPLOYEES": _whole(wave.employees),
    }
    return columns | {f"E_{code}": _whole(answer, NOT_ASKED) for code, answer in wave.answers.items()}


def _deflator_columns(prices: Prices) -> dict[str, Iterable[str]]:
    return {
        "nace": [section for section in SECTIONS for _ in YEARS],
        "year": _whole(np.tile(YEARS, len(SECTIONS))),
        "output": _decimals(prices.output.ravel(), 4),
        "intermediates": _decimals(prices.intermediates.ravel(), 4),
        "investment": _decimals(prices.investment.ravel(), 4),
    }


def _whole(values: NDArray[np.integer], missing: int | None = None) -> list[str]:
    """Whole numbers as text, empty where missing."""
    if missing is None:
        return list(map(str, values.tolist()))
    return ["" if value == missing else str(value) for value in values.tolist()]


def _decimals(values: FloatArray, places: int) -> list[str]:
    return [f"{value:.{places}f}" for value in values.tolist()]


def write_csv(path: Path, columns: Mapping[str, Iterable[str]]) -> Path:
    """Write columns of text, none of which needs quotes, as CSV; return the path."""
    lines: Sequence[str] = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True)), ""]
    return write_text(path, "\n".join(lines))


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8; return the path."""
    # As bytes: the same on every platform, whatever it thinks a line ends with.
    path.write_bytes(text.encode("utf-8"))
    return path
