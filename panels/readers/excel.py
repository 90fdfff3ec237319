"""Workbooks of Excel (``.xlsx``, ``.xlsm``): one sheet, names of columns in its first row that is not empty."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from panels.readers.files import DataFile, Header, Reader, Scan, Workspace, looks_like, present
from specs.errors import Problem

__all__ = ["READER"]

_ROWS = 20_000
_SHOWN = 3
_NOTHING = "#N/A"
"""What a formula gives that found nothing: a missing value. Other errors of formulas are mistakes."""


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Look at the sheets of the workbook and at the first row of the one that is read."""
    try:
        with file.path.open("rb") as stream:
            start = stream.read(64)
    except FileNotFoundError:
        return None, (file.problem(": no such file"),)
    except OSError as error:
        return None, (file.problem(f" cannot be read: {error.strerror or error}"),)
    if not start:
        return None, (file.problem(" is empty"),)
    if not start.startswith(b"PK\x03\x04"):
        kind = looks_like(start) or "something else"
        return None, (file.problem(f" is not an Excel workbook (.xlsx), it is {kind}", "",
                                   "save it as .xlsx or as CSV"),)  # fmt: skip
    try:
        with _sheets(file) as sheets:
            chosen, problem = _chosen(file, sheets)
            if chosen is None:
                return None, (problem,) if problem is not None else ()
            first = next((row for row in chosen.iter_rows(values_only=True) if any(_filled(row))), ())
    except Exception as error:  # openpyxl passes on whatever its zip and XML readers raise
        return None, (_broken(file, error),)
    names = _names(first)
    if not names:
        return None, (file.problem(f': the sheet "{chosen.title}" is empty'),)
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    if twice:
        return None, tuple(
            file.problem(f': the column "{name}" stands {names.count(name)} times in its first row') for name in twice
        )
    return Header(names, ("raw",) * len(names)), ()


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Copy the columns that are wanted, every cell as text."""
    kept = list(wanted) or [0]
    problems: list[Problem] = []
    types = {f"c{index}": "VARCHAR" for index in kept}
    table = engine.fill(types, _chunks(engine, file, header, kept, problems), "copy")
    columns = ", ".join(f"{present(column)} AS {column}" for column in types)
    return Scan(f'(SELECT {columns} FROM "{table}")', lambda: tuple(problems), (table,))


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the row of the sheet, as Excel numbers it."""
    with _sheets(file) as sheets:
        chosen, _ = _chosen(file, sheets)
        assert chosen is not None
        seen = -1
        for number, cells in enumerate(chosen.iter_rows(values_only=True), start=1):
            seen += any(_filled(cells))
            if seen == row:
                return f"row {number}"
    return f"row {row}"


@contextmanager
def _sheets(file: DataFile) -> Iterator[list[Any]]:
    """Open the workbook, read only; formulas give their last values."""
    import openpyxl

    with file.path.open("rb") as stream:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        try:
            sheets: list[Any] = [sheet for sheet in book.worksheets if hasattr(sheet, "iter_rows")]
            for sheet in sheets:
                sheet.reset_dimensions()  # programs write them, and write them wrong
            yield sheets
        finally:
            book.close()


def _chosen(file: DataFile, sheets: list[Any]) -> tuple[Any, Problem | None]:
    """Return the sheet that the spec names, or the only one."""
    titles = [sheet.title for sheet in sheets]
    listed = ", ".join(titles)
    if file.sheet is not None:
        if file.sheet in titles:
            return sheets[titles.index(file.sheet)], None
        return None, file.problem(f' has no sheet "{file.sheet}"', "", f"there are: {listed}")
    if len(sheets) == 1:
        return sheets[0], None
    what = f" has {len(sheets)} sheets"
    return None, file.problem(what, "", f"name one: {{path: {file.shown}, sheet: {titles[0]}}}; there are: {listed}")


def _filled(row: Sequence[Any]) -> Iterator[bool]:
    return (cell is not None and cell != "" for cell in row)


def _names(row: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of the columns, without the empty cells behind the last."""
    names = [(_text(cell) or "").strip() for cell in row]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _chunks(
    engine: Workspace, file: DataFile, header: Header, kept: Sequence[int], problems: list[Problem]
) -> Iterator[Mapping[str, Sequence[Any]]]:
    """Yield stretches of rows, empty ones left out, and find cells whose formula has failed."""
    rows: list[Sequence[Any]] = []
    failed: list[tuple[int, int, str]] = []
    beyond: list[int] = []
    done = 0
    try:
        with _sheets(file) as sheets:
            chosen, _ = _chosen(file, sheets)
            assert chosen is not None
            seen = False
            for number, cells in enumerate(chosen.iter_rows(), start=1):
                values = [cell.value for cell in cells]
                if not any(_filled(values)):
                    continue
                if not seen:
                    seen = True
                    continue
                for index in kept:
                    if index < len(cells) and cells[index].data_type == "e" and cells[index].value != _NOTHING:
                        failed.append((number, index, str(cells[index].value)))
                        values[index] = None  # told here: no column tells it again as one that does not fit
                if any(_filled(values[len(header.names) :])):
                    beyond.append(number)
                rows.append(values)
                if len(rows) == _ROWS:
                    yield _columns(rows, kept)
                    done += len(rows)
                    engine.told(f"reading {file.shown}, {done:,} rows")
                    rows = []
    except Exception as error:  # a workbook that is cut off or damaged inside
        problems.append(_broken(file, error))
        return
    if rows:
        yield _columns(rows, kept)
    for number, index, what in failed[:_SHOWN]:
        others = len(failed) - _SHOWN
        more = (
            f"{others} more such cell{'s' if others > 1 else ''}"
            if len(failed) > _SHOWN and number == failed[2][0]
            else ""
        )
        problems.append(file.problem(f", row {number}, column {header.names[index]}: {what}, a formula that failed",
                                     more, "mend it in the workbook, or empty the cell"))  # fmt: skip
    if beyond:
        what = f", row {beyond[0]}: cells behind the last column that has a name"
        more = f"{len(beyond) - 1} more such row{'s' if len(beyond) > 2 else ''}" if len(beyond) > 1 else ""
        problems.append(file.problem(what, more, "give the column a name in the first row, or empty its cells"))


def _columns(rows: Sequence[Sequence[Any]], kept: Sequence[int]) -> dict[str, list[str | None]]:
    return {f"c{index}": [_text(row[index]) if index < len(row) else None for row in rows] for index in kept}


def _text(cell: Any) -> str | None:
    """Return a cell as it would stand in a CSV file; None where it is empty."""
    if cell is None or cell == _NOTHING:
        return None
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, (datetime, date)):
        return cell.strftime("%Y-%m-%d")
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell)


def _broken(file: DataFile, error: Exception) -> Problem:
    said = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return file.problem(f" cannot be read as a workbook: {said}", "", "is it cut off, or locked by a password?")


READER = Reader("Excel", (".xlsx", ".xlsm"), inspect, scan, line, ("sheet",))
