"""TFP, elasticities and the transitory error of every row, and how they move with the parameters.

With xbar the centre of the powers and a the average elasticities,

    residual:           w + e = y - a'xbar - f(x)
    control_function:   w = y - a'xbar - f(x) - e,    e = ln(E D(x)) - s

f is zero at the centre: a'xbar gives the level the constant that y - l bl - k bk - m bm has, which it is where the
technology is Cobb-Douglas. The centre is a number, not an estimate.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.gnr.estimate import GnrEstimate
from estimation.results import BoolArray, FloatArray, IntArray, RowValues

__all__ = ["control_function_level", "residual_level", "share_positive", "write_elasticities", "write_transitory"]


def residual_level(
    estimate: GnrEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``y - a'xbar - f(x)`` and its gradient.

    Parameters
    ----------
    estimate : GnrEstimate
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
    for chosen, inputs in _stretches(estimate, rows, with_output=True):
        place = chosen if at is None else at[chosen]
        level, slopes = _residual(estimate, chosen, inputs)
        values[place], gradient[place, : len(estimate.names)] = level, slopes
    return {}


def control_function_level(
    estimate: GnrEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write the residual less the transitory error; rows without a share, or with a fitted one of zero, get none."""
    for chosen, inputs in _stretches(estimate, rows, with_output=True):
        kept, error, of_error = _transitory(estimate, chosen, inputs)
        level, slopes = _residual(estimate, chosen, inputs)
        place = chosen[kept] if at is None else at[chosen[kept]]
        values[place] = level[kept] - error
        gradient[place, : len(estimate.names)] = slopes[kept] - of_error
    return {}


def write_transitory(estimate: GnrEstimate, rows: BoolArray, at: IntArray | None, found: RowValues) -> None:
    """Write the transitory error ``e = ln(E D(x)) - s`` and its gradient where it exists."""
    for chosen, inputs in _stretches(estimate, rows, with_output=False):
        kept, error, slopes = _transitory(estimate, chosen, inputs)
        place = chosen[kept] if at is None else at[chosen[kept]]
        found.values[place], found.gradient[place, : len(estimate.names)] = error, slopes


def write_elasticities(
    estimate: GnrEstimate, rows: BoolArray, at: IntArray | None, found: dict[str, RowValues]
) -> None:
    """Write the elasticity of every input and its gradient."""
    v, b = len(estimate.terms), len(estimate.gamma)
    coefficients = np.concatenate([estimate.gamma, estimate.beta])
    for chosen, inputs in _stretches(estimate, rows, with_output=False):
        place = chosen if at is None else at[chosen]
        for name, slopes in zip(estimate.terms, estimate.sample.surface.slopes(inputs), strict=True):
            found[name].values[place] = coefficients @ slopes
            found[name].gradient[place, v : v + b] = slopes[:b].T
            found[name].gradient[place, v + b + 1 : len(estimate.names)] = slopes[b:].T


def share_positive(estimate: GnrEstimate, rows: BoolArray) -> tuple[int, int]:
    """Count the rows with their inputs whose fitted share is zero or less, and those without a share."""
    below = missing = 0
    for chosen, inputs in _stretches(estimate, rows, with_output=True):
        below += int(np.count_nonzero(~(estimate.gamma @ estimate.sample.surface.share.evaluate(inputs) > 0)))
        missing += int(np.count_nonzero(np.isnan(estimate.sample.shares[chosen])))
    return below, missing


def _residual(estimate: GnrEstimate, chosen: IntArray, inputs: list[FloatArray]) -> tuple[FloatArray, FloatArray]:
    shape = estimate.sample.surface
    monomials = shape.rows(inputs)
    v, b = len(estimate.terms), len(estimate.gamma)
    slopes = np.zeros((len(chosen), len(estimate.names)))
    slopes[:, :v] = -shape.centre
    slopes[:, v : v + b] = -monomials.integral.T
    slopes[:, v + b + 1 :] = -monomials.rest.T
    # Linear in the parameters: its value is y plus its gradient times them.
    return estimate.sample.inputs.output[chosen] + slopes @ estimate.parameters, slopes


def _transitory(
    estimate: GnrEstimate, chosen: IntArray, inputs: list[FloatArray]
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return which of the chosen rows have a transitory error, it and its gradient."""
    share = estimate.sample.surface.share.evaluate(inputs)
    elasticity = estimate.gamma @ share
    log_share = estimate.sample.shares[chosen]
    kept = np.flatnonzero((elasticity > 0) & ~np.isnan(log_share))
    v, b = len(estimate.terms), len(estimate.gamma)
    slopes = np.zeros((len(kept), len(estimate.names)))
    slopes[:, v : v + b] = (share[:, kept] / elasticity[kept]).T
    slopes[:, v + b] = 1.0 / estimate.scale
    return kept, np.log(estimate.scale * elasticity[kept]) - log_share[kept], slopes


def _stretches(
    estimate: GnrEstimate, rows: BoolArray, *, with_output: bool
) -> Iterator[tuple[IntArray, list[FloatArray]]]:
    """Yield the positions in the group of these rows as far as they have their inputs, and the inputs."""
    inputs = estimate.sample.inputs
    assert inputs.proxy is not None
    columns = (*inputs.free, *inputs.state, inputs.proxy)
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        there = rows[part].copy()
        for column in (*columns, *((inputs.output,) if with_output else ())):
            there &= ~np.isnan(column[part])
        chosen = np.flatnonzero(there) + start
        if len(chosen):
            yield chosen, [column[chosen] for column in columns]
