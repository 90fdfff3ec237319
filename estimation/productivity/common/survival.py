"""The probability that a firm is still there in a later year, given what is known a year before: Olley and Pakes'
correction for exit.

References
----------
Olley, G. S. and Pakes, A. (1996). The dynamics of productivity in the telecommunications equipment industry.
Econometrica 64(6), 1263-1297.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

from estimation.least_squares import dependences
from estimation.polynomial import DegenerateInputError, standardised_polynomial
from estimation.probit import ProbitFit, SeparationError, probit
from estimation.productivity.common.inputs import Inputs
from estimation.productivity.common.moments import Roles
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = [
    "Survival",
    "polynomial_regressors",
    "rows_of_survival",
    "survival_probability",
    "survival_status",
    "with_status",
    "without_probability",
]

YEARS_SHOWN = 6
# One row is its own mean.
FEWEST_ROWS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """A probit of survival, and what it says of every row.

    Attributes
    ----------
    probability : (n,) array
        That the firm is still there in a later year; NaN where a regressor is missing.
    density : (n,) array
        Its derivative with respect to the index: d probability / d gamma = density x regressors.
    regressors : (n, k) array
        Without the columns that others span.
    rows : (n,) bool array
        Rows that the probit rests on.
    outcome : (n,) array
        1 still there, 0 gone, NaN where unknown.
    fit : ProbitFit
        On these rows.
    firms, influence : (G,) integer array and (G, k) array
        The firms' influence functions of gamma.
    exits : int
        Firms that leave.
    """

    probability: FloatArray
    density: FloatArray
    regressors: FloatArray
    rows: BoolArray
    outcome: FloatArray
    fit: ProbitFit
    firms: IntArray
    influence: FloatArray
    exits: int

    def reweighted(self, weights: FloatArray) -> FloatArray:
        """Return the probability of every row with other weights on the rows that it rests on, (n,).

        Parameters
        ----------
        weights : (n,) array
            None below zero.

        Raises
        ------
        SeparationError
            If there is no maximum, or no row with weight of one of the outcomes.
        """
        outcome, chosen = self.outcome[self.rows], weights[self.rows]
        if not 0 < chosen @ outcome < chosen.sum():
            raise SeparationError(len(chosen))
        return np.asarray(ndtr(self.regressors @ self.fit.reweighted(chosen)))


def with_status(inputs: Inputs, rows: Selection) -> Inputs:
    """Return the inputs with `survival_status` of every row, where they ask for a correction for exit.

    Parameters
    ----------
    inputs : Inputs
        All n rows of the panel.
    rows : Selection
        The same rows, with the column of the exit flag.

    Raises
    ------
    EstimationError
        If the flag contradicts the panel.
    """
    roles = inputs.roles
    if roles.survival is None:
        return inputs
    flag = None if roles.exit is None else rows.number(roles.exit)
    # Any row is a sign of life, whether or not it takes part.
    anywhere = np.ones(len(rows.firm), dtype=bool)
    return replace(inputs, status=survival_status(rows.firm, rows.year, anywhere, flag, roles.exit or ""))


def without_probability(fit: ProductivityFit, roles: Roles) -> tuple[str, ...]:
    """Say of rows in equation 1 alone that nothing tells whether their firm would survive to them.

    Parameters
    ----------
    fit : ProductivityFit
        With the rows of both equations.
    roles : Roles
    """
    lost = fit.equations["2"].dropped
    return tuple(
        f"{counted(count, 'row stands', 'rows stand')} in equation 1 alone: the year before lacks {name} for the "
        "probability of survival"
        for name in roles.survival or ()
        if (count := lost.get(f"missing {name} in the year before", 0))
    )


def survival_status(
    firm: IntArray, year: IntArray, use: BoolArray, exit_flag: FloatArray | None = None, exit_name: str = "exit"
) -> FloatArray:
    """Say of every row whether its firm is there in a later year.

    Parameters
    ----------
    firm, year : (n,) integer arrays
        Of the whole panel, sorted, each firm-year once: a firm that changes its group does not leave.
    use : (n,) bool array
        Rows that count as a sign of life, with or without missing values.
    exit_flag : (n,) array, optional
        1 in a firm's last year, 0 else.
    exit_name : str
        Its column.

    Returns
    -------
    (n,) array
        1, 0, or NaN: rows that are not used, and those of the panel's last year.

    Raises
    ------
    EstimationError
        If the flag contradicts the panel.
    """
    status = np.full(len(firm), np.nan)
    at = np.flatnonzero(use)
    if not len(at):
        return status
    code, when = firm[at], year[at]
    last_row = np.concatenate((code[1:] != code[:-1], [True]))
    before = when < when.max()
    if exit_flag is not None:
        _agree(exit_flag[at], exit_name, last_row, before, when)
    status[at[before]] = np.where(last_row[before], 0.0, 1.0)
    return status


def _agree(flag: FloatArray, name: str, last_row: BoolArray, before: BoolArray, year: IntArray) -> None:
    known = ~np.isnan(flag)
    odd = known & (flag != 0) & (flag != 1)
    if odd.any():
        raise EstimationError(
            f'the exit flag "{name}" holds {float(flag[odd][0]):g}: it is 1 in a firm\'s last year and 0 before'
        )
    if not known.any():
        raise EstimationError(
            f'the exit flag "{name}" has no value in any row: is it the right column? Leave it out, and a firm exits '
            "after its last row"
        )
    early, silent = (flag == 1) & ~last_row, (flag != 1) & last_row & before
    if silent.any() and not (flag == 1).any():
        many = counted(int(silent.sum()), "firm disappears", "firms disappear")
        raise EstimationError(
            f'the exit flag "{name}" is 1 in no row, while {many} before the panel is over ({_years(year[silent])}): '
            "nobody would have left. Fill the flag, or leave it out: a firm then exits after its last row"
        )
    leaves, stays = int(early.sum()), int(np.count_nonzero((flag == 0) & ~last_row))
    if leaves > stays:
        raise EstimationError(
            f'of the rows that a later one of the firm follows, the exit flag "{name}" is 1 in {leaves} and 0 in '
            f"{stays}: it reads like a status of survival, 1 while the firm is there. exit is 1 in a firm's last year "
            "and 0 before: name a column that is 1 where this one is 0, or leave it out: a firm then exits after its "
            "last row"
        )
    told = []
    if early.any():
        many = counted(int(early.sum()), "firm-year has", "firm-years have")
        told.append(f"{many} {name} = 1 before a later row of the firm ({_years(year[early])})")
    if silent.any():
        many = counted(int(silent.sum()), "firm disappears", "firms disappear")
        told.append(f"{many} before the panel's last year without {name} = 1 ({_years(year[silent])})")
    if told:
        raise EstimationError(
            f"the exit flag contradicts the panel: {'; '.join(told)}. {name} is 1 in the last row that a firm has; "
            "did where, trimming or a gap take rows away? Correct the flag, or leave it out: "
            "a firm then exits after its last row"
        )


def _years(year: IntArray) -> str:
    """Return how many cases each year has, the most frequent first."""
    years, counts = np.unique(year, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shown = ", ".join(f"{years[i]}: {counts[i]}" for i in order[:YEARS_SHOWN])
    return shown + (", ..." if len(years) > YEARS_SHOWN else "")


def rows_of_survival(inputs: Inputs, current: BoolArray) -> BoolArray:
    """Return the rows that have every column of the probability of survival.

    Parameters
    ----------
    inputs : Inputs
    current : (n,) bool array
        Rows that have the columns of the production function.

    Raises
    ------
    EstimationError
        If hardly a row has what survival asks for beside them, by the columns that are empty.
    """
    names, columns = inputs.roles.survival or (), inputs.beside_survival
    rows: BoolArray = current & ~np.isnan(sum(columns, np.zeros(len(current))))
    left = int(np.count_nonzero(rows))
    if left >= FEWEST_ROWS or not names:
        return rows
    has = [int(np.count_nonzero(current & ~np.isnan(values))) for values in columns]
    empty = [name for name, count in zip(names, has, strict=True) if count < FEWEST_ROWS]
    which = ", ".join(empty) if empty else f"{', '.join(names)} together"
    one = "is it the right column?" if len(empty) == 1 else "are these the right columns?"
    few = f"only {counted(left, 'row')} has" if left else "no row has"
    raise EstimationError(f"the probability of survival: {few} {which}: {one}")


def polynomial_regressors(
    names: Sequence[str], inputs: Sequence[FloatArray], degree: int, rows: BoolArray
) -> FloatArray:
    """Return the monomials of the inputs up to a total degree, the constant first, as columns.

    Parameters
    ----------
    names : sequence of str
        Of the inputs, for messages.
    inputs : sequence of (n,) arrays
        NaN where missing.
    degree : int
    rows : (n,) bool array
        Rows without a missing value that the inputs are standardised on.

    Returns
    -------
    (n, k) array

    Raises
    ------
    EstimationError
        If an input does not vary, or is a linear function of those before it.
    """
    seen = np.stack([values[rows] for values in inputs])
    mean = seen.mean(axis=1)
    deviations = seen - mean[:, None]
    try:
        polynomial = standardised_polynomial(names, degree, mean, deviations @ deviations.T / seen.shape[1])
    except DegenerateInputError as error:
        name = names[error.index]
        if error.constant:
            what = f'"{name}" does not vary'
        else:
            what = f'"{name}" is a linear function of {", ".join(names[: error.index])}'
        raise EstimationError(f"the probability of survival: {what}; leave it out of survival") from None
    return np.ascontiguousarray(polynomial.evaluate(inputs).T)


def survival_probability(
    firm: IntArray, status: FloatArray, use: BoolArray, regressors: FloatArray, weights: FloatArray | None = None
) -> Survival:
    """Fit the probit of survival and evaluate it.

    Parameters
    ----------
    firm : (n,) integer array
        Ascending.
    status : (n,) array
        From `survival_status`.
    use : (n,) bool array
        Rows that may take part.
    regressors : (n, k) array
        Known at the row's date, a constant first; NaN where missing. A column that those before it span is left
        out.
    weights : (n,) array, optional
        Above zero on the rows that may take part.

    Raises
    ------
    EstimationError
        If no firm leaves, or hardly any, or the regressors tell for certain who does.
    """
    there = ~np.isnan(regressors).any(axis=1)
    rows = use & there & ~np.isnan(status)
    outcome = status[rows]
    stay, exits = int(outcome.sum()), int(len(outcome) - outcome.sum())
    if not exits or not stay:
        which = "no firm leaves before the panel's last year" if not exits else "every firm leaves at once"
        raise EstimationError(
            f"the probability of survival: {which} ({counted(len(outcome), 'row')}): there is nothing to correct for, "
            "leave out survival"
        )
    dependent = [one.term for one in dependences(regressors[rows])]
    if dependent:
        regressors = np.delete(regressors, dependent, axis=1)
    if exits <= regressors.shape[1]:
        raise EstimationError(
            f"the probability of survival: {counted(exits, 'exit')} for {regressors.shape[1]} coefficients; "
            "a lower degree in survival needs less"
        )
    try:
        fit = probit(regressors[rows], outcome, None if weights is None else weights[rows])
    except SeparationError as error:
        raise EstimationError(
            f"the probability of survival: a combination of its regressors tells for certain who stays in {error.rows} "
            "of its rows, so that the probit has no maximum; a lower degree in survival, or fewer columns in "
            "survival.on"
        ) from None
    firms, influence = fit.influence(firm[rows])
    probability, density = _normal(regressors @ fit.coefficients)
    return Survival(probability, density, regressors, rows, status, fit, firms, influence, exits)


def _normal(index: FloatArray) -> tuple[FloatArray, FloatArray]:
    return ndtr(index), np.exp(-0.5 * index**2) / np.sqrt(2 * np.pi)
