"""``like:`` and ``and_where:``: entries that copy another entry's keys, every value with its own position."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from specs.errors import Position, Problem, did_you_mean
from specs.expressions import parse_expression
from specs.fields import as_written
from specs.tokens import GrammarError
from specs.tree import Entry, Node, plain

__all__ = ["Resolved", "resolve_like"]

MAX_CHAIN = 50

KeysOf = Callable[[Node], Collection[str] | None]
"""From an entry to the keys that its method or design has; None where that is not known."""

Settle = Callable[[str, Node], Node]
"""From an entry's name and keys to the same with further keys filled in that a copy takes over."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A section without ``like`` and ``and_where``.

    Attributes
    ----------
    entries : dict of str to Entry
        In the order of writing; without those whose `like` leads nowhere.
    notes : tuple of (name of the entry, text)
        What was left out of a copy, and why.
    problems : tuple of Problem
    orphans : dict of str to Entry
        The own keys of those whose `like` leads nowhere: they can be checked, but may lack what they need.
    """

    entries: dict[str, Entry]
    notes: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]
    orphans: dict[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class _Work:
    section: dict[str, Entry]
    path: str
    keys_of: KeysOf
    settle: Settle
    done: dict[str, Node | None] = field(default_factory=dict)
    notes: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, name: str, node: Node, key: str, what: str, *, meaning: str = "", advice: str = "") -> None:
        self.problems.append(Problem(node.position, f"{self.path}.{name}.{key}", what, meaning, advice))


def _unknown(_: Node) -> None:
    return None


def _as_is(_: str, node: Node) -> Node:
    return node


def resolve_like(section: Node, path: str, keys_of: KeysOf = _unknown, settle: Settle = _as_is) -> Resolved:
    """Resolve every entry of ``productivity:`` or ``models:``.

    A copy has the keys of its parent as resolved; its own keys win; a null removes a key; ``and_where``
    narrows the ``where`` that would hold without it. Keys that come from the parent and that the copy's own
    method or design does not have are left out, with a note.

    Parameters
    ----------
    section : Node
        A map of entries; entries that are not maps are passed on as they are.
    path : str
        ``models`` or ``productivity``.
    keys_of : callable, optional
        The keys that an entry's method or design has.
    settle : callable, optional
        Fills in what a copy takes over from its parent although the parent only implies it.

    Returns
    -------
    Resolved
    """
    work = _Work(section.entries, path, keys_of, settle)
    for name in work.section:
        _resolve(work, name, ())
    entries, orphans = {}, {}
    for name, entry in work.section.items():
        node = work.done[name]
        if node is not None:
            entries[name] = Entry(entry.key_position, node)
        else:
            own = {key: one for key, one in entry.node.entries.items() if key != "like"}
            orphans[name] = Entry(entry.key_position, Node(entry.node.position, own))
    return Resolved(entries, tuple(work.notes), tuple(work.problems), orphans)


def _resolve(work: _Work, name: str, children: tuple[str, ...]) -> Node | None:
    if name in work.done:
        return work.done[name]
    own = work.section[name].node
    if not isinstance(own.value, dict):
        work.done[name] = own
        return own
    parent = _parent(work, name, own, (*children, name))
    inherited: dict[str, Entry] = {}
    if parent is not None:
        inherited = dict(parent.entries)
    elif "like" in own.value:
        work.done[name] = None
        return None
    kept = {key: entry for key, entry in own.value.items() if key not in ("like", "and_where")}
    merged = {**inherited, **kept} if inherited else dict(kept)
    if inherited:
        merged = {key: entry for key, entry in merged.items() if entry.node.value is not None}
        known = work.keys_of(Node(own.position, merged))
        # What removes nothing, and is no key at all, is misspelt: it stays, and is told.
        merged |= {
            key: entry
            for key, entry in kept.items()
            if entry.node.value is None and key not in inherited and known is not None and key not in known
        }
    narrower = own.value.get("and_where")
    if narrower is not None:
        where = _narrowed(work, name, merged.get("where"), narrower)
        if where is not None:
            merged["where"] = where
    _leave_out(work, name, own, merged, set(inherited) - set(kept))
    work.done[name] = Node(own.position, merged)
    return work.done[name]


def _parent(work: _Work, name: str, own: Node, chain: tuple[str, ...]) -> Node | None:
    """Return the resolved parent, with what it implies filled in; None where there is none to be had."""
    entry = own.entries.get("like")
    if entry is None:
        return None
    wanted = entry.node.value
    if not isinstance(wanted, str):
        what = f"the name of an entry is wanted, not {as_written(plain(entry.node))}"
        work.problem(name, entry.node, "like", what, advice="write like: table1")
        return None
    if wanted in chain:
        circle = " -> ".join([*chain[chain.index(wanted) :], wanted])
        work.problem(name, entry.node, "like", "a circle", meaning=circle)
        return None
    if wanted not in work.section:
        others = [other for other in work.section if other != name]
        advice = did_you_mean(wanted, others) or (f"there are: {', '.join(others)}" if others else "")
        work.problem(name, entry.node, "like", f'no entry "{wanted}" under {work.path}:', advice=advice)
        return None
    if len(chain) > MAX_CHAIN:
        work.problem(name, entry.node, "like", f"more than {MAX_CHAIN} copies of copies")
        return None
    parent = _resolve(work, wanted, chain)
    if parent is None or not isinstance(parent.value, dict):
        return None
    return work.settle(wanted, parent)


def _leave_out(work: _Work, name: str, own: Node, merged: dict[str, Entry], inherited: set[str]) -> None:
    known = work.keys_of(Node(own.position, merged)) if inherited else None
    if known is None:
        return
    parent = own.entries["like"].node.value
    for key in [key for key in merged if key in inherited and key not in known]:
        del merged[key]
        work.notes.append((name, f'"{key}" of {parent} is left out: it is no key here'))


def _narrowed(work: _Work, name: str, where: Entry | None, narrower: Entry) -> Entry | None:
    """Join two conditions; each must stand by itself, so that no bracket of one closes in the other."""
    own = _condition(narrower.node)
    if own is None:
        what = f"an expression is wanted, not {as_written(plain(narrower.node))}"
        work.problem(name, narrower.node, "and_where", what, advice="write and_where: employees >= 50")
        return where
    try:
        parse_expression(own)
    except GrammarError as error:
        place = narrower.node.at(error.offset) if isinstance(narrower.node.value, str) else narrower.node.position
        path = f"{work.path}.{name}.and_where"
        work.problems.append(Problem(place, path, error.what, error.meaning, error.advice))
        return where
    if where is None:
        return narrower
    first = _condition(where.node)
    if first is None:
        return where
    try:
        parse_expression(first)
    except GrammarError:
        return where  # reported where it is bound
    text = f"({first}) and ({own})"
    second = len(first) + len(") and (") + 1
    spots = (*_shifted(where.node, 1, len(first)), *_shifted(narrower.node, second, len(own)))
    return Entry(narrower.key_position, Node(narrower.node.position, text, 0, spots))


def _condition(node: Node) -> str | None:
    value = node.value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _shifted(node: Node, by: int, length: int) -> list[tuple[int, Position]]:
    """Return where the characters of a text stand once `by` characters are written before it."""
    starts = [offset for offset, _ in node.spots] or [0]
    return [(offset + by, node.at(offset)) for offset in starts if offset < max(length, 1)]
