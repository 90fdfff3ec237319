"""Output elasticities that differ from row to row: every row's, and their average with its standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from estimation.inference import inference
from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.common.technology import Technology
from estimation.results import BoolArray, Elasticities, FloatArray, IntArray, RowValues

__all__ = ["average_elasticities", "write_elasticities"]


def average_elasticities(
    technology: Technology,
    coefficients: FloatArray,
    influence: tuple[IntArray, FloatArray],
    inputs: Sequence[FloatArray],
    firm: IntArray,
    rows: BoolArray,
    *,
    small_sample: float,
    df: float,
    weights: FloatArray | None = None,
) -> Elasticities:
    """Average the elasticities of these rows.

    The average e = sum of w D_r b / sum of w, with D_r the row's slopes, moves with the coefficients and with the
    rows that were drawn: psi_e,i = mean(D) psi_b,i + sum over the firm's rows of w (D_r b - e) / sum of w.

    Parameters
    ----------
    technology : Technology
    coefficients : (p,) array
        On the logs as they are measured.
    influence : (G,) and (G, p) arrays
        Codes of the firms, ascending, and their influence functions of the coefficients.
    inputs : sequence of v (n,) arrays
    firm : (n,) integer array
        Ascending.
    rows : (n,) bool array
        The rows that the average rests on; all their firms have an influence function.
    small_sample : float
        The factor of the covariance.
    df : float
    weights : (n,) array, optional
        Zero or more on the rows used.
    """
    firms, psi = influence
    n_inputs = len(technology.inputs)
    total = 0.0
    slopes = np.zeros((n_inputs, len(technology.terms)))
    negative = np.zeros(n_inputs)
    own = np.zeros((len(firms), n_inputs))
    for at, weight in _stretches(rows, weights):
        chosen = [values[at] for values in inputs]
        total += float(weight.sum())
        found = np.empty((n_inputs, len(at)))
        for number, name in enumerate(technology.inputs):
            derivative = technology.slopes(name, chosen)
            slopes[number] += derivative @ weight
            found[number] = coefficients @ derivative
        negative += (found < 0) @ weight
        place = np.searchsorted(firms, firm[at])
        for number in range(n_inputs):
            own[:, number] += np.bincount(place, weight * found[number], minlength=len(firms))
    slopes /= total
    mean = slopes @ coefficients
    mass = np.zeros(len(firms))
    for at, weight in _stretches(rows, weights):
        mass += np.bincount(np.searchsorted(firms, firm[at]), weight, minlength=len(firms))
    joint = psi @ slopes.T + (own - mass[:, None] * mean) / total
    covariance = small_sample * joint.T @ joint
    return Elasticities(
        inputs=technology.inputs,
        mean=mean,
        covariance=covariance,
        inference=inference(mean, covariance, df),
        share_negative=negative / total,
    )


def write_elasticities(
    technology: Technology,
    coefficients: FloatArray,
    inputs: Sequence[FloatArray],
    rows: BoolArray,
    at: IntArray | None,
    found: dict[str, RowValues],
) -> None:
    """Write the elasticities of these rows into the panel's columns.

    Parameters
    ----------
    technology : Technology
    coefficients : (p,) array
    inputs : sequence of v (n,) arrays
        Of the group.
    rows : (n,) bool array
        Rows of the group that get a value: all have their inputs.
    at : (n,) integer array or None
        Where the group's rows stand in the panel; None where they are the panel.
    found : mapping of str to RowValues
        By input; the gradient's first p columns are the coefficients'.
    """
    for positions, _ in _stretches(rows, None):
        chosen = [values[positions] for values in inputs]
        place = positions if at is None else at[positions]
        for name in technology.inputs:
            slopes = technology.slopes(name, chosen)
            found[name].values[place] = coefficients @ slopes
            found[name].gradient[place, : len(coefficients)] = slopes.T


def _stretches(rows: BoolArray, weights: FloatArray | None) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield the positions of these rows, a stretch at a time, with their weights."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        at = np.flatnonzero(rows[start : start + ROWS_AT_A_TIME]) + start
        if len(at):
            yield at, np.ones(len(at)) if weights is None else weights[at]
