"""Outliers: values beyond quantiles of their cell, and values that jump from one year to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce

import narwhals as nw

from panels.clean import drop_rows, settle, staged
from panels.engine import Engine, Frame
from panels.expressions import Stages
from panels.steps import Rows
from specs.cleaning import JumpSpec, TrimSpec

__all__ = ["jumps", "trim"]


def trim(engine: Engine, rows: Rows, table: str, spec: TrimSpec) -> Rows:
    """Treat what lies beyond quantiles of some values within cells, all quantiles taken on the same rows.

    ``drop`` the row; ``blank`` every number that the value is made of; ``winsorise`` a column to its
    quantiles. Rows whose value or cell is missing stay as they are. Quantiles interpolate linearly (type 7
    of Hyndman and Fan).
    """
    stages = Stages(rows.columns)
    values, columns = [], [rows.columns[name].physical for name in spec.by]
    for number, ratio in enumerate(spec.of):
        values.append(f"~trim{number}")
        stages.define(f"clean.trim: {ratio}", ratio, values[-1])
    wanted = rows.frame.collect_schema().names()
    rows = staged(engine, rows, stages, table)
    bounds = {value: (f"{value} low", f"{value} high") for value in values}
    cells, own = _bounds(rows.frame, columns, bounds, spec), [f"~{name} of cell" for name in columns]
    kept = engine.keep(cells, "bounds")
    cells = engine.table(kept)
    if columns:
        frame = rows.frame.join(cells, how="left", left_on=columns, right_on=own)
    else:
        frame = rows.frame.join(cells, how="cross")
    low_share, high_share = spec.quantiles
    where = f" by {', '.join(spec.by)}" if spec.by else ""
    reasons = []
    for value, ratio in zip(values, spec.of, strict=True):
        x, low, high = nw.col(value), *(nw.col(name) for name in bounds[value])
        beyond = ((x < low) | (x > high)).fill_null(False)
        text = f"{ratio} outside quantiles {low_share:g} to {high_share:g}{where}"
        reasons.append((text, beyond, low, high, ratio))
    rows = replace(rows, frame=frame, tables=(*rows.tables, kept))
    if spec.action == "drop":
        found = drop_rows(engine, rows, table, [("trim", text, beyond) for text, beyond, _, _, _ in reasons])
        return replace(found, frame=found.frame.select(*wanted))
    ledger = rows.ledger.step(table, "trim", rows.count, rows.count)
    changed: dict[str, nw.Expr] = {}
    done = "blanked" if spec.action == "blank" else "winsorised"
    for (text, *_), count in zip(reasons, _counted(engine, frame, [one[1] for one in reasons]), strict=True):
        ledger = ledger.note(table, "trim", rows.count, f"{text}: {done}", count)
    for _, beyond, low, high, ratio in reasons:
        for name, _ in ratio.names():
            column = rows.columns[name]
            if column.kind != "number" or column.physical == "year":
                continue
            x = changed.get(column.physical, nw.col(column.physical))
            if spec.action == "blank":
                changed[column.physical] = nw.when(~beyond).then(x)
            else:
                bounded = nw.when(nw.col(column.physical) < low).then(low).otherwise(high)
                changed[column.physical] = nw.when(beyond).then(bounded).otherwise(x)
    frame = frame.with_columns(*(expr.alias(name) for name, expr in changed.items())).select(*wanted)
    return replace(rows, frame=frame, ledger=ledger)


def _bounds(frame: Frame, columns: Sequence[str], bounds: Mapping[str, tuple[str, str]], spec: TrimSpec) -> Frame:
    """The quantiles of each value, a row a cell; a row without its cell has none."""
    quantiles = [
        nw.col(value).quantile(share, interpolation="linear").alias(name)
        for value, names in bounds.items()
        for name, share in zip(names, spec.quantiles, strict=True)
    ]
    if not columns:
        return frame.select(*quantiles)
    known = frame.filter(*(~nw.col(name).is_null() for name in columns))
    own = {name: f"~{name} of cell" for name in columns}
    return known.group_by(*columns).agg(*quantiles).rename(own)


def _counted(engine: Engine, frame: Frame, conditions: Sequence[nw.Expr]) -> list[int]:
    """Count the rows in which each condition, never missing, holds."""
    sums = [one.cast(nw.Int64).sum().alias(f"n{number}") for number, one in enumerate(conditions)]
    return [int(count or 0) for count in engine.collect(frame.select(*sums))[0]]


def jumps(engine: Engine, rows: Rows, table: str, spec: JumpSpec) -> Rows:
    """Treat rows in which the logarithm of some value has moved by more than a bound since the year before.

    Parameters
    ----------
    engine : Engine
    rows : Rows
        One a firm and year.
    table : str
    spec : JumpSpec
        ``drop`` the row, ``blank`` the numbers that the value is made of, or drop all rows of the ``firm``. A row
        without a year before, or without a value above zero in both, stays as it is.
    """
    stages = Stages(rows.columns)
    values = [f"~jump{number}" for number in range(len(spec.of))]
    for value, expression in zip(values, spec.of, strict=True):
        stages.define(f"clean.jumps: {expression}", expression, value)
    wanted = rows.frame.collect_schema().names()
    frame = stages.apply(rows.frame)
    befores = {"year": "~year before"} | {value: f"{value} before" for value in values}
    shifted = [nw.col(name).shift(1).over("firm", order_by="year").alias(before) for name, before in befores.items()]
    frame = frame.with_columns(*shifted)
    adjacent = (nw.col("year") - nw.col("~year before") == 1).fill_null(False)
    moved = []
    for value in values:
        x, old = nw.col(value), nw.col(f"{value} before")
        positive = (x > 0) & (old > 0)
        # Where one of the two is not above zero there is no logarithm to take.
        safe = [nw.when(positive).then(one).otherwise(nw.lit(1.0)) for one in (x, old)]
        far = (safe[0].log() - safe[1].log()).abs() > spec.above
        moved.append((adjacent & positive & far).fill_null(False).alias(f"{value} moved"))
    frame = frame.with_columns(*moved)
    if spec.action == "firm":
        ever = [nw.col(f"{value} moved").any().over("firm").alias(f"{value} ever") for value in values]
        frame = frame.with_columns(*ever)
    rows = settle(engine, replace(rows, frame=frame), table)
    told = [f"{expression} moved by more than {spec.above:g} in logs" for expression in spec.of]
    if spec.action == "blank":
        blanked = _blank(rows.frame, rows, spec).select(*wanted)
        return replace(_blanked(engine, rows, table, spec, told), frame=blanked)
    flags = [nw.col(f"{value} moved") for value in values]
    if spec.action == "firm":
        flags = [nw.col(f"{value} ever") for value in values]
        told = [f"firm whose {text}" for text in told]
    reasons = [("jumps", text, flag) for text, flag in zip(told, flags, strict=True)]
    found = drop_rows(engine, rows, table, reasons)
    return replace(found, frame=found.frame.select(*wanted))


def _blank(frame: Frame, rows: Rows, spec: JumpSpec) -> Frame:
    """Blank every number that a value which moved is made of."""
    gone: dict[str, list[str]] = {}
    for number, expression in enumerate(spec.of):
        for name, _ in expression.names():
            column = rows.columns[name]
            if column.kind == "number" and column.physical != "year":
                gone.setdefault(column.physical, []).append(f"~jump{number} moved")
    return frame.with_columns(*(
        nw.when(~reduce(lambda a, b: a | b, (nw.col(flag) for flag in flags))).then(nw.col(name)).alias(name)
        for name, flags in gone.items()
    ))  # fmt: skip


def _blanked(engine: Engine, rows: Rows, table: str, spec: JumpSpec, told: list[str]) -> Rows:
    """Count what is blanked in the ledger."""
    counts = _counted(engine, rows.frame, [nw.col(f"~jump{number} moved") for number in range(len(spec.of))])
    ledger = rows.ledger.step(table, "jumps", rows.count, rows.count)
    for text, count in zip(told, counts, strict=True):
        ledger = ledger.note(table, "jumps", rows.count, f"{text}: blanked", count)
    return replace(rows, ledger=ledger)
