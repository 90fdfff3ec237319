"""The second stage of a two-stage estimator on coordinates: what its columns are."""

from __future__ import annotations

from estimation.productivity.common.markov_coordinates import Columns, Coordinates, compressed
from estimation.productivity.two_stage.markov import Nuisance, SecondStage
from estimation.results import FloatArray

__all__ = ["coordinates"]


def coordinates(stage: SecondStage, given: Nuisance, weights: FloatArray | None = None) -> Coordinates:
    """Decompose the second stage's columns once.

    Parameters
    ----------
    stage : SecondStage
        ``fixed`` without dependent rows, given the weights.
    given : Nuisance
    weights : (n,) array, optional
        Above zero.
    """
    factors = [given.phi_before, *stage.before]
    parts = [(0,), *(tuple(index + 1 for index in one) for one in stage.factors)]
    if given.survival is not None:
        factors.append(given.survival - given.survival.mean())
        parts.append((1 + max(index for one in parts for index in one),))
    columns = Columns(
        fixed=stage.fixed,
        factors=factors,
        parts=parts,
        phi=given.phi,
        target=stage.output - given.free @ stage.free,
        x=stage.x,
        instruments=stage.instruments,
        powers=stage.basis.powers,
    )
    return compressed(columns, weights)
