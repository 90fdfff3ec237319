"""What left the panel by sector, scheme, region and size: counts, the small ones left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from panels.ledger import STRATA_COLUMNS
from reports.few_firms import to_hide
from reports.formats.csv import write_rows
from reports.labels import Labels
from reports.numbers import count
from reports.page_lists import list_table
from reports.reasons import reason_of, table_of
from reports.words import Words

__all__ = ["shown_strata", "strata_files", "strata_section"]

_TOTAL = ""
_SHOWN = {"size": "size class", "scheme": "scheme"}
"""Strata with few levels: the page has them, the file has all."""

Entries = Sequence[Mapping[str, Any]]


def shown_strata(entries: Entries, minimum: int) -> list[dict[str, Any]]:
    """Return the drops by stratum, None for those that would tell of fewer rows than `minimum`.

    Parameters
    ----------
    entries : sequence of mappings
        Of `panels.ledger.StratumEntry`. The levels of a stratum add up to the drop, which the ledger tells: where one
        is left out another is as well. Of a drop of fewer rows than `minimum` nothing is told, also not where it did
        not happen.
    minimum : int
    """
    sums: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for one in entries:
        key = one["table"], one["step"], one["reason"], one["stratum"]
        sums.setdefault(key, {})[one["level"]] = one["dropped"]
    found = []
    for key, levels in sums.items():
        if sum(levels.values()) < minimum:
            continue
        parts = {f" {level}": number for level, number in levels.items()}
        hidden = to_hide({**parts, _TOTAL: sum(parts.values())}, [(_TOTAL, list(parts))], minimum)
        for level, number in levels.items():
            cells = (*key, level, None if f" {level}" in hidden else number)
            found.append(dict(zip(STRATA_COLUMNS, cells, strict=True)))
    return found


def strata_files(shown: Entries) -> Iterator[tuple[str, str]]:
    """Yield ``ledger_by_stratum.csv``; a count that is left out is an empty cell."""
    rows = (tuple(one[key] for key in STRATA_COLUMNS) for one in shown)
    yield "ledger_by_stratum.csv", write_rows(STRATA_COLUMNS, rows)


def strata_section(shown: Entries, minimum: int, labels: Labels, words: Words) -> str:
    """Return the tables of the page: a line a reason, a column a level."""
    parts = []
    for stratum, heading in _SHOWN.items():
        own = [one for one in shown if one["stratum"] == stratum]
        levels = sorted({one["level"] for one in own}, key=_order)
        if not levels:
            continue
        cells = {(one["table"], one["reason"], one["level"]): one["dropped"] for one in own}
        reasons = dict.fromkeys((one["table"], one["reason"]) for one in own)
        rows = [
            (
                f"{table_of(table, labels, words)}: {reason_of(reason, labels, words)}",
                *(_shown(cells.get((table, reason, level), 0)) for level in levels),
            )
            for table, reason in reasons
        ]
        # Classes stay on one line.
        headings = ("Reason", *(level.replace("-", "\N{NON-BREAKING HYPHEN}") or "not known" for level in levels))
        parts.append(list_table(headings, rows, caption=f"Rows that left, by {heading}"))
    if not parts:
        return ""
    note = (
        f"<p>c: fewer than {minimum} rows, or a count from which such a one would follow. Reasons that took fewer than "
        f"{minimum} rows are not shown.</p>\n"
    )
    return "".join(parts) + note


def _order(level: str) -> tuple[int, str]:
    """Classes of size by where they begin, unknown ones last."""
    start = level.partition("-")[0].rstrip("+")
    return (int(start), "") if start.isdigit() else (10**9, level or "~")


def _shown(number: int | None) -> str:
    return "c" if number is None else count(number, "en")
