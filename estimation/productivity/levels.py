"""The TFP level of every row that has its inputs, and how it moves with the parameters."""

from __future__ import annotations

import numpy as np

from estimation.productivity.assembling import LevelWriter
from estimation.productivity.group import GroupEstimate
from estimation.productivity.inputs import ROWS_AT_A_TIME
from estimation.productivity.system import PHI
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Parameters", "control_function_level", "level_writer", "parameters_of", "residual_level"]

Parameters = tuple[tuple[str, ...], FloatArray, FloatArray]
"""Names, values and influence functions of the parameters that a level depends on."""


def level_writer(tfp_from: str) -> LevelWriter[GroupEstimate]:
    """Return the function that writes the level of this name."""
    return control_function_level if tfp_from == "control_function" else residual_level


def parameters_of(estimate: GroupEstimate) -> Parameters:
    """Return the parameters of the level, the control function's constant in the data's own units.

    The equations are estimated in deviations from means; equation 1 then reads
    ``y = l bl + C lambda1 + (mean y - mean l bl)``, and the bracket belongs to the constant of C.
    """
    gmm, centre = estimate.gmm, estimate.system.centre
    values, influence = gmm.coefficients.copy(), gmm.influence
    constant = f"{PHI}[1]"
    if constant in gmm.parameters:
        roles = estimate.system.inputs.roles
        at = gmm.parameters.index(constant)
        means = np.array([centre[name] for name in roles.free])
        values[at] += centre[roles.output] - means @ values[: len(means)]
        influence = influence.copy()
        influence[:, at] -= influence[:, : len(means)] @ means
    return gmm.parameters, values, influence


def residual_level(
    estimate: GroupEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``y - l bl - k bk`` and its gradient ``-[l k]``.

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
    inputs = estimate.system.inputs
    elasticities = estimate.gmm.coefficients
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        chosen = np.flatnonzero(rows[part])
        columns = [column[part][chosen] for column in (*inputs.free, *inputs.state)]
        level = inputs.output[part][chosen]
        for elasticity, column in zip(elasticities, columns, strict=False):
            level -= elasticity * column
        there = ~np.isnan(level)
        place = chosen[there] + start if at is None else at[chosen[there] + start]
        values[place] = level[there]
        for number, column in enumerate(columns):
            gradient[place, number] = -column[there]
    return {}


def control_function_level(
    estimate: GroupEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``C lambda1 - k bk`` and its gradient: C on lambda1, -k on bk.

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
    inputs, roles = system.inputs, system.inputs.roles
    names, parameters, _ = parameters_of(estimate)
    n_free, n_terms = len(roles.free), len(estimate.terms)
    parts = [part for part in system.parts[0] if (part.parameters[0] or "").startswith(f"{PHI}[")]
    columns = [name for part in parts for name in part.parameters]
    kept = [columns.index(name) for name in names[n_terms:]]
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
        values[place] = parameters[n_terms:] @ c
        gradient[place, n_terms : n_terms + len(kept)] = c.T
        for number, column in enumerate(inputs.state, start=n_free):
            values[place] -= parameters[number] * column[chosen]
            gradient[place, number] = -column[chosen]
    return unseen
