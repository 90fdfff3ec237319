"""From symbols to columns: the instruments and regressors of a group's equations, chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.cross_products import Chunk, Equation
from estimation.polynomial import Polynomial, standardised_polynomial, without_powers
from estimation.productivity.common.inputs import ROWS_AT_A_TIME, Control, Inputs
from estimation.productivity.common.moments import (
    C_BEFORE,
    C_NOW,
    FREE,
    FREE_BEFORE,
    PRICES,
    PROXY,
    STATE,
    MomentEquation,
    term_name,
    terms_of,
)
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["PHI", "SURVIVAL", "System", "build_system", "stretches"]

# Values in one block of columns: small enough to stay in a processor's cache.
BLOCK_VALUES = 200_000

PHI = "phi"
SURVIVAL = "P"
"""The probability of survival among the inputs of the polynomial."""

# Instruments stand first, in this order, excluded ones last; then regressors that are none.
ORDER = (C_NOW, C_BEFORE, STATE, FREE, FREE_BEFORE, PRICES, PROXY)
Fill = Callable[[FloatArray, IntArray, int, FloatArray], None]


@dataclass(frozen=True, slots=True)
class _Part:
    """Neighbouring columns of an equation: their names, and how a chunk's rows are written into them.

    `fill(out, at, start, monomials)` writes rows `at` (positions in the panel), whose chunk begins at
    `start` and has these monomials. The columns in `optional` are left out where those before them span them.
    """

    columns: tuple[str, ...]
    parameters: tuple[str | None, ...]
    fill: Fill
    lag: bool = False
    optional: frozenset[str] = frozenset()
    before: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """The equations of one group of rows.

    Attributes
    ----------
    inputs : Inputs
    polynomial : Polynomial
        Of C(t).
    before : Polynomial
        Of C(t-1): the same, unless values of t or the probability of survival stand in it.
    before_inputs : tuple of (n,) arrays
        Its inputs, at the row of t-1.
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
    root_weights : (n,) array or None
        The root of each row's weight, of mean one over the rows used; instruments, regressors and the outcome
        are multiplied by it, which weighs every row's moments.
    """

    inputs: Inputs
    polynomial: Polynomial
    before: Polynomial
    before_inputs: tuple[FloatArray, ...]
    equations: tuple[Equation, ...]
    rows: tuple[BoolArray, ...]
    centre: dict[str, float]
    scale: dict[str, float]
    levels: dict[str, IntArray]
    constant_controls: tuple[str, ...]
    parts: tuple[tuple[_Part, ...], ...]
    root_weights: FloatArray | None = None

    def chunks(self) -> Iterator[Chunk]:
        """Yield whole firms with the columns of every equation."""
        firm = self.inputs.firm
        size = max(BLOCK_VALUES // max(len(equation.columns) for equation in self.equations), 256)
        for start, stop in stretches(firm, size):
            # Equations that share their rows share the positions too: what is made of them is made once.
            found = {id(used): np.flatnonzero(used[start:stop]) for used in self.rows}
            rows = tuple(found[id(used)] for used in self.rows)
            if not any(len(positions) for positions in rows):
                continue
            now = self.monomials(start, stop)
            before = now if self.before is self.polynomial else self.monomials_before(start, stop)
            blocks = tuple(
                self.block(equation, positions + start, start, (now, before)) for equation, positions in enumerate(rows)
            )
            yield Chunk(firm[start:stop], rows, blocks)

    def monomials(self, start: int, stop: int) -> FloatArray:
        """Return the monomials of C(t) of the panel's rows from start to stop, (b, stop - start)."""
        inputs = [values[start:stop] for values in self.inputs.polynomial]
        return self.polynomial.evaluate(inputs) if inputs else np.ones((1, stop - start))

    def monomials_before(self, start: int, stop: int) -> FloatArray:
        """Return the monomials of C(t-1), each at its row of t-1."""
        return self.before.evaluate([values[start:stop] for values in self.before_inputs])

    def block(self, equation: int, at: IntArray, start: int, monomials: tuple[FloatArray, FloatArray]) -> FloatArray:
        """Return the columns of an equation, (c, n).

        Parameters
        ----------
        equation : int
        at : (n,) integer array
            Rows of the equation, by their position in the panel.
        start : int
            Where the rows begin that the monomials were evaluated on.
        monomials : tuple of arrays
            Of C(t) and of C(t-1).
        """
        parts = self.parts[equation]
        out = np.empty((sum(len(part.columns) for part in parts), len(at)))
        row = 0
        for part in parts:
            height = len(part.columns)
            # Sorted firm-years: where a year before exists, it is the row above.
            part.fill(out[row : row + height], at - 1 if part.lag else at, start, monomials[part.before])
            row += height
        if self.root_weights is not None:
            out *= self.root_weights[at]
        return out


def build_system(
    inputs: Inputs,
    moments: Sequence[MomentEquation],
    current: BoolArray,
    lagged: BoolArray,
    common: bool,
    survival: FloatArray | None = None,
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
    survival : (n,) array, optional
        The probability to survive from a row's year to the next.

    Raises
    ------
    DegenerateInputError
        If an input of the polynomial does not vary, or only with the others.
    """
    both = current & lagged
    needs_lag = [equation.lags or (common and any(other.lags for other in moments)) for equation in moments]
    rows = tuple(both if lag else current for lag in needs_lag)
    wide = both if all(needs_lag) else current
    columns = _Columns(inputs, wide, rows)
    roles = inputs.roles
    markov = range(len(roles.polynomial) - len(roles.markov), len(roles.polynomial))
    polynomial = _polynomial(roles.polynomial, inputs.polynomial, roles.degree, wide, markov)
    before, before_inputs = polynomial, inputs.polynomial
    if roles.markov_current or survival is not None:
        before, before_inputs = _polynomial_before(inputs, both, survival)

    def parts_of(moment: MomentEquation, index: int) -> tuple[list[_Part], list[_Part]]:
        """The instruments, and the regressors that are none."""
        instruments: list[_Part] = []
        others: list[_Part] = []
        for block in ORDER:
            place = instruments if block in moment.instruments else others
            if block not in (*moment.instruments, *moment.regressors):
                continue
            if block == C_NOW:
                place += columns.big_c(polynomial, PHI, index)
            elif block == C_BEFORE:
                place += columns.big_c(before, f"lambda{index + 1}", index, lag=True)
            else:
                regressor = block in moment.regressors
                place += [columns.term(one, regressor, block == FREE_BEFORE) for one in terms_of(block, roles)]
        return instruments, others

    laid: list[tuple[_Part, ...]] = []
    equations: list[Equation] = []
    for index, moment in enumerate(moments):
        instruments, others = parts_of(moment, index)
        outcome = columns.number(roles.output, None)
        everything = [part for part in (*instruments, *others, outcome) if part.columns]
        names = tuple(column for part in everything for column in part.columns)
        parameters = tuple(parameter for part in everything for parameter in part.parameters)
        equations.append(
            Equation(
                name=str(index + 1),
                columns=names,
                n_instruments=sum(len(part.columns) for part in instruments),
                parameters=parameters[:-1],
                optional=frozenset(column for part in everything for column in part.optional),
            )
        )
        laid.append(tuple(everything))
    return System(
        inputs=inputs,
        polynomial=polynomial,
        before=before,
        before_inputs=before_inputs,
        equations=tuple(equations),
        rows=rows,
        centre=columns.centre,
        scale=columns.scale,
        levels=columns.levels,
        constant_controls=tuple(control.name for control in inputs.controls if control not in columns.varying),
        parts=tuple(laid),
        root_weights=_root_weights(inputs, wide),
    )


class _Columns:
    """The columns of the equations, made of centred numbers and of levels."""

    def __init__(self, inputs: Inputs, wide: BoolArray, rows: Sequence[BoolArray]) -> None:
        roles = inputs.roles
        self.rows = rows
        self.free = frozenset(roles.free)
        self.numbers = dict(zip(roles.inputs, inputs.technology, strict=True))
        self.numbers |= dict(zip(roles.prices, inputs.prices, strict=True))
        self.numbers |= {control.name: control.values for control in inputs.controls if control.values is not None}
        self.numbers[roles.output] = inputs.output
        means = _mean(tuple(self.numbers.values()), wide).tolist()
        self.centre = dict(zip(self.numbers, means, strict=True))
        self.scale = {
            control.name: float(np.sqrt(_mean_and_covariance((control.values,), wide)[1][0, 0])) or 1.0
            for control in inputs.controls
            if control.values is not None
        }
        self.varying = [control for control in inputs.controls if control.varies(wide)]
        self.markov = frozenset((*roles.markov, *(f"lead({name})" for name in roles.markov)))
        self.levels: dict[str, IntArray] = {}

    def number(self, name: str, parameter: str | None, lag: bool = False, optional: bool = False) -> _Part:
        values, middle, spread = self.numbers[name], self.centre[name], self.scale.get(name, 1.0)

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            np.subtract(values[at], middle, out=out[0])
            if spread != 1.0:
                out[0] /= spread

        dated = _dated(name, lag)
        return _Part((dated,), (parameter,), fill, lag, frozenset([dated] if optional else []))

    def term(self, factors: Sequence[str], regressor: bool, lag: bool) -> _Part:
        """A term of the production function; with `lag` its free inputs are those of the year before."""
        parameter = term_name(factors) if regressor else None
        if len(factors) == 1:
            return self.number(factors[0], parameter, lag)
        values = [self.numbers[name] for name in factors]
        middle = [self.centre[name] for name in factors]
        back = [1 if lag and name in self.free else 0 for name in factors]

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            np.subtract(values[0][at - back[0]], middle[0], out=out[0])
            out[0] *= values[1][at - back[1]] - middle[1]

        name = term_name([_dated(one, bool(shift)) for one, shift in zip(factors, back, strict=True)])
        return _Part((name,), (parameter,), fill)

    def control(self, which: Control, prefix: str, used: BoolArray, lag: bool, keep: bool = False) -> _Part:
        if which.values is not None:
            return self.number(which.name, f"{prefix}[{_dated(which.name, lag)}]", lag, optional=True)
        assert which.codes is not None
        column = _columns_of_levels(which.codes, len(which.labels), used, lag)
        if keep:
            self.levels[which.name] = column
        names = [f"{which.name}[{label}]" for label, at in zip(which.labels, column, strict=True) if at >= 0]
        codes = which.codes

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            out.fill(0.0)
            place = column[codes[at]]
            there = np.flatnonzero(place >= 0)
            out[place[there], there] = 1.0

        dated = tuple(_dated(name, lag) for name in names)
        return _Part(dated, tuple(f"{prefix}[{name}]" for name in dated), fill, lag, frozenset(dated))

    def big_c(self, polynomial: Polynomial, prefix: str, index: int, lag: bool = False) -> list[_Part]:
        """C of an equation: the polynomial, then the controls, with those of t beside those of t-1."""
        used = self.rows[index]
        terms = tuple(_dated(term, lag) for term in polynomial.terms)
        # A status that never ends makes its own products with the year before: what they repeat is left out.
        which = [number for number, name in enumerate(polynomial.inputs) if name in self.markov]
        own = [any(powers[number] for number in which) for powers in polynomial.exponents]
        optional = frozenset(term for term, markov in zip(terms, own, strict=True) if markov)

        def fill(out: FloatArray, at: IntArray, start: int, monomials: FloatArray) -> None:
            np.take(monomials, at - start, axis=1, out=out, mode="clip")

        parameters = tuple(f"{prefix}[{term}]" for term in terms)
        parts = [_Part(terms, parameters, fill, lag, optional, before=lag)]
        # Levels first: their indicators are far apart, so that a number which they span (a trend beside years) is seen
        # to be spanned. Behind numbers that hardly differ (a trend and its square) rounding would hide it.
        for numbers in (False, True):
            own_kind = [which for which in self.varying if (which.values is not None) == numbers]
            parts += [self.control(which, prefix, used, lag, keep=prefix == PHI) for which in own_kind]
            if lag:
                parts += [self.control(which, prefix, used, lag=False) for which in own_kind]
        return parts


def _polynomial(
    names: Sequence[str], inputs: Sequence[FloatArray], degree: int, rows: BoolArray, binary: Sequence[int] = ()
) -> Polynomial:
    mean, covariance = _mean_and_covariance(inputs, rows)
    polynomial = standardised_polynomial(names, degree if names else 0, mean, covariance)
    return without_powers(polynomial, [which for which in binary if _is_binary(inputs[which], rows)])


def _polynomial_before(
    inputs: Inputs, both: BoolArray, survival: FloatArray | None
) -> tuple[Polynomial, tuple[FloatArray, ...]]:
    """The polynomial of C(t-1) that has more inputs than C(t)'s, and its inputs at the row of t-1."""
    roles = inputs.roles
    names, values = list(roles.polynomial), list(inputs.polynomial)
    if roles.markov_current:
        for name, column in zip(roles.markov, inputs.markov, strict=True):
            names.append(f"lead({name})")
            values.append(np.append(column[1:], np.nan))
    if survival is not None:
        names.append(SURVIVAL)
        values.append(survival)
    rows = np.append(both[1:], False)
    first = len(roles.polynomial) - len(roles.markov)
    last = first + len(roles.markov) * (2 if roles.markov_current else 1)
    return _polynomial(names, values, roles.degree, rows, range(first, last)), tuple(values)


def _is_binary(values: FloatArray, rows: BoolArray) -> bool:
    """Whether a column has two values, 0 and 1 or any other two: its powers are linear in it."""
    seen = values[rows]
    return bool(len(seen)) and bool(np.all((seen == seen.min()) | (seen == seen.max())))


def _root_weights(inputs: Inputs, rows: BoolArray) -> FloatArray | None:
    if inputs.weights is None:
        return None
    mean = float(np.mean(inputs.weights[rows])) if rows.any() else 1.0
    return np.sqrt(np.where(np.isnan(inputs.weights), 0.0, inputs.weights) / mean)


def _mean_and_covariance(columns: Sequence[FloatArray], rows: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean (v,) and the covariance (v, v) of these rows, a stretch at a time, mean first."""
    mean = _mean(columns, rows)
    products = np.zeros((len(columns), len(columns)))
    for part, at in _stretches_of(rows) if columns else ():
        deviations = np.stack([values[part][at] for values in columns]) - mean[:, None]
        products += deviations @ deviations.T
    return mean, products / max(int(np.count_nonzero(rows)), 1)


def _mean(columns: Sequence[FloatArray], rows: BoolArray) -> FloatArray:
    """Return the mean (v,) of these rows."""
    total = np.zeros(len(columns))
    for part, at in _stretches_of(rows):
        total += [float(np.sum(values[part][at])) for values in columns]
    return total / max(int(np.count_nonzero(rows)), 1)


def _stretches_of(rows: BoolArray) -> Iterator[tuple[slice, IntArray]]:
    """Yield stretches of the panel, and where in each of them these rows are."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        yield part, np.flatnonzero(rows[part])


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
