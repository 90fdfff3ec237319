"""From symbols to columns: the instruments and regressors of a group's equations, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.cross_products import Chunk, Equation
from estimation.polynomial import Polynomial, standardised_polynomial
from estimation.productivity.inputs import ROWS_AT_A_TIME, Control, Inputs
from estimation.productivity.moments import C_BEFORE, C_NOW, FREE, FREE_BEFORE, STATE, MomentEquation
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["PHI", "System", "build_system", "stretches"]

# Values in one block of columns: small enough to stay in a processor's cache.
BLOCK_VALUES = 100_000

PHI = "phi"


@dataclass(frozen=True, slots=True)
class _Part:
    """Neighbouring columns of an equation: their names, and how a chunk's rows are written into them.

    `fill(out, at, start, monomials)` writes rows `at` (positions in the panel), whose chunk begins at
    `start` and has these monomials.
    """

    columns: tuple[str, ...]
    parameters: tuple[str | None, ...]
    fill: Callable[[FloatArray, IntArray, int, FloatArray], None]
    lag: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """The equations of one group of rows.

    Attributes
    ----------
    inputs : Inputs
    polynomial : Polynomial
    equations : tuple of Equation
    rows : tuple of (n,) bool arrays
        The rows of each equation.
    centre, scale : mapping of str to float
        What was subtracted from each number, and what a number among the controls was divided by.
    levels : mapping of str to (labels,) integer array
        For each control of levels, where C(t) of the first equation has a level: its column among the
        control's, -1 for the base, -2 for a level that the equation never saw.
    constant_controls : tuple of str
        Controls that do not vary in this group, left out.
    parts : tuple of tuple of _Part
        By equation, neighbouring columns and how they are written.
    """

    inputs: Inputs
    polynomial: Polynomial
    equations: tuple[Equation, ...]
    rows: tuple[BoolArray, ...]
    centre: dict[str, float]
    scale: dict[str, float]
    levels: dict[str, IntArray]
    constant_controls: tuple[str, ...]
    parts: tuple[tuple[_Part, ...], ...]

    def chunks(self) -> Iterator[Chunk]:
        """Yield whole firms with the columns of every equation."""
        firm = self.inputs.firm
        size = max(BLOCK_VALUES // max(len(equation.columns) for equation in self.equations), 256)
        for start, stop in stretches(firm, size):
            rows = tuple(np.flatnonzero(used[start:stop]) for used in self.rows)
            if not any(len(positions) for positions in rows):
                continue
            monomials = self.monomials(start, stop)
            blocks = tuple(
                self._block(parts, positions, start, monomials)
                for parts, positions in zip(self.parts, rows, strict=True)
            )
            yield Chunk(firm[start:stop], rows, blocks)

    def monomials(self, start: int, stop: int) -> FloatArray:
        """Return the monomials of the panel's rows from start to stop, (b, stop - start)."""
        inputs = [values[start:stop] for values in self.inputs.polynomial]
        return self.polynomial.evaluate(inputs) if inputs else np.ones((1, stop - start))

    @staticmethod
    def _block(parts: Sequence[_Part], positions: IntArray, start: int, monomials: FloatArray) -> FloatArray:
        out = np.empty((sum(len(part.columns) for part in parts), len(positions)))
        at = positions + start
        row = 0
        for part in parts:
            height = len(part.columns)
            # Sorted firm-years: where a year before exists, it is the row above.
            part.fill(out[row : row + height], at - 1 if part.lag else at, start, monomials)
            row += height
        return out


def build_system(
    inputs: Inputs, moments: Sequence[MomentEquation], current: BoolArray, lagged: BoolArray, common: bool
) -> System:
    """Lay out the equations of one group.

    Parameters
    ----------
    inputs : Inputs
    moments : sequence of MomentEquation
    current : (n,) bool array
        Rows of the group with every column.
    lagged : (n,) bool array
        Rows whose year before is usable.
    common : bool
        Whether equations without lags are kept to the rows of those with.

    Raises
    ------
    DegenerateInputError
        If an input of the polynomial does not vary, or only with the others.
    """
    both = current & lagged
    needs_lag = [equation.lags or (common and any(other.lags for other in moments)) for equation in moments]
    rows = tuple(both if lag else current for lag in needs_lag)
    wide = both if all(needs_lag) else current
    roles = inputs.roles
    numbers = dict(zip((*roles.free, *roles.state), (*inputs.free, *inputs.state), strict=True))
    numbers |= {control.name: control.values for control in inputs.controls if control.values is not None}
    numbers[roles.output] = inputs.output
    moments_of = {name: _mean_and_covariance((values,), wide) for name, values in numbers.items()}
    centre = {name: float(mean[0]) for name, (mean, _) in moments_of.items()}
    scale = {
        control.name: float(np.sqrt(moments_of[control.name][1][0, 0])) or 1.0
        for control in inputs.controls
        if control.values is not None
    }
    varying = [control for control in inputs.controls if control.varies(wide)]
    polynomial = _polynomial(inputs, wide)
    levels: dict[str, IntArray] = {}

    def number(name: str, parameter: str | None, lag: bool = False, optional: bool = False) -> _Part:
        values, middle, spread = numbers[name], centre[name], scale.get(name, 1.0)

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            np.subtract(values[at], middle, out=out[0])
            if spread != 1.0:
                out[0] /= spread

        return _Part((_dated(name, lag),), (parameter,), fill, lag, optional)

    def control(which: Control, prefix: str, used: BoolArray, lag: bool, keep: bool = False) -> _Part:
        if which.values is not None:
            return number(which.name, f"{prefix}[{_dated(which.name, lag)}]", lag, optional=True)
        assert which.codes is not None
        column = _columns_of_levels(which.codes, len(which.labels), used, lag)
        if keep:
            levels[which.name] = column
        names = [f"{which.name}[{label}]" for label, at in zip(which.labels, column, strict=True) if at >= 0]
        codes = which.codes

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            out.fill(0.0)
            place = column[codes[at]]
            there = np.flatnonzero(place >= 0)
            out[place[there], there] = 1.0

        dated = tuple(_dated(name, lag) for name in names)
        return _Part(dated, tuple(f"{prefix}[{name}]" for name in dated), fill, lag, optional=True)

    def big_c(prefix: str, used: BoolArray, lag: bool) -> list[_Part]:
        terms = tuple(_dated(term, lag) for term in polynomial.terms)

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            np.take(monomials, at - start, axis=1, out=out, mode="clip")

        parts = [_Part(terms, tuple(f"{prefix}[{term}]" for term in terms), fill, lag)]
        parts += [control(which, prefix, used, lag, keep=prefix == PHI) for which in varying]
        if lag:
            parts += [control(which, prefix, used, lag=False) for which in varying]
        return parts

    def parts_of(moment: MomentEquation, index: int) -> tuple[list[_Part], list[_Part]]:
        """The instruments, and the regressors that are none."""
        instruments: list[_Part] = []
        others: list[_Part] = []
        for block in (C_NOW, C_BEFORE, STATE, FREE, FREE_BEFORE):
            place = instruments if block in moment.instruments else others
            if block not in (*moment.instruments, *moment.regressors):
                continue
            if block in (C_NOW, C_BEFORE):
                prefix = PHI if block == C_NOW else f"lambda{index + 1}"
                place += big_c(prefix, rows[index], block == C_BEFORE)
            else:
                names = roles.state if block == STATE else roles.free
                regressor = block in moment.regressors
                place += [number(name, name if regressor else None, block == FREE_BEFORE) for name in names]
        return instruments, others

    laid: list[tuple[_Part, ...]] = []
    equations: list[Equation] = []
    for index, moment in enumerate(moments):
        instruments, others = parts_of(moment, index)
        everything = [part for part in (*instruments, *others, number(roles.output, None)) if part.columns]
        columns = tuple(column for part in everything for column in part.columns)
        parameters = tuple(parameter for part in everything for parameter in part.parameters)
        equations.append(
            Equation(
                name=str(index + 1),
                columns=columns,
                n_instruments=sum(len(part.columns) for part in instruments),
                parameters=parameters[:-1],
                optional=frozenset(column for part in everything if part.optional for column in part.columns),
            )
        )
        laid.append(tuple(everything))
    constant = tuple(control.name for control in inputs.controls if control not in varying)
    return System(
        inputs, polynomial, tuple(equations), rows, centre, scale, levels, constant, tuple(laid)
    )  # fmt: skip


def _polynomial(inputs: Inputs, rows: BoolArray) -> Polynomial:
    names = inputs.roles.polynomial
    mean, covariance = _mean_and_covariance(inputs.polynomial, rows)
    return standardised_polynomial(names, inputs.roles.degree if names else 0, mean, covariance)


def _mean_and_covariance(columns: Sequence[FloatArray], rows: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean (v,) and the covariance (v, v) of these rows, a stretch at a time, mean first."""
    parts = [slice(start, start + ROWS_AT_A_TIME) for start in range(0, len(rows), ROWS_AT_A_TIME)]
    n = max(int(np.count_nonzero(rows)), 1)
    total = np.zeros(len(columns))
    for part in parts:
        total += [float(np.sum(values[part][rows[part]])) for values in columns]
    mean = total / n
    products = np.zeros((len(columns), len(columns)))
    for part in parts if columns else ():
        deviations = np.stack([values[part][rows[part]] for values in columns]) - mean[:, None]
        products += deviations @ deviations.T
    return mean, products / n


def _columns_of_levels(codes: IntArray, n_levels: int, used: BoolArray, lag: bool) -> IntArray:
    """Return each level's column: -1 for the base (the first that occurs), -2 where it does not occur."""
    seen = codes[np.flatnonzero(used) - 1] if lag else codes[used]
    occurs = np.bincount(seen, minlength=n_levels) > 0
    column = np.full(n_levels, -2, dtype=np.int64)
    column[occurs] = np.arange(int(occurs.sum())) - 1
    return column


def _dated(name: str, lag: bool) -> str:
    return f"lag({name})" if lag else name


def stretches(firm: IntArray, size: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of about `size` rows that hold whole firms."""
    start = 0
    while start < len(firm):
        stop = min(start + size, len(firm))
        if stop < len(firm):
            stop = int(np.searchsorted(firm, firm[stop - 1], side="right"))
        yield start, stop
        start = stop
