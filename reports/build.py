"""From the record and a table's keys to the table: which rows and columns, and what each cell prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reports.cases_table import cases_table, has_many_cases
from reports.descriptives_table import descriptives_table
from reports.diagnostics_table import diagnostics_table
from reports.footer import footer_of
from reports.labels import Labels, TermLabel, term_names
from reports.notes import notes_of
from reports.numbers import decimal, mark, p_value, r_p_values
from reports.shares_table import of_shares, share_columns, share_footer, share_rows
from reports.table import Cell, Column, Row, RowPanel, Spanner, Table, colon
from reports.views import Context, TableSpec, View, table_spec, views_of
from reports.words import Words, localised, words_of
from specs.errors import TfplabError, did_you_mean

__all__ = ["build_table", "build_tables"]


def build_tables(record: Mapping[str, Any], locale: str, names: Sequence[str] = ()) -> list[Table]:
    """Return the tables of a run in one locale.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    locale : str
        ``en``, ``nl_BE``, ``fr_BE``.
    names : sequence of str, optional
        All tables by default.

    Returns
    -------
    list of Table

    Raises
    ------
    TfplabError
        If a table, a model in it, a term in its `keep` or `order`, or the locale does not exist.
    """
    return [build_table(record, name, locale) for name in names or record["spec"]["tables"]]


def build_table(record: Mapping[str, Any], name: str, locale: str) -> Table:
    """Return one table of a run in one locale; see `build_tables`."""
    spec, words = table_spec(record, name), words_of(locale)
    return KINDS[spec.kind](Context(record, spec, Labels(record["spec"]["labels"], words), words))


def _estimates_table(context: Context) -> Table:
    spec, words = context.spec, context.words
    if has_many_cases(context):
        return cases_table(context)
    views, failed = views_of(context)
    if any(view.describes for view in views):
        return descriptives_table(context, views, failed, _title(context, views))
    terms = _chosen(spec, views, some_failed=bool(failed))
    alone = of_shares(views)
    panels = _body(context, views, terms)
    footer = share_footer(context, views) if alone else footer_of(context, views)
    marks = {cell.mark for panel in panels for row in panel.rows for cell in row.cells if cell.mark}
    columns, spanners = share_columns(context, views) if alone else _columns(context, views)
    return Table(
        name=spec.name,
        title=_title(context, views),
        locale=context.locale,
        stub=words("variable") if views else "",
        spanners=spanners,
        columns=columns,
        panels=panels,
        footer=footer,
        notes=notes_of(context, views, failed, terms, marks),
    )


KINDS: Mapping[str, Callable[[Context], Table]] = {
    "estimates": _estimates_table,
    "diagnostics": diagnostics_table,
}


def _title(context: Context, views: list[View]) -> str:
    # Models that copy a title with all else (`like`) share it.
    titles = {localised(view.content.get("title"), context.locale) for view in views}
    own = titles.pop() if len(titles) == 1 else None
    if context.spec.title or own:
        return localised(context.spec.title or own, context.locale)
    title, name = localised(context.record["spec"]["title"], context.locale), context.spec.name
    others = [one for one, keys in context.record["spec"]["tables"].items() if one != name and not keys.get("title")]
    # The title of the spec alone would stand above several tables.
    return f"{title}{colon(context.locale)}{context.labels.declared(name) or name}" if title and others else title


def _columns(context: Context, views: list[View]) -> tuple[tuple[Column, ...], tuple[Spanner, ...]]:
    if context.spec.p_values != "r_style":
        return tuple(Column(view.name, "estimate", view.heading) for view in views), ()
    columns = tuple(
        Column(view.name, quantity, context.words(quantity))
        for view in views
        for quantity in ("estimate", "std_error", "p_value")
    )
    # One model needs no heading: the title has said it.
    named = len(views) > 1 or bool(context.spec.headings)
    return columns, tuple(Spanner(view.heading, 3) for view in views) if named else ()


def _chosen(spec: TableSpec, views: list[View], some_failed: bool) -> list[str]:
    """Return the terms in print order: the first model's, others behind the term before them."""
    terms: list[str] = []
    for view in views:
        # What shares no term with the models before it stands behind them.
        place = 0 if any(term in terms for term in view.coefficients) else len(terms)
        for term in view.coefficients:
            if term not in terms:
                terms.insert(place, term)
            place = terms.index(term) + 1
    if spec.p_values != "r_style" and "constant" in terms:
        # Economists put the constant last; R and the published table put it first.
        terms.append(terms.pop(terms.index("constant")))
    for key, asked in (("keep", spec.keep), ("order", spec.order)):
        known = dict.fromkeys(name for term in terms for name in sorted(term_names(term), key=len))
        unknown = [name for name in asked if name not in known]
        if unknown and not some_failed:
            hint = did_you_mean(unknown[0], known) or f"there are: {', '.join(known)}"
            raise TfplabError(f'tables.{spec.name}.{key}: no term "{unknown[0]}" in its models, {hint}')
    # A term is printed where a model can say something by it.
    terms = [term for term in terms if any(term in view.coefficients and term not in view.not_gaps for view in views)]
    if spec.keep:
        terms = [term for term in terms if term_names(term) & set(spec.keep)]
    return sorted(terms, key=lambda term: _rank(term, spec.order))


def _rank(term: str, order: Sequence[str]) -> int:
    names = term_names(term)
    return next((place for place, name in enumerate(order) if name in names), len(order))


def _body(context: Context, views: list[View], terms: list[str]) -> tuple[RowPanel, ...]:
    groups: dict[tuple[str, str], list[tuple[str, TermLabel]]] = {}
    designs = {term: view.design for view in reversed(views) for term in view.coefficients}
    cells = {
        term: context.labels.share(term, one["item"], one["cell"])
        for view in reversed(views)
        for term, one in view.coefficients.items()
        if "cell" in one and term in terms
    }
    for term in terms:
        label = cells[term] if term in cells else context.labels.term(term, designs[term])
        groups.setdefault((label.group, "" if label.group else term), []).append((term, label))
    if of_shares(views):
        make = share_rows(context, views)
    else:
        make = _r_rows(context, views) if context.spec.p_values == "r_style" else _stacked_rows(context, views)
    return tuple(
        RowPanel(members[0][1].heading, tuple(row for term, label in members for row in make(term, label.label)))
        for members in groups.values()
    )


def _stacked_rows(context: Context, views: list[View]) -> Callable[[str, str], list[Row]]:
    """Economists' layout: the estimate with its stars, its standard error in parentheses below."""
    words, printed = context.words, _printer(context)

    def make(term: str, label: str) -> list[Row]:
        estimates, errors, adjusted = [], [], []
        for view in views:
            adjusted.append(_adjusted(view, term, words.locale))
            one = view.coefficients.get(term)
            blank = Cell("text", "–") if term in view.not_gaps else _blank(one, words)
            if one is None or blank:
                estimates.append(blank or Cell("empty"))
                errors.append(Cell("empty"))
                continue
            estimates.append(
                Cell("estimate", printed(view, one["estimate"]), one["estimate"],
                     mark(one["p_value"], context.spec.p_values))
            )  # fmt: skip
            error = printed(view, one["std_error"])
            errors.append(Cell("error", f"({error})", one["std_error"]) if error else Cell("empty"))
        rows = [Row(term, label, tuple(estimates)), Row(term, "", tuple(errors), continues=True)]
        brackets = [Row(term, "", tuple(adjusted), continues=True)] if any(cell.text for cell in adjusted) else []
        return [*rows, *brackets]

    return make


def _r_rows(context: Context, views: list[View]) -> Callable[[str, str], list[Row]]:
    """R's layout: estimate, standard error and p-value side by side."""
    spec, words, shown = context.spec, context.words, _printer(context)
    printed: list[dict[str, str]] = []
    for view in views:
        values = {term: one["p_value"] for term, one in view.coefficients.items()}
        printed.append(dict(zip(values, r_p_values(list(values.values()), words.locale), strict=True)))

    def make(term: str, label: str) -> list[Row]:
        cells: list[Cell] = []
        adjusted: list[Cell] = []
        for view, p_values in zip(views, printed, strict=True):
            adjusted += [Cell("empty"), Cell("empty"), _adjusted(view, term, words.locale)]
            one = view.coefficients.get(term)
            blank = Cell("text", "–") if term in view.not_gaps else _blank(one, words)
            if one is None or blank:
                cells += [blank or Cell("empty"), Cell("empty"), Cell("empty")]
                continue
            cells += [
                Cell("estimate", shown(view, one["estimate"]), one["estimate"]),
                Cell("error", shown(view, one["std_error"]), one["std_error"]),
                Cell("p", p_values[term], one["p_value"], mark(one["p_value"], spec.p_values)),
            ]
        brackets = [Row(term, "", tuple(adjusted), continues=True)] if any(cell.text for cell in adjusted) else []
        return [Row(term, label, tuple(cells)), *brackets]

    return make


def _adjusted(view: View, term: str, locale: str) -> Cell:
    """Return the p-value that is adjusted for a family, in brackets; empty where there is none."""
    value = None if term in view.not_gaps else view.adjusted.get(term)
    return Cell("empty") if value is None else Cell("adjusted", f"[{p_value(value, locale)}]", value)


def _printer(context: Context) -> Callable[[View, float | None], str]:
    """Return what prints a number of a view: in per cent where it is a share."""

    def printed(view: View, value: float | None) -> str:
        scaled = None if value is None else view.scale * value
        return decimal(scaled, context.spec.decimals, context.locale)

    return printed


def _blank(one: Mapping[str, Any] | None, words: Words) -> Cell | None:
    """Return what stands in place of a number that is not there."""
    if one is None:
        return None
    if one.get("suppressed"):
        return Cell("text", words("suppressed"))
    return Cell("text", "–") if one["estimate"] is None else None
