"""Layouts: which column of a file means what. YAML files, read with positions and checked against the
models here.

The grammar is explained by a commented example in ``docs/layouts.md``.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from panels.facts import ColumnFacts
from panels.layout_parts import Answers, Concept, FilingOrder, Filter, Identity, Item, Key, column_key
from panels.shipped import FOLDER, LAYOUTS, Promise
from specs.bind import bind
from specs.errors import Position, Problem, did_you_mean
from specs.fields import OptionsModel, as_written, mistake
from specs.read import read
from specs.tokens import is_name
from specs.tree import Entry, Node, find, merge, plain

__all__ = ["Layout", "divisions", "load_layout"]

_CLASSIFICATIONS = ("nace_rev2",)
_RESERVED = (
    "firm", "year", "linked", "link_status", "link_weight", "legal_units", "units_missing", "intra_group",
)  # fmt: skip
_KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "accounts": (("firm", "year"), ("closing",)),
    "survey": (("firm", "wave"), ()),
    "bridge": (("enterprise", "unit"), ("from", "to")),
}
"""The keys of each kind of table: those that it must have, those that it may have."""

_BY_FIRM = frozenset({"lag", "lead", "diff", "first", "mean", "sum", "count", "any", "all", "at"})


class Layout(OptionsModel):
    """A layout as read.

    Attributes
    ----------
    layout, title : str
    table : str
        ``accounts``: one row a firm and year; ``survey``: one row a firm and wave; ``bridge``: one row a legal unit and
        the time that it belongs to an enterprise.
    like : str
        A layout that this one changes: concepts and items given here replace those of the same name, null
        removes.
    classification : str
        The table of NACE divisions.
    optional_prefix : str
        What the names of columns may begin with or not.
    waves : tuple of int
        Those that the layout knows; empty for any.
    keys : dict of str to Key
        ``firm``, and ``year`` of accounts or ``wave`` of a survey; accounts may have ``closing``, the date on which the
        year closes. Of a bridge ``enterprise``, ``unit``, and ``from`` and ``to`` where it has them.
    concepts : dict of str to Concept
    filings : tuple of FilingOrder
        Of accounts: which of several filings for one accounting year counts; the first that differs decides.
    identities : tuple of Identity
        Of accounts: tested where the files have the columns.
    answers : Answers
    items : dict of str to Item
    filters : tuple of Filter
        In the order in which they are applied.
    """

    layout: str = Field(min_length=1)
    title: str = ""
    table: Literal["accounts", "survey", "bridge"]
    like: str = ""
    classification: Literal["nace_rev2"] = "nace_rev2"
    optional_prefix: str = ""
    waves: tuple[int, ...] = ()
    keys: dict[str, Key]
    concepts: dict[str, Concept] = Field(default_factory=dict)
    filings: tuple[FilingOrder, ...] = ()
    identities: tuple[Identity, ...] = ()
    answers: Answers = Field(default_factory=Answers)
    items: dict[str, Item] = Field(default_factory=dict)
    filters: tuple[Filter, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Layout:
        needed, optional = _KEYS[self.table]
        for key in needed:
            if key not in self.keys:
                raise mistake(f'the key "{key}" is missing', "", f"write {key}: {{column: ...}}", path=("keys",))
        for key in self.keys:
            if key not in (*needed, *optional):
                known = ", ".join((*needed, *optional))
                raise mistake(f'unknown key "{key}"', "", f"there are: {known}", path=("keys", key), at_key=True)
        if self.table == "bridge" and self.concepts:
            raise mistake("a bridge has no concepts", path=("concepts",), at_key=True)
        if self.table != "survey" and (self.items or self.filters):
            kind = "accounts have" if self.table == "accounts" else "a bridge has"
            raise mistake(f"{kind} no items", path=("items",), at_key=True)
        for name in ("filings", "identities") if self.table != "accounts" else ():
            if getattr(self, name):
                kind = "a survey has" if self.table == "survey" else "a bridge has"
                raise mistake(f"{kind} no {name}", path=(name,), at_key=True)
        self._check_names()
        self._check_items()
        return self

    def _check_names(self) -> None:
        known: dict[str, None] = dict.fromkeys(_KEYS[self.table][0])
        for section, entries in (("concepts", self.concepts), ("items", self.items)):
            for name, entry in entries.items():
                if not is_name(name) or name in (*_RESERVED, *known):
                    what = "stands twice or is a key" if is_name(name) else "is not the name of a column"
                    raise mistake(f'"{name}" {what}', path=(section, name), at_key=True)
                if isinstance(entry, Concept):
                    self._check_concept(name, entry, tuple(known))
                known[name] = None

    def _check_concept(self, name: str, concept: Concept, known: tuple[str, ...]) -> None:
        for path, one in (
            (("concepts", name, "expression"), concept.expression),
            *((("concepts", name, "cases", i, "when"), case.when) for i, case in enumerate(concept.cases)),
        ):
            if one is not None and (found := one.functions() & _BY_FIRM):
                raise mistake(f"{min(found)}() looks at other rows", "a concept is made row by row",
                              "write it under variables: in the spec", path=path)  # fmt: skip
        if concept.expression is not None:
            self._check_used(concept.expression.names(), known, ("concepts", name, "expression"))
        for index, case in enumerate(concept.cases):
            self._check_used(case.when.names(), known, ("concepts", name, "cases", index, "when"))

    def _check_items(self) -> None:
        for name, item in self.items.items():
            for index, part in enumerate(item.any_of):
                if part not in self.items or self.items[part].any_of:
                    raise mistake(f'no item "{part}" with a column', "", did_you_mean(part, self.items),
                                  path=("items", name, "any_of", index))  # fmt: skip
        known = (*self.items, *self.concepts, "wave")
        for index, one in enumerate(self.filters):
            self._check_used(one.asked_if.names(), known, ("filters", index, "asked_if"))
            for place, part in enumerate(one.items):
                if part not in self.items:
                    raise mistake(f'no item "{part}"', "", did_you_mean(part, self.items),
                                  path=("filters", index, "items", place))  # fmt: skip

    @staticmethod
    def _check_used(names: tuple[tuple[str, int], ...], known: tuple[str, ...], path: tuple[str | int, ...]) -> None:
        for used, offset in names:
            if used not in known:
                raise mistake(
                    f'no concept "{used}" stands above',
                    "",
                    did_you_mean(used, known),
                    path=path,
                    offset=offset,
                )

    @property
    def period(self) -> tuple[str, str] | None:
        """The columns of the first and the last day of an accounting year, those between which `months` is reckoned."""
        months = self.concepts.get("months")
        return months.between if months is not None else None

    def columns(self) -> dict[str, ColumnFacts]:
        """Return the facts of every column that the layout yields, keys left out."""
        survey = self.table == "survey"
        step = "link" if survey else ""
        wave = ColumnFacts("wave", "number", "", self.keys["wave"].column, step=step) if survey else None
        found = {"wave": wave} if wave is not None else {}
        for name, concept in self.concepts.items():
            found[name] = ColumnFacts(name, concept.facts_kind, concept.unit, concept.source(), step=step)
        for name, item in self.items.items():
            parts = [self.items[part] for part in item.any_of] or [item]
            waves = () if any(not one.waves for one in parts) else sorted({wave for one in parts for wave in one.waves})
            found[name] = ColumnFacts(
                name, "answer", "", item.source(), step=step, waves=tuple(waves), why=item.alone
            )  # fmt: skip
        return found

    def promise(self) -> Promise:
        """Return all that the first gate asks of it."""
        return Promise(self.table, self.columns())

    def key_of(self, header: str) -> str:
        """Return by what a column of a file is known, whatever its case, slashes and optional prefix."""
        return column_key(header).removeprefix(self.optional_prefix.lower())


def load_layout(name: str, base: Path, position: Position, path: str) -> tuple[Layout | None, tuple[Problem, ...]]:
    """Read a layout by its name, or from a YAML file of one's own.

    Parameters
    ----------
    name : str
        As the spec has it.
    base : Path
        The folder that a path is relative to.
    position : Position
        Where the spec names it.
    path : str
        ``panel.accounts.layout``.
    """
    if name in LAYOUTS:
        return _own(name)
    if not name.endswith((".yaml", ".yml")):
        known = ", ".join(LAYOUTS)
        advice = did_you_mean(name, LAYOUTS) or f"there are: {known}, or a YAML file of your own"
        return None, (Problem(position, path, f'"{name}" is not a layout', "", advice),)
    file = base / name
    if not file.is_file():
        return None, (Problem(position, path, f'no such file "{name}"'),)
    return _bound(file)


@cache
def _own(name: str) -> tuple[Layout | None, tuple[Problem, ...]]:
    return _bound(FOLDER / f"{name}.yaml")


def _bound(file: Path) -> tuple[Layout | None, tuple[Problem, ...]]:
    node, problems = read(file)
    if node is None or problems:
        return None, problems
    like = find(node, ("like",))
    if like is not None and like.value is not None:
        if like.value not in LAYOUTS:
            advice = did_you_mean(str(like.value), LAYOUTS) or f"there are: {', '.join(LAYOUTS)}"
            return None, (Problem(like.position, "like", f"{as_written(plain(like))} is not a layout", "", advice),)
        parent, problems = read(FOLDER / f"{like.value}.yaml")
        if parent is None:
            return None, problems
        node = _over(parent, node)
    return bind(Layout, node, "")


def _over(parent: Node, child: Node) -> Node:
    """Lay a layout over the one that it is like: each concept, item and key is replaced whole."""
    whole = {
        name for section in ("concepts", "items", "keys") for name in (find(child, (section,)) or child).entries
    } - {"concepts", "items", "keys"}
    if find(child, ("filters",)) is None:
        parent = _without_lost_items(parent, child)
    return merge(parent, child, whole)


def _without_lost_items(parent: Node, child: Node) -> Node:
    """Leave items that the child removes out of the parent's filters."""
    items = find(child, ("items",))
    lost = {name for name, entry in items.entries.items() if entry.node.value is None} if items else set()
    filters = find(parent, ("filters",))
    if not lost or filters is None:
        return parent
    kept = []
    for one in filters.items:
        listed = one.entries["items"]
        left = tuple(item for item in listed.node.items if item.value not in lost)
        if left:
            below = Entry(listed.key_position, Node(listed.node.position, left))
            kept.append(Node(one.position, {**one.entries, "items": below}))
    entry = Entry(parent.entries["filters"].key_position, Node(filters.position, tuple(kept)))
    return Node(parent.position, {**parent.entries, "filters": entry})


@cache
def divisions(classification: str) -> dict[str, str]:
    """Return the section of every division of a classification: ``{'01': 'A', ...}``."""
    if classification not in _CLASSIFICATIONS:
        raise KeyError(classification)
    node, _ = read(FOLDER / f"{classification}.yaml")
    assert node is not None
    return {str(item.value): section for section, entry in node.entries.items() for item in entry.node.items}
