"""What markups and figures ask of an estimate: elasticities, averaged and of every row, and the transitory error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from estimation.productivity.common.elasticities import average_elasticities, write_elasticities
from estimation.productivity.common.ladder import Served
from estimation.productivity.common.moments import Roles
from estimation.productivity.control_function.group import GroupEstimate
from estimation.productivity.control_function.levels import (
    Parameters,
    control_function_level,
    parameters_of,
    residual_level,
    technology_of,
)
from estimation.results import Elasticities, ProductivityFit, RowValues

__all__ = ["average_of", "with_elasticities", "with_transitory"]


def average_of(estimate: GroupEstimate, parameters: Parameters, factor: float, df: float) -> Elasticities | None:
    """Average the elasticities over the rows of the last equation; None where they are the coefficients."""
    system = estimate.system
    if not system.inputs.roles.translog:
        return None
    p = len(estimate.terms)
    return average_elasticities(
        technology_of(estimate),
        parameters.values[:p],
        (estimate.gmm.firms, parameters.influence[:, :p]),
        system.inputs.technology,
        system.inputs.firm,
        system.rows[-1],
        small_sample=factor,
        df=df,
        weights=system.inputs.weights,
    )


def with_elasticities(fit: ProductivityFit, served: Sequence[Served[GroupEstimate]], roles: Roles) -> ProductivityFit:
    """Add the elasticities of every row that has its inputs."""
    found = {name: _empty(fit) for name in roles.inputs}
    for one in served:
        inputs = one.estimate.system.inputs
        rows = one.rows if one.at is None else one.rows[one.at]
        coefficients = parameters_of(one.estimate).values[: len(roles.terms)]
        there = rows & ~np.isnan(sum(inputs.technology, np.zeros(len(rows))))
        write_elasticities(technology_of(one.estimate), coefficients, inputs.technology, there, one.at, found)
    return replace(fit, elasticities=found)


def with_transitory(fit: ProductivityFit, served: Sequence[Served[GroupEstimate]]) -> ProductivityFit:
    """Add the transitory error ``y - Phi``: the residual level of TFP less the control function's."""
    residual, smooth = _empty(fit), _empty(fit)
    for one in served:
        rows = one.rows if one.at is None else one.rows[one.at]
        residual_level(one.estimate, rows, one.at, residual.values, residual.gradient)
        control_function_level(one.estimate, rows, one.at, smooth.values, smooth.gradient)
    values = residual.values - smooth.values
    gradient = np.where(np.isnan(values)[:, None], 0.0, residual.gradient - smooth.gradient)
    return replace(fit, transitory=RowValues(values, gradient))


def _empty(fit: ProductivityFit) -> RowValues:
    return RowValues(np.full(len(fit.values), np.nan), np.zeros(fit.gradient.shape))
