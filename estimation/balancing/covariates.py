"""The covariates that are to be balanced, as columns, and how alike two groups of rows are in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.coding import categories, is_categorical
from estimation.covariance import numbered
from estimation.least_squares import dependences
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection

__all__ = ["Balanced", "Columns", "alike", "columns_of", "dependent"]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Covariates as columns.

    Attributes
    ----------
    names : tuple of str
        ``ln_l``, ``nace[C]``: every level of a categorical covariate.
    values : (n, m) array
    indicator : tuple of bool
    constrained : (p,) integer array
        Those that are to be balanced: a factor's base level and what else the others span follow.
    spanned : tuple of str
        Columns that are an exact sum of those before them, but for base levels.
    """

    names: tuple[str, ...]
    values: FloatArray
    indicator: tuple[bool, ...]
    constrained: IntArray
    spanned: tuple[str, ...]

    def design(self) -> FloatArray:
        """Return a constant and the constrained columns in units of their own spread about their means, (n, 1 + p)."""
        chosen = self.values[:, self.constrained]
        spread = chosen.std(axis=0)
        return np.column_stack([np.ones(len(chosen)), (chosen - chosen.mean(axis=0)) / np.where(spread > 0, spread, 1)])


@dataclass(frozen=True, slots=True)
class Balanced:
    """One covariate before and after balancing.

    Attributes
    ----------
    term : str
    mean_treated, mean_control : float
        With the rows' own weights.
    balanced_treated, balanced_control : float
        With the balancing weights.
    std_difference, balanced_std_difference : float or None
        Treated less untreated, over the root of the mean of both variances before; None where nothing varies.
    variance_ratio : float or None
        Treated over untreated, after; None for indicators.
    n_firms : int
        Firms behind the smallest of the groups that the means tell of: of an indicator those with and without it.
    """

    term: str
    mean_treated: float
    mean_control: float
    balanced_treated: float
    balanced_control: float
    std_difference: float | None
    balanced_std_difference: float | None
    variance_ratio: float | None
    n_firms: int


def columns_of(names: Sequence[str], rows: Selection) -> Columns:
    """Return the covariates of rows that have them all.

    Parameters
    ----------
    names : sequence of str
        Texts and ``year`` by level.
    rows : Selection
    """
    labels: list[str] = []
    values: list[FloatArray] = []
    indicator: list[bool] = []
    base: set[int] = set()
    for name in names:
        if not is_categorical(name, rows):
            labels.append(name)
            values.append(rows.number(name))
            indicator.append(False)
            continue
        found = categories(name, rows, None)
        base.add(len(labels) + found.base)
        labels += [f"{name}[{level}]" for level in found.levels]
        values += [found.indicator(place) for place in range(len(found.levels))]
        indicator += [True] * len(found.levels)
    matrix = np.column_stack(values)
    free = [place for place in range(len(labels)) if place not in base]
    gone = dependent(matrix, free)
    kept = np.array([place for place in free if place not in gone], dtype=np.int64)
    return Columns(tuple(labels), matrix, tuple(indicator), kept, tuple(labels[place] for place in sorted(gone)))


def dependent(matrix: FloatArray, columns: Sequence[int]) -> set[int]:
    """Return those of the columns of a matrix that a constant and the columns before them span."""
    chosen = matrix[:, list(columns)]
    found = dependences(np.column_stack([np.ones(len(chosen)), chosen - chosen.mean(axis=0)]))
    return {columns[one.term - 1] for one in found if one.term}


def alike(
    columns: Columns, treated: BoolArray, own: FloatArray, balanced: FloatArray, rows: Selection
) -> tuple[Balanced, ...]:
    """Set treated and untreated rows side by side, before and after.

    Parameters
    ----------
    columns : Columns
    treated : (n,) bool array
    own, balanced : (n,) arrays
    rows : Selection
    """
    found: list[Balanced] = []
    for place, name in enumerate(columns.names):
        x, indicator = columns.values[:, place], columns.indicator[place]
        before = [_moments(x[side], own[side]) for side in (treated, ~treated)]
        after = [_moments(x[side], balanced[side]) for side in (treated, ~treated)]
        spread = float(np.sqrt((before[0][1] + before[1][1]) / 2))
        groups = [treated, ~treated]
        if indicator:
            groups = [side & with_it for side in (treated, ~treated) for with_it in (x == 1, x == 0)]
        # That nobody has a level tells of all.
        firms = [numbered(rows.firm[group])[1] for group in groups if group.any()]
        found.append(
            Balanced(
                term=name,
                mean_treated=before[0][0],
                mean_control=before[1][0],
                balanced_treated=after[0][0],
                balanced_control=after[1][0],
                std_difference=(before[0][0] - before[1][0]) / spread if spread > 0 else None,
                balanced_std_difference=(after[0][0] - after[1][0]) / spread if spread > 0 else None,
                variance_ratio=after[0][1] / after[1][1] if not indicator and after[1][1] > 0 else None,
                n_firms=min(firms),
            )
        )
    return tuple(found)


def _moments(x: FloatArray, weights: FloatArray) -> tuple[float, float]:
    mean = float(np.average(x, weights=weights))
    return mean, float(np.average((x - mean) ** 2, weights=weights))
