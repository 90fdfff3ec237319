"""The ledger as a waterfall: for each table what is left after every reason, as a picture made of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from textwrap import wrap
from typing import Any

from reports.numbers import count

__all__ = ["waterfall"]

_WIDTH, _LABELS, _LINE, _BAR, _NEXT = 900, 400, 22, 14, 14
_NUMBERS = 120
_LONGEST = 62
"""Letters of a label on a line; longer ones take several."""


def waterfall(ledger: Sequence[Mapping[str, Any]], table: str) -> str:
    """Return the picture of one table's rows: a bar for what is left, and beside it what the reason took.

    Parameters
    ----------
    ledger : sequence of mappings
        Entries of `panels.ledger.LedgerEntry`.
    table : str
        ``accounts``.

    Returns
    -------
    str
        An SVG with a title and a description; empty where nothing left the table, or where it is withheld what did.
    """
    own = [one for one in ledger if one["table"] == table and (one["dropped"] != 0 or not one["reason"])]
    if any(one["dropped"] is None for one in own) or not any(one["dropped"] for one in own):
        return ""
    total = own[0]["rows_in"]
    lines: list[tuple[str, int, int]] = [("rows read", total, 0)]
    left = total
    for one in own:
        if one["dropped"]:
            left -= one["dropped"]
            lines.append((one["reason"], left, one["dropped"]))
    scale = (_WIDTH - _LABELS - _NUMBERS) / max(total, 1)
    parts, y = [], 0
    for label, kept, gone in lines:
        width = kept * scale
        what = count(kept, "en") if not gone else f"−{count(gone, 'en')}"
        said = wrap(label, _LONGEST) or [""]
        parts.append(
            "".join(
                f'<text x="{_LABELS - 8}" y="{y + 12 + _NEXT * place}" text-anchor="end">{escape(words)}</text>'
                for place, words in enumerate(said)
            )
            + f'<rect x="{_LABELS}" y="{y + 1}" width="{width:.1f}" height="{_BAR}" fill="#33658a"/>'
            f'<rect x="{_LABELS + width:.1f}" y="{y + 1}" width="{max(gone * scale, 1 if gone else 0):.1f}" '
            f'height="{_BAR}" fill="#d1495b"/>'
            f'<text x="{_LABELS + width + gone * scale + 6:.1f}" y="{y + 12}">{what}</text>'
        )
        y += _LINE + _NEXT * (len(said) - 1)
    title = f"{count(total, 'en')} rows of {table} read, {count(left, 'en')} left"
    return (
        f'<svg class="waterfall" role="img" viewBox="0 0 {_WIDTH} {y}" width="100%" '
        f'style="max-width:{_WIDTH}px;font-size:12px"><title>{escape(title)}</title>{"".join(parts)}</svg>\n'
    )
