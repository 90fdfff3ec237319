"""A table or view of a DuckDB database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from panels.readers.files import DataFile, Header, Reader, Scan, Workspace, quoted
from panels.readers.typed import header_of, typed_cells
from specs.errors import Problem, did_you_mean

if TYPE_CHECKING:  # `check` looks at names of files without it
    import duckdb

__all__ = ["READER"]


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Open the database, read only, and look at the columns of the table."""
    import duckdb

    if not file.path.is_file():
        return None, (file.problem(": no such file"),)
    if not file.path.stat().st_size:
        return None, (file.problem(" is empty", "", "copy it again"),)
    try:
        with _opened(file) as connection:
            table, problem = _chosen(file, connection)
            if problem is not None:
                return None, (problem,)
            columns = _columns(connection, table)
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        advice = "is it one, and whole? copy it again, or write it with an older DuckDB"
        return None, (file.problem(f" cannot be read as a DuckDB database: {said}", "", advice),)
    return header_of(columns), ()


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Copy the columns that are wanted, and return how the copy is read."""
    copy = engine.scratch(".parquet")
    kept = list(wanted) or [0]
    with _opened(file) as connection:
        table, _ = _chosen(file, connection)
        types = [type_name for _, type_name in _columns(connection, table)]
        listed = ", ".join(f"{_identifier(header.names[index])} AS c{index}" for index in kept)
        connection.execute(f"COPY (SELECT {listed} FROM {table}) TO {quoted(str(copy))} (FORMAT parquet)")
    return Scan(f"(SELECT {typed_cells(header, types, kept)} FROM read_parquet({quoted(str(copy))}))")


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the number of the row, in the order in which the table was filled."""
    return f"row {row}"


def _opened(file: DataFile) -> duckdb.DuckDBPyConnection:
    import duckdb

    # One thread, so that rows come in the order of the table.
    return duckdb.connect(
        str(file.path),
        read_only=True,
        config={"threads": "1", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    )


def _chosen(file: DataFile, connection: duckdb.DuckDBPyConnection) -> tuple[str, Problem | None]:
    """Return the table that the spec names, or the only one, as SQL."""
    rows = connection.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema NOT IN ('information_schema', 'pg_catalog') ORDER BY ALL"
    ).fetchall()
    names = {name if schema == "main" else f"{schema}.{name}": (schema, name) for schema, name in rows}
    listed = ", ".join(names)
    if file.table is None and len(names) != 1:
        what = f" has {len(names)} tables" if names else " has no tables"
        advice = f"name one: {{path: {file.shown}, table: {next(iter(names))}}}; there are: {listed}" if names else ""
        return "", file.problem(what, "", advice)
    table = file.table if file.table is not None else listed
    if table not in names:
        return "", file.problem(f' has no table "{table}"', "", did_you_mean(table, names) or f"there are: {listed}")
    return ".".join(_identifier(part) for part in names[table]), None


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(str(row[0]), str(row[1])) for row in connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


READER = Reader("a DuckDB database", (".duckdb", ".ddb"), inspect, scan, line, ("table",))
