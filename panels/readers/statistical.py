"""What Stata's and SAS's files have in common: pyreadstat reads them, a stretch of rows at a time.

Numbers stay numbers, whatever labels they have: a layout says what a code means, and the labels of a file may say
something else in the next. Dates are numbers of days, seconds or milliseconds since 1960, told by their formats.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from panels.readers.files import DataFile, Header, Scan, Workspace, looks_like, present
from specs.errors import Problem

__all__ = ["Statistical"]

_ROWS = 100_000
_LAST_DAY = 2_936_000  # of the year 9999, about: beyond it a number is no date that anybody wrote
_SINCE = "DATE '1960-01-01'"
# A day in the unit of a date's number.
_UNITS = {"days": "1", "seconds": "86400", "milliseconds": "86400000"}


@dataclass(frozen=True, slots=True)
class Statistical:
    """A format of a statistical package.

    Attributes
    ----------
    name : str
        ``a Stata file``, as messages say it.
    read : str
        The function of pyreadstat.
    formats : mapping of str to str
        Which formats are dates, as regular expressions, and what their numbers count: ``days``, ``seconds``,
        ``milliseconds``.
    ends : mapping of bytes to bytes
        How a file that begins so must end.
    cut_off : callable or None
        ``cut_off(file)``: the problem of a file that is not whole, of a format without an end of its own.
    """

    name: str
    read: str
    formats: Mapping[str, str]
    ends: Mapping[bytes, bytes] = field(default_factory=dict)
    cut_off: Callable[[DataFile], Problem | None] | None = None

    def inspect(self, file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
        """Look at the file's own description of its columns."""
        try:
            with file.path.open("rb") as stream:
                start = stream.read(512)
                stream.seek(max(stream.seek(0, 2) - 64, 0))
                end = stream.read()
        except FileNotFoundError:
            return None, (file.problem(": no such file"),)
        except OSError as error:
            return None, (file.problem(f" cannot be read: {error.strerror or error}"),)
        if not start:
            return None, (file.problem(" is empty"),)
        kind = looks_like(start)
        if kind and kind != self.name:
            return None, (file.problem(f" is not {self.name}, it is {kind}", "", "give it the name of what it is"),)
        if any(start.startswith(first) and not end.endswith(last) for first, last in self.ends.items()):
            return None, (file.problem(f" is cut off: the end of {self.name} is missing", "", "copy it again"),)
        try:
            meta = self._read(file, metadataonly=True)[1]
        except Exception as error:  # pyreadstat has classes of its own beside Python's
            return None, (self._problem(file, error),)
        names = tuple(meta.column_names)
        if not names:
            return None, (file.problem(" has no columns"),)
        if self.cut_off is not None and (problem := self.cut_off(file)) is not None:
            return None, (problem,)
        kinds = tuple(
            "raw" if meta.readstat_variable_types[name] == "string" else "date" if self._unit(meta, name) else "number"
            for name in names
        )
        return Header(names, kinds), ()

    def scan(self, engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
        """Copy the columns that are wanted, and return how they are read; dates become text."""
        meta = self._read(file, metadataonly=True)[1]
        kept = list(wanted) or [0]
        names = {f"c{index}": header.names[index] for index in kept}
        types = {c: "VARCHAR" if header.kinds[int(c[1:])] == "raw" else "DOUBLE" for c in names}
        problems: list[Problem] = []
        table = engine.fill(types, self._chunks(engine, file, names, meta.number_rows, problems), "copy")
        columns = ", ".join(_cell(column, types[column], self._unit(meta, name)) for column, name in names.items())
        return Scan(f'(SELECT {columns} FROM "{table}")', lambda: tuple(problems), (table,))

    def _chunks(
        self, engine: Workspace, file: DataFile, names: Mapping[str, str], rows: int | None, problems: list[Problem]
    ) -> Iterator[Mapping[str, Sequence[Any]]]:
        done = 0
        while True:
            try:
                found = self._read(file, usecols=list(names.values()), row_offset=done, row_limit=_ROWS)[0]
            except Exception as error:
                problems.append(self._problem(file, error))
                return
            chunk = {column: found[name] for column, name in names.items()}
            read = len(next(iter(chunk.values())))
            if read:
                yield chunk
            done += read
            if read < _ROWS:
                return
            engine.told(f"reading {file.shown}, {done:,} of {rows or 0:,} rows")

    def _read(self, file: DataFile, **options: Any) -> tuple[Any, Any]:
        import pyreadstat

        read: Callable[..., tuple[Any, Any]] = getattr(pyreadstat, self.read)
        # ReadStat knows encodings by their names in iconv, which Python's own become in capitals.
        encoding = {"encoding": codecs.lookup(file.encoding).name.upper()} if file.encoding else {}
        return read(str(file.path), disable_datetime_conversion=True, output_format="dict", **encoding, **options)

    def _unit(self, meta: Any, name: str) -> str:
        """Return what a date's number counts; empty for a column that is no date."""
        written = (meta.original_variable_types[name] or "").upper()
        return next((unit for pattern, unit in self.formats.items() if re.match(pattern, written)), "")

    def _problem(self, file: DataFile, error: Exception) -> Problem:
        # What is not in the encoding that a file names is found by Python, what is not in the spec's by ReadStat.
        if isinstance(error, UnicodeError) or (file.encoding and "encoding" in str(error)):
            if file.encoding:
                advice = "write the encoding that the file has, or leave it out"
                return file.problem(f": its texts and labels are not {file.encoding}, as the spec declares", "", advice)
            what = ": its texts and labels are not in the encoding that it names"
            return file.problem(what, "", f"write {{path: {file.shown}, encoding: latin-1}}")
        said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        return file.problem(f" cannot be read as {self.name}: {said}", "", "is it cut off? copy it again")


def _cell(column: str, kind: str, unit: str) -> str:
    if not unit:
        return f"{present(column)} AS {column}" if kind == "VARCHAR" else column
    days = f"{column} / {_UNITS[unit]}"
    date = f"strftime({_SINCE} + CAST(floor({days}) AS INTEGER), '%Y-%m-%d')"
    return f"CASE WHEN abs({days}) < {_LAST_DAY} THEN {date} END AS {column}"
