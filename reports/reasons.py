"""Why rows were lost, in the reader's language: what the ledger and the estimates say of them."""

from __future__ import annotations

import re

from reports.labels import Labels
from reports.words import Words

__all__ = ["reason_of", "step_of", "table_of"]

_COUNTED = re.compile(r"(?P<what>.+),? in (?P<count>\d+) rows?")
_PATTERNS = tuple(
    (re.compile(pattern), f"reason.{key}")
    for pattern, key in (
        (r"missing (?P<column>[^ ]+) in the year before", "missing_before"),
        (r"missing (?P<column>[^ ]+)", "missing"),
        (r"where is missing: (?P<where>.+)", "where_missing"),
        (r"where is false: (?P<where>.+)", "where_false"),
        (r"where_ever is true in no year: (?P<where>.+)", "where_ever"),
        (r"(?P<column>[^ ]+) of (?P<year>\d+) is missing", "missing_in"),
        (r"(?P<column>[^ ]+) is missing", "missing"),
        (r"not seen in (?P<year>\d+)", "not_seen"),
        (r"where is not true in (?P<year>\d+)", "where_not_true"),
        (r"joined to the firm's row of (?P<year>\d+)", "joined"),
        (r"(?P<column>[^ ]+) is zero", "zero"),
        (r"(?P<column>[^ ]+) is negative", "negative"),
        (r"(?P<column>[^ ]+) outside \(0, 1\)", "no_share"),
        (r"elasticity of (?P<column>[^ ]+) not above zero", "elasticity_not_positive"),
        (r"(?P<column>[^ ]+) not above zero", "not_positive"),
        (r"no transitory error in (?P<column>[^ ]+)", "no_transitory"),
        (r"fewer than (?P<number>\d+) consecutive years before", "fewer_years"),
        (r"year outside (?P<years>[\d-]+)", "outside_years"),
        (r"accounting year shorter than (?P<number>\S+) months", "short_year"),
        (r"accounting year longer than (?P<number>\S+) months", "long_year"),
        (r"other years than (?P<first>\d+) and (?P<last>\d+)", "other_years"),
        (r"outside the years (?P<first>\d+) and (?P<last>\d+)", "outside_span"),
        (r"(?P<column>[^ ]+): log of zero or less, missing", "log_of_zero"),
        (r"(?P<column>[^ ]+): division by zero, missing", "division_by_zero"),
        (r"column (?P<header>.+?): (?P<text>.+) is not known, missing", "not_known"),
        (r"years (?P<span>[\d-]+) taken as numbers of periods \(.* (?P<year>\d+)\)", "two_digits"),
    )
)


def reason_of(reason: str, labels: Labels, words: Words) -> str:
    """Return why rows were lost, in the locale; as the step that lost them words it where it is not known."""
    known = words.known(f"reason.{reason}")
    if known is not None:
        return known
    for pattern, key in _PATTERNS:
        if found := pattern.fullmatch(reason):
            filled = found.groupdict()
            if "column" in filled:
                filled["column"] = labels.column(filled["column"])
            return words(key, **filled)
    if counted := _COUNTED.fullmatch(reason):
        what = reason_of(counted["what"], labels, words)
        if what != counted["what"]:
            key = "counted_one" if counted["count"] == "1" else "counted"
            return words(f"reason.{key}", what=what, count=counted["count"])
    return reason


def table_of(table: str, labels: Labels, words: Words) -> str:
    """Return what the ledger calls a table: the panel and its sources, or an entry of the spec by its own name."""
    section, _, name = table.partition(".")
    known = words.known(f"ledger.{section}")
    return table if known is None else f"{known} {labels.declared(name) or name}".strip()


def step_of(step: str, words: Words) -> str:
    """Return what the ledger calls a step; a key of the spec by its own name."""
    known = words.known(f"step.{step}")
    if known is None and step.startswith("equation "):
        return words("step.equation", number=step.removeprefix("equation "))
    return known or step
