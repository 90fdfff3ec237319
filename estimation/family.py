"""A model's p-values as adjusted for a family of hypotheses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Family"]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """The p-values of a model, adjusted for the hypotheses that are tested beside them.

    Attributes
    ----------
    id : str
    method : str
        ``romano_wolf``, ``holm``, ``benjamini_hochberg``.
    draws, seed : int or None
        Of `romano_wolf`.
    members : tuple of (model, term)
        All hypotheses of the family, in the order of the spec.
    lost : tuple of str
        Models that failed and terms without a p-value; they count, with a p-value of one.
    n_hypotheses : int
        Those lost included.
    adjusted : mapping of str to float
        By term of this model.
    """

    id: str
    method: str
    draws: int | None
    seed: int | None
    members: tuple[tuple[str, str], ...]
    lost: tuple[str, ...]
    n_hypotheses: int
    adjusted: Mapping[str, float]
