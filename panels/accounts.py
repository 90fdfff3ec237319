"""The annual accounts: one row a firm and year, made of rubrics by a layout."""

from __future__ import annotations

from dataclasses import replace

from panels.clean import annualise, drop_rows, keyed_reasons, months_reasons, repeated_keys
from panels.concepts import Inputs, build_concepts, failed_checks
from panels.engine import Engine
from panels.expressions import Column, Stages
from panels.facts import ColumnFacts
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, load
from panels.plan import PanelPlan
from panels.sources import Inspection
from panels.steps import Rows
from panels.store import physical_names

__all__ = ["CLOSING", "read_accounts"]

CLOSING = "~closing"
"""The day on which the accounting year closes, as a number of days, missing where it is not known; read where a bridge
asks for it.
"""


def read_accounts(engine: Engine, plan: PanelPlan, inspection: Inspection) -> Rows:
    """Read the accounts and clean them: keys, years, length of the year, flows to twelve months."""
    layout, sources, panel = inspection.accounts_layout, inspection.accounts, plan.panel
    assert layout is not None
    made = [name for name in layout.concepts if name in inspection.columns]
    names = physical_names(made, ("firm", "year"))
    inputs = Inputs(layout, sources)
    keys = {"firm": Column("firm", "text"), "year": Column("year", "number")}
    stages = Stages(keys)
    checks = build_concepts(inputs, stages, names, inspection.absent)
    firm, year = (layout.keys[key].column for key in ("firm", "year"))
    closing = layout.keys["closing"].column if inspection.bridge and "closing" in layout.keys else ""
    wanted = [
        Wanted("firm", lambda source: source.index(layout, firm), "text"),
        Wanted("year", lambda source: source.index(layout, year), "whole"),
        *inputs.wanted.values(),
        *([Wanted(CLOSING, lambda source: source.index(layout, closing), "day")] if closing else []),
    ]
    carried = [CLOSING] if closing else []
    table, problems = load(engine, sources, wanted, "accounts")
    hidden = dict.fromkeys([*(check.flag for check in checks), *(check.column for check in checks if check.header)])
    frame = stages.apply(engine.table(table)).select(FILE, AT, "firm", "year", *names.values(), *hidden, *carried)
    columns = {**keys, **{name: stages.columns[name] for name in made}}
    facts = {"firm": ColumnFacts("firm", "text", "", firm), "year": ColumnFacts("year", "number", "", year)}
    facts |= {name: inspection.columns[name] for name in made}
    filed = ""
    if panel.survey is not None:
        filed = engine.keep(engine.table(table).select("firm", "year", *carried), "filed")
    rows = Rows(frame, engine.count(table), columns, facts, Ledger(), filed=filed)
    months = panel.clean.months if panel.clean else None
    reasons = keyed_reasons(panel.years)
    if months is not None:
        reasons += months_reasons(columns["months"].physical, months)
    rows = drop_rows(engine, rows, "accounts", reasons, ("firm", "year", FILE, AT))
    engine.drop(table)
    problems += failed_checks(engine, rows, checks, sources)
    problems += repeated_keys(engine, rows, sources)
    rows = replace(rows, frame=rows.frame.select("firm", "year", *names.values(), *carried), problems=tuple(problems))
    if months is not None:
        rows = annualise(rows, [name for name in made if layout.concepts[name].flow])
    return rows
