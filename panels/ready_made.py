"""A panel that an economist has made already: one table, its own column names, its own keys."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw

from panels.clean import drop_rows, keyed_reasons, repeated_keys
from panels.engine import Engine, identifier
from panels.expressions import Column
from panels.facts import ColumnFacts
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, by_header, load
from panels.plan import PanelPlan
from panels.sources import Inspection
from panels.steps import Rows
from panels.store import physical_names

__all__ = ["read_table"]

_RESERVED = ("firm", "year", FILE, AT)


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
    keys = [Wanted("firm", by_header(panel.firm), "text"), Wanted("year", by_header(panel.year), "whole")]
    table, problems = load(engine, sources, [*keys, *texts, *numbers], "table")
    for name in _all_numbers(engine, table, [name for name in names if kinds[name] == "unknown"], physical):
        kinds[name] = "number"
    facts = {"firm": ColumnFacts("firm", "text", "", f"column {panel.firm}"),
             "year": ColumnFacts("year", "number", "", f"column {panel.year}")}  # fmt: skip
    columns = {"firm": Column("firm", "text"), "year": Column("year", "number")}
    for name in names:
        kind = "number" if kinds[name] == "number" else "text"
        facts[name] = ColumnFacts(name, kind, "", "column of the file")
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
    rows = Rows(frame, engine.count(table), columns, facts, Ledger(), tuple(problems), aliases)
    rows = drop_rows(engine, rows, "table", keyed_reasons(panel.years), ("firm", "year", FILE, AT))
    engine.drop(table)
    return replace(rows, problems=(*rows.problems, *repeated_keys(engine, rows, sources)))


def _all_numbers(engine: Engine, table: str, names: list[str], physical: dict[str, str]) -> list[str]:
    """Return the columns whose every value reads as a number."""
    if not names:
        return []
    text, number = ({name: identifier(f"{mark}{physical[name]}") for name in names} for mark in ("", "~"))
    parts = ", ".join(
        f"count(*) FILTER ({text[name]} IS NOT NULL AND {number[name]} IS NULL)" for name in names
    )
    counts = engine.rows(f"SELECT {parts} FROM {identifier(table)}")[0]
    return [name for name, count in zip(names, counts, strict=True) if count == 0]
