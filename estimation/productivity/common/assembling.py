"""From the estimates of groups to a productivity column: values, gradient, and the rows that no estimate rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from estimation.productivity.common.inputs import ROWS_AT_A_TIME, Inputs, lag_status
from estimation.productivity.common.ladder import Served
from estimation.productivity.common.vetting import made_of_the_proxy, vetted
from estimation.results import BoolArray, EquationRows, FloatArray, GroupFit, IntArray, ProductivityFit
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["LevelWriter", "SampledEstimate", "assemble_fit", "naming"]

ELSEWHERE = "another group in the year before"
NEVER_SEEN = "a level of a control that equation 1 never saw"


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


def naming(name: str, estimate: Callable[[], Found], dropped: Callable[[], Mapping[str, int]] | None = None) -> Found:
    """Run an estimate; an error then says which entry of the spec failed, and knows the rows that `dropped` counts."""
    try:
        return estimate()
    except EstimationError as error:
        counts = error.dropped if dropped is None else dropped()
        raise EstimationError(f"productivity.{name}: {error}", counts) from None


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
    equations: Callable[[Sampled], Mapping[str, BoolArray]] | None = None,
    needed_before: Sequence[tuple[str, FloatArray]] = (),
) -> ProductivityFit:
    """Fill the column from the groups' estimates and count the rows that no estimate, or not every equation, rests on.

    The groups' records are returned with what `vetted` has to say of them.

    Parameters
    ----------
    name, method, tfp_from, options
        Of the record.
    inputs : Inputs
        All n rows of the panel.
    served : sequence of Served
    use : (n,) bool array
        Rows that could take part.
    dropped : dict of str to int
        Rows that could not take part, by reason.
    groups : sequence of GroupFit
    write : callable
    equations : callable, optional
        From an estimate to the rows of its group that each equation uses, by the equation's number; without it all
        equations use all rows of the sample.
    needed_before : sequence of (str, (n,) array)
        Columns that a row needs of its year before beside those of the production function, by name.

    Raises
    ------
    EstimationError
        If productivity does not vary in a group.
    """
    n = len(use)
    values = np.full(n, np.nan)
    gradient = np.zeros((n, max(len(group.parameters) for group in groups)))
    group_of_row: NDArray[np.signedinteger[Any]] = np.full(n, -1, dtype=np.int16)
    if len(groups) > np.iinfo(np.int16).max:
        group_of_row = group_of_row.astype(np.int32)
    in_sample = np.zeros(n, dtype=bool)
    used: dict[str, BoolArray] = {}
    unseen: dict[str, int] = {}
    for number, one in enumerate(served):
        rows = one.rows if one.at is None else one.rows[one.at]
        for level, count in write(one.estimate, rows, one.at, values, gradient).items():
            unseen[level] = unseen.get(level, 0) + count
        group_of_row[one.rows] = number
        at = slice(None) if one.at is None else one.at
        in_sample[at] |= one.estimate.in_sample
        for equation, its_rows in (equations(one.estimate) if equations is not None else {}).items():
            used.setdefault(equation, np.zeros(n, dtype=bool))[at] |= its_rows
    group_of_row[np.isnan(values)] = -1

    def checked(number: int) -> GroupFit:
        one = served[number]
        everything = slice(None) if one.at is None else one.at
        at = np.flatnonzero(one.estimate.in_sample & one.rows[everything] & ~np.isnan(values[everything]))
        at = at if one.at is None else one.at[at]
        weights = None
        if inputs.weights is not None:
            weights = (inputs.roles.weights or "", inputs.weights[at], inputs.firm[at])
        spreads = (_spread(inputs.output, at), _spread(values, at))
        one_group = vetted(groups[number], inputs.roles.output, len(at), spreads, weights)
        return replace(one_group, notes=(*one_group.notes, *made_of_the_proxy(inputs, at)))

    def without_lag(outside: BoolArray) -> dict[str, int]:
        return _without_lag(outside, inputs, use, served, needed_before) if outside.any() else {}

    return ProductivityFit(
        name=name,
        method=method,
        tfp_from=tfp_from,
        groups=naming(name, lambda: tuple(checked(number) for number in range(len(groups)))),
        values=values,
        group_of_row=group_of_row,
        in_sample=in_sample,
        gradient=gradient,
        dropped=dropped | without_lag(use & inputs.complete & ~in_sample),
        options=options,
        equations={
            equation: EquationRows(int(np.count_nonzero(its_rows)), without_lag(in_sample & ~its_rows))
            for equation, its_rows in sorted(used.items())
        },
        notes=tuple(
            f"{counted(count, 'row has', 'rows have')} no control-function TFP: equation 1 never saw {level} "
            "(sample: all keeps rows without a year before)"
            for level, count in unseen.items()
        ),
    )


def _spread(values: FloatArray, at: IntArray) -> float:
    """Return the standard deviation of these rows, a stretch at a time, mean first."""
    parts = [at[start : start + ROWS_AT_A_TIME] for start in range(0, len(at), ROWS_AT_A_TIME)]
    mean = sum(float(np.sum(values[part])) for part in parts) / max(len(at), 1)
    deviations = (values[part] - mean for part in parts)
    return float(np.sqrt(sum(float(one @ one) for one in deviations) / max(len(at), 1)))


def _without_lag(
    outside: BoolArray,
    inputs: Inputs,
    use: BoolArray,
    served: Sequence[Served[Sampled]],
    needed_before: Sequence[tuple[str, FloatArray]],
) -> dict[str, int]:
    """Count complete rows that an equation does not use, each by the first thing that its year before lacks."""
    status = lag_status(inputs, use)
    together = np.zeros(len(use), dtype=bool)
    for one in served:
        inside = np.ones(len(use), dtype=bool)
        if one.at is not None:
            inside[:] = False
            inside[one.at] = True
        together[1:] |= one.rows[1:] & inside[1:] & inside[:-1]
    left = outside.copy()
    counts: dict[str, int] = {}

    def count(reason: str, lacks: BoolArray) -> None:
        counts[reason] = counts.get(reason, 0) + int(np.count_nonzero(left & lacks))
        np.logical_and(left, ~lacks, out=left)

    count("no row in the year before", ~status.adjacent)
    count("missing value in the year before", ~status.usable)
    count(ELSEWHERE, ~together)
    for name, values in needed_before:
        count(f"missing {name} in the year before", np.append([False], np.isnan(values[:-1])))
    count(NEVER_SEEN, np.ones(len(use), dtype=bool))
    return {reason: number for reason, number in counts.items() if number}
