"""Formula terms as columns of numbers: indicators, their base levels, products."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from estimation.results import FloatArray, IntArray
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError, did_you_mean
from specs.formula import Factor, Formula, Term

__all__ = ["Categories", "Coded", "Recipe", "categories", "code_terms", "factor_slope", "factor_values"]

SHOWN_LEVELS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Categories:
    """A column that enters as indicators.

    Attributes
    ----------
    name : str
    levels : tuple of str
        Those that occur among the rows, in level order.
    codes : (n,) integer array
        Index into `levels`.
    base : int
        Index of the level that is left out where the constant is in.
    """

    name: str
    levels: tuple[str, ...]
    codes: IntArray
    base: int

    def indicator(self, level: int) -> FloatArray:
        """Return the (n,) indicator of a level."""
        return np.where(self.codes == level, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a column of the matrix is the product of.

    Attributes
    ----------
    numbers : tuple of Factor
    levels : tuple of (str, int)
        Indicators: a categorical column and the index of its level. The constant has neither.
    """

    numbers: tuple[Factor, ...] = ()
    levels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """The columns of a formula's right side.

    Attributes
    ----------
    terms : tuple of str
        k names: ``constant``, ``ai``, ``size[20-49]``, ``ai:size[20-49]``.
    x : (n, k) array
    empty : tuple of str
        Combinations of levels that no row has: left out.
    compared : frozenset of str
        Categorical columns with a term that leaves out the base level (or the cell of the base levels).
    recipes : tuple of Recipe
        Of the k terms.
    unseen : tuple of Recipe
        Of those that are empty.
    """

    terms: tuple[str, ...]
    x: FloatArray
    empty: tuple[str, ...]
    compared: frozenset[str]
    recipes: tuple[Recipe, ...] = ()
    unseen: tuple[Recipe, ...] = ()


def is_categorical(name: str, rows: Selection) -> bool:
    """Return whether a column enters formulas as indicators: text and ``year`` do."""
    return rows.is_year(name) or isinstance(rows.columns.get(name), TextColumn)


def _levels_of(codes: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return what `np.unique` says of codes that are small and not negative, without sorting them."""
    counts = np.bincount(codes)
    present = np.flatnonzero(counts)
    place = np.zeros(counts.size, dtype=np.int64)
    place[present] = np.arange(present.size)
    return present, place[codes], counts[present]


def categories(name: str, rows: Selection, reference: str | None) -> Categories:
    """Return the levels among the rows and the base level.

    Parameters
    ----------
    name : str
        A text column, or ``year``.
    rows : Selection
        Without missing values in the column.
    reference : str or None
        The base level by name; None takes the most frequent one, the first in level order among equals.

    Raises
    ------
    EstimationError
        If no row has the base level, with the levels that there are.
    """
    column = rows.columns.get(name)
    if isinstance(column, TextColumn):
        present, codes, counts = _levels_of(column.codes)
        levels = tuple(column.levels[code] for code in present)
    else:
        first = int(rows.year.min(initial=0))
        present, codes, counts = _levels_of(rows.year - first)
        present = present + first
        levels = tuple(f"{value:g}" for value in present)
    if reference is None:
        return Categories(name, levels, codes, int(np.argmax(counts)))
    if reference not in levels:
        shown = ", ".join(levels[:SHOWN_LEVELS]) + (", ..." if len(levels) > SHOWN_LEVELS else "")
        known = isinstance(column, TextColumn) and reference in column.levels
        guess = "" if known else did_you_mean(reference, levels)
        raise EstimationError(
            f'reference: {name} has no level "{reference}"{" among these rows" if known else ""}, '
            f"there are: {shown}" + (f"; {guess}" if guess else "")
        )
    return Categories(name, levels, codes.astype(np.int64), levels.index(reference))


def factor_values(factor: Factor, values: FloatArray) -> FloatArray:
    """Return log and power of a column's values, (n,); log of zero or less is NaN."""
    if factor.transform == "log":
        values = np.log(values, where=values > 0, out=np.full(values.shape, np.nan))
    if factor.power == 1:
        return values
    with np.errstate(over="ignore"):  # what overflows is refused by name
        return np.asarray(values**factor.power, dtype=np.float64)


def factor_slope(factor: Factor, values: FloatArray) -> FloatArray:
    """Return the derivative of `factor_values` by the column, (n,), at values that have one."""
    inner = np.log(values) if factor.transform else values
    slope = 1 / values if factor.transform else np.ones_like(values)
    return slope if factor.power == 1 else factor.power * inner ** (factor.power - 1) * slope


def code_terms(
    formula: Formula,
    rows: Selection,
    coded: Mapping[str, Categories],
    limit: int,
    absorbed: Collection[frozenset[str]] = (),
) -> Coded:
    """Write the right side of a formula as columns.

    Parameters
    ----------
    formula : Formula
    rows : Selection
        Without missing values.
    coded : mapping of str to Categories
        Every categorical column of the formula.
    limit : int
        No more columns than this.
    absorbed : collection of frozenset of str
        Products of factors, by their labels, that effects which are swept out say already: as if they stood in the
        formula, other terms leave out a base level beside them.

    Returns
    -------
    Coded
        In the order of the formula, levels in level order.

    Raises
    ------
    EstimationError
        If there are more columns than `limit`.

    Notes
    -----
    A column's indicators leave out the base level where the term without that column is in the model, and
    keep all levels where it is not (Chambers and Hastie, 1992, section 2.4.1, as R's `model.matrix`):
    ``ai:size`` beside ``ai`` has the slopes beyond the base level's, without ``ai`` it has every level's
    slope. An interaction of indicators without its parts leaves out the cell of the base levels.
    """
    n = rows.rows.size
    spanned = {_key(term.factors) for term in formula.terms} | ({_key(())} if formula.intercept else set())
    spanned |= set(absorbed)
    names: list[str] = ["constant"] if formula.intercept else []
    columns: list[FloatArray] = [np.ones(n)] if formula.intercept else []
    recipes = [Recipe()] if formula.intercept else []
    empty: dict[str, Recipe] = {}
    compared: set[str] = set()
    for term in formula.terms:
        texts = [coded[factor.name] for factor in term.factors if factor.name in coded]
        numbers = [factor for factor in term.factors if factor.name not in coded]
        choices = [_levels(one, term, spanned) for one in texts]
        count = math.prod(len(levels) for levels in choices)
        if len(names) + count > limit:
            raise EstimationError(
                f"the term {term.label} has {count:,} columns for {n:,} rows, more than fit in memory; "
                "take a coarser column, or a design that absorbs it as an effect"
            )
        full = bool(texts) and all(len(levels) == len(one.levels) for levels, one in zip(choices, texts, strict=True))
        # With all its levels a term says what its number alone says (the constant, where it has none).
        repeats = full and _key(numbers) in spanned
        compared |= {
            one.name for levels, one in zip(choices, texts, strict=True) if repeats or len(levels) < len(one.levels)
        }
        value = np.ones(n)
        for factor in numbers:
            value = value * factor_values(factor, rows.number(factor.name))
        for cell in product(*choices):
            if repeats and all(level == one.base for level, one in zip(cell, texts, strict=True)):
                continue
            inside = np.ones(n)
            for level, one in zip(cell, texts, strict=True):
                inside = inside * one.indicator(level)
            name = _name(term, {one.name: one.levels[at] for at, one in zip(cell, texts, strict=True)})
            recipe = Recipe(tuple(numbers), tuple((one.name, at) for at, one in zip(cell, texts, strict=True)))
            if cell and not inside.any():
                empty[name] = recipe
                continue
            names.append(name)
            recipes.append(recipe)
            columns.append(value * inside)
        if full:
            spanned.add(_key(numbers))
    return Coded(
        tuple(names), np.column_stack(columns), tuple(empty), frozenset(compared), tuple(recipes), tuple(empty.values())
    )


def _key(factors: Sequence[Factor]) -> frozenset[str]:
    return frozenset(factor.label for factor in factors)


def _levels(column: Categories, term: Term, spanned: set[frozenset[str]]) -> list[int]:
    levels = range(len(column.levels))
    without_base = _key(term.factors) - {column.name} in spanned
    return [level for level in levels if level != column.base] if without_base else list(levels)


def _name(term: Term, levels: Mapping[str, str]) -> str:
    return ":".join(
        f"{factor.name}[{levels[factor.name]}]" if factor.name in levels else factor.label for factor in term.factors
    )
