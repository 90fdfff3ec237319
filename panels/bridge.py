"""The bridge: which legal units make up an enterprise, and from when to when. Read and checked; what it says twice or
against itself is refused, all of it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import narwhals as nw

from panels.clean import bare_number
from panels.engine import Engine, Frame, identifier
from panels.layout import Layout
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, load, place
from panels.numbers import ten_digits
from panels.sources import Inspection, Source
from specs.errors import Problem

__all__ = ["FROM", "TO", "UNIT", "Bridge", "held_against_accounts", "read_bridge"]

UNIT, FROM, TO = "~unit", "~from", "~to"
"""The legal unit, and the first and last day of its time in the enterprise `firm`, as numbers of days; an open end is
far away.
"""

_EVER = 10_000_000.0
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Bridge:
    """A bridge as read.

    Attributes
    ----------
    frame : Frame
        `firm` (the enterprise), `UNIT`, `FROM` and `TO`, sorted by unit and time.
    count : int
        Its rows.
    ledger : Ledger
    sources : tuple of Source
    problems : tuple of Problem
        What its rows have wrong; it cannot be used then.
    """

    frame: Frame
    count: int
    ledger: Ledger
    sources: tuple[Source, ...]
    problems: tuple[Problem, ...]


def read_bridge(engine: Engine, inspection: Inspection, numbers: str = "as_given") -> Bridge:
    """Read the rows of the bridge and check them: both numbers there, no time that ends before it begins, no legal unit
    in two places at a time.
    """
    layout, sources = inspection.bridge_layout, inspection.bridge
    assert layout is not None
    keys = {"firm": "enterprise", UNIT: "unit", FROM: "from", TO: "to"}
    columns = {name: layout.keys[key].column for name, key in keys.items() if key in layout.keys}
    kinds = {"firm": "text", UNIT: "text", FROM: "day", TO: "limit"}
    wanted = [Wanted(name, _finder(layout, column), kinds[name]) for name, column in columns.items()]
    loaded = load(engine, sources, wanted, "bridge")
    table, problems = loaded.table, [*loaded.problems]
    ends = [
        (nw.col(name) if name in columns else nw.lit(None, dtype=nw.Float64)).fill_null(open_end).alias(name)
        for name, open_end in ((FROM, -_EVER), (TO, _EVER))
    ]
    frame = engine.table(table).with_columns(*ends)
    if numbers == "enterprise":  # of legal units; statistical enterprises have numbers of their own
        frame = frame.with_columns(ten_digits(nw.col(UNIT)).alias(UNIT))
    kept = engine.keep(frame, "bridge", (UNIT, FROM, TO, FILE, AT))
    engine.drop(table)
    problems += _empty_and_turned(engine, kept, sources) + _overlaps(engine, kept, sources)
    count = engine.count(kept)
    if not count and not problems:
        problems = [sources[0].file.problem(" holds no rows", "no legal unit would belong to an enterprise")]
    ledger = Ledger().step("bridge", "read", count, count)
    return Bridge(engine.table(kept), count, ledger, sources, tuple(problems))


def _finder(layout: Layout, column: str) -> Callable[[Source], int | None]:
    return lambda source: source.index(layout, column)


def _told(engine: Engine, sql: str, sources: tuple[Source, ...], what: str, meaning: str, advice: str) -> list[Problem]:
    """One problem a file: how many rows, and where the first few stand. `sql` yields file and row."""
    places: dict[int, list[int]] = {}
    for file, at in engine.rows(f"{sql} ORDER BY 1, 2"):
        places.setdefault(int(file), []).append(int(at))
    problems = []
    for file, rows in places.items():
        shown = ", ".join(place(sources[file], at) for at in rows[:_SHOWN])
        more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
        problems.append(sources[file].file.problem(f", {shown}{more}: {what}", meaning, advice))
    return problems


def _empty_and_turned(engine: Engine, table: str, sources: tuple[Source, ...]) -> list[Problem]:
    rows = f'SELECT "{FILE}", "{AT}" FROM {identifier(table)} WHERE'
    unit, start, end = (identifier(name) for name in (UNIT, FROM, TO))
    return [
        *_told(engine, f"{rows} firm IS NULL", sources, "no enterprise",
               "the legal unit would belong to nobody", "fill it in, or leave the row out"),
        *_told(engine, f"{rows} {unit} IS NULL", sources, "no legal unit",
               "the enterprise would have no accounts", "fill it in, or leave the row out"),
        *_told(engine, f"{rows} {start} > {end}", sources, "the validity ends before it begins",
               "the row would never hold", "exchange the two dates"),
    ]  # fmt: skip


def _overlaps(engine: Engine, table: str, sources: tuple[Source, ...]) -> list[Problem]:
    """Find rows whose legal unit is somewhere else at the same time: each with the first that it meets."""
    unit, start, end = (identifier(name) for name in (UNIT, FROM, TO))
    rows = (
        f"(SELECT *, row_number() OVER () AS n FROM {identifier(table)} WHERE {unit} IS NOT NULL AND {start} <= {end})"
    )
    pairs = engine.rows(
        f'SELECT b."{FILE}", b."{AT}", arg_min(a."{FILE}", a.n), arg_min(a."{AT}", a.n), '
        f"bool_or(a.firm IS DISTINCT FROM b.firm) FROM {rows} a JOIN {rows} b "
        f"ON a.{unit} = b.{unit} AND a.n < b.n AND a.{start} <= b.{end} AND b.{start} <= a.{end} "
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )
    problems = []
    kinds = (
        (True, "a legal unit in two enterprises at a time", "its accounts would count in both",
         "let one validity end before the other begins"),
        (False, "a legal unit twice in its enterprise at a time", "its accounts would count twice",
         "keep one row, or let one validity end before the other begins"),
    )  # fmt: skip
    for apart, what, meaning, advice in kinds:
        found = [row for row in pairs if bool(row[4]) == apart]
        if not found:
            continue
        shown = [
            f"{place(sources[file], int(at))} with {_also(sources, int(file), int(other), int(there))}"
            for file, at, other, there, _ in found[:_SHOWN]
        ]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        first = sources[found[0][0]]
        problems.append(first.file.problem(f", {', '.join(shown)}{more}: {what}", meaning, advice))
    return problems


def _also(sources: tuple[Source, ...], here: int, there: int, at: int) -> str:
    shown = place(sources[there], at)
    return shown if here == there else f"{shown} of {sources[there].file.shown}"


def held_against_accounts(engine: Engine, bridge: Bridge, accounts: Frame) -> Bridge:
    """Hold the bridge's legal units against those of the accounts: not one in common, or the same number written in
    two ways, is a mistake; units without accounts are counted.

    Parameters
    ----------
    engine : Engine
    bridge : Bridge
    accounts : Frame
        With the legal unit as `firm`.
    """
    units, spine = engine.sql(bridge.frame.select(UNIT, FILE, AT)), engine.sql(accounts.select("firm"))
    unit, source = identifier(UNIT), bridge.sources[0]
    total, alone = engine.rows(
        f"SELECT count(*), count(*) FILTER ({unit} NOT IN (SELECT firm FROM ({spine}))) FROM ({units})"
    )[0]
    rows = engine.rows(f"SELECT count(*) FROM ({spine})")[0][0]
    bare, written = bare_number(unit), bare_number("firm")
    twice = (
        f'SELECT "{FILE}", "{AT}" FROM ({units}) WHERE {unit} NOT IN (SELECT firm FROM ({spine})) '
        f"AND {bare} IN (SELECT {written} FROM ({spine}) WHERE {written} IS NOT NULL)"
    )
    problems = _told(engine, twice, bridge.sources, "a legal unit whose number the accounts write with other zeros",
                     "its accounts would stay outside its enterprise",
                     "write a number alike in all files, with its leading zeros")  # fmt: skip
    if not problems and rows and 0 < total == alone:
        none = f"none of its {total:,} rows has a" if total > 1 else "its only row has no"
        what = f": {none} legal unit that is in the accounts"
        problems = [source.file.problem(what, "", "are unit and enterprise exchanged?")]
    ledger = bridge.ledger.note(
        "bridge", "read", bridge.count, "legal unit without accounts in the years kept", int(alone)
    )
    return replace(bridge, ledger=ledger, problems=(*bridge.problems, *problems))
