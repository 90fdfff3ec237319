"""Both stages written down plainly, with weights: dense columns, normal equations, a general solver. Slow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import brentq, root
from scipy.stats import norm

from estimation.results import FloatArray
from panels.frame import Selection


def powers(columns: list[Any], degree: int) -> Any:
    """All monomials up to a total degree; of complex numbers too."""
    chosen = sorted((p for p in product(range(degree + 1), repeat=len(columns)) if sum(p) <= degree), key=sum)
    return np.column_stack([np.prod([c**k for c, k in zip(columns, p, strict=True)], axis=0) for p in chosen])


def weighted_fit(x: Any, y: Any, weights: FloatArray) -> Any:
    """Weighted least squares, analytic in its numbers: transposed, not conjugated."""
    gram = (x * weights[:, None]).T
    return np.linalg.solve(gram @ x, gram @ y)


class Slow:
    """A panel's rows, and the estimators on it."""

    def __init__(self, rows: Selection, proxy: str = "m", degree: int = 2, markov_degree: int = 3,
                 years: bool = False, survival: bool = False) -> None:  # fmt: skip
        self.firm, self.year = rows.firm, rows.year
        self.y, self.l, self.k, self.m = (rows.number(name) for name in ("y", "l", "k", proxy))
        self.middle = [values.mean() for values in (self.l, self.k, self.m)]
        self.degree, self.markov_degree, self.survival = degree, markov_degree, survival
        same = (rows.firm[1:] == rows.firm[:-1]) & (rows.year[1:] == rows.year[:-1] + 1)
        self.at = np.flatnonzero(same) + 1
        levels = np.unique(rows.year)[1:] if years else []
        self.d = np.array([rows.year == level for level in levels], dtype=float).reshape(len(levels), len(rows.year)).T
        last = np.append(rows.firm[1:] != rows.firm[:-1], True)
        self.stays = np.where(last, 0.0, 1.0)
        self.before_the_end = rows.year < rows.year.max()

    def markov(self, before: Any, weights: FloatArray) -> Any:
        """The columns of the Markov regression: 1, D, the polynomial."""
        inputs = [before - before.real.mean()]
        if self.survival:
            chance = self.probability(weights)[self.at - 1]
            inputs.append((chance - chance.mean()) / chance.std())
        d = self.d[self.at][:, 1:] if self.d.shape[1] else self.d[self.at]
        return np.hstack([powers(inputs, self.markov_degree), d])

    def probability(self, weights: FloatArray) -> FloatArray:
        """Newton's method on the probit's likelihood, degree 2 in (k, proxy)."""
        k, m = self.k - self.middle[1], self.m - self.middle[2]
        x = powers([k, m], 2)
        rows = self.before_the_end
        b = np.zeros(x.shape[1])
        for _ in range(30):
            index, q = x[rows] @ b, 2 * self.stays[rows] - 1
            ratio = q * norm.pdf(index) / norm.cdf(q * index)
            gram = (x[rows] * (weights[rows] * ratio * (ratio + index))[:, None]).T @ x[rows]
            b = b + np.linalg.solve(gram, x[rows].T @ (weights[rows] * ratio))
        return np.asarray(norm.cdf(x @ b))

    def minimising(self, weights: FloatArray, near: float) -> FloatArray:
        """Levinsohn and Petrin: bl, then the bk near a point at which the criterion is flat."""
        c = np.hstack([powers([self.k - self.middle[1], self.m - self.middle[2]], self.degree), self.d])
        early = weighted_fit(np.column_stack([self.l, c]), self.y, weights)
        phi, rest, now = c @ early[1:], self.y - self.l * early[0], self.at
        w = weights[now]

        def criterion(bk: complex) -> complex:
            own = phi[now] - self.k[now] * bk
            columns = self.markov(phi[now - 1] - self.k[now - 1] * bk, weights)
            xi = rest[now] - self.k[now] * bk - columns @ weighted_fit(columns, own, w)
            return complex(np.sum(w * xi**2))

        # The derivative by a complex step: exact to rounding.
        bk = brentq(lambda b: criterion(complex(b, 1e-30)).imag / 1e-30, near - 0.02, near + 0.02, xtol=1e-15)
        return np.array([early[0], bk])

    def solving(self, weights: FloatArray, near: FloatArray, translog: bool = False) -> FloatArray:
        """Ackerberg, Caves and Frazer: the root near a point, in logs about their means."""
        l, k, m = (v - c for v, c in zip((self.l, self.k, self.m), self.middle, strict=True))  # noqa: E741
        c = np.hstack([powers([l, k, m], self.degree), self.d])
        phi, now = c @ weighted_fit(c, self.y, weights), self.at

        def terms(labour: FloatArray, capital: FloatArray) -> FloatArray:
            own = [labour, capital]
            return np.column_stack([*own, labour**2, labour * capital, capital**2] if translog else own)

        x, before, z = terms(l[now], k[now]), terms(l[now - 1], k[now - 1]), terms(l[now - 1], k[now])
        w = weights[now]

        def moments(theta: FloatArray) -> FloatArray:
            own = phi[now] - x @ theta
            columns = self.markov(phi[now - 1] - before @ theta, weights)
            return np.asarray(z.T @ (w * (own - columns @ weighted_fit(columns, own, w))))

        return np.asarray(root(moments, near, options={"xtol": 1e-13}).x)


def derivative(estimate: Callable[[FloatArray], FloatArray], firms: FloatArray, firm: int, h: float) -> FloatArray:
    """The estimate's derivative in one firm's weight, by central differences."""
    up, down = (estimate(np.where(firms == firm, 1 + step, 1.0)) for step in (h, -h))
    return (up - down) / (2 * h)
