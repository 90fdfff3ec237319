"""What stands below a table: outcome, reference categories, errors, marks, methods, warnings and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reports.beyond_notes import beyond_notes
from reports.cases import model_of
from reports.comparisons import comparison_notes
from reports.few_clusters import family_notes, few_cluster_notes
from reports.numbers import count, legend
from reports.shares_table import of_shares, share_notes
from reports.standing import clusters_of, columns_of, errors_text
from reports.table import Note, colon, listed
from reports.views import Context, View
from reports.words import Words, localised

__all__ = [
    "bootstrap_notes",
    "failure",
    "legend_note",
    "listed",
    "notes_of",
    "options_text",
    "sentence",
    "variant_notes",
    "with_language",
    "without_group",
]


def notes_of(
    context: Context,
    views: list[View],
    failed: list[tuple[str, str]],
    terms: list[str],
    marks: set[str],
    own: Sequence[Note] = (),
) -> tuple[Note, ...]:
    """Return the notes below a table, the source last.

    Parameters
    ----------
    context : Context
        Its labels have been asked for every label by now, so that they know those that are missing.
    views : list of View
        The table's columns.
    failed : list of (heading, reason)
        What could not be estimated.
    terms : list of str
        The printed terms.
    marks : set of str
        The printed stars or codes.
    own : sequence of Note, optional
        What the table says of its own lines.
    """
    words = context.words
    notes = [
        *_outcome(context, views),
        *_variants(context),
        *own,
        *_reference(context, views),
        *_errors(context, views),
        *legend_note(context, marks),
        *_methods(context, views),
        *_averages(context, views),
        *comparison_notes(context, views, terms),
        *share_notes(context, views),
        *beyond_notes(context, views),
        *_bare(context),
        *(Note("note", localised(text, words.locale)) for text in context.spec.notes),
        *_model_notes(views, words.locale),
        *(failure(words, model, reason) for model, reason in failed),
        *_disclosure(context, views, terms),
    ]
    if context.labels.missing:
        notes.append(Note("label", words("note.label", names=", ".join(context.labels.missing))))
    if source := localised(context.record["spec"]["source"], words.locale):
        notes.append(Note("source", f"{words('note.source')}{colon(words.locale)}{source}"))
    return with_language(notes, words)


def failure(words: Words, name: str, reason: str) -> Note:
    """Return the note on what could not be estimated; the reason is in English."""
    return Note("failed", words("note.failed", model=name, reason=reason), reason)


def with_language(notes: Sequence[Note], words: Words) -> tuple[Note, ...]:
    """Say before the first note in English that there are some, where the table speaks another language."""
    first = next((place for place, note in enumerate(notes) if note.english), None)
    if first is None or not words("page.language_note"):
        return tuple(notes)
    return (*notes[:first], Note("language", words("page.language_note")), *notes[first:])


def _variants(context: Context) -> Iterator[Note]:
    """Say of variants whose cases stand in columns what the columns do not tell: cases left out, rows in common."""
    for name in dict.fromkeys(one.partition("[")[0] for one in context.spec.models if "[" in one):
        variant = context.record["variants"].get(name)
        if variant is not None and (variant["drawn_from"] > len(variant["cases"]) or variant["rows"] == "common"):
            yield from variant_notes(context.words, name, variant)


def variant_notes(words: Words, name: str, variant: Mapping[str, Any]) -> Iterator[Note]:
    """Yield how many cases a variant has, of how many they were drawn, and whether their rows are the same."""
    shown = count(len(variant["cases"]), words.locale)
    if variant["drawn_from"] > len(variant["cases"]):
        drawn = count(variant["drawn_from"], words.locale)
        yield Note("note", words("cases.drawn", name=name, cases=shown, drawn=drawn, of=variant["of"]))
    else:
        yield Note("note", words("cases.all", name=name, cases=shown, of=variant["of"]))
    if variant["rows"] == "common":
        yield Note("note", words("cases.common"))


def _outcome(context: Context, views: list[View]) -> Iterator[Note]:
    outcomes = {view.outcome for view in views if view.outcome}
    if len(outcomes) == 1:
        words, label = context.words, context.labels.column(outcomes.pop())
        yield Note("outcome", f"{words('dependent_variable')}{colon(words.locale)}{label}.")


def _reference(context: Context, views: list[View]) -> Iterator[Note]:
    bases: dict[str, dict[str, list[str]]] = {}
    for view in views:
        for column, level in view.content.get("reference", {}).items():
            bases.setdefault(column, {}).setdefault(level, []).append(view.heading)
    if bases:
        words = context.words
        between = colon(words.locale)
        told: list[str] = []
        for column, levels in bases.items():
            # A base level that differs between models says of which it is.
            named = [
                f"{level} ({listed(headings)})" if len(levels) > 1 else level for level, headings in levels.items()
            ]
            told.append(f"{context.labels.column(column)}{between}{', '.join(named)}")
        yield Note("reference", f"{words('note.reference')}{between}{'; '.join(told)}.")


def _errors(context: Context, views: list[View]) -> Iterator[Note]:
    words = context.words
    parentheses = not of_shares(views) and not any(view.describes for view in views)
    if views and context.spec.p_values != "r_style" and parentheses:
        yield Note("errors", words("note.parentheses"))
    factors: dict[str, list[str]] = {}
    for view in views:
        factor = (view.content.get("errors") or {}).get("small_sample")
        if factor:
            factors.setdefault(factor, []).append(view.heading)
    for factor, headings in factors.items():
        of = f" ({listed(headings)})" if len(factors) > 1 else ""
        symbols = words("none") if factor == "none" else factor
        yield Note("errors", words("note.small_sample", of=of, factor=symbols))
    wider = [view.heading for view in views if not view.is_model and _counts_more_firms(view.content)]
    if wider:
        of = f" ({listed(wider)})" if len(wider) < len(views) else ""
        yield Note("errors", words("note.clusters", of=of))
    yield from bootstrap_notes(context, [(view.heading, view.content.get("errors")) for view in views])
    yield from few_cluster_notes(context, views)
    yield from family_notes(context, views)


def _counts_more_firms(group: Mapping[str, Any]) -> bool:
    """Return whether errors are clustered by more firms than the line of firms counts."""
    by = (group.get("errors") or {}).get("clusters", {}).get("firm")
    return by is not None and group["n_firms"] is not None and by != group["n_firms"]


def bootstrap_notes(context: Context, named: Sequence[tuple[str, Mapping[str, Any] | None]]) -> Iterator[Note]:
    """Say what a bootstrap drew, once where several columns drew the same.

    Parameters
    ----------
    context : Context
    named : sequence of (heading, errors)
        The errors of a model or of a group of an estimate, as in the record.
    """
    words = context.words
    said: dict[str, dict[str, None]] = {}
    for heading, found in named:
        errors: Mapping[str, Any] = found or {}
        drawn = errors.get("bootstrap")
        if drawn is None or drawn["draws"] is None:
            continue
        within = "".join(
            words("note.bootstrap_strata", strata=columns_of(context, column)) for column in drawn["strata"]
        )
        failed = words("note.bootstrap_failed", failed=count(drawn["failed"], words.locale)) if drawn["failed"] else ""
        again = words("note.bootstrap_chain") if errors["tfp_uncertainty"] == "include" else ""
        text = words(
            "note.bootstrap",
            of="{of}",
            draws=count(drawn["draws"], words.locale),
            by=" ".join(clusters_of(context, errors)),
            strata=within,
            seed=drawn["seed"],
            failed=failed,
            interval=words(f"interval.{drawn['interval']}"),
        )
        said.setdefault(f"{text} {again}".strip(), {})[heading] = None
    everything = len({heading for heading, _ in named})
    for text, headings in said.items():
        of = f" ({listed(list(headings))})" if len(headings) < everything else ""
        yield Note("errors", text.replace("{of}", of))


def _bare(context: Context) -> Iterator[Note]:
    """Name the entries that have no column, because they estimate nothing."""
    record, words = context.record, context.words
    for name in context.spec.models:
        fit = record["productivity"].get(name)
        if fit is not None and model_of(record, name) is None and fit["status"] == "ok" and not fit["groups"]:
            rows = "" if fit["n_rows"] is None else count(fit["n_rows"], words.locale)
            heading = context.labels.declared(name) or name
            yield Note("note", words("diagnostic.nothing", name=heading, rows=rows or words("suppressed")))


def _averages(context: Context, views: list[View]) -> Iterator[Note]:
    """Say where elasticities are averages over rows and not coefficients."""
    headings = [view.heading for view in views if view.averaged]
    if headings:
        yield Note("note", context.words("note.averages", models=listed(headings)))


def legend_note(context: Context, marks: set[str]) -> Iterator[Note]:
    """Say what the printed stars or codes mean."""
    if marks:
        style = context.spec.p_values
        key = "note.r_legend" if style == "r_style" else "note.legend"
        yield Note("legend", context.words(key, legend=legend(marks, style, context.locale)))


def _methods(context: Context, views: list[View]) -> Iterator[Note]:
    for name in _entries_behind(context, views):
        fit = context.record["productivity"][name]
        if options := options_text(fit["options"]):
            text = context.words("note.productivity", name=name, method=context.name(fit), options=options)
            yield Note("method", f"{text} {_entry_rests_on(context, name, views)}".strip())


def _entries_behind(context: Context, views: list[View]) -> list[str]:
    """Return the entries behind the columns, each followed by those that it is made of."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        found[name] = None
        for parent in context.record["productivity"][name].get("made_of") or ():
            add(parent)

    for view in views:
        for name in view.productivity:
            add(name)
    return list(found)


def _entry_rests_on(context: Context, name: str, views: list[View]) -> str:
    """Return the sample and the standard errors of an entry that is no column of the table itself."""
    if any(view.name == name and not view.is_model for view in views):
        return ""
    words, fit = context.words, context.record["productivity"][name]
    rows = "" if fit["n_rows_sample"] is None else count(fit["n_rows_sample"], words.locale)
    kinds = dict.fromkeys(errors_text(context, group["errors"]) for group in fit["groups"] if group.get("errors"))
    if len(kinds) != 1:
        return words("note.entry_rows", rows=rows or words("suppressed"))
    return words("note.entry_rests_on", rows=rows or words("suppressed"), errors=next(iter(kinds)))


def sentence(note: str) -> str:
    """Return a note of the estimation's with a full stop behind it."""
    return note if note.endswith((".", "!", "?")) else f"{note}."


def options_text(options: Mapping[str, Any]) -> str:
    """Return an estimator's keys as in the spec, defaults included: ``free ln_l; degree 3``."""
    hidden = ["method", "like", "label"]
    if not options.get("markov"):
        hidden.append("markov_timing")
    if options.get("separately_by") == "none":
        hidden.append("separately_by")
    given = {key: value for key, value in options.items() if key not in hidden and not _is_empty(value)}
    return "; ".join(f"{key} {_value(value)}" for key, value in given.items())


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", [], {})


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items() if not _is_empty(one))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _model_notes(views: list[View], locale: str) -> Iterator[Note]:
    """Repeat what estimation said, once where several models say the same."""
    said: dict[str, list[str]] = {}
    named: set[str] = set()
    for view in views:
        for note in view.content.get("notes", []):
            told = without_group(note, view.content.get("group"))
            said.setdefault(told, []).append(view.model_heading or view.heading)
            if told != note:
                named.add(told)
    for note, headings in said.items():
        everywhere = (
            len(set(headings)) == len({view.model_heading or view.heading for view in views}) and note not in named
        )
        said_by = "" if everywhere else f"{listed(headings)}{colon(locale)}"
        yield Note("note", f"{said_by}{sentence(note)}", sentence(note))


def without_group(note: str, group: Mapping[str, str] | None) -> str:
    """Return a note without the name of its group before it, where the group is named beside it.

    Parameters
    ----------
    note : str
        Of the ladder: ``nace C: 9 firms ...``.
    group : mapping of str to str or None
        The finest column first, and its level.
    """
    column, level = next(iter((group or {}).items()), ("", ""))
    return note.removeprefix(f"{column} {level}: ") if column else note


def _term(context: Context, name: str, term: str) -> str:
    """Return what a term of a model is called, its heading included."""
    model = model_of(context.record, name) or {"design": "", "coefficients": []}
    for one in model["coefficients"]:
        if one["term"] == term and "kind" in one:
            return context.labels.described(one)
        if one["term"] == term and "cell" in one:
            return context.labels.share(term, one["item"], one["cell"]).full(context.locale)
    return context.labels.term(term, model["design"]).full(context.locale)


def _disclosure(context: Context, views: list[View], terms: list[str]) -> Iterator[Note]:
    rule, words = context.record["disclosure"], context.words
    hidden = any(
        view.suppressed or any(one.get("suppressed") for one in view.content["coefficients"]) for view in views
    )
    bare = (context.record["productivity"].get(name) for name in context.spec.models)
    if hidden or any(fit is not None and fit.get("suppressed") for fit in bare):
        key = "note.suppressed_shares" if of_shares(views) else "note.suppressed"
        if any(view.describes for view in views):
            key = "note.suppressed_groups"
        yield Note("disclosure", words(key, minimum=rule["minimum_firms"]))
    few: dict[str, None] = {}
    for breach in rule["breaches"]:
        floor, _, name = breach["where"].partition(".")
        if breach["n_firms"] is None or floor == "figures" or name not in context.spec.models:
            continue
        if floor == "productivity" and ": " in breach["item"]:
            # A diagnostic, which stands in another table.
            continue
        firms = count(breach["n_firms"], words.locale)
        if breach["item"] in terms:
            few[f"{_term(context, name, breach['item'])} ({firms})"] = None
        elif breach["item"] == "n_firms" or floor == "productivity":
            few[f"{name} ({firms})"] = None
    if few:
        yield Note("disclosure", words("note.few", minimum=rule["minimum_firms"], terms="; ".join(few)))
