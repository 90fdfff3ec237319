"""The lists of references of the National Bank of Belgium: whose a deposit is, of which year and in which model.

A list is JSON as the web service gives it (``[{...}, {...}]``), or objects one below the other (JSON lines). Objects
are taken off one by one, so that a long list needs no more memory than its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NoReturn

from panels.readers.deposits import Filing, Trouble, Troubles, date_of, read_bytes, text_of
from panels.readers.files import DataFile, looks_like

__all__ = ["DECODER", "broken", "decoded", "read_references"]

_NO_OBJECT = Trouble("is", "no object with a ReferenceNumber", "", "name the lists as the NBB gives them")
_NO_NUMBER = Trouble("has", "no ReferenceNumber", "no deposit can be found by it")
_NO_FIRM = Trouble("has", "no EnterpriseNumber", "its deposit would belong to no firm")
_NO_END = Trouble("has", "no ExerciseDates with an endDate", "its deposit would belong to no year")
_NO_DATE = Trouble("has", "a date that is none", "", "write 2023-12-31")
_ORDER = Trouble("has", "an accounting year that ends before it begins")
_CONTRADICTS = Trouble(
    "says",
    "something else of a deposit than a reference before it",
    "it cannot be known which of the two holds",
    "keep the list that goes with the deposit",
)
_EMPTY = Trouble("is", "empty", "", "fetch it again")
_CUT = Trouble("is", "cut off", "the JSON ends in the middle", "fetch it again")
_NOT_TEXT = Trouble("is", "not UTF-8", "", "save it as UTF-8")
_DEEP = Trouble("is", "not JSON that can be read", "it is nested too deeply")
_NEAR_THE_END = 6
"""Characters of ``\\u00e9`` and ``false``: a mistake that near to the end is one of the end."""


def _no_constant(text: str) -> NoReturn:
    raise ValueError(text)


DECODER = json.JSONDecoder(parse_constant=_no_constant)
"""JSON as its standard has it, without NaN and Infinity."""


def decoded(data: bytes) -> tuple[str, Trouble | None]:
    """Return bytes as text, or what is wrong with them."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = looks_like(data)
        if kind and kind != "JSON":
            return "", _not_json(kind)
        return "", _CUT if error.end == len(data) and error.reason == "unexpected end of data" else _NOT_TEXT
    return (text, None) if text.strip() else ("", _EMPTY)


def _not_json(kind: str) -> Trouble:
    return Trouble("is", f"not JSON but {kind}" if kind else "not JSON", "", "fetch it again")


def broken(text: str, error: Exception) -> Trouble:
    """Say what is wrong with text that could not be read as JSON."""
    if isinstance(error, RecursionError):
        return _DEEP
    kind = looks_like(text[:64].encode("utf-8", "replace"))
    if kind not in ("", "JSON"):
        return _not_json(kind)
    if isinstance(error, json.JSONDecodeError):
        ended = len(text.rstrip()) - error.pos <= _NEAR_THE_END and error.msg != "Extra data"
        if ended or error.msg.startswith("Unterminated string"):
            return _CUT
    return _not_json("")


def read_references(file: DataFile) -> tuple[Mapping[str, Filing], tuple[Troubles, ...]]:
    """Read the lists that belong to deposits.

    Returns
    -------
    filings : mapping of str to Filing
        By their reference numbers. A reference that stands in several lists counts once.
    troubles : tuple of Troubles
        Of lists that cannot be read, and of references that say too little.
    """
    path = f"{file.spec_path}.references"
    lists = Troubles(file.position, path, "references", "list")
    items = Troubles(file.position, path, "references", "reference")
    filings: dict[str, Filing] = {}
    for one in file.references:
        shown = file.named(one)
        data = read_bytes(one, shown, lists)
        if data is None:
            continue
        text, trouble = decoded(data)
        if trouble is not None:
            lists.add(trouble, shown)
            continue
        try:
            for number, item in enumerate(_items(text), 1):
                _take(item, f"{shown} (number {number})", filings, items)
        except (ValueError, RecursionError) as error:
            lists.add(broken(text, error), shown)
    return filings, (lists, items)


def _items(text: str) -> Iterator[Any]:
    """Take objects off a list, or off text in which they stand one below the other."""
    end = len(text.rstrip())
    at = _blank(text, 0)
    listed = text.startswith("[", at)
    if listed:
        at = _blank(text, at + 1)
        if text.startswith("]", at):
            at = _blank(text, at + 1)
            if at < end:
                raise json.JSONDecodeError("Extra data", text, at)
            return
    while True:
        item, at = DECODER.raw_decode(text, at)
        yield item
        at = _blank(text, at)
        if not listed:
            if at >= end:
                return
        elif text.startswith("]", at):
            at = _blank(text, at + 1)
            if at < end:
                raise json.JSONDecodeError("Extra data", text, at)
            return
        elif text.startswith(",", at):
            at = _blank(text, at + 1)
        else:
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _take(item: Any, shown: str, filings: dict[str, Filing], items: Troubles) -> None:
    if not isinstance(item, dict):
        items.add(_NO_OBJECT, shown)
        return
    number = text_of(item.get("ReferenceNumber"))
    if number is None:
        items.add(_NO_NUMBER, shown)
        return
    has_data = text_of(item.get("AccountingDataURL")) is not None
    dates = item.get("ExerciseDates")
    dates = dates if isinstance(dates, dict) else {}
    start, end, filed = (
        _day(value, shown, items if has_data else None)
        for value in (_either(dates, "startDate"), _either(dates, "endDate"), item.get("DepositDate"))
    )
    filing = Filing(
        number, text_of(item.get("EnterpriseNumber")), start, end, text_of(item.get("ModelType")),
        text_of(item.get("ActivityCode")), filed.isoformat() if filed else None, text_of(item.get("DepositType")),
        text_of(item.get("DataVersion")), has_data,
    )  # fmt: skip
    if has_data and filing.firm is None:
        items.add(_NO_FIRM, shown)
    if has_data and text_of(_either(dates, "endDate")) is None:
        items.add(_NO_END, shown)
    if start is not None and end is not None and end < start:
        items.add(_ORDER, shown)
    if filings.setdefault(number, filing) != filing:
        items.add(_CONTRADICTS, shown)


def _either(dates: Mapping[str, Any], name: str) -> Any:
    """The web service writes startDate, the daily extracts StartDate."""
    return dates.get(name, dates.get(name[0].upper() + name[1:]))


def _day(value: Any, shown: str, items: Troubles | None) -> date | None:
    text = text_of(value)
    day = date_of(text)
    if items is not None and day is None and (text is not None or isinstance(value, (dict, list, bool))):
        items.add(_NO_DATE, shown)
    return day
