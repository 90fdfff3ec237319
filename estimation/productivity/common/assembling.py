"""From the estimates of groups to a productivity column: values, gradient, and the rows that no estimate rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from estimation.productivity.common.inputs import Inputs, lag_status
from estimation.productivity.common.ladder import Served
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit
from specs.errors import EstimationError

__all__ = ["ELSEWHERE", "LevelWriter", "SampledEstimate", "assemble_fit", "naming"]

ELSEWHERE = "another group in the year before"


class SampledEstimate(Protocol):
    """An estimate on a group of rows that knows which of them it used."""

    @property
    def in_sample(self) -> BoolArray:
        """The rows of the group that any equation uses, (n,)."""


Sampled = TypeVar("Sampled", bound=SampledEstimate)
LevelWriter = Callable[[Sampled, BoolArray, IntArray | None, FloatArray, FloatArray], Mapping[str, int]]
"""``write(estimate, rows, at, values, gradient)`` writes the level of the group's `rows` (a bool array as long as
the group) into the panel's `values` (n,) and its derivative with respect to the group's parameters into
`gradient` (n, q); `at` says where the group's rows stand in the panel, None where they are the panel. It returns
rows that got no value although they have their inputs, by reason."""
Found = TypeVar("Found")


def naming(name: str, estimate: Callable[[], Found]) -> Found:
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
    served: Sequence[Served[Sampled]],
    use: BoolArray,
    dropped: dict[str, int],
    groups: Sequence[GroupFit],
    write: LevelWriter[Sampled],
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
        for level, count in write(one.estimate, rows, one.at, values, gradient).items():
            unseen[level] = unseen.get(level, 0) + count
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
        ELSEWHERE: np.count_nonzero(outside & status.usable),
    }
    return {reason: int(count) for reason, count in counts.items() if count}
