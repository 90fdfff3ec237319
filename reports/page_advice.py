"""The part of the page on advice: what a referee may ask of a run, and what the spec answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from reports.page_lists import list_table
from reports.words import Words, localised

__all__ = ["advice_lists"]

FIRST = 6
"""Entries that are named where the same is said of many."""


def advice_lists(record: Mapping[str, Any], words: Words) -> str:
    """Return what is open, by code with its reason, then what is answered; empty where nothing was given.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    words : Words
    """
    given = record.get("advice", [])
    still_open = [one for one in given if one["reason"] is None]
    answered = [one for one in given if one["reason"] is not None]
    parts = [f'<p class="lead">{escape(words("page.advice_lead"))}</p>\n'] if given else []
    alike: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for one in still_open:
        said = alike.setdefault((one["code"], one["why"], one["advice"]), {})
        said.setdefault(one["what"], []).append(one["entry"])
    for (code, why, tried), said in alike.items():
        items = "".join(f"<li>{escape(_first(names, words))}: {escape(what)}</li>\n" for what, names in said.items())
        parts.append(
            f'<h3>{escape(code)}</h3>\n<div lang="en">\n<ul class="notes">\n{items}</ul>\n'
            f"<p>{escape(_sentence(why))}</p>\n<p><i>Try:</i> {escape(tried)}.</p>\n</div>\n"
        )
    if answered:
        reasons: dict[tuple[str, str, str], list[str]] = {}
        for one in answered:
            reason = localised(one["reason"], words.locale)
            reasons.setdefault((one["code"], one["what"], reason), []).append(one["entry"])
        rows = [(code, _first(names, words), what, reason) for (code, what, reason), names in reasons.items()]
        headings = (words("page.advice_code"), words("page.entry"), words("page.advice_what"), words("page.reason"))
        parts.append(list_table(headings, rows, texts={1, 2, 3}, caption=words("page.advice_answered"), english={2}))
    return "".join(parts)


def _first(names: Sequence[str], words: Words) -> str:
    found = list(dict.fromkeys(names))
    if len(found) <= FIRST + 1:
        return ", ".join(found)
    return words("page.advice_others", names=", ".join(found[:FIRST]), count=len(found) - FIRST)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
