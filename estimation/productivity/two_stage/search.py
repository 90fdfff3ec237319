"""Where the second stage's roots and minima are: from many starts, on coordinates instead of rows.

Whatever theta is, the columns of the second stage are combinations of a fixed set: D, Phi, X, Z, y and the products
of up to `markov_degree` factors among Phi(t-1), X(t-1) and P. One QR decomposition of these, a stretch of rows at a
time, gives them coordinates in an orthonormal basis; inner products, and so least squares and moments, are those of
the coordinates, exactly. An evaluation costs microseconds however many rows there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import least_squares, root

from estimation.productivity.two_stage.markov import Nuisance, SecondStage
from estimation.results import FloatArray, IntArray

__all__ = ["Coordinates", "Found", "coordinates", "low_discrepancy", "minima", "roots"]

ROWS_AT_A_TIME = 8192
AT_A_ROOT = 1e-8
"""The norm of the scaled moments below which a point is a root."""
FARTHEST = 1e3
"""A coefficient beyond this is no root: along some directions the cosines vanish at infinity."""
SAME = 1e-5
"""Two roots nearer than this, against their own size, are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A root or a minimum: theta (p,), the norm of its scaled moments, and xi'xi."""

    theta: FloatArray
    norm: float
    criterion: float


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """The products of up to a number of factors, a product that arises in two ways once.

    Attributes
    ----------
    size : int
    grown : (f, size) integer array
        Where a product times each of the f factors stands; -1 beyond.
    recipe : tuple of (int, int, int)
        How each product but the first is made: its place, that of one made before, and the factor.
    """

    size: int
    grown: IntArray
    recipe: tuple[tuple[int, int, int], ...]

    def times(self, factor: int, values: FloatArray) -> FloatArray:
        """Return a combination of products (size,) times one factor."""
        out = np.zeros(self.size)
        there = self.grown[factor] >= 0
        out[self.grown[factor][there]] = values[there]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """The second stage in coordinates.

    Attributes
    ----------
    products : (c, s) array
        The products of factors, residuals of [1, D].
    phi, target : (c,) arrays
    x : (c, p) array
    instruments : (c, p) array or None
    space : _Space
    sizes : (f,) array
        What each factor was divided by.
    powers : tuple of (int, int)
        Of the Markov polynomial.
    lengths : (p,) array
        Of the instruments about their means.
    """

    products: FloatArray
    phi: FloatArray
    target: FloatArray
    x: FloatArray
    instruments: FloatArray | None
    space: _Space
    sizes: FloatArray
    powers: tuple[tuple[int, int], ...]
    lengths: FloatArray

    def _basis(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return B (c, b) and its derivatives in theta (p, c, b)."""
        p = len(theta)
        weights = np.concatenate([[self.sizes[0]], -theta * self.sizes[1 : p + 1]])
        # w1^0, w1^1, ... as combinations of products.
        own = [np.zeros(self.space.size)]
        own[0][0] = 1.0
        for _ in range(max(k for k, _ in self.powers)):
            parts = [weight * self.space.times(f, own[-1]) for f, weight in enumerate(weights)]
            own.append(np.sum(parts, axis=0))
        values = np.zeros((self.space.size, len(self.powers)))
        slopes = np.zeros((p, self.space.size, len(self.powers)))
        for column, (k, s) in enumerate(self.powers):
            value, below = own[k], own[k - 1] if k else np.zeros(self.space.size)
            for _ in range(s):
                value, below = self.space.times(p + 1, value), self.space.times(p + 1, below)
            values[:, column] = value
            if k:
                for j in range(p):
                    slopes[j, :, column] = self.space.times(j + 1, below) * (-k * self.sizes[j + 1])
        scale = np.abs(values).max(axis=0)
        return self.products @ (values / scale), self.products @ (slopes / scale)

    def equations(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Return the p moments Z'xi, their Jacobian, and the norm of the scaled moments."""
        assert self.instruments is not None
        w = self.phi - self.x @ theta
        basis, slopes = self._basis(theta)
        q, r = np.linalg.qr(basis)
        known = solve_triangular(r, q.T @ np.column_stack([w, self.instruments]))
        rho, alpha = known[:, 0], known[:, 1:]
        eta, left = w - basis @ rho, self.instruments - basis @ alpha
        moments = left.T @ eta
        turned = slopes @ rho
        jacobian = -left.T @ self.x - left.T @ turned.T - np.einsum("c,pcb,bj->jp", eta, slopes, alpha)
        length = float(np.linalg.norm(eta))
        return moments, jacobian, float(np.linalg.norm(moments / self.lengths)) / length if length else np.inf

    def residuals(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return xi (c,) with tau = y - X theta, and its derivatives (c, p)."""
        w = self.phi - self.x @ theta
        basis, slopes = self._basis(theta)
        q, r = np.linalg.qr(basis)
        rho = solve_triangular(r, q.T @ w)
        eta = w - basis @ rho
        xi = self.target - self.x @ theta - basis @ rho
        straight = self.x + (slopes @ rho).T
        turned = q @ solve_triangular(r, (eta @ slopes).T, trans="T")
        return xi, -(straight - q @ (q.T @ straight)) - turned


def coordinates(stage: SecondStage, given: Nuisance) -> Coordinates:
    """Decompose the second stage's columns once.

    Parameters
    ----------
    stage : SecondStage
    given : Nuisance
    """
    factors = [given.phi_before, *stage.before]
    parts = [(0,), *(tuple(index + 1 for index in one) for one in stage.factors)]
    if given.survival is not None:
        factors.append(given.survival - given.survival.mean())
        parts.append((1 + max(index for one in parts for index in one),))
    space = _space(parts, stage.basis.degree)
    # The size of a product is that of its parts, however it arises.
    alone = {
        one[0]: np.sqrt(np.mean(values**2)) or 1.0 for one, values in zip(parts, factors, strict=True) if len(one) == 1
    }
    sizes = np.array([np.prod([alone[index] for index in one]) for one in parts])
    target = stage.output - given.free @ stage.free
    others = [given.phi, target, *stage.x, *(() if stage.instruments is None else stage.instruments)]
    triangle = np.zeros((0, len(stage.fixed) + space.size + len(others)))
    for start in range(0, len(given.phi), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        block = np.empty((space.size, len(given.phi[part])))
        block[0] = 1.0
        for place, source, factor in space.recipe:
            np.multiply(block[source], factors[factor][part] / sizes[factor], out=block[place])
        stretch = np.vstack([stage.fixed[:, part], block, [one[part] for one in others]])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, stretch.T]), mode="r"))
    a, p = len(stage.fixed), len(stage.x)
    rest = triangle[a:, a:]
    others_at = rest[:, space.size :]
    instruments = others_at[:, 2 + p :] if stage.instruments is not None else None
    lengths = np.ones(p) if stage.instruments is None else np.linalg.norm(stage.instruments, axis=1)
    return Coordinates(
        products=rest[:, : space.size],
        phi=others_at[:, 0],
        target=others_at[:, 1],
        x=others_at[:, 2 : 2 + p],
        instruments=instruments,
        space=space,
        sizes=sizes,
        powers=stage.basis.powers,
        lengths=lengths,
    )


def _space(parts: Sequence[tuple[int, ...]], degree: int) -> _Space:
    """Return the products of up to `degree` factors, each factor the product of these parts."""
    place: dict[tuple[int, ...], int] = {(): 0}
    recipe: list[tuple[int, int, int]] = []
    level: dict[tuple[int, ...], None] = {(): None}
    for _ in range(degree):
        following: dict[tuple[int, ...], None] = {}
        for product in level:
            for factor, one in enumerate(parts):
                grown = tuple(sorted((*product, *one)))
                if grown not in place:
                    place[grown] = len(place)
                    recipe.append((place[grown], place[product], factor))
                following[grown] = None
        level = following
    table = np.full((len(parts), len(place)), -1, dtype=np.int64)
    for product, at in place.items():
        for factor, one in enumerate(parts):
            table[factor, at] = place.get(tuple(sorted((*product, *one))), -1)
    return _Space(len(place), table, tuple(recipe))


def low_discrepancy(count: int, dimensions: int) -> FloatArray:
    """Return points that fill the unit cube evenly, (count, dimensions): multiples of a generalised golden ratio.

    The same points whenever they are asked for; the first is the cube's centre.
    """
    ratio = 2.0
    for _ in range(64):
        ratio = (1.0 + ratio) ** (1.0 / (dimensions + 1))
    steps = ratio ** -np.arange(1, dimensions + 1)
    return np.asarray((0.5 + np.arange(count)[:, None] * steps) % 1.0)


def roots(system: Coordinates, starts: Sequence[FloatArray]) -> tuple[list[Found], Found]:
    """Solve the p moment equations from every start.

    Returns
    -------
    roots : list of Found
        The distinct ones, in the order of their first coefficient.
    nearest : Found
        The point with the smallest norm, root or not.
    """
    found: list[Found] = []
    best = Found(np.asarray(starts[0]), np.inf, np.nan)
    scale = system.lengths

    def equations(theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        moments, jacobian, _ = system.equations(theta)
        return moments / scale, jacobian / scale[:, None]

    for start in starts:
        theta, norm = _solve(equations, system, np.asarray(start, dtype=np.float64))
        near = bool(np.max(np.abs(theta)) < FARTHEST)
        if near and norm < best.norm:
            best = Found(theta, norm, np.nan)
        if near and norm < AT_A_ROOT and not any(_same(theta, one.theta) for one in found):
            found.append(Found(theta, norm, np.nan))
    return sorted(found, key=lambda one: tuple(np.round(one.theta, 6))), best


def minima(system: Coordinates, starts: Sequence[FloatArray]) -> list[Found]:
    """Minimise xi'xi from every start.

    Returns
    -------
    list of Found
        The distinct local minima, the lowest first.
    """

    def residuals(theta: FloatArray) -> FloatArray:
        return system.residuals(theta)[0]

    def slopes(theta: FloatArray) -> FloatArray:
        return system.residuals(theta)[1]

    found: list[Found] = []
    for start in starts:
        with np.errstate(all="ignore"):
            try:
                fit: Any = least_squares(
                    residuals,
                    start,
                    jac=slopes,
                    method="lm",
                    xtol=1e-13,
                    ftol=1e-15,
                    gtol=1e-15,
                    max_nfev=200,
                )
            except (ValueError, np.linalg.LinAlgError):
                continue
        directions = fit.jac / np.linalg.norm(fit.jac, axis=0)
        norm = float(np.linalg.norm(fit.fun @ directions) / np.linalg.norm(fit.fun))
        if norm < 1e-5 and not any(_same(fit.x, one.theta) for one in found):
            found.append(Found(fit.x, norm, float(fit.fun @ fit.fun)))
    return sorted(found, key=lambda one: one.criterion)


def _solve(
    equations: Callable[[FloatArray], tuple[FloatArray, FloatArray]], system: Coordinates, start: FloatArray
) -> tuple[FloatArray, float]:
    """Return where Powell's hybrid method ends, polished by Newton's, and the norm there; inf where it broke off."""
    solver: Any = root
    with np.errstate(all="ignore"):
        try:
            theta = solver(equations, start, jac=True, method="hybr", options={"xtol": 1e-10, "maxfev": 100}).x
            norm = system.equations(theta)[2]
            for _ in range(2):
                moments, jacobian = equations(theta)
                tried = theta - np.linalg.solve(jacobian, moments)
                reached = system.equations(tried)[2]
                if not reached < norm:
                    break
                theta, norm = tried, reached
        except (ValueError, np.linalg.LinAlgError):
            return start, np.inf
    return theta, norm if np.isfinite(norm) else np.inf


def _same(one: FloatArray, other: FloatArray) -> bool:
    return bool(np.max(np.abs(one - other)) < SAME * max(1.0, float(np.max(np.abs(other)))))
