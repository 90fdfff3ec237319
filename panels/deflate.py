"""Prices: amounts of the accounts divided by the index of their industry and year."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import narwhals as nw

from panels.engine import Engine, Frame, identifier
from panels.expressions import Column
from panels.layout import divisions
from panels.load import AT, FILE, Wanted, load, place
from panels.plan import DEFLATED
from panels.sources import Inspection, Source
from panels.steps import Rows
from panels.store import physical_names
from panels.windows import distinct
from specs.counting import counted
from specs.errors import Problem

__all__ = ["deflate", "wrong_deflators"]

_SHOWN = 6
_INDEX = "~index "


def deflate(engine: Engine, rows: Rows, inspection: Inspection) -> Rows:
    """Add amounts at the prices of the base year: nominal / index, the index being 1 in the base year.

    A row of the deflators for a division (two digits) serves the firms of that division, one for a section
    (a letter) all others of that section.
    """
    sources = inspection.deflators
    table, names, indices, problems = _read(engine, rows, sources)
    codes = {
        str(row[0]) for row in engine.rows(f"SELECT DISTINCT nace FROM {identifier(table)} WHERE nace IS NOT NULL")
    }
    frame = rows.frame
    found: dict[str, list[nw.Expr]] = {index: [] for index in indices}
    for level, width in (("nace2", 2), ("nace", 1)):
        if level not in rows.columns or not any(len(code) == width for code in codes):
            continue
        picked = engine.table(table).filter(nw.col("nace").str.len_chars() == width)
        renamed = {index: f"{_INDEX}{level} {index}" for index in indices}
        keys = [nw.col("nace").alias(f"{_INDEX}{level}"), nw.col("year").alias(f"{_INDEX}year {level}")]
        picked = picked.select(*keys, *(nw.col(old).alias(new) for old, new in renamed.items()))
        frame = frame.join(picked, how="left", left_on=[rows.columns[level].physical, "year"],
                           right_on=[f"{_INDEX}{level}", f"{_INDEX}year {level}"])  # fmt: skip
        for index, column in renamed.items():
            found[index].append(nw.col(column))
    taken = [column.physical for column in rows.columns.values()]
    real = physical_names([f"{name}_real" for name in names], taken)
    prices = {index: nw.coalesce(*values) if values else nw.lit(None) for index, values in found.items()}
    frame = frame.with_columns(*(price.alias(f"{_INDEX}{index}") for index, price in prices.items()))
    amounts = {name: nw.col(rows.columns[name].physical) for name in names}
    frame = frame.with_columns(*(
        (amount / nw.col(f"{_INDEX}{DEFLATED[name]}")).alias(real[f"{name}_real"])
        for name, amount in amounts.items()
    ))  # fmt: skip
    if not problems:
        problems += _missing(engine, frame, rows, names, sources)
    columns = {**rows.columns, **{name: Column(physical, "number") for name, physical in real.items()}}
    facts = {**rows.facts, **{name: inspection.columns[name] for name in real}}
    frame = frame.select(*dict.fromkeys(taken), *real.values())
    untold = rows.frame.filter(nw.col(rows.columns["nace"].physical).is_null()).select(nw.len().alias("n"))
    unknown = engine.collect(untold)[0][0]
    ledger = rows.ledger.note("accounts", "deflate", rows.count, "no NACE section, real amounts missing", int(unknown))
    return replace(rows, frame=frame, columns=columns, facts=facts, ledger=ledger,
                   problems=(*rows.problems, *problems))  # fmt: skip


def wrong_deflators(engine: Engine, rows: Rows, inspection: Inspection) -> tuple[Problem, ...]:
    """Return what the files of the deflators have wrong by themselves, whatever the accounts need of them.

    For `rows` that cannot be used as they are: which cells they need is not known.
    """
    table, _, _, problems = _read(engine, rows, inspection.deflators)
    engine.drop(table)
    return tuple(problems)


def _read(engine: Engine, rows: Rows, sources: Sequence[Source]) -> tuple[str, list[str], list[str], list[Problem]]:
    """Return the table of the indices, the amounts and the indices that they need, and what the files have wrong."""
    names = [name for name in DEFLATED if name in rows.columns]
    indices = list(dict.fromkeys(DEFLATED[name] for name in names))
    kinds = {"nace": "text", "year": "whole", **dict.fromkeys(indices, "number")}
    loaded = load(engine, sources, [Wanted(name, _finder(name), kind) for name, kind in kinds.items()], "deflators")
    return loaded.table, names, indices, [*loaded.problems, *_wrong(engine, loaded.table, sources, indices)]


def _finder(name: str) -> Callable[[Source], int | None]:
    return lambda source: source.index(None, name)


def _wrong(engine: Engine, table: str, sources: Sequence[Source], indices: Sequence[str]) -> list[Problem]:
    """What the file itself has wrong: keys, codes, repeats, values that are no index."""
    name, problems = identifier(table), []

    def told(condition: str, what: str, advice: str = "") -> None:
        rows = engine.rows(f'SELECT "{FILE}", "{AT}", nace, "year" FROM {name} WHERE {condition} ORDER BY 1, 2')
        for file, at, nace, year in rows[:1]:
            more = counted(len(rows) - 1, "more such row") if len(rows) > 1 else ""
            shown = what.format(nace=nace, year=year)
            problems.append(sources[file].file.problem(f", {place(sources[file], int(at))}: {shown}", more, advice))

    known = {*divisions("nace_rev2"), *divisions("nace_rev2").values()}
    listed = ", ".join(f"'{code}'" for code in sorted(known))
    told('nace IS NULL OR "year" IS NULL', "no nace or no year")
    told(
        f"nace NOT IN ({listed})",
        '"{nace}" is neither a section nor a division of NACE',
        "write C, or 10 for a division",
    )
    told(f'(nace, "year") IN (SELECT (nace, "year") FROM {name} GROUP BY nace, "year" HAVING count(*) > 1)',
         "{nace} {year} stands more than once")  # fmt: skip
    for index in indices:
        told(f"{identifier(index)} <= 0", f"the index {index} of {{nace}} {{year}} is not above zero")
        low = engine.rows(f"SELECT min({identifier(index)}) FROM {name}")[0][0]
        if low is not None and low > 10:
            what = f": the index {index} is nowhere below {low:g}"
            problems.append(sources[0].file.problem(what, "the base year must be 1, not 100", "divide it by 100"))
    return problems


def _missing(
    engine: Engine, frame: Frame, rows: Rows, names: Sequence[str], sources: Sequence[Source]
) -> list[Problem]:
    """Name the cells that an amount of some firm needs and the file does not have."""
    nace = nw.col(rows.columns["nace"].physical)
    lacking = {
        name: nw.col(f"{_INDEX}{DEFLATED[name]}").is_null() & ~nw.col(rows.columns[name].physical).is_null()
        for name in names
    }
    some = reduce(lambda a, b: a | b, lacking.values())
    needed = frame.filter(~nace.is_null() & some).select(
        nace.alias("nace"), nw.col("year"), *(expr.alias(f"~lacks {name}") for name, expr in lacking.items())
    )
    cells = {
        f"{section} {year} {DEFLATED[name]}": None
        for section, year, *lacks in sorted(engine.collect(distinct(needed, *needed.collect_schema().names())))
        for name, one in zip(names, lacks, strict=True)
        if one
    }
    if not cells:
        return []
    shown = ", ".join(sorted(cells)[:_SHOWN]) + (f" and {len(cells) - _SHOWN} more" if len(cells) > _SHOWN else "")
    what = f" lacks {'a cell' if len(cells) == 1 else f'{len(cells)} cells'} that the accounts need: {shown}"
    return [sources[0].file.problem(what, "", "add them, or leave those firms and years out of the accounts")]
