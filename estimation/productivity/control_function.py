"""Control-function estimators from symbols to a productivity column: sample, ladder, estimate, level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from estimation.inference import inference
from estimation.productivity.diagnostics import diagnostics_of
from estimation.productivity.group import GroupEstimate, Rules, estimate_group
from estimation.productivity.inputs import Inputs, count_missing, lag_status, read_inputs
from estimation.productivity.ladder import Served, climb, group_columns
from estimation.productivity.levels import control_function_level, parameters_of, residual_level
from estimation.productivity.moments import MomentEquation
from estimation.productivity.options import ControlFunctionOptions
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["assemble_fit", "fit_control_function", "naming"]

# From here on the normal serves: G/(G-1) is below one per cent.
MANY_FIRMS = 100


def fit_control_function(
    name: str,
    method: str,
    options: ControlFunctionOptions,
    moments: Sequence[MomentEquation],
    *,
    rows: Selection,
    use: BoolArray,
) -> ProductivityFit:
    """Estimate the equations by group and fill the productivity column.

    Parameters
    ----------
    name, method : str
    options : ControlFunctionOptions
    moments : sequence of MomentEquation
        The last one identifies the states.
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.

    Raises
    ------
    EstimationError
        If a group finds no rung to stand on.
    """
    rules = Rules(
        steps=options.steps,
        weights=options.gmm_weights,
        common=options.sample == "common",
        min_firms=options.min_firms,
        with_phi=options.tfp_from == "control_function",
    )
    inputs = read_inputs(rows, options.roles)

    def estimate(at: IntArray | None) -> GroupEstimate:
        if at is None:
            return estimate_group(inputs, moments, use, rules)
        return estimate_group(inputs.take(at), moments, use[at], rules)

    groups = group_columns(rows, options.separately_by)
    served = naming(name, lambda: climb(groups, use, estimate))
    dropped = count_missing(rows, (*options.roles.columns, *options.separately_by), use)
    for column in groups:
        use = use & (column.codes >= 0)
    return assemble_fit(
        name,
        method=method,
        tfp_from=options.tfp_from,
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=use,
        dropped=dropped,
        groups=[_group_fit(one) for one in served],
    )


def naming(name: str, estimate: Callable[[], list[Served]]) -> list[Served]:
    """Run an estimate; an error then says which entry of the spec failed."""
    try:
        return estimate()
    except EstimationError as error:
        raise EstimationError(f"productivity.{name}: {error}") from None


def assemble_fit(
    name: str,
    *,
    method: str,
    tfp_from: str,
    options: Mapping[str, object],
    inputs: Inputs,
    served: Sequence[Served],
    use: BoolArray,
    dropped: dict[str, int],
    groups: Sequence[GroupFit],
) -> ProductivityFit:
    """Fill the column from the groups' estimates and count the rows that no estimate rests on."""
    n = len(use)
    values = np.full(n, np.nan)
    gradient = np.zeros((n, max(len(group.parameters) for group in groups)))
    group_of_row: NDArray[np.signedinteger[Any]] = np.full(n, -1, dtype=np.int16)
    if len(groups) > np.iinfo(np.int16).max:
        group_of_row = group_of_row.astype(np.int32)
    in_sample = np.zeros(n, dtype=bool)
    unseen: dict[str, int] = {}
    for number, one in enumerate(served):
        rows = one.rows if one.at is None else one.rows[one.at]
        if tfp_from == "control_function":
            for level, count in control_function_level(one.estimate, rows, one.at, values, gradient).items():
                unseen[level] = unseen.get(level, 0) + count
        else:
            residual_level(one.estimate, rows, one.at, values, gradient)
        group_of_row[one.rows] = number
        in_sample[slice(None) if one.at is None else one.at] |= one.estimate.in_sample
    group_of_row[np.isnan(values)] = -1
    return ProductivityFit(
        name=name,
        method=method,
        tfp_from=tfp_from,
        groups=tuple(groups),
        values=values,
        group_of_row=group_of_row,
        in_sample=in_sample,
        gradient=gradient,
        dropped=dropped | _without_lag(inputs, use, in_sample, n - sum(dropped.values())),
        options=options,
        notes=tuple(
            f"{count} rows have no control-function TFP: equation 1 never saw {level} "
            "(sample: all keeps rows without a year before)"
            for level, count in unseen.items()
        ),
    )


def _without_lag(inputs: Inputs, use: BoolArray, in_sample: BoolArray, complete: int) -> dict[str, int]:
    """Count the complete rows outside the estimation sample: what their year before lacks."""
    if complete == int(np.count_nonzero(in_sample)):
        return {}
    status = lag_status(inputs, use)
    outside = use & inputs.complete
    np.greater(outside, in_sample, out=outside)
    counts = {
        "no row in the year before": np.count_nonzero(outside & ~status.adjacent),
        "missing value in the year before": np.count_nonzero(outside & status.adjacent & ~status.usable),
        "another group in the year before": np.count_nonzero(outside & status.usable),
    }
    return {reason: int(count) for reason, count in counts.items() if count}


def _group_fit(served: Served) -> GroupFit:
    estimate = served.estimate
    gmm, p = estimate.gmm, len(estimate.terms)
    firms = estimate.firms[-1]
    few = firms < MANY_FIRMS
    factor = firms / (firms - 1) if few else 1.0
    df = float(firms - 1) if few else float("inf")
    covariance: FloatArray = factor * gmm.covariance[:p, :p]
    parameters, _, influence = parameters_of(estimate)
    j_p_value = None
    if gmm.j_statistic is not None and gmm.j_df is not None:
        j_p_value = float(chdtrc(gmm.j_df, gmm.j_statistic))
    return GroupFit(
        group=served.group,
        rung=estimate.rung + (f", pooled over {served.pooled_over}" if served.pooled_over else ""),
        terms=estimate.terms,
        coefficients=gmm.coefficients[:p],
        covariance=covariance,
        inference=inference(gmm.coefficients[:p], covariance, df),
        df=df,
        n_obs=estimate.products.n_rows[-1],
        n_firms=firms,
        n_firms_scores=len(gmm.firms),
        j_statistic=gmm.j_statistic,
        j_df=gmm.j_df,
        j_p_value=j_p_value,
        parameters=parameters,
        influence_firms=gmm.firms,
        influence=influence,
        small_sample=factor,
        diagnostics=diagnostics_of(estimate, covariance, df),
        notes=(*served.notes, *estimate.notes),
    )
