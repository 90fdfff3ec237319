"""Deposits of the National Bank of Belgium as the consult portal gives them: CSV, ``"rubric","value"``, one a file.

How the rows are spelled that say whose deposit it is: `panels.readers.nbb_spellings`.
"""

from __future__ import annotations

import codecs
import csv
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from io import StringIO

from panels.readers.deposits import (
    Filing,
    Row,
    Trouble,
    Troubles,
    date_of,
    fill,
    header_of,
    number_of,
    parts_of,
    place,
    read_bytes,
    text_of,
    told_parts,
    untold,
)  # fmt: skip
from panels.readers.files import DataFile, Header, Reader, Scan, Workspace
from panels.readers.nbb_spellings import key_of, spellings_of, wrong_spellings
from specs.errors import Problem

__all__ = ["READER"]

_FIRST = re.compile(rb'(?:\xef\xbb\xbf)?[ \t]*"?rubric"?[ \t]*([;,\t])[ \t]*"?value"?[ \t]*(?:[\r\n]|$)', re.IGNORECASE)
_START = 128
_CODE = re.compile(r"\d[0-9A-Za-z/_.]*", re.ASCII)
_CODES = re.compile(rb'^[ \t]*"?(\d[0-9A-Za-z/_.]*)"?[ \t]*[;,\t]', re.MULTILINE)
_COMMA = re.compile(r"[+-]?\d+,(\d{1,2}|\d{4,})", re.ASCII)
"""A decimal comma for certain; 1,234 may be a thousand and more."""

_CUT = Trouble("is", "cut off, or not of two columns", "", "fetch it again")
_NO_TEXT = Trouble("is", "neither UTF-8 nor windows-1252", "", "declare its encoding:")
_NOT_DECLARED = Trouble("is", "not in the encoding that the spec declares", "", "leave encoding: out to have it found")
_HALF = Trouble("is", "cut off in the middle of a character of UTF-8", "", "fetch it again")
_NOT_AS_BEGUN = Trouble("is", "not UTF-8, as its first bytes say", "", "fetch it again, or declare its encoding:")
_NO_CSV = Trouble("is", "no deposit of the portal", 'its first line is not "rubric","value"', "leave it out of files:")
_SPELLED = (
    "if a row says it in other words, write them in a file of your own, columns: {{{0}: [...]}}, and name it: "
    "{{path: ..., references: spellings.yaml}}"
)
_NO_FIRM = Trouble("has", "no row with the number of the entity", "the deposit would belong to no firm",
                   _SPELLED.format("ENTNR"))  # fmt: skip
_NO_END = Trouble("has", "no row with the end of the accounting period", "the deposit would belong to no year",
                  _SPELLED.format("ENDDATE"))  # fmt: skip
# A file that is cut off behind its first rubric is a whole shorter one: nothing in it says how many there are.
_NO_RUBRIC = Trouble("holds", "no rubric", "it is cut off, or a deposit without amounts",
                     "fetch it again, or leave it out")  # fmt: skip
_NO_DATE = Trouble("has", "a date that is none", "", "write 2023-12-31")
_ORDER = Trouble("has", "an accounting period that ends before it begins")
_ODD_VALUE = Trouble(
    "holds",
    "a rubric whose value is no number",
    "amounts are written 1961298.0",
    "for a decimal comma write files: {path: ..., decimal: ','}",
)
_TWICE = Trouble("gives", "a rubric twice with different values", "it cannot be known which of the two holds",
                 "fetch it again")  # fmt: skip
_REPEATED = Trouble("holds", "a deposit that another file holds already", "its rows would count twice",
                    "keep one file a reference number")  # fmt: skip


def sniff(file: DataFile) -> bool:
    """Return whether the first line is that of the portal."""
    try:
        with file.path.open("rb") as stream:
            return _FIRST.match(stream.read(_START)) is not None
    except OSError:
        return False


@dataclass(slots=True)
class Sheet:
    """What a file holds: the facts by their columns, the rubrics by their codes, whether it names one, if only with an
    empty value; and what is wrong with it.
    """

    facts: dict[str, str] = field(default_factory=dict)
    rubrics: dict[str, float] = field(default_factory=dict)
    filed: bool = False
    troubles: list[tuple[Trouble, str]] = field(default_factory=list)


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Find the codes of the rubrics in the bytes; all files are read where one is not of the portal."""
    if wrong := wrong_spellings(file):
        return None, wrong
    troubles = _troubles(file)
    codes: set[bytes] = set()
    for path in parts_of(file):
        data = read_bytes(path, file.named(path), troubles)
        if data is None:
            continue
        if _FIRST.match(data[:_START]):
            codes.update(_CODES.findall(data))
        else:
            troubles.add(_NO_CSV, file.named(path))
    if troubles.problems():
        troubles = _troubles(file)
        for _ in _rows(file, troubles, untold):
            pass
        return None, troubles.problems()
    return header_of(code.decode("ascii") for code in codes), ()


def _troubles(file: DataFile) -> Troubles:
    return Troubles(file.position, file.spec_path, file.shown)


def parse(
    data: bytes, spellings: Mapping[str, tuple[str, int]], encoding: str | None = None, decimal: str | None = None
) -> Sheet:
    """Read a deposit.

    Parameters
    ----------
    data : bytes
    spellings : mapping of str to (str, int)
        The column that each gives, and its rank.
    encoding, decimal : str or None
        As the spec declares them; None to have them found.

    Returns
    -------
    Sheet
        As far as it could be read. Each trouble once, with the first rubric that has it.
    """
    sheet = Sheet()
    first = _FIRST.match(data[:_START])
    if first is None:
        sheet.troubles.append((_NO_CSV, ""))
        return sheet
    text = _text(data, encoding)
    if isinstance(text, Trouble):
        sheet.troubles.append((text, ""))
        return sheet
    odd: dict[Trouble, str] = {}
    ranks: dict[str, int] = {}
    try:
        for number, record in enumerate(csv.reader(StringIO(text), delimiter=first[1].decode("ascii"), strict=True)):
            if number == 0 or not any(cell.strip() for cell in record):
                continue
            if len(record) != 2:
                odd.setdefault(_CUT, f" (row {number + 1})")
            elif _CODE.fullmatch(record[0].strip()):
                sheet.filed = True
                _rubric(record[0].strip(), record[1], decimal, sheet, odd)
            else:
                _fact(record, spellings, ranks, sheet)
    except csv.Error:
        odd.setdefault(_CUT, "")
    sheet.troubles += odd.items()
    return sheet


def _text(data: bytes, encoding: str | None) -> str | Trouble:
    # As for other CSV: what is not UTF-8 is taken for what Windows programs of Western Europe write.
    wrong = _NOT_DECLARED if encoding else _NO_TEXT
    for one in (encoding,) if encoding else ("utf-8", "windows-1252"):
        try:
            return data.decode(one).removeprefix("\ufeff")
        except (LookupError, UnicodeError):
            if not encoding and _cut_within_a_character(data):
                return _HALF
            if not encoding and data.startswith(codecs.BOM_UTF8):
                return _NOT_AS_BEGUN
    return wrong


def _cut_within_a_character(data: bytes) -> bool:
    """Whether it is UTF-8 with letters beyond ASCII up to the beginnings of one at its very end: a single such byte may
    be a last letter of windows-1252.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        return not decoder.decode(data).isascii() and bool(decoder.getstate()[0])
    except UnicodeError:
        return False


def _rubric(code: str, text: str, decimal: str | None, sheet: Sheet, odd: dict[Trouble, str]) -> None:
    text = text.strip()
    if decimal == "," or (decimal is None and _COMMA.fullmatch(text)):
        text = text.replace(",", ".") if "." not in text else "both"
    value = number_of(text)
    if value is None:
        return
    if math.isnan(value):
        odd.setdefault(_ODD_VALUE, f" (rubric {code})")
    elif sheet.rubrics.setdefault(code, value) != value:
        odd.setdefault(_TWICE, f" (rubric {code})")


def _fact(record: Sequence[str], spellings: Mapping[str, tuple[str, int]], ranks: dict[str, int], sheet: Sheet) -> None:
    column, rank = spellings.get(key_of(record[0]), ("", 0))
    text = text_of(record[1])
    if column and text is not None and rank < ranks.get(column, rank + 1):
        sheet.facts[column], ranks[column] = text, rank


def _filing(sheet: Sheet) -> tuple[Filing, list[Trouble]]:
    """What the first rows say, and what they do not say or say wrongly."""
    facts, troubles = sheet.facts, []
    days: dict[str, date | None] = {}
    for name in ("STARTDATE", "ENDDATE", "DEPOSITDATE"):
        days[name] = date_of(facts.get(name))
        if name in facts and days[name] is None and _NO_DATE not in troubles:
            troubles.append(_NO_DATE)
    if "ENTNR" not in facts:
        troubles.append(_NO_FIRM)
    if "ENDDATE" not in facts:
        troubles.append(_NO_END)
    start, end, filed = days.values()
    if start is not None and end is not None and end < start:
        troubles.append(_ORDER)
    if not sheet.filed:
        troubles.append(_NO_RUBRIC)
    filing = Filing(
        facts.get("DEPOSIT"), facts.get("ENTNR"), start, end, facts.get("SCHEME"), facts.get("NACE"),
        filed.isoformat() if filed else None, facts.get("DEPOSITTYPE"), facts.get("DATAVERSION"),
    )  # fmt: skip
    return filing, troubles


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Copy the wanted columns into a table of the engine: a row a file, its period always N."""
    troubles = _troubles(file)
    table = fill(engine, header, wanted, _rows(file, troubles, engine.told))
    problems = troubles.problems()
    return Scan(table, lambda: problems, (table,))


def _rows(file: DataFile, troubles: Troubles, told: Callable[[str], None]) -> Iterator[Row]:
    seen: dict[str, int] = {}
    parts, spellings = parts_of(file), spellings_of(file)
    for number, path in told_parts(file, told):
        shown = file.named(path)
        data = read_bytes(path, shown, troubles)
        if data is None:
            continue
        sheet = parse(data, spellings, file.encoding, file.decimal)
        for trouble, detail in sheet.troubles:
            troubles.add(trouble, shown + detail)
        if sheet.troubles:
            continue
        filing, wrong = _filing(sheet)
        for trouble in wrong:
            troubles.add(trouble, shown)
        first = seen.setdefault(filing.deposit, number) if filing.deposit is not None else number
        if first != number:
            troubles.add(_REPEATED, f"{shown} (as {file.named(parts[first])})")
        elif filing.end is not None:
            yield number, "N", filing, sheet.rubrics


READER = Reader(
    "CSV of the NBB's portal",
    (".csv",),
    inspect,
    scan,
    place,
    ("decimal", "encoding", "references"),
    together=True,
    sniff=sniff,
)
