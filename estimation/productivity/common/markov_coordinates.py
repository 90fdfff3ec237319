"""A second stage with a Markov process on coordinates instead of rows.

With w = Phi - X theta of this year and the last, and g a polynomial,

    w(t) = g(w(t-1), P) + D delta + xi(t),    Z'xi = 0, or xi'xi least.

Whatever theta is, the columns are combinations of a fixed set: D, Phi, X, Z, y and the products of up to as many
factors among Phi(t-1), X(t-1) and P as g has degrees. One QR decomposition of these, a stretch of rows at a time,
gives them coordinates in an orthonormal basis; inner products, and so least squares and moments, are those of the
coordinates, exactly. An evaluation costs microseconds however many rows there are, and many points are evaluated
together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Columns", "Coordinates", "compressed", "count_products"]

ROWS_AT_A_TIME = 8192
# Of the Markov polynomial's columns, scaled: beyond, they are dependent at this theta.
DEPENDENT = 1e-12


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
        """Return combinations of products (m, size) times one factor."""
        out = np.zeros_like(values)
        there = self.grown[factor] >= 0
        out[:, self.grown[factor][there]] = values[:, there]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """The Markov regression at m points, as far as it exists: Q (m, c, b), R^-1 (m, b, b), and the slopes of its
    polynomial as combinations of products (m, p, s, b).
    """

    q: FloatArray
    inverse: FloatArray
    slopes: FloatArray
    there: BoolArray


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

    def rescaled(self, sizes: FloatArray) -> Coordinates:
        """Return the same stage with theta times sizes (p,) in the place of theta."""
        own = self.sizes.copy()
        own[1 : len(sizes) + 1] /= sizes
        return replace(self, x=self.x / sizes, sizes=own)

    def _fitted(self, thetas: FloatArray) -> _Fitted:
        m, p = thetas.shape
        weights = np.column_stack([np.full(m, self.sizes[0]), -thetas * self.sizes[1 : p + 1]])
        # w1^0, w1^1, ... as combinations of products.
        own = [np.zeros((m, self.space.size))]
        own[0][:, 0] = 1.0
        for _ in range(max(k for k, _ in self.powers)):
            parts = [weights[:, f, None] * self.space.times(f, own[-1]) for f in range(p + 1)]
            own.append(np.sum(parts, axis=0))
        values = np.zeros((m, self.space.size, len(self.powers)))
        slopes = np.zeros((m, p, self.space.size, len(self.powers)))
        for column, (k, s) in enumerate(self.powers):
            value, below = own[k], own[k - 1] if k else np.zeros((m, self.space.size))
            for _ in range(s):
                value, below = self.space.times(p + 1, value), self.space.times(p + 1, below)
            values[:, :, column] = value
            if k:
                for j in range(p):
                    slopes[:, j, :, column] = self.space.times(j + 1, below) * (-k * self.sizes[j + 1])
        basis = self.products @ values
        scale = np.linalg.norm(basis, axis=1, keepdims=True)
        there = np.isfinite(scale).all(axis=(1, 2)) & (scale > 0).all(axis=(1, 2))
        scale = np.where(there[:, None, None], scale, 1.0)
        q, r = np.linalg.qr(np.where(there[:, None, None], basis / scale, np.eye(*basis.shape[1:])))
        there &= np.abs(np.einsum("mbb->mb", r)).min(axis=1) > DEPENDENT
        r[~there] = np.eye(r.shape[1])
        return _Fitted(q, np.linalg.inv(r), slopes / scale[:, None], there)

    def equations(self, thetas: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the p moments Z'xi over the lengths of Z at m points (m, p), their Jacobians (m, p, p), and the norms
        of the scaled moments (m,): inf where the Markov regression does not exist.
        """
        assert self.instruments is not None
        fitted, z = self._fitted(thetas), self.instruments / self.lengths
        w = self.phi - thetas @ self.x.T
        on_w = np.einsum("mcb,mc->mb", fitted.q, w)
        on_z = np.swapaxes(fitted.q, 1, 2) @ z
        rho = np.einsum("mab,mb->ma", fitted.inverse, on_w)
        alpha = fitted.inverse @ on_z
        eta = w - np.einsum("mcb,mb->mc", fitted.q, on_w)
        left = z - fitted.q @ on_z
        moments = np.einsum("mcj,mc->mj", left, eta)
        turned, pulled = self._slopes(fitted, rho, eta)
        jacobian = -np.swapaxes(left, 1, 2) @ (self.x + turned) - np.swapaxes(alpha, 1, 2) @ pulled
        length = np.linalg.norm(eta, axis=1)
        usable = fitted.there & (length > 0)
        norm = np.full(len(thetas), np.inf)
        norm[usable] = np.linalg.norm(moments[usable], axis=1) / length[usable]
        return moments, jacobian, norm

    def residuals(self, thetas: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return xi, with tau = y - X theta, at m points (m, c), and its derivatives (m, c, p); inf without a fit."""
        fitted = self._fitted(thetas)
        moved = thetas @ self.x.T
        w = self.phi - moved
        on_w = np.einsum("mcb,mc->mb", fitted.q, w)
        rho = np.einsum("mab,mb->ma", fitted.inverse, on_w)
        own = np.einsum("mcb,mb->mc", fitted.q, on_w)
        xi, eta = self.target - moved - own, w - own
        xi[~fitted.there] = np.inf
        bent, pulled = self._slopes(fitted, rho, eta)
        straight = self.x + bent
        turned = fitted.q @ (np.swapaxes(fitted.q, 1, 2) @ straight - np.swapaxes(fitted.inverse, 1, 2) @ pulled)
        return xi, turned - straight

    def _slopes(self, fitted: _Fitted, rho: FloatArray, eta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the slopes of the polynomial at rho (m, c, p), and eta times those of its columns (m, b, p)."""
        along = np.einsum("mpsb,mb->msp", fitted.slopes, rho)
        return self.products @ along, np.einsum("ms,mpsb->mbp", eta @ self.products, fitted.slopes)

    def region(self, criterion: float) -> tuple[FloatArray, FloatArray] | None:
        """Return the ellipsoid outside which xi'xi is above a number, as its centre (p,) and axes (p, p).

        xi is y - X theta less a combination of the products, so that its length is at least that of what all products
        together leave of y - X theta: a quadratic function of theta. Whatever theta has a lower criterion is
        ``centre + axes u`` with u in the unit ball. None where the products leave nothing of some direction of X.
        """
        x, target = self.x[self.space.size :], self.target[self.space.size :]
        if len(x) < x.shape[1]:
            return None
        u, values, right = np.linalg.svd(x, full_matrices=False)
        if not values[-1] > DEPENDENT * np.linalg.norm(self.x):
            return None
        on = u.T @ target
        rest = float(target @ target - on @ on)
        return right.T @ (on / values), right.T / values * np.sqrt(max(criterion - rest, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The n rows of a second stage.

    Attributes
    ----------
    fixed : (a, n) array
        Without dependent rows given the weights, the constant in its span.
    factors : sequence of (n,) arrays
        Phi(t-1), the p rows of X(t-1), and P about its mean where it stands in the process.
    parts : sequence of tuple of int
        What each factor is the product of: equal products of parts are one column.
    phi, target : (n,) arrays
        What w(t) and xi are made of, without X theta.
    x : (p, n) array
    instruments : (p, n) array or None
    powers : tuple of (int, int)
        Those of w(t-1) and of P in each monomial of the process.
    """

    fixed: FloatArray
    factors: Sequence[FloatArray]
    parts: Sequence[tuple[int, ...]]
    phi: FloatArray
    target: FloatArray
    x: FloatArray
    instruments: FloatArray | None
    powers: tuple[tuple[int, int], ...]


def compressed(columns: Columns, weights: FloatArray | None = None) -> Coordinates:
    """Decompose a second stage's columns once.

    Parameters
    ----------
    columns : Columns
    weights : (n,) array, optional
        Above zero.
    """
    factors, parts, instruments = columns.factors, columns.parts, columns.instruments
    space = _space(parts, max(k + s for k, s in columns.powers))
    # The size of a product is that of its parts, however it arises.
    alone = {
        one[0]: np.sqrt(np.mean(values**2)) or 1.0 for one, values in zip(parts, factors, strict=True) if len(one) == 1
    }
    sizes = np.array([np.prod([alone[index] for index in one]) for one in parts])
    others = [columns.phi, columns.target, *columns.x, *(() if instruments is None else instruments)]
    triangle = np.zeros((0, len(columns.fixed) + space.size + len(others)))
    for start in range(0, len(columns.phi), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        block = np.empty((space.size, len(columns.phi[part])))
        block[0] = 1.0
        for place, source, factor in space.recipe:
            np.multiply(block[source], factors[factor][part] / sizes[factor], out=block[place])
        stretch = np.vstack([columns.fixed[:, part], block, [one[part] for one in others]])
        if weights is not None:
            stretch *= np.sqrt(weights[part])
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, stretch.T]), mode="r"))
    a, p = len(columns.fixed), len(columns.x)
    rest = triangle[a:, a:]
    others_at = rest[:, space.size :]
    return Coordinates(
        products=rest[:, : space.size],
        phi=others_at[:, 0],
        target=others_at[:, 1],
        x=others_at[:, 2 : 2 + p],
        instruments=None if instruments is None else others_at[:, 2 + p :],
        space=space,
        sizes=sizes,
        powers=columns.powers,
        lengths=np.ones(p) if instruments is None else np.linalg.norm(instruments, axis=1),
    )


def count_products(parts: Sequence[tuple[int, ...]], degree: int, most: int) -> int:
    """Return how many products of up to `degree` factors there are, or a number above `most` where there are more."""
    level: set[tuple[int, ...]] = {()}
    known = set(level)
    for _ in range(degree):
        level = {tuple(sorted((*product, *one))) for product in level for one in parts}
        known |= level
        if len(known) > most:
            break
    return len(known)


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
