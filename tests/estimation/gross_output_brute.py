"""Gandhi, Navarro and Rivers written down plainly: dense columns, general solvers, weights by firm. Slow, and apart.

Nothing of the estimator is used: powers are written out, the share equation goes to a general least-squares solver,
the moments, with the Markov regression solved each time, to a general root finder.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import least_squares, root

from estimation.results import FloatArray
from panels.frame import Selection

__all__ = ["Brute", "brute_force"]


@dataclass(frozen=True)
class Brute:
    """Average elasticities (free, state, m), coefficients of D, E, and of the constant of integration."""

    average: FloatArray
    gamma: FloatArray
    scale: float
    beta: FloatArray

    @property
    def parameters(self) -> FloatArray:
        """All, in the order of the estimator."""
        return np.concatenate([self.average, self.gamma, [self.scale], self.beta])


def brute_force(
    rows: Selection,
    free: tuple[str, ...],
    state: tuple[str, ...],
    exponents: tuple[list[tuple[int, ...]], list[tuple[int, ...]]],
    *,
    degree: int = 3,
    weight_of_firm: FloatArray | None = None,
    start: FloatArray | None = None,
    dummies: FloatArray | None = None,
) -> Brute:
    """Estimate with a weight on every firm.

    Parameters
    ----------
    rows : Selection
        Columns y, m, s and the inputs, all there.
    free, state : tuples of str
    exponents : pair of lists
        Powers in D, of (free, state, m); in the constant of integration, of (free, state).
    degree : int
        Of the Markov process.
    weight_of_firm : (F,) array, optional
    start : (q,) array, optional
        For the constant of integration: which root is meant.
    dummies : (n, c) array, optional
        Stand in the Markov process.
    """
    inputs = [rows.number(name) for name in (*free, *state, "m")]
    x = [values - values.mean() for values in inputs]  # the origin: a number, the same whatever the weights
    weights = np.ones(rows.firm.max() + 1) if weight_of_firm is None else weight_of_firm
    v = weights[rows.firm]
    y, s = rows.number("y"), rows.number("s")
    in_share, in_rest = exponents

    def power(columns: list[FloatArray], one: tuple[int, ...]) -> FloatArray:
        return np.prod([column**p for column, p in zip(columns, one, strict=True)], axis=0)

    d = np.column_stack([power(x, one) for one in in_share])
    fit = least_squares(
        lambda c: np.sqrt(v) * (s - np.log(np.maximum(d @ c, 1e-9))),
        np.eye(len(in_share))[0] * np.exp(s.mean()),
        jac=lambda c: -np.sqrt(v)[:, None] * d / np.maximum(d @ c, 1e-9)[:, None],
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    c = fit.x
    for _ in range(20):  # Gauss and Newton's method polishes what the solver leaves
        c = c + np.linalg.lstsq(np.sqrt(v)[:, None] * d / (d @ c)[:, None], np.sqrt(v) * (s - np.log(d @ c)))[0]
    e = np.log(d @ c) - s
    scale = float(np.sum(v * np.exp(e)) / np.sum(v))
    gamma = c / scale
    integral = np.column_stack([power(x, one) * x[-1] / (one[-1] + 1) for one in in_share])
    phi = y - e - integral @ gamma
    rest = np.column_stack([power(x[:-1], one) for one in in_rest])
    now = np.flatnonzero((rows.firm[1:] == rows.firm[:-1]) & (rows.year[1:] == rows.year[:-1] + 1)) + 1
    lagged = [x[j][now - 1] if j < len(free) else x[j][now] for j in range(len(x) - 1)]
    z = np.column_stack([power(lagged, one) for one in in_rest])
    fixed = np.ones((len(now), 1)) if dummies is None else np.column_stack([np.ones(len(now)), dummies[now]])
    half = np.sqrt(v[now])[:, None]

    def moments(beta: FloatArray) -> FloatArray:
        w = phi - rest @ beta
        markov = np.column_stack([fixed, *(w[now - 1] ** p for p in range(1, degree + 1))])
        effects = np.linalg.lstsq(markov * half, w[now] * half[:, 0])[0]
        xi = w[now] - markov @ effects
        return z.T @ (v[now] * xi) / len(now)

    begin = np.zeros(len(in_rest)) if start is None else start
    beta = root(moments, begin, options={"xtol": 1e-15}).x
    for _ in range(3):  # Newton with central differences polishes what the solver leaves
        step = 1e-5
        jacobian = np.column_stack(
            [(moments(beta + step * one) - moments(beta - step * one)) / (2 * step) for one in np.eye(len(beta))]
        )
        beta = beta - np.linalg.solve(jacobian, moments(beta))
    elasticities = []
    for j in range(len(x) - 1):
        slope = np.zeros(len(y))
        for one, coefficient in zip(in_share, gamma, strict=True):
            if one[j]:
                lower = tuple(p - (i == j) for i, p in enumerate(one))
                slope += coefficient * one[j] * power(x, lower) * x[-1] / (one[-1] + 1)
        for one, coefficient in zip(in_rest, beta, strict=True):
            if one[j]:
                lower = tuple(p - (i == j) for i, p in enumerate(one))
                slope += coefficient * one[j] * power(x[:-1], lower)
        elasticities.append(slope)
    elasticities.append(d @ gamma)
    average = np.array([np.sum(v * slope) / np.sum(v) for slope in elasticities])
    return Brute(average, gamma, scale, beta)


def powers_up_to(n: int, degree: int) -> list[tuple[int, ...]]:
    """Return all powers up to a total degree in the order of the estimator: by degree, then as they are written."""
    found = [one for one in product(range(degree + 1), repeat=n) if sum(one) <= degree]
    return sorted(found, key=lambda one: (sum(one), [-p for p in one]))
