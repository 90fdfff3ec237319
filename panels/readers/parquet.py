"""Parquet files, read through DuckDB."""

from __future__ import annotations

import glob
from collections.abc import Sequence

from panels.readers.files import DataFile, Header, Reader, Scan, Workspace, looks_like, quoted
from panels.readers.typed import header_of, typed_cells
from specs.errors import Problem

__all__ = ["READER"]


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Look at the file's ends and its schema."""
    try:
        with file.path.open("rb") as stream:
            start = stream.read(64)
            size = stream.seek(0, 2)
            stream.seek(max(size - 4, 0))
            end = stream.read()
    except FileNotFoundError:
        return None, (file.problem(": no such file"),)
    except OSError as error:
        return None, (file.problem(f" cannot be read: {error.strerror or error}"),)
    if not start:
        return None, (file.problem(" is empty"),)
    if not start.startswith(b"PAR1"):
        kind = looks_like(start) or "text, perhaps CSV"
        return None, (file.problem(f" is not Parquet, it is {kind}", "", "give it the name of what it is"),)
    if end != b"PAR1":
        return None, (file.problem(" is cut off: the end of a Parquet file is missing", "", "copy it again"),)

    import duckdb

    try:
        columns = _columns(file)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        return None, (
            file.problem(f" cannot be read as Parquet: {said}", "", "it is damaged or cut off: copy it again"),
        )
    if not columns:
        return None, (file.problem(" has no columns"),)
    return header_of(columns), ()


def _columns(file: DataFile) -> list[tuple[str, str]]:
    """Return the names and types of the columns, as DuckDB calls them."""
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_path(file)})").fetchall()
    return [(str(row[0]), str(row[1])) for row in rows]


def _path(file: DataFile) -> str:
    return quoted(glob.escape(str(file.path)))


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Return how DuckDB reads the file."""
    cells = typed_cells(header, [type_name for _, type_name in _columns(file)], wanted)
    names = ", ".join(f"c{index}" for index in range(len(header.names)))
    # The format counts its own rows: a window over all of them would cost as much as the reading.
    rows = f"read_parquet({_path(file)}, file_row_number=true) AS t({names}, place)"
    return Scan(f"(SELECT {cells}, place FROM {rows})", at="place + 1")


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the number of the row: Parquet has no lines."""
    return f"row {row}"


READER = Reader("Parquet", (".parquet", ".pq"), inspect, scan, line)
