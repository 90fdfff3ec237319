"""The two equations of system GMM as columns, chunk by chunk: differences and levels of a dynamic equation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from estimation.cross_products import Chunk, Equation, cross_products
from estimation.productivity.common.inputs import Inputs, lag_status
from estimation.productivity.common.system import BLOCK_VALUES, stretches
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["DynamicSystem", "build_dynamic_system", "years_before"]

CONSTANT = "1"


def years_before(inputs: Inputs, use: BoolArray) -> IntArray:
    """Return how many consecutive usable years stand before each row, (n,); zero for a row that is not usable."""
    current = use & inputs.complete
    follows = current & lag_status(inputs, use).usable
    place = np.arange(len(use))
    start: IntArray = np.maximum.accumulate(np.where(follows, 0, place)) if len(use) else place
    return place - start


def rows_back(inputs: Inputs, use: BoolArray, lag: int) -> IntArray:
    """Return the usable row of the same firm `lag` years before each row, (n,), whatever lies between; -1 for none."""
    usable = np.flatnonzero(use & inputs.complete)
    if not len(usable):
        return np.full(len(use), -1)
    # Firms stand so far apart that a year before the first meets nobody.
    span = int(np.ptp(inputs.year)) + lag + 1
    key: IntArray = inputs.firm.astype(np.int64) * span + (inputs.year - inputs.year.min())
    wanted = key - lag
    found = usable[np.minimum(np.searchsorted(key[usable], wanted), len(usable) - 1)]
    return np.where(key[found] == wanted, found, -1)


@dataclass(frozen=True, slots=True, eq=False)
class DynamicSystem:
    """The equations in differences and in levels, on the rows with enough years before.

    Attributes
    ----------
    inputs : Inputs
    rows : (n,) bool array
        Rows that both equations use.
    depth : (n,) integer array
        Consecutive years before each row.
    lags : tuple of (int, int)
    past : tuple of (n,) integer arrays
        By lag, the row that holds it; -1 where there is none.
    years : tuple of int
        The years that have instruments of their own; empty for collapsed ones.
    centre : (p + 1,) array
        What is subtracted from levels of y, l and k in the second equation.
    means : (lags, years or 1, p + 1) array
        What is subtracted from the instruments of the first equation.
    controls : tuple of (name, level or None)
        The columns of the controls that are kept: a number, or the indicator of a level.
    control_means : mapping of str to float
        What is subtracted from the controls that are numbers.
    left_out : tuple of str
        Columns of the controls that others span.
    earlier : tuple of (name, level)
        Levels that stand only in years before a row: the year before the first. Their effects move the differences
        alone, where their own differences instrument them; held at zero they would say that the first year's change
        is none but the base's, and the estimate would hang on which level that is.
    """

    inputs: Inputs
    rows: BoolArray
    depth: IntArray
    lags: tuple[int, int]
    past: tuple[IntArray, ...]
    years: tuple[int, ...]
    centre: FloatArray
    means: FloatArray
    controls: tuple[tuple[str, int | None], ...]
    control_means: Mapping[str, float]
    left_out: tuple[str, ...] = ()
    earlier: tuple[tuple[str, int | None], ...] = ()
    equations: tuple[Equation, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "equations", (self._differences(), self._levels()))

    @property
    def regressors(self) -> tuple[str, ...]:
        """The coefficients of the unrestricted equation: rho, then each input's and its lag's."""
        roles = self.inputs.roles
        names = (*roles.free, *roles.state)
        return (f"lag({roles.output})", *names, *(f"lag({name})" for name in names))

    def control_names(self) -> tuple[str, ...]:
        """Return the kept columns of the controls, those of earlier years alone at the end."""
        return (*self._named(self.controls), *self._named(self.earlier))

    def _named(self, columns: Sequence[tuple[str, int | None]]) -> tuple[str, ...]:
        labels = {control.name: control.labels for control in self.inputs.controls}
        return tuple(name if level is None else f"{name}[{labels[name][level]}]" for name, level in columns)

    def chunks(self) -> Iterator[Chunk]:
        """Yield whole firms with the columns of both equations."""
        size = max(BLOCK_VALUES // max(len(equation.columns) for equation in self.equations), 256)
        for start, stop in stretches(self.inputs.firm, size):
            rows = np.flatnonzero(self.rows[start:stop])
            if len(rows):
                at = rows + start
                blocks = (self._block_of_differences(at), self._block_of_levels(at))
                yield Chunk(self.inputs.firm[start:stop], (rows, rows), blocks)

    def residuals(self, at: IntArray, coefficients: FloatArray, controls: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the differenced residuals of rows, and the differenced regressors, (r,) and (P, r)."""
        block = self._regressors_of_differences(at)
        x, y = block[:-1], block[-1]
        residuals: FloatArray = y - np.concatenate([coefficients, controls]) @ x
        return residuals, x

    def _differences(self) -> Equation:
        names, earlier, controls = self._instruments(), self._named(self.earlier), self._named(self.controls)
        regressors = (*earlier, *self.regressors, *controls)
        columns = (*names, *(f"D {name}" for name in regressors), "D y")
        optional = frozenset(columns[: len(names) + len(earlier)])
        return Equation("1", columns, len(names) + len(earlier), (*[None] * len(names), *regressors), optional)

    def _levels(self) -> Equation:
        roles = self.inputs.roles
        columns = (roles.output, *roles.free, *roles.state)
        back = self.lags[0] - 1
        own = tuple(f"D {name}(t-{back}){date}" for date in self._dates() for name in columns)
        controls = self._named(self.controls)
        return Equation(
            "2",
            (CONSTANT, *controls, *own, *self.regressors, "y"),
            1 + len(controls) + len(own),
            (CONSTANT, *controls, *[None] * len(own), *self.regressors),
            frozenset((*controls, *own)),
        )

    def _instruments(self) -> tuple[str, ...]:
        roles = self.inputs.roles
        columns = (roles.output, *roles.free, *roles.state)
        first, last = self.lags
        return tuple(
            f"{name}(t-{lag}){date}" for lag in range(first, last + 1) for date in self._dates() for name in columns
        )

    def _dates(self) -> list[str]:
        return [f" {year}" for year in self.years] or [""]

    def _values(self, at: IntArray) -> FloatArray:
        """Return y, l and k of rows, (p + 1, r)."""
        inputs = self.inputs
        return np.stack([column[at] for column in (inputs.output, *inputs.free, *inputs.state)])

    def _by_year(self, values: FloatArray, at: IntArray) -> FloatArray:
        """Return the columns once for each year, zero in the others; as they are where instruments are collapsed."""
        if not self.years:
            return values
        year = self.inputs.year[at]
        return np.concatenate([np.where(year == one, values, 0.0) for one in self.years])

    def _block_of_differences(self, at: IntArray) -> FloatArray:
        first, last = self.lags
        held: list[FloatArray] = []
        year = self.inputs.year[at]
        for number in range(last - first + 1):
            back = self.past[number][at]
            there = back >= 0
            mean = self.means[number]
            middle = mean[np.searchsorted(self.years, year)] if self.years else mean[:1]
            # A lag that does not exist takes part as its mean: zero.
            values = np.where(there, self._values(np.where(there, back, at)) - middle.T, 0.0)
            held.append(self._by_year(values, at))
        own = self._regressors_of_differences(at)
        first_earlier = len(own) - 1 - len(self.earlier)
        earlier = own[first_earlier:-1]
        return np.concatenate([*held, earlier, own[:first_earlier], own[-1:]])

    def _regressors_of_differences(self, at: IntArray) -> FloatArray:
        now = self._values(at) - self._values(at - 1)
        before = self._values(at - 1) - self._values(at - 2)
        columns = (*self.controls, *self.earlier)
        controls = self._controls(columns, at) - self._controls(columns, at - 1)
        return np.concatenate([before[:1], now[1:], before[1:], controls, now[:1]])

    def _block_of_levels(self, at: IntArray) -> FloatArray:
        back = self.lags[0] - 1
        moved = self._values(at - back) - self._values(at - back - 1)
        now, before = self._values(at) - self.centre[:, None], self._values(at - 1) - self.centre[:, None]
        own = self._by_year(moved, at)
        regressors = [before[:1], now[1:], before[1:]]
        controls = self._controls(self.controls, at)
        return np.concatenate([np.ones((1, len(at))), controls, own, *regressors, now[:1]])

    def _controls(self, columns: Sequence[tuple[str, int | None]], at: IntArray) -> FloatArray:
        by_name = {control.name: control for control in self.inputs.controls}
        out = np.empty((len(columns), len(at)))
        for row, (name, level) in enumerate(columns):
            control = by_name[name]
            if level is None:
                assert control.values is not None
                out[row] = control.values[at] - self.control_means[name]
            else:
                assert control.codes is not None
                out[row] = control.codes[at] == level
        return out


def build_dynamic_system(
    inputs: Inputs, use: BoolArray, lags: tuple[int, int], collapse: bool
) -> tuple[DynamicSystem, tuple[str, ...]]:
    """Lay out the equations.

    Parameters
    ----------
    inputs : Inputs
        The n rows, with controls.
    use : (n,) bool array
        Rows that may take part.
    lags : tuple of (int, int)
    collapse : bool

    Returns
    -------
    system : DynamicSystem
    constant : tuple of str
        Controls that do not vary in its rows.
    """
    depth = years_before(inputs, use)
    rows = depth >= lags[0]
    at = np.flatnonzero(rows)
    values = np.stack([inputs.output, *inputs.free, *inputs.state])
    years = () if collapse else tuple(np.unique(inputs.year[at]).tolist())
    means = np.zeros((lags[1] - lags[0] + 1, max(len(years), 1), len(values)))
    past = tuple(rows_back(inputs, use, lag) for lag in range(lags[0], lags[1] + 1))
    for number, back in enumerate(past):
        there = at[back[at] >= 0]
        for place, year in enumerate(years or (None,)):
            own_rows = there if year is None else there[inputs.year[there] == year]
            if len(own_rows):
                means[number, place] = values[:, back[own_rows]].mean(axis=1)
    constant = tuple(control.name for control in inputs.controls if not control.varies(rows))
    numbers: list[tuple[str, int | None]] = []
    levels: list[tuple[str, int | None]] = []
    earlier: list[tuple[str, int | None]] = []
    for control in inputs.controls:
        if control.name in constant:
            continue
        if control.codes is None:
            numbers.append((control.name, None))
        else:
            # The first level that occurs is the base.
            there = np.unique(control.codes[at])
            levels += [(control.name, int(level)) for level in there[1:]]
            earlier += [(control.name, int(level)) for level in np.setdiff1d(control.codes[at - 1], there)]
    # Levels first, so that a number which they span is seen to be spanned.
    controls = [*levels, *numbers]
    centre = values[:, at].mean(axis=1)
    own = {one.name: float(one.values[at].mean()) for one in inputs.controls if one.values is not None}
    system = DynamicSystem(
        inputs, rows, depth, lags, past, years, centre, means, tuple(controls), own, earlier=tuple(earlier)
    )
    spanned = _spanned_controls(system, "2", (CONSTANT, *system._named(controls)))
    system = replace(system, controls=_without(system, controls, spanned), left_out=spanned)
    alone = tuple(f"D {name}" for name in system._named(earlier))
    gone = tuple(name.removeprefix("D ") for name in _spanned_controls(system, "1", alone))
    return replace(system, earlier=_without(system, earlier, gone)), constant


def _without(
    system: DynamicSystem, columns: Sequence[tuple[str, int | None]], spanned: Sequence[str]
) -> tuple[tuple[str, int | None], ...]:
    named = zip(columns, system._named(columns), strict=True)
    return tuple(column for column, name in named if name not in spanned)


def _spanned_controls(system: DynamicSystem, number: str, names: Sequence[str]) -> tuple[str, ...]:
    """Find which of an equation's columns of controls those before them span: they leave both equations."""
    if not names or names == (CONSTANT,):
        return ()
    which = int(number) - 1
    equation = system.equations[which]
    place = [equation.columns.index(name) for name in names]
    alone = Equation(number, (*names, "y"), len(names), tuple(names), frozenset(names) - {CONSTANT})

    def chunks() -> Iterator[Chunk]:
        for chunk in system.chunks():
            block = chunk.blocks[which]
            yield Chunk(chunk.firm, chunk.rows[which : which + 1], (block[[*place, -1]],))

    return cross_products((alone,), chunks).left_out[0]
