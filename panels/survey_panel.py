"""Whoever answered the survey, linked to accounts or not: one row a firm and wave, what survey tables are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import narwhals as nw

from panels.engine import Engine, identifier
from panels.expressions import Column
from panels.facts import ColumnFacts
from panels.frame import FirmPanel
from panels.ledger import Ledger
from panels.plan import KEYS, PanelPlan, names_of_respondents
from panels.steps import Rows
from panels.store import FIRM_CODE, ROW, Table
from panels.survey import WAVE
from specs.counting import counted
from specs.errors import Problem, SpecError
from specs.expressions import Expression, parse_expression

__all__ = ["respondents_of", "with_answers"]


def respondents_of(engine: Engine, plan: PanelPlan, survey: Rows, facts: Mapping[str, ColumnFacts]) -> FirmPanel | None:
    """Keep the survey's rows as a panel of their own, which no condition of the firm panel touches.

    Parameters
    ----------
    engine : Engine
    plan : PanelPlan
    survey : Rows
        What the link takes.
    facts : mapping of str to ColumnFacts
        Of every column and variable of the panel.

    Returns
    -------
    FirmPanel or None
        The survey's columns and the variables made of nothing else, computed on these rows: a ``lag`` in one sees
        the firm's earlier waves. ``year`` is the wave. None where nobody answered.

    Raises
    ------
    SpecError
        If a variable takes numbers other than 0 and 1 for a condition.
    """
    if not survey.count:
        return None
    columns = {name: one for name, one in survey.columns.items() if name != WAVE}
    columns |= {"year": Column("year", "number"), WAVE: Column("year", "number")}
    taken = dict.fromkeys(one.physical for one in columns.values() if one.physical not in ("firm", "year"))
    sql = engine.sql(survey.frame.select("firm", nw.col(WAVE).alias("year"), *taken))
    table, listed = engine.name("respondents"), ", ".join(identifier(name) for name in ("firm", "year", *taken))
    engine.execute(
        f"CREATE TABLE {identifier(table)} AS SELECT "
        f'row_number() OVER (ORDER BY firm, "year") - 1 AS "{ROW}", '
        f'dense_rank() OVER (ORDER BY firm) - 1 AS "{FIRM_CODE}", {listed} FROM ({sql}) ORDER BY 1'
    )
    firms = tuple(str(row[0]) for row in engine.rows(f"SELECT DISTINCT firm FROM {identifier(table)} ORDER BY 1"))
    waves = tuple(int(row[0]) for row in engine.rows(f'SELECT DISTINCT "year" FROM {identifier(table)} ORDER BY 1'))
    own = {**KEYS, **{name: one for name, one in survey.facts.items() if name != WAVE}}
    orders = {columns[name].physical: one.levels for name, one in own.items() if one.levels and name in columns}
    store = Table(engine, (table,), columns, orders, firms, survey.count)
    made = {name: plan.variables[name] for name in names_of_respondents(plan.variables, columns)}
    if not made:
        return FirmPanel(own, survey.count, len(firms), waves, Ledger(), {}, {WAVE: "year"}, firms, store)
    derived, counts = store.derive(made, {name: facts[name].levels for name in made})
    ledger, problems = Ledger(), []
    for name, reason, rows, mistaken in counts:
        if mistaken:
            what = f"a condition is {reason} in {counted(rows, 'row')} of the survey"
            meaning, advice = "0 and 1 are false and true", "write a comparison"
            place = plan.node("variables", name).position
            problems.append(Problem(place, f"variables.{name}", what, meaning, advice))
        else:
            ledger = ledger.note("survey", "variables", survey.count, f"{name}: {reason}, missing", rows)
    if problems:
        raise SpecError(problems)
    own |= {name: facts[name] for name in made}
    return FirmPanel(own, survey.count, len(firms), waves, ledger, {}, {WAVE: "year"}, firms, derived)


def with_answers(respondents: FirmPanel, items: Iterable[str]) -> FirmPanel:
    """Add ``yes(item)`` and ``asked(item)``, by these names, for every item.

    Parameters
    ----------
    respondents : FirmPanel
    items : iterable of str
        Items of the survey; or variables that are 1 or 0, asked of whom they have a value.
    """
    made: dict[str, Expression] = {}
    for item in dict.fromkeys(items):
        answer = respondents.facts(item).kind == "answer"
        made[f"yes({item})"] = parse_expression(f"yes({item})" if answer else item)
        made[f"asked({item})"] = parse_expression(f"asked({item})" if answer else f"not isna({item})")
    return respondents.derive(made)
