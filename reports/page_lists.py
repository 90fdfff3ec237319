"""The plain tables of the report: elasticities, diagnostics, the ledger, links, versions and input files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from reports.figures.build import Drawn
from reports.labels import Labels
from reports.notes import options_text
from reports.numbers import count, decimal, p_value, symbols
from reports.table import colon
from reports.words import Words

__all__ = [
    "facts_table",
    "ledger_table",
    "link_table",
    "list_table",
    "productivity_tables",
    "provenance_tables",
]

_ENVIRONMENT = ("tfplab", "python", "platform", "machine")


def list_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], texts: Collection[int] = (), caption: str = ""
) -> str:
    """Return a table with a heading in each row's first cell.

    Parameters
    ----------
    headings : sequence of str
    rows : sequence of sequences of str
    texts : collection of int
        The columns that hold words, aligned left and broken over lines.
    caption : str
    """
    head = "".join(
        f'<th scope="col"{_words(place in texts)}>{escape(heading)}</th>' for place, heading in enumerate(headings)
    )
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td{_words(place in texts)}>{escape(cell)}</td>" for place, cell in enumerate(cells, 1))
        + "</tr>\n"
        for first, *cells in rows
    )
    title = f"<caption>{escape(caption)}</caption>\n" if caption else ""
    # A short table stays on one page of paper.
    short = " short" if len(rows) <= 15 else ""
    return (
        f'<div class="wide">\n<table class="list{short}">\n{title}<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _words(are: bool) -> str:
    return ' class="words"' if are else ""


def facts_table(figure: Drawn) -> str:
    """Return the numbers behind a figure."""
    return list_table(figure.headings, figure.rows)


def productivity_tables(record: Mapping[str, Any], words: Words) -> Iterator[str]:
    """Yield for every productivity entry its elasticities, and its diagnostics where it has any."""
    labels = Labels(record["spec"]["labels"], words)
    for name, fit in record["productivity"].items():
        if fit["status"] == "failed":
            continue
        grouped = any(group["group"] for group in fit["groups"])
        yield _elasticities(name, fit, grouped, labels, words)
        rows = [
            (f"{key}, {_group(group, labels)}" if grouped else key, _diagnostic(value, words))
            for group in fit["groups"]
            for key, value in group["diagnostics"].items()
            if value is not None
        ]
        if rows:
            headings = (words("page.diagnostics"), words("page.value"))
            yield list_table(headings, rows)


def _elasticities(name: str, fit: Mapping[str, Any], grouped: bool, labels: Labels, words: Words) -> str:
    method = words.known(f"method.{fit['method']}") or fit["method"]
    rungs = [] if grouped else [group["rung"] for group in fit["groups"] if group["rung"]]
    caption = f"{labels.column(name)}{colon(words.locale)}{', '.join([method, *rungs])}"
    options = options_text(fit["options"])
    below = f'<p class="byline small" lang="en">{escape(options)}.</p>\n' if options else ""
    rows = [row for group in fit["groups"] for row in _group_rows(group, grouped, labels, words)]
    if not rows:
        return f"<h3>{escape(caption)}</h3>\n{below}"
    keys = (
        "variable",
        "page.elasticity",
        "std_error",
        *(("rung",) if grouped else ()),
        "observations",
        "firms",
    )
    headings = [words(key) for key in (("groups", *keys) if grouped else keys)]
    headings.append(f"{words('hansen_j')} (df; p)")
    return list_table(headings, rows, texts={1, 4} if grouped else (), caption=caption) + below


def _group_rows(group: Mapping[str, Any], grouped: bool, labels: Labels, words: Words) -> Iterator[tuple[str, ...]]:
    locale = words.locale
    blank = words("suppressed") if group.get("suppressed") else ""
    j = decimal(group["j_statistic"], 3, locale)
    size = (count(group["n_obs"], locale) or blank, count(group["n_firms"], locale) or blank)
    test = f"{j} ({group['j_df']}; {p_value(group['j_p_value'], locale)})" if j else ""
    # What belongs to the whole estimate is said once; the rung of an only estimate is in the caption.
    whole = (*((group["rung"],) if grouped else ()), *size, test)
    of = (_group(group, labels),) if grouped else ()
    for one in group["coefficients"]:
        estimate, error = decimal(one["estimate"], 4, locale), decimal(one["std_error"], 4, locale)
        yield (*of, labels.column(one["term"]), estimate or blank, error or blank, *whole)
        whole = ("",) * len(whole)


def _group(group: Mapping[str, Any], labels: Labels) -> str:
    return ", ".join(f"{labels.column(key)} {level}" for key, level in (group["group"] or {}).items())


def _diagnostic(value: float, words: Words) -> str:
    if float(value).is_integer():
        return count(int(value), words.locale)
    return decimal(value, 1 if abs(value) >= 100 else 4, words.locale)


def ledger_table(record: Mapping[str, Any], words: Words) -> str:
    """Return the ledger: one line a reason."""

    def number(value: int | None) -> str:
        return words("suppressed") if value is None else count(value, words.locale)

    rows = [
        (
            entry["table"],
            entry["step"],
            number(entry["rows_in"]),
            number(entry["dropped"]) if entry["dropped"] != 0 else "",
            entry["reason"],
            number(entry["rows_out"]),
        )
        for entry in record["panel"]["ledger"]
    ]
    keys = ("table", "step", "rows_in", "dropped", "reason", "rows_out")
    return list_table([words(f"page.{key}") for key in keys], rows, texts={1, 4})


def link_table(record: Mapping[str, Any], words: Words) -> str:
    """Return the counts of the link between accounts and survey; empty without one."""
    rows = [(path, shown) for path, shown in _leaves(record["panel"]["link"], (), words)]
    return list_table((words("page.link"), words("page.value")), rows) if rows else ""


def _leaves(value: Any, path: tuple[str, ...], words: Words) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key).replace("_", " ")), words)
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
    facts = [(key, str(manifest[key])) for key in _ENVIRONMENT if key in manifest]
    for key in ("libraries", "blas"):
        facts += [(f"{key} {name}" if key == "blas" else name, str(of)) for name, of in manifest.get(key, {}).items()]
    seeds = manifest.get("seeds", manifest.get("seed"))
    if seeds is not None:
        facts.append(("seed", str(seeds)))
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
