"""The rows of one group as the two stages of Gandhi, Navarro and Rivers need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.orthonormal import CollinearColumnError, orthonormal_transform
from estimation.productivity.common.failures import no_rows, refuse_constants
from estimation.productivity.common.inputs import Control, Inputs, distinct_firms, lag_status
from estimation.productivity.common.moments import C_BEFORE, FREE_BEFORE, MomentEquation
from estimation.productivity.gnr.surface import Rows, Surface, surface
from estimation.results import BoolArray, FloatArray, IntArray
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["Degrees", "Sample", "read_sample", "stretches_of"]

ROWS_PER_PARAMETER = 5
# Of the rows: with more shares above one than that, the column is hardly the log of a share.
ABOVE_ONE = 0.5
# Interquartile ranges from the median: farther off, a log share is hardly one.
FAR = 10

LAGGED = MomentEquation(regressors=(C_BEFORE,), instruments=(FREE_BEFORE, C_BEFORE))


@dataclass(frozen=True, slots=True)
class Degrees:
    """How rich the polynomials are: of the elasticity, of the constant of integration, of the process."""

    share: int
    rest: int
    markov: int


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The complete rows of a group, and those among them with a year before.

    Attributes
    ----------
    inputs : Inputs
        The group's n rows.
    shares : (n,) array
        The log of the flexible input's share in revenue; NaN where missing.
    at : (r,) integer array
        Positions in the group of the complete rows: those of the share equation.
    now : (s,) integer array
        Positions in `at` of the rows with a year before, which is the row above.
    firms : (G,) integer array
        Panel codes of the firms, ascending.
    firm : (r,) integer array
        Index into `firms`.
    log_share, output : (r,) arrays
    surface : Surface
    monomials : Rows
        At the complete rows.
    columns : (r, b) array
        The monomials of the share equation made orthonormal: ``columns = monomials.share.T @ transform``.
    transform : (b, b) array
    instruments : (s, q) array
        The monomials of the constant of integration with the free inputs of a year before.
    controls : (s, c) array
        Of the Markov process, the constant left out.
    slopes : (G, v, b + q) array
        Sums by firm of what multiplies the coefficients in the elasticities.
    notes : tuple of str
    """

    inputs: Inputs
    shares: FloatArray
    at: IntArray
    now: IntArray
    firms: IntArray
    firm: IntArray
    log_share: FloatArray
    output: FloatArray
    surface: Surface
    monomials: Rows
    columns: FloatArray
    transform: FloatArray
    instruments: FloatArray
    controls: FloatArray
    slopes: FloatArray
    notes: tuple[str, ...]

    @property
    def in_sample(self) -> BoolArray:
        """The rows of the group that either stage uses, (n,)."""
        rows = np.zeros(len(self.inputs.firm), dtype=bool)
        rows[self.at] = True
        return rows

    @property
    def in_second_stage(self) -> BoolArray:
        """The rows of the group with a year before, (n,)."""
        rows = np.zeros(len(self.inputs.firm), dtype=bool)
        rows[self.at[self.now]] = True
        return rows

    def of_firms(self, kept: BoolArray) -> Sample:
        """Return the sample without the rows of some firms; the monomials stay as they are.

        Parameters
        ----------
        kept : (G,) bool array
            Their `slopes` stay too: what is averaged over counts of zero is zero.
        """
        rows = kept[self.firm]
        place = np.cumsum(rows) - 1
        lagged = rows[self.now]
        share, integral, rest = self.monomials.share, self.monomials.integral, self.monomials.rest
        return replace(
            self,
            at=self.at[rows],
            now=place[self.now[lagged]],
            firm=self.firm[rows],
            log_share=self.log_share[rows],
            output=self.output[rows],
            monomials=Rows(share[:, rows], integral[:, rows], rest[:, rows]),
            columns=self.columns[rows],
            instruments=self.instruments[lagged],
            controls=self.controls[lagged],
        )


def read_sample(inputs: Inputs, log_share: FloatArray, use: BoolArray, degrees: Degrees, min_firms: int) -> Sample:
    """Collect the rows of a group.

    Parameters
    ----------
    inputs : Inputs
        Its n rows; `Inputs.complete` knows of the share.
    log_share : (n,) array
    use : (n,) bool array
        Rows that may take part.
    degrees : Degrees
    min_firms : int
        Firms with a year before that an estimate needs.

    Raises
    ------
    EstimationError
        If there are too few rows, an input does not vary, or the share is none.
    """
    current = use & inputs.complete
    both = current & lag_status(inputs, use).usable
    n_firms = distinct_firms(inputs.firm, both)
    _refuse_few(inputs, log_share, use, n_firms, min_firms)
    at = np.flatnonzero(current)
    names = (*inputs.roles.free, *inputs.roles.state, str(inputs.roles.proxy))
    assert inputs.proxy is not None
    values = [column[at] for column in (*inputs.free, *inputs.state, inputs.proxy)]
    refuse_constants([(inputs.roles.output, inputs.output[at]), *zip(names, values, strict=True)], slice(None))
    centre = np.array([column.mean() for column in values])
    shape = surface(names, degrees.share, degrees.rest, centre)
    monomials = shape.rows(values)
    now = np.flatnonzero(both[at])
    transform, columns = _orthonormal(shape, monomials.share, degrees.share, inputs.roles.state)
    n_free = len(inputs.free)
    lagged = [column[now - 1] for column in values[:n_free]]
    instruments = shape.rest_of([*lagged, *(column[now] for column in values[n_free:-1])]).T
    controls, constant = _controls(inputs.controls, at, now)
    parameters = len(shape.parameters) + 1 + degrees.markov + 1 + controls.shape[1]
    if len(now) < ROWS_PER_PARAMETER * parameters:
        raise EstimationError(
            f"{counted(len(now), 'row')} with a year before, where {parameters} parameters need "
            f"{ROWS_PER_PARAMETER * parameters} ({ROWS_PER_PARAMETER} each): fewer controls or lower degrees need less"
        )
    firms, firm = np.unique(inputs.firm[at], return_inverse=True)
    return Sample(
        inputs=inputs,
        shares=log_share,
        at=at,
        now=now,
        firms=firms,
        firm=firm,
        log_share=log_share[at],
        output=inputs.output[at],
        surface=shape,
        monomials=monomials,
        columns=columns,
        transform=transform,
        instruments=instruments,
        controls=controls,
        slopes=_slopes(shape, values, firm, len(firms)),
        notes=(
            *(f"control {name} is constant here and left out" for name in constant),
            *_shares(log_share[at], names[-1]),
        ),
    )


def stretches_of(n: int) -> list[slice]:
    """Return slices of at most 16,384 rows that cover n."""
    return [slice(start, min(start + 16_384, n)) for start in range(0, n, 16_384)]


def _refuse_few(inputs: Inputs, log_share: FloatArray, use: BoolArray, n_firms: int, min_firms: int) -> None:
    if n_firms < 2:
        share = (f"the share of {inputs.roles.proxy}", log_share)
        raise EstimationError(no_rows((LAGGED,), use, use & inputs.complete, n_firms, inputs, (share,)))
    if n_firms < min_firms:
        raise EstimationError(
            f"{counted(n_firms, 'firm')} with a year before, where min_firms asks for {min_firms}: "
            "min_firms can be lowered, but errors by firm mean little with few"
        )


def _orthonormal(
    shape: Surface, share: FloatArray, degree: int, states: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    try:
        transform = orthonormal_transform(share.T)
    except CollinearColumnError as error:
        name, powers = shape.share.terms[error.index], shape.share.exponents[error.index]
        if powers.sum() == 1:
            others = ", ".join(shape.inputs[: int(np.argmax(powers))])
            if name != shape.inputs[-1]:
                part = "state" if name in states else "free input"
                raise EstimationError(
                    f'the {part} "{name}" is a linear function of {others}: the two cannot have elasticities of their '
                    "own; leave one out, or add them up before taking logs"
                ) from None
            raise EstimationError(
                f'"{name}" is a linear function of {others}: the flexible input must vary given the others, because '
                "productivity moves it"
            ) from None
        raise EstimationError(
            f"the share polynomial of degree {degree} in ({', '.join(shape.inputs)}) is rank-deficient: {name} is a "
            "combination of the terms before it, which happens where an input takes few values; lower the degree"
        ) from None
    return transform, share.T @ transform


def _controls(controls: Sequence[Control], at: IntArray, now: IntArray) -> tuple[FloatArray, list[str]]:
    """Return the controls of t, and those of t-1 where they differ, as columns; and those that do not vary."""
    columns: list[FloatArray] = []
    constant: list[str] = []
    used = np.zeros(len(at), dtype=bool)
    used[now] = True
    for control in controls:
        chosen = control.take(at)
        if not chosen.varies(used):
            constant.append(control.name)
            continue
        for rows in (now, now - 1):
            part = chosen.take(rows)
            if part.values is not None:
                found = [part.values - part.values.mean()]
            else:
                assert part.codes is not None
                # One level is the base; that it is the commonest keeps the others' columns well apart.
                levels, counts = np.unique(part.codes, return_counts=True)
                found = [(part.codes == level).astype(float) for level in np.delete(levels, np.argmax(counts))]
            if rows is now or not _known(chosen, now):
                columns += found
    return np.column_stack(columns) if columns else np.zeros((len(now), 0)), constant


def _known(control: Control, now: IntArray) -> bool:
    """Whether the control of t-1 says nothing that the one of t does not: the same, or a year before."""
    if control.values is not None:
        return bool(np.array_equal(control.values[now], control.values[now - 1]))
    assert control.codes is not None
    change = control.codes[now] - control.codes[now - 1]
    return bool(np.all(change == change[0]))


def _slopes(shape: Surface, values: Sequence[FloatArray], firm: IntArray, n_firms: int) -> FloatArray:
    found = np.zeros((n_firms, len(values), len(shape.parameters)))
    for part in stretches_of(len(firm)):
        for index, slope in enumerate(shape.slopes([column[part] for column in values])):
            np.add.at(found[:, index], firm[part], slope.T)
    return found


def _shares(log_share: FloatArray, proxy: str) -> list[str]:
    above = int(np.count_nonzero(log_share > 0))
    if above > ABOVE_ONE * len(log_share):
        raise EstimationError(
            f"{above} of {len(log_share)} rows have a share of {proxy} in revenue above one (its log above zero): is "
            "it the share itself and not its log, or are the two measured in different money? "
            "Write share: the log of nominal expenditure over nominal revenue"
        )
    notes = []
    if above:
        notes.append(
            f"{above} of {counted(len(log_share), 'row')} {'has' if above == 1 else 'have'} a share of {proxy} in "
            "revenue above one; kept"
        )
    low, middle, high = np.quantile(log_share, [0.25, 0.5, 0.75])
    far = int(np.count_nonzero(np.abs(log_share - middle) > FAR * (high - low))) if high > low else 0
    if far:
        notes.append(
            f"{far} of {counted(len(log_share), 'row')} {'has' if far == 1 else 'have'} a share of {proxy} more than "
            f"{FAR} interquartile ranges from the median, in logs, and both stages follow such rows: is a decimal "
            "point in the wrong place? Mend them, or leave them out with where"
        )
    return notes
