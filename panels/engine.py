"""DuckDB, embedded: where tables live between the steps.

One thread, so that sums run in the same order each time and a panel is the same bit for bit. Small inputs
stay in memory, large ones in a database file of a temporary folder; both spill there when memory runs short.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import numpy as np

__all__ = ["Engine", "Frame", "identifier"]

Frame = nw.LazyFrame[Any]
"""A lazy table: nothing runs until it is kept, counted or fetched."""

_LARGE = 256 * 1024 * 1024


def _discard(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Close the database and remove what it left on the disk."""
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)


def _array(values: Sequence[Any], kind: str) -> np.ndarray[Any, Any]:
    """Return a column as DuckDB takes it: numbers as floats, anything else as objects."""
    return np.asarray(values, dtype=float if kind == "DOUBLE" else object)


def identifier(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Engine:
    """A private DuckDB with a temporary folder, both gone when the last panel that uses them is.

    Parameters
    ----------
    input_bytes : int
        The size of what will be read; decides whether tables live in memory or in a file.
    memory_limit : str, optional
        As DuckDB writes it, ``4GB``; by default DuckDB's own, four fifths of the machine.
    told : callable, optional
        Hears how far a long reading is.
    """

    def __init__(
        self, input_bytes: int = 0, memory_limit: str | None = None, told: Callable[[str], None] | None = None
    ) -> None:
        self._told = told
        folder = self._folder = Path(tempfile.mkdtemp(prefix="tfplab-"))
        config: dict[str, Any] = {
            "threads": "1",
            "temp_directory": str(folder / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if memory_limit:
            config["memory_limit"] = memory_limit
        database = str(folder / "panel.duckdb") if input_bytes > _LARGE else ":memory:"
        self.connection = duckdb.connect(database, config=config)
        weakref.finalize(self, _discard, self.connection, folder)
        self._count = 0
        self._views: dict[str, str] = {}

    def scratch(self, suffix: str) -> Path:
        """Return the path of a new file in the temporary folder."""
        self._count += 1
        return self._folder / f"scratch{self._count}{suffix}"

    def name(self, stem: str) -> str:
        """Return a new name for a table."""
        self._count += 1
        return f"{stem}_{self._count}"

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """Run SQL: reading files and moving tables; what is done to rows is written in Narwhals."""
        return self.connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run SQL and return its rows."""
        return self.connection.execute(sql).fetchall()

    def table(self, name: str) -> Frame:
        """Return a kept table as a lazy frame."""
        return nw.from_native(self.connection.table(identifier(name)))

    def beside(self, *names: str) -> Frame:
        """Return kept tables of the same rows in the same order, side by side, as a lazy frame."""
        return nw.from_native(self.connection.sql(f"SELECT * FROM {' POSITIONAL JOIN '.join(map(identifier, names))}"))

    def sql(self, frame: Frame) -> str:
        """Return the SQL of a lazy frame."""
        return str(nw.to_native(frame).sql_query())

    def keep(self, frame: Frame, stem: str, order: Sequence[str] = (), without: Sequence[str] = ()) -> str:
        """Compute a lazy frame once, in the order given, and return the name of its table.

        Parameters
        ----------
        frame : Frame
        stem : str
            Of the table's name.
        order : sequence of str
        without : sequence of str
            Columns that give the order and are not kept.
        """
        name = self.name(stem)
        left_out = f" EXCLUDE ({', '.join(identifier(key) for key in without)})" if without else ""
        ordered = f" ORDER BY {', '.join(identifier(key) for key in order)}" if order else ""
        self.execute(f"CREATE TABLE {identifier(name)} AS SELECT *{left_out} FROM ({self.sql(frame)}){ordered}")
        return name

    def kept(self, frame: Frame, stem: str, order: Sequence[str] = ()) -> Frame:
        """Compute a lazy frame once, in the order given, and return what stands in for it."""
        return self.table(self.keep(frame, stem, order))

    def put_in_order(self, frame: Frame, stem: str, order: Sequence[str], expected: bool) -> str:
        """Compute a lazy frame once, in the order given, and return the name of its table: one whose rows are expected
        to come in that order is sorted only if they do not.
        """
        if not expected:
            return self.keep(frame, stem, order)
        name = self.keep(frame, stem)
        if self.rises(name, order)[0]:
            return name
        in_order = self.keep(self.table(name), stem, order)
        self.drop(name)
        return in_order

    def collect(self, frame: Frame) -> list[tuple[Any, ...]]:
        """Return the rows of a small lazy frame: counts, the first few of something."""
        return self.rows(self.sql(frame))

    def view(self, table: str, more: Mapping[str, str]) -> str:
        """Return what stands for a table with more columns, given as SQL; forgotten together with it."""
        name = self.name(table)
        columns = "".join(f", {sql} AS {identifier(column)}" for column, sql in more.items())
        self.execute(f"CREATE VIEW {identifier(name)} AS SELECT *{columns} FROM {identifier(table)}")
        self._views[name] = table
        return name

    def drop(self, *names: str) -> None:
        """Forget tables."""
        for name in names:
            table = self._views.pop(name, name)
            if table != name:
                self.execute(f"DROP VIEW {identifier(name)}")
            self.execute(f"DROP TABLE IF EXISTS {identifier(table)}")

    def narrow(self, name: str, columns: Sequence[str]) -> None:
        """Forget columns of a kept table."""
        for column in columns:
            self.execute(f"ALTER TABLE {identifier(name)} DROP COLUMN {identifier(column)}")

    def count(self, name: str) -> int:
        """Return the number of rows of a kept table."""
        return int(self.rows(f"SELECT count(*) FROM {identifier(name)}")[0][0])

    def rises(self, name: str, keys: Sequence[str]) -> tuple[bool, bool]:
        """Return whether the rows of a kept table stand in the order of its keys, and whether two neighbours share
        them; a key that is missing is not looked at.

        One look from row to row, as they are stored: a table that is in order already need not be sorted.
        """
        cells = [identifier(key) for key in keys]
        pairs = ", ".join(f"{cell} AS key{i}, lag({cell}) OVER () AS before{i}" for i, cell in enumerate(cells))
        same = [f"key{i} = before{i}" for i in range(len(cells))]
        fall = [" AND ".join([*same[:i], f"key{i} < before{i}"]) for i in range(len(cells))]
        falls, twice = self.rows(
            f"SELECT count(*) FILTER ({' OR '.join(fall)}), count(*) FILTER ({' AND '.join(same)}) "
            f"FROM (SELECT {pairs} FROM {identifier(name)})"
        )[0]
        return not falls, bool(twice)

    def load(self, columns: Mapping[str, np.ndarray[Any, Any]], stem: str) -> str:
        """Copy arrays into a new table and return its name; NaN becomes missing."""
        name = self.name(stem)
        parts = ", ".join(
            f"CASE WHEN isfinite({identifier(key)}) THEN {identifier(key)} END AS {identifier(key)}" for key in columns
        )
        self.connection.register("given", dict(columns))
        self.execute(f"CREATE TABLE {identifier(name)} AS SELECT {parts} FROM given")
        self.connection.unregister("given")
        return name

    def told(self, what: str) -> None:
        """Pass on how far a long reading is, if somebody wants to know."""
        if self._told is not None:
            self._told(what)

    def fill(self, types: Mapping[str, str], chunks: Iterable[Mapping[str, Sequence[Any]]], stem: str) -> str:
        """Copy chunks of columns into a new table and return its name; None and NaN become NULL."""
        name = self.name(stem)
        columns = ", ".join(f"{identifier(key)} {kind}" for key, kind in types.items())
        self.execute(f"CREATE TABLE {identifier(name)} ({columns})")
        values = ", ".join(
            f"CASE WHEN NOT isnan({identifier(key)}) THEN {identifier(key)} END" if kind == "DOUBLE" else
            f"CAST({identifier(key)} AS {kind})" for key, kind in types.items()
        )  # fmt: skip
        for chunk in chunks:
            self.connection.register("given", {key: _array(chunk[key], kind) for key, kind in types.items()})
            self.execute(f"INSERT INTO {identifier(name)} SELECT {values} FROM given")
            self.connection.unregister("given")
        return name

    def rejected(self) -> list[tuple[int, str]]:
        """Return and forget the lines that the last reading left out: line and reason."""
        found = self.rows("SELECT line, error_message FROM reject_errors ORDER BY line")
        self.execute("DELETE FROM reject_errors")
        self.execute("DELETE FROM reject_scans")
        return [(int(line), str(message).splitlines()[0]) for line, message in found]
