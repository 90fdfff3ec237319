"""The columns of a production function as arrays, and which rows have what an equation needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.productivity.common.moments import Roles
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection, TextColumn
from specs.counting import counted
from specs.errors import EstimationError

__all__ = [
    "ROWS_AT_A_TIME",
    "Control",
    "Inputs",
    "LagStatus",
    "count_missing",
    "distinct_firms",
    "lag_status",
    "read_inputs",
]

OUTSIDE = "outside where"
ROWS_AT_A_TIME = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """A control: a number that enters as it is, or levels that enter as indicators.

    Attributes
    ----------
    name : str
    values : (n,) array or None
        A number, NaN where missing.
    codes : (n,) integer array or None
        Index into `labels`, -1 where missing.
    labels : tuple of str
    """

    name: str
    values: FloatArray | None
    codes: IntArray | None
    labels: tuple[str, ...] = ()

    def missing(self) -> BoolArray:
        """Return where the control has no value."""
        return np.isnan(self.values) if self.values is not None else _codes(self) < 0

    def take(self, kept: IntArray) -> Control:
        """Return only the rows at these positions; levels stay as they are."""
        values = None if self.values is None else self.values[kept]
        codes = None if self.codes is None else self.codes[kept]
        return Control(self.name, values, codes, self.labels)

    def varies(self, rows: BoolArray) -> bool:
        """Return whether two of these rows differ."""
        values = (self.values if self.values is not None else _codes(self))[rows]
        return bool(len(values)) and bool(np.any(values != values[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The columns of n rows, sorted by firm and year, each firm-year once.

    Attributes
    ----------
    roles : Roles
    firm, year : (n,) integer arrays
    output : (n,) array
    free, state : tuples of (n,) arrays
    proxy : (n,) array or None
    controls : tuple of Control
    has_inputs : (n,) bool array
        Rows with every column but the output and the weight.
    complete : (n,) bool array
        Rows with every column, and a weight above zero.
    prices, markov : tuples of (n,) arrays
    weights : (n,) array or None
    beside_survival : tuple of (n,) arrays
        What the probability of survival rests on beside the polynomial, NaN where missing.
    status : (n,) array or None
        Whether the firm is there in a later year: 1, 0, NaN where unknown. None without a survival correction.
    """

    roles: Roles
    firm: IntArray
    year: IntArray
    output: FloatArray
    free: tuple[FloatArray, ...]
    state: tuple[FloatArray, ...]
    proxy: FloatArray | None
    controls: tuple[Control, ...]
    has_inputs: BoolArray
    complete: BoolArray
    prices: tuple[FloatArray, ...] = ()
    markov: tuple[FloatArray, ...] = ()
    weights: FloatArray | None = None
    beside_survival: tuple[FloatArray, ...] = ()
    status: FloatArray | None = None

    def take(self, kept: IntArray) -> Inputs:
        """Return only the rows at these positions."""
        return Inputs(
            self.roles,
            self.firm[kept],
            self.year[kept],
            self.output[kept],
            tuple(values[kept] for values in self.free),
            tuple(values[kept] for values in self.state),
            None if self.proxy is None else self.proxy[kept],
            tuple(control.take(kept) for control in self.controls),
            self.has_inputs[kept],
            self.complete[kept],
            tuple(values[kept] for values in self.prices),
            tuple(values[kept] for values in self.markov),
            None if self.weights is None else self.weights[kept],
            tuple(values[kept] for values in self.beside_survival),
            None if self.status is None else self.status[kept],
        )

    @property
    def polynomial(self) -> tuple[FloatArray, ...]:
        """The inputs of the polynomial, as `Roles.polynomial` names them."""
        if self.proxy is None or not self.roles.degree:
            return ()
        return (*self.state, self.proxy, *self.prices, *self.markov)

    @property
    def technology(self) -> tuple[FloatArray, ...]:
        """The inputs of the production function, as `Roles.inputs` names them."""
        proxy = (self.proxy,) if self.prices and self.proxy is not None else ()
        return (*self.free, *self.state, *proxy)


@dataclass(frozen=True, slots=True, eq=False)
class LagStatus:
    """What a row's year before is.

    Attributes
    ----------
    adjacent : (n,) bool array
        The row above is the same firm, one year earlier.
    usable : (n,) bool array
        It is, it is used, and it is complete.
    """

    adjacent: BoolArray
    usable: BoolArray


def read_inputs(rows: Selection, roles: Roles) -> Inputs:
    """Take the columns of a production function from the panel, without copying them.

    Raises
    ------
    AssertionError
        If the rows are not sorted by firm and year, or a firm-year stands twice: the panel checks both.
    EstimationError
        If a weight is below zero.
    """
    same = rows.firm[1:] == rows.firm[:-1]
    assert np.all(np.where(same, rows.year[1:] > rows.year[:-1], rows.firm[1:] > rows.firm[:-1])), (
        "rows are sorted by firm and year, each once"
    )
    controls = tuple(_control(rows, name) for name in roles.controls)
    free = tuple(rows.number(name) for name in roles.free)
    state = tuple(rows.number(name) for name in roles.state)
    proxy = None if roles.proxy is None else rows.number(roles.proxy)
    prices = tuple(rows.number(name) for name in roles.prices)
    markov = tuple(rows.number(name) for name in roles.markov)
    output = rows.number(roles.output)
    has_inputs = np.ones(len(output), dtype=bool)
    for values in (*free, *state, *(() if proxy is None else (proxy,)), *prices, *markov):
        has_inputs &= ~np.isnan(values)
    for control in controls:
        has_inputs &= ~control.missing()
    complete = has_inputs & ~np.isnan(output)
    weights = None if roles.weights is None else rows.number(roles.weights)
    if weights is not None:
        below = int(np.count_nonzero(weights < 0))
        if below:
            raise EstimationError(
                f'the weight "{roles.weights}" is below zero in {counted(below, "row")}: is it the right column?'
            )
        complete &= weights > 0
    return Inputs(
        roles, rows.firm, rows.year, output, free, state, proxy, controls, has_inputs, complete,
        prices, markov, weights,
        tuple(rows.number(name) for name in roles.survival or ()),
    )  # fmt: skip


def lag_status(inputs: Inputs, use: BoolArray) -> LagStatus:
    """Say which rows have a year before; a gap of years, or a row that is not used, gives none.

    Parameters
    ----------
    inputs : Inputs
    use : (n,) bool array
        Rows that take part.
    """
    adjacent = np.zeros(len(use), dtype=bool)
    # A stretch at a time: no copy of the years as long as the panel.
    for start in range(1, len(use), ROWS_AT_A_TIME):
        now = slice(start, start + ROWS_AT_A_TIME)
        before = slice(start - 1, min(start + ROWS_AT_A_TIME, len(use)) - 1)
        adjacent[now] = inputs.firm[now] == inputs.firm[before]
        adjacent[now] &= inputs.year[now] == inputs.year[before] + 1
    usable = adjacent.copy()
    # Nothing is used of an incomplete row: it is as if it had been left out of the panel beforehand.
    usable[1:] &= (use & inputs.complete)[:-1]
    return LagStatus(adjacent, usable)


def count_missing(rows: Selection, names: Sequence[str], use: BoolArray, weights: str | None = None) -> dict[str, int]:
    """Count the rows outside `where`, then those with a missing value by the first column that lacks it.

    Parameters
    ----------
    rows : Selection
    names : sequence of str
    use : (n,) bool array
        Rows that `where` keeps.
    weights : str, optional
        A column that leaves rows out where it is zero.
    """
    counts = {OUTSIDE: int(np.count_nonzero(~use))}
    left = use.copy()
    for name in names:
        lacks = left & rows.columns[name].missing()
        counts[f"missing {name}"] = int(np.count_nonzero(lacks))
        left &= ~lacks
    if weights is not None:
        counts[f"{weights} is zero"] = int(np.count_nonzero(left & (rows.number(weights) == 0)))
    return {reason: count for reason, count in counts.items() if count}


def distinct_firms(firm: IntArray, rows: BoolArray) -> int:
    """Count the firms behind these rows, which are sorted by firm."""
    count, last = 0, -1
    for start in range(0, len(firm), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        codes = firm[part][rows[part]]
        if len(codes):
            count += int(np.count_nonzero(codes[1:] != codes[:-1])) + int(codes[0] != last)
            last = int(codes[-1])
    return count


def _control(rows: Selection, name: str) -> Control:
    column = rows.columns[name]
    if isinstance(column, TextColumn):
        return Control(name, None, column.codes, column.levels)
    if rows.is_year(name):
        first = int(rows.year.min()) if len(rows.year) else 0
        last = int(rows.year.max()) if len(rows.year) else 0
        return Control(name, None, rows.year - first, tuple(str(year) for year in range(first, last + 1)))
    return Control(name, column.values, None)


def _codes(control: Control) -> IntArray:
    assert control.codes is not None
    return control.codes
