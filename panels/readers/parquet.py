"""Parquet files, read through DuckDB."""

from __future__ import annotations

import glob

from panels.readers.files import MISSING, DataFile, Header, Reader, Scan, Workspace, looks_like, quoted
from specs.errors import Problem

__all__ = ["READER"]

_NUMBERS = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN",
)  # fmt: skip
_DATES = ("DATE", "TIMESTAMP")


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
    for name in ("delimiter", "decimal", "encoding"):
        if getattr(file, name):
            return None, (file.problem(f": {name} has no meaning for Parquet", "", "leave it out"),)

    import duckdb

    connection = duckdb.connect()
    try:
        rows = connection.execute(f"DESCRIBE SELECT * FROM read_parquet({_path(file)})").fetchall()
    except duckdb.Error as error:
        return None, (file.problem(f" cannot be read as Parquet: {str(error).splitlines()[0]}"),)
    finally:
        connection.close()
    names = tuple(str(row[0]) for row in rows)
    kinds = tuple(_kind(str(row[1])) for row in rows)
    if not names:
        return None, (file.problem(" has no columns"),)
    return Header(names, kinds), ()


def _path(file: DataFile) -> str:
    return quoted(glob.escape(str(file.path)))


def _kind(type_name: str) -> str:
    if type_name.startswith(_NUMBERS) and not type_name.endswith("[]"):
        return "number"
    if type_name.startswith(_DATES) and not type_name.endswith("[]"):
        return "date"
    return "raw"


def scan(engine: Workspace, file: DataFile, header: Header) -> Scan:
    """Return how DuckDB reads the file; dates become text."""
    columns = ", ".join(_column(header, index) for index in range(len(header.names)))
    names = ", ".join(f"c{index}" for index in range(len(header.names)))
    return Scan(f"(SELECT {columns} FROM read_parquet({_path(file)}) AS t({names}))", lambda: ())


def _column(header: Header, index: int) -> str:
    column = f"c{index}"
    if header.kinds[index] == "number":
        return f"CAST({column} AS DOUBLE) AS {column}"
    if header.kinds[index] == "date":
        return f"strftime({column}, '%Y-%m-%d') AS {column}"
    text, nulls = f"CAST({column} AS VARCHAR)", ", ".join(quoted(token) for token in MISSING)
    return f"CASE WHEN {text} NOT IN ({nulls}) THEN {text} END AS {column}"


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the number of the row: Parquet has no lines."""
    return f"row {row}"


READER = Reader("Parquet", (".parquet", ".pq"), inspect, scan, line)
