"""A look at the columns of files that no spec describes yet: their kinds, and what their values look like.

For `tfplab new`. Every cell is read by the readers and rules of the panel itself, so that a column is a number here
exactly where the panel will take it for one. What comes out are counts and ranges; a value of a row is never shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from panels.engine import Engine, identifier
from panels.layout import Layout
from panels.load import Wanted, by_header, load
from panels.readers.found import data_files
from panels.readers.registry import inspect
from panels.sources import Source
from specs.errors import Position, SpecError
from specs.files import FileSet

__all__ = ["Glance", "GlancedColumn", "glance", "years_of"]

_AT_ONCE = 100
_FIRST, _LAST = 1800, 2199


@dataclass(frozen=True, slots=True)
class GlancedColumn:
    """What the values of a column look like.

    Attributes
    ----------
    name : str
        As in the files.
    kind : str
        ``number`` or ``text``, as the panel will have it.
    filled : int
        Rows with a value.
    levels : int
        Different values.
    low, high, mean, median : float
        Of a number; 0 for a text.
    whole : bool
        Whether all its numbers are whole.
    """

    name: str
    kind: str
    filled: int
    levels: int
    low: float = 0.0
    high: float = 0.0
    mean: float = 0.0
    median: float = 0.0
    whole: bool = False

    @property
    def binary(self) -> bool:
        """Whether it is 0 in some rows, 1 in others, and nothing else."""
        return self.kind == "number" and self.levels == 2 and (self.low, self.high, self.whole) == (0.0, 1.0, True)

    @property
    def yearly(self) -> bool:
        """Whether all its values are years."""
        return self.kind == "number" and self.whole and self.filled > 0 and self.low >= _FIRST and self.high <= _LAST

    @property
    def logs(self) -> bool:
        """Whether its values look like logs: between -30 and 30, not whole, and not piled up near their least."""
        if self.kind != "number" or self.whole or not self.filled:
            return False
        return self.low >= -30 and self.high <= 30 and (self.low < 0 or self.mean <= 1.5 * self.median)


class Glance:
    """Files of a ready-made panel, read.

    Parameters
    ----------
    engine : Engine
    table : str
        In it, every column as text and as a number.
    names : sequence of str
        Of the columns.
    """

    def __init__(self, engine: Engine, table: str, names: Sequence[str]) -> None:
        self._engine, self._table = engine, table
        self._places = {name: place for place, name in enumerate(names)}
        self.rows = int(engine.rows(f"SELECT count(*) FROM {identifier(table)}")[0][0])
        self.columns = {one.name: one for one in self._columns(names)}

    def _columns(self, names: Sequence[str]) -> list[GlancedColumn]:
        found: list[GlancedColumn] = []
        for start in range(0, len(names), _AT_ONCE):
            chunk = names[start : start + _AT_ONCE]
            asked = ", ".join(
                f"count(t{place}), count(n{place}), count(DISTINCT t{place}), count(DISTINCT n{place}), min(n{place}), "
                f"max(n{place}), avg(n{place}), median(n{place}), bool_and(n{place} = floor(n{place}))"
                for place in range(start, start + len(chunk))
            )
            answers = self._engine.rows(f"SELECT {asked} FROM {identifier(self._table)}")[0]
            for place, name in enumerate(chunk):
                texts, numbers, levels, values, *moments, whole = answers[9 * place : 9 * place + 9]
                if texts > numbers or not texts:
                    found.append(GlancedColumn(name, "text" if texts else "number", texts, levels))
                else:
                    low, high, mean, median = (float(one) for one in moments)
                    found.append(GlancedColumn(name, "number", numbers, values, low, high, mean, median, bool(whole)))
        return found

    def firms(self, firm: str) -> int:
        """Return how many firms there are."""
        return self.columns[firm].levels

    def years(self, year: str, column: str) -> tuple[int, ...]:
        """Return the years in which a column has values, ascending."""
        sql = f"SELECT DISTINCT {self._cell(year, 'n')} AS y FROM {identifier(self._table)} "
        rows = self._engine.rows(f"{sql} WHERE y IS NOT NULL AND {self._cell(column, 't')} IS NOT NULL ORDER BY y")
        return tuple(int(row[0]) for row in rows)

    def mostly_above(self, one: str, other: str) -> bool:
        """Return whether a column of numbers exceeds another in nine of ten rows that have both."""
        above = f"{self._cell(one, 'n')} > {self._cell(other, 'n')}"
        sql = f"SELECT count(*) FILTER (WHERE {above}), count({above}) FROM {identifier(self._table)}"
        more, both = self._engine.rows(sql)[0]
        return bool(both and more >= 0.9 * both)

    def is_key(self, firm: str, year: str) -> bool:
        """Return whether no firm has a year twice, both are filled in every row, and some firm has several years."""
        one, other = self._cell(firm, "t"), self._cell(year, "n")
        sql = (
            f"SELECT count(*), count(DISTINCT ({one}, {other})), count(DISTINCT {one}) FROM {identifier(self._table)} "
        )
        rows, pairs, firms = self._engine.rows(sql + f"WHERE {one} IS NOT NULL AND {other} IS NOT NULL")[0]
        return bool(rows == self.rows == pairs and firms < rows)

    def constant(self, firm: str, column: str) -> bool:
        """Return whether a column of numbers has at most one value in every firm."""
        sql = f"SELECT {self._cell(firm, 't')} AS f FROM {identifier(self._table)} GROUP BY f "
        return not self._engine.rows(f"{sql} HAVING count(DISTINCT {self._cell(column, 'n')}) > 1 LIMIT 1")

    def reverses(self, firm: str, year: str, column: str) -> bool:
        """Return whether a firm that has been 1 is 0 in a later year."""
        one, at, value = self._cell(firm, "t"), self._cell(year, "n"), self._cell(column, "n")
        inner = (
            f"SELECT {value} AS v, max({value}) OVER (PARTITION BY {one} ORDER BY {at}) AS m "
            f"FROM {identifier(self._table)}"
        )
        return bool(self._engine.rows(f"SELECT 1 FROM ({inner}) WHERE v = 0 AND m = 1 LIMIT 1"))

    def _cell(self, name: str, kind: str) -> str:
        return f"{kind}{self._places[name]}"


def glance(files: FileSet, position: Position) -> tuple[Glance, tuple[Source, ...]]:
    """Read the files of a ready-made panel.

    Parameters
    ----------
    files : FileSet
        Relative to the folder of the position's file.
    position : Position
        Where problems stand.

    Raises
    ------
    SpecError
        Where a file is missing or cannot be read, or the files have different columns.
    """
    found, problems = data_files(files, "panel.table.files", position)
    sources, wrong = [], list(problems)
    for file in found:
        header, told = inspect(file)
        wrong += told
        if header is not None:
            sources.append(Source(file, header))
    for source in sources[1:]:
        for name in sources[0].header.names:
            if name and name not in source.header.names:
                wrong.append(source.file.problem(f' has no column "{name}"', f"{sources[0].file.shown} has it"))
    if wrong or not sources:
        raise SpecError(wrong)
    names = [name for name in sources[0].header.names if name]
    wanted = [
        Wanted(f"{letter}{place}", by_header(name), kind)
        for place, name in enumerate(names)
        for letter, kind in (("t", "text"), ("n", "maybe"))
    ]
    engine = Engine(sum(source.file.size() for source in sources))
    loaded = load(engine, sources, wanted, "table")
    if loaded.problems:
        raise SpecError(loaded.problems)
    return Glance(engine, loaded.table, names), tuple(sources)


def years_of(sources: Sequence[Source], layout: Layout) -> tuple[int, ...]:
    """Return the years that files of accounts, or the waves that files of a survey, have rows of, ascending.

    Parameters
    ----------
    sources : sequence of Source
    layout : Layout

    Raises
    ------
    SpecError
    """
    waves = {source.file.wave for source in sources if source.file.wave is not None}
    rest = [source for source in sources if source.file.wave is None]
    key = layout.keys.get("wave" if layout.table == "survey" else "year")
    if not rest or key is None:
        return tuple(sorted(waves))
    engine = Engine(sum(source.file.size() for source in rest))
    loaded = load(engine, rest, [Wanted("year", lambda source: source.index(layout, key.column), "whole")], "years")
    if loaded.problems:
        raise SpecError(loaded.problems)
    sql = f"SELECT DISTINCT year FROM {identifier(loaded.table)} WHERE year IS NOT NULL"
    return tuple(sorted({*waves, *(int(row[0]) for row in engine.rows(sql))}))
