"""The rows of a panel in DuckDB: tables with the same rows in the same order, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import narwhals as nw
import numpy as np

from panels.arrays import FloatArray, IntArray
from panels.engine import Engine, Frame, identifier
from panels.expressions import Column, Stages
from panels.frame import NumberColumn, Selection, Store, TextColumn
from panels.readers.files import quoted
from specs.counting import counted
from specs.errors import EstimationError
from specs.expressions import Expression

__all__ = ["FIRM_CODE", "ROW", "Table", "count_flags", "physical_names"]

ROW, FIRM_CODE = "~row", "~firm"
"""The position of a row and the code of its firm; no name of a spec holds this sign."""

Counts = tuple[tuple[str, str, int, bool], ...]


def physical_names(names: Sequence[str], taken: Sequence[str] = ()) -> dict[str, str]:
    """Return a name in the table for each column: DuckDB does not tell K from k, the language does, and the steps
    themselves take the names that begin with ~.
    """
    used = {name.lower() for name in taken}
    found: dict[str, str] = {}
    for name in names:
        plain = f"column {name}" if name.startswith("~") else name
        physical, number = plain, 1
        while physical.lower() in used:
            number += 1
            physical = f"{plain}~{number}"
        used.add(physical.lower())
        found[name] = physical
    return found


def count_flags(engine: Engine, table: str, stages: Stages) -> Counts:
    """Count what the stages flagged in a kept table: variable, reason, rows, whether it is a mistake."""
    flags = stages.flags
    if not flags:
        return ()
    columns = ", ".join(f"count(*) FILTER ({identifier(flag.column)})" for flag in flags)
    counts = engine.rows(f"SELECT {columns} FROM {identifier(table)}")[0]
    totals: dict[tuple[str, str, bool], int] = {}
    for flag, count in zip(flags, counts, strict=True):
        key = (flag.variable, flag.reason, flag.fatal)
        totals[key] = totals.get(key, 0) + int(count)
    return tuple((name, reason, count, fatal) for (name, reason, fatal), count in totals.items() if count)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A panel's rows.

    Attributes
    ----------
    engine : Engine
    parts : tuple of str
        Tables of the same rows in the same order; the first holds the keys.
    columns : mapping of str to Column
        By name or alias.
    orders : mapping of str to tuple of str
        The levels of text columns that have an order of their own, by the name in the table.
    levels : dict
        The levels of text columns, found when first asked for.
    firm_names : tuple of str
    n_rows : int
    """

    engine: Engine
    parts: tuple[str, ...]
    columns: Mapping[str, Column]
    orders: Mapping[str, tuple[str, ...]]
    firm_names: tuple[str, ...]
    n_rows: int
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def frame(self) -> Frame:
        """Return all columns as a lazy frame."""
        return self.engine.beside(*self.parts)

    def select(self, columns: Sequence[str], where: Expression | None) -> Selection:
        """Return columns of the rows where a condition holds."""
        wanted = {name: self.columns[name] for name in dict.fromkeys(columns)}
        frame, outside = self.frame(), {}
        keys = [ROW, FIRM_CODE, "year"]
        physical = dict.fromkeys([*keys, *(column.physical for column in wanted.values())])
        if where is not None:
            stages = Stages(self.columns)
            stages.condition("where", where, "~where")
            frame = stages.apply(frame)
            if any(flag.fatal for flag in stages.flags):
                self._refuse(frame, stages)
            frame = frame.select(*physical, "~where")
            counted = self.engine.rows(
                f'SELECT count(*) FILTER (NOT "~where"), count(*) FILTER ("~where" IS NULL) '
                f"FROM ({self.engine.sql(frame)})"
            )[0]
            outside = {"where is false": int(counted[0]), "where is missing": int(counted[1])}
            frame = frame.filter(nw.col("~where"))
        sql = self.engine.sql(frame.select(*physical))
        parts = {name: self._sql(column) for name, column in wanted.items()}
        named = "".join(f", {part} AS v{index}" for index, part in enumerate(parts.values()))
        fetched = self.engine.connection.execute(
            f'SELECT "{ROW}" AS r, "{FIRM_CODE}" AS f, "year" AS y{named} FROM ({sql})'
        ).fetchnumpy()
        return self._selection(fetched, tuple(wanted), {reason: n for reason, n in outside.items() if n})

    def _refuse(self, frame: Frame, stages: Stages) -> None:
        flags = [flag for flag in stages.flags if flag.fatal]
        columns = ", ".join(f"count(*) FILTER ({identifier(flag.column)})" for flag in flags)
        total = sum(self.engine.rows(f"SELECT {columns} FROM ({self.engine.sql(frame)})")[0])
        if total:
            what = f"a condition is {flags[0].reason} in {counted(total, 'row')}"
            raise EstimationError(f"where: {what}, write a comparison")

    def _sql(self, column: Column) -> str:
        name = identifier(column.physical)
        if column.physical == "firm":
            return f'"{FIRM_CODE}"'
        if column.kind == "answer":
            return f"CASE WHEN {name} <= 1 THEN CAST({name} AS DOUBLE) END"
        if column.kind == "number":
            return f"CAST({name} AS DOUBLE)"
        levels = self._levels(column)
        if not levels:
            return "-1"
        listed = ", ".join(quoted(level) for level in levels)
        return f"CAST(enum_code(CAST({name} AS ENUM({listed}))) AS BIGINT)"

    def _levels(self, column: Column) -> tuple[str, ...]:
        """The values of a text column in ascending order, or in the order of its own; found once."""
        if column.physical == "firm":
            return self.firm_names
        found = self.levels.get(column.physical)
        if found is None:
            name = identifier(column.physical)
            frame = self.engine.sql(self.frame().select(column.physical))
            rows = {
                str(row[0])
                for row in self.engine.rows(f"SELECT DISTINCT {name} FROM ({frame}) WHERE {name} IS NOT NULL")
            }
            order = self.orders.get(column.physical) or tuple(sorted(rows))
            found = self.levels[column.physical] = tuple(level for level in order if level in rows)
        return found

    def _selection(self, fetched: Mapping[str, Any], names: Sequence[str], outside: Mapping[str, int]) -> Selection:
        rows = np.ascontiguousarray(np.ma.getdata(fetched["r"]), dtype=np.int64)
        # A window leaves rows in the order of its partitions; without one they come as they are stored.
        order = None if np.all(rows[1:] > rows[:-1]) else np.argsort(rows, kind="stable")

        def taken(key: str) -> np.ma.MaskedArray[Any, Any]:
            values = np.ma.asarray(fetched[key])
            return values if order is None else values[order]

        columns: dict[str, NumberColumn | TextColumn] = {}
        for index, name in enumerate(names):
            column, values = self.columns[name], taken(f"v{index}")
            if column.kind == "text":
                codes = np.asarray(np.ma.filled(values.astype(np.int64), -1), dtype=np.int64)
                columns[name] = TextColumn(codes, self._levels(column))
            else:
                numbers: FloatArray = np.asarray(np.ma.filled(values.astype(np.float64), np.nan), dtype=np.float64)
                columns[name] = NumberColumn(numbers)

        def whole(key: str) -> IntArray:
            return np.ascontiguousarray(np.ma.getdata(taken(key)), dtype=np.int64)

        return Selection(whole("r"), whole("f"), whole("y"), columns, self.n_rows, outside)

    def with_numbers(self, numbers: Mapping[str, FloatArray]) -> Table:
        """Return the table with more columns of numbers beside it."""
        names = physical_names(tuple(numbers), self._taken())
        part = self.engine.load({names[name]: values for name, values in numbers.items()}, "numbers")
        added = {name: Column(names[name], "number") for name in numbers}
        return replace(self, parts=(*self.parts, part), columns={**self.columns, **added}, levels=self.levels)

    def derive(
        self, expressions: Mapping[str, Expression], orders: Mapping[str, tuple[str, ...]]
    ) -> tuple[Table, Counts]:
        """Return the table with derived columns beside it, and what was counted in them."""
        names = physical_names(tuple(expressions), self._taken())
        stages = Stages(self.columns)
        for name, expression in expressions.items():
            stages.define(name, expression, names[name])
        flags = dict.fromkeys(flag.column for flag in stages.flags)
        frame = stages.apply(self.frame()).select(ROW, *names.values(), *flags)
        kept = self.engine.keep(frame, "derived", (ROW,))
        counts = count_flags(self.engine, kept, stages)
        part = self.engine.keep(self.engine.table(kept).select(*names.values()), "derived")
        self.engine.drop(kept)
        added = {name: stages.columns[name] for name in expressions}
        known = {**self.orders, **{names[name]: levels for name, levels in orders.items() if levels}}
        return replace(self, parts=(*self.parts, part), columns={**self.columns, **added}, orders=known), counts

    def only(self, columns: Sequence[str]) -> Table:
        """Return a table of the keys and some columns: what is computed from it need not carry the others along."""
        wanted = {"firm", "year", *(self.columns[name].physical for name in columns)}
        kept = {name: column for name, column in self.columns.items() if column.physical in wanted}
        frame = self.frame().select(ROW, FIRM_CODE, *dict.fromkeys(column.physical for column in kept.values()))
        return replace(self, parts=(self.engine.keep(frame, "only", (ROW,)),), columns=kept)

    def forget(self, later: Store) -> None:
        """Drop the tables that a store made of this one holds beyond it."""
        assert isinstance(later, Table)
        self.engine.drop(*(part for part in later.parts if part not in self.parts))

    def _taken(self) -> tuple[str, ...]:
        return tuple(column.physical for column in self.columns.values())
