"""Average elasticities of a technology whose elasticities differ from row to row, in draws of firms.

With n_i the times that firm i was drawn, D_r the slopes of row r and b* the draw's coefficients,

    e* = (sum of n_i sum of w D_r) b* / sum of n_i sum of w

so that sums of the slopes by firm say it all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.common.technology import Technology
from estimation.resamplers import Redrawn
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["AverageDraws"]


class AverageDraws:
    """Averages the elasticities of some rows again.

    Parameters
    ----------
    technology : Technology
        With v inputs and p terms.
    inputs : sequence of v (n,) arrays
    firm : (n,) integer array
        Ascending.
    rows : (n,) bool array
        The rows that the average rests on.
    firms : (G,) integer array
        Codes of the firms with an influence function, ascending; those of the rows are among them.
    weights : (n,) array, optional
    """

    def __init__(
        self,
        technology: Technology,
        inputs: Sequence[FloatArray],
        firm: IntArray,
        rows: BoolArray,
        firms: IntArray,
        weights: FloatArray | None = None,
    ) -> None:
        self._firms = firms
        self._slopes = np.zeros((len(technology.inputs), len(technology.terms), len(firms)))
        self._mass = np.zeros(len(firms))
        for start in range(0, len(rows), ROWS_AT_A_TIME):
            at = np.flatnonzero(rows[start : start + ROWS_AT_A_TIME]) + start
            weight = np.ones(len(at)) if weights is None else weights[at]
            place, chosen = np.searchsorted(firms, firm[at]), [values[at] for values in inputs]
            self._mass += np.bincount(place, weight, minlength=len(firms))
            for number, name in enumerate(technology.inputs):
                for term, slope in enumerate(technology.slopes(name, chosen)):
                    self._slopes[number, term] += np.bincount(place, weight * slope, minlength=len(firms))

    def draw(self, counts: FloatArray, coefficients: FloatArray, influence: FloatArray) -> Redrawn:
        """Return the averages of every draw, (B, v), and their influence functions, (B, v, G).

        Parameters
        ----------
        counts : (B, n_panel) array
        coefficients : (B, p) array
        influence : (B, p, G) array
        """
        drawn = counts[:, self._firms]
        total = drawn @ self._mass
        there = total > 0
        share = np.divide(1.0, total, out=np.full(len(total), np.nan), where=there)
        slopes = np.einsum("bg,vpg->bvp", drawn, self._slopes, optimize=True) * share[:, None, None]
        mean = (slopes @ coefficients[:, :, None])[:, :, 0]
        own = np.einsum("bp,vpg->bvg", coefficients, self._slopes, optimize=True)
        own = (own - mean[:, :, None] * self._mass) * share[:, None, None]
        return Redrawn(mean, slopes @ influence + own)
