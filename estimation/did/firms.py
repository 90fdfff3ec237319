"""The firms of a difference-in-differences: outcomes by firm and year, cohorts, weights."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from estimation.results import FloatArray, IntArray

__all__ = ["NEVER", "DidFirms"]

NEVER = np.inf
"""The cohort of a firm that is never treated."""


@dataclass(frozen=True, slots=True, eq=False)
class DidFirms:
    """Firms by year.

    Attributes
    ----------
    firm : (n,) integer array
        The firm of each row, 0 to F - 1.
    time : (n,) integer array
        The year of each row, as its place in `years`.
    y : (n,) array
    years : (T,) integer array
        Ascending.
    cohort : (F,) array
        The year in which a firm is first treated; `NEVER` for a firm that is not.
    weights : (F,) array or None
    covariates : (n, p) array
        A constant first; width 1 without covariates.
    names : tuple of str
        Of the covariates' columns: ``constant``, ``ln_l``, ``nace[C]``.
    """

    firm: IntArray
    time: IntArray
    y: FloatArray
    years: IntArray
    cohort: FloatArray
    weights: FloatArray | None = None
    covariates: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    names: tuple[str, ...] = ()

    @property
    def n_firms(self) -> int:
        """Return the number of firms."""
        return self.cohort.size

    @property
    def cohorts(self) -> FloatArray:
        """Return the years in which some firm is first treated, ascending."""
        return np.unique(self.cohort[np.isfinite(self.cohort)])

    def mass(self) -> FloatArray:
        """Return what each firm weighs, (F,)."""
        return np.ones(self.n_firms) if self.weights is None else self.weights

    def wide(self, values: FloatArray) -> FloatArray:
        """Lay values of rows out by firm and year, (F, T), or (F, T, p) of p columns; NaN where a firm has no row."""
        shape = (self.n_firms, self.years.size, *values.shape[1:])
        found: FloatArray = np.full(shape, np.nan)
        found[self.firm, self.time] = values
        return found
