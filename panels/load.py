"""Files into one typed table: text, numbers, dates and years by what is wanted of each column; what does
not fit is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from panels.engine import Engine, identifier
from panels.ledger import Ledger
from panels.readers.files import Header, number_sql, quoted, text_sql
from panels.readers.registry import reader_of
from panels.sources import Source
from specs.errors import Problem

__all__ = ["AT", "FILE", "Loaded", "Wanted", "by_header", "load", "place"]

FILE, AT, _BAD = "~file", "~at", "~bad"
"""The number of the file a row came from, and its own number there, both for messages."""

_DATES = "['%Y-%m-%d', '%d-%m-%Y', '%d/%m/%Y', '%d.%m.%Y', '%Y%m%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S']"
_EPOCH = "DATE '1970-01-01'"
_TYPES = {"text": "VARCHAR", "date": "VARCHAR", "whole": "BIGINT", "code": "UTINYINT"}
_UNCHECKED = ("text", "maybe")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column to read.

    Attributes
    ----------
    name : str
        In the table.
    index : callable
        ``index(source)``: its number in a file, None where the file has none: then it is missing there.
    kind : str
        ``text``, ``number``, ``maybe`` (a number, anything else is missing), ``whole`` (the year of a row, of
        four digits at most), ``date`` (as text, 2023-12-31), ``day`` (a date as a number of days), ``year`` (a
        year, or a date of which the year) or ``code``.
    codes : mapping of str to int
        For ``code``: what each text stands for, in upper case.
    """

    name: str
    index: Callable[[Source], int | None]
    kind: str
    codes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Files that were read.

    Attributes
    ----------
    table : str
        With the columns wanted, `FILE` and `AT`, in the order of the files.
    problems : tuple of Problem
        Lines that could not be read and values that are not what they should be, with their lines.
    left_out : mapping of str to int
        Rows that the readers did not give, by reason; empty where they give all.
    """

    table: str
    problems: tuple[Problem, ...]
    left_out: Mapping[str, int]

    def opened(self, ledger: Ledger, table: str, step: str, rows: int) -> Ledger:
        """Return the ledger with what the readers left out, before the `rows` that they gave; as it was where no
        reader leaves anything out.
        """
        if not self.left_out:
            return ledger
        return ledger.step(table, step, rows + sum(self.left_out.values()), rows, self.left_out)


def by_header(name: str) -> Callable[[Source], int | None]:
    """Return how to find a column by the very name that the file gives it."""

    def index(source: Source) -> int | None:
        return source.header.names.index(name) if name in source.header.names else None

    return index


def load(engine: Engine, sources: Sequence[Source], wanted: Sequence[Wanted], stem: str) -> Loaded:
    """Read files, one below the other.

    Parameters
    ----------
    engine : Engine
    sources : sequence of Source
    wanted : sequence of Wanted
    stem : str
        Of the table's name.
    """
    table = engine.name(stem)
    # A column that no file has takes no room: it stands in a view over the table.
    there = [one for one in wanted if any(one.index(source) is not None for source in sources)]
    types = "".join(f", {identifier(one.name)} {_TYPES.get(one.kind, 'DOUBLE')}" for one in there)
    engine.execute(f'CREATE TABLE {identifier(table)} ("{FILE}" INTEGER, "{AT}" BIGINT, "{_BAD}" INTEGER{types})')
    problems: list[Problem] = []
    left_out: dict[str, int] = {}
    for number, source in enumerate(sources):
        engine.told(f"reading {source.file.shown}, {stem} {number + 1} of {len(sources)}")
        found, lost = _read(engine, source, there, table, number)
        problems += found
        left_out = {reason: left_out.get(reason, 0) + lost.get(reason, 0) for reason in (*left_out, *lost)}
    absent = {one.name: f"NULL::{_TYPES.get(one.kind, 'DOUBLE')}" for one in wanted if one not in there}
    return Loaded(engine.view(table, absent) if absent else table, tuple(problems), left_out)


def _read(
    engine: Engine, source: Source, wanted: Sequence[Wanted], table: str, number: int
) -> tuple[list[Problem], Mapping[str, int]]:
    reader = reader_of(source.file)
    assert reader is not None
    try:
        columns = [(one, one.index(source)) for one in wanted]
        scan = reader.scan(engine, source.file, source.header, sorted({i for _, i in columns if i is not None}))
        checked = [
            (one, i, index)
            for i, (one, index) in enumerate(columns)
            if index is not None and _checked(source.header, index, one.kind)
        ]
        read = "".join(f", {_read_as(source.header, index, one)} AS x{i}" for i, (one, index) in enumerate(columns))
        values = "".join(f", {_value(one.kind, f'x{i}')} AS v{i}" for i, (one, _) in enumerate(columns))
        staged = f'SELECT *{values} FROM (SELECT {scan.at} AS "{AT}", *{read} FROM {scan.sql})'
        listed = "".join(f", v{i}" for i in range(len(columns)))
        bad = " + ".join(f"({_bad(source.header, index, i)})::INTEGER" for _, i, index in checked) or "0"
        # The count of misfits comes along with the reading; only where there is one is the file read again.
        engine.execute(f'INSERT INTO {identifier(table)} SELECT {number}, "{AT}", {bad}{listed} FROM ({staged})')
        problems = list(scan.problems())
        total = engine.rows(f'SELECT sum("{_BAD}") FROM {identifier(table)} WHERE "{FILE}" = {number}')[0][0]
        if total:
            problems += _misfits(engine, source, staged, checked)
        engine.drop(*scan.tables)
    except duckdb.Error as error:
        return [source.file.problem(f" cannot be read: {str(error).splitlines()[0]}")], {}
    return problems, scan.left_out


def _checked(header: Header, index: int, kind: str) -> bool:
    """Whether a cell may turn out not to be what is wanted; what is stored as a number is one."""
    return kind not in _UNCHECKED and not (kind == "number" and header.kinds[index] == "number")


def _read_as(header: Header, index: int | None, one: Wanted) -> str:
    """The cell as a number, text, date or code; not yet checked to be finite or whole."""
    if index is None:
        return f"NULL::{'DATE' if one.kind in ('day', 'date') else _TYPES.get(one.kind, 'DOUBLE')}"
    if one.kind in ("number", "maybe", "whole"):
        return number_sql(header, index)
    text = text_sql(header, index)
    if one.kind == "text":
        return text
    if one.kind == "code":
        # A column of 0, 1 and empty cells often went through floats on its way: 1.0.
        pairs = [
            *one.codes.items(),
            *((f"{said}.0", code) for said, code in one.codes.items() if said.isdecimal()),
        ]
        cases = " ".join(f"WHEN {quoted(said)} THEN {code}" for said, code in pairs)
        if header.kinds[index] == "number":
            return f"CASE {text} {cases} END"
        # Most cells are a code as it stands; only the others are trimmed and put into upper case.
        otherwise = f"CASE upper({text}) {cases} END"
        return f"CASE WHEN c{index} IS NOT NULL THEN CASE c{index} {cases} ELSE {otherwise} END END"
    date = f"CAST(try_strptime({text}, {_DATES}) AS DATE)"
    if one.kind == "year":
        number = number_sql(header, index)
        return f"CASE WHEN {number} BETWEEN 1000 AND 2999 THEN {number} ELSE CAST(year({date}) AS DOUBLE) END"
    return date


def _value(kind: str, x: str) -> str:
    if kind in ("text", "code"):
        return x
    if kind == "date":
        return f"strftime({x}, '%Y-%m-%d')"
    if kind == "day":
        return f"CAST(date_diff('day', {_EPOCH}, {x}) AS DOUBLE)"
    if kind == "whole":
        return f"CASE WHEN {x} = floor({x}) AND abs({x}) < 1e4 THEN CAST({x} AS BIGINT) END"
    return f"CASE WHEN {x} = floor({x}) THEN {x} END" if kind == "year" else f"CASE WHEN isfinite({x}) THEN {x} END"


def _bad(header: Header, index: int, value: int) -> str:
    """A cell that says something which is not what is wanted."""
    column = f"c{index}"
    if header.kinds[index] == "number":
        return f"v{value} IS NULL AND isfinite({column})"
    return f"v{value} IS NULL AND {column} IS NOT NULL AND trim({column}) <> ''"


_WANTED_WORDS = {
    "number": "a number",
    "whole": "a year",
    "date": "a date",
    "day": "a date",
    "year": "a year or date",
    "code": "a code of the layout",
}


def _misfits(engine: Engine, source: Source, staged: str, checked: Sequence[tuple[Wanted, int, int]]) -> list[Problem]:
    """Name the first misfit of each column, with its line."""
    parts = ", ".join(
        f'count(*) FILTER ({bad}), min("{AT}") FILTER ({bad}), arg_min(c{index}, "{AT}") FILTER ({bad})'
        for _, i, index in checked
        for bad in (_bad(source.header, index, i),)
    )
    row = engine.rows(f"SELECT {parts} FROM ({staged})")[0]
    problems: dict[tuple[int, str], Problem] = {}
    for (one, _, index), count, at, text in zip(checked, row[::3], row[1::3], row[2::3], strict=True):
        if not count:
            continue
        more = f"{count - 1} more such cells in the column" if count > 1 else ""
        cell = f"{place(source, int(at))}, column {source.header.names[index]}"
        what = f', {cell}: "{text}" is not {_WANTED_WORDS[one.kind]}'
        problems.setdefault((index, one.kind), source.file.problem(what, more, _advice(str(text), source.header, one)))
    return list(problems.values())


def _advice(text: str, header: Header, one: Wanted) -> str:
    if one.kind == "code":
        return f"there are: {', '.join(one.codes)}, or an empty cell"
    if one.kind == "whole":
        return "write 2023: a year is a whole number, not a date"
    if one.kind != "number" or not header.delimiter:
        return "write dates as 2023-12-31" if one.kind in ("date", "day") else ""
    if "," in text and header.decimal == ".":
        return "for a decimal comma write files: {path: ..., decimal: ','}; thousands stand without separators"
    if "." in text and header.decimal == ",":
        return "the file's numbers have a decimal comma: thousands stand without separators"
    return ""


def place(source: Source, row: int) -> str:
    """Return where a row stands in its file: ``line 12``."""
    reader = reader_of(source.file)
    assert reader is not None
    return reader.line(source.file, source.header, row)
