"""Two-stage least squares estimated again with counts of the firms and, where the outcome is estimated, at other
parameters.

With Z = QR all exogenous columns (weights inside), X~ = X L the terms in coordinates in which those fitted by Z are
orthonormal, e the residuals of the full sample and n_i the times that firm i was drawn, a draw's coefficients are::

    b* - b = L (H'G^-1 H)^-1 H'G^-1 Q'N (e + dw/dtheta (theta* - theta)),      G = Q'NQ,  H = Q'N X~

exactly, for an outcome w that is linear in theta. All sums are over firms. The scores of a draw are Q'e* by firm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from estimation.cross_products import COLLINEAR
from estimation.design_draws import meat_of_scores
from estimation.iv.instruments import Instrumented
from estimation.iv.least_squares import TwoStages
from estimation.regression_draws import BLOCK_VALUES, KEPT_VALUES, ROUNDING, OutcomeSlope
from estimation.results import BoolArray, FloatArray, IntArray
from estimation.spectra import Spectra, spectra

__all__ = ["InstrumentedDraws"]


class InstrumentedDraws:
    """Estimates an instrumented model again: `estimation.design_draws.DesignResampler`.

    Parameters
    ----------
    found : TwoStages
        The estimate itself.
    of : Instrumented
        Rows sorted by firm.
    slope : OutcomeSlope, optional
    """

    def __init__(self, found: TwoStages, of: Instrumented, slope: OutcomeSlope | None = None) -> None:
        design = of.design
        root = np.sqrt(found.fit.weights)
        columns = np.column_stack([design.x[:, ~of.endogenous], of.z])
        self._q = np.linalg.qr(columns * root[:, None])[0]
        x = design.x * root[:, None]
        # Fitted values by the first stages themselves, which keep more digits than Q Q'X.
        fitted = x.copy()
        for place, one in zip(found.endogenous, found.first, strict=True):
            fitted[:, place] -= root * one.residuals
        triangle = np.linalg.qr(fitted, mode="r")
        self._lift = solve_triangular(triangle, np.eye(len(triangle)))
        self._x = x @ self._lift
        self._residuals = root * found.fit.residuals
        self.coefficients = found.fit.coefficients
        self.terms, self.rows = design.terms, design.rows.rows
        self.outcome_rows = self.rows
        self._firm = design.rows.firm
        self.firms, self._starts = np.unique(self._firm, return_index=True)
        self._ends = np.append(self._starts[1:], len(self._firm))
        self._groups: dict[int, tuple[IntArray, FloatArray]] = {}
        for number, size in enumerate(() if slope is None else slope.sizes):
            assert slope is not None
            rows = np.flatnonzero(slope.group_of_row == number)
            if len(rows) and size:
                self._groups[number] = rows, slope.gradient[rows, :size] * root[rows, None]
        self._kept: list[tuple[slice, FloatArray]] | None = None

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> _Drawn:
        """Estimate every draw.

        Parameters
        ----------
        counts : (B, n_panel) array
        moved : tuple of (B, q) arrays, optional
            By group of the outcome, its parameters less those of the full sample.
        """
        n, (wide, k) = len(counts), (self._q.shape[1], self._x.shape[1])
        own = counts[:, self.firms]
        upper = np.triu_indices(wide)
        total = np.zeros((n, len(upper[0]) + wide * k + wide))
        for stretch, products in self._products():
            total += own[:, stretch] @ products
        square = np.empty((n, wide, wide))
        square[:, upper[0], upper[1]] = square[:, upper[1], upper[0]] = total[:, : len(upper[0])]
        gram = spectra(square, COLLINEAR)
        crossed = total[:, len(upper[0]) : -wide].reshape(n, wide, k)
        moments: FloatArray = total[:, -wide:]
        lost = np.zeros(n, dtype=np.bool_)
        shifts = {}
        for number, (rows, gradient) in self._groups.items() if moved else ():
            step: FloatArray = moved[number]
            shifts[number] = self._shift(own, rows, gradient)
            unknown = np.asarray(np.isnan(step).any(axis=1), dtype=np.bool_)
            if unknown.any():
                # A group without a drawn firm has no say.
                lost |= unknown & (counts[:, np.unique(self._firm[rows])] > 0).any(axis=1)
            moments = moments + (shifts[number] @ np.where(unknown[:, None], 0.0, step)[:, :, None])[:, :, 0]
        weighted = crossed.transpose(0, 2, 1) @ gram.inverse
        normal = spectra(weighted @ crossed, COLLINEAR)
        solve = normal.inverse @ weighted
        local = (solve @ moments[:, :, None])[:, :, 0]
        coefficients = self.coefficients + local @ self._lift.T
        coefficients[self._left_open(normal)] = np.nan
        coefficients[lost | ~normal.kept.any(axis=1)] = np.nan
        lift: FloatArray = self._lift @ solve
        operators = {number: lift @ shift for number, shift in shifts.items()}
        return _Drawn(self, coefficients, operators, lift, local, moved)

    def _left_open(self, normal: Spectra) -> BoolArray:
        """Return which coefficients each draw leaves open, (B, k)."""
        left_open = np.zeros(normal.kept.shape, dtype=np.bool_)
        size = np.linalg.norm(self._lift, axis=1)
        for draw in np.flatnonzero(~normal.full):
            directions = self._lift @ normal.vectors[draw][:, ~normal.kept[draw]]
            left_open[draw] = (np.abs(directions) > ROUNDING * size[:, None]).any(axis=1)
        return left_open

    def _products(self) -> Iterator[tuple[slice, FloatArray]]:
        """Yield stretches of firms and the upper part of their Q'Q, then Q'X~, then Q'e, (f, width)."""
        if self._kept is not None:
            yield from self._kept
            return
        first, second = np.triu_indices(self._q.shape[1])
        width = len(first) + self._q.shape[1] * (self._x.shape[1] + 1)
        kept: list[tuple[slice, FloatArray]] | None = [] if width * len(self.firms) <= KEPT_VALUES else None
        for firms in self._stretches(width):
            rows = slice(int(self._starts[firms.start]), int(self._ends[firms.stop - 1]))
            q, n = self._q[rows], rows.stop - rows.start
            crossed = (q[:, :, None] * self._x[rows][:, None, :]).reshape(n, -1)
            products = np.concatenate([q[:, first] * q[:, second], crossed, q * self._residuals[rows, None]], axis=1)
            products = np.add.reduceat(products, self._starts[firms] - rows.start, axis=0)
            if kept is not None:
                kept.append((firms, products))
            yield firms, products
        self._kept = kept

    def _stretches(self, width: int) -> Iterator[slice]:
        """Yield stretches of firms whose rows have no more products than are held at a time."""
        size, start = max(BLOCK_VALUES // width, 1), 0
        while start < len(self.firms):
            stop = int(np.searchsorted(self._starts, self._starts[start] + size))
            stop = min(max(stop, start + 1), len(self.firms))
            yield slice(start, stop)
            start = stop

    def _shift(self, own: FloatArray, rows: IntArray, gradient: FloatArray) -> FloatArray:
        """Return Q'N dw/dtheta of a group, (B, r, q)."""
        wide, size = self._q.shape[1], max(BLOCK_VALUES // (self._q.shape[1] * gradient.shape[1]), 1)
        total = np.zeros((len(own), wide * gradient.shape[1]))
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            products = (self._q[part][:, :, None] * gradient[start : start + size, None, :]).reshape(len(part), -1)
            firms, first = np.unique(self._firm[part], return_index=True)
            total += own[:, np.searchsorted(self.firms, firms)] @ np.add.reduceat(products, first, axis=0)
        return total.reshape(len(own), wide, -1)

    def scores(self, local: FloatArray, moved: tuple[FloatArray, ...], start: int, stop: int) -> FloatArray:
        """Return Q'e at each draw's own estimate for the firms from start to stop, (B, r, stop - start)."""
        rows = slice(int(self._starts[start]), int(self._ends[stop - 1]))
        residuals: FloatArray = self._residuals[rows] - local @ self._x[rows].T
        for number, (at, gradient) in self._groups.items() if moved else ():
            low, high = np.searchsorted(at, [rows.start, rows.stop])
            step = np.where(np.isnan(moved[number]), 0.0, moved[number])
            residuals[:, at[low:high] - rows.start] += step @ gradient[low:high].T
        first = self._starts[start:stop] - rows.start
        return np.add.reduceat(residuals[:, None, :] * self._q[rows].T, first, axis=2)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """An instrumented model in B draws: `estimation.design_draws.DrawnDesign`."""

    model: InstrumentedDraws
    coefficients: FloatArray
    operators: Mapping[int, FloatArray]
    lift: FloatArray
    local: FloatArray
    moved: tuple[FloatArray, ...]

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of the design's firms from start to stop, (B, r, stop - start)."""
        return self.model.scores(self.local, self.moved, start, stop)

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return meat_of_scores(self.scores(start, stop), weights, others)
