"""A data file as the spec names it, and what a look at its first lines tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from specs.errors import Position, Problem

__all__ = [
    "MISSING", "NESTED", "DataFile", "Header", "Reader", "Scan", "Workspace", "looks_like", "number_sql", "present",
    "quoted", "text_sql",
]  # fmt: skip

MISSING = ("", "NA", "N/A", "NaN", "nan", "NULL", ".")
"""What an empty cell may look like; the same in every file."""

NESTED = ("lists", "structs", "maps")
"""Kinds of columns that hold no single values."""

_MAGIC = (
    (b"PAR1", "Parquet"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook (.xlsx)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"<stata_dta>", "a Stata file"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60", "a SAS file"),
    (b"HEADER RECORD*******LIB", "a SAS transport file"),
    (b"$FL2", "an SPSS file"),
    (b"$FL3", "an SPSS file"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"%PDF", "a PDF"),
)

_TEXTS = (
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "XML"),
    (b"{\\rtf", "a text of a word processor"),
    (b"{", "JSON"),
    (b"[{", "JSON"),
    (b"version https://git-lfs", "a pointer of Git LFS, which has not fetched the file itself"),
)
"""Beginnings of text that is no table, in lower case, behind blanks."""


class Workspace(Protocol):
    """What a reader asks of the engine (`panels.engine.Engine`), which it need not load to look at a file."""

    def scratch(self, suffix: str) -> Path:
        """Return the path of a new file in the temporary folder."""

    def rejected(self) -> list[tuple[int, str]]:
        """Return and forget the lines that the last reading left out: line and reason."""

    def fill(self, types: Mapping[str, str], chunks: Iterable[Mapping[str, Sequence[Any]]], stem: str) -> str:
        """Copy chunks of columns into a new table and return its name; None and NaN become NULL.

        Parameters
        ----------
        types : mapping of str to str
            The SQL type of each column.
        chunks : iterable of mapping
            The same columns in each, as arrays or lists.
        stem : str
            Of the table's name.
        """

    def told(self, what: str) -> None:
        """Hear how far a long reading is: ``reading ict.sas7bdat, 200,000 of 1,000,000 rows``."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file, as the spec names it.

    Attributes
    ----------
    path : Path
        Where it is.
    shown : str
        As a message names it: relative to the spec where it was written so; the pattern of the spec for files that are
        read together.
    position : Position
        Where the spec names it.
    spec_path : str
        ``panel.accounts.files``.
    delimiter, decimal, encoding : str or None
        As declared; None where they are to be detected.
    wave : int or None
        The survey's wave, where the spec gives one file a wave.
    sheet, table : str or None
        Of a workbook, of a database.
    parts : tuple of Path
        Of a format that is read together: all files of the entry, `path` the first of them.
    references : tuple of Path
        Lists that say what deposits are.
    """

    path: Path
    shown: str
    position: Position
    spec_path: str
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    wave: int | None = None
    sheet: str | None = None
    table: str | None = None
    parts: tuple[Path, ...] = ()
    references: tuple[Path, ...] = ()

    def size(self) -> int:
        """Return how many bytes there are to read; 0 for what is no file."""
        return sum(one.stat().st_size for one in self.parts or (self.path,) if one.is_file())

    def named(self, path: Path) -> str:
        """Return how a message names one of the parts or references: relative to the spec where it can be."""
        try:
            return path.relative_to(self.position.folder).as_posix()
        except ValueError:
            return path.as_posix()

    def problem(self, what: str, meaning: str = "", advice: str = "") -> Problem:
        """Return a mistake in this file, at the place where the spec names it."""
        return Problem(self.position, self.spec_path, f"{self.shown}{what}", meaning, advice)


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file and how it is written.

    Attributes
    ----------
    names : tuple of str
        As in the file, in its order.
    kinds : tuple of str
        ``raw`` (text that may hold anything), ``number``, ``text``, ``date``, or one of `NESTED`.
    delimiter, decimal, encoding : str
        As declared or detected; empty for a binary format.
    places : list of int
        Empty until a format that is read together has been scanned, which notes here where each row came from, for
        `Reader.line`: reading 100,000 files again to name one would take minutes.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    delimiter: str = ""
    decimal: str = "."
    encoding: str = ""
    places: list[int] = field(default_factory=list, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Scan:
    """What stands behind FROM to read a file, its columns named ``c0``, ``c1``, ... in the order of the file.

    Cells that hold one of `MISSING` are NULL.

    Attributes
    ----------
    sql : str
    problems : callable
        ``problems()``, asked after the reading: the rows that could not be read.
    tables : tuple of str
        Of the engine, filled for this reading alone: dropped when it is done.
    left_out : mapping of str to int
        Rows that the reader did not give, by reason, zeros included; empty for a format that gives all.
    at : str
        The SQL of a row's number in the file, from 1.
    """

    sql: str
    problems: Callable[[], tuple[Problem, ...]] = tuple
    tables: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    at: str = "row_number() OVER ()"


@dataclass(frozen=True, slots=True)
class Reader:
    """A registered reader of one file format.

    Attributes
    ----------
    name : str
    suffixes : tuple of str
        In lower case, with the point.
    inspect : callable
        ``inspect(file) -> (Header or None, problems)``: the second gate.
    scan : callable
        ``scan(engine, file, header, columns) -> Scan``, `columns` the numbers of those that are wanted, ascending; a
        reader that copies need copy no other.
    line : callable
        ``line(file, header, row)``: where row number `row` (from 1) stands, as a message says it.
    options : tuple of str
        What an entry of the spec may say of such a file besides its path.
    together : bool
        Whether the files of one entry of the spec are read as one: a folder of deposits.
    schemes : tuple of str
        How addresses begin that it reads, of what is no file: ``postgresql://``.
    digest : callable or None
        ``digest(file) -> (sha256, bytes)`` of what is no file.
    sniff : callable or None
        ``sniff(file) -> bool``, where formats share a suffix: a look at the first bytes that says whether the file is
        of this one. Asked often: it reads no further.
    """

    name: str
    suffixes: tuple[str, ...]
    inspect: Callable[[DataFile], tuple[Header | None, tuple[Problem, ...]]]
    scan: Callable[[Workspace, DataFile, Header, Sequence[int]], Scan]
    line: Callable[[DataFile, Header, int], str]
    options: tuple[str, ...] = ()
    together: bool = False
    schemes: tuple[str, ...] = ()
    digest: Callable[[DataFile], tuple[str, int]] | None = None
    sniff: Callable[[DataFile], bool] | None = None


def looks_like(start: bytes) -> str:
    """Return what the first bytes of a file say that it is; empty for what may be text."""
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    return next((kind for beginning, kind in _TEXTS if text.startswith(beginning)), "")


def quoted(text: str) -> str:
    """Return `text` as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def present(column: str) -> str:
    """Return the SQL of a cell as text, NULL where it holds one of `MISSING`."""
    text, nulls = f"CAST({column} AS VARCHAR)", ", ".join(quoted(token) for token in MISSING)
    return f"CASE WHEN {text} NOT IN ({nulls}) THEN {text} END"


def text_sql(header: Header, index: int) -> str:
    """Return the SQL of column number `index` as text, NULL where missing."""
    column = f"c{index}"
    if header.kinds[index] == "number":
        # Keys come as 64-bit floats out of many a statistical package: 10001.0 is firm 10001.
        return (
            f"CASE WHEN {column} = floor({column}) AND abs({column}) < 1e15 "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )
    return f"nullif(trim({column}), '')"


def number_sql(header: Header, index: int) -> str:
    """Return the SQL of column number `index` as a number, perhaps not finite, NULL where missing or not a
    number.
    """
    column = f"c{index}"
    if header.kinds[index] == "number":
        return f"CAST({column} AS DOUBLE)"
    # DuckDB reads 10_49 as 1049, which in a survey is a class of size.
    if header.decimal == ",":
        number = f"TRY_CAST(replace({column}, ',', '.') AS DOUBLE)"
        return f"CASE WHEN NOT contains({column}, '.') AND NOT contains({column}, '_') THEN {number} END"
    return f"CASE WHEN NOT contains({column}, '_') THEN TRY_CAST({column} AS DOUBLE) END"
