"""What every estimator of a difference-in-differences hands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from estimation.results import BoolArray, FloatArray

__all__ = ["DidFit"]


@dataclass(frozen=True, slots=True, eq=False)
class DidFit:
    """Effects estimated on the n rows of a sample of F firms.

    Attributes
    ----------
    terms : tuple of str
        The k effects: ``att[simple]``, ``event[-2]``, ``att[group=2021]``, ``att[2021,2022]``.
    estimates : (k,) array
    influence : (F, k) array
        psi_i summed over the rows of a firm: estimate - truth = sum of psi_i to first order.
    shares : (n, k) array
        T: estimates = shares' y, nuisances as they are.
    treated : (F, k) bool array
        The treated firms behind each effect.
    used : (n,) bool array
        The rows that some effect rests on.
    parameters : int or None
        K of the small-sample factor, of regressions; None for estimators that have no such factor.
    stats : mapping of str to float, int or None
    notes : tuple of str
    dropped : mapping of str to int
        Rows of the sample that the estimator could not use, by reason.
    n_rows : int or None
        N of the small-sample factor where it is not the number of rows used: of stacks, in which a row stands more
        than once.
    """

    terms: tuple[str, ...]
    estimates: FloatArray
    influence: FloatArray
    shares: FloatArray
    treated: BoolArray
    used: BoolArray
    parameters: int | None = None
    stats: Mapping[str, float | int | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    n_rows: int | None = None
