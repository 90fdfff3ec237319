"""The report's part on productivity: diagnostics of every entry, and how far the measures agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from reports.diagnostics_table import diagnostics_table
from reports.formats import html
from reports.labels import Labels
from reports.numbers import count, decimal
from reports.page_lists import list_table
from reports.table import colon
from reports.views import Context, TableSpec
from reports.words import Words

__all__ = ["agreement_lists", "diagnostics_tables"]


def diagnostics_tables(record: Mapping[str, Any], words: Words) -> str:
    """Return the table of diagnostics of every entry that was estimated, in its blocks.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    words : Words
        Of the page.

    Returns
    -------
    str
        What bad values mean stands once, behind all tables.
    """
    ok = [name for name, fit in record["productivity"].items() if fit["status"] == "ok"]
    if not ok:
        return ""
    table = diagnostics_table(_context(record, ok, words))
    meanings = dict.fromkeys(note.text for note in table.notes if note.kind == "meaning")
    kept = replace(table, notes=tuple(note for note in table.notes if note.kind != "meaning"))
    tables = html.render(kept)
    if not meanings:
        return tables
    items = "".join(f"<li>{escape(text)}</li>\n" for text in meanings)
    heading = escape(words("diagnostic.meanings"))
    return tables + f'<h3 id="productivity-meanings">{heading}</h3>\n<ul class="notes small">\n{items}</ul>\n'


def _context(record: Mapping[str, Any], names: Sequence[str], words: Words) -> Context:
    labels = Labels(record["spec"]["labels"], words)
    spec = TableSpec(
        name="diagnostics",
        kind="diagnostics",
        models=tuple(names),
        variants=(),
        formats=(),
        locales=(words.locale,),
        p_values="none",
        decimals=3,
        title=None,
        headings=(),
        notes=(),
        keep=(),
        order=(),
    )
    # The page has named the source.
    return Context({**record, "spec": {**record["spec"], "source": None}}, spec, labels, words)


def agreement_lists(record: Mapping[str, Any], words: Words) -> str:
    """Return the matrix of rank correlations and the pairs behind it; empty where there is one measure."""
    pairs = record["agreement"]
    if not pairs:
        return ""
    labels = Labels(record["spec"]["labels"], words)
    names = list(dict.fromkeys(name for pair in pairs for name in pair["of"]))
    shown = {name: labels.declared(name) or name for name in names}
    heading = f'<h3 id="productivity-agreement">{escape(words("agreement.heading"))}</h3>\n'
    lead = f'{heading}<p class="lead">{escape(words("agreement.lead"))}</p>\n'
    matrix = list_table([words("agreement.measure"), *shown.values()], _matrix(pairs, names, shown, words))
    parts = [(what, words(f"agreement.{what}")) for what in ("levels", "growth")]
    headings = [
        words("agreement.pair"),
        *(
            words("agreement.of", measure=measure, what=what)
            for _, what in parts
            for measure in ("Spearman", "Pearson", words("observations"), words("firms"))
        ),
    ]
    rows = [
        (
            " – ".join(shown[name] for name in pair["of"]),
            *(cell for part, _ in parts for cell in _correlation(pair[part], words)),
        )
        for pair in pairs
    ]
    within: dict[str, list[str]] = {}
    for pair in pairs:
        if pair["within"]:
            columns = ", ".join(labels.column(name) for name in pair["within"])
            within.setdefault(columns, []).append(" – ".join(shown[name] for name in pair["of"]))
    notes = "".join(
        f'<p class="byline small">{escape(words("agreement.within", columns=columns, pairs="; ".join(of)))}</p>\n'
        for columns, of in within.items()
    )
    if any(words("suppressed") in row for row in rows):
        legend = words("note.suppressed", minimum=record["disclosure"]["minimum_firms"])
        notes += f'<p class="byline small">{escape(legend)}</p>\n'
    return lead + matrix + list_table(headings, rows) + notes + _outputs(pairs, shown, labels, words)


def _outputs(pairs: Sequence[Mapping[str, Any]], shown: Mapping[str, str], labels: Labels, words: Words) -> str:
    """Say which output each measure is the productivity of, where they are not all of one."""
    of = {name: output for pair in pairs for name, output in zip(pair["of"], pair["outputs"], strict=False) if output}
    if len(set(of.values())) < 2:
        return ""
    listed = "; ".join(f"{shown[name]}{colon(words.locale)}{labels.column(output)}" for name, output in of.items())
    return f'<p class="byline small">{escape(words("agreement.outputs", outputs=listed))}</p>\n'


def _matrix(
    pairs: Sequence[Mapping[str, Any]], names: Sequence[str], shown: Mapping[str, str], words: Words
) -> list[tuple[str, ...]]:
    of = {tuple(pair["of"]): pair for pair in pairs}
    rows = []
    for place, name in enumerate(names):
        cells = []
        for other_place, other in enumerate(names):
            if place == other_place:
                cells.append("")
                continue
            pair = of[(other, name) if other_place < place else (name, other)]
            cells.append(_correlation(pair["levels" if other_place < place else "growth"], words)[0])
        rows.append((shown[name], *cells))
    return rows


def _correlation(found: Mapping[str, Any] | None, words: Words) -> tuple[str, str, str, str]:
    if found is None:
        return "", "", "", ""
    hidden = words("suppressed") if found.get("suppressed") else "–"
    locale = words.locale
    return (
        decimal(found["spearman"], 3, locale) or hidden,
        decimal(found["pearson"], 3, locale) or hidden,
        count(found["n_obs"], locale) or words("suppressed"),
        count(found["n_firms"], locale) or words("suppressed"),
    )
