"""What a layout is made of: sums of rubrics, concepts, identities, filings, items and filters, as models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from specs.fields import ExpressionField, OptionsModel, as_written, mistake

__all__ = [
    "Answers", "Concept", "FilingOrder", "Filter", "Identity", "Item", "Key", "Rubrics", "Term", "column_key",
]  # fmt: skip

_SUMMED = ("EUR", "FTE", "heads")
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


def check_codes(codes: Mapping[str, Sequence[str | int]], path: tuple[str, ...] = ()) -> None:
    """Refuse a code that two values have: the files could not say which is meant. Case does not tell codes apart.

    Parameters
    ----------
    codes : mapping of str to sequence
    path : tuple of str
        Where they stand below the model that is checked.
    """
    seen: dict[str, str] = {}
    for value, listed in codes.items():
        for index, code in enumerate(listed):
            other = seen.setdefault(str(code).strip().upper(), value)
            if other != value:
                raise mistake(f'the code {as_written(code)} stands for "{other}" and for "{value}"',
                              "a cell that holds it could be either", "take it out of one",
                              path=(*path, value, index))  # fmt: skip


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
    unknown : tuple
        Of a NACE code or a text with `codes`: what a cell may say that means that it is not known.
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
    unknown: tuple[str | int, ...] = ()
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
        check_codes(self.codes, ("codes",))
        self._check_unknown()
        if self.at_least is not None and (self.expression is not None or self.facts_kind != "number"):
            raise mistake('"at_least" goes with numbers made of columns', path=("at_least",), at_key=True)
        if self.over_units and self.expression is not None:
            raise mistake("an expression is reckoned anew for an enterprise", "of the concepts that it uses",
                          "leave over_units out", path=("over_units",), at_key=True)  # fmt: skip
        if self.over_units == "sum" and self.facts_kind == "text":
            raise mistake("text has no sum", "", "write largest or first", path=("over_units",))
        return self

    def _check_unknown(self) -> None:
        if self.unknown and self.column is None:
            raise mistake('"unknown" goes with column:', path=("unknown",), at_key=True)
        if self.unknown and self.kind != "nace" and not self.codes:
            raise mistake('"unknown" goes with kind: nace, or with codes:', "of other texts none is refused",
                          "leave it out, or list the codes", path=("unknown",), at_key=True)  # fmt: skip
        known = {str(code).strip().upper(): value for value, codes in self.codes.items() for code in codes}
        for index, one in enumerate(self.unknown):
            if not str(one).strip():
                raise mistake("an empty cell is not known as it is", "", "leave it out", path=("unknown", index))
            if value := known.get(str(one).strip().upper()):
                raise mistake(f'the code {as_written(one)} stands for "{value}", and is listed as not known',
                              "a cell that holds it could be either", "take it out of one",
                              path=("unknown", index))  # fmt: skip

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

    @model_validator(mode="after")
    def _apart(self) -> Answers:
        # An answer that is not written has the codes of the default, which those that are written must not take.
        check_codes({name: getattr(self, name) for name in Answers.model_fields})
        return self


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
        compared as they are.
    otherwise : str
        The code for which an empty cell stands, and every row of a file without the column; without it they count
        less than any other.
    kind : str
        ``text``, or ``date`` for days, which are compared as days.
    why : str
        What it means to have the lower one, as the ledger says it.
    """

    column: HeaderName
    order: tuple[str, ...] = ()
    otherwise: str = ""
    kind: Literal["text", "date"] = "text"
    why: str = "an earlier filing of the same accounting year"

    @model_validator(mode="after")
    def _fits(self) -> FilingOrder:
        if self.kind == "date" and self.order:
            raise mistake("days have an order of their own", "", "leave order: out", path=("order",), at_key=True)
        if self.otherwise and self.otherwise not in self.order:
            known = ", ".join(self.order) or "nothing"
            raise mistake(f'"{self.otherwise}" is not in order:', f"there is {known}", path=("otherwise",))
        return self


class Filter(OptionsModel):
    """Of whom items are asked."""

    asked_if: ExpressionField
    items: tuple[str, ...]
