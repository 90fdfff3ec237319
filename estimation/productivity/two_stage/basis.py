"""The polynomial of the Markov regression, in last year's productivity and the probability of survival."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.results import FloatArray

__all__ = ["BasisValues", "MarkovBasis"]


@dataclass(frozen=True, slots=True, eq=False)
class BasisValues:
    """The b monomials on n rows and their derivatives, each (b, n).

    `slope` and `curve` are the first two derivatives in w1, `by_survival` the one in P and `slope_by_survival` the
    cross derivative; the last two are None without P.
    """

    values: FloatArray
    slope: FloatArray
    curve: FloatArray
    by_survival: FloatArray | None
    slope_by_survival: FloatArray | None


@dataclass(frozen=True, slots=True)
class MarkovBasis:
    """All monomials of (w1, P) from degree one up to a total degree; of w1 alone without P.

    Attributes
    ----------
    degree : int
    scale : float
        What w1 is divided by: of its own size, so that its powers keep their digits.
    survival_centre, survival_scale : float
        What is subtracted from P, and what it is divided by; zero scale without P.
    """

    degree: int
    scale: float = 1.0
    survival_centre: float = 0.0
    survival_scale: float = 0.0

    @property
    def powers(self) -> tuple[tuple[int, int], ...]:
        """The powers of w1 and of P in each of the b monomials."""
        others = range(self.degree + 1) if self.survival_scale else range(1)
        return tuple(
            (own, other)
            for total in range(1, self.degree + 1)
            for other in others
            if (own := total - other) >= 0
        )  # fmt: skip

    def at(self, before: FloatArray, survival: FloatArray | None) -> BasisValues:
        """Return the monomials and their derivatives.

        Parameters
        ----------
        before : (n,) array
            w1.
        survival : (n,) array or None
            P; wanted where the basis has it.
        """
        u = _powers(before / self.scale, self.degree)
        powers, per = self.powers, 1.0 / self.scale
        values, slope, curve = (np.zeros((len(powers), len(before))) for _ in range(3))
        with_p = survival is not None and self.survival_scale > 0
        by, cross = (np.zeros_like(values), np.zeros_like(values)) if with_p else (None, None)
        p = [np.ones(1)]
        if survival is not None and with_p:
            p = _powers((survival - self.survival_centre) / self.survival_scale, self.degree)
        for row, (k, s) in enumerate(powers):
            np.multiply(u[k], p[s], out=values[row])
            if k:
                np.multiply(u[k - 1], p[s] * (k * per), out=slope[row])
            if k > 1:
                np.multiply(u[k - 2], p[s] * (k * (k - 1) * per**2), out=curve[row])
            if by is not None and cross is not None and s:
                factor = s / self.survival_scale
                np.multiply(u[k], p[s - 1] * factor, out=by[row])
                if k:
                    np.multiply(u[k - 1], p[s - 1] * (factor * k * per), out=cross[row])
        return BasisValues(values, slope, curve, by, cross)


def _powers(values: FloatArray, degree: int) -> list[FloatArray]:
    found = [np.ones_like(values)]
    for _ in range(degree):
        found.append(found[-1] * values)
    return found
