"""Smooth functions of sums over rows, with how they move with each row: ratios, their products and differences.

A term such as a weighted mean is a function f of sums over rows. To first order a row moves it by the derivative
of f with respect to the sums, times what the row adds to them: its influence. The rules of differentiation carry
the derivative along, so that a formula is written once, as in the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Quantity", "Sums"]


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A function of sums at its estimate.

    Attributes
    ----------
    value : float
    slope : (c, m) array
        Its derivative with respect to the m sums of each of the c cells.
    """

    value: float
    slope: FloatArray

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: Quantity) -> Quantity:
        return Quantity(self.value * other.value, self.slope * other.value + other.slope * self.value)

    def __truediv__(self, other: Quantity) -> Quantity:
        value = self.value / other.value
        return Quantity(value, (self.slope - value * other.slope) / other.value)

    def half(self) -> Quantity:
        """Return half of it."""
        return Quantity(self.value / 2, self.slope / 2)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over rows by cell.

    Attributes
    ----------
    cell : (n,) integer array
        The cell of each row.
    parts : (n, m) array
        What each row adds to the m sums of its cell.
    totals : (c, m) array
    """

    cell: IntArray
    parts: FloatArray
    totals: FloatArray

    @classmethod
    def of(cls, cell: IntArray, parts: FloatArray, n_cells: int) -> Sums:
        """Add up the rows."""
        columns = [np.bincount(cell, weights=column, minlength=n_cells) for column in parts.T]
        return cls(cell, parts, np.column_stack(columns))

    def total(self, column: int, cells: BoolArray) -> Quantity:
        """Return the sum over the cells where `cells`, (c,), is true."""
        slope = np.zeros_like(self.totals)
        slope[cells, column] = 1.0
        return Quantity(float(self.totals[cells, column].sum()), slope)

    def influence(self, quantities: Sequence[Quantity]) -> FloatArray:
        """Return how each row moves quantities, (n, k)."""
        return self._moved(quantities, self.parts)

    def operator(self, quantities: Sequence[Quantity], derivative: FloatArray) -> FloatArray:
        """Return how quantities move with a number of each row, (n, k).

        Parameters
        ----------
        quantities : k quantities
        derivative : (n, m) array
            Of the row's parts with respect to the number.
        """
        return self._moved(quantities, derivative)

    def _moved(self, quantities: Sequence[Quantity], parts: FloatArray) -> FloatArray:
        slopes = np.stack([one.slope for one in quantities], axis=2)
        order = np.argsort(self.cell, kind="stable")
        ends = np.cumsum(np.bincount(self.cell, minlength=len(self.totals)))
        moved = np.empty((len(self.cell), len(quantities)))
        start = 0
        for cell, end in enumerate(ends.tolist()):
            rows = order[start:end]
            moved[rows] = parts[rows] @ slopes[cell]
            start = end
        return moved
