"""The TFP level of every row that has its inputs, and how it moves with the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.productivity.common.assembling import LevelWriter
from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.common.moments import Roles
from estimation.productivity.common.system import PHI
from estimation.productivity.common.technology import Technology
from estimation.productivity.control_function.group import GroupEstimate
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = [
    "Parameters",
    "control_function_level",
    "level_writer",
    "parameters_of",
    "residual_level",
    "technology_of",
]


def level_writer(tfp_from: str) -> LevelWriter[GroupEstimate]:
    """Return the function that writes the level of this name."""
    return control_function_level if tfp_from == "control_function" else residual_level


def technology_of(estimate: GroupEstimate) -> Technology:
    """Return the production function of an estimate."""
    roles = estimate.system.inputs.roles
    return Technology(roles.inputs, roles.translog)


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """The parameters of an estimate in the data's own units.

    The equations are estimated in deviations from means. With f the production function of centred logs and f_raw
    that of the logs, f = f_raw + c'b; equation 1 reads ``y = mean y + f_free + C lambda1``. The constant of C takes
    ``mean y`` and the part of ``c'b`` that belongs to the terms with a free input.

    Attributes
    ----------
    names : tuple of str
        The p terms of the production function, then the others that were reported.
    values : (q,) array
    covariance : (q, q) array
        Without any small-sample factor.
    influence : (G, q) array
    to_state : (s, p) array
        What makes the coefficients of the s terms of the states alone, as equation 2 has them beside ``C lambda1``.
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    influence: FloatArray
    to_state: FloatArray


def parameters_of(estimate: GroupEstimate) -> Parameters:
    """Return the parameters of an estimate in the data's own units."""
    gmm, centre = estimate.gmm, estimate.system.centre
    roles, technology = estimate.system.inputs.roles, technology_of(estimate)
    to_raw, constant = technology.to_raw([centre[name] for name in roles.inputs])
    p, own = len(to_raw), _state_terms(roles)
    matrix, shift = np.eye(len(gmm.parameters)), np.zeros(len(gmm.parameters))
    matrix[:p, :p] = to_raw
    if f"{PHI}[1]" in gmm.parameters:
        at = gmm.parameters.index(f"{PHI}[1]")
        constant[own] = 0.0
        matrix[at, :p] += constant
        shift[at] = centre[roles.output]
    same = np.array_equal(matrix, np.eye(len(matrix)))
    return Parameters(
        names=gmm.parameters,
        values=matrix @ gmm.coefficients + shift,
        covariance=gmm.covariance if same else matrix @ gmm.covariance @ matrix.T,
        influence=gmm.influence if same else gmm.influence @ matrix.T,
        to_state=to_raw[np.ix_(own, own)] @ np.linalg.inv(to_raw)[own],
    )


def residual_level(
    estimate: GroupEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``y - f(l, k)`` and its gradient: less the terms of f, ``-[l k]`` for Cobb-Douglas.

    Parameters
    ----------
    estimate : GroupEstimate
    rows : (n,) bool array
        Rows of the group that want a value; one without its inputs gets none.
    at : (n,) integer array or None
        Where the group's rows stand in the panel; None where they are the panel.
    values : (n_panel,) array
    gradient : (n_panel, q) array

    Returns
    -------
    dict
        Empty: every row with its inputs has a residual.
    """
    inputs, technology = estimate.system.inputs, technology_of(estimate)
    coefficients = parameters_of(estimate).values
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        chosen = np.flatnonzero(rows[part])
        columns = technology.monomials([column[part][chosen] for column in inputs.technology])
        level = inputs.output[part][chosen]
        for coefficient, column in zip(coefficients, columns, strict=False):
            level -= coefficient * column
        there = ~np.isnan(level)
        place = chosen[there] + start if at is None else at[chosen[there] + start]
        values[place] = level[there]
        for number, column in enumerate(columns):
            gradient[place, number] = -column[there]
    return {}


def control_function_level(
    estimate: GroupEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``C lambda1 - k bk`` and its gradient: C on lambda1, ``-k`` on bk (the terms of f without a free input).

    Parameters
    ----------
    estimate, rows, at, values, gradient
        As in `residual_level`.

    Returns
    -------
    dict of str to int
        Rows without a value because equation 1 never saw their level of a control, by control and level.
    """
    system = estimate.system
    inputs, roles, technology = system.inputs, system.inputs.roles, technology_of(estimate)
    parameters = parameters_of(estimate)
    own = _state_terms(roles)
    n_terms = len(roles.factors)
    parts = [part for part in system.parts[0] if (part.parameters[0] or "").startswith(f"{PHI}[")]
    columns = [name for part in parts for name in part.parameters]
    place_of = [number for number, name in enumerate(parameters.names) if name.startswith(f"{PHI}[")]
    kept = [columns.index(parameters.names[number]) for number in place_of]
    unseen: dict[str, int] = {}
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        stop = min(start + ROWS_AT_A_TIME, len(rows))
        seen = rows[start:stop] & inputs.has_inputs[start:stop]
        for control in inputs.controls:
            if control.name in system.levels and control.codes is not None:
                codes = control.codes[start:stop]
                new = seen & (system.levels[control.name][codes] == -2)
                for code, count in zip(*np.unique(codes[new], return_counts=True), strict=True):
                    label = f"{control.name} {control.labels[code]}"
                    unseen[label] = unseen.get(label, 0) + int(count)
                seen &= ~new
        chosen = np.flatnonzero(seen) + start
        monomials = system.monomials(start, stop)
        c = np.empty((len(columns), len(chosen)))
        row = 0
        for part in parts:
            part.fill(c[row : row + len(part.columns)], chosen, start, monomials)
            row += len(part.columns)
        c = c[kept]
        place = chosen if at is None else at[chosen]
        terms = parameters.to_state.T @ technology.monomials([column[chosen] for column in inputs.technology])[own]
        values[place] = parameters.values[place_of] @ c - parameters.values[:n_terms] @ terms
        gradient[place[:, None], np.array(place_of)] = c.T
        gradient[place, :n_terms] = -terms.T
    return unseen


def _state_terms(roles: Roles) -> list[int]:
    """Return which terms have no free input: those that C(t) takes up in equation 1."""
    free = set(roles.free)
    return [number for number, one in enumerate(roles.factors) if not free & set(one)]
