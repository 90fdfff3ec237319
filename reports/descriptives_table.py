"""A table of descriptive statistics: groups side by side, a line a column of the data, tests at the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.labels import Labels
from reports.notes import notes_of
from reports.numbers import count, decimal, mark, p_value
from reports.standing import errors_text
from reports.table import Cell, Column, Note, Row, RowPanel, Spanner, Table
from reports.views import Context, View

__all__ = ["descriptives_table"]

QUARTILES = ("p25", "p50", "p75")


@dataclass(frozen=True, slots=True)
class _Group:
    """One column of a view: all firms, a group, or what sets two groups apart.

    Attributes
    ----------
    kind : str
        ``group``, ``difference``, ``standardised`` or ``p_value``.
    cell : tuple of (column, level)
        Empty for all firms.
    """

    kind: str
    cell: tuple[tuple[str, str], ...] = ()


def descriptives_table(context: Context, views: Sequence[View], failed: Sequence[tuple[str, str]], title: str) -> Table:
    """Return the table.

    Parameters
    ----------
    context : Context
    views : sequence of View
        Models of design descriptives.
    failed : sequence of (heading, reason)
    title : str
    """
    sides = [_groups(context, view) for view in views]
    spanners, columns = _headings(context, views, sides)
    panels = tuple(_panels(context, views, sides))
    terms = [one["term"] for view in views for one in view.content["coefficients"]]
    marks = {cell.mark for panel in panels for row in panel.rows for cell in row.cells if cell.mark}
    return Table(
        name=context.spec.name,
        title=title,
        locale=context.locale,
        stub=context.words("variable"),
        spanners=spanners,
        columns=columns,
        panels=panels,
        footer=tuple(_footer(context, views, sides)),
        notes=notes_of(context, list(views), list(failed), terms, marks, [_explained(context, views)]),
    )


def _groups(context: Context, view: View) -> list[_Group]:
    cells = dict.fromkeys(
        tuple(one["cell"].items()) for one in view.content["coefficients"] if one["kind"] != "difference"
    )
    found = [_Group("group", cell) for cell in cells]
    if len(found) == 3:
        found += [_Group("difference"), _Group("standardised")]
    if len(found) > 1 and context.spec.p_values != "none":
        found.append(_Group("p_value"))
    return found


def _headings(
    context: Context, views: Sequence[View], sides: Sequence[Sequence[_Group]]
) -> tuple[tuple[Spanner, ...], tuple[Column, ...]]:
    words, labels = context.words, context.labels
    several = len(views) > 1 or bool(context.spec.headings)
    spanners, columns = [], []
    for view, groups in zip(views, sides, strict=True):
        for one in groups:
            heading = words(f"described.{one.kind}") if one.kind != "group" else words("described.all")
            if one.cell:
                ((by, level),) = one.cell
                heading = f"{labels.column(by)}: {labels.level(level)}" if several else labels.level(level)
            columns.append(Column(view.name, one.kind, heading))
        if several:
            spanners.append(Spanner(view.heading, len(groups)))
        elif len(groups) > 1:
            inside = [one for one in groups if one.cell]
            ((by, _),) = inside[0].cell
            rest = len(groups) - 1 - len(inside)
            spanners += [Spanner("", 1), Spanner(labels.column(by), len(inside))]
            spanners += [Spanner("", rest)] if rest else []
    return tuple(spanners), tuple(columns)


def _panels(context: Context, views: Sequence[View], sides: Sequence[Sequence[_Group]]) -> Iterator[RowPanel]:
    """Yield a panel a column of the data; numbers need no heading, levels of a text stand under its own."""
    asked = dict.fromkeys((one["item"], one["level"] or "") for view in views for one in view.content["coefficients"])
    items = dict.fromkeys(item for item, _ in asked)
    kept = [item for item in items if not context.spec.keep or item in context.spec.keep]
    order = list(context.spec.order)
    for item in sorted(kept, key=lambda one: order.index(one) if one in order else len(order)):
        levels = [level for name, level in asked if name == item]
        heading = context.labels.column(item) if any(levels) else ""
        rows = [row for place, level in enumerate(levels)
                for row in _lines(context, views, sides, item, level, first=place == 0)]  # fmt: skip
        yield RowPanel(heading, tuple(rows))


def _lines(
    context: Context, views: Sequence[View], sides: Sequence[Sequence[_Group]], item: str, level: str, *, first: bool
) -> list[Row]:
    key = f"{item}[{level}]" if level else item
    label = context.labels.declared(key) or (level if level else context.labels.column(item))

    def line(of: Callable[[View, _Group], Cell], name: str) -> Row:
        cells = tuple(of(view, one) for view, groups in zip(views, sides, strict=True) for one in groups)
        return Row(key, name, cells, continues=not name)

    rows = [line(lambda view, one: _main(context, view, one, item, level, first=first), label)]
    for below in (_spread, _quartiles):
        row = line(lambda view, one, of=below: of(context, _of(view, one, item, level)), "")  # type: ignore[misc]
        if any(cell.kind != "empty" for cell in row.cells):
            rows.append(row)
    return rows


def _of(view: View, group: _Group, item: str, level: str) -> Mapping[str, Any] | None:
    """Return the record's line of an item in a group, or of the difference of two."""
    kind = "difference" if group.kind != "group" else None
    for one in view.content["coefficients"]:
        same = (one["item"], one["level"] or "") == (item, level)
        if (
            same
            and (one["kind"] == "difference") == (kind is not None)
            and (kind is not None or tuple(one["cell"].items()) == group.cell)
        ):
            return {**one, "kind": one["kind"] if group.kind == "group" else group.kind, "share": _is_share(view, item)}
    return None


def _main(context: Context, view: View, group: _Group, item: str, level: str, *, first: bool) -> Cell:
    words, locale, decimals = context.words, context.locale, context.spec.decimals
    if group.kind == "p_value":
        stats = view.content["stats"]
        if not first or f"p_value[{item}]" not in stats:
            return Cell("empty")
        value = stats[f"p_value[{item}]"]
        gone = value is None and any(
            one.get("suppressed") for one in view.content["coefficients"] if one["item"] == item
        )
        return Cell("text", words("suppressed")) if gone else Cell("p", p_value(value, locale) or "–", value)
    one = _of(view, group, item, level)
    if one is None:
        return Cell("empty")
    if one.get("suppressed"):
        return Cell("text", words("suppressed"))
    if group.kind == "standardised":
        return Cell("number", decimal(one["standardised"], 2, locale) or "–", one["standardised"])
    if one["estimate"] is None:
        return Cell("text", "–")
    if group.kind == "difference":
        share = _is_share(view, item)
        value = _percent(one["estimate"], locale) if share else decimal(one["estimate"], decimals, locale)
        return Cell("estimate", value, one["estimate"], mark(one["p_value"], context.spec.p_values))
    if one["kind"] == "share":
        return Cell("number", words("percent", value=_percent(one["estimate"], locale)), one["estimate"])
    return Cell("number", decimal(one["estimate"], decimals, locale), one["estimate"])


def _percent(value: float, locale: str) -> str:
    """Return a share in per cent: one that is hardly there is 0.0, as in a published table."""
    return decimal(round(100 * value, 1), 1, locale)


def _is_share(view: View, item: str) -> bool:
    return any(one["item"] == item and one["kind"] == "share" for one in view.content["coefficients"])


def _spread(context: Context, one: Mapping[str, Any] | None) -> Cell:
    """Return a standard deviation, or the standard error of a difference; shares of levels have none."""
    if one is None or one.get("suppressed") or one["kind"] not in ("mean", "difference") or one["level"]:
        return Cell("empty")
    value = one["sd"] if one["kind"] == "mean" else one["std_error"]
    if value is None:
        return Cell("empty")
    locale, error = context.locale, one["kind"] == "difference"
    printed = _percent(value, locale) if one["share"] else decimal(value, context.spec.decimals, locale)
    return Cell("error" if error else "number", f"({printed})", value)


def _quartiles(context: Context, one: Mapping[str, Any] | None) -> Cell:
    if one is None or one.get("suppressed") or one["kind"] != "mean" or all(one[key] is None for key in QUARTILES):
        return Cell("empty")
    told = (decimal(one[key], context.spec.decimals, context.locale) or "–" for key in QUARTILES)
    return Cell("text", f"[{'; '.join(told)}]")


def _footer(context: Context, views: Sequence[View], sides: Sequence[Sequence[_Group]]) -> Iterator[Row]:
    words, locale = context.words, context.locale

    def row(key: str, name: str, of: Callable[[View, _Group], Cell]) -> Row:
        cells = tuple(of(view, one) for view, groups in zip(views, sides, strict=True) for one in groups)
        return Row(key, name, cells)

    def counted(key: str) -> Callable[[View, _Group], Cell]:
        def cell(view: View, one: _Group) -> Cell:
            if one.kind != "group":
                return Cell("empty")
            value = view.content["stats"][f"{key}[{one.cell[0][1]}]"] if one.cell else view.content[key]
            return Cell("text", words("suppressed")) if value is None else Cell("count", count(value, locale), value)

        return cell

    yield row("n_obs", words("observations"), counted("n_obs"))
    yield row("n_firms", words("firms"), counted("n_firms"))
    if any(view.content["stats"].get("joint_p_value") is not None for view in views):
        yield row("joint", words("described.joint"), lambda view, one: _joint(context, view, one))
    errors = [errors_text(context, view.content["errors"]) for view in views]
    weights = [_weights(context.labels, view) or words("none") for view in views]
    for key, word, texts in (("std_errors", "standard_errors", errors), ("weights", "weights", weights)):
        cells = (Cell("text", text, span=len(groups)) for text, groups in zip(texts, sides, strict=True))
        yield Row(key, words(word), tuple(cells))


def _joint(context: Context, view: View, group: _Group) -> Cell:
    value = view.content["stats"].get("joint_p_value")
    if group.kind != "p_value" or value is None:
        return Cell("empty")
    return Cell("p", p_value(value, context.locale), value)


def _weights(labels: Labels, view: View) -> str:
    return labels.column(view.content["weights"]) if view.content["weights"] else ""


def _explained(context: Context, views: Sequence[View]) -> Note:
    """Say what the lines are."""
    words = context.words
    kinds = {one["kind"] for view in views for one in view.content["coefficients"]}
    minimum = context.record["disclosure"]["minimum_firms"]
    parts = [words("described.note_means", minimum=minimum)] if "mean" in kinds else []
    parts += [words("described.note_shares")] if "share" in kinds else []
    parts += [words("described.note_difference")] if "difference" in kinds else []
    return Note("note", " ".join(parts))
