"""The production function as a sum of monomials in log inputs: Cobb-Douglas, or translog with squares and products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.productivity.common.moments import factors_of, term_name
from estimation.results import FloatArray

__all__ = ["Technology"]


@dataclass(frozen=True, slots=True)
class Technology:
    """f(x) = sum of b_j m_j(x), the m_j being the inputs' logs and, for the translog, their squares and products.

    Coefficients are those of the logs as they are measured. Estimators compute with centred logs, which keeps the
    digits; `to_raw` says how coefficients of the one are coefficients of the other.

    Attributes
    ----------
    inputs : tuple of str
        The v inputs.
    translog : bool

    References
    ----------
    Christensen, L. R., Jorgenson, D. W. and Lau, L. J. (1973). Transcendental logarithmic production frontiers.
    Review of Economics and Statistics 55(1), 28-45.
    """

    inputs: tuple[str, ...]
    translog: bool = False

    @property
    def terms(self) -> tuple[str, ...]:
        """The p terms by name: the inputs first."""
        return tuple(term_name([self.inputs[index] for index in one]) for one in self.factors)

    @property
    def factors(self) -> tuple[tuple[int, ...], ...]:
        """The inputs that each of the p terms multiplies, by their index: one, or two of a product."""
        return factors_of(len(self.inputs), self.translog)

    def monomials(self, inputs: Sequence[FloatArray]) -> FloatArray:
        """Return the terms of n rows.

        Parameters
        ----------
        inputs : sequence of v (n,) arrays

        Returns
        -------
        (p, n) array
        """
        rows = [inputs[one[0]] if len(one) == 1 else inputs[one[0]] * inputs[one[1]] for one in self.factors]
        return np.stack(rows)

    def slopes(self, name: str, inputs: Sequence[FloatArray]) -> FloatArray:
        """Return the derivative of every term with respect to one input.

        Parameters
        ----------
        name : str
            Of the input.
        inputs : sequence of v (n,) arrays

        Returns
        -------
        (p, n) array
            D with the output elasticity of the input ``b @ D``.
        """
        which = self.inputs.index(name)
        out = np.zeros((len(self.factors), len(inputs[0])))
        for row, factors in enumerate(self.factors):
            for place, factor in enumerate(factors):
                if factor == which:
                    out[row] += 1.0 if len(factors) == 1 else inputs[factors[1 - place]]
        return out

    def to_raw(self, centre: Sequence[float]) -> tuple[FloatArray, FloatArray]:
        """Return how coefficients on centred logs become coefficients on the logs themselves.

        Parameters
        ----------
        centre : sequence of v float
            What was subtracted from each input.

        Returns
        -------
        matrix : (p, p) array
            ``b = matrix @ b_centred``. With ones on its diagonal, so never singular.
        constant : (p,) array
            ``f_centred(x) = f(x) + constant @ b_centred``.
        """
        matrix = np.eye(len(self.factors))
        constant = np.zeros(len(self.factors))
        for column, factors in enumerate(self.factors):
            if len(factors) == 1:
                constant[column] = -centre[factors[0]]
                continue
            first, second = factors
            matrix[first, column] -= centre[second]
            matrix[second, column] -= centre[first]
            constant[column] = centre[first] * centre[second]
        return matrix, constant
