"""The third gate: read, check, clean, deflate, link, derive, sample; every step writes the ledger.

Reads aloud as the data section of a paper. Loads DuckDB: import it where the panel is built.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from panels.accounts import read_accounts
from panels.bridge import held_against_accounts, read_bridge
from panels.clean import BY_FIRM, required
from panels.deflate import deflate, wrong_deflators
from panels.engine import Engine, identifier
from panels.enterprises import sum_units
from panels.expressions import Column, Stages
from panels.facts import ColumnFacts
from panels.frame import FirmPanel
from panels.ledger import Ledger
from panels.link import link
from panels.outliers import jumps, trim
from panels.perpetual import perpetual_inventory
from panels.plan import PanelPlan, check_variables
from panels.ready_made import read_table
from panels.sample import condition_columns, lost_reason
from panels.sources import Inspection
from panels.steps import Rows
from panels.store import FIRM_CODE, ROW, Table, count_flags, physical_names
from panels.survey import read_survey
from panels.survey_panel import respondents_of
from panels.windows import distinct
from specs.cleaning import CleanSpec
from specs.counting import counted
from specs.errors import Problem, SpecError

__all__ = ["assemble"]


def assemble(
    plan: PanelPlan,
    inspection: Inspection,
    memory_limit: str | None = None,
    told: Callable[[str], None] | None = None,
) -> FirmPanel:
    """Build the panel.

    Parameters
    ----------
    plan : PanelPlan
    inspection : Inspection
        Of the same plan, without problems.
    memory_limit : str, optional
        For DuckDB, ``4GB``.
    told : callable, optional
        Hears what is being read.

    Returns
    -------
    FirmPanel
        Sorted by firm and year; the same bit for bit for the same files. With the survey's respondents beside it.

    Raises
    ------
    SpecError
        With every problem that the values have.
    """
    sources = (*inspection.accounts, *inspection.survey, *inspection.deflators, *inspection.table, *inspection.bridge)
    engine = Engine(sum(source.file.size() for source in sources), memory_limit, told)
    clean = plan.panel.clean or CleanSpec()
    survey: Rows | None = None
    if inspection.table:
        rows = read_table(engine, plan, inspection)
        facts, problems = check_variables(plan, rows.facts)
        if not problems:
            rows = _cleaned(engine, rows, "table", plan, clean)
            rows = _with_capital(engine, rows, "table", clean)
    else:
        facts, problems = check_variables(plan, inspection.columns, inspection.absent)
        survey = read_survey(engine, plan, inspection) if plan.panel.survey is not None else None
        asked = distinct(survey.frame, "firm") if survey is not None else None
        rows = read_accounts(engine, plan, inspection, asked)
        if inspection.bridge:
            rows = _bridged(engine, plan, inspection, rows, (*(survey.problems if survey else ()), *problems))
        if not problems:
            rows = _cleaned(engine, rows, rows.table, plan, clean)
        if plan.panel.deflators is not None:
            rows = deflate(engine, rows, inspection)
        if not problems:
            rows = _with_capital(engine, rows, rows.table, clean)
        if survey is not None:
            rows = link(engine, plan, inspection, rows, survey)
    if rows.problems or problems:
        raise SpecError((*rows.problems, *problems))
    panel = _sampled(engine, plan, _derived(engine, plan, rows, facts))
    answered = None if survey is None else respondents_of(engine, plan, survey, facts)
    if answered is None:
        return panel
    return replace(panel, respondents=answered, ledger=panel.ledger + answered.ledger)


def _cleaned(engine: Engine, rows: Rows, table: str, plan: PanelPlan, clean: CleanSpec) -> Rows:
    """Leave out what is too small or lacks something, then outliers, then jumps; each if the spec asks for it."""
    rows = required(engine, rows, table, clean, plan.node("panel", "clean", "require").position)
    if clean.trim is not None:
        rows = trim(engine, rows, table, clean.trim)
    return jumps(engine, rows, table, clean.jumps) if clean.jumps is not None else rows


def _with_capital(engine: Engine, rows: Rows, table: str, clean: CleanSpec) -> Rows:
    return perpetual_inventory(engine, rows, table, clean) if clean.capital is not None else rows


def _bridged(engine: Engine, plan: PanelPlan, inspection: Inspection, rows: Rows, others: tuple[Problem, ...]) -> Rows:
    """Put legal units together by enterprise; of rows or a bridge with problems (a unit that has a year twice) none are
    made, and all that is wrong is told, with what the deflators have wrong, which are not held against rows yet.
    """
    assert inspection.accounts_layout is not None
    numbers = plan.panel.clean.numbers if plan.panel.clean is not None else "as_given"
    bridge = held_against_accounts(engine, read_bridge(engine, inspection, numbers), rows.frame)
    if rows.problems or bridge.problems:
        deflators = wrong_deflators(engine, rows, inspection) if inspection.deflators else ()
        raise SpecError((*rows.problems, *bridge.problems, *deflators, *others))
    annualised = plan.panel.clean is not None and plan.panel.clean.months is not None
    return sum_units(engine, rows, bridge, inspection.accounts_layout, annualised)


def _derived(engine: Engine, plan: PanelPlan, rows: Rows, facts: Mapping[str, ColumnFacts]) -> _Derived:
    """Variables and conditions, over all rows of the panel before any is left out.

    They are computed on the columns that they use, and stand beside the panel in a table of their own.
    """
    physical = dict.fromkeys(column.physical for column in rows.columns.values())
    names = physical_names(tuple(plan.variables), (ROW, FIRM_CODE, *physical))
    stages = Stages(rows.columns, firm=FIRM_CODE)
    for name, expression in plan.variables.items():
        stages.define(name, expression, names[name])
    conditions = condition_columns(stages, plan.panel.where, plan.panel.where_ever)
    flags = dict.fromkeys(flag.column for flag in stages.flags)
    expressions = [*plan.variables.values(), plan.panel.where, plan.panel.where_ever]
    used = {name for one in expressions if one is not None for name, _ in one.names() if name in rows.columns}
    panel = engine.put_in_order(rows.frame.select(*physical), "panel", BY_FIRM, rows.ordered)
    engine.drop(*rows.tables)
    keys = _keys(engine, panel)
    listed = dict.fromkeys([ROW, FIRM_CODE, "year", *(rows.columns[name].physical for name in sorted(used))])
    made = stages.apply(engine.beside(keys, panel).select(*listed)).select(ROW, *names.values(), *conditions, *flags)
    # Columns that look at other rows come in the order of the firms' partitions, others in that of the table.
    order = (ROW,) if stages.windowed else ()
    derived = engine.keep(made, "variables", order, (ROW,)) if names or conditions else ""
    ledger, problems = rows.ledger, []
    for name, reason, count, mistaken in count_flags(engine, derived, stages):
        if mistaken:
            problems.append(_not_a_condition(plan, name, reason, count))
        elif name in plan.variables:
            ledger = ledger.note("panel", "variables", rows.count, f"{name}: {reason}, missing", count)
    if problems:
        raise SpecError(problems)
    engine.narrow(derived, list(flags))
    kept = (*physical, *names.values())
    return _Derived(keys, panel, derived, kept, stages.columns, facts, replace(rows, ledger=ledger))


def _not_a_condition(plan: PanelPlan, name: str, reason: str, count: int) -> Problem:
    path = ("variables", name) if name in plan.variables else ("panel", name)
    node = plan.node(*path)
    what, meaning = f"a condition is {reason} in {counted(count, 'row')}", "0 and 1 are false and true"
    return Problem(node.position, ".".join(path), what, meaning, "write a comparison")


@dataclass(frozen=True, slots=True)
class _Derived:
    """Tables of the same rows, sorted by firm and year: the numbers of rows and firms, the panel, and its variables and
    conditions (empty where there are none).
    """

    keys: str
    panel: str
    variables: str
    kept: tuple[str, ...]
    columns: Mapping[str, Column]
    facts: Mapping[str, ColumnFacts]
    rows: Rows


def _sampled(engine: Engine, plan: PanelPlan, derived: _Derived) -> FirmPanel:
    """Leave rows and firms out by `where` and `where_ever`, and close the panel."""
    reasons = lost_reason(plan.panel.where, plan.panel.where_ever)
    ledger, variables = derived.rows.ledger, identifier(derived.variables)
    dropped: dict[str, dict[str, int]] = {}
    kept = "true"
    for step, reason, condition in reasons:
        count = engine.rows(f"SELECT count(*) FROM {variables} WHERE {kept} AND {condition}")[0][0]
        dropped.setdefault(step, {})[reason] = int(count)
        kept += f" AND NOT ({condition})"
    keys, final, parts = derived.keys, derived.panel, tuple(one for one in (derived.panel, derived.variables) if one)
    if reasons:
        final, listed = engine.name("firm_panel"), ", ".join(identifier(name) for name in derived.kept)
        # Both tables are sorted, and one thread keeps their order: rows meet by position, without sorting again.
        engine.execute(
            f"CREATE TABLE {identifier(final)} AS SELECT {listed} FROM {identifier(derived.panel)} "
            f"POSITIONAL JOIN {variables} WHERE {kept}"
        )
        engine.drop(keys, *parts)
        keys, parts = _keys(engine, final), (final,)
    left, n_rows = derived.rows.count, engine.count(final)
    for number, (step, counts) in enumerate(dropped.items()):
        remaining = n_rows if number == len(dropped) - 1 else left - sum(counts.values())
        ledger = ledger.step("panel", step, left, remaining, counts)
        left = remaining
    if n_rows == 0:
        raise SpecError([_empty(plan, derived.rows.ledger, derived.rows.count)])
    beside = f"{identifier(keys)} POSITIONAL JOIN {identifier(final)}"
    firms = engine.rows(f'SELECT any_value(firm) FROM {beside} GROUP BY "{FIRM_CODE}" ORDER BY "{FIRM_CODE}"')
    years = engine.rows(f'SELECT DISTINCT "year" FROM {identifier(final)} ORDER BY 1')
    names = tuple(str(row[0]) for row in firms)
    orders = {derived.columns[name].physical: facts.levels for name, facts in derived.facts.items() if facts.levels}
    store = Table(engine, (keys, *parts), derived.columns, orders, names, n_rows)
    aliases = derived.rows.aliases
    facts = {name: one for name, one in derived.facts.items() if name not in aliases}
    spanned = tuple(int(row[0]) for row in years)
    link, linkage = derived.rows.link, derived.rows.linkage
    return FirmPanel(facts, n_rows, len(names), spanned, ledger, link, aliases, names, store, linkage=linkage)


def _keys(engine: Engine, table: str) -> str:
    """Number the rows of a sorted table and the firms in it."""
    keys = engine.name("keys")
    engine.execute(
        f'CREATE TABLE {identifier(keys)} AS SELECT row_number() OVER () - 1 AS "{ROW}", '
        f'CAST(sum(CASE WHEN same THEN 0 ELSE 1 END) OVER (ROWS UNBOUNDED PRECEDING) AS BIGINT) - 1 AS "{FIRM_CODE}" '
        f"FROM (SELECT firm = lag(firm) OVER () AS same FROM {identifier(table)})"
    )
    return keys


def _empty(plan: PanelPlan, ledger: Ledger, before: int) -> Problem:
    node = plan.node("panel", "where")
    if before:
        return Problem(
            node.position, "panel", "no row is left in the panel", f"there were {before:,} before where and where_ever"
        )
    # The step after which nothing was left says more than that nothing is left.
    last = next((one for one in ledger if one.rows_in and not one.rows_out and one.table != "survey"), None)
    if last is not None:
        steps = [one for one in ledger if (one.table, one.step) == (last.table, last.step) and one.dropped]
        told = ", ".join(f"{one.dropped} by: {one.reason}" for one in steps)
        what = f"no row is left after {last.step}, of {last.rows_in} before it"
        return Problem(node.position, "panel", what, told, "is the step of panel.clean meant so?")
    years = plan.panel.years
    what = f"the files hold no rows of the years {years[0]}-{years[1]}" if years else "the files hold no rows"
    return Problem(node.position, "panel", what, "a row counts that has a firm and a year")
