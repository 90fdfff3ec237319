"""A decomposition estimated again with counts of its firms and, where the outcome is estimated, at other parameters.

With n_i the times that firm i was drawn, every sum over the rows of a cell becomes a sum of n_i times what the row
adds to it, and the terms are those of `estimation.decomposition_terms` at these sums. The outcome w is linear in its
parameters: its sums move by the sums of dw/dtheta times what the parameters moved by. Who survives, enters and leaves
is known of each firm and does not depend on the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from estimation.decomposition_rows import Kept
from estimation.decomposition_terms import Cells
from estimation.design_draws import meat_of_scores
from estimation.regression_draws import OutcomeSlope
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["DecompositionDraws"]

# Values in one block of counts by row.
BLOCK_VALUES = 4_000_000


class DecompositionDraws:
    """A `estimation.design_draws.DesignResampler` of a decomposition.

    Parameters
    ----------
    kept : Kept
    method : str
        ``olley_pakes`` or ``melitz_polanec``.
    slope : OutcomeSlope, optional
        Of the kept rows.
    """

    def __init__(self, kept: Kept, method: str, slope: OutcomeSlope | None = None) -> None:
        self.cells = Cells(kept, method)
        self.rows: IntArray = kept.rows.rows
        self.outcome_rows: IntArray = self.rows
        self.firm: IntArray = kept.rows.firm
        self.firms, self.starts = np.unique(self.firm, return_index=True)
        self.ends = np.append(self.starts[1:], len(self.firm))
        once = np.zeros((1, self.cells.n_cells, 4))
        np.add.at(once[0], self.cells.cell, self.cells.parts)
        self.terms = tuple(term.name for term in self.cells.terms(once))
        self.groups: dict[int, tuple[IntArray, FloatArray]] = {}
        for number, rows, slopes in () if slope is None else slope.of_groups():
            self.groups[number] = rows, slopes

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> _Drawn:
        """Estimate every draw; see `estimation.design_draws.DesignResampler`."""
        cells, n = self.cells, len(counts)
        totals = self._summed(counts, np.arange(len(self.firm)), cells.parts)
        lost: BoolArray = np.asarray(~(counts[:, self.firms] > 0).any(axis=1), dtype=np.bool_)
        slopes: dict[int, FloatArray] = {}
        steps: dict[int, FloatArray] = {}
        for number, (rows, gradient) in self.groups.items() if moved else ():
            step = moved[number]
            unknown: BoolArray = np.asarray(np.isnan(step).any(axis=1), dtype=np.bool_)
            if unknown.any():
                # A group without a drawn firm has no say.
                lost |= unknown & (counts[:, np.unique(self.firm[rows])] > 0).any(axis=1)
            steps[number] = np.where(unknown[:, None], 0.0, step)
            products = cells.parts[rows, :2, None] * gradient[:, None, :]
            summed = self._summed(counts, rows, products.reshape(len(rows), -1))
            slopes[number] = summed.reshape(n, cells.n_cells, 2, -1)
            totals[:, :, 2:] += np.einsum("bcmq,bq->bcm", slopes[number], steps[number])
        terms = cells.terms(totals)
        coefficients = np.column_stack([one.quantity.value + cells.centre * one.level for one in terms])
        coefficients[lost] = np.nan
        # A term without a value in a draw has no influence there either.
        bent = [np.where(np.isnan(coefficients[:, [j], None]), 0.0, one.quantity.slope) for j, one in enumerate(terms)]
        operators = {
            number: np.stack(
                [
                    np.einsum("bcm,bcmq->bq", own[:, :, 2:], slope[:, one.cells])
                    for one, own in zip(terms, bent, strict=True)
                ],
                axis=1,
            )
            for number, slope in slopes.items()
        }
        blocks: list[_Block] = []
        for j, (one, own) in enumerate(zip(terms, bent, strict=True)):
            if blocks and blocks[-1].cells == one.cells:
                blocks[-1].slopes.append(own)
            else:
                blocks.append(_Block(one.cells, j, [own]))
        return _Drawn(self, coefficients, operators, np.eye(len(terms))[None], tuple(blocks), steps)

    def _summed(self, counts: FloatArray, rows: IntArray, parts: FloatArray) -> FloatArray:
        """Return the sums of parts, (r, m), of these rows by cell in every draw, (B, cells, m)."""
        found = np.zeros((len(counts), self.cells.n_cells, parts.shape[1]))
        cell = self.cells.cell[rows]
        order = np.argsort(cell, kind="stable")
        ends = np.cumsum(np.bincount(cell, minlength=self.cells.n_cells))
        size, start = max(BLOCK_VALUES // len(counts), 1), 0
        for number, end in enumerate(ends.tolist()):
            while start < end:
                part = order[start : min(start + size, end)]
                found[:, number] += counts[:, self.firm[rows[part]]] @ parts[part]
                start += len(part)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """The slopes of neighbouring terms that rest on the same cells, (B, cells, 4) each."""

    cells: slice
    first: int
    slopes: list[FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A decomposition in B draws: `estimation.design_draws.DrawnDesign`."""

    design: DecompositionDraws
    coefficients: FloatArray
    operators: Mapping[int, FloatArray]
    lift: FloatArray
    blocks: tuple[_Block, ...]
    steps: Mapping[int, FloatArray]

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the influence of the design's firms from start to stop on every term, (B, k, stop - start)."""
        design, cells = self.design, self.design.cells
        rows = slice(int(design.starts[start]), int(design.ends[stop - 1]))
        place = np.searchsorted(design.firms[start:stop], design.firm[rows])
        cell, parts = cells.cell[rows], cells.parts[rows]
        shift = np.zeros((len(self.coefficients), len(cell)))
        for number, step in self.steps.items():
            at, gradient = design.groups[number]
            low, high = np.searchsorted(at, [rows.start, rows.stop])
            shift[:, at[low:high] - rows.start] += step @ gradient[low:high].T
        found = np.zeros((*self.coefficients.shape, stop - start))
        for block in self.blocks:
            slopes = np.stack(block.slopes, axis=1)
            end = block.first + slopes.shape[1]
            for number in np.unique(cell[(cell >= block.cells.start) & (cell < block.cells.stop)]):
                here = np.flatnonzero(cell == number)
                own = slopes[:, :, number - block.cells.start]
                psi = own @ parts[here].T
                if self.steps:
                    psi += (own[:, :, 2:] @ parts[here, :2].T) * shift[:, None, here]
                # A firm has one row in a cell.
                found[:, block.first : end, place[here]] += psi
        return found

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return meat_of_scores(self.scores(start, stop), weights, others)
