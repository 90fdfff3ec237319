"""Estimators whose parameters are the elasticities alone: their place in the record, and the residual they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from estimation.extras import Extras
from estimation.inference import inference
from estimation.productivity.common.assembling import assemble_fit
from estimation.productivity.common.clustering import by_firm
from estimation.productivity.common.inputs import ROWS_AT_A_TIME, Inputs
from estimation.productivity.common.ladder import Served
from estimation.results import BoolArray, ErrorsInfo, FloatArray, GroupFit, IntArray, ProductivityFit, RowValues

__all__ = ["ElasticityEstimate", "assemble_elasticities", "few_firms", "group_record", "pooled", "write_residual"]

# From here on the normal serves: G/(G-1) is below one per cent.
MANY_FIRMS = 100


@dataclass(frozen=True, slots=True, eq=False)
class ElasticityEstimate:
    """Elasticities of one group, free inputs first, then states.

    Attributes
    ----------
    inputs : Inputs
        The n rows of the group.
    in_sample : (n,) bool array
    coefficients : (p,) array
    covariance : (p, p) array
        Small-sample factor included.
    df : float
        Of the t reference; ``inf`` for the normal.
    small_sample : float
        The factor inside `covariance`.
    influence_firms, influence : (G,) and (G, p) arrays
        psi_i by firm, without the factor.
    n_obs, n_firms : int
        Rows and firms that the estimate rests on.
    rung : str
    j : tuple of (float, int, float) or None
        Hansen's J, its degrees of freedom and its p-value.
    diagnostics : mapping of str to float or None
    notes : tuple of str
    errors : ErrorsInfo or None
        None for a covariance that sums `influence` by firm, with the factor of `few_firms`.
    """

    inputs: Inputs
    in_sample: BoolArray
    coefficients: FloatArray
    covariance: FloatArray
    df: float
    small_sample: float
    influence_firms: IntArray
    influence: FloatArray
    n_obs: int
    n_firms: int
    rung: str = ""
    j: tuple[float, int, float] | None = None
    diagnostics: Mapping[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    errors: ErrorsInfo | None = None


def few_firms(n_firms: int) -> tuple[float, float]:
    """Return the small-sample factor and the degrees of freedom of a covariance that is clustered by firm.

    G/(G-1) with t(G-1) below a hundred firms, one and the normal from there on.
    """
    return (n_firms / (n_firms - 1), float(n_firms - 1)) if n_firms < MANY_FIRMS else (1.0, float("inf"))


def assemble_elasticities(
    name: str,
    *,
    method: str,
    options: Mapping[str, object],
    inputs: Inputs,
    served: Sequence[Served[ElasticityEstimate]],
    use: BoolArray,
    dropped: dict[str, int],
    extras: Extras = "",
) -> ProductivityFit:
    """Fill the productivity column with ``y - l bl - k bk`` and write the record.

    Parameters
    ----------
    name, method : str
    options : mapping
        As resolved.
    inputs : Inputs
        All n rows of the panel.
    served : sequence of Served
    use : (n,) bool array
        Rows that could take part; of those outside the sample it is said what their year before lacks.
    dropped : dict of str to int
        Rows that could not take part, by reason.
    extras : str
        What is wanted of every row too, see `estimation.extras`: its elasticities.
    """
    fit = assemble_fit(
        name,
        method=method,
        tfp_from="residual",
        options=options,
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        groups=[group_record(one) for one in served],
        write=write_residual,
    )
    return replace(fit, elasticities=_of_rows(fit)) if extras else fit


def pooled(rung: str, over: str) -> str:
    """Return a rung with the coarser column behind it where one served."""
    return ", ".join(part for part in (rung, f"pooled over {over}" if over else "") if part)


def group_record(served: Served[ElasticityEstimate]) -> GroupFit:
    """Return the record of a group's estimate."""
    one = served.estimate
    j, j_df, j_p_value = one.j or (None, None, None)
    terms = (*one.inputs.roles.free, *one.inputs.roles.state)
    return GroupFit(
        group=served.group,
        rung=pooled(one.rung, served.pooled_over),
        terms=terms,
        coefficients=one.coefficients,
        covariance=one.covariance,
        inference=inference(one.coefficients, one.covariance, one.df),
        df=one.df,
        n_obs=one.n_obs,
        n_firms=one.n_firms,
        n_firms_scores=len(one.influence_firms),
        j_statistic=j,
        j_df=j_df,
        j_p_value=j_p_value,
        parameters=terms,
        influence_firms=one.influence_firms,
        influence=one.influence,
        small_sample=one.small_sample,
        diagnostics=one.diagnostics,
        notes=(*served.notes, *one.notes),
        errors=one.errors or by_firm(len(one.influence_firms), one.df, one.small_sample),
    )


def write_residual(
    estimate: ElasticityEstimate, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write ``y - l bl - k bk`` and its gradient ``-[l k]`` (a `LevelWriter` of `common.assembling`)."""
    inputs = estimate.inputs
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        part = slice(start, start + ROWS_AT_A_TIME)
        chosen = np.flatnonzero(rows[part])
        columns = [column[part][chosen] for column in (*inputs.free, *inputs.state)]
        level = inputs.output[part][chosen]
        for elasticity, column in zip(estimate.coefficients, columns, strict=True):
            level -= elasticity * column
        there = ~np.isnan(level)
        place = chosen[there] + start if at is None else at[chosen[there] + start]
        values[place] = level[there]
        for number, column in enumerate(columns):
            gradient[place, number] = -column[there]
    return {}


def _of_rows(fit: ProductivityFit) -> dict[str, RowValues]:
    """Return the elasticity of every input on every row: the coefficient of the row's group."""
    coefficients = np.array([group.coefficients for group in fit.groups])
    valued = fit.group_of_row >= 0
    found: dict[str, RowValues] = {}
    for number, term in enumerate(fit.groups[0].terms):
        values = np.where(valued, coefficients[:, number][fit.group_of_row], np.nan)
        gradient = np.zeros_like(fit.gradient)
        gradient[valued, number] = 1.0
        found[term] = RowValues(values, gradient)
    return found
