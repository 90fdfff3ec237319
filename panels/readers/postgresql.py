"""A table or view of a PostgreSQL server, by its address: ``postgresql://host/database``.

Its own driver (psycopg) reads it, in a read-only transaction. Passwords do not stand in specs, which go into every
bundle: libpq finds them in ``PGPASSWORD``, ``~/.pgpass`` or a service file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from panels.readers.files import DataFile, Header, Reader, Scan, Workspace, quoted
from panels.readers.typed import header_of, typed_cells
from specs.errors import Problem

if TYPE_CHECKING:  # an optional driver
    import psycopg

__all__ = ["READER"]

_SECONDS = 10
_TOLD = 1_000_000
_TYPES = {
    "int2": "INTEGER", "int4": "INTEGER", "int8": "BIGINT", "bool": "INTEGER", "float4": "DOUBLE", "float8": "DOUBLE",
    "numeric": "DOUBLE", "money": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP",
}  # fmt: skip
_ORDER = (1 << 256) - 1


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Ask the server for the columns of the table."""
    if file.table is None:
        advice = f"write {{path: '{file.shown}', table: accounts}}"
        return None, (file.problem(": no table is named", "", advice),)
    if file.table.count(".") > 1:
        return None, (file.problem(f': "{file.table}" is not the name of a table', "", "write schema.table"),)
    try:
        import psycopg
    except ImportError:
        advice = "pip install 'tfplab[postgresql]'"
        return None, (file.problem(" needs the driver of PostgreSQL", "psycopg is not installed", advice),)
    try:
        with _opened(file) as connection:
            columns = _columns(file, connection)
    except psycopg.Error as error:
        return None, (_problem(file, error),)
    return header_of([(name, _TYPES.get(kind, "VARCHAR")) for name, kind in columns]), ()


def scan(engine: Workspace, file: DataFile, header: Header, wanted: Sequence[int]) -> Scan:
    """Copy the columns that are wanted into a file, and return how DuckDB reads it.

    A server gives rows in no order: they are sorted, so that the same table is the same panel.
    """
    import psycopg

    copy, kept = engine.scratch(".csv"), list(wanted) or [0]
    problems: list[Problem] = []
    types: list[str] = []
    with copy.open("wb") as out:
        try:
            with _opened(file) as connection:
                kinds = _columns(file, connection)
                types = [_TYPES.get(kind, "VARCHAR") for _, kind in kinds]
                listed = [(f"c{index}", *kinds[index]) for index in kept]
                for number, line in enumerate(_lines(file, connection, listed)):
                    out.write(line)
                    if number and number % _TOLD == 0:
                        engine.told(f"reading {file.shown}, {number:,} pieces")
        except psycopg.Error as error:
            problems.append(_problem(file, error))
    columns = ", ".join(f"'c{index}': '{types[index] if types else 'VARCHAR'}'" for index in kept)
    source = (
        f"read_csv({quoted(str(copy))}, auto_detect=false, header=false, delim=',', quote='\"', escape='\"', "
        f"nullstr='\\N', columns={{{columns}}})"
    )
    ordered = f"(SELECT * FROM {source} ORDER BY ALL)"
    return Scan(f"(SELECT {typed_cells(header, types, kept)} FROM {ordered})", lambda: tuple(problems))


def digest(file: DataFile) -> tuple[str, int]:
    """Return a digest of the table's rows that does not depend on their order, and their size in bytes.

    The sum of the SHA-256 of the rows, modulo 2^256.
    """
    total = size = 0
    with _opened(file) as connection:
        for line in _lines(file, connection, [(name, name, kind) for name, kind in _columns(file, connection)]):
            for row in bytes(line).splitlines():
                total = (total + int.from_bytes(hashlib.sha256(row).digest())) & _ORDER
                size += len(row) + 1
    return f"{total:064x}", size


def _lines(
    file: DataFile, connection: psycopg.Connection[Any], columns: Sequence[tuple[str, str, str]]
) -> Iterator[bytes]:
    """Yield the table as CSV, in pieces of whole lines."""
    from psycopg import sql

    cells = sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_cell(sql.Identifier(name), kind), sql.Identifier(alias))
        for alias, name, kind in columns
    )
    query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT (FORMAT csv, NULL '\\N')").format(cells, _table(file))
    with connection.cursor() as cursor, cursor.copy(query) as copied:
        for piece in copied:
            yield bytes(piece)


def _cell(name: Any, kind: str) -> Any:
    from psycopg import sql

    if kind == "bool":
        return sql.SQL("CAST({} AS integer)").format(name)
    return sql.SQL("CAST({} AS text)").format(name) if kind not in _TYPES else name


def _table(file: DataFile) -> Any:
    from psycopg import sql

    return sql.Identifier(*(file.table or "").split("."))


def _columns(file: DataFile, connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """Return the names and types of the table's columns, as PostgreSQL calls them."""
    from psycopg import sql

    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(_table(file)))
        described = cursor.description or []
        found = connection.adapters.types
        return [(one.name, known.name if (known := found.get(one.type_code)) else "") for one in described]


def _opened(file: DataFile) -> psycopg.Connection[Any]:
    import psycopg

    options = "-c default_transaction_read_only=on -c DateStyle=ISO -c IntervalStyle=iso_8601 -c TimeZone=UTC"
    return psycopg.connect(
        file.shown, connect_timeout=_SECONDS, options=options, application_name="tfplab", client_encoding="utf-8"
    )


def _problem(file: DataFile, error: Exception) -> Problem:
    import psycopg

    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, psycopg.errors.UndefinedTable):
        return file.problem(f': there is no table "{file.table}"', said, "write schema.table if it is in a schema")
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return file.problem(f': the table "{file.table}" may not be read', said, "ask for the right to SELECT from it")
    advice = "is the server's address right, and a password in PGPASSWORD or ~/.pgpass?"
    return file.problem(" cannot be read", said, advice)


def line(file: DataFile, header: Header, row: int) -> str:
    """Return the number of the row in the order of all its columns: a server's rows have none of their own."""
    return f"row {row} in the order of the columns read"


READER = Reader(
    "PostgreSQL", (), inspect, scan, line, ("table",), schemes=("postgresql://", "postgres://"), digest=digest
)
