"""What a layout says against itself: all of it, each at its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from panels.layout_parts import Concept
from specs.errors import did_you_mean
from specs.expressions import Expression
from specs.fields import Mistake
from specs.tokens import is_name

if TYPE_CHECKING:
    from panels.layout import Layout

__all__ = ["NO_WAVE", "mistakes_of"]

NO_WAVE = "the layout knows no wave "

_RESERVED = (
    "firm", "year", "linked", "link_status", "link_weight", "legal_units", "units_missing", "intra_group",
)  # fmt: skip
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "accounts": (("firm", "year"), ("closing",)),
    "survey": (("firm",), ("wave",)),
    "bridge": (("enterprise", "unit"), ("from", "to")),
}
"""The keys of each kind of table: those that it must have, those that it may have."""

_NAMED = {"accounts": ("firm", "year"), "survey": ("firm", "wave"), "bridge": ("enterprise", "unit")}
"""What no concept can be called, because a key is: the other keys give no column."""

_BY_FIRM = frozenset({"lag", "lead", "diff", "first", "mean", "sum", "count", "any", "all", "at"})


def mistakes_of(layout: Layout) -> Iterator[Mistake]:
    """Yield the mistakes of a layout whose parts are in order, by the path to each.

    Parameters
    ----------
    layout : Layout
    """
    yield from _keys(layout)
    yield from _sections(layout)
    yield from _names(layout)
    yield from _not_known(layout)
    yield from _items(layout)
    yield from _filters(layout)


def _keys(layout: Layout) -> Iterator[Mistake]:
    needed, optional = _KEYS[layout.table]
    known = (*needed, *optional)
    unknown = [key for key in layout.keys if key not in known]
    meant = {did_you_mean(key, known) for key in unknown}
    for key in needed:
        if key not in layout.keys and did_you_mean(key, (key,)) not in meant:
            yield Mistake(f'the key "{key}" is missing', "", f"write {key}: {{column: ...}}", ("keys",))
    for key in unknown:
        advice = did_you_mean(key, known) or f"there are: {', '.join(known)}"
        yield Mistake(f'unknown key "{key}"', "", advice, ("keys", key), at_key=True)


def _sections(layout: Layout) -> Iterator[Mistake]:
    """What a table of another kind has."""
    kind = {"accounts": "accounts have", "survey": "a survey has", "bridge": "a bridge has"}[layout.table]
    if layout.table == "bridge" and layout.concepts:
        yield Mistake("a bridge has no concepts", path=("concepts",), at_key=True)
    for name in ("items", "filters") if layout.table != "survey" else ():
        if getattr(layout, name):
            yield Mistake(f"{kind} no {name}", path=(name,), at_key=True)
    for name in ("filings", "identities") if layout.table != "accounts" else ():
        if getattr(layout, name):
            yield Mistake(f"{kind} no {name}", path=(name,), at_key=True)


def _names(layout: Layout) -> Iterator[Mistake]:
    known: dict[str, None] = dict.fromkeys(_NAMED[layout.table])
    for section, entries in (("concepts", layout.concepts), ("items", layout.items)):
        for name, entry in entries.items():
            if not is_name(name) or name in (*_RESERVED, *known):
                what = "stands twice or is a key" if is_name(name) else "is not the name of a column"
                yield Mistake(f'"{name}" {what}', path=(section, name), at_key=True)
            if isinstance(entry, Concept):
                yield from _concept(name, entry, tuple(known))
            known[name] = None


def _concept(name: str, concept: Concept, known: tuple[str, ...]) -> Iterator[Mistake]:
    parts: list[tuple[tuple[str | int, ...], Expression]] = []
    parts += [(("expression",), concept.expression)] if concept.expression is not None else []
    parts += [(("cases", index, "when"), case.when) for index, case in enumerate(concept.cases)]
    for below, one in parts:
        path = ("concepts", name, *below)
        if found := one.functions() & _BY_FIRM:
            yield Mistake(f"{min(found)}() looks at other rows", "a concept is made row by row",
                          "write it under variables: in the spec", path)  # fmt: skip
        else:
            yield from _unknown(one.names(), known, path)


def _not_known(layout: Layout) -> Iterator[Mistake]:
    """Whether a code is known cannot be one thing for the section and another for the division."""
    first: dict[str, str] = {}
    for name, concept in layout.concepts.items():
        if concept.column is None or not (concept.kind == "nace" or concept.codes):
            continue
        other = first.setdefault(layout.key_of(concept.column), name)
        listed, theirs = ({_said(code) for code in one.unknown} for one in (concept, layout.concepts[other]))
        if listed != theirs:
            path = ("concepts", name, "unknown") if concept.unknown else ("concepts", name)
            what = f'"{name}" and "{other}" are of one column and have not the same unknown:'
            meaning = "a cell would be known to one of them"
            yield Mistake(what, meaning, "write the same in both", path, at_key=True)


def _said(code: str | int) -> str:
    return str(code).strip().upper()


def _items(layout: Layout) -> Iterator[Mistake]:
    for name, item in layout.items.items():
        columns = [other for other, one in layout.items.items() if not one.any_of]
        for index, part in enumerate(item.any_of):
            path = ("items", name, "any_of", index)
            if part in layout.items and layout.items[part].any_of:
                yield Mistake(f'"{part}" is itself any_of others', "", "name the items that it is made of", path)
            elif part not in layout.items:
                yield Mistake(f'no item "{part}" with a column', "", did_you_mean(part, columns), path)
        for index, wave in enumerate(item.waves if layout.waves else ()):
            if wave not in layout.waves:
                there = f"there are: {', '.join(map(str, layout.waves))}"
                yield Mistake(f"{NO_WAVE}{wave}", "", there, ("items", name, "waves", index))


def _filters(layout: Layout) -> Iterator[Mistake]:
    known = (*layout.items, *layout.concepts, "wave")
    for index, one in enumerate(layout.filters):
        yield from _unknown(one.asked_if.names(), known, ("filters", index, "asked_if"))
        for place, part in enumerate(one.items):
            if part not in layout.items:
                advice = did_you_mean(part, layout.items)
                yield Mistake(f'no item "{part}"', "", advice, ("filters", index, "items", place))


def _unknown(
    names: Iterable[tuple[str, int]], known: tuple[str, ...], path: tuple[str | int, ...]
) -> Iterator[Mistake]:
    for used, offset in names:
        if used not in known:
            yield Mistake(f'no concept "{used}" stands above', "", did_you_mean(used, known), path, offset)
