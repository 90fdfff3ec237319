"""Effects that are absorbed: what a regression is left with once the levels of some columns are swept out.

The residual of a column x on the indicators of all effects, with weights W, is found by Frisch and Waugh: the effect
with the most levels (firms, as a rule) is swept out by its means, M x, and the others, with indicators D, by one
system of their own::

    (D'W M D) a = D'W M x,        x~ = M (x - D a)

With few levels (years) the system is small and solved at once, without iterations. With many it is solved by conjugate
gradients, which take the steps of alternating projections (Guimaraes and Portugal, 2010; Correia, 2016) and need far
fewer of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from estimation.covariance import numbered
from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["Absorber", "Effect", "nested", "not_nested", "without_singletons"]

AT_ONCE = 1_500
"""Levels of the smaller effects up to which their system is solved at once."""
DENSE = 20_000_000
TOLERANCE, MOST_STEPS = 1e-13, 20_000
DEPENDENT = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One effect on the n rows.

    Attributes
    ----------
    name : str
        ``firm``, ``nace^year``.
    codes : (n,) integer array
        0 to `count` - 1, each of them occurring.
    count : int
    """

    name: str
    codes: IntArray
    count: int

    @classmethod
    def of(cls, name: str, codes: IntArray) -> Effect:
        """Number the codes that occur."""
        return cls(name, *numbered(codes))


def without_singletons(effects: Sequence[IntArray]) -> tuple[BoolArray, tuple[int, ...]]:
    """Find the rows that stand alone in a level of an effect, again and again until there are none.

    Such a row is fitted exactly and says nothing; left in, it would make errors too small (Correia, 2015).

    Parameters
    ----------
    effects : sequence of (n,) integer arrays
        Codes from 0.

    Returns
    -------
    keep : (n,) bool array
    lost : tuple of int
        Rows lost to each effect.
    """
    keep = np.ones(len(effects[0]), dtype=np.bool_)
    lost = [0] * len(effects)
    found = True
    while found:
        found = False
        for number, codes in enumerate(effects):
            counts = np.bincount(codes[keep], minlength=int(codes.max(initial=0)) + 1)
            alone = keep & (counts[codes] == 1)
            many = int(alone.sum())
            if many:
                keep &= ~alone
                lost[number] += many
                found = True
    return keep, tuple(lost)


def not_nested(effects: Sequence[Effect], clusters: Sequence[IntArray]) -> int:
    """Count the parameters of effects that the small-sample factor of clustered errors counts, as fixest does.

    An effect whose levels each lie in one cluster counts as one parameter; of the others all levels count; every effect
    after the first loses one, which the others span already.

    Parameters
    ----------
    effects : sequence of Effect
    clusters : sequence of (n,) integer arrays
        None for errors that are not clustered.
    """
    counted = [1 if any(nested(one, codes) for codes in clusters) else one.count for one in effects]
    return sum(counted) - (len(effects) - 1)


def nested(effect: Effect, clusters: IntArray) -> bool:
    """Return whether each level of an effect lies in one cluster."""
    first = np.full(effect.count, -1, dtype=np.int64)
    first[effect.codes] = clusters
    return bool((first[effect.codes] == clusters).all())


class Absorber:
    """Sweeps effects out of columns.

    Parameters
    ----------
    effects : sequence of Effect
        At least one.
    weights : (n,) array, optional
        All above zero.
    """

    def __init__(self, effects: Sequence[Effect], weights: FloatArray | None = None) -> None:
        ordered = sorted(effects, key=lambda one: -one.count)
        self._first, self._others = ordered[0], ordered[1:]
        self._weights = weights
        self._mass = np.bincount(self._first.codes, weights=weights, minlength=self._first.count).astype(np.float64)
        self.steps = 0
        """Steps of conjugate gradients that the slowest column took; 0 where the system was solved at once."""
        if not self._others:
            return
        starts = np.cumsum([0, *(one.count for one in self._others)])
        self._size = int(starts[-1])
        self._columns = [one.codes + start for one, start in zip(self._others, starts, strict=False)]
        self._system = self._solver()

    def within(self, columns: FloatArray) -> FloatArray:
        """Return the columns less their effects, (n, k).

        Parameters
        ----------
        columns : (n, k) array

        Raises
        ------
        EstimationError
            If conjugate gradients do not end.
        """
        found = self._demeaned(columns)
        if self._others:
            # The second turn takes away what the rounding of the first has left, by the first one's measure.
            enough: FloatArray | None = None
            for _ in range(2):
                sums = self._sums(found)
                enough = self._small(sums) if enough is None else enough
                found = self._demeaned(found - self._fitted(self._solve(sums, enough)))
        return found

    def _weighted(self, column: FloatArray) -> FloatArray:
        return column if self._weights is None else column * self._weights

    def _demeaned(self, columns: FloatArray) -> FloatArray:
        out = np.empty_like(columns)
        for number in range(columns.shape[1]):
            column = columns[:, number]
            sums = np.bincount(self._first.codes, weights=self._weighted(column), minlength=self._first.count)
            out[:, number] = column - (sums / self._mass)[self._first.codes]
        return out

    def _sums(self, columns: FloatArray) -> FloatArray:
        """D'W x, (L, k)."""
        found = np.empty((self._size, columns.shape[1]))
        for number in range(columns.shape[1]):
            weighted = self._weighted(columns[:, number])
            found[:, number] = sum(
                (np.bincount(codes, weights=weighted, minlength=self._size) for codes in self._columns),
                np.zeros(self._size),
            )
        return found

    def _fitted(self, levels: FloatArray) -> FloatArray:
        """D a, (n, k)."""
        found: FloatArray = levels[self._columns[0]]
        for codes in self._columns[1:]:
            found = found + levels[codes]
        return found

    def _solver(self) -> FloatArray | sparse.csr_array:
        """Return the inverse of the system where it is small, else the system itself."""
        n, several = len(self._first.codes), len(self._columns) > 1
        if self._size <= AT_ONCE and self._first.count * self._size <= DENSE:
            place = self._first.codes * self._size
            cells = sum(
                (
                    np.bincount(place + codes, weights=self._weights, minlength=self._first.count * self._size)
                    for codes in self._columns
                ),
                np.zeros(self._first.count * self._size),
            ).reshape(self._first.count, self._size)
            if not several:
                return _inverse(np.diag(cells.sum(axis=0)) - cells.T @ (cells / self._mass[:, None]))
        indicator = sparse.csr_array(
            (np.ones(n * len(self._columns)), (np.tile(np.arange(n), len(self._columns)),
                                               np.concatenate(self._columns))), shape=(n, self._size)
        )  # fmt: skip
        weighted = indicator if self._weights is None else sparse.diags_array(self._weights) @ indicator
        first = sparse.csr_array((np.ones(n), (self._first.codes, np.arange(n))), shape=(self._first.count, n))
        cell = (first @ weighted).tocsr()
        system = (indicator.T @ weighted - cell.T @ (sparse.diags_array(1 / self._mass) @ cell)).tocsr()
        return _inverse(system.toarray()) if self._size <= AT_ONCE else system

    def _solve(self, right: FloatArray, enough: FloatArray) -> FloatArray:
        system = self._system
        if isinstance(system, np.ndarray):
            return np.asarray(system @ right, dtype=np.float64)
        found = np.empty_like(right)
        for number in range(right.shape[1]):
            found[:, number] = self._gradients(system, right[:, number], float(enough[number]))
        return found

    def _small(self, right: FloatArray) -> FloatArray:
        """What of each column's right side, by its square, is small enough to be left, (k,)."""
        if isinstance(self._system, np.ndarray):
            return np.zeros(right.shape[1])
        found: FloatArray = TOLERANCE**2 * (_reciprocal(self._system.diagonal())[:, None] * right**2).sum(axis=0)
        return found

    def _gradients(self, system: sparse.csr_array, right: FloatArray, enough: float) -> FloatArray:
        """Solve by conjugate gradients, each level in units of its own; the system may be singular, and consistent."""
        inverse = _reciprocal(system.diagonal())
        found, residual = np.zeros_like(right), right.copy()
        scaled = inverse * residual
        direction, size = scaled.copy(), float(residual @ scaled)
        for step in range(MOST_STEPS):
            if size <= enough:
                self.steps = max(self.steps, step)
                return found
            image = system @ direction
            length = size / float(direction @ image)
            found += length * direction
            residual -= length * image
            scaled = inverse * residual
            before, size = size, float(residual @ scaled)
            direction = scaled + (size / before) * direction
        names = ", ".join(one.name for one in (self._first, *self._others))
        raise EstimationError(
            f"the effects {names} could not be swept out in {MOST_STEPS:,} steps: they overlap in too few rows; "
            "leave one of them out, or combine them by ^"
        )


def _reciprocal(values: FloatArray) -> FloatArray:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def _inverse(system: FloatArray) -> FloatArray:
    """Return the generalised inverse of a positive semidefinite matrix, each column in units of its own."""
    size = np.sqrt(np.diag(system))
    unit = np.where(size > 0, size, 1.0)
    values, vectors = np.linalg.eigh(system / unit / unit[:, None])
    kept = values > DEPENDENT * max(float(values[-1]), 1.0) if values.size else np.zeros(0, dtype=np.bool_)
    half = vectors[:, kept] / np.sqrt(values[kept])
    return np.asarray((half @ half.T) / unit / unit[:, None], dtype=np.float64)
