"""The groups of rows that a model is split by, and what a formula is within one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from estimation.results import BoolArray
from panels.frame import NumberColumn, Selection, TextColumn
from specs.counting import counted
from specs.errors import EstimationError
from specs.formula import Formula

__all__ = ["Group", "groups_of", "options_within"]

MAX_GROUPS = 50
MAX_NUMBERS = 20
SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A level, and where it is among the rows that have one."""

    level: str
    inside: BoolArray


def groups_of(rows: Selection, by: str) -> tuple[Selection, tuple[Group, ...], dict[str, int]]:
    """Return the rows with a level, their groups in level order, and the rows without one by reason.

    Parameters
    ----------
    rows : Selection
        With the column `by`.
    by : str
        A text column, the year, or a number of few values.

    Raises
    ------
    EstimationError
        If there is one group alone, or so many that they are none.
    """
    column = rows.columns[by]
    known = ~column.missing()
    kept = rows.take(known)
    lost = int((~known).sum())
    found: dict[str, BoolArray] = {}
    if isinstance(column, TextColumn):
        codes = column.codes[known]
        found = {level: codes == code for code, level in enumerate(column.levels) if bool((codes == code).any())}
    else:
        values = column.values[known]
        present = np.unique(values)
        if present.size > MAX_NUMBERS and not rows.is_year(by):
            raise EstimationError(
                f"split: {by} is a number with {present.size:,} values among these rows, which make no groups; "
                f"make classes of it: cut({by}, [0, 10, 50], labels=['low', 'middle', 'high'])"
            )
        found = {f"{value:g}": values == value for value in present}
    if not found:
        raise EstimationError(f"split: {by} is missing in every row")
    if len(found) == 1:
        raise EstimationError(f"split: {by} is {next(iter(found))} in every row: there is nothing to split")
    if len(found) > MAX_GROUPS:
        raise EstimationError(
            f"split: {by} has {counted(len(found), 'level')} among these rows; take a coarser column, of at most "
            f"{MAX_GROUPS}"
        )
    groups = tuple(Group(level, inside) for level, inside in found.items())
    return kept, groups, {f"{by} is missing": lost} if lost else {}


def options_within(options: Any, rows: Selection, reference: Mapping[str, str]) -> Any:
    """Return the options of a group: the base levels of all rows where the group has them, else its own.

    Parameters
    ----------
    options : FormulaOptions
        Of all rows.
    rows : Selection
        The group's.
    reference : mapping of str to str
        The base levels on all rows.
    """
    by = options.split.by
    numbers = isinstance(rows.columns[by], NumberColumn) and not rows.is_year(by)
    # Indicators that do not vary leave by themselves; of a number the terms have to.
    formula = _without(options.formula, by) if numbers else options.formula
    present = {column: level for column, level in reference.items() if column != by and _has(rows, column, level)}
    return options.model_copy(update={"formula": formula, "reference": present})


def _without(formula: Formula, by: str) -> Formula:
    """Leave out the terms of a number that is the same in every row, where the others say all that they say."""
    keys = {term.key for term in formula.terms}
    kept = []
    for term in formula.terms:
        others = frozenset(factor.label for factor in term.factors if factor.name != by)
        if len(others) == len(term.factors) or (others and others not in keys):
            kept.append(term)
    return replace(formula, terms=tuple(kept))


def _has(rows: Selection, column: str, level: str) -> bool:
    values = rows.columns.get(column)
    if isinstance(values, TextColumn):
        return level in values.levels and bool((values.codes == values.levels.index(level)).any())
    if values is None:
        return False
    return level in {f"{value:g}" for value in np.unique(values.values[~values.missing()])}


def shown(levels: list[str]) -> str:
    """Return a few levels in a row."""
    more = f" and {len(levels) - SHOWN} more" if len(levels) > SHOWN else ""
    return ", ".join(levels[:SHOWN]) + more
