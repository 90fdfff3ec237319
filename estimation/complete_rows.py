"""Rows that have what a comparison of groups needs, and the count of the others by what they lack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estimation.results import BoolArray, FloatArray
from panels.frame import Selection, TextColumn
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["complete_rows", "weights_of"]


def complete_rows(
    rows: Selection, names: Sequence[str | None], weights: str | None
) -> tuple[Selection, dict[str, int]]:
    """Return the rows that lack none of some columns and have a weight above zero.

    Parameters
    ----------
    rows : Selection
    names : sequence of str or None
        Columns; those that are not among the rows' own (``firm``, ``year``) are never missing.
    weights : str or None
        A column of sampling weights.

    Returns
    -------
    rows : Selection
    dropped : dict of str to int
        The others, each counted once, by what they lack first.

    Raises
    ------
    EstimationError
        If a weight is negative or text, or no row is left.
    """
    lacking: list[tuple[str, BoolArray]] = [
        (f"{name} is missing", rows.columns[name].missing())
        for name in dict.fromkeys((*names, weights))
        if name is not None and name in rows.columns
    ]
    if weights is not None:
        weight = _number(rows, weights)
        below = int((weight < 0).sum())
        if below:
            raise EstimationError(
                f"the weight {weights} is negative in {counted(below, 'row')}: no row can count for less than none; "
                "leave such rows out by where"
            )
        lacking.append((f"{weights} is zero", np.asarray(weight == 0, dtype=np.bool_)))
    left: BoolArray = np.ones(rows.rows.size, dtype=np.bool_)
    dropped: dict[str, int] = {}
    for reason, lacks in lacking:
        gone = int((left & lacks).sum())
        if gone:
            dropped[reason] = gone
        left = left & ~lacks
    if not left.any():
        of = "; ".join(f"{reason} in {counted(count, 'row')}" for reason, count in dropped.items())
        raise EstimationError(f"no row is left: {of or 'where keeps none'}; widen where, or leave a column out")
    return rows.take(left), dropped


def weights_of(rows: Selection, weights: str | None) -> FloatArray:
    """Return the rows' weights, (n,), over their mean: what they add up to says nothing."""
    if weights is None:
        return np.ones(rows.rows.size)
    found = rows.number(weights)
    return found / float(found.mean())


def _number(rows: Selection, name: str) -> FloatArray:
    if isinstance(rows.columns[name], TextColumn):
        raise EstimationError(f"{name} must be a number, and it is text")
    return rows.number(name)
