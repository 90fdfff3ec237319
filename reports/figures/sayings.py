"""What the computation says of a figure, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reports.figures.drawing import FigureContext, columns_drawn
from reports.figures.units import name_of
from reports.numbers import count
from reports.table import colon

__all__ = ["methods_of", "said"]

_PATTERNS = tuple(
    (re.compile(pattern), f"figure.{key}")
    for pattern, key in (
        (r"Gaussian kernel, bandwidth by Silverman's rule of thumb \(R's bw\.nrd0\)", "gaussian"),
        (r"each curve ends where at least 1 firm and 1 % of its firms lie beyond", "ends_one"),
        (r"each curve ends where at least (?P<number>[\d,]+) firms and 1 % of its firms lie beyond", "ends"),
        (r"too few firms for a curve: (?P<names>.+)", "too_few"),
        (r"its values do not vary: no curve: (?P<names>.+)", "still"),
        (r"its values hardly vary between the tails that are cut: no curve: (?P<names>.+)", "hardly"),
        (r"(?P<column>\S+) is missing in 1 row: left out", "missing_one"),
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
        (
            r"(?P<column>\S+): (?P<number>\d+) of (?P<drawn>\d+) cases of (?P<of>\S+), drawn at random",
            "curve_drawn",
        ),
        (r"p-values are not adjusted for the family of the cases", "curve_family"),
        (r"not drawn: (?P<column>[^:]+): (?P<reason>.+)", "not_drawn"),
        (
            r"(?P<about>.+: )?means over the rows of the estimation sample; the intervals count their sampling too",
            "means",
        ),
    )
)


def said(note: str, context: FigureContext) -> str:
    """Return a note as a sentence in the locale; as it was worded where it is not known."""
    words, labels = context.words, context.labels
    for pattern, text in _PATTERNS:
        found = pattern.fullmatch(note)
        if found is None:
            continue
        filled = {name: value or "" for name, value in found.groupdict().items()}
        for key in ("number", "drawn"):
            if key in filled:
                filled[key] = count(int(filled[key].replace(",", "")), words.locale)
        if filled.get("about"):
            filled["about"] = f"{filled['about'].removesuffix(': ')}{colon(words.locale)}"
        if "by" in filled:
            filled["by"] = labels.column(filled["by"])
        return words(text, **filled)
    first = note.split(" ", 1)[0].rstrip(":")
    # The name of a column keeps its letters.
    start = note[:1] if first in columns_drawn(context.figure) else note[:1].upper()
    return f"{start}{note[1:]}" + ("" if note.endswith(".") else ".")


def methods_of(context: FigureContext) -> Iterator[str]:
    """Say how each entry was estimated and what its intervals rest on, once where several say the same."""
    words, said = context.words, dict[tuple[str, str], list[str]]()
    drawn: list[str] = []
    for name in columns_drawn(context.figure):
        fit = context.productivity.get(name)
        if fit is None:
            continue
        averaged = any(one["of"] == name and one["averaged"] for one in context.figure["series"])
        if averaged and (context.figure["by"] or context.figure["where"]):
            # Of a mean over rows chosen here, whatever errors the estimate itself prints.
            kinds = {words("errors.cluster", by=context.labels.column("firm")): None}
            if any((group["errors"] or {}).get("bootstrap") for group in fit["groups"]):
                drawn.append(name_of(context, name))
        else:
            kinds = dict.fromkeys(
                _kind_of_errors(context, group["errors"]) for group in fit["groups"] if group["errors"]
            )
        method = words.known(f"method.{fit['method']}") or str(fit["method"])
        said.setdefault((method, "; ".join(kinds) or words("none")), []).append(name_of(context, name))
    for (method, errors), names in said.items():
        yield words("figure.method", names=", ".join(names), method=method, errors=errors)
    if drawn:
        yield words("figure.closed_form", names=", ".join(drawn))


def _kind_of_errors(context: FigureContext, errors: Mapping[str, Any]) -> str:
    """Return how standard errors were computed, without the numbers of clusters, which differ between groups."""
    words, kind = context.words, errors["kind"]
    by = words("errors.and").join(
        " × ".join(context.labels.column(part) for part in column.split("^")) for column in errors["clusters"]
    )
    if kind == "bootstrap":
        draws = errors["bootstrap"]["draws"]
        number = words("suppressed") if draws is None else count(draws, context.locale)
        return words("errors.bootstrap", by=by, draws=number)
    if kind == "cluster":
        return words("errors.cluster", by=by)
    return words.known(f"errors.{kind}") or words("errors.robust", kind=kind)
