"""Many cases of variants in one table: a block a term, a row a case, what was set in columns of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.cases import first_names, setting_name, setting_value, settings_text
from reports.labels import term_names
from reports.notes import failure, legend_note, listed, sentence, variant_notes, with_language
from reports.numbers import count, decimal, mark, p_value, r_p_values
from reports.standing import errors_text
from reports.table import Cell, Column, Note, Row, RowPanel, Table, colon
from reports.views import Context
from reports.words import localised
from specs.errors import TfplabError, did_you_mean
from specs.variants import in_words

__all__ = ["cases_table", "has_many_cases"]

Found = Mapping[str, Any]
NOTES_AT_MOST = 20
ERRORS_AT_MOST = 6
CLUSTERS = re.compile(r" \(G = [^)]*\)")
HEADINGS = {
    "estimate": "estimate", "std_error": "std_error", "p_value": "p_value", "n_obs": "observations", "n_firms": "firms",
}  # fmt: skip


def has_many_cases(context: Context) -> bool:
    """Return whether the cases of a table's variants stand below each other: there are too many for columns."""
    return bool(context.spec.variants)


def cases_table(context: Context) -> Table:
    """Return the table of the variants that it names.

    Parameters
    ----------
    context : Context

    Returns
    -------
    Table
        A block a term: of each case what was set, the estimate, its standard error, with ``r_style`` the p-value,
        observations and firms. Cases that failed stand in notes.

    Raises
    ------
    TfplabError
        If `keep` or `order` names no term of a case.
    """
    words, spec = context.words, context.spec
    variants = {name: context.record["variants"][name] for name in spec.variants}
    cases = [case for variant in variants.values() for case in variant["cases"]]
    done = [case for case in cases if case["status"] == "ok"]
    paths = list(dict.fromkeys(path for case in cases for path in case["settings"]))
    called = any(case["called"] for case in cases)
    terms = _terms(context, cases, done)
    numbers = ("estimate", "std_error", *(("p_value",) if spec.p_values == "r_style" else ()), "n_obs", "n_firms")
    columns = [Column("", "setting", words("cases.called"))] if called else []
    columns += [Column("", "setting", _heading(context, path)) for path in paths]
    columns += [Column("", quantity, words(HEADINGS[quantity])) for quantity in numbers]
    panels = []
    for term in terms:
        design = next(case["design"] for case in done if _coefficient(case, term) is not None)
        rows = tuple(_rows(context, done, term, paths, called, numbers))
        panels.append(RowPanel(context.labels.term(term, design).full(context.locale), rows))
    marks = {cell.mark for panel in panels for row in panel.rows for cell in row.cells if cell.mark}
    return Table(
        name=spec.name,
        title=_title(context, variants),
        locale=context.locale,
        stub=words("cases.case") if panels else "",
        spanners=(),
        columns=tuple(columns) if panels else (),
        panels=tuple(panels),
        footer=(),
        notes=with_language(list(_notes(context, variants, cases, done, terms, marks)), words),
    )


def _title(context: Context, variants: Mapping[str, Found]) -> str:
    own = [localised(one["title"], context.locale) for one in variants.values() if one["title"]]
    given = localised(context.spec.title, context.locale) if context.spec.title else ""
    if given or len(own) == len(variants) == 1:
        return given or own[0]
    named = [context.labels.declared(name) or name for name in variants]
    whole = localised(context.record["spec"]["title"], context.locale)
    return f"{whole}{colon(context.locale)}{listed(named)}" if whole else listed(named)


def _heading(context: Context, path: str) -> str:
    return setting_name(path, context.labels, context.words)


def _coefficient(case: Found, term: str) -> Found | None:
    found: Found | None = next((one for one in case["coefficients"] if one["term"] == term), None)
    return found


def _terms(context: Context, cases: Sequence[Found], done: Sequence[Found]) -> list[str]:
    """Return the terms to print: those to keep, else those that are no levels and no constant, else all."""
    terms = list(dict.fromkeys(one["term"] for case in done for one in case["coefficients"]))
    spec = context.spec
    for key, asked in (("keep", spec.keep), ("order", spec.order)):
        known = dict.fromkeys(name for term in terms for name in sorted(term_names(term), key=len))
        unknown = [name for name in asked if name not in known]
        if unknown and len(done) == len(cases):
            hint = did_you_mean(unknown[0], known) or f"there are: {', '.join(known)}"
            raise TfplabError(f'tables.{spec.name}.{key}: no term "{unknown[0]}" in its cases, {hint}')
    hidden = {term for term in terms if all(term in case["not_gaps"] for case in done if _coefficient(case, term))}
    plain = [term for term in terms if "[" not in term and term != "constant"]
    kept = [term for term in terms if term_names(term) & set(spec.keep)] if spec.keep else (plain or terms)
    ranks = {term: next((place for place, name in enumerate(spec.order) if name in term_names(term)), len(spec.order))
             for term in kept}  # fmt: skip
    return sorted((term for term in kept if term not in hidden), key=lambda term: ranks[term])


def _rows(
    context: Context, done: Sequence[Found], term: str, paths: Sequence[str], called: bool, numbers: Sequence[str]
) -> Iterator[Row]:
    words, spec = context.words, context.spec
    having = [(case, one) for case in done if (one := _coefficient(case, term)) is not None]
    as_r = r_p_values([one["p_value"] for _, one in having], words.locale) if "p_value" in numbers else []
    for place, (case, one) in enumerate(having):
        number = f"{case['name']}{' †' if case['main'] else ''}"
        cells = [Cell("text", case["called"])] if called else []
        cells += [_setting(context, case, path) for path in paths]
        off = "suppressed" if one.get("suppressed") else "–" if one["estimate"] is None else ""
        if term in case["not_gaps"]:
            off = "–"
        for quantity in numbers:
            if quantity in ("n_obs", "n_firms"):
                value = case["n_obs"] if quantity == "n_obs" else case["n_firms"]
                text = words("suppressed") if value is None else count(value, words.locale)
                cells.append(Cell("count", text, value))
            elif off:
                text = words("suppressed") if off == "suppressed" else off
                cells.append(Cell("text", text) if quantity == "estimate" else Cell("empty"))
            elif quantity == "estimate":
                text = decimal(one["estimate"], spec.decimals, words.locale)
                stars = mark(one["p_value"], spec.p_values) if "p_value" not in numbers else ""
                cells.append(Cell("estimate", text, one["estimate"], stars))
            elif quantity == "std_error":
                text = decimal(one["std_error"], spec.decimals, words.locale)
                cells.append(Cell("error", text, one["std_error"]) if text else Cell("empty"))
            else:
                cells.append(Cell("p", as_r[place], one["p_value"], mark(one["p_value"], spec.p_values)))
        yield Row(case["name"], number, tuple(cells))
        adjusted = ((case.get("family") or {}).get("adjusted") or {}).get(term)
        if adjusted is not None and not off:
            width = len(cells)
            at = width - 3 if "p_value" in numbers else width - 4
            brackets = [Cell("empty") for _ in range(width)]
            brackets[at] = Cell("adjusted", f"[{p_value(adjusted, words.locale)}]", adjusted)
            yield Row(case["name"], "", tuple(brackets), continues=True)


def _setting(context: Context, case: Found, path: str) -> Cell:
    if path not in case["settings"]:
        return Cell("text", "–")
    return Cell("text", setting_value(path, in_words(case["settings"][path]), context.labels, context.words))


def _notes(
    context: Context,
    variants: Mapping[str, Found],
    cases: Sequence[Found],
    done: Sequence[Found],
    terms: Sequence[str],
    marks: set[str],
) -> Iterator[Note]:
    words, locale = context.words, context.locale
    for name, variant in variants.items():
        yield from variant_notes(words, name, variant)
    yield from _outcomes(context, done)
    if any(case["main"] for case in done):
        yield Note("note", words("cases.main"))
    if any(case.get("family") for case in done):
        yield Note("note", words("cases.family"))
    for said_of, kinds in _errors(context, done).items():
        of = "" if len(kinds) == len(done) else f" ({_named(context, kinds)})"
        yield Note("errors", f"{words('standard_errors')}{of}{colon(locale)}{said_of}.")
    yield from legend_note(context, marks)
    yield from (Note("note", localised(text, locale)) for text in context.spec.notes)
    said: dict[str, list[str]] = {}
    for case in done:
        for note in case["notes"]:
            said.setdefault(note, []).append(case["name"])
    # What is said of most cases first: of a large grid the rest would fill pages.
    for note, names in sorted(said.items(), key=lambda one: -len(one[1]))[:NOTES_AT_MOST]:
        of = "" if len(names) == len(done) else f"{_named(context, names)}{colon(locale)}"
        yield Note("note", sentence(f"{of}{note}"), note)
    if len(said) > NOTES_AT_MOST:
        yield Note("note", words("cases.more_notes", more=count(len(said) - NOTES_AT_MOST, locale)))
    failed: dict[str, list[str]] = {}
    for case in cases:
        if case["status"] == "failed":
            failed.setdefault(case["reason"], []).append(f"{case['name']} ({settings_text(case['settings'])})")
    for reason, names in failed.items():
        yield failure(words, listed(names), reason)
    rule = context.record["disclosure"]
    if any(case.get("suppressed") or any(one.get("suppressed") for one in case["coefficients"]) for case in done):
        yield Note("disclosure", words("note.suppressed", minimum=rule["minimum_firms"]))
    known = {case["name"] for case in cases}
    few: dict[str, list[str]] = {}
    for one in rule["breaches"]:
        name, item = one["where"].partition(".")[2], one["item"]
        if one["n_firms"] is not None and name in known and item in {*terms, "n_firms"}:
            what = f"{name} ({count(one['n_firms'], locale)})"
            few.setdefault("" if item == "n_firms" else item, []).append(what)
    if few:
        told = listed([f"{item}{colon(locale) if item else ''}{_named(context, names)}" for item, names in few.items()])
        yield Note("disclosure", words("note.few", minimum=rule["minimum_firms"], terms=told))
    if context.labels.missing:
        yield Note("label", words("note.label", names=", ".join(context.labels.missing)))
    if source := localised(context.record["spec"]["source"], locale):
        yield Note("source", f"{words('note.source')}{colon(locale)}{source}")


def _outcomes(context: Context, done: Sequence[Found]) -> Iterator[Note]:
    """Say what is explained and how rows are weighted, of the cases whose columns do not tell."""
    words, between = context.words, colon(context.locale)
    for key, column, what in (("outcome", "outcome", "dependent_variable"), ("weights", "weights", "weights")):
        left = [case for case in done if column not in case["settings"]]
        found: dict[str, list[str]] = {}
        for case in left:
            if case[key]:
                found.setdefault(context.labels.column(case[key]), []).append(case["name"])
        for name, cases in found.items():
            of = "" if len(cases) == len(done) else f" ({_named(context, cases)})"
            yield Note("outcome", f"{words(what)}{of}{between}{name}.")


def _errors(context: Context, done: Sequence[Found]) -> dict[str, list[str]]:
    """Return the kinds of standard errors and the cases that have them, of those whose columns do not tell."""
    found: dict[str, list[str]] = {}
    for case in done:
        if not any("errors" in path.split(".") for path in case["settings"]):
            found.setdefault(errors_text(context, case["errors"]), []).append(case["name"])
    if len(found) <= ERRORS_AT_MOST:
        return found
    # Under many conditions the numbers of clusters alone would fill the page.
    alike: dict[str, list[str]] = {}
    for text, names in found.items():
        alike.setdefault(CLUSTERS.sub("", text), []).extend(names)
    return alike


def _named(context: Context, names: Sequence[str]) -> str:
    return listed(first_names(names, context.words))
