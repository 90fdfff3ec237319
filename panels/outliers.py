"""Outliers: values beyond quantiles of their cell, and values that jump from one year to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

import narwhals as nw

from panels.clean import drop_rows
from panels.engine import Engine, Frame
from panels.expressions import Column, Stages
from panels.load import AT, FILE
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
    frame = stages.apply(rows.frame)
    cell = reduce(lambda a, b: a & b, [~nw.col(name).is_null() for name in columns], nw.lit(True))
    quantiles = []
    for value in values:
        for side, share in zip(("low", "high"), spec.quantiles, strict=True):
            quantile = nw.col(value).quantile(share, interpolation="linear")
            quantiles.append((quantile.over(*columns) if columns else quantile).alias(f"{value} {side}"))
    kept = engine.keep(frame.with_columns(*quantiles), table)
    frame = engine.table(kept)
    low_share, high_share = spec.quantiles
    where = f" by {', '.join(spec.by)}" if spec.by else ""
    reasons = []
    for value, ratio in zip(values, spec.of, strict=True):
        x, low, high = nw.col(value), nw.col(f"{value} low"), nw.col(f"{value} high")
        beyond = (cell & ((x < low) | (x > high))).fill_null(False)
        text = f"{ratio} outside quantiles {low_share:g} to {high_share:g}{where}"
        reasons.append((text, beyond, low, high, ratio))
    wanted = [
        *dict.fromkeys(column.physical for column in rows.columns.values()),
        *_hidden(frame, rows.columns),
    ]
    if spec.action == "drop":
        dropped = [("trim", text, beyond) for text, beyond, _, _, _ in reasons]
        found = drop_rows(engine, replace(rows, frame=frame), table, dropped)
        engine.drop(kept)
        return replace(found, frame=found.frame.select(*wanted))
    ledger = rows.ledger.step(table, "trim", rows.count, engine.count(kept))
    changed: dict[str, nw.Expr] = {}
    for text, beyond, low, high, ratio in reasons:
        sql = engine.sql(frame.select(beyond.alias("beyond")))
        count = int(engine.rows(f"SELECT count(*) FILTER (beyond) FROM ({sql})")[0][0])
        ledger = ledger.note(
            table,
            "trim",
            rows.count,
            f"{text}: {'blanked' if spec.action == 'blank' else 'winsorised'}",
            count,
        )
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
    wanted = [*dict.fromkeys(column.physical for column in rows.columns.values()), *_hidden(rows.frame, rows.columns)]
    frame = stages.apply(rows.frame)
    before = [nw.col(name).shift(1).over("firm", order_by="year").alias(f"{name} before") for name in ("year", *values)]
    frame = frame.with_columns(*before)
    adjacent = (nw.col("year") - nw.col("year before") == 1).fill_null(False)
    moved = []
    for value in values:
        x, old = nw.col(value), nw.col(f"{value} before")
        positive = (x > 0) & (old > 0)
        # Where one of the two is not above zero there is no logarithm to take.
        safe = [nw.when(positive).then(one).otherwise(nw.lit(1.0)) for one in (x, old)]
        far = (safe[0].log() - safe[1].log()).abs() > spec.above
        moved.append((adjacent & positive & far).fill_null(False).alias(f"{value} moved"))
    kept = engine.keep(frame.with_columns(*moved), table)
    frame = engine.table(kept)
    told = [f"{expression} moved by more than {spec.above:g} in logs" for expression in spec.of]
    if spec.action == "blank":
        return replace(
            _blanked(engine, rows, frame, table, spec, told), frame=_blank(frame, rows, spec).select(*wanted)
        )
    flags = [nw.col(f"{value} moved") for value in values]
    if spec.action == "firm":
        flags = [flag.any().over("firm") for flag in flags]
        told = [f"firm whose {text}" for text in told]
    reasons = [("jumps", text, flag) for text, flag in zip(told, flags, strict=True)]
    found = drop_rows(engine, replace(rows, frame=frame), table, reasons)
    engine.drop(kept)
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


def _blanked(engine: Engine, rows: Rows, frame: Frame, table: str, spec: JumpSpec, told: list[str]) -> Rows:
    """Count what is blanked in the ledger."""
    counts = frame.select(*(nw.col(f"~jump{number} moved").sum().alias(f"n{number}") for number in range(len(spec.of))))
    ledger = rows.ledger.step(table, "jumps", rows.count, rows.count)
    for text, count in zip(told, engine.collect(counts)[0], strict=True):
        ledger = ledger.note(table, "jumps", rows.count, f"{text}: blanked", int(count or 0))
    return replace(rows, ledger=ledger)


def _hidden(frame: Frame, columns: Mapping[str, Column]) -> list[str]:
    """The columns that only messages use, where they are still there."""
    physical = {column.physical for column in columns.values()}
    return [name for name in (FILE, AT) if name in frame.collect_schema().names() and name not in physical]
