"""Layouts: which column of a file means what. YAML files, read with positions and checked against the
models here.

The grammar is explained by a commented example in ``docs/layouts.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from panels.facts import ColumnFacts
from panels.shipped import FOLDER, LAYOUTS, Promise
from specs.bind import bind
from specs.errors import Position, Problem, did_you_mean
from specs.fields import ExpressionField, OptionsModel, as_written, mistake
from specs.read import read
from specs.tokens import is_name
from specs.tree import Entry, Node, find, merge, plain

__all__ = [
    "Concept",
    "FilingOrder",
    "Filter",
    "Identity",
    "Item",
    "Layout",
    "Rubrics",
    "Term",
    "divisions",
    "load_layout",
]

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

_SUMMED = ("EUR", "FTE", "heads")
_BY_FIRM = frozenset({"lag", "lead", "diff", "first", "mean", "sum", "count", "any", "all", "at"})
_TERM = re.compile(r"\s*(?P<sign>[+-])?\s*(?P<name>[^\W\d]\w*(?:/\w+)*)(?P<optional>\?)?")


@dataclass(frozen=True, slots=True)
class Term:
    """One rubric of a sum: its column, +1 or -1, and whether it counts as zero where it was not filed."""

    column: str
    sign: int
    optional: bool


@dataclass(frozen=True, slots=True)
class Rubrics:
    """A sum of rubrics: ``R70 + R71? - R60``. Missing where a term without ``?`` is, or where all terms
    are.
    """

    terms: tuple[Term, ...]
    text: str

    def required(self) -> tuple[str, ...]:
        """Return the columns without which the sum cannot be made."""
        return tuple(term.column for term in self.terms if not term.optional)


def _rubrics(value: Any) -> Rubrics:
    if not isinstance(value, str) or not value.strip():
        raise mistake(f"a sum of columns is wanted, not {as_written(value)}", "", "write R70 + R71? - R60")
    terms: list[Term] = []
    place = 0
    while place < len(value.rstrip()):
        match = _TERM.match(value, place)
        if match is None or (terms and not match["sign"]):
            rest = value[place:].strip()
            offset = place + len(value[place:]) - len(value[place:].lstrip())
            what = f'"{rest[:20]}" does not continue a sum of columns'
            raise mistake(what, "", "write R70 + R71? - R60", offset=offset)
        terms.append(Term(column_key(match["name"]), -1 if match["sign"] == "-" else 1, bool(match["optional"])))
        place = match.end()
    return Rubrics(tuple(terms), value)


def _column_name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise mistake(f"the name of a column is wanted, not {as_written(value)}")
    return value.strip()


RubricsField = Annotated[Rubrics, PlainValidator(_rubrics), PlainSerializer(lambda one: one.text)]
HeaderName = Annotated[str, PlainValidator(_column_name)]
Codes = dict[str, tuple[str | int, ...]]


def column_key(name: str) -> str:
    """Return what two headers have in common that mean the same column: R22/27 is r22_27."""
    return name.strip().replace("/", "_").lower()


class Case(OptionsModel):
    """A sum of rubrics for the rows where a condition holds."""

    when: ExpressionField
    of: RubricsField


class Key(OptionsModel):
    """The column of a key."""

    column: HeaderName


class Concept(OptionsModel):
    """One column of the panel and how it is made: of one of `column`, `of`, `first`, `cases` or `expression`.

    Attributes
    ----------
    label, unit : str
    flow : bool
        An amount of the accounting year, scaled to twelve months by ``clean: {months: ...}``.
    column : str or None
        A column of the file, read as `kind` says.
    kind : str
        ``number``, ``text``, ``date``, ``year`` (a year or a date, of which the year) or ``nace``.
    codes : dict
        What the file may say for each value of a text; anything else is a mistake.
    level : str or int
        Of a NACE code: ``section``, or the first 2, 3 or 4 digits.
    digits : tuple of int
        How many digits a NACE code may have.
    between : (str, str) or None
        Two dates: the months between them, where `column` does not give them.
    of, first, cases
        A sum of rubrics; the first that is not missing; the one whose condition holds.
    expression : Expression or None
        Of concepts that stand above.
    at_least : float or None
        What a number must not be below; it is missing then, and counted.
    over_units : str or None
        What an enterprise of several legal units has: the ``sum`` of theirs, the value of the ``largest`` (by value
        added), of the ``first`` (by number) that has one, or the ``min``; `units_rule` says what holds where nothing
        is written.
    """

    label: str = ""
    unit: str = ""
    flow: bool = False
    column: HeaderName | None = None
    kind: Literal["number", "text", "date", "year", "nace"] = "number"
    codes: Codes = Field(default_factory=dict)
    level: Literal["section", 2, 3, 4] = "section"
    digits: tuple[int, ...] = (2, 3, 4, 5)
    between: tuple[HeaderName, HeaderName] | None = None
    of: RubricsField | None = None
    first: tuple[RubricsField, ...] = ()
    cases: tuple[Case, ...] = ()
    expression: ExpressionField | None = None
    at_least: float | None = None
    over_units: Literal["sum", "largest", "first", "min"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Concept:
        given = [name for name in ("column", "of", "first", "cases", "expression") if getattr(self, name)]
        if len(given) != 1:
            what = "says nothing of where it comes from" if not given else f"comes from {' and '.join(given)}"
            raise mistake(f"a concept that {what}", "", "write one of column, of, first, cases, expression",
                          at_key=True)  # fmt: skip
        for name, needs in (("codes", "text"), ("between", "number")):
            if getattr(self, name) and (self.column is None or self.kind != needs):
                raise mistake(f'"{name}" goes with column: and kind: {needs}', path=(name,), at_key=True)
        if self.at_least is not None and (self.expression is not None or self.facts_kind != "number"):
            raise mistake('"at_least" goes with numbers made of columns', path=("at_least",), at_key=True)
        if self.over_units and self.expression is not None:
            raise mistake("an expression is reckoned anew for an enterprise", "of the concepts that it uses",
                          "leave over_units out", path=("over_units",), at_key=True)  # fmt: skip
        if self.over_units == "sum" and self.facts_kind == "text":
            raise mistake("text has no sum", "", "write largest or first", path=("over_units",))
        return self

    @property
    def sums(self) -> tuple[Rubrics, ...]:
        """Every sum of rubrics in it."""
        return ((self.of,) if self.of else ()) + self.first + tuple(case.of for case in self.cases)

    @property
    def facts_kind(self) -> str:
        """``number`` or ``text``."""
        return "text" if self.column is not None and self.kind in ("text", "date", "nace") else "number"

    @property
    def units_rule(self) -> str:
        """What becomes of it where legal units are put together: amounts, heads and FTE are summed, of years the first
        counts, all else is the largest unit's; empty for an expression, which is reckoned anew.
        """
        if self.expression is not None:
            return ""
        if self.over_units is None:
            summed = self.facts_kind == "number" and (self.flow or self.unit in _SUMMED)
            return "sum" if summed else "min" if self.kind == "year" else "largest"
        return self.over_units

    def source(self) -> str:
        """Say in a few words what it is made of."""
        if self.column is not None:
            return self.column if not self.between else f"{self.column}, or {self.between[0]} to {self.between[1]}"
        if self.cases:
            return "; ".join(f"{case.of.text} where {case.when}" for case in self.cases)
        return str(self.expression) if self.expression else " else ".join(one.text for one in self.sums)


class Answers(OptionsModel):
    """What a cell of an item may hold besides nothing."""

    yes: tuple[str | int, ...] = ("1",)
    no: tuple[str | int, ...] = ("0",)
    no_answer: tuple[str | int, ...] = ()


class Item(OptionsModel):
    """A question of the survey: its column and the waves that ask it, or yes to any of other items.

    Attributes
    ----------
    label : str
    column : str or None
    any_of : tuple of str
    waves : tuple of int
        Those that ask it; empty: where it is found.
    alone : str
        Why the other waves have nothing that it can be compared with.
    breaks : dict of str to str
        By the year of the wave from which on it means something else: what.
    """

    label: str = ""
    column: HeaderName | None = None
    any_of: tuple[str, ...] = ()
    waves: tuple[int, ...] = ()
    alone: str = ""
    breaks: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Item:
        if (self.column is None) == (not self.any_of):
            raise mistake("an item has a column: or any_of:, and not both", at_key=True)
        for year in self.breaks:
            if not (year.isdecimal() and len(year) == 4):
                raise mistake(f'"{year}" is not the year of a wave', path=("breaks", year), at_key=True)
        return self

    def source(self) -> str:
        """Say in a few words what it is made of."""
        return self.column or f"any of {', '.join(self.any_of)}"


class Identity(OptionsModel):
    """Two sums of rubrics that must be equal, but for rounding.

    Attributes
    ----------
    left, right : Rubrics
    tolerance : float
        In the unit of the files.
    """

    left: RubricsField
    right: RubricsField
    tolerance: Annotated[float, Field(ge=0)] = 2.0

    @property
    def text(self) -> str:
        """As it is written."""
        return f"{self.left.text} = {self.right.text}"


class FilingOrder(OptionsModel):
    """What tells several filings of a firm for one accounting year apart: the last in this order counts.

    Attributes
    ----------
    column : str
    order : tuple of str
        Codes from what counts least to what counts most; any other counts less than these. Without it cells are
        compared as text: a date, 2023-12-31.
    why : str
        What it means to have the lower one, as the ledger says it.
    """

    column: HeaderName
    order: tuple[str, ...] = ()
    why: str = "an earlier filing of the same accounting year"


class Filter(OptionsModel):
    """Of whom items are asked."""

    asked_if: ExpressionField
    items: tuple[str, ...]


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
