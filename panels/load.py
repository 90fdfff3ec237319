"""Files into one typed table: text, numbers, dates and years by what is wanted of each column; what does
not fit is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from panels.engine import Engine, identifier
from panels.ledger import Ledger
from panels.readers.files import NESTED, Header, number_sql, quoted, text_sql
from panels.readers.registry import reader_of
from panels.sources import Source
from specs.errors import Problem

__all__ = ["AT", "FILE", "Loaded", "Wanted", "by_header", "load", "place"]

FILE, AT, _BAD = "~file", "~at", "~bad"
"""The number of the file a row came from, and its own number there, both for messages."""

_DATES = "['%Y-%m-%d', '%d-%m-%Y', '%d/%m/%Y', '%d.%m.%Y', '%Y%m%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%dT%H:%M:%S']"
_EPOCH = "DATE '1970-01-01'"
_TYPES = {"text": "VARCHAR", "date": "VARCHAR", "whole": "BIGINT", "period": "BIGINT", "code": "UTINYINT"}
_UNCHECKED = ("text", "maybe")
_NUMBERS = ("number", "maybe")
_DAYS = ("date", "day", "limit")
# Two digits would be read as a year of the first century; many a system writes 9999 for what it does not know.
_FIRST, _LAST = 1800, 2199


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
        ``text``, ``number``, ``maybe`` (a number, anything else is missing), ``whole`` (the year of a row),
        ``period`` (the same, or any whole number of four digits at most: a ready-made panel may count its periods),
        ``date`` (as text, 2023-12-31), ``day`` (a date as a number of days), ``limit`` (such a day, or one that never
        comes: 9999-12-31), ``year`` (a year, or a date of which the year) or ``code``. Years and dates outside 1800 to
        2199 are none.
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
        nested = _nested(source, columns)
        if nested:
            return nested, {}
        scan = reader.scan(engine, source.file, source.header, sorted({i for _, i in columns if i is not None}))
        checked = [
            (one, i, index)
            for i, (one, index) in enumerate(columns)
            if index is not None and _checked(source.header, index, one.kind)
        ]
        read = "".join(f", {_read_as(source.header, index, one)} AS x{i}" for i, (one, index) in enumerate(columns))
        values = "".join(
            f", {_value(one.kind, f'x{i}', _stored(source.header, index))} AS v{i}"
            for i, (one, index) in enumerate(columns)
        )
        staged = f'SELECT *{values} FROM (SELECT {scan.at} AS "{AT}", *{read} FROM {scan.sql})'
        listed = "".join(f", v{i}" for i in range(len(columns)))
        bad = " + ".join(f"({_bad(source.header, index, i, one.kind)})::INTEGER" for one, i, index in checked) or "0"
        open_ended = [
            (one, i, index)
            for i, (one, index) in enumerate(columns)
            if index is not None and one.kind in _NUMBERS and _stored(source.header, index)
        ]
        # The count of misfits comes along with the reading; only where there is one is the file read again.
        engine.execute(f'INSERT INTO {identifier(table)} SELECT {number}, "{AT}", {bad}{listed} FROM ({staged})')
        problems = list(scan.problems())
        sums = "".join(f", NOT isfinite(sum({identifier(one.name)}))" for one, _, _ in open_ended)
        total, *infinite = engine.rows(
            f'SELECT sum("{_BAD}"){sums} FROM {identifier(table)} WHERE "{FILE}" = {number}'
        )[0]
        suspects = [one for one, suspect in zip(open_ended, infinite, strict=True) if suspect]
        if total or suspects:
            problems += _misfits(engine, source, staged, [*(checked if total else []), *suspects])
        engine.drop(*scan.tables)
    except (duckdb.Error, OSError, UnicodeError) as error:
        # The second gate has seen the file whole at its ends: it is broken inside, or has changed or gone since.
        said = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        return [source.file.problem(f" cannot be read: {said}", "", "is it damaged or cut off? copy it again")], {}
    return problems, scan.left_out


def _checked(header: Header, index: int, kind: str) -> bool:
    """Whether a cell may turn out not to be what is wanted; what is stored as a number is one."""
    return kind not in _UNCHECKED and not (kind == "number" and header.kinds[index] == "number")


def _stored(header: Header, index: int | None) -> bool:
    """Whether the cells of a column are numbers, and can be infinite at worst: one look at their sum tells."""
    return index is not None and header.kinds[index] == "number"


def _nested(source: Source, columns: Sequence[tuple[Wanted, int | None]]) -> list[Problem]:
    """Refuse a column of lists, unless a ready-made panel takes it along as the text that it looks like."""
    along = {index for one, index in columns if one.kind == "maybe"}
    held = {
        index: source.header.kinds[index]
        for _, index in columns
        if index is not None and source.header.kinds[index] in NESTED and index not in along
    }
    return [
        source.file.problem(f", column {source.header.names[index]}: holds {kind}, not values", "",
                            "give it one value a row")
        for index, kind in held.items()
    ]  # fmt: skip


def _read_as(header: Header, index: int | None, one: Wanted) -> str:
    """The cell as a number, text, date or code; not yet checked to be finite or whole."""
    if index is None:
        return f"NULL::{'DATE' if one.kind in _DAYS else _TYPES.get(one.kind, 'DOUBLE')}"
    if one.kind in (*_NUMBERS, "whole", "period"):
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
        return f"CASE WHEN abs({number}) < 10000 THEN {number} ELSE CAST(year({date}) AS DOUBLE) END"
    return date


def _value(kind: str, x: str, stored: bool) -> str:
    if kind in ("text", "code") or (kind in _NUMBERS and stored):
        return x
    if kind in _NUMBERS:
        return f"CASE WHEN isfinite({x}) THEN {x} END"
    if kind == "period":
        return f"CASE WHEN {x} = floor({x}) AND abs({x}) < 1e4 THEN CAST({x} AS BIGINT) END"
    if kind not in _DAYS:
        whole = f"CAST({x} AS BIGINT)" if kind == "whole" else x
        return f"CASE WHEN {x} = floor({x}) AND {x} BETWEEN {_FIRST} AND {_LAST} THEN {whole} END"
    last = 9999 if kind == "limit" else _LAST
    day = f"strftime({x}, '%Y-%m-%d')" if kind == "date" else f"CAST(date_diff('day', {_EPOCH}, {x}) AS DOUBLE)"
    return f"CASE WHEN {x} BETWEEN DATE '{_FIRST}-01-01' AND DATE '{last}-12-31' THEN {day} END"


def _bad(header: Header, index: int, value: int, kind: str) -> str:
    """A cell that says something which is not what is wanted."""
    column = f"c{index}"
    if header.kinds[index] == "number":
        column_is = f"isinf(CAST({column} AS DOUBLE))" if kind in _NUMBERS else f"v{value} IS NULL"
        return f"{column} IS NOT NULL AND {column_is}"
    return f"v{value} IS NULL AND {column} IS NOT NULL AND trim({column}) <> ''"


_WANTED_WORDS = {
    "number": "a number",
    "maybe": "a number",
    "whole": "a year",
    "period": "a year",
    "date": "a date",
    "day": "a date",
    "limit": "a date",
    "year": "a year or date",
    "code": "a code of the layout",
}


def _misfits(engine: Engine, source: Source, staged: str, checked: Sequence[tuple[Wanted, int, int]]) -> list[Problem]:
    """Name the first misfit of each column, with its line."""
    parts = ", ".join(
        f'count(*) FILTER ({bad}), min("{AT}") FILTER ({bad}), arg_min(c{index}, "{AT}") FILTER ({bad}), '
        f'coalesce(arg_min({_far(one.kind, f"x{i}")}, "{AT}") FILTER ({bad}), false)'
        for one, i, index in checked
        for bad in (_bad(source.header, index, i, one.kind),)
    )
    row = engine.rows(f"SELECT {parts} FROM ({staged})")[0]
    problems: dict[tuple[int, str], Problem] = {}
    for (one, _, index), count, at, cell, far in zip(checked, row[::4], row[1::4], row[2::4], row[3::4], strict=True):
        if not count:
            continue
        text = _shown(cell)
        wanted = ("a plausible year" if one.kind in ("whole", "year") else "a date of a plausible year") if far else ""
        more = f"{count - 1} more such cell{'s' if count > 2 else ''} in the column" if count > 1 else ""
        where = f"{place(source, int(at))}, column {source.header.names[index]}"
        what = f', {where}: "{text}" is not {wanted or _WANTED_WORDS[one.kind]}'
        advice = _far_advice(one) if far else _advice(text, source.header, one)
        problems.setdefault((index, one.kind), source.file.problem(what, more, advice))
    return list(problems.values())


def _far(kind: str, x: str) -> str:
    """A misfit that is a year or a date, but none that a firm can have."""
    if kind in ("whole", "year"):
        return f"({x} = floor({x}) AND abs({x}) < 10000)"
    return f"({x} IS NOT NULL)" if kind in _DAYS else "false"


def _shown(cell: object) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _far_advice(one: Wanted) -> str:
    example = "2023" if one.kind in ("whole", "year") else "2023-12-31"
    return f"years are {_FIRST} to {_LAST}, of four digits: write {example}, or empty the cell if it is not known"


def _advice(text: str, header: Header, one: Wanted) -> str:
    if one.kind == "code":
        return f"there are: {', '.join(one.codes)}, or an empty cell"
    if one.kind in ("whole", "period"):
        return "write 2023: a year is a whole number, not a date"
    if one.kind in _NUMBERS and _infinite(text):
        return "empty the cell if the number is not known"
    if one.kind != "number" or not header.delimiter:
        return "write dates as 2023-12-31" if one.kind in _DAYS else ""
    if "," in text and header.decimal == ".":
        return "for a decimal comma write files: {path: ..., decimal: ','}; thousands stand without separators"
    if "." in text and header.decimal == ",":
        return "the file's numbers have a decimal comma: thousands stand without separators"
    return ""


def _infinite(text: str) -> bool:
    return text.lower().lstrip("+-") in ("inf", "infinity")


def place(source: Source, row: int) -> str:
    """Return where a row stands in its file: ``line 12``."""
    reader = reader_of(source.file)
    assert reader is not None
    return reader.line(source.file, source.header, row)
