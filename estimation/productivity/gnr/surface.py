"""The technology that the share of a flexible input traces out: its slope in the input, integrated, and the rest.

With x = (l, k, m), m the flexible input, and powers of deviations from a centre, so that no unit enters,

    D(x) = sum of gamma_r x^r            the elasticity of m, to a total degree
    I(x) = sum of gamma_r/(r_m + 1) x^r m  its integral over m from the centre
    f(x) = I(x) + sum of beta_s (l, k)^s   beta the constant of integration, without a constant of its own.

The constant of integration is minus the C(l, k) of Gandhi, Navarro and Rivers (2020), equation (14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.polynomial import Polynomial, exponents_up_to
from estimation.results import FloatArray

__all__ = ["Rows", "Surface", "surface"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The monomials of n rows.

    Attributes
    ----------
    share : (b, n) array
        Of D.
    integral : (b, n) array
        Of I, in the order of `share`.
    rest : (q, n) array
        Of the constant of integration.
    """

    share: FloatArray
    integral: FloatArray
    rest: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """The monomials of a gross-output technology; made by `surface`.

    Attributes
    ----------
    share : Polynomial
        In the free inputs, the states and the flexible input, in this order.
    rest : Polynomial
        In the free inputs and the states; its first monomial, the constant, is not used.
    """

    share: Polynomial
    rest: Polynomial

    @property
    def inputs(self) -> tuple[str, ...]:
        """The v inputs, the flexible one last."""
        return self.share.inputs

    @property
    def centre(self) -> FloatArray:
        """Where the powers have their origin, (v,)."""
        return self.share.centre

    @property
    def parameters(self) -> tuple[str, ...]:
        """The b + q coefficients by name: ``D[ln_k*ln_m]``, ``C[ln_k^2]``."""
        return (*(f"D[{term}]" for term in self.share.terms), *(f"C[{term}]" for term in self.rest.terms[1:]))

    def rows(self, inputs: Sequence[FloatArray]) -> Rows:
        """Return the monomials.

        Parameters
        ----------
        inputs : sequence of v (n,) arrays
            In the units of the data.
        """
        share = self.share.evaluate(inputs)
        return Rows(share, self._integral(share, inputs), self.rest_of(inputs[:-1]))

    def rest_of(self, inputs: Sequence[FloatArray]) -> FloatArray:
        """Return the monomials of the constant of integration, (q, n), of free inputs and states."""
        return self.rest.evaluate(inputs)[1:]

    def slopes(self, inputs: Sequence[FloatArray]) -> tuple[FloatArray, ...]:
        """Return what multiplies (gamma, beta) in the elasticity of each input, v times (b + q, n)."""
        share, rest = self.share.evaluate(inputs), self.rest.evaluate(inputs[:-1])
        found = []
        for index in range(len(inputs) - 1):
            by_share = self._integral(self.share.derivative(index) @ share, inputs)
            found.append(np.concatenate([by_share, self.rest.derivative(index)[1:] @ rest]))
        return (*found, np.concatenate([share, np.zeros((len(rest) - 1, share.shape[1]))]))

    def _integral(self, share: FloatArray, inputs: Sequence[FloatArray]) -> FloatArray:
        """Return the integrals over m of monomials, or of their derivatives in another input, which keep m's power."""
        power = self.share.exponents[:, -1]
        found: FloatArray = share * (inputs[-1] - self.centre[-1]) / (power + 1.0)[:, None]
        return found


def surface(inputs: Sequence[str], degree: int, rest_degree: int, centre: FloatArray) -> Surface:
    """Return the monomials of a technology.

    Parameters
    ----------
    inputs : sequence of str
        Free inputs, states, the flexible input.
    degree, rest_degree : int
        Total degrees of D and of the constant of integration. With `rest_degree` at least `degree` the technology does
        not depend on the centre: another origin of m adds to I a polynomial in (l, k) of that degree.
    centre : (v,) array
    """
    v = len(inputs)

    def powers(n: int, total: int) -> Polynomial:
        return Polynomial(tuple(inputs[:n]), total, centre[:n], np.eye(n), exponents_up_to(n, total))

    return Surface(powers(v, degree), powers(v - 1, rest_degree))
