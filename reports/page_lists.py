"""The plain tables of the report: the ledger, links, versions and input files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from reports.figures.build import Drawn
from reports.formats.html import size_class
from reports.labels import Labels
from reports.numbers import count, decimal, symbols
from reports.reasons import reason_of, step_of, table_of
from reports.words import Words

__all__ = [
    "facts_table",
    "ledger_table",
    "link_table",
    "list_table",
    "provenance_tables",
]

_ENVIRONMENT = ("tfplab", "python", "platform", "machine")


def list_table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    texts: Collection[int] = (),
    caption: str = "",
    english: Collection[int] = (),
    whole: Collection[int] = (),
) -> str:
    """Return a table with a heading in each row's first cell.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequences of str
    texts : collection of int
        The columns that hold words, aligned left and broken over lines.
    caption : str
    english : collection of int
        The columns that hold what estimation worded, in English whatever the page's language.
    whole : collection of int
        Those columns of words that stay on a line: units, names of steps.
    """
    head = "".join(
        f'<th scope="col"{_words(place in texts, place in whole)}>{escape(heading)}</th>'
        for place, heading in enumerate(headings)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(
            f"<td{_words(place in texts, place in whole)}{_english(place in english)}>{escape(cell)}</td>"
            for place, cell in enumerate(cells, 1)
        )
        + "</tr>\n"
        for first, *cells in rows
    )
    title = f"<caption>{escape(caption)}</caption>\n" if caption else ""
    # A short table stays on one page of paper.
    short = " short" if len(rows) <= 15 else ""
    short += size_class(len(headings) - 1)
    return (
        f'<div class="wide">\n<table class="list{short}">\n{title}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _words(are: bool, whole: bool) -> str:
    return f' class="words{" whole" if whole else ""}"' if are else ""


def _english(is_it: bool) -> str:
    return ' lang="en"' if is_it else ""


def facts_table(figure: Drawn) -> str:
    """Return the numbers behind a figure."""
    return list_table(figure.headings, figure.rows)


def ledger_table(record: Mapping[str, Any], words: Words) -> str:
    """Return the ledger: one line a reason, the rows before a step on its first and those after it on its last."""

    def number(value: int | None) -> str:
        return words("suppressed") if value is None else count(value, words.locale)

    # A panel that is described by itself has no labels.
    labels = Labels(record.get("spec", {}).get("labels", {}), words)
    ledger = record["panel"]["ledger"]
    rows = [
        (
            table_of(entry["table"], labels, words),
            step_of(entry["step"], words),
            number(entry["rows_in"]) if place == 0 or not _goes_on(ledger[place - 1], entry) else "",
            number(entry["dropped"]) if entry["dropped"] != 0 else "",
            reason_of(entry["reason"], labels, words),
            "" if any(_goes_on(entry, after) for after in ledger[place + 1 : place + 2]) else number(entry["rows_out"]),
        )
        for place, entry in enumerate(ledger)
    ]
    keys = ("table", "step", "rows_in", "dropped", "reason", "rows_out")
    return list_table([words(f"page.{key}") for key in keys], rows, texts={1, 4}, whole={1})


def _goes_on(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a line tells another reason of the step of the line before."""
    same = all(before[key] == after[key] for key in ("table", "step", "rows_in", "rows_out"))
    return same and before["dropped"] != 0 and after["dropped"] != 0


def link_table(record: Mapping[str, Any], words: Words) -> str:
    """Return the counts of the link between accounts and survey; empty without one."""
    link = {
        wave: {words.known(f"link.{key}") or str(key).replace("_", " "): number for key, number in counts.items()}
        if isinstance(counts, Mapping)
        else counts
        for wave, counts in record["panel"]["link"].items()
    }
    rows = list(_leaves(link, (), words))
    return list_table((words("page.link"), words("page.value")), rows) if rows else ""


def _leaves(value: Any, path: tuple[str, ...], words: Words) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)), words)
    elif isinstance(value, list):
        yield ", ".join(path), ", ".join(_scalar(one, words) for one in value)
    elif value is not None:
        yield ", ".join(path), _scalar(value, words)


def _scalar(value: Any, words: Words) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return count(value, words.locale) if isinstance(value, int) else decimal(value, 4, words.locale)


def provenance_tables(manifest: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield the versions of what computed and the digests of what was read; times are in the manifest."""
    facts = [(words.known(f"manifest.{key}") or key, str(manifest[key])) for key in _ENVIRONMENT if key in manifest]
    for key in ("libraries", "blas"):
        facts += [
            (f"BLAS, {words.known(f'manifest.{name}') or name}" if key == "blas" else name, str(of))
            for name, of in manifest.get(key, {}).items()
        ]
    seeds = manifest.get("seeds", manifest.get("seed"))
    if seeds is not None:
        facts.append((words("manifest.seed"), str(seeds)))
    if facts:
        yield list_table((words("page.versions"), words("page.value")), facts, texts={1})
    inputs = [
        (str(path), _bytes(of.get("bytes"), words), str(of.get("sha256", "")))
        for path, of in manifest.get("inputs", {}).items()
    ]
    if inputs:
        headings = (words("page.inputs"), words("page.bytes"), words("page.digest"))
        yield list_table(headings, inputs, texts={2}).replace('<td class="words">', '<td class="words digest">')


def _bytes(value: Any, words: Words) -> str:
    if not isinstance(value, int):
        return ""
    # Bytes are counted in every locale alike; only the mark between thousands differs.
    return f"{value:,d}".replace(",", symbols(words.locale).group)
