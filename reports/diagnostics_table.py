"""``kind: diagnostics``: a table that a reviewer reads in one look, a column an estimate, in blocks of six."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reports.diagnostics import (
    FLAG,
    PARTS,
    Line,
    counts_firms,
    elasticities_of,
    equations_of,
    label_of,
    lines_of,
    losses_of,
    meaning_of,
    rank_of,
)
from reports.notes import bootstrap_notes, failure, options_text, with_language
from reports.numbers import count, decimal
from reports.standing import rung_meaning
from reports.table import Cell, Column, Note, Row, RowPanel, Spanner, Table, colon
from reports.views import Context
from reports.words import localised
from specs.errors import TfplabError, did_you_mean

__all__ = ["COLUMNS", "diagnostics_table"]

# What stands behind a value: an interval, a test, a year.
_ASIDE = re.compile(r"(.*?) ([\[(].*)")
COLUMNS = 6
"""Estimates side by side; more stand in further blocks below."""


@dataclass(frozen=True, slots=True)
class _Estimate:
    """One estimate: an entry, or one of its groups."""

    name: str
    heading: str
    fit: Mapping[str, Any]
    label: str
    group: Mapping[str, Any]


def diagnostics_table(context: Context) -> Table:
    """Return the diagnostics of the productivity entries that a table names.

    Parameters
    ----------
    context : Context

    Returns
    -------
    Table
        A column an estimate, in blocks of `COLUMNS`; an entry with several groups has blocks of its own.

    Raises
    ------
    TfplabError
        If the run has no entry of a name.
    """
    estimates, bare, failed = _estimates(context)
    columns, spanners, panels = _as_columns(context, estimates)
    words = context.words
    return Table(
        name=context.spec.name,
        title=localised(context.spec.title, context.locale) or words("page.diagnostics"),
        locale=context.locale,
        stub=words("page.diagnostics") if estimates else "",
        spanners=spanners,
        columns=columns,
        panels=panels,
        footer=(),
        notes=with_language(list(_notes(context, estimates, bare, failed, panels)), words),
        blocks=_blocks(estimates),
    )


def _blocks(estimates: Sequence[_Estimate]) -> tuple[int, ...]:
    """Return how many estimates stand in each block: entries side by side, those with several groups by themselves."""
    runs: list[int] = []
    alone = False
    for _, _, number in _runs(estimates):
        if number == 1 and runs and not alone:
            runs[-1] += 1
        else:
            runs.append(number)
        alone = number > 1
    if len(runs) > 1 and sum(runs) <= COLUMNS:
        runs = [sum(runs)]
    return tuple(min(COLUMNS, run - start) for run in runs for start in range(0, run, COLUMNS))


def _estimates(
    context: Context,
) -> tuple[list[_Estimate], list[tuple[str, str, Mapping[str, Any]]], list[tuple[str, str]]]:
    """Return the estimates, the entries that estimate nothing, and those that failed."""
    record, labels = context.record, context.labels
    found: list[_Estimate] = []
    bare: list[tuple[str, str, Mapping[str, Any]]] = []
    failed: list[tuple[str, str]] = []
    for name in context.spec.models:
        if name not in record["productivity"]:
            known = list(record["productivity"])
            hint = did_you_mean(name, known) or f"there are: {', '.join(known) or 'none'}"
            raise TfplabError(f'tables.{context.spec.name}.models: no productivity entry "{name}" in this run, {hint}')
        fit = record["productivity"][name]
        own = context.spec.headings.get(name) if isinstance(context.spec.headings, Mapping) else None
        heading = localised(own, context.locale) or labels.declared(name) or name
        if fit["status"] == "failed":
            failed.append((heading, fit["reason"]))
        elif not fit["groups"]:
            bare.append((name, heading, fit))
        for group in fit["groups"]:
            label = ", ".join(f"{labels.column(key)} {level}" for key, level in (group["group"] or {}).items())
            found.append(_Estimate(name, heading, fit, label, group))
    return found, bare, failed


def _as_columns(
    context: Context, estimates: Sequence[_Estimate]
) -> tuple[tuple[Column, ...], tuple[Spanner, ...], tuple[RowPanel, ...]]:
    grouped = any(one.label for one in estimates)
    columns = tuple(Column(one.name, "estimate", one.label if grouped else one.heading) for one in estimates)
    runs = _runs(estimates)
    spanners = tuple(Spanner(heading, number) for _, heading, number in runs) if grouped else ()
    words = context.words
    terms = dict.fromkeys(
        one["term"] for estimate in estimates for one in elasticities_of(estimate.fit, estimate.group)
    )
    elasticities = tuple(_elasticity_rows(context, estimates, terms))
    panels = [RowPanel(words("diagnostic.elasticities"), elasticities)] if elasticities else []
    lines = [{line.key: line for line in lines_of(one.fit, one.group, context)} for one in estimates]
    methods = _over_two(
        "method", words("page.method"), _over(runs, {one.name: _method(context, one) for one in estimates})
    )
    for part, keys in _parts(lines).items():
        rows = [*methods] if part == "estimate" else []
        for key in keys:
            cells = [found[key].cell if key in found else Cell("empty") for found in lines]
            rows += _over_two(key, label_of(key, context), cells)
        if part == "sample":
            rows += _loss_rows(estimates, context)
        if rows:
            panels.append(RowPanel(words(f"diagnostic.{part}"), tuple(rows)))
    return columns, spanners, tuple(panels) if estimates else ()


def _over_two(key: str, label: str, cells: Sequence[Cell]) -> list[Row]:
    """Return a row, with a second one for what stands behind a value: its columns stay as narrow as the intervals."""
    pairs = [_in_two(cell) for cell in cells]
    rows = [Row(key, label, tuple(first for first, _ in pairs))]
    if any(second.text for _, second in pairs):
        rows.append(Row(key, "", tuple(second for _, second in pairs), continues=True))
    return rows


def _method(context: Context, one: _Estimate) -> Cell:
    return Cell("text", context.name(one.fit))


def _over(runs: Sequence[tuple[str, str, int]], cells: Mapping[str, Cell]) -> tuple[Cell, ...]:
    """Return one cell an entry, over all its columns."""
    empty = Cell("empty")
    return tuple(replace(cells.get(name, empty), span=number) for name, _, number in runs)


def _parts(lines: Sequence[Mapping[str, Line]]) -> dict[str, list[str]]:
    """Return the diagnostics of each part, in their order."""
    part_of = {key: found[key].part for found in lines for key in found}
    return {
        part: sorted((key for key, of in part_of.items() if of == part), key=rank_of) for part in ("estimate", *PARTS)
    }


def _runs(estimates: Sequence[_Estimate]) -> list[tuple[str, str, int]]:
    """Return the entries with their numbers of estimates."""
    numbers: dict[str, int] = {}
    for one in estimates:
        numbers[one.name] = numbers.get(one.name, 0) + 1
    headings = {one.name: one.heading for one in estimates}
    return [(name, headings[name], number) for name, number in numbers.items()]


def _elasticity_rows(context: Context, estimates: Sequence[_Estimate], terms: Mapping[str, None]) -> Iterator[Row]:
    found = [{one["term"]: one for one in elasticities_of(estimate.fit, estimate.group)} for estimate in estimates]
    for term in terms:
        cells = [_elasticity(context, of.get(term)) for of in found]
        yield Row(term, context.labels.column(term), tuple(first for first, _ in cells))
        yield Row(term, "", tuple(second for _, second in cells), continues=True)


def _elasticity(context: Context, one: Mapping[str, Any] | None) -> tuple[Cell, Cell]:
    """Return an elasticity and its interval."""
    if one is None:
        return Cell("empty"), Cell("empty")
    if one["estimate"] is None:
        hidden = context.words("suppressed") if one.get("suppressed") else "–"
        return Cell("text", hidden), Cell("empty")
    decimals, locale = context.spec.decimals, context.locale
    estimate = Cell("estimate", decimal(one["estimate"], decimals, locale), one["estimate"])
    if one["conf_low"] is None:
        return estimate, Cell("empty")
    between = f"[{decimal(one['conf_low'], decimals, locale)}; {decimal(one['conf_high'], decimals, locale)}]"
    return estimate, Cell("interval", between)


def _loss_rows(estimates: Sequence[_Estimate], context: Context) -> list[Row]:
    """Return the rows that an entry of one estimate does not rest on; those of several groups are the entry's."""
    alone = {name for name, _, number in _runs(estimates) if number == 1}
    of = [_losses_of(context, one.fit) if one.name in alone else {} for one in estimates]
    keys = {key: label for losses in of for key, (label, _) in losses.items()}
    return [
        Row(key, label, tuple(losses[key][1] if key in losses else Cell("empty") for losses in of))
        for key, label in keys.items()
    ]


def _losses(context: Context, estimates: Sequence[_Estimate]) -> Iterator[Note]:
    """Say which rows an entry of several groups does not rest on: they are counted for the entry as a whole."""
    words, fits = context.words, {one.name: one.fit for one in estimates}
    for name, heading, number in _runs(estimates):
        losses = _losses_of(context, fits[name]) if number > 1 else {}
        if losses:
            between = colon(words.locale)
            listed = "; ".join(f"{label}{between}{cell.text}" for label, cell in losses.values())
            yield Note("note", words("diagnostic.lost", name=heading, losses=listed))


def _losses_of(context: Context, fit: Mapping[str, Any]) -> dict[str, tuple[str, Cell]]:
    """Return labels and numbers of the rows that an entry does not rest on."""
    labels, words = context.labels, context.words
    found = {key: (words("diagnostic.dropped", reason=why), cell) for key, why, cell in losses_of(fit, labels, words)}
    return found | {key: (label, cell) for key, label, cell in equations_of(fit, labels, words)}


def _in_two(cell: Cell) -> tuple[Cell, Cell]:
    """Return a cell over two lines, so that many columns stay narrow: a test below its value."""
    start = cell.text.find(", ") if cell.kind == "text" else -1
    found = _ASIDE.search(cell.text)
    if start < 0 and found is None:
        return cell, Cell("empty", span=cell.span)
    first, second = (cell.text[:start], cell.text[start + 2 :]) if found is None else (found[1], found[2])
    return replace(cell, text=first), Cell("text", second, span=cell.span)


def _notes(
    context: Context,
    estimates: Sequence[_Estimate],
    bare: Sequence[tuple[str, str, Mapping[str, Any]]],
    failed: Sequence[tuple[str, str]],
    panels: Sequence[RowPanel],
) -> Iterator[Note]:
    words, locale = context.words, context.locale
    between = colon(locale)
    if estimates:
        yield Note("legend", words("diagnostic.intervals"))
    if any(cell.mark == FLAG for panel in panels for row in panel.rows for cell in row.cells):
        yield Note("legend", words("diagnostic.flag", flag=FLAG))
    lines = [{line.key: line for line in lines_of(one.fit, one.group, context)} for one in estimates]
    shown = [key.partition("[")[0] for part in _parts(lines).values() for key in part]
    meanings: dict[str, None] = {}
    for key in dict.fromkeys(shown):
        meaning = rung_meaning(context, _rungs(estimates)) if key == "rung" else meaning_of(key, words)
        if meaning:
            # Two keys may have one name.
            meanings[f"{label_of(key, context)}{between}{meaning}{'' if meaning.endswith('.') else '.'}"] = None
    yield from (Note("meaning", text) for text in meanings)
    yield from _losses(context, estimates)
    named = [(f"{one.heading}{f', {one.label}' if one.label else ''}", one.group.get("errors")) for one in estimates]
    yield from bootstrap_notes(context, named)
    fits = {one.name: (one.heading, one.fit) for one in estimates} | {name: (of, fit) for name, of, fit in bare}
    for heading, fit in fits.values():
        options = options_text(fit["options"])
        text = words("note.productivity", name=heading, method=context.name(fit), options=options)
        yield Note("method", text if options else f"{heading}{between}{context.name(fit)}.")
    for _, heading, fit in bare:
        rows = "" if fit["n_rows"] is None else count(fit["n_rows"], locale)
        yield Note("note", words("diagnostic.nothing", name=heading, rows=rows or words("suppressed")))
    for text in context.spec.notes:
        yield Note("note", localised(text, locale))
    for heading, reason in failed:
        yield failure(words, heading, reason)
    minimum = context.record["disclosure"]["minimum_firms"]
    hidden = any(one.group.get("suppressed") or one.group.get("suppressed_diagnostics") for one in estimates)
    if hidden or any(fit.get("suppressed") for _, _, fit in bare):
        yield Note("disclosure", words("note.suppressed", minimum=minimum))
    few = [text for one in estimates for text in _few(context, one, minimum)]
    few += [
        f"{heading} ({count(fit['n_firms'], locale)})"
        for _, heading, fit in bare
        if fit.get("n_firms") is not None and fit["n_firms"] < minimum
    ]
    if few:
        yield Note("disclosure", words("note.few", minimum=minimum, terms="; ".join(few)))
    if context.labels.missing:
        yield Note("label", words("note.label", names=", ".join(context.labels.missing)))
    if source := localised(context.record["spec"]["source"], locale):
        yield Note("source", f"{words('note.source')}{between}{source}")


def _few(context: Context, one: _Estimate, minimum: int) -> Iterator[str]:
    """Name an estimate that rests on too few firms, or its diagnostics that count too few."""
    locale, heading = context.locale, f"{one.heading}{f', {one.label}' if one.label else ''}"
    if one.group["n_firms"] is not None and one.group["n_firms"] < minimum:
        yield f"{heading} ({count(one.group['n_firms'], locale)})"
        return
    for key, value in one.group["diagnostics"].items():
        if counts_firms(key) and value is not None and 0 < value < minimum:
            yield f"{heading}{colon(locale)}{label_of(key, context)} ({count(int(value), locale)})"


def _rungs(estimates: Sequence[_Estimate]) -> list[str]:
    return [str(one.group["rung"]) for one in estimates]
