"""The polynomial in (state, proxy) that stands for h(k, m): centred, made orthogonal, of a total degree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np

from estimation.results import FloatArray, IntArray

__all__ = ["DegenerateInputError", "Polynomial", "exponents_up_to", "standardised_polynomial", "without_powers"]

# An input whose own part is below this share of its standard deviation is a linear function of the others.
NO_OWN_VARIATION = 1e-7


class DegenerateInputError(ValueError):
    """An input of the polynomial is constant, or a linear function of the inputs before it.

    Attributes
    ----------
    names : tuple of str
        The inputs.
    index : int
        Which of them.
    constant : bool
        Whether it does not vary at all.
    """

    def __init__(self, names: Sequence[str], index: int, constant: bool) -> None:
        super().__init__(f"{names[index]} has no variation of its own")
        self.names = tuple(names)
        self.index = index
        self.constant = constant


@dataclass(frozen=True, slots=True, eq=False)
class Polynomial:
    """All monomials up to a total degree in standardised inputs ``z = scale (x - centre)``.

    `scale` is lower triangular: the last input's z is what the others leave of it. Polynomials of a total
    degree are the same space under any such map, so estimates do not change; what changes is that the
    monomials keep their digits however the inputs are measured and however closely they move together.

    Attributes
    ----------
    inputs : tuple of str
        The v columns: states, then the proxy.
    degree : int
        Total degree, 0 (the constant alone) or more.
    centre : (v,) array
        In the units of the inputs.
    scale : (v, v) lower triangular array
        In one over the units of the inputs.
    exponents : (b, v) integer array
        The powers of each monomial; the constant first, then by degree.
    """

    inputs: tuple[str, ...]
    degree: int
    centre: FloatArray
    scale: FloatArray
    exponents: IntArray

    @property
    def terms(self) -> tuple[str, ...]:
        """The b monomials by name: ``1``, ``ln_k``, ``ln_m``, ``ln_k^2``, ``ln_k*ln_m``."""
        return tuple(_monomial_name(self.inputs, powers) for powers in self.exponents)

    def evaluate(self, inputs: Sequence[FloatArray]) -> FloatArray:
        """Return the monomials of n rows.

        Parameters
        ----------
        inputs : sequence of v (n,) arrays
            In the units of the data.

        Returns
        -------
        (b, n) array
            One monomial a row, so that each lies in one piece of memory.
        """
        n = len(inputs[0])
        z = np.stack(inputs)
        z -= self.centre[:, None]
        z = self.scale @ z
        out = np.empty((len(self.exponents), n))
        out[0] = 1.0
        powers = tuple(map(tuple, self.exponents.tolist()))
        for row, (factor, variable) in enumerate(_products(powers), start=1):
            np.multiply(out[factor], z[variable], out=out[row])
        return out

    def derivative(self, variable: int) -> FloatArray:
        """Return the matrix that differentiates with respect to one input.

        Parameters
        ----------
        variable : int
            Index into `inputs`.

        Returns
        -------
        (b, b) array
            D with ``d evaluate(x) / d x[variable] = D @ evaluate(x)``.
        """
        place = {tuple(powers): row for row, powers in enumerate(self.exponents.tolist())}
        matrix = np.zeros((len(self.exponents), len(self.exponents)))
        for row, powers in enumerate(self.exponents.tolist()):
            for inner, power in enumerate(powers):
                if power:
                    lower = list(powers)
                    lower[inner] -= 1
                    matrix[row, place[tuple(lower)]] += power * self.scale[inner, variable]
        return matrix


def exponents_up_to(n_inputs: int, degree: int) -> IntArray:
    """Return the powers of all monomials of n inputs up to a total degree, (b, n_inputs).

    There are (n_inputs + degree)! / (n_inputs! degree!) of them, the constant first.
    """
    rows = [
        [chosen.count(variable) for variable in range(n_inputs)]
        for total in range(degree + 1)
        for chosen in combinations_with_replacement(range(n_inputs), total)
    ]
    return np.array(rows, dtype=np.int64).reshape(len(rows), n_inputs)


def standardised_polynomial(inputs: Sequence[str], degree: int, mean: FloatArray, covariance: FloatArray) -> Polynomial:
    """Return the polynomial whose inputs are standardised by these moments.

    Parameters
    ----------
    inputs : sequence of str
        Names of the v inputs.
    degree : int
    mean : (v,) array
    covariance : (v, v) array

    Raises
    ------
    DegenerateInputError
        If an input is constant or a linear function of those before it.
    """
    deviation = np.sqrt(np.diag(covariance))
    size = np.maximum(np.abs(mean), np.finfo(float).tiny)
    for index, (spread, magnitude) in enumerate(zip(deviation, size, strict=True)):
        if not spread > 1e-12 * magnitude:
            raise DegenerateInputError(inputs, index, constant=True)
    correlation = covariance / np.outer(deviation, deviation)
    factor = np.zeros_like(correlation)
    for row in range(len(correlation)):
        known = factor[row, :row]
        for column in range(row):
            known[column] = (correlation[row, column] - known[:column] @ factor[column, :column]) / factor[
                column, column
            ]
        own = 1.0 - known @ known
        if not own > NO_OWN_VARIATION**2:
            raise DegenerateInputError(inputs, row, constant=False)
        factor[row, row] = np.sqrt(own)
    scale = np.linalg.solve(factor, np.diag(1.0 / deviation)) if len(factor) else factor
    return Polynomial(
        tuple(inputs), degree, np.asarray(mean, float), np.tril(scale), exponents_up_to(len(inputs), degree)
    )


def without_powers(polynomial: Polynomial, inputs: Sequence[int]) -> Polynomial:
    """Leave out the monomials with a power of these inputs above one.

    Of an input that is 0 or 1 the square is the input itself. What is left spans the same space, for the
    polynomial's z of such an input is the input less a linear function of those before it.

    Parameters
    ----------
    polynomial : Polynomial
    inputs : sequence of int
        Indices into `Polynomial.inputs`.
    """
    if not len(inputs):
        return polynomial
    kept = np.all(polynomial.exponents[:, list(inputs)] <= 1, axis=1)
    return replace(polynomial, exponents=polynomial.exponents[kept])


@lru_cache(maxsize=64)
def _products(exponents: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, int], ...]:
    """Return, for every monomial but the constant, the row of one of a degree less and the input that it lacks."""
    place = {powers: row for row, powers in enumerate(exponents)}
    found = []
    for powers in exponents[1:]:
        variable = next(v for v, power in enumerate(powers) if power)
        less = tuple(power - (v == variable) for v, power in enumerate(powers))
        found.append((place[less], variable))
    return tuple(found)


def _monomial_name(inputs: Sequence[str], powers: IntArray) -> str:
    parts = [name if power == 1 else f"{name}^{power}" for name, power in zip(inputs, powers, strict=True) if power]
    return "*".join(parts) or "1"
