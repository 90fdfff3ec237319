"""Deposits of the National Bank of Belgium as JSON-XBRL, one file each, with the lists of references that date them.

A body holds rubrics and no more: whose it is, of which year and in which model stands in the list of references. All
files of an entry of the spec are one table; which of several deposits of a firm and year counts is not decided here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from panels.readers.deposits import (
    Filing,
    Row,
    Trouble,
    Troubles,
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
from panels.readers.nbb_references import DECODER, broken, decoded, read_references
from specs.errors import Problem

__all__ = ["READER"]

_CODE = re.compile(rb'"Code"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(\d+))')
_BOM = b"\xef\xbb\xbf"
_text = lru_cache(1 << 14)(text_of)
"""The codes are few and stand in every file."""

PERIODS = ("N", "NM1")

CONSOLIDATED = "consolidated accounts, to which no deposit belongs"
UNDATED = "deposit without a reference, it cannot be dated"
ABSENT = "reference whose deposit is not among the files"

_NO_DEPOSIT = Trouble("is", "no deposit of the NBB", "a deposit is an object with a ReferenceNumber and a list Rubrics",
                      "leave it out of files:")  # fmt: skip
_A_LIST = Trouble("is", "no deposit but a list", "", "name lists of references under references:")
_ODD_RUBRIC = Trouble("holds", "a rubric without a Code")
_ODD_VALUE = Trouble("holds", "a rubric whose Value is no number", "amounts are written 1961298.0")
_ODD_PERIOD = Trouble("holds", "a rubric whose Period is neither N nor NM1", "its year is not known")
_TWICE = Trouble("gives", "a rubric twice with different values", "it cannot be known which of the two holds",
                 "fetch it again")  # fmt: skip
_REPEATED = Trouble("holds", "a deposit that another file holds already", "its rows would count twice",
                    "keep one file a ReferenceNumber")  # fmt: skip


@dataclass(slots=True)
class Body:
    """What a file holds: its reference number and, by period, rubrics by their codes; and what is wrong with it."""

    deposit: str = ""
    rubrics: dict[str, dict[str, float]] = field(default_factory=lambda: {period: {} for period in PERIODS})
    troubles: list[tuple[Trouble, str]] = field(default_factory=list)

    @property
    def periods(self) -> tuple[str, ...]:
        """The year of the deposit, and the one before where anything is said of it."""
        return PERIODS if self.rubrics["NM1"] else PERIODS[:1]


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Find the codes of the rubrics in the bytes, and files that are plainly not JSON; read the lists of references.

    Where one of these is wrong already, all files are read as `scan` does, so that everything is told at once.
    """
    if not file.references:
        what = ": deposits do not say whose they are, nor of which year: that stands in the lists of references"
        return None, (file.problem(what, "", f"write {{path: {file.shown}, references: references/*.json}}"),)
    troubles = _troubles(file)
    codes: set[bytes] = set()
    for path in parts_of(file):
        data = read_bytes(path, file.named(path), troubles)
        if data is None:
            continue
        ends = data.removeprefix(_BOM).strip()
        if ends.startswith(b"{") and ends.endswith(b"}"):
            codes.update(quoted or bare for quoted, bare in _CODE.findall(data))
        else:
            for trouble, detail in parse(data).troubles:
                troubles.add(trouble, file.named(path) + detail)
    filings, lists = read_references(file)
    if _all((troubles, *lists)):
        troubles = _troubles(file)
        for _ in _rows(file, filings, troubles, Counter(), untold):
            pass
        return None, _all((troubles, *lists))
    return header_of(filter(None, map(_code, codes))), ()


def _all(troubles: Iterable[Troubles]) -> tuple[Problem, ...]:
    return tuple(problem for one in troubles for problem in one.problems())


def _troubles(file: DataFile) -> Troubles:
    return Troubles(file.position, file.spec_path, file.shown)


def _code(found: bytes) -> str | None:
    """A code as JSON spells it, perhaps with an escaped slash."""
    try:
        return text_of(DECODER.decode(f'"{found.decode("utf-8")}"'))
    except ValueError:
        return None  # the scan says what is wrong with that file


def parse(data: bytes) -> Body:
    """Read a body.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    Body
        As far as it could be read. Each trouble once, with the first rubric that has it.
    """
    body = Body()
    text, trouble = decoded(data)
    if trouble is not None:
        body.troubles.append((trouble, ""))
        return body
    try:
        found = DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        body.troubles.append((broken(text, error), ""))
        return body
    rubrics = found.get("Rubrics") if isinstance(found, dict) else None
    number = text_of(found.get("ReferenceNumber")) if isinstance(found, dict) else None
    if number is None or not isinstance(rubrics, list):
        body.troubles.append((_A_LIST if isinstance(found, list) else _NO_DEPOSIT, ""))
        return body
    body.deposit = number
    _take(rubrics, body)
    return body


def _take(rubrics: Sequence[Any], body: Body) -> None:
    odd: dict[Trouble, str] = {}
    for rubric in rubrics:
        code = rubric.get("Code") if isinstance(rubric, dict) else None
        code = _text(code) if isinstance(code, str) else text_of(code)
        if code is None:
            odd.setdefault(_ODD_RUBRIC, "")
            continue
        period = rubric.get("Period")
        cells = body.rubrics.get(period) if isinstance(period, str) else None
        if cells is None:
            odd.setdefault(_ODD_PERIOD, f" (rubric {code})")
            continue
        # A Value that is empty was not filed; one that is not even there is a mistake.
        value = number_of(rubric["Value"]) if "Value" in rubric else math.nan
        if value is None:
            continue
        if math.isnan(value):
            odd.setdefault(_ODD_VALUE, f" (rubric {code})")
        elif cells.setdefault(code, value) != value:
            odd.setdefault(_TWICE, f" (rubric {code})")
    body.troubles += odd.items()


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Copy the wanted columns into a table of the engine; left out is what cannot be dated or has no deposit.

    The reasons count rows: a deposit that is left out as many as it would have given, a reference without a deposit
    one.
    """
    filings, lists = read_references(file)
    troubles = _troubles(file)
    left_out = Counter({CONSOLIDATED: 0, UNDATED: 0, ABSENT: 0})
    table = fill(engine, header, wanted, _rows(file, filings, troubles, left_out, engine.told))
    problems = _all((troubles, *lists))
    return Scan(table, lambda: problems, (table,), left_out)


def _rows(
    file: DataFile,
    filings: Mapping[str, Filing],
    troubles: Troubles,
    left_out: Counter[str],
    told: Callable[[str], None],
) -> Iterator[Row]:
    seen: dict[str, int] = {}
    parts = parts_of(file)
    for number, path in told_parts(file, told):
        shown = file.named(path)
        data = read_bytes(path, shown, troubles)
        if data is None:
            continue
        body = parse(data)
        for trouble, detail in body.troubles:
            troubles.add(trouble, shown + detail)
        if not body.deposit:
            continue
        first = seen.setdefault(body.deposit, number)
        if first != number:
            troubles.add(_REPEATED, f"{shown} (as {file.named(parts[first])})")
            continue
        filing = filings.get(body.deposit)
        if filing is None or not filing.has_data:
            left_out[UNDATED if filing is None else CONSOLIDATED] += len(body.periods)
        elif filing.end is not None:  # else a problem of the list, told already
            for period in body.periods:
                yield number, period, filing, body.rubrics[period]
    for deposit, filing in filings.items():
        if deposit not in seen:
            left_out[ABSENT if filing.has_data else CONSOLIDATED] += 1


READER = Reader("JSON deposits of the NBB", (".json",), inspect, scan, place, ("references",), together=True)
