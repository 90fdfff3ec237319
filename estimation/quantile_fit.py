"""Linear quantile regression, solved to a vertex that is proved to be a minimum.

b minimises the sum of w rho_q(y - x b), rho_q(e) = (q - 1(e < 0)) e (Koenker and Bassett, 1978). A minimum lies where k
rows, the basis, are met exactly. An interior point method (Portnoy and Koenker, 1997) comes close to it whatever the
number of rows; from the nearest basis, steps along edges with an exact search end at the minimum itself. Its proof is
the dual: numbers a_i between q - 1 and q, at an end of that interval where the residual is not zero, with
sum of w a x = 0.

Where several b are minima, the one with the lowest mean of the fitted values is taken: of a constant alone the lower
quantile, inf{y: F(y) >= q}. That is the minimum at a quantile a hair below q.

References
----------
Koenker, R. and Bassett, G. (1978). Regression quantiles. Econometrica 46(1), 33-50.
Portnoy, S. and Koenker, R. (1997). The Gaussian hare and the Laplacian tortoise. Statistical Science 12(4), 279-300.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from estimation.results import FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["QuantileFit", "loss", "quantile_fit"]

HAIR = 1e-9
"""How far below q the tie between several minima is broken; a vertex changes where shares of weight do, 1/N apart."""
DOWNHILL = 1e-12
"""A slope nearer to zero than this, per standard deviation of the fitted values, is rounding."""
SHAKEN = 1e-9
SMALL = 400
"""With fewer rows the interior point method saves nothing."""
NEAREST = 4_000
STEPS, GAP, INSIDE = 60, 1e-4, 0.9995
"""The interior point method ends where the loss is this close, in units of the residuals; a few edges do the rest."""
MOST_PIVOTS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class QuantileFit:
    """A quantile regression of n rows on k columns.

    Attributes
    ----------
    quantile : float
    coefficients : (k,) array
    residuals : (n,) array
        Exactly zero in the basis.
    dual : (n,) array
        q where the residual is above zero, q - 1 below, between them where it is zero; sum of w a x is zero.
    basis : (k,) integer array
        The rows that are met exactly.
    unique : bool
        False where other coefficients do as well.
    pivots : int
        Steps along edges that were needed.
    """

    quantile: float
    coefficients: FloatArray
    residuals: FloatArray
    dual: FloatArray
    basis: IntArray
    unique: bool
    pivots: int


def loss(residuals: FloatArray, quantile: float, weights: FloatArray | None = None) -> float:
    """Return the sum of w rho_q(e)."""
    one = np.where(residuals > 0, quantile, quantile - 1) * residuals
    return float(one.sum() if weights is None else weights @ one)


def quantile_fit(
    x: FloatArray,
    y: FloatArray,
    quantile: float,
    weights: FloatArray | None = None,
    start: FloatArray | None = None,
) -> QuantileFit:
    """Fit a quantile regression.

    Parameters
    ----------
    x : (n, k) array
        Of full column rank.
    y : (n,) array
    quantile : float
        Between 0 and 1.
    weights : (n,) array, optional
        Above zero.
    start : (k,) array, optional
        Coefficients to begin with, in the place of the interior point method.

    Raises
    ------
    EstimationError
        If no minimum was found, which has not been seen.
    """
    n = len(y)
    w = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    triangle = np.linalg.qr(x * np.sqrt(w)[:, None], mode="r")
    columns = np.ascontiguousarray(solve_triangular(triangle, x.T, trans="T").T)
    # In units of the residuals of least squares, so that one tolerance fits all.
    middle = columns.T @ (w * y)
    middle += columns.T @ (w * (y - columns @ middle))
    rest = y - columns @ middle
    scale = float(w @ np.abs(rest))
    if not scale > 1e-14 * float(np.abs(y).max(initial=0.0)):
        raise EstimationError("the outcome is an exact sum of the terms: it has no quantiles beside its mean")
    problem = _Problem(columns, rest / scale, w, quantile - HAIR, 1e-13 + 1e-15 * float(np.abs(y).max()) / scale)
    if start is not None:
        near = (triangle @ start - middle) / scale
    elif n > SMALL:
        near = problem.inside()
    else:
        near = np.zeros(x.shape[1])
    basis, pivots = problem.walk(problem.nearest(near))
    if problem.ties(basis):
        # More rows are met than the basis holds, and an edge may be no way out: shaken a little they are not.
        shaken = problem.shaken(x, y)
        basis, more = shaken.walk(basis)
        pivots += more
        dual = shaken.dual(basis, quantile)
        again, more = problem.walk(basis)
        if more:
            basis, pivots, dual = again, pivots + more, problem.dual(again, quantile)
    else:
        dual = problem.dual(basis, quantile)
    # In the orthonormal columns: those of x may have means that cost digits.
    own: FloatArray = np.asarray(np.linalg.solve(columns[basis], problem.y[basis]), dtype=np.float64)
    residuals = scale * (problem.y - columns @ own)
    residuals[np.abs(residuals) <= 10 * problem.zero * scale] = 0.0
    residuals[basis] = 0.0
    coefficients = np.asarray(solve_triangular(triangle, middle + scale * own), dtype=np.float64)
    # The mean may be far larger than the quantile: what its digits lack is put back where the rows are met.
    coefficients += np.linalg.solve(x[basis], y[basis] - x[basis] @ coefficients)
    return QuantileFit(quantile, coefficients, residuals, dual, basis, problem.is_unique(basis, quantile), pivots)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Minimise the sum of w rho(y - x b), columns orthonormal by weight, y in units of its residuals."""

    x: FloatArray
    y: FloatArray
    w: FloatArray
    q: float
    zero: float

    def inside(self) -> FloatArray:
        """Return coefficients near the minimum by Frisch and Newton's interior point method, (k,).

        The dual: maximise y'v over 0 <= v <= w with x'v = (1 - q) x'w (Portnoy and Koenker, 1997), with
        Mehrotra's correction of the step.
        """
        a = (self.x * self.w[:, None]).T
        c, n = -self.w * self.y, len(self.y)
        v = np.full(n, 1 - self.q)
        slack = 1 - v
        b = -(self.x.T @ (self.w * self.y))
        r = c - b @ a
        r = np.where(r == 0, 1e-3 / n, r)
        z = np.maximum(r, 0.0)
        s = z - r
        for _ in range(STEPS):
            gap = float(z @ v + s @ slack)
            if gap < GAP:
                break
            weight = 1 / (z / v + s / slack)
            r = z - s
            # Rounding may leave it a hair short of positive where hardly a row is open.
            square = (a * weight) @ a.T
            try:
                factor = cho_factor(square + 1e-15 * np.trace(square) / len(square) * np.eye(len(square)))
            except np.linalg.LinAlgError:
                break
            right = a @ (weight * r)
            db = cho_solve(factor, right)
            dv = weight * (db @ a - r)
            dz, ds = -z * (1 + dv / v), -s * (1 - dv / slack)
            primal, dual = _room(((v, dv), (slack, -dv))), _room(((z, dz), (s, ds)))
            if min(primal, dual) < 1:
                reached = float((z + dual * dz) @ (v + primal * dv) + (s + dual * ds) @ (slack - primal * dv))
                mu = gap * (reached / gap) ** 3 / (2 * n)
                bend_z, bend_s = dv * dz, -dv * ds
                aim = mu * (1 / v - 1 / slack)
                db = cho_solve(factor, right + a @ (weight * (bend_z / v - bend_s / slack - aim)))
                dv = weight * (db @ a + aim - r - bend_z / v + bend_s / slack)
                dz = mu / v - z - z * dv / v - bend_z / v
                ds = mu / slack - s + s * dv / slack - bend_s / slack
                primal, dual = _room(((v, dv), (slack, -dv))), _room(((z, dz), (s, ds)))
            v, slack = v + primal * dv, slack - primal * dv
            b, z, s = b + dual * db, z + dual * dz, s + dual * ds
        return -b

    def nearest(self, b: FloatArray) -> IntArray:
        """Return k independent rows that b comes close to, (k,)."""
        away = np.abs(self.y - self.x @ b)
        few = min(NEAREST, len(away))
        order = np.argsort(away, kind="stable") if few == len(away) else np.argpartition(away, few)[:few]
        for rows in (np.sort(order[:few]), np.arange(len(away))):
            found = self._independent(rows, away[rows])
            if len(found) == self.x.shape[1]:
                return found
        raise EstimationError("the terms are linearly dependent")  # the design saw to it that they are not

    def _independent(self, rows: IntArray, away: FloatArray) -> IntArray:
        left, found = self.x[rows].copy(), []
        length = np.linalg.norm(left, axis=1)
        for _ in range(left.shape[1]):
            own = np.linalg.norm(left, axis=1)
            # A row that the others nearly span would lose digits.
            usable = own > 1e-2 * length
            if not usable.any():
                break
            one = int(np.argmin(np.where(usable, away, np.inf)))
            direction = left[one] / own[one]
            left -= np.outer(left @ direction, direction)
            left[one] = 0.0
            found.append(int(rows[one]))
        return np.array(found, dtype=np.int64)

    def walk(self, basis: IntArray) -> tuple[IntArray, int]:
        """Go down along edges until none leads down; return the basis there and the number of steps."""
        basis = basis.copy()
        for pivots in range(MOST_PIVOTS):
            residuals, inverse = self._at(basis)
            up, down = self._slopes(basis, residuals, inverse, self.q)
            length = np.linalg.norm(inverse, axis=0)
            steepest = np.minimum(up, down) / length
            edge = int(np.argmin(steepest))
            if steepest[edge] >= -DOWNHILL:
                return basis, pivots
            sign, slope = (1.0, up[edge]) if up[edge] <= down[edge] else (-1.0, down[edge])
            along = sign * (self.x @ inverse[:, edge])
            along[basis] = 0.0
            meets = np.flatnonzero((residuals * along > 0) & (np.abs(residuals) > self.zero))
            if not len(meets):
                break
            steps = residuals[meets] / along[meets]
            order = np.argsort(steps, kind="stable")
            total = slope + np.cumsum(self.w[meets[order]] * np.abs(along[meets[order]]))
            at = min(int(np.searchsorted(total, 0.0)), len(order) - 1)
            basis[edge] = meets[order[at]]
        raise EstimationError("the quantile regression has no minimum that could be found; leave out terms")

    def _at(self, basis: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the residuals where these rows are met, (n,), and what moves b with their outcomes, (k, k)."""
        inverse: FloatArray = np.asarray(np.linalg.inv(self.x[basis]), dtype=np.float64)
        residuals = self.y - self.x @ (inverse @ self.y[basis])
        residuals[basis] = 0.0
        return residuals, inverse

    def _slopes(
        self, basis: IntArray, residuals: FloatArray, inverse: FloatArray, q: float
    ) -> tuple[FloatArray, FloatArray]:
        """Return the slopes of the loss where one row of the basis is left below the fit, or above it, (k,) each."""
        free = np.abs(residuals) <= self.zero
        pull = np.where(residuals > 0, q, q - 1)
        pull[free] = 0.0
        total = inverse.T @ (self.x.T @ (self.w * pull))
        up, down = -total + self.w[basis] * (1 - q), total + self.w[basis] * q
        free[basis] = False
        if free.any():
            along, weight = self.x[free] @ inverse, self.w[free]
            high, low = weight @ np.maximum(along, 0.0), weight @ np.maximum(-along, 0.0)
            up, down = up + (1 - q) * high + q * low, down + q * high + (1 - q) * low
        return up, down

    def ties(self, basis: IntArray) -> bool:
        """Return whether more rows are met than the basis holds."""
        return int(np.count_nonzero(np.abs(self._at(basis)[0]) <= self.zero)) > len(basis)

    def shaken(self, x: FloatArray, y: FloatArray) -> _Problem:
        """Return the problem with every outcome moved by a number of its own, whatever the order of the rows."""
        order = np.lexsort((self.w, *x.T, y))
        moved = np.empty(len(y))
        # Numbers without relations between them, or rows could be met together again; always the same ones.
        moved[order] = np.random.default_rng(0).random(len(y)) - 0.5
        return _Problem(self.x, self.y + SHAKEN * moved, self.w, self.q, 1e-15)

    def dual(self, basis: IntArray, quantile: float) -> FloatArray:
        """Return the numbers that prove the minimum, (n,)."""
        residuals, inverse = self._at(basis)
        found = np.where(residuals > 0, quantile, quantile - 1)
        found[basis] = 0.0
        found[basis] = -(inverse.T @ (self.x.T @ (self.w * found))) / self.w[basis]
        return np.clip(found, quantile - 1, quantile)

    def is_unique(self, basis: IntArray, quantile: float) -> bool:
        """Return whether every edge leads up."""
        residuals, inverse = self._at(basis)
        slopes = np.minimum(*self._slopes(basis, residuals, inverse, quantile))
        return bool((slopes / np.linalg.norm(inverse, axis=0) > HAIR / 2 * 1e-2).all())


def _room(pairs: tuple[tuple[FloatArray, FloatArray], ...]) -> float:
    """Return the longest step, up to one, that keeps values above zero."""
    found = 1.0
    for value, step in pairs:
        falls = step < 0
        if falls.any():
            found = min(found, INSIDE * float(np.min(-value[falls] / step[falls])))
    return found
