"""Cross-products of stacked linear equations in orthonormal instruments, one chunk of rows at a time.

Rows are read again in each pass and never held: a pass needs one chunk, its instruments and a few small
matrices. Instruments are made orthonormal, collinear ones in two passes (Cholesky QR twice), so that they keep
their digits and no normal equation is ever inverted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.results import FloatArray, IntArray

__all__ = ["Chunk", "Chunks", "CollinearError", "CrossProducts", "Equation", "cross_products", "orthonormal"]

# The squared share of a column that the columns before it leave: below, double precision cannot tell
# the column from a combination of the others (its own direction would keep fewer than four digits).
COLLINEAR = 1e-12
# The trace of the inverse of the Gram matrix of columns of length one: the largest factor by which a rounding of
# it moves what is made of it. Up to here, at most four of double precision's sixteen digits.
WELL_CONDITIONED = 1e4


class CollinearError(ValueError):
    """A required instrument is a combination of those before it; `equation` and `column` say which."""

    def __init__(self, equation: str, column: str) -> None:
        super().__init__(f"{equation}: {column} is collinear with the columns before it")
        self.equation = equation
        self.column = column


@dataclass(frozen=True, slots=True)
class Equation:
    """One equation of the system: what the c rows of its blocks are.

    Attributes
    ----------
    name : str
    columns : tuple of str
        The m instruments, then regressors that are no instruments, then the outcome.
    n_instruments : int
    parameters : tuple of str or None
        The parameter that multiplies each of the first c - 1 columns; None where a column is an
        instrument only. The same name in two equations is one parameter.
    optional : frozenset of str
        Instruments that are left out, with their parameters, where those before them span them.
    """

    name: str
    columns: tuple[str, ...]
    n_instruments: int
    parameters: tuple[str | None, ...]
    optional: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Whole firms, and the rows of each equation among them.

    Attributes
    ----------
    firm : (n,) integer array
        Ascending; no firm is in two chunks.
    rows : tuple of (n_e,) integer arrays
        Positions of each equation's rows in `firm`, ascending.
    blocks : tuple of (c_e, n_e) arrays
        The columns of each equation, in the order of `Equation.columns`.
    """

    firm: IntArray
    rows: tuple[IntArray, ...]
    blocks: tuple[FloatArray, ...]


Chunks = Callable[[], Iterable[Chunk]]


@dataclass(frozen=True, slots=True, eq=False)
class CrossProducts:
    """The system in orthonormal instruments ``Q_e = transform_e Z_e``.

    Attributes
    ----------
    equations : tuple of Equation
    transforms : tuple of (m_e, instruments_e) arrays
        Zero in the columns of instruments that were left out; m = sum of m_e.
    left_out : tuple of tuple of str
        By equation, the optional instruments that others span.
    parameters : tuple of str
        The P parameters.
    design : (m, P) array
        Q'X.
    lengths : (P,) array
        The regressors' own norms, over all equations.
    outcome : (m,) array
        Q'y.
    squares : tuple of (c_e,) arrays
        Sums of squares of each equation's columns.
    products : tuple of (m_e, c_e) arrays
        Q_e times every column of the equation.
    n_rows : tuple of int
        Rows of each equation.
    """

    equations: tuple[Equation, ...]
    transforms: tuple[FloatArray, ...]
    left_out: tuple[tuple[str, ...], ...]
    parameters: tuple[str, ...]
    design: FloatArray
    lengths: FloatArray
    outcome: FloatArray
    squares: tuple[FloatArray, ...]
    products: tuple[FloatArray, ...]
    n_rows: tuple[int, ...]

    @property
    def n_moments(self) -> int:
        """Moments of all equations."""
        return len(self.outcome)

    def slices(self) -> Iterator[slice]:
        """Yield where each equation's moments stand among all."""
        start = 0
        for transform in self.transforms:
            yield slice(start, start + len(transform))
            start += len(transform)

    def by_column(self, theta: FloatArray) -> list[FloatArray]:
        """Return, for each equation, w with ``w @ block`` the residual ``y - X theta``."""
        value = dict(zip(self.parameters, theta, strict=True))
        return [
            np.array([-value.get(name or "", 0.0) for name in equation.parameters] + [1.0])
            for equation in self.equations
        ]


def cross_products(equations: Sequence[Equation], chunks: Chunks) -> CrossProducts:
    """Make the instruments orthonormal and collect the cross-products, in a pass over the rows, or in two.

    The second pass reads the instruments that the first one made orthonormal (Cholesky QR twice). Where they are
    well conditioned it would change nothing but the last four digits, and is not made.

    Parameters
    ----------
    equations : sequence of Equation
    chunks : callable
        Gives the same chunks every time it is called.

    Raises
    ------
    CollinearError
        If a column that is not optional is a combination of those before it.
    """
    sizes = [len(equation.columns) for equation in equations]
    wholes = [np.zeros((size, size)) for size in sizes]
    n_rows = [0] * len(sizes)
    for chunk in chunks():
        for e, block in enumerate(chunk.blocks):
            wholes[e] += block @ block.T
            n_rows[e] += block.shape[1]
    counts = [equation.n_instruments for equation in equations]
    grams = [whole[:m, :m] for whole, m in zip(wholes, counts, strict=True)]
    spanned: list[frozenset[str]] = [frozenset()] * len(equations)
    while True:
        first = [
            orthonormal(equation, gram, without)
            for equation, gram, without in zip(equations, grams, spanned, strict=True)
        ]
        if all(_keeps_digits(transform, gram) for transform, gram in zip(first, grams, strict=True)):
            again = [transform @ gram @ transform.T for transform, gram in zip(first, grams, strict=True)]
            products = [transform @ whole[:m] for transform, whole, m in zip(first, wholes, counts, strict=True)]
        else:
            again = [np.zeros((len(transform), len(transform))) for transform in first]
            products = [np.zeros((len(transform), size)) for transform, size in zip(first, sizes, strict=True)]
            for chunk in chunks():
                for e, block in enumerate(chunk.blocks):
                    q = first[e] @ block[: counts[e]]
                    again[e] += q @ q.T
                    products[e] += q @ block.T
        # The second time: what rounding left of the first is put right, and what it let pass is seen.
        found = [
            _again(equation, transform, np.diag(gram), second)
            for equation, transform, gram, second in zip(equations, first, grams, again, strict=True)
        ]
        if not any(names for _, names in found):
            break
        # The others were made with them: once more, without.
        spanned = [before | names for before, (_, names) in zip(spanned, found, strict=True)]
    squares = [np.diag(whole).copy() for whole in wholes]
    correct = [matrix for matrix, _ in found]
    transforms = [matrix @ transform for matrix, transform in zip(correct, first, strict=True)]
    products = [matrix @ product for matrix, product in zip(correct, products, strict=True)]
    kept = [np.any(transform != 0, axis=0) for transform in transforms]
    left_out = tuple(
        tuple(name for name, used in zip(equation.columns, keep, strict=False) if not used)
        for equation, keep in zip(equations, kept, strict=True)
    )
    equations = [_without(equation, names) for equation, names in zip(equations, left_out, strict=True)]
    parameters = tuple(dict.fromkeys(name for equation in equations for name in equation.parameters if name))
    place = {name: number for number, name in enumerate(parameters)}
    design = np.zeros((sum(len(transform) for transform in transforms), len(parameters)))
    lengths = np.zeros(len(parameters))
    start = 0
    for equation, product, square in zip(equations, products, squares, strict=True):
        for column, parameter in enumerate(equation.parameters):
            if parameter is not None:
                design[start : start + len(product), place[parameter]] += product[:, column]
                lengths[place[parameter]] += square[column]
        start += len(product)
    return CrossProducts(
        equations=tuple(equations),
        transforms=tuple(transforms),
        left_out=left_out,
        parameters=parameters,
        design=design,
        lengths=np.sqrt(lengths),
        outcome=np.concatenate([product[:, -1] for product in products]),
        squares=tuple(squares),
        products=tuple(products),
        n_rows=tuple(n_rows),
    )


def _keeps_digits(transform: FloatArray, gram: FloatArray) -> bool:
    """Whether the instruments that are kept are so far apart that their Gram matrix says all that they do."""
    return float(np.sum(np.square(transform * np.sqrt(np.diag(gram))))) <= WELL_CONDITIONED


def _again(
    equation: Equation, transform: FloatArray, squares: FloatArray, gram: FloatArray
) -> tuple[FloatArray, frozenset[str]]:
    """Return what makes instruments that were made orthonormal once orthonormal to the last digit, (m_e, m_e), and
    the optional ones that are now seen to be spanned by those before them.

    Behind others that are nearly collinear the first time sees no more of such an instrument than rounding.

    Parameters
    ----------
    equation : Equation
    transform : (m_e, instruments_e) array
        Of the first time.
    squares : (instruments_e,) array
        The instruments' own sums of squares.
    gram : (m_e, m_e) array
        Of the instruments as the first time made them.
    """
    kept = np.flatnonzero(np.any(transform != 0, axis=0))
    # The squared share of itself that an instrument kept the first time is one over its own entry, at its own length.
    shares = 1.0 / (np.square(transform[np.arange(len(kept)), kept]) * squares[kept])
    names = tuple(equation.columns[column] for column in kept)
    once = Equation(equation.name, names, len(kept), (), equation.optional)
    matrix = orthonormal(once, (gram + gram.T) / 2, shares=shares)
    lost = frozenset(name for name, used in zip(names, np.any(matrix != 0, axis=0), strict=True) if not used)
    return matrix, lost


def orthonormal(
    equation: Equation,
    gram: FloatArray,
    without: frozenset[str] = frozenset(),
    shares: FloatArray | None = None,
) -> FloatArray:
    """Return T, (m_e, instruments_e), with T Z orthonormal up to rounding; zero where an instrument is left out.

    Parameters
    ----------
    equation : Equation
    gram : (instruments_e, instruments_e) array
        Z'Z.
    without : frozenset of str
        Optional instruments that are known to be spanned.
    shares : (instruments_e,) array, optional
        The squared share of the instrument proper that each column is, where it has been made orthogonal before.

    Raises
    ------
    CollinearError
        If a column that is not optional is a combination of those before it.
    """
    norms = np.sqrt(np.diag(gram))
    rest = gram / np.outer(np.where(norms > 0, norms, 1.0), np.where(norms > 0, norms, 1.0))
    factor = np.zeros_like(rest)
    kept = np.zeros(len(rest), dtype=bool)
    for column, name in enumerate(equation.columns[: len(rest)]):
        if name in without:
            continue
        share = float(rest[column, column])  # what the columns before it leave
        if not share * (1.0 if shares is None else shares[column] * gram[column, column]) > COLLINEAR:
            if name not in equation.optional:
                raise CollinearError(equation.name, name)
            continue
        kept[column] = True
        factor[column:, column] = rest[column:, column] / np.sqrt(share)
        rest[column:, column:] -= np.outer(factor[column:, column], factor[column:, column])
    transform = np.zeros((int(kept.sum()), len(rest)))
    transform[:, kept] = np.linalg.inv(factor[np.ix_(kept, kept)]) / norms[kept]
    return np.tril(transform) if kept.all() else transform


def _without(equation: Equation, names: tuple[str, ...]) -> Equation:
    """Return the equation with no parameter on the instruments that were left out."""
    parameters = tuple(
        None if column in names and row < equation.n_instruments else parameter
        for row, (column, parameter) in enumerate(zip(equation.columns, equation.parameters, strict=False))
    )
    return Equation(equation.name, equation.columns, equation.n_instruments, parameters, equation.optional)
