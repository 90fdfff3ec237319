r"""What treated rows weigh in the coefficient of two-way fixed effects (de Chaisemartin and D'Haultfoeuille, 2020).

With d the residual of the treatment D on all that stands beside it (effects, covariates), w the weights,

    b = sum of w d y / sum of w d D = untreated outcomes, differenced + sum over treated rows of v tau,
    v = w d / sum over treated rows of w d,

so that v sum to one over treated rows and, where effects tau differ, b can have the other sign than all of them if some
v are negative (their theorem 1, each firm and year a cell). v is the estimator's own share of a row in its estimate: it
holds on unbalanced panels, with weights, further effects and covariates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.did.firms import DidFirms
from estimation.results import FloatArray

__all__ = ["CellWeight", "TreatedWeights", "treated_weights"]

ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class CellWeight:
    """The treated rows of a cohort in a year: what they weigh together."""

    cohort: float
    year: int
    n_rows: int
    weight: float


@dataclass(frozen=True, slots=True)
class TreatedWeights:
    """What treated rows weigh.

    Attributes
    ----------
    n_treated, n_negative : int
        Treated rows, and those with a weight below zero.
    negative_sum : float
        Of the weights below zero; all weights sum to one.
    cells : tuple of CellWeight
    """

    n_treated: int
    n_negative: int
    negative_sum: float
    cells: tuple[CellWeight, ...]

    @property
    def negative_share(self) -> float:
        """Return the share of treated rows with a weight below zero."""
        return self.n_negative / self.n_treated


def treated_weights(firms: DidFirms, shares: FloatArray, anticipation: int = 0) -> TreatedWeights:
    """Weigh treated rows.

    Parameters
    ----------
    firms : DidFirms
    shares : (n,) array
        T of TWFE: estimate = shares' y; zero for rows that it does not use.
    anticipation : int
        Years before a cohort's from which it counts as treated.
    """
    cohort, year = firms.cohort[firms.firm], firms.years[firms.time]
    treated = (year >= cohort - anticipation) & (shares != 0)
    # A residual of zero is left as rounding of either sign.
    negative = treated & (shares < -ROUNDING * float(np.abs(shares).max(initial=0.0)))
    pairs, cell = np.unique(np.column_stack([cohort[treated], year[treated]]), axis=0, return_inverse=True)
    weights = np.bincount(cell.ravel(), weights=shares[treated], minlength=len(pairs))
    counts = np.bincount(cell.ravel(), minlength=len(pairs))
    cells = tuple(
        CellWeight(float(own), int(when), int(rows), float(weight))
        for (own, when), rows, weight in zip(pairs, counts, weights, strict=True)
    )
    return TreatedWeights(int(treated.sum()), int(negative.sum()), float(shares[negative].sum()), cells)
