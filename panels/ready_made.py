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

__all__ = ["read_table"]

_RESERVED = ("firm", "year", FILE, AT)

_TWO_DIGITS, _THIS_CENTURY = (10, 99), 50
"""Years that look like years of a century, and below which it is probably this one."""

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
    rows = drop_rows(engine, rows, "table", keyed_reasons(panel.years))
    rows = settle(engine, rows, "table", (*BY_FIRM, FILE, AT))
    rows = replace(rows, ledger=_noted_periods(engine, rows))
    return replace(rows, problems=(*rows.problems, *repeated_keys(engine, rows, rows.frame, sources)))


def _noted_periods(engine: Engine, rows: Rows) -> Ledger:
    """Note years that may be years of a century: periods may be counted as one likes, but a condition that says 2017
    holds for none of these.
    """
    year = nw.col("year")
    low, high = engine.collect(rows.frame.select(year.min().alias("low"), year.max().alias("high")))[0]
    if low is None or not _TWO_DIGITS[0] <= low <= high <= _TWO_DIGITS[1]:
        return rows.ledger
    century = 2000 if low < _THIS_CENTURY else 1900
    span = str(low) if low == high else f"{low}-{high}"
    what = f"years {span} taken as numbers of periods (calendar years are written {century + low})"
    return rows.ledger.note("table", "read", rows.count, what, rows.count)


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
