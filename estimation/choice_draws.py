"""Probit and logit estimated again with counts of their firms: each draw by Newton's method on its own rows.

A draw may hold a level whose rows have one outcome alone. As in the estimate, these rows leave it, and the level has
no effect in that draw. The influence functions of a draw are those of its own maximum, J I^-1 s_i.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from estimation.binary_response import LINKS, Link, SeparationError, binary_response
from estimation.choice import Asked, choice_design
from estimation.design_draws import meat_of_scores
from estimation.least_squares import dependences
from estimation.regression import Question
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.separation import alone, certain_rows
from estimation.stacked_parts import stacked_terms
from panels.frame import Selection
from specs.formula import Formula

__all__ = ["ChoiceDraws", "redrawable"]


def redrawable(method: str, question: Question, rows: Selection) -> ChoiceDraws:
    """Return what estimates a logit or a probit again with other weights on its firms.

    Parameters
    ----------
    method : {'logit', 'probit'}
    question, rows
        As in `estimation.choice.estimate`.

    Raises
    ------
    EstimationError
    """
    return ChoiceDraws(LINKS[method], question.formula, choice_design(question, rows))


class ChoiceDraws:
    """Estimates a binary response again with counts of its firms; its terms are the effects, then the index.

    Parameters
    ----------
    link : Link
    formula : Formula
    asked : Asked
    """

    def __init__(self, link: Link, formula: Formula, asked: Asked) -> None:
        design = asked.design
        self._link, self._asked, self._design = link, asked, design
        self._weights = np.ones(len(design.y)) if design.weights is None else design.weights
        names = [name for name in alone(formula) if name in design.coded]
        self._codes: list[IntArray] = [design.coded[name].codes for name in names]
        self._start: FloatArray | None = None
        self.rows = self.outcome_rows = design.rows.rows
        self.firms, self._first = np.unique(design.rows.firm, return_index=True)
        self._lost = len(asked.certain)
        self.terms = (*asked.terms, *stacked_terms(f"{link.name}, index", asked.index_terms))

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> _Drawn:
        """Estimate every draw; the outcome is 0 or 1 and does not move."""
        k, p = len(self._design.terms), len(self._asked.effects.terms)
        found = np.full((len(counts), len(self.terms)), np.nan)
        lift, weights = np.zeros((len(counts), len(self.terms), k)), np.zeros((len(counts), len(self._weights)))
        index = np.zeros_like(weights)
        for number, one in enumerate(counts):
            w = self._weights * one[self._design.rows.firm]
            estimate = self._estimate(w)
            if estimate is None:
                continue
            b, kept, used, covariance = estimate
            values, jacobian = self._asked.effects.at(self._link, b, used, ~kept)
            found[number, :p] = values
            found[number, p + self._lost :][:k] = np.where(kept, b, np.nan)
            lift[number, :p] = np.nan_to_num(jacobian) @ covariance
            lift[number, p + self._lost :][:k] = covariance
            weights[number], index[number] = used, self._design.x @ b
        return _Drawn(self, found, lift, weights, index)

    def _estimate(self, w: FloatArray) -> tuple[FloatArray, BoolArray, FloatArray, FloatArray] | None:
        """Return b (zero where it is lost), which it has, the weights of the rows used and I^-1; None without any."""
        y, x = self._design.y, self._design.x
        used = w.copy()
        while certain := certain_rows(self._codes, y, used):
            for number, level in certain:
                used[self._codes[number] == level] = 0.0
        at = np.flatnonzero(used)
        if not len(at) or not 0 < y[at].sum() < len(at):
            return None
        kept: BoolArray = (x[at] != 0).any(axis=0)
        inside = np.ascontiguousarray(x[at][:, kept])
        if inside.shape[1] >= len(at) or dependences(inside, used[at]):
            return None
        try:
            start = None if self._start is None else self._start[kept]
            fit = binary_response(self._link, inside, y[at], used[at], start)
        except SeparationError:
            return None
        b, covariance = np.zeros(x.shape[1]), np.zeros((x.shape[1], x.shape[1]))
        b[kept] = fit.coefficients
        covariance[np.ix_(kept, kept)] = fit.covariance
        if self._start is None and kept.all():
            # Newton's method ends at the same place, wherever it begins.
            self._start = b
        return b, kept, used, covariance

    def scores(self, drawn: _Drawn, start: int, stop: int) -> FloatArray:
        """Return the derivatives of the log-likelihood by firm, without how often it was drawn, (B, k, firms)."""
        begin = self._first[start]
        end = self._first[stop] if stop < len(self._first) else len(self._weights)
        rows, first = slice(int(begin), int(end)), self._first[start:stop] - begin
        sign, index = 2.0 * self._design.y[rows] - 1.0, drawn.index[:, rows]
        score = self._link.score(sign, index, self._link.log_share(sign * index))
        score = np.where(drawn.weights[:, rows] > 0, score * self._weights[rows], 0.0)
        products = score[:, None, :] * self._design.x[rows].T
        return np.asarray(np.add.reduceat(products, first, axis=2), dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A binary response in B draws: `estimation.design_draws.DrawnDesign`."""

    choice: ChoiceDraws
    coefficients: FloatArray
    lift: FloatArray
    weights: FloatArray
    index: FloatArray
    operators: Mapping[int, FloatArray] = field(default_factory=dict)

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of the design's firms from start to stop, (B, k, stop - start)."""
        return self.choice.scores(self, start, stop)

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return meat_of_scores(self.scores(start, stop), weights, others)
