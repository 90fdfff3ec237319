"""``run --only``: what is asked for by name, and what it rests on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from reports.words import words_of
from specs.errors import Position, Problem, SpecError, TfplabError, did_you_mean
from specs.sections import TableSpec
from tfplab.families import family_of
from tfplab.plan import Plan

__all__ = ["behind_variable", "narrowed", "with_locales"]

OPTION = "--only"
SECTIONS = ("models", "variants", "productivity", "tables", "figures")


def narrowed(plan: Plan, names: Sequence[str]) -> Plan:
    """Return a plan of some entries and what they rest on.

    Parameters
    ----------
    plan : Plan
    names : sequence of str
        Of models, variants, productivity entries, tables or figures; ``tables.t`` where two sections have a name. A
        model brings its family, a table its columns, a figure what it draws.

    Returns
    -------
    Plan
        With those tables and figures that are asked for, or have something left to show; a table keeps the columns
        that are left.

    Raises
    ------
    SpecError
        If nothing has one of the names.
    """
    if not names:
        return plan
    found = {section: dict.fromkeys(_entries(plan, section)) for section in SECTIONS}
    asked = {section: set[str]() for section in SECTIONS}
    problems: list[Problem] = []
    for number, name in enumerate(names, 1):
        section, dot, bare = name.partition(".")
        where = [section] if dot and section in SECTIONS else list(SECTIONS)
        entry = bare if dot and section in SECTIONS else name
        having = next((one for one in where if entry in found[one]), None)
        if having is None:
            known = [one for every in where for one in found[every]]
            advice = did_you_mean(entry, known) or (f"there are: {', '.join(dict.fromkeys(known))}" if known else "")
            what = f'nothing in the spec is called "{name}"'
            problems.append(Problem(Position(OPTION, number, 1), "", what, "", advice))
        else:
            asked[having].add(entry)
    if problems:
        raise SpecError(problems)
    return _cut(plan, asked)


def _entries(plan: Plan, section: str) -> Sequence[str]:
    if section in ("tables", "figures", "variants", "productivity"):
        return list(getattr(plan.spec, section))
    return [one.name for one in plan.models]


def _cut(plan: Plan, asked: dict[str, set[str]]) -> Plan:
    models, variants, productivity = asked["models"], asked["variants"], asked["productivity"]
    sections: list[tuple[set[str], Collection[str]]] = [
        (models, plan.spec.models), (variants, plan.spec.variants), (productivity, plan.spec.productivity),
    ]  # fmt: skip
    members = [name for table in asked["tables"] for name in _columns(plan, plan.spec.tables[table])]
    members += [name for figure in asked["figures"] for name in plan.spec.figures[figure].of]
    for name in members:
        for chosen, entries in sections:
            if name in entries:
                chosen.add(name)
    families = {one.id for model in plan.models if model.name in models and (one := family_of(model)) is not None}
    models |= {model.name for model in plan.models if (one := family_of(model)) is not None and one.id in families}
    kept_models = tuple(one for one in plan.models if one.name in models)
    kept_variants = tuple(one for one in plan.variants if one.name in variants)
    drawn = models | variants | productivity
    kept_figures = tuple(one for one in plan.figures if one.name in asked["figures"] or set(one.of) <= drawn)
    cases = [case for one in kept_variants for case in one.cases]
    rests_on = [name for one in kept_models for name in one.estimated]
    rests_on += [name for one in kept_figures for name in one.estimated]
    rests_on += [name for case in cases if case.world < 0 for name in case.model.estimated]
    productivity |= set(rests_on)
    steps = {one.name: one for one in plan.productivity}
    waiting = list(productivity)
    while waiting:
        more = [one for one in steps[waiting.pop()].parents if one not in productivity]
        productivity |= set(more)
        waiting += more
    there = models | variants | productivity
    tables = {name: _table(plan, one, there, name in asked["tables"]) for name, one in plan.spec.tables.items()}
    spec = replace(
        plan.spec,
        tables={name: one for name, one in tables.items() if one is not None},
        figures={one.name: plan.spec.figures[one.name] for one in kept_figures},
        variants={one.name: plan.spec.variants[one.name] for one in kept_variants},
    )
    return replace(
        plan,
        spec=spec,
        late_variables={
            name: one for name, one in plan.late_variables.items() if behind_variable(plan, name) <= productivity
        },
        models=kept_models,
        variants=kept_variants,
        figures=kept_figures,
        productivity=tuple(one for one in plan.productivity if one.name in productivity),
    )


def _columns(plan: Plan, table: TableSpec) -> Sequence[str]:
    if table.models:
        return table.models
    return list(plan.spec.productivity if table.kind == "diagnostics" else plan.spec.models)


def _table(plan: Plan, table: TableSpec, there: set[str], asked: bool) -> TableSpec | None:
    """Return a table with the columns that are left; none where nothing is, or diagnostics that nobody asked for."""
    columns = tuple(name for name in _columns(plan, table) if name in there)
    if not columns or (table.kind == "diagnostics" and not asked):
        return None
    return table.model_copy(update={"models": columns})


def behind_variable(plan: Plan, variable: str) -> set[str]:
    """Return the productivity entries behind a variable."""
    found: set[str] = set()
    for name, _ in plan.late_variables[variable].names():
        if name in plan.productivity_names:
            found.add(name)
        elif name in plan.late_variables:
            found |= behind_variable(plan, name)
    return found


def with_locales(plan: Plan, locales: Sequence[str]) -> Plan:
    """Return a plan whose tables are all in these locales.

    Parameters
    ----------
    plan : Plan
    locales : sequence of str

    Raises
    ------
    SpecError
        If there is no such locale.
    """
    if not locales:
        return plan
    problems = []
    for number, locale in enumerate(locales, 1):
        try:
            words_of(locale)
        except TfplabError as error:
            problems.append(Problem(Position("--locale", number, 1), "", str(error)))
    if problems:
        raise SpecError(problems)
    wanted = {"locale": tuple(dict.fromkeys(locales))}
    tables = {name: one.model_copy(update=wanted) for name, one in plan.spec.tables.items()}
    return replace(plan, spec=replace(plan.spec, tables=tables))
