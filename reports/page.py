"""The report of a run: one HTML page that needs nothing else, for the screen and for paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from reports.build import build_table
from reports.cases import all_cases, first_names
from reports.figures.build import Drawn, build_figures
from reports.footer import WHO
from reports.formats import html
from reports.notes import listed, sentence, without_group
from reports.numbers import count
from reports.page_advice import advice_lists
from reports.page_balance import balance_tables
from reports.page_lists import (
    facts_table,
    ledger_table,
    link_table,
    list_table,
    provenance_tables,
)
from reports.page_productivity import agreement_lists, diagnostics_tables
from reports.table import colon
from reports.views import table_spec
from reports.words import Words, localised, words_of

__all__ = ["failures", "locales_of", "render"]


def locales_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the locales that the tables of a run ask for, in their order; English where none does."""
    asked = (locale for name in record["spec"]["tables"] for locale in table_spec(record, name).locales)
    return tuple(dict.fromkeys(asked)) or ("en",)


def render(
    record: Mapping[str, Any],
    spec_text: str,
    manifest: Mapping[str, Any],
    locale: str | None = None,
    figures: Sequence[Drawn] | None = None,
) -> str:
    """Return the page.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    spec_text : str
        The spec as resolved, YAML.
    manifest : mapping
        Versions, platform and input digests; times are left to ``manifest.json``, so that the page of an
        equal run is equal.
    locale : str, optional
        The language of the page itself; the first that a table asks for by default. Tables stand in every
        locale that they ask for.
    figures : sequence of Drawn, optional
        Drawn anew by default.

    Returns
    -------
    str
        A whole HTML document: inline style and SVG, no script, no network.
    """
    words = words_of(locale or locales_of(record)[0])
    drawn = build_figures(record, words.locale) if figures is None else figures
    sections = [
        ("tables", words("page.tables"), _tables(record, words)),
        ("figures", words("page.figures"), _figures(drawn, words)),
        ("failed", words("page.failed"), _failed(record, words)),
        ("balance", words("page.balance"), balance_tables(record, words)),
        ("productivity", words("page.productivity"), _productivity(record, words)),
        ("sample", words("page.sample"), _sample(record, words)),
        ("disclosure", words("page.disclosure"), _disclosure(record, words)),
        ("advice", words("page.advice"), advice_lists(record, words)),
        ("notes", words("page.notes"), _notes(record, words)),
        ("spec", words("page.spec"), _spec(record, spec_text, words)),
        ("provenance", words("page.provenance"), "".join(provenance_tables(manifest, words))),
    ]
    present = [(key, heading, body) for key, heading, body in sections if body]
    title = localised(record["spec"]["title"], words.locale)
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(words.locale.replace("_", "-"))}">\n<head>\n'
        '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{html.style()}</style>\n</head>\n<body>\n"
        f"{_header(record, title, present, words)}<main>\n"
        + "".join(
            f'<section id="{key}">\n<h2>{escape(heading)}</h2>\n{body}</section>\n' for key, heading, body in present
        )
        + "</main>\n</body>\n</html>\n"
    )


def _header(record: Mapping[str, Any], title: str, present: Iterable[tuple[str, str, str]], words: Words) -> str:
    panel, years = record["panel"], record["panel"]["years"]
    lines = [f"<h1>{escape(title)}</h1>"]
    if source := localised(record["spec"]["source"], words.locale):
        lines.append(f'<p class="byline">{escape(words("note.source"))}: {escape(source)}</p>')
    size = words(
        "page.sample_line",
        rows=count(panel["rows"], words.locale),
        firms=count(panel["firms"], words.locale),
        first=years[0] if years else "",
        last=years[-1] if years else "",
    )
    lines.append(f'<p class="byline">{escape(size)}</p>')
    if failed := failures(record):
        line = words("page.failed_line", names=", ".join(name for name, _ in failed))
        lines.append(f'<p class="alert"><a href="#failed">{escape(line)}</a></p>')
    if note := words("page.language_note"):
        lines.append(f'<p class="byline">{escape(note)}</p>')
    links = "".join(f'<li><a href="#{key}">{escape(heading)}</a></li>' for key, heading in _places(present, words))
    lines.append(f'<nav class="contents" aria-label="{escape(words("page.contents"))}"><ul>{links}</ul></nav>')
    return '<header class="title">\n' + "\n".join(lines) + "\n</header>\n"


def _places(present: Iterable[tuple[str, str, str]], words: Words) -> Iterator[tuple[str, str]]:
    """Yield the anchors that the contents link to: the sections, and the parts of a long one."""
    parts = {"productivity-meanings": "diagnostic.meanings", "productivity-agreement": "agreement.heading"}
    for key, heading, body in present:
        yield key, heading
        yield from ((part, words(word)) for part, word in parts.items() if f'<h3 id="{part}">' in body)


def _tables(record: Mapping[str, Any], words: Words) -> str:
    parts = []
    before = words.locale
    for name in record["spec"]["tables"]:
        locales = table_spec(record, name).locales
        # The page's own language first.
        for locale in sorted(locales, key=lambda one: one != words.locale):
            if locale != before:
                heading = words_of(locale)("page.locale")
                parts.append(f'<h3 lang="{escape(locale.replace("_", "-"))}">{escape(heading)}</h3>\n')
                before = locale
            table = build_table(record, name, locale)
            parts.append(html.render(table))
    return "".join(parts)


def _figures(drawn: Iterable[Drawn], words: Words) -> str:
    parts = []
    for figure in drawn:
        parts.append(
            f'<figure id="{escape(figure.name)}">\n{_inline(figure)}\n'
            f"<figcaption>{facts_table(figure)}</figcaption>\n</figure>\n"
        )
    return "".join(parts)


def _inline(figure: Drawn) -> str:
    """Return the SVG as a part of the page: described, its names told apart from other figures'."""
    svg = figure.images["svg"].decode("utf-8")
    svg = svg[svg.index("<svg") :]
    prefix = f"{figure.name}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}", svg)
    # The style inside would reach every element of the page; its one rule goes to this figure alone.
    svg = svg.replace("*{stroke-linejoin", f"#{figure.name} svg *{{stroke-linejoin")
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(figure.description)}" ', 1).strip()


def _failed(record: Mapping[str, Any], words: Words) -> str:
    rows = failures(record)
    return list_table((words("page.entry"), words("page.reason")), rows, texts={1}, english={1}) if rows else ""


def failures(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what could not be estimated, with its reason, in the order of estimation."""
    return [
        (f"{section}.{name}", one["reason"])
        for section, entries in (
            ("productivity", record["productivity"]),
            ("models", record["models"]),
            ("variants", all_cases(record)),
            ("figures", record["figures"]),
        )
        for name, one in entries.items()
        if one["status"] == "failed"
    ]


def _productivity(record: Mapping[str, Any], words: Words) -> str:
    if not record["productivity"]:
        return ""
    lead = f'<p class="lead">{escape(words("page.productivity_lead"))}</p>\n'
    return lead + diagnostics_tables(record, words) + agreement_lists(record, words)


def _sample(record: Mapping[str, Any], words: Words) -> str:
    lead = f'<p class="lead">{escape(words("page.sample_lead"))}</p>\n'
    return lead + ledger_table(record, words) + link_table(record, words)


def _disclosure(record: Mapping[str, Any], words: Words) -> str:
    rule = record["disclosure"]
    if not rule["breaches"]:
        key = "page.disclosure_none_one" if rule["minimum_firms"] == 1 else "page.disclosure_none"
        return f"<p>{escape(words(key, minimum=rule['minimum_firms']))}</p>\n"
    lead = words(f"page.disclosure_{rule['on_breach']}", minimum=rule["minimum_firms"])
    rows = [
        (
            one["where"],
            _item(one["item"], words),
            words("suppressed") if one["n_firms"] is None else str(one["n_firms"]),
        )
        for one in rule["breaches"]
    ]
    headings = (words("page.where"), words("page.item"), words("firms"))
    return f"<p>{escape(lead)}</p>\n" + list_table(headings, rows, texts={1})


def _item(item: str, words: Words) -> str:
    """Return what a breach concerns; names of the spec stay as they are."""
    whole = {"n_firms": words("page.all"), "all": words("page.all")}
    if who := {f"n_{one}": f"decomposition.{one}" for one in WHO}.get(item):
        return words(who)
    of, _, what = item.rpartition(": ")
    known = words.known(f"agreement.{what}") if what in ("levels", "growth") else words.known(f"diagnostic.{what}")
    return f"{whole.get(of, of)}{colon(words.locale)}{known}" if of and known else whole.get(item, item)


def _notes(record: Mapping[str, Any], words: Words) -> str:
    said: dict[str, list[str]] = {}
    for name, fit in record["productivity"].items():
        for note in fit["notes"]:
            said.setdefault(note, []).append(name)
        for group in fit["groups"]:
            of = ", ".join(f"{column} {level}" for column, level in (group["group"] or {}).items())
            for note in group["notes"]:
                said.setdefault(without_group(note, group["group"]), []).append(f"{name} ({of})" if of else name)
    for name, model in record["models"].items():
        for note in model["notes"]:
            said.setdefault(note, []).append(name)
    of_cases: dict[str, list[str]] = {}
    for name, case in all_cases(record).items():
        for note in case["notes"]:
            of_cases.setdefault(note, []).append(name)
    for note, names in of_cases.items():
        said.setdefault(note, []).extend(first_names(names, words))
    items = "".join(
        f"<li>{escape(listed(list(dict.fromkeys(names))))}: {escape(sentence(note))}</li>\n"
        for note, names in said.items()
    )
    return f'<ul class="notes" lang="en">\n{items}</ul>\n' if items else ""


def _spec(record: Mapping[str, Any], spec_text: str, words: Words) -> str:
    digest = words("page.digest_line", digest=record["spec"]["digest"])
    return (
        f'<p class="lead">{escape(words("page.spec_lead"))}</p>\n'
        f'<pre lang="en" tabindex="0">{escape(spec_text.rstrip())}</pre>\n'
        f'<p class="digest">{escape(digest)}</p>\n'
    )
