"""Elasticities of one linear system, drawn again with counts of its firms."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from estimation.cross_products import Chunks, CrossProducts
from estimation.gmm import GmmFit
from estimation.gmm_draws import GmmDraws, Reestimated
from estimation.resamplers import Redrawn
from estimation.results import FloatArray

__all__ = ["ElasticityDraws"]

# Of what a unit step in the regressors moves: less is rounding.
ROUNDING = 1e-6

Map = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""From the system's wanted coefficients (q,) to the elasticities (p,) and their derivative (p, q)."""


def _themselves(coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    return coefficients, np.eye(len(coefficients))


class ElasticityDraws:
    """Estimates the one group of an entry again; an `estimation.results.InfluenceResampler`.

    Parameters
    ----------
    products : CrossProducts
        Of the full sample.
    chunks : callable
    fit : GmmFit
    two_step : bool
    wanted : sequence of str
        The system's coefficients that the elasticities are made of.
    become : callable, optional
        What makes elasticities of them; the coefficients themselves where it is left out.
    """

    def __init__(
        self,
        products: CrossProducts,
        chunks: Chunks,
        fit: GmmFit,
        two_step: bool,
        wanted: Sequence[str],
        become: Map = _themselves,
    ) -> None:
        self._draws = GmmDraws(products, chunks, fit, two_step, "cluster")
        self._chosen = np.zeros((len(wanted), len(products.parameters)))
        self._chosen[np.arange(len(wanted)), [products.parameters.index(name) for name in wanted]] = 1.0
        self._become = become
        self._size = len(become(self._chosen @ fit.theta)[0])

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return the elasticities of every draw, (B, p)."""
        return (self._elasticities(self._draws.estimate(counts))[0],)

    def redraw(self, counts: FloatArray) -> tuple[Redrawn, ...]:
        """Return the elasticities of every draw, and their influence functions."""
        found = self._draws.estimate(counts)
        elasticities, slopes = self._elasticities(found)
        return (Redrawn(elasticities, slopes @ self._draws.influence(found, self._chosen)),)

    def _elasticities(self, found: Reestimated) -> tuple[FloatArray, FloatArray]:
        coefficients = found.theta @ self._chosen.T
        step = self._chosen @ self._draws.scale
        size = np.linalg.norm(step, axis=1)
        for draw, directions in found.free.items():
            if (np.abs(step @ directions) > ROUNDING * size[:, None]).any():
                coefficients[draw] = np.nan
        nothing = np.full(self._size, np.nan), np.full((self._size, len(self._chosen)), np.nan)
        each = [nothing if np.isnan(one).any() else self._become(one) for one in coefficients]
        return np.stack([one for one, _ in each]), np.stack([slope for _, slope in each])
