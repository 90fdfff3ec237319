"""Numbers that a computer can multiply."""

from __future__ import annotations

import numpy as np

from panels.frame import NumberColumn, Selection
from specs.errors import EstimationError

__all__ = ["computable"]

LARGEST = 1e60
"""Fourth powers of larger numbers overflow: degree 4 is the highest."""


def computable(rows: Selection) -> Selection:
    """Return the rows as they are.

    Raises
    ------
    EstimationError
        If squares and products of a column would leave what a computer can hold.
    """
    for name, column in rows.columns.items():
        if isinstance(column, NumberColumn) and column.values.size:
            largest = float(np.nanmax(np.abs(column.values), initial=0.0))
            if largest > LARGEST:
                raise EstimationError(
                    f"{name} holds the number {largest:g}, too large to compute with; "
                    "is it a code for a missing value? leave such rows out with where, or blank them in the file"
                )
    return rows
