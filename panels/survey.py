"""The survey: one row a firm and wave; an item is yes, no, not applicable, or without an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import narwhals as nw

from panels.clean import drop_rows, repeated_keys, settle
from panels.concepts import Inputs, build_concepts, failed_checks, noted_unknown
from panels.engine import Engine, Frame, identifier
from panels.expressions import NO_ANSWER, NOT_APPLICABLE, SKIPPED_YES, Column, Stages
from panels.identities import noted_bounds
from panels.layout import Layout
from panels.layout_parts import Item
from panels.ledger import Ledger
from panels.load import AT, FILE, Wanted, load
from panels.numbers import check_reasons, ten_digits
from panels.plan import PanelPlan
from panels.sources import Inspection, Source
from panels.steps import Rows
from panels.store import physical_names
from specs.counting import counted
from specs.errors import Problem

__all__ = ["WAVE", "read_survey"]

WAVE = "wave"
_WRITTEN = "~wave written"


def read_survey(engine: Engine, plan: PanelPlan, inspection: Inspection) -> Rows:
    """Read the survey's waves, translate answers by the codebook, and apply the filters."""
    layout, sources = inspection.survey_layout, inspection.survey
    assert layout is not None
    made = [name for name in layout.columns() if name in inspection.columns and name != WAVE]
    names = physical_names(made, ("firm", "year", WAVE))
    inputs = Inputs(layout, sources)
    columns = {"firm": Column("firm", "text"), WAVE: Column(WAVE, "number")}
    stages = Stages(columns, year=WAVE)
    checks = build_concepts(inputs, stages, names, inspection.absent)
    items = {name: item for name, item in layout.items.items() if name in names}
    for item in items.values():
        if item.column is not None:
            inputs.column(item.column, "code", _codes(layout))
    firm = layout.keys["firm"].column
    wave = layout.keys[WAVE].column if WAVE in layout.keys else ""
    wanted = [
        Wanted("firm", lambda source: source.index(layout, firm), "text"),
        Wanted(_WRITTEN, lambda source: source.index(layout, wave) if wave else None, "whole"),
        *inputs.wanted.values(),
    ]
    loaded = load(engine, sources, wanted, "survey")
    table, problems = loaded.table, [*loaded.problems]
    bridged = bool(inspection.bridge)
    checked = plan.panel.clean is not None and plan.panel.clean.numbers == "enterprise" and not bridged
    waves = _with_wave(engine, table, sources)
    if checked:  # behind a bridge the survey's units are enterprises, whose numbers are not those of legal units
        waves = waves.with_columns(ten_digits(nw.col("firm")).alias("firm"))
    staged = engine.keep(waves, "survey")
    engine.drop(table)
    problems += _wave_problems(engine, staged, layout, sources)
    asked, unasked = _asked(engine, staged, inputs, items)
    lacking = _lacking(layout, items, asked)
    _items(inputs, stages, items, asked, lacking)
    filtered = _filters(stages, layout, items)
    chosen = [nw.col(stages.columns[name].physical).alias(names[name]) for name in made]
    whole = stages.apply(inputs.looked_up(engine, engine.table(staged), checks))
    hidden = dict.fromkeys([*(check.flag for check in checks), *(check.column for check in checks if check.header)])
    frame = whole.select(FILE, AT, "firm", WAVE, *chosen, *hidden)
    columns |= {name: Column(names[name], inspection.columns[name].kind) for name in made}
    facts = {name: inspection.columns[name] for name in (*made, WAVE)}
    count = engine.count(staged)
    ledger = noted_unknown(engine, whole, "survey", count, inputs, Ledger())
    bounds = [(name, bound) for name in made if (bound := _bound(layout, name)) is not None]
    ledger = noted_bounds(engine, whole, "survey", count, bounds, sources, ledger)
    ledger = _broken(engine, staged, items, asked, count, ledger)
    for name, year, answers in unasked:
        what = f"{name}: answered in {year}, a wave that does not ask it, taken as not asked,"
        ledger = ledger.note("survey", "waves", count, what, answers)
    ledger = _uncertain(engine, staged, lacking, count, ledger)
    rows = Rows(frame, count, columns, facts, ledger, tables=(staged,))
    reasons = [
        ("read", "no firm number", nw.col("firm").is_null()),
        ("read", "no wave", nw.col(WAVE).is_null()),
        *(check_reasons(nw.col("firm")) if checked else []),
    ]
    if plan.panel.years is not None:
        low, high = plan.panel.years
        reasons.append(("years", f"wave outside {low}-{high}", (nw.col(WAVE) < low) | (nw.col(WAVE) > high)))
    rows = settle(engine, drop_rows(engine, rows, "survey", reasons), "survey", ("firm", WAVE, FILE, AT))
    problems += failed_checks(engine, rows.frame, rows.frame, checks, sources)
    problems += repeated_keys(engine, rows, rows.frame, sources, WAVE)
    ledger = _noted(engine, rows, filtered)
    frame = rows.frame.select("firm", WAVE, *names.values())
    return replace(rows, frame=frame, problems=tuple(problems), ledger=ledger)


def _broken(
    engine: Engine,
    table: str,
    items: Mapping[str, Item],
    asked: Mapping[str, tuple[int, ...]],
    count: int,
    ledger: Ledger,
) -> Ledger:
    """Note the items that mean something else in later waves than in earlier ones, where there are both."""
    for name, item in items.items():
        waves = asked.get(name, ())
        for year, what in item.breaks.items():
            if waves and waves[0] < int(year) <= waves[-1]:
                later = engine.table(table).filter(nw.col(WAVE) >= int(year)).select(nw.len().alias("n"))
                number = int(engine.collect(later)[0][0])
                ledger = ledger.note("survey", "breaks", count, f"{name} from {year} on: {what},", number)
    return ledger


def _bound(layout: Layout, name: str) -> float | None:
    return layout.concepts[name].at_least if name in layout.concepts else None


def _with_wave(engine: Engine, table: str, sources: tuple[Source, ...]) -> Frame:
    """The wave is that of the file, where the spec gives one, else the one written in the row."""
    wave: nw.Expr = nw.col(_WRITTEN)
    for number, source in enumerate(sources):
        if source.file.wave is not None:
            wave = nw.when(nw.col(FILE) == number).then(nw.lit(source.file.wave)).otherwise(wave)
    return engine.table(table).with_columns(wave.alias(WAVE))


def _wave_problems(engine: Engine, table: str, layout: Layout, sources: tuple[Source, ...]) -> list[Problem]:
    found = engine.rows(
        f'SELECT "{FILE}", "{WAVE}", "{_WRITTEN}", count(*) FROM {identifier(table)} '
        f'WHERE "{WAVE}" IS NOT NULL '
        f"GROUP BY ALL ORDER BY ALL"
    )
    problems = []
    for file, wave, written, count in found:
        source = sources[file]
        if written is not None and written != wave:
            column = layout.keys[WAVE].column
            what = f" is given as the wave {wave} and says {written} in {counted(count, 'row')} of {column}"
            problems.append(source.file.problem(what))
        elif layout.waves and wave not in layout.waves:
            known = ", ".join(str(one) for one in layout.waves)
            problems.append(
                source.file.problem(f": the layout knows no wave {wave}", counted(count, "row"), f"there are: {known}")
            )
    return problems


def _asked(
    engine: Engine, table: str, inputs: Inputs, items: Mapping[str, Item]
) -> tuple[dict[str, tuple[int, ...]], list[tuple[str, int, int]]]:
    """Return the waves that asked each item: those of the codebook whose file has the column, or where the codebook
    names none, any with an answer. And the answers of other waves: item, wave, how many.
    """
    columns = {name: item.column for name, item in items.items() if item.column is not None}
    counts = "".join(f", count({identifier(inputs.column(one, 'code'))})" for one in columns.values())
    asked: dict[str, set[int]] = {name: set() for name in columns}
    unasked: dict[tuple[str, int], int] = {}
    rows = engine.rows(
        f'SELECT "{FILE}", "{WAVE}"{counts} FROM {identifier(table)} WHERE "{WAVE}" IS NOT NULL '
        f"GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for file, wave, *answers in rows:
        for (name, column), count in zip(columns.items(), answers, strict=True):
            there = inputs.sources[file].index(inputs.layout, column) is not None
            waves = items[name].waves
            if there and (wave in waves if waves else count):
                asked[name].add(int(wave))
            elif count:
                unasked[name, int(wave)] = unasked.get((name, int(wave)), 0) + int(count)
    listed = [(name, wave, count) for (name, wave), count in unasked.items()]
    return {name: tuple(sorted(waves)) for name, waves in asked.items()}, listed


def _lacking(
    layout: Layout, items: Mapping[str, Item], asked: Mapping[str, tuple[int, ...]]
) -> dict[str, dict[int, str]]:
    """Return the waves in which an item of others lacks one that the codebook has asked there: no file has its column.
    By item and wave, the first such column.
    """
    lacking: dict[str, dict[int, str]] = {}
    for name, item in items.items():
        waves: dict[int, str] = {}
        for part in item.any_of:
            for wave in layout.items[part].waves:
                if wave not in asked.get(part, ()):
                    waves.setdefault(wave, layout.items[part].column or "")
        lacking[name] = waves
    return lacking


def _uncertain(
    engine: Engine,
    table: str,
    lacking: Mapping[str, Mapping[int, str]],
    count: int,
    ledger: Ledger,
) -> Ledger:
    """Note the waves in which nobody's no is certain: who is left there with an answer has said yes."""
    if not any(lacking.values()):
        return ledger
    there = engine.rows(f'SELECT "{WAVE}", count(*) FROM {identifier(table)} GROUP BY 1')
    rows = {int(wave): int(number) for wave, number in there if wave is not None}
    for name, waves in lacking.items():
        for wave, column in waves.items():
            what = f"{name} in {wave}: no file has the column {column}, so that a no is not certain and is no answer,"
            ledger = ledger.note("survey", "waves", count, what, rows.get(wave, 0))
    return ledger


def _codes(layout: Layout) -> dict[str, int]:
    """What each cell of an item stands for."""
    answers = layout.answers
    listed = ((1, answers.yes), (0, answers.no), (NO_ANSWER, answers.no_answer))
    return {str(code).upper(): value for value, codes in listed for code in codes}


def _items(
    inputs: Inputs,
    stages: Stages,
    items: Mapping[str, Item],
    asked: Mapping[str, tuple[int, ...]],
    lacking: Mapping[str, Mapping[int, str]],
) -> None:
    """Add the items as they were answered, before any filter; an empty cell in a wave that asked is no
    answer.
    """
    for name, item in items.items():
        if item.column is None:
            continue
        in_wave = nw.col(WAVE).is_in(list(asked[name])) if asked[name] else nw.lit(False)
        said = nw.col(inputs.column(item.column, "code")).fill_null(NO_ANSWER)
        stages.add(name, nw.when(in_wave).then(said), Column(f"~answer {name}", "answer"))
    for name, item in items.items():
        if item.any_of:
            _any_of(stages, name, item, items, tuple(lacking[name]))


def _any_of(stages: Stages, name: str, item: Item, items: Mapping[str, Item], lacking: tuple[int, ...]) -> None:
    """Yes to one is yes; no to all that the wave should ask is no; else there is no answer."""
    yes: list[nw.Expr] = []
    no: list[nw.Expr] = []
    unanswered: list[nw.Expr] = []
    for part in item.any_of:
        if part not in items:
            continue
        x = nw.col(stages.columns[part].physical)
        yes.append((x == 1).fill_null(False))
        no.append((x == 0).fill_null(False))
        unanswered.append((x == NO_ANSWER).fill_null(False))
    if lacking:
        unanswered.append(nw.col(WAVE).is_in(list(lacking)).fill_null(False))
    needs = tuple(stages.columns[part].physical for part in item.any_of if part in items)
    some_yes, some_no, some_open = (reduce(lambda a, b: a | b, parts) for parts in (yes, no, unanswered))
    expr = nw.when(some_yes).then(nw.lit(1)).otherwise(
        nw.when(some_open).then(nw.lit(NO_ANSWER)).otherwise(nw.when(some_no).then(nw.lit(0)))
    )  # fmt: skip
    stages.add(name, expr, Column(f"~answer {name}", "answer"), needs)


def _filters(stages: Stages, layout: Layout, items: Mapping[str, Item]) -> list[str]:
    """Make items not applicable where their filter is false; return the items that have one."""
    filtered: dict[str, None] = {}
    for number, one in enumerate(layout.filters):
        concerned = [name for name in one.items if name in items]
        if not concerned or any(used not in stages.columns for used, _ in one.asked_if.names()):
            continue
        condition = f"~filter {number}"
        stages.condition("filters", one.asked_if, condition)
        for name in concerned:
            old = stages.columns[name].physical
            x, skipped = nw.col(old), ~nw.col(condition)
            expr = nw.when(skipped & (x == 1)).then(nw.lit(SKIPPED_YES)).otherwise(
                nw.when(skipped & ~x.is_null()).then(nw.lit(NOT_APPLICABLE)).otherwise(x)
            )  # fmt: skip
            stages.add(name, expr, Column(f"~filtered {number} {name}", "answer"), (old, condition))
            filtered[name] = None
    return list(filtered)


def _noted(engine: Engine, rows: Rows, filtered: Sequence[str]) -> Ledger:
    ledger = rows.ledger
    if filtered:
        names = [identifier(rows.columns[name].physical) for name in filtered]
        parts = ", ".join(f"count(*) FILTER ({name} = {SKIPPED_YES})" for name in names)
        counts = engine.rows(f"SELECT {parts} FROM ({engine.sql(rows.frame)})")[0]
        for name, count in zip(filtered, counts, strict=True):
            what = f"{name}: yes although its filter skips it, taken as not applicable,"
            ledger = ledger.note("survey", "filters", rows.count, what, int(count))
    return ledger
