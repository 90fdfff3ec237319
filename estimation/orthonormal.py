"""Columns made orthonormal one after the other, and which of them is a combination of those before it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from estimation.results import FloatArray

__all__ = ["COLLINEAR", "CollinearColumnError", "orthonormal_transform"]

# The share of a column's length that the columns before it leave, below which double precision cannot tell it
# from a combination of them: its own direction would keep fewer than ten digits.
COLLINEAR = 1e-6


class CollinearColumnError(ValueError):
    """A column is a combination of those before it.

    Attributes
    ----------
    index : int
        Which.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"column {index} is a combination of those before it")
        self.index = index


def orthonormal_transform(columns: FloatArray, space: FloatArray | None = None) -> FloatArray:
    """Return the upper triangular T with ``columns @ T`` orthonormal.

    Parameters
    ----------
    columns : (n, k) array
    space : (n, c) array, optional
        Orthonormal columns that stand before them: what is made orthonormal is what these leave.

    Raises
    ------
    CollinearColumnError
        If a column has no part of its own.
    """
    lengths = np.linalg.norm(columns, axis=0)
    rest = columns if space is None else columns - space @ (space.T @ columns)
    k = rest.shape[1]
    if len(rest) < k:
        raise CollinearColumnError(len(rest))
    triangle = np.linalg.qr(rest, mode="r")
    own = np.diag(triangle)
    for index in np.flatnonzero(~(np.abs(own) > COLLINEAR * lengths)):
        raise CollinearColumnError(int(index))
    # A sign of its own for each column would depend on the order of the rows.
    inverse: FloatArray = solve_triangular(triangle * np.sign(own)[:, None], np.eye(k)) if k else np.eye(0)
    return inverse
