"""Delimited text: delimiter, decimal comma and encoding declared or detected."""

from __future__ import annotations

import codecs
import csv
import glob
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from panels.readers.files import MISSING, DataFile, Header, Reader, Scan, Workspace, looks_like, quoted
from specs.counting import counted
from specs.errors import Problem

__all__ = ["READER"]

_CANDIDATES = (",", ";", "\t", "|")
_NAMES = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_COMMA = re.compile(r"[+-]?\d+,\d+")
_POINT = re.compile(r"[+-]?\d+\.\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")
_CHUNK = 1 << 20
_SAMPLE = 1 << 16
# The mark of UTF-32 begins with that of UTF-16: it comes first.
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_LONGEST = 16_000_000
csv.field_size_limit(_LONGEST)  # for a whole process; the standard's own limit is shorter than many a free text
_SHOWN = 3


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Look at the file's bytes and its first record.

    The whole file is decoded once, so that a byte that is not of the encoding is found before any value is
    used; nothing else of it is read.
    """
    try:
        with file.path.open("rb") as stream:
            start = stream.read(_SAMPLE)
    except FileNotFoundError:
        return None, (file.problem(": no such file"),)
    except OSError as error:
        return None, (file.problem(f" cannot be read: {error.strerror or error}"),)
    if not start.strip():
        return None, (file.problem(" is empty"),)
    if kind := looks_like(start):
        advice = "name it .parquet" if kind == "Parquet" else "save it as CSV or Parquet"
        return None, (file.problem(f" is not CSV, it is {kind}", "", advice),)
    encoding, problem = _encoding(file, start)
    if problem:
        return None, (problem,)
    return _header(file, encoding)


def _encoding(file: DataFile, start: bytes) -> tuple[str, Problem | None]:
    declared = file.encoding
    if declared:
        try:
            codecs.lookup(declared)
        except LookupError:
            return "", file.problem(f': "{declared}" is not an encoding', "", "write utf-8 or windows-1252")
        line = _first_undecodable(file.path, declared)
        if line:
            return "", file.problem(f", line {line}: not {declared}, as the spec declares", "",
                                    "write the encoding that the file has, or leave it out")  # fmt: skip
        # A declared utf-8 may still begin with a byte-order mark.
        return ("utf-8-sig" if codecs.lookup(declared).name == "utf-8" else declared), None
    for bom, name in _BOMS:
        if start.startswith(bom):
            line = _first_undecodable(file.path, name)
            return name, file.problem(f", line {line}: not {name}, as its first bytes say") if line else None
    if b"\0" in start:
        return "", file.problem(" is not text: it holds NUL bytes", "",
                                "save it as CSV, or declare encoding: utf-16")  # fmt: skip
    if not _first_undecodable(file.path, "utf-8"):
        return "utf-8", None
    if line := _cut_within_a_character(file.path):
        return "", file.problem(f", line {line}: ends in the middle of a character of UTF-8", "",
                                "is the file cut off? copy it again")  # fmt: skip
    # What Windows programs of Western Europe write; five bytes are not in it, so a wrong guess can be caught.
    line = _first_undecodable(file.path, "windows-1252")
    if line:
        return "", file.problem(f", line {line}: neither UTF-8 nor windows-1252", "", "declare its encoding:")
    return "windows-1252", None


def _first_undecodable(path: Path, encoding: str) -> int:
    """Return the line of the first byte that is not of the encoding, 0 where all are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    plain = codecs.lookup(encoding).name in (
        "utf-8",
        "utf-8-sig",
        "cp1252",
        "iso8859-1",
        "iso8859-15",
        "ascii",
    )
    lines = 1
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            try:
                if not (plain and chunk.isascii() and not decoder.getstate()[0]):
                    decoder.decode(chunk)
                if plain and b"\0" in chunk:
                    return lines + chunk[: chunk.index(b"\0")].count(b"\n")
            except UnicodeError as error:
                at = error.start if isinstance(error, UnicodeDecodeError) else 0
                return lines + chunk[: max(at, 0)].count(b"\n")
            lines += chunk.count(b"\n")
    try:
        decoder.decode(b"", final=True)
    except UnicodeError:
        return lines
    return 0


def _cut_within_a_character(path: Path) -> int:
    """Return the last line of a file that is UTF-8 with letters beyond ASCII up to the beginnings of one at its very
    end, 0 for any other: a single such byte may be a last letter of windows-1252.
    """
    decoder, beyond, lines = codecs.getincrementaldecoder("utf-8")(), False, 1
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            try:
                beyond |= not decoder.decode(chunk).isascii()
            except UnicodeError:
                return 0
            lines += chunk.count(b"\n")
    return lines if beyond and decoder.getstate()[0] else 0


def _header(file: DataFile, encoding: str) -> tuple[Header | None, tuple[Problem, ...]]:
    if file.delimiter is not None and len(file.delimiter) != 1:
        return None, (file.problem(f': the delimiter "{file.delimiter}" is not one character'),)
    if file.decimal not in (None, ".", ","):
        return None, (file.problem(f': the decimal sign "{file.decimal}" is neither . nor ,'),)
    with file.path.open(encoding=encoding, newline="") as stream:
        sample = stream.read(_SAMPLE)
        whole = not stream.read(1)
    if not whole:
        sample = sample[: sample.rfind("\n") + 1] or sample
    delimiter = file.delimiter or _delimiter(sample)
    if file.decimal == delimiter:
        return None, (file.problem(f": {_NAMES.get(delimiter, delimiter)} cannot be delimiter and decimal sign"),)
    if file.delimiter and len(next(_records(sample, delimiter))) == 1:
        what = f": its first line does not hold {_NAMES.get(delimiter, repr(delimiter))}, the delimiter of the spec"
        return None, (file.problem(what, "", "leave delimiter: out to have it found"),)
    records = _records(sample, delimiter)
    names = tuple(name.strip() for name in next(records))
    problems = []
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    for name, times in seen.items():
        if name and times > 1:
            problems.append(file.problem(f': the column "{name}" stands {times} times in its first line'))
    if not any(names):
        problems.append(file.problem(": its first line holds no names of columns"))
    if problems:
        return None, tuple(problems)
    decimal = file.decimal or _decimal(records)
    return Header(names, ("raw",) * len(names), delimiter, decimal, encoding), ()


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return (record for record in csv.reader(text.splitlines(keepends=True), delimiter=delimiter) if record)


def _delimiter(sample: str) -> str:
    """Return the candidate that cuts all records into the same number of fields, the more the better."""
    best, best_score = ",", (False, 1)
    for candidate in _CANDIDATES:
        widths = [len(record) for record, _ in zip(_records(sample, candidate), range(50), strict=False)]
        score = (len(set(widths)) == 1 and widths[0] > 1, widths[0])
        if widths[0] > 1 and score > best_score:
            best, best_score = candidate, score
    return best


def _decimal(records: Iterator[list[str]]) -> str:
    """Return ``,`` where cells have a decimal comma and none has a decimal point.

    1,234 alone may be one and a bit or a thousand and more: then nothing is assumed, and the value is
    reported as one that cannot be read.
    """
    cells = [cell.strip() for record, _ in zip(records, range(1000), strict=False) for cell in record]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell)]
    if not commas or any(_POINT.fullmatch(cell) for cell in cells):
        return "."
    return "." if all(_THOUSANDS.fullmatch(cell) for cell in commas) else ","


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Return how DuckDB reads the file; every cell is text."""
    path = file.path
    mixed = _mixed_ends(path)
    if mixed or header.encoding not in ("utf-8", "utf-8-sig", "ascii"):
        path = engine.scratch(".csv")
        with (
            file.path.open(encoding=header.encoding, newline=None if mixed else "") as old,
            path.open("w", encoding="utf-8", newline="") as new,
        ):
            while chunk := old.read(_CHUNK):
                new.write(chunk)
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
    nulls = ", ".join(quoted(token) for token in MISSING)
    sql = (
        f"read_csv({quoted(glob.escape(str(path)))}, auto_detect=false, header=true, "
        f"delim={quoted(header.delimiter)}, quote='\"', escape='\"', nullstr=[{nulls}], "
        f"strict_mode=true, null_padding=false, max_line_size={_LONGEST}, "
        f"store_rejects=true, columns={{{columns}}})"
    )
    return Scan(sql, lambda: _rejected(engine, file, header))


def _mixed_ends(path: Path) -> bool:
    """Return whether some lines end as on Windows and some as elsewhere, which DuckDB does not read."""
    windows = all_ends = 0
    last = b""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            windows += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
            all_ends += chunk.count(b"\n")
            last = chunk[-1:]
    return 0 < windows < all_ends


def _rejected(engine: Workspace, file: DataFile, header: Header) -> tuple[Problem, ...]:
    """Report the rows that were not read: found again in the file, for their true lines."""
    rejected = engine.rejected()
    if not rejected:
        return ()
    width = len(header.names)
    found: list[Problem] = []
    total = 0
    with file.path.open(encoding=header.encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=header.delimiter)
        before = 0
        # A cell beyond Python's bound hides the lines behind it: then DuckDB's own words are passed on.
        with suppress(csv.Error):
            for record in reader:
                if record and len(record) != width:
                    total += 1
                    if len(found) < _SHOWN:
                        found.append(_ragged(file, header, before + 1, len(record)))
                before = reader.line_num
    if not found:
        line, message = rejected[0]
        advice = ""
        if "quote" in message:
            message, advice = "a quoted cell does not end where its quotes do", 'write a quote in a cell twice: ""'
        more = f"{len(rejected)} such lines" if len(rejected) > 1 else ""
        return (file.problem(f", line {line}: {message}", more, advice),)
    if total > len(found):
        found.append(file.problem(f": {total} lines in all do not have {counted(width, 'cell')}"))
    return tuple(found)


def _ragged(file: DataFile, header: Header, line: int, cells: int) -> Problem:
    width = len(header.names)
    advice = "quote cells that hold the delimiter" if cells > width else "is the line cut off?"
    return file.problem(f", line {line}: {counted(cells, 'cell')}, the first line has {width}", "", advice)


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the line on which record number `row` behind the header begins."""
    with file.path.open(encoding=header.encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=header.delimiter)
        before, number = 0, -1
        # A cell beyond Python's bound hides the lines behind it: then the row's number says where.
        with suppress(csv.Error):
            for record in reader:
                if record:
                    number += 1
                    if number == row:
                        return f"line {before + 1}"
                before = reader.line_num
    return f"row {row}"


READER = Reader("CSV", (".csv", ".txt", ".tsv"), inspect, scan, line, ("delimiter", "decimal", "encoding"))
