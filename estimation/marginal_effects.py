"""Average marginal effects of the columns behind a binary response.

A column acts through every term that holds it: ``x``, ``(x)^2``, ``x:z``. With F the distribution, p_i = F(x_i b), and
averages over the rows weighted by w::

    number:     mean of f(x_i b) (dx_i/dz)'b
    0/1 column: mean of F(x_i(1) b) - F(x_i(0) b)
    level l:    mean of F(x_i(l) b) - F(x_i(base) b)

x_i(l) the row with level l in the place of its own, everything else as it is. The covariance is that of the delta
method, J V_b J', J the derivative of the averages by b; rows are taken as they are (Greene, 2018, chapter 17).

References
----------
Greene, W. H. (2018). Econometric Analysis, 8th edition. Pearson.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.binary_response import Link
from estimation.coding import Recipe, factor_slope, factor_values
from estimation.design_matrix import Design, firms_behind
from estimation.results import BoolArray, FloatArray, IntArray
from specs.formula import Factor

__all__ = ["Effects", "effects_of"]


@dataclass(frozen=True, slots=True)
class _Effect:
    """One effect: of a number's slope (`level` None), of 0/1 (`level` 1 and `base` 0), of a level beside the base."""

    term: str
    column: str
    level: int | None
    base: int


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """The effects of a design's columns.

    Attributes
    ----------
    design : Design
    effects : tuple of _Effect
        In the order of the formula, levels in level order.
    n_firms : (p,) integer array
        Firms in the level, with a 1, or with a number other than zero.
    """

    design: Design
    effects: tuple[_Effect, ...]
    n_firms: IntArray

    @property
    def terms(self) -> tuple[str, ...]:
        """The p effects: ``tfp``, ``size[20-49]``."""
        return tuple(one.term for one in self.effects)

    @property
    def steps(self) -> tuple[str, ...]:
        """The effects that are changes from 0 to 1, or from the base level."""
        return tuple(one.term for one in self.effects if one.level is not None)

    def at(
        self, link: Link, b: FloatArray, weights: FloatArray, lost: BoolArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return the average effects, (p,), and their derivatives by b, (p, k).

        Parameters
        ----------
        link : Link
        b : (k,) array
        weights : (n,) array
            Zero for rows that are left out.
        lost : (k,) bool array, optional
            Columns without a coefficient, whose b is zero.

        Returns
        -------
        values : (p,) array
            NaN where an effect asks for a combination of levels that no row has, or for a lost column.
        jacobian : (p, k) array
        """
        x = self.design.x
        w = weights / weights.sum()
        gone = np.zeros(x.shape[1], dtype=np.bool_) if lost is None else lost
        index = x @ b
        density = link.density(index)
        values, jacobian = np.full(len(self.effects), np.nan), np.full((len(self.effects), x.shape[1]), np.nan)
        # The side of the base is the same for all levels of a column.
        sides: dict[str, tuple[FloatArray, FloatArray]] = {}
        for number, effect in enumerate(self.effects):
            at = self._at(effect.column)
            if effect.level is None:
                change = np.column_stack([_slope(self.design, self.design.recipes[one], effect.column) for one in at])
                if _asks(change, w, gone[at]):
                    continue
                along = change @ b[at]
                values[number] = w @ (density * along)
                jacobian[number] = (w * link.density_slope(index) * along) @ x
                jacobian[number, at] += (w * density) @ change
                continue
            if effect.column not in sides:
                sides[effect.column] = self._side(effect, effect.base, at, index, b)
            (before, index_before), (after, index_after) = (
                sides[effect.column], self._side(effect, effect.level, at, index, b),
            )  # fmt: skip
            if _asks(before, w, gone[at]) or _asks(after, w, gone[at]) or self._unseen(effect, w):
                continue
            values[number] = w @ (link.share(index_after) - link.share(index_before))
            density_after, density_before = link.density(index_after), link.density(index_before)
            jacobian[number] = (w * (density_after - density_before)) @ x
            jacobian[number, at] = (w * density_after) @ after - (w * density_before) @ before
        return values, jacobian

    def _at(self, column: str) -> list[int]:
        """Return the terms that hold a column."""
        return [number for number, one in enumerate(self.design.recipes) if _holds(one, column)]

    def _side(
        self, effect: _Effect, level: int, at: Sequence[int], index: FloatArray, b: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return the columns that change with every row at this level, (n, c), and the index there."""
        changed = np.column_stack([_column(self.design, self.design.recipes[one], effect.column, level) for one in at])
        return changed, index + (changed - self.design.x[:, at]) @ b[list(at)]

    def _unseen(self, effect: _Effect, w: FloatArray) -> bool:
        """Return whether a side of the comparison puts rows with weight where no row is."""
        levels = (effect.level, effect.base)
        return any(
            bool((_column(self.design, one, effect.column, level)[w > 0] != 0).any())
            for one in self.design.unseen
            if _holds(one, effect.column)
            for level in levels
            if level is not None
        )


def effects_of(design: Design, factors: Sequence[Factor]) -> Effects:
    """Find what effects the columns of a formula have.

    Parameters
    ----------
    design : Design
    factors : sequence of Factor
        Of the formula's right side, in its order.
    """
    found: list[_Effect] = []
    seen: list[FloatArray] = []
    for name in dict.fromkeys(one.name for one in factors):
        known = design.coded.get(name)
        if known is not None:
            for level, label in enumerate(known.levels):
                if level != known.base:
                    found.append(_Effect(f"{name}[{label}]", name, level, known.base))
                    seen.append(known.indicator(level))
            continue
        values = design.rows.number(name)
        step = bool(((values == 0) | (values == 1)).all())
        found.append(_Effect(name, name, 1 if step else None, 0))
        seen.append(values)
    behind = firms_behind(np.column_stack(seen), design.rows.firm) if seen else np.zeros(0, dtype=np.int64)
    return Effects(design, tuple(found), behind)


def _holds(recipe: Recipe, column: str) -> bool:
    return any(one.name == column for one in recipe.numbers) or any(name == column for name, _ in recipe.levels)


def _asks(change: FloatArray, w: FloatArray, gone: BoolArray) -> bool:
    """Return whether rows with weight ask for a coefficient that is not there."""
    return bool(gone.any()) and bool((change[w > 0][:, gone] != 0).any())


def _column(design: Design, recipe: Recipe, column: str, level: int) -> FloatArray:
    """Return a term with every row at a level of a column, or at 0 or 1, (n,)."""
    n = len(design.y)
    product = np.ones(n)
    for factor in recipe.numbers:
        at = np.full(n, float(level)) if factor.name == column else design.rows.number(factor.name)
        product = product * factor_values(factor, at)
    for name, own in recipe.levels:
        product = product * (float(own == level) if name == column else design.coded[name].indicator(own))
    return product


def _slope(design: Design, recipe: Recipe, column: str) -> FloatArray:
    """Return the derivative of a term by a column of numbers, (n,): the product rule where it stands there twice."""
    values: Mapping[str, FloatArray] = {one.name: design.rows.number(one.name) for one in recipe.numbers}
    total = np.zeros(len(design.y))
    for place, factor in enumerate(recipe.numbers):
        if factor.name != column:
            continue
        product = factor_slope(factor, values[column])
        for other, one in enumerate(recipe.numbers):
            if other != place:
                product = product * factor_values(one, values[one.name])
        total = total + product
    for name, own in recipe.levels:
        total = total * design.coded[name].indicator(own)
    return total
