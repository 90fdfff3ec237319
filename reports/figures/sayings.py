"""What the computation says of a figure, in the reader's language."""

from __future__ import annotations

import re

from reports.figures.drawing import FigureContext, columns_drawn
from reports.numbers import count

__all__ = ["said"]

_PATTERNS = tuple(
    (re.compile(pattern), f"figure.{key}")
    for pattern, key in (
        (r"Gaussian kernel, bandwidth by Silverman's rule of thumb \(R's bw\.nrd0\)", "gaussian"),
        (r"each curve ends where at least (?P<number>\d+) firms and 1 % of its firms lie beyond", "ends"),
        (r"too few firms for a curve: (?P<names>.+)", "too_few"),
        (r"(?P<column>\S+) is missing in (?P<number>[\d,]+) rows: left out", "missing"),
        (
            r"(?P<about>\S+: )?levels cannot be compared across separately estimated technologies: each around its own "
            r"mean",
            "centred",
        ),
        (
            r"the elasticities of (?P<column>\S+) are the same in every row of a group: where says which groups are "
            r"drawn",
            "same_in_groups",
        ),
        (
            r"the elasticities of (?P<column>\S+) are the same in every row of a group: where says nothing here",
            "same_everywhere",
        ),
        (
            r"the elasticities of (?P<column>\S+) are the same at every level of (?P<by>\S+): it is Cobb-Douglas with "
            r"one technology",
            "same_at_levels",
        ),
        (r"not drawn: (?P<column>[^:]+): (?P<reason>.+)", "not_drawn"),
        (r"means over the rows of the estimation sample; the intervals count their sampling too", "means"),
    )
)


def said(note: str, context: FigureContext) -> str:
    """Return a note as a sentence in the locale; as it was worded where it is not known."""
    words, labels = context.words, context.labels
    for pattern, key in _PATTERNS:
        found = pattern.fullmatch(note)
        if found is None:
            continue
        filled = {name: value or "" for name, value in found.groupdict().items()}
        if "number" in filled:
            filled["number"] = count(int(filled["number"].replace(",", "")), words.locale)
        if "by" in filled:
            filled["by"] = labels.column(filled["by"])
        return words(key, **filled)
    first = note.split(" ", 1)[0].rstrip(":")
    # The name of a column keeps its letters.
    start = note[:1] if first in columns_drawn(context.figure) else note[:1].upper()
    return f"{start}{note[1:]}" + ("" if note.endswith(".") else ".")
