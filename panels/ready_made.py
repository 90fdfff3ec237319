"""A panel that an economist has made already: one table, its own column names, its own keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import narwhals as nw

from panels.clean import BY_FIRM, drop_rows, keyed_reasons, repeated_keys, settle
from panels.engine import Engine, identifier
from panels.expressions import Column
from panels.facts import ColumnFacts
from panels.kinds import MOSTLY
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, by_header, load, place
from panels.plan import PanelPlan
from panels.sources import Inspection, Source
from panels.steps import Rows
from panels.store import physical_names
from panels.windows import distinct
from specs.errors import Problem
from specs.spans import CALENDAR

__all__ = ["read_table"]

_RESERVED = ("firm", "year", FILE, AT)

_CENTURY, _THIS_CENTURY = 100, 50
"""Below which years may be those of a century, and below which that is probably this one."""

_KEYS = len(keyed_reasons(None))

_AT_ONCE = 100
"""Columns counted by one query: the engine's time to plan one grows faster than its columns."""


def read_table(engine: Engine, plan: PanelPlan, inspection: Inspection) -> Rows:
    """Read the files of a ready-made panel.

    A column is a number if each of its values reads as one, else text; the firm is always text, as written.
    """
    sources, panel = inspection.table, plan.panel
    assert panel.firm is not None
    assert panel.year is not None
    names = [name for name in sources[0].header.names if name and name not in (panel.firm, panel.year)]
    physical = physical_names(names, _RESERVED)
    kinds = {name: inspection.columns[name].kind for name in names}
    texts = [Wanted(physical[name], by_header(name), "text") for name in names if kinds[name] != "number"]
    # Where only the values tell, both readings are taken; "~" keeps the second apart from every name.
    numbers = [
        Wanted(physical[name] if kinds[name] == "number" else f"~{physical[name]}", by_header(name), "maybe")
        for name in names if kinds[name] != "text"
    ]  # fmt: skip
    keys = [Wanted("firm", by_header(panel.firm), "text"), Wanted("year", by_header(panel.year), "period")]
    loaded = load(engine, sources, [*keys, *texts, *numbers], "table")
    table = loaded.table
    untold = [name for name in names if kinds[name] == "unknown"]
    misfits = _misfits(engine, table, untold, physical, sources)
    kinds |= {name: "text" if name in misfits else "number" for name in untold}
    facts = {"firm": ColumnFacts("firm", "text", "", f"column {panel.firm}"),
             "year": ColumnFacts("year", "number", "", f"column {panel.year}")}  # fmt: skip
    columns = {"firm": Column("firm", "text"), "year": Column("year", "number")}
    for name in names:
        kind = "number" if kinds[name] == "number" else "text"
        facts[name] = ColumnFacts(name, kind, "", misfits.get(name, "column of the file"))
        columns[name] = Column(physical[name], kind)
    aliases = {alias: key for alias, key in ((panel.firm, "firm"), (panel.year, "year")) if alias != key}
    for alias, key in aliases.items():
        facts[alias], columns[alias] = facts[key], columns[key]
    told_by_values = {name for name in names if inspection.columns[name].kind == "unknown"}
    numbers_found = {name for name in told_by_values if kinds[name] == "number"}
    chosen = [
        nw.col(f"~{physical[name]}" if name in numbers_found else physical[name]).alias(physical[name])
        for name in names
    ]
    frame = engine.table(table).select("firm", "year", FILE, AT, *chosen)
    count = engine.count(table)
    ledger = loaded.opened(Ledger(), "table", "deposits", count)
    rows = Rows(frame, count, columns, facts, ledger, loaded.problems, aliases, tables=(table,))
    rows = replace(rows, ordered=engine.rises(table, BY_FIRM)[0])
    rows = drop_rows(engine, rows, "table", keyed_reasons(None))
    years = [int(row[0]) for row in engine.collect(distinct(rows.frame, "year").sort("year"))]
    rows = replace(rows, ledger=_noted_periods(rows, years))
    rows = drop_rows(engine, rows, "table", keyed_reasons(panel.years)[_KEYS:])
    problems = _none_of_the_years(plan, years) if years and not rows.count else ()
    rows = settle(engine, rows, "table", (*BY_FIRM, FILE, AT))
    return replace(rows, problems=(*rows.problems, *problems, *repeated_keys(engine, rows, rows.frame, sources)))


def _noted_periods(rows: Rows, years: Sequence[int]) -> Ledger:
    """Note years that may be years of a century: periods may be counted as one likes, but a condition that says 2017
    holds for none of these.

    Whoever counts periods begins with 0 or 1 and leaves none out; all other years below 100 are noted.
    """
    if not years or years[0] < 0 or years[-1] >= _CENTURY:
        return rows.ledger
    if years[0] in (0, 1) and years[-1] - years[0] == len(years) - 1:
        return rows.ledger
    first, last = years[0], years[-1]
    late, early = ([one for one in years if (one < _THIS_CENTURY) == is_early] for is_early in (False, True))
    if late and early and early[-1] + _CENTURY - late[0] < last - first:  # 98, 99, 0, 1: from 1998 to 2001
        first, last = late[0], early[-1]
    century = 1900 if late else 2000
    what = f"years {_spanned(first, last)} taken as numbers of periods (calendar years are written {century + first})"
    return rows.ledger.note("table", "read", rows.count, what, rows.count)


def _none_of_the_years(plan: PanelPlan, years: Sequence[int]) -> tuple[Problem, ...]:
    """Say that the table has no row of the years that the spec keeps, and which it has."""
    node = plan.node("panel", "years")
    low, high = years[0], years[-1]
    assert plan.panel.years is not None
    has, advice = f"its years are {_spanned(low, high)}", f"write years: [{low}, {high}], or leave it out"
    if high < CALENDAR:
        has, advice = f"{has}, as numbers of periods", f"{advice}, or write the years of the file as 2017"
    what = f"the table holds no row of the years {_spanned(*plan.panel.years)}"
    return (Problem(node.position, "panel.years", what, has, advice),)


def _spanned(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _misfits(
    engine: Engine, table: str, names: Sequence[str], physical: Mapping[str, str], sources: Sequence[Source]
) -> dict[str, str]:
    """Return the columns of text, and where one of mostly numbers holds its first text."""
    pairs = {name: [identifier(f"{mark}{physical[name]}") for mark in ("", "~")] for name in names}
    found = {}
    for start in range(0, len(names), _AT_ONCE):
        chunk = names[start : start + _AT_ONCE]
        counted = ", ".join(f"count({cell})" for name in chunk for cell in pairs[name])
        counts = engine.rows(f"SELECT {counted} FROM {identifier(table)}")[0]
        for name, texts, numbers in zip(chunk, counts[::2], counts[1::2], strict=True):
            if texts > numbers:
                found[name] = "column of the file"
            if texts > numbers and 2 * numbers > texts:
                text, number = pairs[name]
                first, file, at = engine.rows(
                    f'SELECT {text}, "{FILE}", "{AT}" FROM {identifier(table)} '
                    f"WHERE {text} IS NOT NULL AND {number} IS NULL ORDER BY 2, 3 LIMIT 1"
                )[0]
                found[name] = f'{MOSTLY}"{first}" in {sources[file].file.shown}, {place(sources[file], int(at))}'
    return found
