"""Least squares estimated again with counts of the firms and, where the outcome is estimated, at other parameters.

With X = QR (weights inside), e the residuals of the full sample and n_i the times that firm i was drawn, the draw's
coefficients are, exactly::

    b* - b = R^-1 (Q'NQ)^-1 Q'N (e + dw/dtheta (theta* - theta))

for an outcome w that is linear in theta. Q'Q, Q'e and Q'dw/dtheta are sums over firms, so that all draws come from
one matrix product with the counts. Q'NQ is close to the unit matrix; where a level has no drawn firm it loses rank,
and the coefficients that the draw leaves open are NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from estimation.cross_products import COLLINEAR
from estimation.design_draws import meat_of_scores
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.spectra import Spectra, spectra
from panels.frame import Selection

__all__ = ["OutcomeSlope", "RegressionDraws"]

# Values in one block of products of rows.
BLOCK_VALUES = 1_000_000
# Products that are kept from one batch of draws to the next.
KEPT_VALUES = 8_000_000
# Of a coefficient's own length: less of a free direction is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeSlope:
    """How an estimated outcome moves with the parameters of its groups.

    Attributes
    ----------
    gradient : (n, q) array
    group_of_row : (n,) integer array
    sizes : tuple of int
        Parameters of each group; the gradient's other columns are zero there.
    less : OutcomeSlope or None
        Of what is taken off, where the outcome is a change.
    """

    gradient: FloatArray
    group_of_row: IntArray
    sizes: tuple[int, ...]
    less: OutcomeSlope | None = None

    def of_groups(self) -> Iterator[tuple[int, IntArray, FloatArray]]:
        """Yield the groups that move some row: number, these rows (ascending), and their slopes."""
        for number, size in enumerate(self.sizes):
            rows: IntArray = np.flatnonzero(self.group_of_row == number)
            slopes: FloatArray = self.gradient[rows, :size]
            if self.less is not None:
                off = np.flatnonzero(self.less.group_of_row == number)
                both = np.union1d(rows, off)
                joined = np.zeros((len(both), size))
                joined[np.searchsorted(both, rows)] = slopes
                joined[np.searchsorted(both, off)] -= self.less.gradient[off, :size]
                rows, slopes = both, joined
            if len(rows) and size:
                yield number, rows, slopes


class RegressionDraws:
    """Estimates a regression again with counts of its firms.

    Parameters
    ----------
    x, y : (n, k) and (n,) arrays
        Of full column rank.
    weights : (n,) array or None
    at : Selection
        The rows, sorted by firm.
    terms : tuple of str
    slope : OutcomeSlope, optional
    outcome_rows : integer array, optional
        Positions in the panel of the rows that the outcome is computed from; those of `at` by default.
    """

    def __init__(
        self,
        x: FloatArray,
        y: FloatArray,
        weights: FloatArray | None,
        at: Selection,
        terms: tuple[str, ...],
        slope: OutcomeSlope | None = None,
        outcome_rows: IntArray | None = None,
    ) -> None:
        firm = at.firm
        root = np.ones(len(y)) if weights is None else np.sqrt(weights)
        self._q, triangle = np.linalg.qr(x * root[:, None])
        self._lift = solve_triangular(triangle, np.eye(len(triangle)))
        outcome = root * y
        # Two projections: with large column means the first leaves a digit or two.
        inside = self._q.T @ outcome
        inside += self._q.T @ (outcome - self._q @ inside)
        self._residuals = outcome - self._q @ inside
        self.coefficients = self._lift @ inside
        self.terms, self.rows = terms, at.rows
        self.outcome_rows: IntArray = at.rows if outcome_rows is None else outcome_rows
        self.firms, self._starts = np.unique(firm, return_index=True)
        self._ends = np.append(self._starts[1:], len(firm))
        self._groups: dict[int, tuple[IntArray, FloatArray]] = {}
        for number, rows, slopes in () if slope is None else slope.of_groups():
            self._groups[number] = rows, slopes * root[rows, None]
        self._firm = firm
        self._kept: list[tuple[IntArray, FloatArray]] | None = None

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> _Drawn:
        """Estimate every draw.

        Parameters
        ----------
        counts : (B, n_panel) array
        moved : tuple of (B, q) arrays, optional
            By group of the outcome, its parameters less those of the full sample.
        """
        n, k = len(counts), self._q.shape[1]
        upper = np.triu_indices(k)
        grams, moments = np.zeros((n, len(upper[0]))), np.zeros((n, k))
        for firms, products in self._products():
            found = counts[:, firms] @ products.T
            grams += found[:, : len(upper[0])]
            moments += found[:, len(upper[0]) :]
        gram = np.empty((n, k, k))
        gram[:, upper[0], upper[1]] = gram[:, upper[1], upper[0]] = grams
        shifts = self._shifts(counts, moved)
        lost = np.zeros(n, dtype=bool)
        for number, shift in shifts.items():
            step: FloatArray = moved[number]
            unknown = np.asarray(np.isnan(step).any(axis=1), dtype=np.bool_)
            if unknown.any():
                # A group without a drawn firm has no say.
                firms = np.unique(self._firm[self._groups[number][0]])
                lost |= unknown & (counts[:, firms] > 0).any(axis=1)
            moments += (shift @ np.where(unknown[:, None], 0.0, step)[:, :, None])[:, :, 0]
        found_gram = spectra(gram, COLLINEAR)
        inverse = self._lift @ found_gram.inverse
        coefficients = self.coefficients + (inverse @ moments[:, :, None])[:, :, 0]
        coefficients[self._left_open(found_gram)] = np.nan
        coefficients[lost | ~found_gram.kept.any(axis=1)] = np.nan
        operators = {number: inverse @ shift for number, shift in shifts.items()}
        local = (found_gram.inverse @ moments[:, :, None])[:, :, 0]
        return _Drawn(self, coefficients, operators, inverse, local, moved)

    def _shifts(self, counts: FloatArray, moved: Sequence[FloatArray]) -> dict[int, FloatArray]:
        """Return Q'N dw/dtheta by group, (B, k, q)."""
        if not moved:
            return {}
        k, found = self._q.shape[1], {}
        for number, (rows, gradient) in self._groups.items():
            total = np.zeros((len(counts), k * gradient.shape[1]))
            size = max(BLOCK_VALUES // total.shape[1], 1)
            for start in range(0, len(rows), size):
                part = rows[start : start + size]
                products = (self._q[part][:, :, None] * gradient[start : start + size, None, :]).reshape(len(part), -1)
                firms, first = np.unique(self._firm[part], return_index=True)
                total += counts[:, firms] @ np.add.reduceat(products, first, axis=0)
            found[number] = total.reshape(len(counts), k, -1)
        return found

    def _left_open(self, gram: Spectra) -> BoolArray:
        """Return which coefficients each draw leaves open, (B, k)."""
        left_open = np.zeros(gram.kept.shape, dtype=bool)
        size = np.linalg.norm(self._lift, axis=1)
        for draw in np.flatnonzero(~gram.full):
            directions = self._lift @ gram.vectors[draw][:, ~gram.kept[draw]]
            left_open[draw] = (np.abs(directions) > ROUNDING * size[:, None]).any(axis=1)
        return left_open

    def _products(self) -> Iterator[tuple[IntArray, FloatArray]]:
        """Yield firms and the upper part of their Q'Q, then Q'e, (k (k + 1) / 2 + k, f)."""
        if self._kept is not None:
            yield from self._kept
            return
        first, second = np.triu_indices(self._q.shape[1])
        height = len(first) + self._q.shape[1]
        kept: list[tuple[IntArray, FloatArray]] | None = [] if height * len(self.firms) <= KEPT_VALUES else None
        size, start = max(BLOCK_VALUES // height, 1), 0
        while start < len(self.firms):
            stop = int(np.searchsorted(self._starts, self._starts[start] + size))
            stop = min(max(stop, start + 1), len(self.firms))
            rows = slice(int(self._starts[start]), int(self._ends[stop - 1]))
            q = self._q[rows].T
            products = np.concatenate([q[first] * q[second], q * self._residuals[rows]])
            products = np.add.reduceat(products, self._starts[start:stop] - rows.start, axis=1)
            if kept is not None:
                kept.append((self.firms[start:stop], products))
            yield self.firms[start:stop], products
            start = stop
        self._kept = kept

    def residuals(self, local: FloatArray, moved: tuple[FloatArray, ...], rows: slice) -> FloatArray:
        """Return the residuals of these rows at each draw's own estimate, weights inside, (B, rows)."""
        found: FloatArray = self._residuals[rows] - local @ self._q[rows].T
        for number, (at, gradient) in self._groups.items() if moved else ():
            low, high = np.searchsorted(at, [rows.start, rows.stop])
            found[:, at[low:high] - rows.start] += moved[number] @ gradient[low:high].T
        return found

    def scores(self, local: FloatArray, moved: tuple[FloatArray, ...], start: int, stop: int) -> FloatArray:
        """Return Q'e at each draw's own estimate for the firms from start to stop, (B, k, stop - start)."""
        rows, first = self._rows_of(start, stop)
        q = self._q[rows].T
        if q.shape[1] == stop - start:
            scores: FloatArray = self.residuals(local, moved, rows)[:, None, :] * q
            return scores
        # Linear in what moves the residuals: products by firm, not of every row with every draw.
        k = len(q)
        table = [np.add.reduceat(one * q, first, axis=1) for one in (self._residuals[rows], *q)]
        weight = [np.ones((len(local), 1)), -local]
        for number, (at, gradient) in self._groups.items() if moved else ():
            low, high = np.searchsorted(at, [rows.start, rows.stop])
            inside = at[low:high] - rows.start
            own = np.zeros((gradient.shape[1], q.shape[1]))
            own[:, inside] = gradient[low:high].T
            table += [np.add.reduceat(one * q, first, axis=1) for one in own]
            weight.append(moved[number])
        found = np.concatenate(weight, axis=1) @ np.stack(table).reshape(len(table), -1)
        return np.asarray(found.reshape(len(local), k, stop - start), dtype=np.float64)

    def meat(
        self,
        local: FloatArray,
        moved: tuple[FloatArray, ...],
        at: tuple[int, int],
        weights: FloatArray,
        others: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Return what `estimation.design_draws.DrawnDesign.meat` says."""
        start, stop = at
        rows, _ = self._rows_of(start, stop)
        q, k = self._q[rows].T, self._q.shape[1]
        if q.shape[1] > stop - start:
            return meat_of_scores(self.scores(local, moved, start, stop), weights, others)
        # One row a firm: its score is a number times q, and the numbers of all draws meet q q' in one product.
        residuals = self.residuals(local, moved, rows)
        weighted = weights * residuals
        first, second = np.triu_indices(k)
        packed = (weighted * residuals) @ (q[first] * q[second]).T
        own = np.empty((len(local), k, k))
        own[:, first, second] = own[:, second, first] = packed
        crossed = (weighted[:, None, :] * others).reshape(-1, q.shape[1]) @ q.T
        return own, crossed.reshape(len(local), others.shape[1], k).transpose(0, 2, 1)

    def _rows_of(self, start: int, stop: int) -> tuple[slice, IntArray]:
        """Return the rows of these firms, and where each begins among them."""
        rows = slice(int(self._starts[start]), int(self._ends[stop - 1]))
        return rows, self._starts[start:stop] - rows.start


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A regression in B draws: `estimation.design_draws.DrawnDesign`."""

    regression: RegressionDraws
    coefficients: FloatArray
    operators: Mapping[int, FloatArray]
    lift: FloatArray
    local: FloatArray
    moved: tuple[FloatArray, ...]

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of the design's firms from start to stop, (B, k, stop - start)."""
        return self.regression.scores(self.local, self.moved, start, stop)

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return self.regression.meat(self.local, self.moved, (start, stop), weights, others)
