"""Cleaning: keys, years, length of the accounting year, conditions. What leaves is counted by its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import narwhals as nw

from panels.engine import Engine, Frame
from panels.expressions import Stages
from panels.ledger import LedgerImbalanceError, StratumEntry
from panels.load import AT, FILE, place
from panels.sources import Source
from panels.steps import Rows
from panels.windows import distinct
from specs.cleaning import CleanSpec
from specs.counting import counted
from specs.errors import Position, Problem

__all__ = [
    "BY_FIRM", "annualise", "bare_number", "drop_rows", "keyed_reasons", "months_reasons", "repeated_keys", "required",
    "settle", "staged",
]  # fmt: skip

BY_FIRM = ("firm", "year")
"""The order of a panel."""

_LOST = "~lost"
_SHOWN = 3


def drop_rows(engine: Engine, rows: Rows, table: str, reasons: Sequence[tuple[str, str, nw.Expr]]) -> Rows:
    """Take rows out, the first reason that applies counts, and write it into the ledger.

    The rows are counted, not copied: `settle` does that once for all steps that need no copy of their own.

    Parameters
    ----------
    engine : Engine
    rows : Rows
    table : str
        As the ledger names it.
    reasons : sequence of (step, reason, condition)
        The first condition that holds counts; reasons of one step stand together.
    """
    if not reasons:
        return rows
    lost = nw.lit(-1)
    for number, (_, _, condition) in reversed(list(enumerate(reasons))):
        lost = nw.when(condition).then(nw.lit(number)).otherwise(lost)
    counts, strata = _counted(engine, rows, lost, table, reasons)
    frame, left, ledger = rows.frame, rows.count, rows.ledger
    if any(counts):
        ledger = ledger.by_stratum(strata)
        frame = frame.filter(lost == -1)
    for step in dict.fromkeys(step for step, _, _ in reasons):
        dropped: dict[str, int] = {}
        for number in range(len(reasons)):
            if reasons[number][0] == step:
                dropped[reasons[number][1]] = dropped.get(reasons[number][1], 0) + counts[number]
        remaining = left - sum(dropped.values())
        ledger = ledger.step(table, step, left, remaining, dropped)
        left = remaining
    return replace(rows, frame=frame, count=left, ledger=ledger)


def settle(engine: Engine, rows: Rows, table: str, order: Sequence[str] = ()) -> Rows:
    """Compute the rows once, in the order given, and forget the tables that they came from.

    Raises
    ------
    LedgerImbalanceError
        If they are not as many as the ledger has counted: a mistake of this program.
    """
    kept = engine.put_in_order(rows.frame, table, order, rows.ordered) if order else engine.keep(rows.frame, table)
    ordered = tuple(order[:2]) == BY_FIRM if order else rows.ordered and engine.rises(kept, BY_FIRM)[0]
    if (found := engine.count(kept)) != rows.count:
        raise LedgerImbalanceError(f"{table}: {found} rows are left, the ledger has counted {rows.count}")
    engine.drop(*rows.tables)
    return replace(rows, frame=engine.table(kept), tables=(kept,), ordered=ordered)


def staged(engine: Engine, rows: Rows, stages: Stages, table: str) -> Rows:
    """Add the columns of stages; those that look at other rows are computed at once, before any row leaves."""
    rows = replace(rows, frame=stages.apply(rows.frame))
    return settle(engine, rows, table) if stages.windowed else rows


_STRATA = ("nace", "survey_nace", "scheme", "region")
_SIZES = ((250.0, "250+"), (50.0, "50-249"), (20.0, "20-49"), (10.0, "10-19"), (0.0, "0-9"))
_HEADS = ("employees", "survey_employees")


def _counted(
    engine: Engine, rows: Rows, lost: nw.Expr, table: str, reasons: Sequence[tuple[str, str, nw.Expr]]
) -> tuple[list[int], list[StratumEntry]]:
    """Count the rows that leave, by reason and by the levels of what is known of them: sector, scheme, region, size."""
    there = set(rows.frame.collect_schema().names())
    known = {name: one for name, one in rows.columns.items() if one.physical in there}
    # A code may be kept as a number, whose text ends in .0; classes of size may be kept as text, and are none of ours.
    strata = {
        name: column if known[name].kind == "text" else column.cast(nw.String).str.replace_all(r"\.0$", "")
        for name in _STRATA
        if name in known
        for column in (nw.col(known[name].physical),)
    }
    for name in _HEADS:
        column = known.get(name)
        if column is not None and column.kind == "number":
            size = nw.lit("")
            for least, label in reversed(_SIZES):
                size = nw.when(nw.col(column.physical) >= least).then(nw.lit(label)).otherwise(size)
            strata["size"] = size
    gone = rows.frame.with_columns(lost.alias(_LOST)).filter(nw.col(_LOST) >= 0)
    named = gone.select(nw.col(_LOST), *(expr.fill_null("").alias(f"~by {name}") for name, expr in strata.items()))
    cells = engine.collect(named.group_by(_LOST, *(f"~by {name}" for name in strata)).agg(nw.len().alias("n")))
    counts = [0] * len(reasons)
    found: dict[tuple[int, str, str], int] = {}
    for number, *levels, count in cells:
        counts[int(number)] += int(count)
        for name, level in zip(strata, levels, strict=True):
            key = int(number), name, str(level)
            found[key] = found.get(key, 0) + int(count)
    order = list(strata)
    in_order = sorted(found.items(), key=lambda one: (one[0][0], order.index(one[0][1]), one[0][2]))
    entries = [
        StratumEntry(table, reasons[number][0], reasons[number][1], name, level, count)
        for (number, name, level), count in in_order
    ]
    return counts, entries


Reasons = list[tuple[str, str, nw.Expr]]


def keyed_reasons(years: tuple[int, int] | None) -> Reasons:
    """Rows without a firm or a year leave, and those outside the years of the spec."""
    firm, year = nw.col("firm"), nw.col("year")
    reasons = [("read", "no firm number", firm.is_null()), ("read", "no year", year.is_null())]
    if years is not None:
        outside = (year < years[0]) | (year > years[1])
        reasons.append(("years", f"year outside {years[0]}-{years[1]}", outside))
    return reasons


def months_reasons(column: str, months: tuple[int, int]) -> Reasons:
    """Accounting years shorter or longer than the interval leave, and those of unknown length."""
    length, (low, high) = nw.col(column), months
    return [
        ("months", "length of the accounting year unknown", length.is_null()),
        ("months", f"accounting year shorter than {low} months", length < low),
        ("months", f"accounting year longer than {high} months", length > high),
    ]


def repeated_keys(
    engine: Engine, rows: Rows, spots: Frame, sources: Sequence[Source], time: str = "year", or_else: str = ""
) -> list[Problem]:
    """Find firms that have a year twice, and firms whose numbers are written in two ways: lags and links would not
    know which row is meant.

    Parameters
    ----------
    engine : Engine
    rows : Rows
    spots : Frame
        The same rows, with where they stand in the files.
    sources : sequence of Source
    time : str
    or_else : str
        What may be done beside keeping one row.
    """
    in_order, neighbours = engine.rises(rows.tables[-1], ("firm", time))
    if in_order and not neighbours:
        # A survey's numbers are held against those of the accounts, where they are linked.
        return _written_twice(engine, rows, spots, sources) if time == "year" else []
    twice = rows.frame.group_by("firm", time).agg(nw.len().alias("n")).filter(nw.col("n") > 1)
    total = int(engine.collect(twice.select(nw.len().alias("n")))[0][0])
    if not total:
        return _written_twice(engine, rows, spots, sources) if time == "year" else []
    sql = engine.sql(spots.select("firm", time, FILE, AT))
    repeated = f'SELECT firm, "{time}" FROM ({sql}) GROUP BY 1, 2 HAVING count(*) > 1'
    found = engine.rows(
        f'SELECT firm, "{time}", list("{FILE}" ORDER BY "{FILE}", "{AT}"), '
        f'list("{AT}" ORDER BY "{FILE}", "{AT}") '
        f'FROM ({sql}) WHERE (firm, "{time}") IN ({repeated}) GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {_SHOWN}'
    )
    problems = []
    for firm, when, files, lines in found:
        first, second = sources[files[0]], sources[files[1]]
        there, here = place(first, int(lines[0])), place(second, int(lines[1]))
        also = there if first == second else f"{first.file.shown}, {there}"
        what = f", {here}: firm {firm} has the {time} {when} already, in {also}"
        more = f"{total} such pairs of firm and {time} stand more than once" if total > 1 else ""
        problems.append(second.file.problem(what, more, f"keep one row a firm and {time}{or_else}"))
    return problems


def bare_number(firm: str) -> str:
    """Return the SQL of a firm's number without leading zeros and ``.0``, NULL where it is no number."""
    bare = f"ltrim(regexp_replace({firm}, '\\.0$', ''), '0')"
    return f"CASE WHEN regexp_full_match({firm}, '[0-9]+(\\.0)?') THEN {bare} END"


def _written_twice(engine: Engine, rows: Rows, spots: Frame, sources: Sequence[Source]) -> list[Problem]:
    """Find numbers of firms that only their leading zeros tell apart and that never share a year: some rows have lost
    them. Two that do share a year are two firms.
    """
    lengths, broken = nw.col("firm").str.len_chars(), nw.col("firm").str.ends_with(".0")
    told = rows.frame.select(lengths.min().alias("least"), lengths.max().alias("most"), broken.any().alias("broken"))
    shortest, longest, fraction = engine.collect(told)[0]
    if shortest == longest and not fraction:  # as nearly always: no two numbers differ by their zeros alone
        return []
    numbers = engine.sql(distinct(rows.frame, "firm"))
    alike = (
        f"SELECT 1 FROM (SELECT {bare_number('firm')} AS bare FROM ({numbers})) "
        "WHERE bare IS NOT NULL GROUP BY bare HAVING count(*) > 1 LIMIT 1"
    )
    if not engine.rows(alike):
        return []
    sql = engine.sql(spots.select("firm", "year", FILE, AT))
    firms = (
        f'SELECT firm, {bare_number("firm")} AS bare, min(("{FILE}", "{AT}")) AS spot, list("year") AS years '
        f"FROM ({sql}) GROUP BY firm"
    )
    found = engine.rows(
        "SELECT list(firm ORDER BY spot), list(spot[1] ORDER BY spot), list(spot[2] ORDER BY spot), count(*) OVER () "
        f"FROM ({firms}) WHERE bare IS NOT NULL GROUP BY bare HAVING count(*) > 1 "
        "AND len(flatten(list(years))) = len(list_distinct(flatten(list(years)))) ORDER BY min(spot) LIMIT 1"
    )
    if not found:
        return []
    names, files, lines, total = found[0]
    first, second = sources[files[0]], sources[files[1]]
    there, here = place(first, int(lines[0])), place(second, int(lines[1]))
    also = there if first == second else f"{first.file.shown}, {there}"
    what = f', {here}: the firm "{names[1]}" is written "{names[0]}" in {also}'
    more = f"{total} firms are written in two ways" if total > 1 else "its years would not meet"
    return [second.file.problem(what, more, "write a number alike in all rows, with its leading zeros")]


def annualise(rows: Rows, flows: Sequence[str]) -> Rows:
    """Scale flows to twelve months: x * 12 / months. Stocks and averages stay."""
    length = nw.col(rows.columns["months"].physical)
    scaled = [
        nw.when(length == 12.0).then(nw.col(name)).otherwise(nw.col(name) * 12.0 / length).alias(name)
        for name in (rows.columns[flow].physical for flow in flows)
    ]
    return replace(rows, frame=rows.frame.with_columns(*scaled)) if scaled else rows


def required(engine: Engine, rows: Rows, table: str, clean: CleanSpec, position: Position) -> Rows:
    """Keep the rows that are large enough, have their materials, and fulfil the conditions of the spec.

    Parameters
    ----------
    engine : Engine
    rows : Rows
    table : str
    clean : CleanSpec
    position : Position
        Of its key `require`.
    """
    stages = Stages(rows.columns)
    reasons: Reasons = []
    if clean.minimum_employees is not None:
        heads = nw.col(rows.columns["employees"].physical)
        reasons += [
            ("minimum_employees", "employees unknown", heads.is_null()),
            ("minimum_employees", f"fewer than {clean.minimum_employees:g} employees", heads < clean.minimum_employees),
        ]
    if clean.missing_intermediates == "drop":
        missing = nw.col(rows.columns["materials"].physical).is_null()
        reasons.append(("missing_intermediates", "materials unknown", missing))
    for number, condition in enumerate(clean.require):
        column = f"~require {number}"
        stages.condition("clean.require", condition, column)
        reasons += [
            ("require", f"{condition} is false", (~nw.col(column)).fill_null(False)),
            ("require", f"{condition} is not known", nw.col(column).is_null()),
        ]
    if not reasons:
        return rows
    before = rows.frame.collect_schema().names()
    rows = staged(engine, rows, stages, table)
    mistaken = [flag.column for flag in stages.flags if flag.fatal]
    if mistaken:
        counts = engine.collect(rows.frame.select(*(nw.col(name).sum().alias(name) for name in mistaken)))[0]
        for flag, count in zip((one for one in stages.flags if one.fatal), counts, strict=True):
            if count:
                what = f"a condition is {flag.reason} in {counted(int(count), 'row')}"
                meaning, advice = "0 and 1 are false and true", "write a comparison"
                problem = Problem(position, "panel.clean.require", what, meaning, advice)
                rows = replace(rows, problems=(*rows.problems, problem))
    found = drop_rows(engine, rows, table, reasons)
    return replace(found, frame=found.frame.select(*before))
