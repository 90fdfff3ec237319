"""Both stages again with other weights on the firms: what a bootstrap by firm draws from.

The first stage of every draw comes from per-firm cross-products of orthonormal columns, one matrix product for all
draws. The second is searched anew: its rows are compressed with the draw's weights
(`estimation.productivity.two_stage.coordinates`), and from all of the full sample's roots or minima and from points
around them

- the lowest minimum of the draw is taken, wherever it is, as the estimate is the lowest of its sample;
- of the draw's roots the one nearest to the estimate, in average elasticities.

Newton's method on the rows then polishes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from estimation.probit import SeparationError
from estimation.productivity.common.average_draws import AverageDraws
from estimation.productivity.common.markov_coordinates import Coordinates
from estimation.productivity.common.root_search import AT_A_ROOT, roots, starts
from estimation.productivity.common.system import stretches
from estimation.productivity.two_stage.coordinates import coordinates
from estimation.productivity.two_stage.first import FirstStage
from estimation.productivity.two_stage.group import TwoStageEstimate
from estimation.productivity.two_stage.levels import reported
from estimation.productivity.two_stage.markov import Nuisance, SecondStage, newton
from estimation.productivity.two_stage.solution import BOXES, all_minima, distances
from estimation.resamplers import Redrawn
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["TwoStageResampler"]

# Newton's step from here ends far below what a root asks for.
CLOSE = 1e-10
# Values of Phi that are held at a time, over draws and rows.
HELD = 4_000_000
BLOCK_VALUES = 400_000
# Of a factor's diagonal in orthonormal columns: below, a draw has lost a direction (the firms of a control's level).
LOST = 1e-6
# Starts of a draw, for every coefficient: in each box of roots, and in the region of the lowest minimum.
STARTS_OF_A_DRAW, POINTS_OF_A_DRAW = 6, 24


class TwoStageResampler:
    """A `estimation.resamplers.Resampler` of an estimate in two stages.

    Parameters
    ----------
    estimates : sequence of TwoStageEstimate
        One for each group of the fit; groups that are pooled share theirs.
    widths : sequence of int
        How many parameters each group reports.
    """

    def __init__(self, estimates: Sequence[TwoStageEstimate], widths: Sequence[int]) -> None:
        self.estimates, self.widths = tuple(estimates), tuple(widths)
        self._averages: dict[int, AverageDraws] = {}

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return the parameters of every draw.

        Parameters
        ----------
        counts : (B, F) array
            How often each of the panel's F firms (by code) was drawn.

        Returns
        -------
        tuple of (B, q) arrays
            For every group of the fit, its `parameters`; a row of NaN where a draw reaches no root.
        """
        known: dict[int, FloatArray] = {}
        for one in self.estimates:
            if id(one) not in known:
                known[id(one)] = reported(one).values(_draws(one, counts))
        return tuple(known[id(one)][:, :q] for one, q in zip(self.estimates, self.widths, strict=True))

    def averages(self, counts: FloatArray, redrawn: tuple[Redrawn, ...]) -> tuple[Redrawn | None, ...]:
        """Return every group's average elasticities in every draw; None where they are its coefficients.

        Parameters
        ----------
        counts : (B, F) array
        redrawn : tuple of Redrawn
            Every group's parameters in them, and influence functions on the firms of its estimate.
        """
        known: dict[int, Redrawn | None] = {}
        for one, drawn in zip(self.estimates, redrawn, strict=True):
            if id(one) not in known:
                p, averaging = len(one.technology.terms), self._averaging(one)
                at = (drawn.parameters[:, :p], drawn.influence[:, :p])
                known[id(one)] = None if averaging is None else averaging.draw(counts, *at)
        return tuple(known[id(one)] for one in self.estimates)

    def _averaging(self, estimate: TwoStageEstimate) -> AverageDraws | None:
        if not estimate.technology.translog:
            return None
        if id(estimate) not in self._averages:
            inputs = estimate.inputs
            self._averages[id(estimate)] = AverageDraws(
                estimate.technology, inputs.technology, inputs.firm, estimate.in_second_stage, estimate.firms
            )
        return self._averages[id(estimate)]

    def told(self, parameters: Sequence[FloatArray]) -> tuple[tuple[str, ...], ...]:
        """Say of every group in how many draws another of its roots or minima is nearer than the estimate.

        Parameters
        ----------
        parameters : sequence of (B, p) arrays
            The terms of every group in the draws.
        """
        return tuple(_elsewhere(one, drawn) for one, drawn in zip(self.estimates, parameters, strict=True))


def _elsewhere(estimate: TwoStageEstimate, drawn: FloatArray) -> tuple[str, ...]:
    solving = estimate.stage.instruments is not None
    what = "root" if solving else "local minimum"
    if len(estimate.found) < 2:
        return ()
    own, p = reported(estimate), len(estimate.technology.terms)
    made = drawn[~np.isnan(drawn).any(axis=1), :p]
    thetas = np.linalg.solve(own.matrix[:p, :p], (made - own.shift[:p]).T)[p - len(estimate.theta) :].T
    known = [one.theta for one in estimate.found]
    apart = [np.asarray(np.linalg.norm(thetas - one, axis=1), dtype=np.float64) for one in known]
    if solving:
        given = (estimate.inputs, estimate.stage, estimate.technology)
        apart = [distances(*given, np.asarray(thetas, dtype=np.float64), one) for one in known]
    chosen = int(np.argmin([np.linalg.norm(one - estimate.theta) for one in known]))
    moved = int(np.count_nonzero(np.argmin(apart, axis=0) != chosen))
    if not moved:
        return ()
    taken = "root nearest to the estimate" if solving else "lowest local minimum"
    return (
        f"in {moved} of {len(made)} draws of the bootstrap the {taken} lies nearer to another {what} of the "
        "full sample than to the estimate",
    )


def _draws(estimate: TwoStageEstimate, counts: FloatArray) -> FloatArray:
    """Return free inputs that stand apart, theta and the coefficients of C, (B, f + s + q)."""
    first, stage = estimate.first, estimate.stage
    f, s = first.n_free, len(estimate.theta)
    found = np.full((len(counts), len(estimate.coefficients)), np.nan)
    early = _first_stages(first, counts)
    found[:, :f], found[:, f + s :] = early[:, :f], early[:, f:]
    a = len(stage.fixed)
    grams = _weighted_products([(stage.firm, stage.fixed)], a, counts)
    needed = np.union1d(stage.at, stage.at - 1)
    now, before = np.searchsorted(needed, stage.at), np.searchsorted(needed, stage.at - 1)
    block = max(HELD // max(len(needed), 1), 1)
    for start in range(0, len(counts), block):
        phi = np.empty((len(early[start : start + block]), len(needed)))
        for part, c in first.columns(needed):
            phi[:, part] = early[start : start + block, f:] @ c
        for number, values in enumerate(phi, start=start):
            weights = counts[number, stage.firm]
            found[number, f : f + s] = _second_stage(
                estimate, early[number, :f], values[now], values[before], weights, grams[number], counts[number]
            )
    found[np.isnan(found).any(axis=1)] = np.nan
    return found


def _second_stage(
    estimate: TwoStageEstimate,
    free: FloatArray,
    phi: FloatArray,
    phi_before: FloatArray,
    weights: FloatArray,
    gram: FloatArray,
    counts: FloatArray,
) -> FloatArray:
    """Return theta with these weights; NaN where no root is reached."""
    nowhere = np.full(len(estimate.theta), np.nan)
    drawn = weights > 0
    few = np.count_nonzero(drawn) <= estimate.stage.n_parameters
    if few or np.isnan(phi).any() or np.isnan(free).any():
        return nowhere
    try:
        probability = None
        if estimate.survival is not None:
            # The firms of all rows of the group: exit rests on rows that the second stage does not see.
            everywhere = estimate.survival.reweighted(counts[estimate.inputs.firm])
            probability = everywhere[estimate.stage.at - 1][drawn]
        stage, gram = _of_the_draw(estimate.stage, drawn, gram)
        now, before = phi[drawn], phi_before[drawn]
        given = Nuisance(now - now.mean(), before - before.mean(), free, probability)
        start = _searched(estimate, coordinates(stage, given, weights[drawn]))
        if start is None:
            return nowhere
        theta, evaluation = newton(stage, start, given, weights[drawn], gram, CLOSE)
    except (np.linalg.LinAlgError, SeparationError):
        return nowhere
    if not evaluation.norm < AT_A_ROOT:
        return nowhere
    if stage.instruments is None and np.linalg.eigvalsh(evaluation.jacobian + evaluation.jacobian.T)[0] <= 0:
        return nowhere
    return theta


def _of_the_draw(stage: SecondStage, drawn: BoolArray, gram: FloatArray) -> tuple[SecondStage, FloatArray]:
    """Return the rows that were drawn, without directions of [1, D] that no drawn firm has, and their Gram matrix."""
    fixed = stage.fixed[:, drawn]
    values, directions = np.linalg.eigh(gram)
    kept = values > LOST * values.mean()
    if not kept.all():
        fixed, gram = (directions[:, kept].T / np.sqrt(values[kept])[:, None]) @ fixed, np.eye(int(kept.sum()))
    return (
        replace(
            stage,
            at=stage.at[drawn],
            firm=stage.firm[drawn],
            x=stage.x[:, drawn],
            before=stage.before[:, drawn],
            instruments=None if stage.instruments is None else stage.instruments[:, drawn],
            free=stage.free[:, drawn],
            output=stage.output[drawn],
            fixed=fixed,
        ),
        gram,
    )


def _searched(estimate: TwoStageEstimate, system: Coordinates) -> FloatArray | None:
    """Return the draw's lowest minimum, or its root nearest to the estimate; None where there is none."""
    known = np.vstack([one.theta for one in estimate.found])
    if system.instruments is None:
        found = all_minima(system, known, POINTS_OF_A_DRAW)
        return found[0].theta if found else None
    technology, p = estimate.technology, len(estimate.theta)
    begin = starts(len(technology.inputs), p, STARTS_OF_A_DRAW, BOXES)
    found, _ = roots(system, np.vstack([estimate.theta, known, begin]))
    if not found:
        return None
    away = distances(
        estimate.inputs, estimate.stage, technology, np.array([one.theta for one in found]), estimate.theta
    )
    return found[int(np.argmin(away))].theta


def _first_stages(first: FirstStage, counts: FloatArray) -> FloatArray:
    """Return the free inputs that stand apart and the coefficients of C, (B, f + q)."""
    products, transform = first.products, first.products.transforms[0]
    equation, m = products.equations[0], len(transform)

    def columns() -> Iterator[tuple[IntArray, FloatArray]]:
        for chunk in first.system.chunks():
            block, rows = chunk.blocks[0], chunk.rows[0]
            yield chunk.firm[rows], np.vstack([transform @ block[: transform.shape[1]], block[-1:]])

    grams = _weighted_products(columns(), m + 1, counts)
    on_columns = np.array([_solved(gram[:m, :m], gram[:m, m]) for gram in grams]) @ transform
    names = list(equation.parameters[: transform.shape[1]])
    return on_columns[:, [names.index(name) for name in first.gmm.parameters]]


def _solved(gram: FloatArray, right: FloatArray) -> FloatArray:
    """Solve the normal equations of nearly orthonormal columns; least norm where a direction is lost."""
    size = float(np.trace(gram)) / len(gram)
    if not size > 0:
        return np.full(len(gram), np.nan)
    values, directions = np.linalg.eigh(gram)
    kept = values > LOST * size
    return np.asarray(directions[:, kept] @ ((directions[:, kept].T @ right) / values[kept]))


def _weighted_products(
    columns: Iterable[tuple[IntArray, FloatArray]],
    size: int,
    counts: FloatArray,
) -> FloatArray:
    """Return the cross-products of columns with every draw's weights, (B, size, size).

    Parameters
    ----------
    columns : iterable of ((n,) ascending firms, (size, n) columns)
        Whole firms.
    size : int
    counts : (B, F) array
    """
    upper = np.triu_indices(size)
    total = np.zeros((len(counts), len(upper[0])))
    for firm, values in columns:
        for start, stop in stretches(firm, max(BLOCK_VALUES // len(upper[0]), 64)):
            codes, part = firm[start:stop], values[:, start:stop]
            begins = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
            by_firm = np.add.reduceat(part[upper[0]] * part[upper[1]], begins, axis=1)
            total += counts[:, codes[begins]] @ by_firm.T
    grams = np.zeros((len(counts), size, size))
    grams[:, upper[0], upper[1]] = total
    grams[:, upper[1], upper[0]] = total
    return grams
