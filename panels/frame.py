"""The firm panel: one row a firm and year, its columns' facts and its ledger. What estimation may see of
the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from panels.arrays import BoolArray, FloatArray, IntArray
from panels.facts import ColumnFacts
from panels.kinds import check_expression, facts_of
from panels.ledger import Ledger
from panels.linkage import LinkDiagnostics
from specs.counting import counted
from specs.errors import EstimationError
from specs.expressions import Expression

__all__ = ["ColumnFacts", "FirmPanel", "NumberColumn", "Selection", "Store", "TextColumn"]


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """Numbers; NaN where missing, never infinite."""

    values: FloatArray

    def missing(self) -> BoolArray:
        """Return where the column has no value."""
        return np.isnan(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """Text as codes.

    Attributes
    ----------
    codes : (n,) integer array
        Index into `levels`; -1 where missing.
    levels : tuple of str
        In ascending order (the order of the breaks for a `cut`); every level occurs in the panel.
    """

    codes: IntArray
    levels: tuple[str, ...]

    def missing(self) -> BoolArray:
        """Return where the column has no value."""
        return self.codes < 0


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Rows and columns taken from a panel, sorted by firm and year.

    Attributes
    ----------
    rows : (n,) integer array
        Positions of these rows in the panel, ascending.
    firm : (n,) integer array
        Codes of the firms, the same in every selection of one panel.
    year : (n,) integer array
    columns : mapping of str to NumberColumn or TextColumn
        What was asked for. `firm` as a column is a TextColumn; `year` is a NumberColumn.
    n_panel : int
        Rows of the whole panel.
    outside : mapping of str to int
        Rows that `where` left out, by reason: ``where is false``, ``where is missing``.
    aliases : mapping of str to str
        A ready-made panel's own names of ``firm`` and ``year``.
    made : dict
        What was computed from exactly these rows, for whoever is asked about them next; empty in every copy.
    """

    rows: IntArray
    firm: IntArray
    year: IntArray
    columns: Mapping[str, NumberColumn | TextColumn]
    n_panel: int
    outside: Mapping[str, int]
    aliases: Mapping[str, str] = field(default_factory=dict)
    made: dict[str, object] = field(default_factory=dict, init=False, repr=False)

    def is_year(self, name: str) -> bool:
        """Return whether a column is the panel's year, under this name or its own."""
        return self.aliases.get(name, name) == "year"

    def number(self, name: str) -> FloatArray:
        """Return the values of a number column, (n,)."""
        column = self.columns[name]
        if isinstance(column, TextColumn):
            raise TypeError(f"column {name!r} is text")
        return column.values

    def take(self, kept: BoolArray) -> Selection:
        """Return only the rows where `kept` is true; levels stay as they are."""
        taken: dict[str, NumberColumn | TextColumn] = {
            name: TextColumn(column.codes[kept], column.levels)
            if isinstance(column, TextColumn)
            else NumberColumn(column.values[kept])
            for name, column in self.columns.items()
        }
        return replace(self, rows=self.rows[kept], firm=self.firm[kept], year=self.year[kept], columns=taken)


class Store(Protocol):
    """Where a panel's rows live: `panels.store.Table` on DuckDB."""

    def select(self, columns: Sequence[str], where: Expression | None) -> Selection:
        """Return columns of the rows where a condition holds."""

    def with_numbers(self, numbers: Mapping[str, FloatArray]) -> Store:
        """Return the store with more columns of numbers."""

    def derive(
        self, expressions: Mapping[str, Expression], orders: Mapping[str, tuple[str, ...]]
    ) -> tuple[Store, tuple[tuple[str, str, int, bool], ...]]:
        """Return the store with derived columns, and what was counted: variable, reason, rows, whether a
        mistake.
        """

    def only(self, columns: Sequence[str]) -> Store:
        """Return a store of the keys and these columns alone."""

    def forget(self, later: Store) -> None:
        """Forget what a store made of this one holds beyond it."""


@dataclass(frozen=True, slots=True, eq=False)
class FirmPanel:
    """One row a firm and year, sorted by firm and year.

    Attributes
    ----------
    columns : mapping of str to ColumnFacts
        Every column by its name, `firm` and `year` included.
    n_rows, n_firms : int
    years : tuple of int
        The years that occur, ascending.
    ledger : Ledger
        What became of every row that was read.
    link : mapping of str to mapping of str to int
        What became of the survey's units, by wave: ``respondents``, ``linked``, ``no_account`` (none of the
        firm), ``other_year_only``, ``account_dropped`` (cleaning dropped those of the wave's year); empty without a
        survey.
    aliases : mapping of str to str
        Other names of columns: those that a ready-made panel has for its keys.
    firm_names : tuple of str
        The firm of each code in `Selection.firm`.
    store : Store
    respondents : FirmPanel or None
        Whoever answered the survey, linked or not: a row a firm and wave, with codes of its own; no condition of the
        panel touches it. None without a survey.
    linkage : LinkDiagnostics or None
        What is known of the link of survey and accounts, before `where`; None without a survey.
    """

    columns: Mapping[str, ColumnFacts]
    n_rows: int
    n_firms: int
    years: tuple[int, ...]
    ledger: Ledger
    link: Mapping[str, Mapping[str, int]]
    aliases: Mapping[str, str]
    firm_names: tuple[str, ...]
    store: Store = field(repr=False)
    respondents: FirmPanel | None = field(default=None, repr=False)
    linkage: LinkDiagnostics | None = field(default=None, repr=False)

    def facts(self, name: str) -> ColumnFacts:
        """Return the facts of a column by its name or alias."""
        return self.columns[self.aliases.get(name, name)]

    def names(self) -> dict[str, ColumnFacts]:
        """Return the facts of every name that an expression or formula may use, aliases included."""
        return {**self.columns, **{alias: self.columns[name] for alias, name in self.aliases.items()}}

    def select(self, columns: Sequence[str], where: Expression | None = None) -> Selection:
        """Take columns of the rows where a condition holds.

        Parameters
        ----------
        columns : sequence of str
            Names or aliases; answers come as numbers, missing where they were not given or do not apply.
        where : Expression, optional
            Functions by firm in it see the whole panel.

        Returns
        -------
        Selection
            Rows sorted by firm and year.

        Raises
        ------
        EstimationError
            If the condition joins numbers that are neither 0 nor 1.
        """
        return replace(self.store.select(columns, where), aliases=self.aliases)

    def with_numbers(
        self, numbers: Mapping[str, FloatArray], facts: Mapping[str, ColumnFacts] | None = None
    ) -> FirmPanel:
        """Add columns of numbers: what estimators return for every row.

        Parameters
        ----------
        numbers : mapping of str to (n_rows,) array
            In the order of the panel's rows; what is not finite becomes missing.
        facts : mapping of str to ColumnFacts, optional
            Of each new column.

        Raises
        ------
        ValueError
            If an array has another length, or a name is taken.
        """
        for name, values in numbers.items():
            if values.shape != (self.n_rows,):
                raise ValueError(f"column {name!r} has shape {values.shape}, the panel {self.n_rows} rows")
            if name in self.names():
                raise ValueError(f"the panel has a column {name!r} already")
        if not numbers:
            return self
        known = facts or {}
        added = {name: known.get(name) or ColumnFacts(name, "number") for name in numbers}
        return replace(self, columns={**self.columns, **added}, store=self.store.with_numbers(numbers))

    def only(self, columns: Sequence[str]) -> FirmPanel:
        """Return the panel with its keys and these columns alone, for what is computed from it many times over."""
        kept = {"firm", "year", *(self.aliases.get(name, name) for name in columns)}
        facts = {name: one for name, one in self.columns.items() if name in kept}
        return replace(self, columns=facts, store=self.store.only(columns))

    def forget(self, later: FirmPanel) -> None:
        """Forget the columns that a panel made of this one holds beyond it: it cannot be used afterwards."""
        self.store.forget(later.store)

    def derive(self, expressions: Mapping[str, Expression]) -> FirmPanel:
        """Add derived columns, in an order in which each finds what it uses.

        Parameters
        ----------
        expressions : mapping of str to Expression
            ``lag`` sees only the rows of this panel.

        Raises
        ------
        EstimationError
            If an expression does not fit the columns, or takes numbers other than 0 and 1 for conditions.
        """
        if not expressions:
            return self
        names, added = self.names(), {}
        for name, expression in expressions.items():
            kind, complaints = check_expression(expression, names)
            if complaints:
                one = complaints[0]
                raise EstimationError(
                    ", ".join(p for p in (f"variables.{name}: {one.what}", one.meaning, one.advice) if p)
                )
            names[name] = added[name] = facts_of(name, expression, kind)
        store, counts = self.store.derive(expressions, {name: one.levels for name, one in added.items()})
        ledger = self.ledger
        for name, reason, rows, mistaken in counts:
            if mistaken:
                what = f"a condition is {reason} in {counted(rows, 'row')}"
                raise EstimationError(f"variables.{name}: {what}, write a comparison")
            ledger = ledger.note("panel", "variables", self.n_rows, f"{name}: {reason}, missing", rows)
        return replace(self, columns={**self.columns, **added}, store=store, ledger=ledger)
