"""Makes deposits of the NBB: bodies, references, the portal's CSV; and reads them as one table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from panels.engine import Engine
from panels.load import Loaded, Wanted, by_header, load
from panels.sources import Source
from specs.errors import Position, Problem
from specs.files import FileEntry, FileSet

Row = dict[str, Any]


def body(number: str, rubrics: Iterable[tuple[str, str, str]], **more: Any) -> dict[str, Any]:
    """Return a body: rubrics are code, value, period."""
    return {
        "ReferenceNumber": number,
        "EnterpriseName": "A",
        "Address": {"Street": "S", "City": "pcd:m9860", "Country": "cty:mBE"},
        "LegalForm": {"LegalFormCode": "610", "LegalForm": "BV"},
        "JointCommittees": [],
        "Rubrics": [{"Code": code, "Value": value, "Period": period} for code, value, period in rubrics],
        "Administrators": [],
        "Shareholders": {"EntityShareHolders": [], "IndividualShareHolders": []},
        **more,
    }


def reference(number: str, firm: str, year: int, **more: Any) -> dict[str, Any]:
    """Return the reference of a deposit of a calendar year; None takes a key out."""
    found = {
        "ReferenceNumber": number,
        "DepositDate": f"{year + 1}-06-30",
        "ExerciseDates": {"startDate": f"{year}-01-01", "endDate": f"{year}-12-31"},
        "ModelType": "m02-f",
        "DepositType": "Initial",
        "Language": "NL",
        "EnterpriseNumber": firm,
        "ActivityCode": "10110",
        "AccountingDataURL": f"https://ws/{number}/accountingData",
        "DataVersion": "Authentic",
        "CorrectedData": False,
        "ImprovementDate": None,
        **more,
    }
    return {key: value for key, value in found.items() if value is not None or key == "ImprovementDate"}


def write_deposits(folder: Path, bodies: Mapping[str, Any], references: Any) -> None:
    """Write bodies under deposits/ and one list under references/; bytes and text as they are."""
    for name, content in {**{f"deposits/{key}.json": value for key, value in bodies.items()},
                          "references/all.json": references}.items():  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def sources_of(
    folder: Path, pattern: str = "deposits/*.json", references: str | None = "references/*.json", **options: Any
) -> tuple[tuple[Source, ...], list[Problem]]:
    """Pass the second gate as a spec in the folder would."""
    from panels.readers.found import data_files
    from panels.readers.registry import inspect

    place = Position(str(folder / "spec.yaml"), 1, 1)
    entry = FileEntry(pattern, references=references, position=place, **options)
    files, missing = data_files(FileSet((entry,), pattern), "f", place)
    sources, problems = [], list(missing)
    for file in files:
        header, wrong = inspect(file)
        problems += wrong
        if header is not None:
            sources.append(Source(file, header))
    return tuple(sources), problems


def table_of(folder: Path, *arguments: str, **options: Any) -> tuple[list[Row], Loaded | None, list[str]]:
    """Read everything: rows without empty cells, what was loaded, and messages without the folder."""
    sources, problems = sources_of(folder, *arguments, **options)
    loaded, rows = None, []
    if not problems:
        engine = Engine()
        names = list(dict.fromkeys(name for source in sources for name in source.header.names))
        kinds = {name: source.header.kinds[source.header.names.index(name)]
                 for source in sources for name in source.header.names}  # fmt: skip
        wanted = [Wanted(name, by_header(name), "number" if kinds[name] == "number" else "text") for name in names]
        loaded = load(engine, sources, wanted, "deposits")
        listed = ", ".join(f'"{name}"' for name in names)
        for row in engine.rows(f'SELECT {listed} FROM "{loaded.table}"'):
            rows.append({name: cell for name, cell in zip(names, row, strict=True) if cell is not None})
        problems = list(loaded.problems)
    return rows, loaded, [str(one).replace(f"{folder}/", "").removeprefix("spec.yaml:1:1: f") for one in problems]
