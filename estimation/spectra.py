"""Inverses of many small symmetric matrices at once, those without full rank included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.results import BoolArray, FloatArray

__all__ = ["Spectra", "spectra"]


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """The eigenvalues of B positive semidefinite (k, k) matrices.

    Attributes
    ----------
    values : (B, k) array
        Ascending.
    vectors : (B, k, k) array
        In columns.
    kept : (B, k) bool array
        Those that are not zero beside the largest.
    """

    values: FloatArray
    vectors: FloatArray
    kept: BoolArray

    @property
    def full(self) -> BoolArray:
        """Whether each matrix has full rank, (B,)."""
        return np.asarray(self.kept.all(axis=1), dtype=np.bool_)

    @property
    def inverse(self) -> FloatArray:
        """The inverses on the range of each matrix, (B, k, k)."""
        weight = np.divide(1.0, self.values, out=np.zeros_like(self.values), where=self.kept)
        found: FloatArray = np.matmul(self.vectors * weight[:, None, :], self.vectors.transpose(0, 2, 1))
        return found


def spectra(matrices: FloatArray, zero: float) -> Spectra:
    """Decompose.

    Parameters
    ----------
    matrices : (B, k, k) array
        Symmetric up to rounding.
    zero : float
        Eigenvalues up to this share of the largest are zero.
    """
    values, vectors = np.linalg.eigh((matrices + matrices.transpose(0, 2, 1)) / 2)
    kept = values > np.maximum(zero * values[:, -1:], 0.0) if matrices.shape[1] else values > 0
    return Spectra(values, vectors, kept)
