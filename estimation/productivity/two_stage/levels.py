"""From an estimate in two stages to the parameters of the record, TFP levels, elasticities and transitory errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.productivity.common.assembling import LevelWriter
from estimation.productivity.common.elasticities import average_elasticities, write_elasticities
from estimation.productivity.common.inputs import ROWS_AT_A_TIME
from estimation.productivity.common.ladder import Served
from estimation.productivity.two_stage.group import TwoStageEstimate
from estimation.results import BoolArray, Elasticities, FloatArray, IntArray, ProductivityFit, RowValues

__all__ = ["Reported", "average_of", "level_writer", "reported", "with_elasticities", "with_transitory"]


@dataclass(frozen=True, slots=True, eq=False)
class Reported:
    """The parameters of an estimate in the data's own units: an affine map of what was estimated.

    Attributes
    ----------
    names : tuple of str
        The p terms of the production function, then the coefficients of C.
    matrix : (p + q, f + s + q) array
    shift : (p + q,) array
    """

    names: tuple[str, ...]
    matrix: FloatArray
    shift: FloatArray

    def values(self, coefficients: FloatArray) -> FloatArray:
        """Return the parameters of estimates (..., f + s + q), (..., p + q)."""
        return np.asarray(coefficients @ self.matrix.T + self.shift)


def reported(estimate: TwoStageEstimate) -> Reported:
    """Return what makes the record's parameters.

    Output, free inputs that stand apart and the technology's logs are estimated about means. In the data's own units
    ``Phi(t) = C(t) lambda`` is output less the transitory error and less those free inputs: the constant of C takes
    ``mean y - mean l bl``.
    """
    first, technology = estimate.first, estimate.technology
    p, f = len(technology.terms), first.n_free
    size = p + len(first.phi)
    matrix, shift = np.eye(size), np.zeros(size)
    if f:
        matrix[p, :f] = [-first.system.centre[name] for name in first.system.inputs.roles.free]
    else:
        at = estimate.stage.at
        matrix[:p, :p] = technology.to_raw([float(values[at].mean()) for values in estimate.inputs.technology])[0]
    shift[p] = first.system.centre[first.system.inputs.roles.output]
    return Reported((*technology.terms, *first.names), matrix, shift)


def level_writer(tfp_from: str) -> LevelWriter[TwoStageEstimate]:
    """Return the function that writes the level of this name."""
    return _control_function if tfp_from == "control_function" else _residual


def _residual(
    estimate: TwoStageEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``y - f(l, k)``; see `estimation.productivity.common.assembling.LevelWriter`."""
    inputs, technology = estimate.inputs, estimate.technology
    p = len(technology.terms)
    b = reported(estimate).values(estimate.coefficients)[:p]
    there = rows & ~np.isnan(sum(inputs.technology, inputs.output))
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        chosen = np.flatnonzero(there[start : start + ROWS_AT_A_TIME]) + start
        terms = technology.monomials([column[chosen] for column in inputs.technology])
        place = chosen if at is None else at[chosen]
        values[place] = inputs.output[chosen] - b @ terms
        gradient[place, :p] = -terms.T
    return {}


def _control_function(
    estimate: TwoStageEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``Phi - f(l, k)``, where what stands apart from Phi is no part of f; see `_residual`."""
    inputs, technology, first = estimate.inputs, estimate.technology, estimate.first
    p, f = len(technology.terms), first.n_free
    parameters = reported(estimate).values(estimate.coefficients)
    there = first.knows(rows)
    chosen = np.flatnonzero(there)
    for part, c in first.columns(chosen):
        terms = technology.monomials([column[chosen[part]] for column in inputs.technology])[f:]
        place = chosen[part] if at is None else at[chosen[part]]
        values[place] = parameters[p:] @ c - parameters[f:p] @ terms
        gradient[place, f:p] = -terms.T
        gradient[place, p : p + len(c)] = c.T
    unseen: dict[str, int] = {}
    for control in inputs.controls:
        if control.codes is not None and control.name in first.system.levels:
            new = rows & inputs.has_inputs & (first.system.levels[control.name][control.codes] == -2)
            for code, count in zip(*np.unique(control.codes[new], return_counts=True), strict=True):
                unseen[f"{control.name} {control.labels[code]}"] = int(count)
    return unseen


def average_of(estimate: TwoStageEstimate, influence: FloatArray, factor: float, df: float) -> Elasticities | None:
    """Average the elasticities over the rows of the second stage; None where they are the coefficients.

    Parameters
    ----------
    estimate : TwoStageEstimate
    influence : (G, p) array
        Of the terms in the data's own units.
    factor, df : float
        The small-sample factor, and the degrees of freedom of the t reference.
    """
    technology = estimate.technology
    if not technology.translog:
        return None
    rows = np.zeros(len(estimate.inputs.firm), dtype=bool)
    rows[estimate.stage.at] = True
    return average_elasticities(
        technology,
        reported(estimate).values(estimate.coefficients)[: len(technology.terms)],
        (estimate.firms, influence),
        estimate.inputs.technology,
        estimate.inputs.firm,
        rows,
        small_sample=factor,
        df=df,
    )


def with_elasticities(fit: ProductivityFit, served: Sequence[Served[TwoStageEstimate]]) -> ProductivityFit:
    """Add the elasticities of every row that has its inputs."""
    found = {name: _empty(fit) for name in served[0].estimate.technology.inputs}
    for one in served:
        estimate = one.estimate
        rows = one.rows if one.at is None else one.rows[one.at]
        b = reported(estimate).values(estimate.coefficients)[: len(estimate.technology.terms)]
        logs = estimate.inputs.technology
        there = rows & ~np.isnan(sum(logs, np.zeros(len(rows))))
        write_elasticities(estimate.technology, b, logs, there, one.at, found)
    return replace(fit, elasticities=found)


def with_transitory(fit: ProductivityFit, served: Sequence[Served[TwoStageEstimate]]) -> ProductivityFit:
    """Add the transitory error ``y - Phi`` of every row: the residual level of TFP less the control function's."""
    residual, smooth = _empty(fit), _empty(fit)
    for one in served:
        rows = one.rows if one.at is None else one.rows[one.at]
        _residual(one.estimate, rows, one.at, residual.values, residual.gradient)
        _control_function(one.estimate, rows, one.at, smooth.values, smooth.gradient)
    values = residual.values - smooth.values
    gradient = np.where(np.isnan(values)[:, None], 0.0, residual.gradient - smooth.gradient)
    return replace(fit, transitory=RowValues(values, gradient))


def _empty(fit: ProductivityFit) -> RowValues:
    return RowValues(np.full(len(fit.values), np.nan), np.zeros(fit.gradient.shape))
