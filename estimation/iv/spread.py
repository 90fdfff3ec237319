"""Covariances of whatever is estimated on an instrumented design's rows, as its standard errors are asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.covariance import Covariance, influence
from estimation.design_matrix import Design
from estimation.iv.anderson_rubin import Joint
from estimation.iv.least_squares import TwoStages
from estimation.least_squares import LeastSquares
from estimation.regression import Question, covariance_of, robust_covariance
from estimation.results import FloatArray, ProductivityFit
from estimation.second_stage import FirstStage, first_stage_part, join
from panels.frame import Selection

__all__ = ["Spread"]


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What a covariance on these rows depends on.

    Attributes
    ----------
    question : Question
    design : Design
    productivity : ProductivityFit or None
        Of the outcome, where its uncertainty is carried over.
    panel : Selection or None
        The clustering columns on all rows of the panel.
    """

    question: Question
    design: Design
    productivity: ProductivityFit | None
    panel: Selection | None

    def of(self, fit: LeastSquares, *, outcome: bool) -> Covariance:
        """Return the covariance of a regression's coefficients.

        Parameters
        ----------
        fit : LeastSquares
        outcome : bool
            Whether its left side is the outcome, whose first stage then counts.
        """
        first = self.carried(fit.operator) if outcome else None
        joined = join(self.design.rows.firm, influence(fit, self.question.kind), first)
        return covariance_of(self.question, self.design, fit, (joined, first), self.panel)

    def carried(self, operator: FloatArray) -> FirstStage | None:
        """Return the part of an estimated outcome's first stage in coefficients with this operator, (n, k)."""
        if self.productivity is None:
            return None
        return first_stage_part(self.productivity, self.design.rows.rows, operator, self.design.slope)

    def joint(self, found: TwoStages) -> Joint:
        """Return the instruments' coefficients in the reduced form and in the first stages, with their covariance."""
        fits, m = (found.reduced, *found.first), found.m
        residuals = np.column_stack([one.residuals for one in fits])
        first = self.carried(found.operator)
        wide = m * len(fits)
        if first is not None:
            first = _widened(first, wide)
        if self.question.kind == "classical":
            freedom = found.reduced.n_obs - found.reduced.n_terms
            spread = (residuals * found.reduced.weights[:, None]).T @ residuals / freedom
            bread = found.reduced.bread[found.instruments, found.instruments]
            matrix: FloatArray = np.kron(spread, bread).astype(np.float64)
            if first is not None:
                matrix = matrix + first.covariance
            return Joint(found.on_outcome, found.on_endogenous, matrix, freedom)
        psi = (residuals[:, :, None] * found.operator[:, None, :]).reshape(len(residuals), wide)
        columns = found.reduced.coefficients.size
        joined = join(self.design.rows.firm, psi, first)
        covariance = robust_covariance(self.question, self.design, psi, columns, (joined, first), self.panel)
        return Joint(found.on_outcome, found.on_endogenous, covariance.matrix, covariance.df)


def _widened(first: FirstStage, wide: int) -> FirstStage:
    """Return the part of the reduced form among coefficients of which the others are no function of the outcome."""
    m = first.influence.shape[1]
    influence_, covariance = np.zeros((len(first.firms), wide)), np.zeros((wide, wide))
    influence_[:, :m], covariance[:m, :m] = first.influence, first.covariance
    return FirstStage(first.firms, influence_, covariance)
