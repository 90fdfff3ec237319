"""Cross-products of a linear system by unit (firm or row), from which any reweighting of the firms follows.

In the orthonormal instruments Q of the full sample, and with r the residual at its estimate, the unit i
contributes to equation e ``Q_i'Q_i``, ``Q_i'x`` for every regressor x that is no instrument, and ``Q_i'r``.
A regressor that is an instrument is a combination of Q, so that it needs no product of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from estimation.cross_products import Chunk, Chunks, CrossProducts
from estimation.results import FloatArray, IntArray

__all__ = ["Layout", "UnitProducts", "Units", "bilinear", "layout_of", "unpack"]

# What is kept from one pass to the next: the products of 14,000 firms in a system of degree 3 are 20 MB.
KEPT_BYTES = 96 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the m_e orthonormal instruments of an equation meet, and how it maps into parameters.

    Attributes
    ----------
    transform : (m_e, instruments_e) array
    others : (o_e,) integer array
        Columns of the regressors that are no instruments.
    residual : (c_e,) array
        ``residual @ block`` is the residual at the full sample's estimate.
    coordinates : (m_e + o_e, P) array
        ``X_e = [Q_e x_e]' coordinates`` for the P parameters of the system.
    """

    transform: FloatArray
    others: IntArray
    residual: FloatArray
    coordinates: FloatArray

    @property
    def moments(self) -> int:
        """m_e."""
        return len(self.transform)

    @property
    def width(self) -> int:
        """m_e + o_e + 1: what the instruments meet."""
        return len(self.coordinates) + 1

    def columns(self, block: FloatArray) -> FloatArray:
        """Return Q, the other regressors and the residual of a block, (width, n)."""
        m = self.moments
        columns = np.empty((self.width, block.shape[1]))
        np.matmul(self.transform, block[: self.transform.shape[1]], out=columns[:m])
        columns[m:-1] = block[self.others]
        np.matmul(self.residual, block, out=columns[-1])
        return columns


def layout_of(products: CrossProducts, theta: FloatArray) -> tuple[Layout, ...]:
    """Return the layout of each equation.

    Parameters
    ----------
    products : CrossProducts
    theta : (P,) array
        The full sample's estimate.
    """
    place = {name: number for number, name in enumerate(products.parameters)}
    found = []
    for equation, transform, product, residual in zip(
        products.equations, products.transforms, products.products, products.by_column(theta), strict=True
    ):
        used = [(column, place[name]) for column, name in enumerate(equation.parameters) if name is not None]
        inside = [one for one in used if one[0] < equation.n_instruments]
        outside = [one for one in used if one[0] >= equation.n_instruments]
        coordinates = np.zeros((len(transform) + len(outside), len(place)))
        for column, parameter in inside:
            coordinates[: len(transform), parameter] += product[:, column]
        for row, (_, parameter) in enumerate(outside, start=len(transform)):
            coordinates[row, parameter] += 1.0
        others = np.array([column for column, _ in outside], dtype=np.int64)
        found.append(Layout(transform, others, residual, coordinates))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Some units and their products, those of an instrument with itself and with later ones only.

    Attributes
    ----------
    firm : (u,) integer array
        The firm of each unit, ascending.
    packed : tuple of (K_e, u) arrays
        Row after row of the upper part of ``Q [Q x r]'``.
    """

    firm: IntArray
    packed: tuple[FloatArray, ...]


class UnitProducts:
    """The units of a system, chunk by chunk; kept where they are few, made anew in each pass where not.

    Parameters
    ----------
    layouts : sequence of Layout
    chunks : callable
        The chunks of the system.
    by : str
        ``firm`` or ``row``.
    """

    def __init__(self, layouts: tuple[Layout, ...], chunks: Chunks, by: str = "firm") -> None:
        self._layouts, self._chunks, self._by = layouts, chunks, by
        self._kept: list[Units] | None = None

    def __iter__(self) -> Iterator[Units]:
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Units] | None = []
        size = 0
        for chunk in self._chunks():
            units = self._units(chunk)
            size += sum(one.nbytes for one in units.packed)
            if kept is not None:
                kept.append(units)
                kept = kept if size <= KEPT_BYTES else None
            yield units
        self._kept = kept

    def _units(self, chunk: Chunk) -> Units:
        if self._by == "row":
            seen = np.zeros(len(chunk.firm), dtype=bool)
            for rows in chunk.rows:
                seen[rows] = True
            number, firm = np.cumsum(seen) - 1, chunk.firm[seen]
        else:
            used: IntArray = np.unique(np.concatenate([chunk.firm[rows] for rows in chunk.rows]))
            number, firm = np.searchsorted(used, chunk.firm), used
        packed = tuple(
            _summed(layout, block, number[rows], len(firm))
            for layout, block, rows in zip(self._layouts, chunk.blocks, chunk.rows, strict=True)
        )
        return Units(firm, packed)


def _summed(layout: Layout, block: FloatArray, unit: IntArray, n_units: int) -> FloatArray:
    """Return the packed products of the units of one equation, (K, u); zero for a unit without a row."""
    m, width = layout.moments, layout.width
    columns = layout.columns(block)
    found = np.zeros((sum(range(width - m + 1, width + 1)), n_units))
    if not len(unit):
        return found
    starts = np.flatnonzero(np.concatenate(([True], unit[1:] != unit[:-1])))
    there = unit[starts]
    row = 0
    for first in range(m):
        height = width - first
        products = columns[first] * columns[first:]
        found[row : row + height, there] = np.add.reduceat(products, starts, axis=1)
        row += height
    return found


def bilinear(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return c with ``c @ packed = sum over i and j of left_i right_j products_ij`` for every unit.

    Parameters
    ----------
    left : (..., moments) array
    right : (..., width) array
        With the leading dimensions of `left`.

    Returns
    -------
    (..., K) array
    """
    moments, width = left.shape[-1], right.shape[-1]
    found = np.empty((*left.shape[:-1], sum(range(width - moments + 1, width + 1))))
    row = 0
    for first in range(moments):
        part = found[..., row : row + width - first]
        np.multiply(left[..., first, None], right[..., first:], out=part)
        # Below the diagonal stand the same products.
        part[..., 1 : moments - first] += left[..., first + 1 :] * right[..., first, None]
        row += width - first
    return found


def unpack(packed: FloatArray, moments: int, width: int) -> FloatArray:
    """Return packed products in full, (width, moments, ...): symmetric in its first square.

    Parameters
    ----------
    packed : (K, ...) array
    moments, width : int
    """
    full = np.empty((width, moments, *packed.shape[1:]))
    row = 0
    for first in range(moments):
        height = width - first
        full[first:, first] = packed[row : row + height]
        full[first, first:] = packed[row : row + moments - first]
        row += height
    return full
