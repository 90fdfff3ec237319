"""How a group is estimated in two stages, and the rows of its second stage."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from estimation.least_squares import dependences
from estimation.productivity.common.inputs import Inputs
from estimation.productivity.common.survival import Survival
from estimation.productivity.common.technology import Technology
from estimation.productivity.two_stage.basis import MarkovBasis
from estimation.productivity.two_stage.first import FirstStage
from estimation.productivity.two_stage.markov import Nuisance, SecondStage
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Recipe", "second_stage"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a group is estimated.

    Attributes
    ----------
    within : bool
        Whether the free inputs stand in the first stage's polynomial and all elasticities come from moments of the
        second stage (Ackerberg, Caves and Frazer); else they stand apart, and the second stage minimises.
    translog : bool
    markov_degree : int
    common : bool
        Whether the first stage keeps to the rows with a year before.
    survival_degree : int
        Of the probit's polynomial; 0 without a correction for exit.
    start : tuple of float
        The elasticities that the root is to be nearest to; empty for those of Wooldridge's second equation.
    """

    within: bool
    translog: bool = False
    markov_degree: int = 3
    common: bool = False
    survival_degree: int = 0
    start: tuple[float, ...] = ()


def second_stage(
    inputs: Inputs, first: FirstStage, known: BoolArray, at: IntArray, recipe: Recipe, survival: Survival | None
) -> tuple[SecondStage, Nuisance]:
    """Lay out the rows of the second stage.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the group.
    first : FirstStage
    known : (n,) bool array
        Rows whose Phi can be computed.
    at : (r,) integer array
        Positions of the second stage's rows; each has a known row above it.
    recipe : Recipe
    survival : Survival or None
    """
    phi = np.full(len(known), np.nan)
    everywhere = np.flatnonzero(known)
    held = []
    for part, c in first.columns(everywhere):
        phi[everywhere[part]] = first.phi @ c
        # D: the controls of t, as the first stage has them.
        held.append(c[first.n_polynomial :, np.isin(everywhere[part], at, assume_unique=True)])
    n = len(at)
    controls = np.concatenate(held, axis=1) if held else np.zeros((0, n))
    logs = (*inputs.free, *inputs.state) if recipe.within else inputs.state
    n_free = len(inputs.free) if recipe.within else 0
    technology = Technology(tuple(str(index) for index in range(len(logs))), recipe.translog)
    centred = [values - values[at].mean() for values in logs]
    instruments = None
    if recipe.within:
        dated = [values[at - 1] if index < n_free else values[at] for index, values in enumerate(centred)]
        instruments = _about_means(technology.monomials(dated))
    given = _about_mean(phi[at - 1])
    scale = float(np.sqrt(np.mean(given**2))) or 1.0
    probability = None if survival is None else survival.probability[at - 1]
    basis = MarkovBasis(recipe.markov_degree, scale)
    if probability is not None:
        basis = replace(
            basis, survival_centre=float(probability.mean()), survival_scale=float(probability.std()) or 1.0
        )
    free = np.zeros((0, n)) if recipe.within else np.stack([_about_mean(values[at]) for values in inputs.free])
    stage = SecondStage(
        at=at,
        firm=inputs.firm[at],
        x=_about_means(technology.monomials([values[at] for values in centred])),
        before=technology.monomials([values[at - 1] for values in centred]),
        factors=technology.factors,
        instruments=instruments,
        free=free,
        output=_about_mean(inputs.output[at]),
        fixed=_orthonormal(np.vstack([np.ones((1, n)), controls])),
        basis=basis,
    )
    return stage, Nuisance(_about_mean(phi[at]), given, first.free, probability)


def _about_mean(values: FloatArray) -> FloatArray:
    return values - values.mean() if len(values) else values


def _about_means(values: FloatArray) -> FloatArray:
    return values - values.mean(axis=1, keepdims=True) if values.shape[1] else values


def _orthonormal(columns: FloatArray) -> FloatArray:
    """Return an orthonormal basis of these rows, without those that the ones before them span."""
    if not columns.shape[1]:
        return columns
    spanned = [one.term for one in dependences(columns.T)]
    q, _ = np.linalg.qr(np.delete(columns, spanned, axis=0).T)
    return np.ascontiguousarray(q.T)
