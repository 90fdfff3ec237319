"""Average shares and average firms, drawn again with counts of the firms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from estimation.productivity.common.ladder import Served
from estimation.productivity.index_numbers.rows import by_firm
from estimation.results import FloatArray, IntArray

__all__ = ["GroupDraws", "drawn_means", "drawn_medians"]

Estimate = TypeVar("Estimate")
Drawn = Callable[[FloatArray], FloatArray]
"""From counts (B, n_panel) to the parameters of one estimate, (B, q)."""


class GroupDraws:
    """Draws every group; groups that share an estimate share its draws. An `estimation.resamplers.Resampler`.

    Parameters
    ----------
    served : sequence of Served
        The groups of the fit, in its order.
    of : callable
        From one of them to what draws its estimate.
    """

    def __init__(self, served: Sequence[Served[Estimate]], of: Callable[[Served[Estimate]], Drawn]) -> None:
        self._first = [next(n for n, other in enumerate(served) if other.estimate is one.estimate) for one in served]
        self._draw = {number: of(served[number]) for number in sorted(set(self._first))}

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return every group's parameters in every draw."""
        found = {number: draw(counts) for number, draw in self._draw.items()}
        return tuple(found[number] for number in self._first)


def drawn_means(firm: IntArray, values: FloatArray) -> Drawn:
    """Return what draws the means of values (m, q) of rows sorted by firm: NaN where no row is drawn."""
    firms, sums = by_firm(firm, np.column_stack([values, np.ones(len(values))]))

    def draw(counts: FloatArray) -> FloatArray:
        total = counts[:, firms] @ sums
        count = total[:, -1:]
        means: FloatArray = np.divide(total[:, :-1], count, out=np.full_like(total[:, :-1], np.nan), where=count > 0)
        return means

    return draw


def drawn_medians(firm: IntArray, values: FloatArray) -> Drawn:
    """Return what draws the medians of values (m, q): of the rows as often as their firm was drawn."""
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)

    def draw(counts: FloatArray) -> FloatArray:
        found = np.full((len(counts), values.shape[1]), np.nan)
        for number, own in enumerate(counts):
            for column in range(values.shape[1]):
                upto = np.cumsum(own[firm[order[:, column]]])
                if upto[-1] > 0:
                    # The two in the middle, counting from one: the same where their number is odd.
                    middle = np.array([np.floor((upto[-1] + 1) / 2), np.floor(upto[-1] / 2) + 1])
                    found[number, column] = np.mean(ordered[np.searchsorted(upto, middle), column])
        return found

    return draw
