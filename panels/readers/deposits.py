"""Deposits of annual accounts, whatever their format, as one table: a row for each deposit and period."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from panels.readers.files import MISSING, DataFile, Header, Workspace
from specs.errors import Position, Problem

__all__ = [
    "FACTS", "Filing", "Row", "Trouble", "Troubles", "date_of", "fill", "header_of", "number_of", "parts_of", "place",
    "read_bytes", "text_of", "told_parts", "untold",
]  # fmt: skip

FACTS = (
    "ENTNR", "YEAR", "STARTDATE", "ENDDATE", "SCHEME", "NACE", "DEPOSIT", "DEPOSITDATE", "DEPOSITTYPE", "DATAVERSION",
    "PERIOD",
)  # fmt: skip
"""The columns before those of the rubrics."""

_KINDS = {"YEAR": "number", "STARTDATE": "date", "ENDDATE": "date", "DEPOSITDATE": "date"}
_CHUNK = 2000
_SHOWN = 3
_TOLD = 2000
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATES = (
    re.compile(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?:[T ].*)?", re.ASCII),
    re.compile(r"(?P<d>\d\d)(?P<s>[-/.])(?P<m>\d\d)(?P=s)(?P<y>\d{4})", re.ASCII),
)
_YEARS = range(1800, 2200)


@dataclass(frozen=True, slots=True)
class Filing:
    """What is known of a deposit besides its rubrics.

    Attributes
    ----------
    deposit : str or None
        Its reference number.
    firm : str or None
    start, end : date or None
        Of the accounting year.
    scheme, nace, filed, kind, version : str or None
        The model, the activity, the date of the deposit, initial or corrected, the version of the data.
    has_data : bool
        False for consolidated accounts, to which no deposit belongs.
    """

    deposit: str | None
    firm: str | None
    start: date | None
    end: date | None
    scheme: str | None = None
    nace: str | None = None
    filed: str | None = None
    kind: str | None = None
    version: str | None = None
    has_data: bool = True

    def facts(self, period: str) -> tuple[Any, ...]:
        """Return the values of `FACTS` for the period ``N`` (the year of the deposit) or ``NM1`` (the one before).

        A deposit says when its own year begins, not how long the year before was: that is taken as twelve months that
        end on the day before. Where its beginning is not known, the year before ends a year before its own end.
        """
        start, end = self.start, self.end
        assert end is not None
        if period == "NM1" and start is not None:
            start, end = _year_before(start), start - timedelta(days=1)
        elif period == "NM1":
            end = _year_before(end)
            start = _year_before(end) + timedelta(days=1)
        begins = start.isoformat() if start is not None else None
        return (self.firm, float(end.year), begins, end.isoformat(), self.scheme, self.nace, self.deposit, self.filed,
                self.kind, self.version, period)  # fmt: skip


Row = tuple[int, str, Filing, Mapping[str, float]]
"""The number of the part it comes from, its period, what is known of the deposit, and its rubrics by their codes."""


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, day=28)


def date_of(text: str | None) -> date | None:
    """Return a date, None for what is none: 2023-12-31, with or without a time behind it, or 31/12/2023."""
    found = next((match for one in _DATES if (match := one.fullmatch((text or "").strip()))), None)
    if found is None or int(found["y"]) not in _YEARS:
        return None
    try:
        return date(int(found["y"]), int(found["m"]), int(found["d"]))
    except ValueError:
        return None


def number_of(value: Any) -> float | None:
    """Return an amount, None for an empty cell and NaN for what is no number."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            return None if text in MISSING else math.nan
        number = float(text)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            return math.nan
    else:
        return math.nan
    return number if math.isfinite(number) else math.nan


def text_of(value: Any) -> str | None:
    """Return a fact as text, None where it is missing or neither text nor a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    # JSON can spell halves of characters and NUL, which no table can hold.
    text = str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip()
    return None if text in MISSING else text


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of mistake that many files may have.

    Attributes
    ----------
    verb : str
        ``is``, ``has`` or ``holds``.
    what, meaning, advice : str
        The rest of the sentence, and as in a `Problem`.
    """

    verb: str
    what: str
    meaning: str = ""
    advice: str = ""


_PLURALS = {"is": "are", "has": "have", "says": "say", "holds": "hold", "gives": "give", "cannot": "cannot"}


class Troubles:
    """Mistakes by their kind: how many files have each, and the first few.

    Parameters
    ----------
    position : Position
    path : str
        The dotted path in the spec.
    shown : str
        What the files are called together.
    noun : str
        What is counted: ``file``.
    """

    def __init__(self, position: Position, path: str, shown: str, noun: str = "file") -> None:
        self._position, self._path, self._shown, self._noun = position, path, shown, noun
        self._found: dict[Trouble, list[str]] = {}
        self._counts: dict[Trouble, int] = {}

    def add(self, trouble: Trouble, where: str) -> None:
        """Note one file, named with what helps to find the place in it; never a value of a firm."""
        places = self._found.setdefault(trouble, [])
        if len(places) < _SHOWN:
            places.append(where)
        self._counts[trouble] = self._counts.get(trouble, 0) + 1

    def problems(self) -> tuple[Problem, ...]:
        """Return a problem for each kind."""
        return tuple(self._problem(trouble, places) for trouble, places in self._found.items())

    def _problem(self, trouble: Trouble, places: Sequence[str]) -> Problem:
        count = self._counts[trouble]
        verb = trouble.verb if count == 1 else _PLURALS[trouble.verb]
        listed = ", ".join(places) + (", ..." if count > len(places) else "")
        what = f"{self._shown}: {count} {self._noun}{'s' if count > 1 else ''} {verb} {trouble.what}: {listed}"
        return Problem(self._position, self._path, what, trouble.meaning, trouble.advice)


def parts_of(file: DataFile) -> tuple[Path, ...]:
    """Return the files that are read as one."""
    return file.parts or (file.path,)


def told_parts(file: DataFile, told: Callable[[str], None]) -> Iterator[tuple[int, Path]]:
    """Go through the files with their numbers; say how far that is every few thousand."""
    parts = parts_of(file)
    for number, path in enumerate(parts):
        if number and number % _TOLD == 0:
            told(f"reading {file.shown}, {number:,} of {len(parts):,} files")
        yield number, path


def read_bytes(path: Path, shown: str, troubles: Troubles) -> bytes | None:
    """Return what a file holds, None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        troubles.add(Trouble("cannot", f"be read ({error.strerror or error})"), shown)
        return None


def header_of(codes: Iterable[str]) -> Header:
    """Return the columns of a table of deposits in which these rubrics occur."""
    names = (*FACTS, *(f"R{code}" for code in sorted(set(codes))))
    return Header(
        names, tuple(_KINDS.get(name, "text") if i < len(FACTS) else "number" for i, name in enumerate(names))
    )


def untold(what: str) -> None:
    """Hear how far a reading is, where nobody listens."""


def fill(engine: Workspace, header: Header, wanted: Sequence[int], rows: Iterable[Row]) -> str:
    """Write the wanted columns of rows into a new table and return its name, a chunk at a time.

    Notes in `Header.places` which file each row came from.
    """
    columns: dict[str, Callable[[tuple[Any, ...], Mapping[str, float]], Any]] = {}
    types: dict[str, str] = {}
    for index in sorted({0, *wanted}):
        name = f"c{index}"
        columns[name] = _fact(index) if index < len(FACTS) else _rubric(header.names[index][1:])
        types[name] = "DOUBLE" if header.kinds[index] == "number" else "VARCHAR"
    header.places.clear()

    def chunks() -> Iterator[dict[str, list[Any]]]:
        cells: dict[str, list[Any]] = {name: [] for name in columns}
        count = 0
        for part, period, filing, rubrics in rows:
            header.places.append(2 * part + (period == "NM1"))
            facts = filing.facts(period)
            for name, value in columns.items():
                cells[name].append(value(facts, rubrics))
            count += 1
            if count == _CHUNK:
                yield cells
                cells, count = {name: [] for name in columns}, 0
        if count:
            yield cells

    return engine.fill(types, chunks(), "deposits")


def _fact(index: int) -> Callable[[tuple[Any, ...], Mapping[str, float]], Any]:
    return lambda facts, rubrics: facts[index]


def _rubric(code: str) -> Callable[[tuple[Any, ...], Mapping[str, float]], Any]:
    return lambda facts, rubrics: rubrics.get(code)


def place(file: DataFile, header: Header, row: int) -> str:
    """Return the file of a row, and whether it is about the year before: ``deposits/2024-1.json (NM1)``."""
    if not 0 < row <= len(header.places):
        return f"row {row}"
    part, before = divmod(header.places[row - 1], 2)
    return file.named(parts_of(file)[part]) + (" (NM1)" if before else "")
