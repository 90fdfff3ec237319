"""Layouts: which column of a file means what. YAML files, read with positions and checked against the
models here.

The grammar is explained by a commented example in ``docs/layouts.md``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from panels.facts import ColumnFacts
from panels.layout_checks import NO_WAVE, mistakes_of
from panels.layout_parts import Answers, Concept, FilingOrder, Filter, Identity, Item, Key, column_key
from panels.shipped import FOLDER, LAYOUTS, Promise
from specs.bind import bind, mistake_problem
from specs.errors import Position, Problem, did_you_mean
from specs.fields import OptionsModel, as_written
from specs.read import read
from specs.tree import Entry, Node, find, merge, plain

__all__ = ["Layout", "divisions", "load_layout"]

_CLASSIFICATIONS = ("nace_rev2",)


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
        ``firm``, and ``year`` of accounts; a survey has ``wave`` where the spec does not give one file a wave,
        accounts may have ``closing``, the date on which the year closes. Of a bridge ``enterprise``, ``unit``, and
        ``from`` and ``to`` where it has them.
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

    @property
    def period(self) -> tuple[str, str] | None:
        """The columns of the first and the last day of an accounting year, those between which `months` is reckoned."""
        months = self.concepts.get("months")
        return months.between if months is not None else None

    def columns(self) -> dict[str, ColumnFacts]:
        """Return the facts of every column that the layout yields, keys left out."""
        survey = self.table == "survey"
        step = "link" if survey else ""
        source = self.keys["wave"].column if "wave" in self.keys else "the wave of each file"
        wave = ColumnFacts("wave", "number", "", source, step=step) if survey else None
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
    node, problems = read(file, begins="a layout begins with layout: and a name")
    if node is None or problems:
        return None, problems
    like, parent, problems = _parent(node)
    if problems:
        return None, problems
    whole = node if parent is None else _over(parent, node)
    layout, problems = bind(Layout, whole, "")
    if layout is not None:
        problems = tuple(mistake_problem(found, whole, "") for found in mistakes_of(layout))
    if like is not None:
        problems = _at_home(problems, node, like)
    return (None if problems else layout), problems


def _parent(node: Node) -> tuple[Node | None, Node | None, tuple[Problem, ...]]:
    """Return where a layout says which one it is like, and that one."""
    like = find(node, ("like",))
    if like is None or like.value is None:
        return None, None, ()
    if like.value not in LAYOUTS:
        advice = did_you_mean(str(like.value), LAYOUTS) or f"there are: {', '.join(LAYOUTS)}"
        return like, None, (Problem(like.position, "like", f"{as_written(plain(like))} is not a layout", "", advice),)
    parent, problems = read(FOLDER / f"{like.value}.yaml")
    return like, parent, problems


def _at_home(problems: tuple[Problem, ...], node: Node, like: Node) -> tuple[Problem, ...]:
    """Tell at `like` what is wrong with a part of the layout behind it, which is not the user's to mend.

    A wave that the user's layout leaves out is none: the items of the other may go on saying that they were asked in
    it.
    """
    own = node.position.file
    told = [one for one in problems if one.position.file == own or not one.what.startswith(NO_WAVE)]
    return tuple(
        one
        if one.position.file == own
        else replace(one, position=like.position, meaning=one.meaning or f"as {like.value} has it")
        for one in told
    )


def _over(parent: Node, child: Node) -> Node:
    """Lay a layout over the one that it is like: each concept, item and key is replaced whole."""
    whole = {
        name for section in ("concepts", "items", "keys") for name in (find(child, (section,)) or child).entries
    } - {"concepts", "items", "keys"}
    if find(child, ("filters",)) is None:
        parent = _without_lost_items(parent, child)
    return merge(parent, child, lambda _, key: key in whole)


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
