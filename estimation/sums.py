"""Smooth functions of sums over rows, with how they move with each row: ratios, their products and differences.

A term such as a weighted mean is a function f of sums over rows. To first order a row moves it by the derivative
of f with respect to the sums, times what the row adds to them: its influence. The rules of differentiation carry
the derivative along, so that a formula is written once, as in the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Quantity", "Sums", "moved_by"]


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A function of sums, in B sets of them: the sample's own, or those of a bootstrap's draws.

    Attributes
    ----------
    value : (B,) array
        NaN where it divides by zero.
    slope : (B, c, m) array
        Its derivative with respect to the m sums of each of the c cells.
    """

    value: FloatArray
    slope: FloatArray

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.value + other.value, self.slope + other.slope)

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.value - other.value, self.slope - other.slope)

    def __mul__(self, other: Quantity) -> Quantity:
        return Quantity(
            self.value * other.value, self.slope * _wide(other.value) + other.slope * _wide(self.value)
        )  # fmt: skip

    def __truediv__(self, other: Quantity) -> Quantity:
        divisor = np.where(other.value == 0.0, np.nan, other.value)
        value: FloatArray = self.value / divisor
        return Quantity(value, (self.slope - _wide(value) * other.slope) / _wide(divisor))

    def half(self) -> Quantity:
        """Return half of it."""
        return Quantity(self.value / 2, self.slope / 2)

    def or_nothing(self, nothing: BoolArray) -> Quantity:
        """Return it with a zero where `nothing`, (B,), is true: a part of a sum that is not there."""
        return Quantity(np.where(nothing, 0.0, self.value), np.where(nothing[:, None, None], 0.0, self.slope))


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums over rows by cell.

    Attributes
    ----------
    totals : (B, c, m) array
    """

    totals: FloatArray

    @classmethod
    def of(cls, cell: IntArray, parts: FloatArray, n_cells: int) -> Sums:
        """Add up the rows: B is one.

        Parameters
        ----------
        cell : (n,) integer array
        parts : (n, m) array
            What each row adds to the m sums of its cell.
        n_cells : int
        """
        columns: list[FloatArray] = [
            np.bincount(cell, weights=column, minlength=n_cells).astype(np.float64) for column in parts.T
        ]
        return cls(np.column_stack(columns)[None])

    def nothing(self) -> Quantity:
        """Return a zero."""
        return Quantity(np.zeros(len(self.totals)), np.zeros_like(self.totals))

    def total(self, column: int, cells: BoolArray) -> Quantity:
        """Return the sum over the cells where `cells`, (c,), is true."""
        slope = np.zeros_like(self.totals)
        slope[:, cells, column] = 1.0
        return Quantity(self.totals[:, cells, column].sum(axis=1), slope)


def moved_by(slopes: FloatArray, cell: IntArray, parts: FloatArray) -> FloatArray:
    """Return how each row moves k quantities, (n, k).

    Parameters
    ----------
    slopes : (c, m, k) array
    cell : (n,) integer array
    parts : (n, m) array
        What a row adds to the sums of its cell, or the derivative of that.
    """
    order = np.argsort(cell, kind="stable")
    ends = np.cumsum(np.bincount(cell, minlength=len(slopes)))
    moved = np.empty((len(cell), slopes.shape[2]))
    start = 0
    for one, end in enumerate(ends.tolist()):
        rows = order[start:end]
        moved[rows] = parts[rows] @ slopes[one]
        start = end
    return moved


def _wide(value: FloatArray) -> FloatArray:
    return value[:, None, None]
