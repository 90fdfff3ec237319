"""Quantile regressions estimated again with counts of their firms, at the outcomes of the draw.

Each draw is solved to its own minimum, from the full sample's. For the studentised interval its influence functions are
those of `estimation.quantile`; an outcome that the spec estimated moves the coefficients by
``H^-1 sum of w_i f_i x_i dy_i/dtheta``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.design_draws import meat_of_scores
from estimation.design_matrix import Design
from estimation.least_squares import dependences
from estimation.quantile import density_at, named, quantile_design
from estimation.quantile_fit import quantile_fit
from estimation.regression import Question
from estimation.regression_draws import OutcomeSlope
from estimation.results import BoolArray, FloatArray, ProductivityFit
from estimation.stacked_parts import stacked_terms
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["QuantileDraws", "redrawable"]


def redrawable(
    quantiles: Sequence[float], question: Question, rows: Selection, first_stage: ProductivityFit | None
) -> QuantileDraws:
    """Return what estimates quantile regressions again with other weights on their firms.

    Parameters
    ----------
    quantiles, question, rows
        As in `estimation.quantile.estimate`.
    first_stage : ProductivityFit or None
        Of the outcome, where it is drawn with the rest.

    Raises
    ------
    EstimationError
    """
    design, slope = quantile_design(question, rows), None
    if first_stage is not None:
        at = design.rows.rows
        sizes = tuple(len(group.parameters) for group in first_stage.groups)
        gradient = first_stage.gradient[at] * design.slope[:, None]
        slope = OutcomeSlope(gradient, first_stage.group_of_row[at].astype(np.int64), sizes)
    return QuantileDraws(quantiles, design, slope)


class QuantileDraws:
    """Estimates quantile regressions again with counts of their firms; its terms are those of every quantile in turn.

    Parameters
    ----------
    quantiles : sequence of float
    design : Design
    slope : OutcomeSlope, optional
    """

    def __init__(self, quantiles: Sequence[float], design: Design, slope: OutcomeSlope | None = None) -> None:
        self._quantiles, self._design, self._slope = tuple(quantiles), design, slope
        self._weights = np.ones(len(design.y)) if design.weights is None else design.weights
        self._start: dict[float, FloatArray] = {}
        self.rows = self.outcome_rows = design.rows.rows
        self.firms, self._first = np.unique(design.rows.firm, return_index=True)
        several = len(self._quantiles) > 1
        parts = [stacked_terms(named(one), design.terms) if several else design.terms for one in self._quantiles]
        self.terms = tuple(term for part in parts for term in part)

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> _Drawn:
        """Estimate every draw.

        Parameters
        ----------
        counts : (B, n_panel) array
        moved : tuple of (B, q) arrays, optional
            By group of the outcome, its parameters less those of the full sample.
        """
        n, k = len(counts), self._design.x.shape[1]
        found = np.full((n, len(self.terms)), np.nan)
        lift = np.zeros((n, len(self.terms), len(self.terms)))
        dual = np.zeros((n, len(self._quantiles), len(self._weights)))
        groups = self._groups() if moved else {}
        operators = {number: np.zeros((n, len(self.terms), moved[number].shape[1])) for number in groups}
        for number, one in enumerate(counts):
            y = self._design.y.copy()
            w = self._weights * one[self._design.rows.firm]
            for group, rows in groups.items():
                step = moved[group][number]
                if np.isnan(step).any():
                    # A group without a drawn firm has no say; with one the draw has no estimate.
                    w = np.full_like(w, np.nan) if (w[rows] > 0).any() else w
                    continue
                y[rows] += self._gradient(rows, group) @ step
            if np.isnan(w).any():
                continue
            for place, quantile in enumerate(self._quantiles):
                piece = slice(place * k, (place + 1) * k)
                answer = self._estimate(quantile, y, w)
                if answer is None:
                    continue
                found[number, piece], dual[number, place], hessian, density = answer
                lift[number, piece, piece] = hessian
                for group, rows in groups.items():
                    weighted = self._design.x[rows] * (w[rows] * density[rows])[:, None]
                    operators[group][number, piece] = hessian @ (weighted.T @ self._gradient(rows, group))
        return _Drawn(self, found, operators, lift, dual)

    def _groups(self) -> dict[int, np.ndarray]:
        """Return the rows of each group of the outcome with parameters."""
        if self._slope is None:
            return {}
        rows = {number: np.flatnonzero(self._slope.group_of_row == number) for number in range(len(self._slope.sizes))}
        return {number: at for number, at in rows.items() if len(at) and self._slope.sizes[number]}

    def _gradient(self, rows: np.ndarray, group: int) -> FloatArray:
        assert self._slope is not None, "groups are those of a slope"
        return self._slope.gradient[rows, : self._slope.sizes[group]]

    def _estimate(
        self, quantile: float, y: FloatArray, w: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
        """Return b (NaN where lost), the dual, H^-1 and the density, each of the full size; None without any."""
        x, at = self._design.x, np.flatnonzero(w)
        kept: BoolArray = (x[at] != 0).any(axis=0)
        inside, weights = np.ascontiguousarray(x[at][:, kept]), w[at]
        if not kept.any() or len(at) <= inside.shape[1] or dependences(inside, weights):
            return None
        start = self._start.get(quantile)
        try:
            fit = quantile_fit(inside, y[at], quantile, weights, None if start is None else start[kept])
            density = density_at(fit, inside, weights)
        except EstimationError:
            return None
        b, dual, rows = np.full(x.shape[1], np.nan), np.zeros(len(w)), np.zeros(len(w))
        hessian = np.zeros((x.shape[1], x.shape[1]))
        b[kept], dual[at], rows[at] = fit.coefficients, fit.dual, density.rows
        hessian[np.ix_(kept, kept)] = density.inverse
        if start is None and kept.all():
            # A minimum is proved wherever the search for it began.
            self._start[quantile] = b
        return b, dual, hessian, rows

    def scores(self, dual: FloatArray, start: int, stop: int) -> FloatArray:
        """Return w a x by firm for every quantile, without how often a firm was drawn, (B, Qk, firms)."""
        begin = int(self._first[start])
        end = int(self._first[stop]) if stop < len(self._first) else len(self._weights)
        rows, first = slice(begin, end), self._first[start:stop] - begin
        x = self._design.x[rows] * self._weights[rows, None]
        products = dual[:, :, None, rows] * x.T
        summed = np.add.reduceat(products, first, axis=3)
        return np.asarray(summed.reshape(len(dual), -1, stop - start), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """Quantile regressions in B draws: `estimation.design_draws.DrawnDesign`."""

    quantiles: QuantileDraws
    coefficients: FloatArray
    operators: Mapping[int, FloatArray]
    lift: FloatArray
    dual: FloatArray

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of the design's firms from start to stop, (B, r, stop - start)."""
        return self.quantiles.scores(self.dual, start, stop)

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return meat_of_scores(self.scores(start, stop), weights, others)
