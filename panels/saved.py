"""A panel in a folder, and back: its tables as Parquet files, and a record of all else.

What is computed from a panel that was read back is the same to the bit: rows keep their order, columns their types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from panels.engine import Engine, identifier
from panels.expressions import Column
from panels.facts import ColumnFacts
from panels.frame import FirmPanel
from panels.ledger import Ledger
from panels.linkage import LinkDiagnostics
from panels.readers.files import quoted
from panels.store import Table

__all__ = ["SavedPanel", "SavedTable", "UnsavableError", "keep_only", "read_panel", "save_panel"]

_TYPES = re.compile(
    r"VARCHAR|DOUBLE|FLOAT|BOOLEAN|U?(TINY|SMALL|BIG)INT|U?INTEGER|DATE|TIMESTAMP|ENUM\('([^']|'')*'(, '([^']|'')*')*\)"
)
"""Types that a Parquet file holds without loss. (It would round a HUGEINT.)"""


class UnsavableError(Exception):
    """A panel that cannot be saved without loss: why."""


@dataclass(frozen=True, slots=True)
class SavedTable:
    """One of the tables of a panel.

    Attributes
    ----------
    file : str
        In the folder.
    types : tuple of (str, str)
        Each column and its type, in the order of the table.
    """

    file: str
    types: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SavedPanel:
    """All of a panel but its tables; fields as those of `panels.frame.FirmPanel` and `panels.store.Table`.

    Attributes
    ----------
    parts : tuple of SavedTable
    respondents : SavedPanel or None
    """

    columns: dict[str, ColumnFacts]
    n_rows: int
    n_firms: int
    years: tuple[int, ...]
    ledger: Ledger
    link: dict[str, dict[str, int]]
    aliases: dict[str, str]
    firm_names: tuple[str, ...]
    linkage: LinkDiagnostics | None
    parts: tuple[SavedTable, ...]
    physical: dict[str, Column]
    orders: dict[str, tuple[str, ...]]
    respondents: SavedPanel | None


def save_panel(panel: FirmPanel, folder: Path) -> SavedPanel:
    """Write the tables of a panel into a folder, and return what else there is of it.

    Parameters
    ----------
    panel : FirmPanel
    folder : Path
        There already, and empty.

    Raises
    ------
    UnsavableError
        If a column has a type that would not come back as it is.
    """
    return _save(panel, folder, "panel")


def _save(panel: FirmPanel, folder: Path, stem: str) -> SavedPanel:
    store = panel.store
    assert isinstance(store, Table)
    parts = []
    for number, part in enumerate(store.parts):
        types = tuple((str(name), str(kind)) for name, kind, *_ in store.engine.rows(f"DESCRIBE {identifier(part)}"))
        for name, kind in types:
            if not _TYPES.fullmatch(kind):
                raise UnsavableError(f"column {name} is of a type that no file holds without loss: {kind}")
        one = SavedTable(f"{stem}_{number}.parquet", types)
        target = quoted(str(folder / one.file))
        store.engine.execute(f"COPY {identifier(part)} TO {target} (FORMAT parquet, COMPRESSION snappy)")
        parts.append(one)
    return SavedPanel(
        dict(panel.columns),
        panel.n_rows,
        panel.n_firms,
        panel.years,
        panel.ledger,
        {wave: dict(counts) for wave, counts in panel.link.items()},
        dict(panel.aliases),
        panel.firm_names,
        panel.linkage,
        tuple(parts),
        dict(store.columns),
        dict(store.orders),
        None if panel.respondents is None else _save(panel.respondents, folder, "respondents"),
    )


def read_panel(saved: SavedPanel, folder: Path, told: Callable[[str], None] | None = None) -> FirmPanel:
    """Return the panel that was saved into a folder.

    Parameters
    ----------
    saved : SavedPanel
    folder : Path
    told : callable, optional
        As of `panels.engine.Engine`.

    Raises
    ------
    ValueError
        If a file does not hold the table that it should.
    duckdb.Error, OSError
        If a file cannot be read.
    """
    size = sum((folder / part.file).stat().st_size for part in (*saved.parts, *_of_respondents(saved)))
    return _read(saved, folder, Engine(size * _UNPACKED, told=told))


_UNPACKED = 3
"""How much larger a table is than its file, roughly: it decides whether tables live in memory."""


def _of_respondents(saved: SavedPanel) -> tuple[SavedTable, ...]:
    return () if saved.respondents is None else saved.respondents.parts


def _read(saved: SavedPanel, folder: Path, engine: Engine) -> FirmPanel:
    names = []
    for part in saved.parts:
        for _, kind in part.types:
            if not _TYPES.fullmatch(kind):
                raise ValueError(f"a column of type {kind}")
        columns = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in part.types)
        name = engine.name("saved")
        source = quoted(str(folder / part.file))
        engine.execute(f"CREATE TABLE {identifier(name)} AS SELECT {columns} FROM read_parquet({source})")
        if engine.count(name) != saved.n_rows:
            raise ValueError(f"{engine.count(name)} rows instead of {saved.n_rows}")
        names.append(name)
    physical: Mapping[str, Column] = saved.physical
    store = Table(engine, tuple(names), physical, saved.orders, saved.firm_names, saved.n_rows)
    respondents = None if saved.respondents is None else _read(saved.respondents, folder, engine)
    return FirmPanel(
        saved.columns,
        saved.n_rows,
        saved.n_firms,
        saved.years,
        saved.ledger,
        saved.link,
        saved.aliases,
        saved.firm_names,
        store,
        respondents,
        saved.linkage,
    )


def keep_only(panel: FirmPanel) -> None:
    """Forget every table that was made of a panel: those that share its engine can no longer be used.

    A panel from which one run after another takes its rows would grow with each of them.
    """
    store = panel.store
    assert isinstance(store, Table)
    kept = set(store.parts)
    if panel.respondents is not None:
        beside = panel.respondents.store
        assert isinstance(beside, Table)
        kept |= set(beside.parts)
    engine = store.engine
    for (name,) in engine.rows("SELECT view_name FROM duckdb_views() WHERE NOT internal"):
        engine.execute(f"DROP VIEW IF EXISTS {identifier(str(name))}")
    for (name,) in engine.rows("SELECT table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary"):
        if name not in kept:
            engine.execute(f"DROP TABLE {identifier(str(name))}")
