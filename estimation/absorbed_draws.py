"""A regression with absorbed effects estimated again with counts of its firms.

Firms enter a draw whole, so that what is constant within them, sweeping out effects whose levels each lie in one firm,
is the same in every draw. The levels of the other effects weigh otherwise in every draw: they stay beside the terms as
columns of their own, less the effects of firms, and their coefficients are estimated and not told. By Frisch and Waugh
the terms may enter less all effects: what that takes away is spanned by these columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from estimation.absorb import Absorber, Effect
from estimation.design_draws import DrawnDesign
from estimation.design_matrix import Design
from estimation.least_squares import dependences
from estimation.regression_draws import OutcomeSlope, RegressionDraws
from estimation.results import FloatArray, IntArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["AbsorbedDraws"]

MOST_LEVELS, MOST_VALUES = 400, 60_000_000
"""Of effects that are columns of their own, and numbers in these columns."""


class AbsorbedDraws:
    """Estimates a regression with effects again: `estimation.design_draws.DesignResampler`.

    Parameters
    ----------
    design : Design
        With effects, swept out.
    slope : OutcomeSlope, optional
    outcome_rows : integer array, optional
        As of `estimation.regression_draws.RegressionDraws`.

    Raises
    ------
    EstimationError
        If the effects that are not swept out by firm have too many levels.
    """

    def __init__(self, design: Design, slope: OutcomeSlope | None = None, outcome_rows: IntArray | None = None) -> None:
        effects = () if design.absorbed is None else design.absorbed.effects
        inside = [one for one in effects if _within_firms(one, design.rows.firm)]
        # Of several effects of firms the finest is swept out, and the others with it where they are coarser.
        finest = max(inside, key=lambda one: one.count, default=None)
        others = [one for one in effects if one is not finest]
        levels = _levels(others, len(design.y))
        if finest is not None and levels.shape[1]:
            levels = Absorber([finest], design.weights).within(levels)
        x = np.column_stack([design.x, levels])
        spanned = {one.term for one in dependences(x, design.weights)}
        x = x[:, [place for place in range(x.shape[1]) if place not in spanned]]
        self.terms = design.terms
        kept = x.shape[1] - len(design.terms)
        names = (*design.terms, *(f"level {number}" for number in range(kept)))
        self._regression = RegressionDraws(x, design.y, design.weights, design.rows, names, slope, outcome_rows)
        self.rows, self.firms = self._regression.rows, self._regression.firms
        self.outcome_rows = self._regression.outcome_rows

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> DrawnDesign:
        """Estimate every draw, as `RegressionDraws.draw`."""
        drawn, k = self._regression.draw(counts, moved), len(self.terms)
        operators = {number: one[:, :k] for number, one in drawn.operators.items()}
        return _Terms(drawn, drawn.coefficients[:, :k], operators, drawn.lift[:, :k])


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """The terms among all columns of a regression in B draws; its scores are those of all columns."""

    whole: DrawnDesign
    coefficients: FloatArray
    operators: Mapping[int, FloatArray]
    lift: FloatArray

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of the design's firms from start to stop, (B, r, stop - start)."""
        return self.whole.scores(start, stop)

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return self.whole.meat(start, stop, weights, others)


def _within_firms(effect: Effect, firm: np.ndarray) -> bool:
    """Return whether each level lies in one firm."""
    first = np.zeros(effect.count, dtype=np.int64)
    first[effect.codes] = firm
    return bool((first[effect.codes] == firm).all())


def _levels(effects: list[Effect], n: int) -> FloatArray:
    total = sum(one.count for one in effects)
    if total > MOST_LEVELS or total * n > MOST_VALUES:
        named = " + ".join(one.name for one in effects)
        raise EstimationError(
            f"{counted(total, 'level')} of {named} on {n:,} rows are too many to be estimated again in every draw; "
            "take coarser effects, or errors: {cluster: [firm]}, which carries the first stage over"
        )
    return np.column_stack([np.zeros((n, 0)), *(one.codes[:, None] == np.arange(one.count) for one in effects)]).astype(
        np.float64
    )
