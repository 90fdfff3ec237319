"""The annual accounts: one row a firm and year, made of rubrics by a layout, cleaned as the spec says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import narwhals as nw

from panels.clean import BY_FIRM, annualise, drop_rows, keyed_reasons, months_reasons, repeated_keys, settle, staged
from panels.concepts import Inputs, build_concepts, failed_checks, noted_unknown
from panels.engine import Engine, Frame
from panels.expressions import Column, Stages
from panels.facts import ColumnFacts
from panels.filings import keep_latest, rank_of
from panels.identities import check_identities, identities_of, noted_bounds
from panels.layout import Layout
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, load
from panels.numbers import check_reasons, ten_digits
from panels.periods import CALENDAR, CLOSED, OPENED, by_calendar, by_closing, in_years, one_a_year
from panels.plan import PanelPlan
from panels.sources import Inspection
from panels.steps import Rows
from panels.store import physical_names
from specs.cleaning import CleanSpec

__all__ = ["CLOSING", "read_accounts"]

CLOSING = "~closing"
"""The day on which the accounting year closes, as a number of days, missing where it is not known; read where a bridge
asks for it.
"""

_OR_ELSE = (
    ", or write in panel.clean filings: latest (several filings of one accounting year) or periods: sum (two "
    "accounting years in one)"
)


def read_accounts(engine: Engine, plan: PanelPlan, inspection: Inspection, asked: Frame | None = None) -> Rows:
    """Read the accounts and clean them: numbers, filings, years, periods, months; flows to twelve months.

    Parameters
    ----------
    engine : Engine
    plan : PanelPlan
    inspection : Inspection
    asked : Frame, optional
        The firms of the survey, in `firm`: what these have filed is kept as it was read, for the link.

    Returns
    -------
    Rows
        By firm and year.
    """
    layout, sources, panel = inspection.accounts_layout, inspection.accounts, plan.panel
    assert layout is not None
    clean = panel.clean or CleanSpec()
    made = [name for name in layout.concepts if name in inspection.columns]
    names = physical_names(made, ("firm", "year"))
    inputs = Inputs(layout, sources)
    keys = {"firm": Column("firm", "text"), "year": Column("year", "number")}
    stages = Stages(keys)
    checks = build_concepts(inputs, stages, names, inspection.absent)
    tested = identities_of(inputs)
    hidden = _Hidden.of(layout, inputs, clean)
    firm, year = (layout.keys[key].column for key in ("firm", "year"))
    closing = layout.keys["closing"].column if inspection.bridge and "closing" in layout.keys else ""
    wanted = [
        Wanted("firm", lambda source: source.index(layout, firm), "text"),
        Wanted("year", lambda source: source.index(layout, year), "whole"),
        *inputs.wanted.values(),
        *([Wanted(CLOSING, lambda source: source.index(layout, closing), "day")] if closing else []),
    ]
    carried = [CLOSING] if closing else []
    loaded = load(engine, sources, wanted, "accounts")
    table, problems = loaded.table, [*loaded.problems]
    frame = engine.table(table)
    if clean.numbers == "enterprise":
        frame = frame.with_columns(ten_digits(nw.col("firm")).alias("firm"))
    frame = stages.apply(inputs.looked_up(engine, frame, checks))
    flags = dict.fromkeys([*(check.flag for check in checks), *(check.column for check in checks if check.header)])
    count, ledger = engine.count(table), Ledger()
    ledger = loaded.opened(ledger, "accounts", "deposits", count)
    ledger, wrong = check_identities(engine, engine.table(table), count, tested, sources, ledger)
    ledger = noted_unknown(engine, frame, "accounts", count, inputs, ledger)
    bounds = [(name, bound) for name in made if (bound := layout.concepts[name].at_least) is not None]
    ledger = noted_bounds(engine, frame, "accounts", count, bounds, sources, ledger)
    problems += wrong
    if hidden.columns:
        frame = frame.with_columns(*hidden.columns)
    frame = frame.select(FILE, AT, "firm", "year", *names.values(), *flags, *hidden.names, *carried)
    columns = {**keys, **{name: stages.columns[name] for name in made}}
    facts = {"firm": ColumnFacts("firm", "text", "", firm), "year": ColumnFacts("year", "number", "", year)}
    facts |= {name: inspection.columns[name] for name in made}
    filed = ""
    if asked is not None:
        # What was filed, before any of it is left out: the link tells what was dropped from what never was there.
        # Behind a bridge the survey knows enterprises, and the accounts their legal units.
        theirs = frame if inspection.bridge else frame.join(asked, on="firm", how="semi")
        dated = [name for name in (OPENED, CLOSED) if name in hidden.names]
        theirs = in_years(theirs.select("firm", "year", *carried, *dated), clean.year)
        filed = engine.keep(theirs.select("firm", "year", *carried), "filed")
    rows = Rows(frame, count, columns, facts, ledger, tables=(table,), filed=filed)
    rows = replace(rows, ordered=engine.rises(table, BY_FIRM)[0])
    rows = _one_row_a_year(engine, rows, layout, plan, clean, hidden, made)
    if clean.months is not None:
        rows = annualise(rows, [name for name in made if layout.concepts[name].flow])
    spots, resting, listed = rows.frame, rows.tables, ["firm", "year", *names.values(), *carried]
    failed = dict.fromkeys(check.flag for check in checks)
    rows = settle(engine, replace(rows, frame=spots.select(*listed, *failed), tables=()), "accounts", BY_FIRM)
    problems += failed_checks(engine, rows.frame, spots, checks, sources)
    rows = replace(rows, frame=rows.frame.select(*listed))
    problems += repeated_keys(engine, rows, spots, sources, or_else=_OR_ELSE)
    engine.drop(*resting)
    return _reckoned(engine, replace(rows, problems=tuple(problems)), layout, names)


def _reckoned(engine: Engine, rows: Rows, layout: Layout, names: Mapping[str, str]) -> Rows:
    """Reckon the layout's expressions anew: of amounts of twelve months, and of the year that a row has now."""
    expressions = {name: layout.concepts[name].expression for name in names}
    stages = Stages({name: one for name, one in rows.columns.items() if expressions.get(name) is None})
    for name, expression in expressions.items():
        if expression is not None:
            stages.define(name, expression, names[name])
    if not any(expressions.values()):
        return rows
    listed = rows.frame.collect_schema().names()
    made = staged(engine, rows, stages, "accounts")
    return replace(made, frame=made.frame.select(*listed))


@dataclass(slots=True)
class _Hidden:
    """Columns of the files that cleaning looks at and the panel does not have."""

    dated: bool = False
    ranks: list[tuple[str, str]] = field(default_factory=list)
    columns: list[nw.Expr] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, layout: Layout, inputs: Inputs, clean: CleanSpec) -> _Hidden:
        found = cls()
        if clean.filings != "refuse":
            for number, one in enumerate(layout.filings):
                if any(source.index(layout, one.column) is not None for source in inputs.sources):
                    name = f"~rank {number}"
                    found._add(name, rank_of(one, inputs.column(one.column, "day" if one.kind == "date" else "text")))
                    found.ranks.append((name, one.why))
        dates = layout.period
        if dates is not None and (found.ranks or clean.filings or clean.year != "closing" or clean.periods != "refuse"):
            found.dated = any(source.index(layout, dates[1]) is not None for source in inputs.sources)
            for name, column in zip((OPENED, CLOSED), dates, strict=True):
                found._add(name, nw.col(inputs.column(column, "day")))
        return found

    def _add(self, name: str, expr: nw.Expr) -> None:
        self.columns.append(expr.alias(name))
        self.names.append(name)


def _one_row_a_year(
    engine: Engine, rows: Rows, layout: Layout, plan: PanelPlan, clean: CleanSpec, hidden: _Hidden, made: list[str]
) -> Rows:
    """Choose filings, give periods their years, and make one row of those that share a year; each step if it is asked
    for, what leaves counted by its reason.
    """
    numbers = check_reasons(nw.col("firm")) if clean.numbers == "enterprise" else []
    read = [*keyed_reasons(None), *numbers]
    years = keyed_reasons(plan.panel.years)[2:]
    months = rows.columns["months"].physical if "months" in rows.columns else ""
    length = months_reasons(months, clean.months) if clean.months is not None else []
    filings = clean.filings == "latest" or bool(hidden.ranks)
    if not filings and clean.year == "closing" and clean.periods == "refuse":
        return drop_rows(engine, rows, "accounts", [*read, *years, *length])
    rows, table = drop_rows(engine, rows, "accounts", read), "accounts"
    if filings:
        period = CLOSED if hidden.dated else "year"
        # A filing without its dates is told apart by its year.
        known = nw.col(period).fill_null(nw.col("year")) if hidden.dated else nw.col("year")
        rows = replace(rows, frame=rows.frame.with_columns(known.alias("~period")))
        rows = keep_latest(engine, rows, table, ("firm", "~period"), hidden.ranks)
        rows = replace(rows, frame=rows.frame.drop("~period"))
    flows = [rows.columns[name].physical for name in made if layout.concepts[name].flow]
    if clean.year == "orbis":
        rows = by_closing(engine, rows, table)
    elif clean.year == "calendar":
        stocks = [
            column.physical for name, column in rows.columns.items()
            if name in made and column.kind == "number" and layout.concepts[name].unit and column.physical not in flows
            and name != "months"
        ]  # fmt: skip
        rows, table = by_calendar(engine, rows, table, months, flows, stocks), CALENDAR
    if clean.periods == "refuse":
        return drop_rows(engine, rows, table, [*years, *length])
    rows = one_a_year(engine, drop_rows(engine, rows, table, years), table, clean.periods, months, flows)
    return drop_rows(engine, rows, table, length)
