"""The bootstrap of the whole chain: productivity, then the design, in draws of the same clusters of firms.

The outcome of a draw is the productivity column at the draw's own parameters; the design is estimated on it with
the draw's counts. The standard error of a draw, for the studentised interval, is that of its influence functions

    psi_i = psi_design,i + T(dw/dtheta) psi_theta,i

(`estimation.second_stage`) summed by cluster. A productivity estimator without influence functions of its draws
lends those of the full sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from estimation.bootstrap import Blocks, Summary, summarise
from estimation.design_draws import DesignResampler, DrawnDesign, TestedDesign, TestedDraw
from estimation.resamplers import AverageResampler, InfluenceResampler, Redrawn, Resampler, TellingResampler
from estimation.results import FloatArray, IntArray, ProductivityFit

__all__ = [
    "FirstStageDraws", "batch_size", "bootstrap_design", "bootstrap_elasticities", "design_std_errors",
    "influence_size", "redrawn_with_influence", "told_of",
]  # fmt: skip

# Numbers held at a time: counts and influence functions of a batch of draws, and those of a stretch of firms.
BATCH_VALUES = 8_000_000
STRETCH_VALUES = 600_000
SMALLEST_BATCH, LARGEST_BATCH = 8, 500


@dataclass(frozen=True, slots=True, eq=False)
class FirstStageDraws:
    """An estimated outcome, linear in its parameters, and what estimates it again."""

    fit: ProductivityFit
    resampler: Resampler


def bootstrap_design(
    design: DesignResampler, blocks: Blocks, draws: int, first: FirstStageDraws | None = None
) -> Summary:
    """Draw a design again, and its estimated outcome with it.

    Parameters
    ----------
    design : DesignResampler
    blocks : Blocks
        Every firm of the design, and of the first stage's estimates that it rests on.
    draws : int
    first : FirstStageDraws, optional
        The outcome, where it is estimated.
    """
    once = np.ones((1, blocks.n_panel))
    origin = () if first is None else first.resampler.draw(once)
    groups = () if first is None else first.fit.groups
    telling = first.resampler if first is not None and isinstance(first.resampler, TellingResampler) else None
    terms: list[list[FloatArray]] = []
    distances: list[FloatArray] = []

    def estimate(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
        redrawn = () if first is None else redrawn_with_influence(first.fit, first.resampler, counts)
        if telling is not None:
            terms.append([one.parameters[:, : len(of.terms)] for one, of in zip(redrawn, groups, strict=True)])
        drawn = design.draw(counts, tuple(one.parameters - at for one, at in zip(redrawn, origin, strict=True)))
        if isinstance(drawn, TestedDraw):
            distances.append(drawn.distances_from(design))
        carried = [
            (groups[number].influence_firms, redrawn[number].influence, operator)
            for number, operator in drawn.operators.items()
        ]
        return drawn.coefficients, _std_errors(_carried(carried), blocks, counts, (design.firms, drawn))

    width = blocks.n_panel + (0 if first is None else influence_size(first.fit))
    summary = summarise(*_draws(estimate, blocks, draws, width))
    # The first of them is the sample itself.
    if isinstance(design, TestedDesign):
        summary = replace(summary, tests=design.tested(np.concatenate(distances[1:])))
    if telling is None:
        return summary
    return replace(summary, notes=told_of(first.fit, telling, terms[1:]) if first is not None else ())


def told_of(
    fit: ProductivityFit, resampler: TellingResampler, batches: Sequence[Sequence[FloatArray]]
) -> tuple[str, ...]:
    """Return what a resampler says of its draws, with the group that it says it of.

    Parameters
    ----------
    fit : ProductivityFit
    resampler : TellingResampler
    batches : sequence of sequences of (b, q) arrays
        Of every batch of draws, every group's parameters.
    """
    joined = [
        np.concatenate(one)[:, : len(of.terms)] for one, of in zip(zip(*batches, strict=True), fit.groups, strict=True)
    ]
    told = zip(fit.groups, resampler.told(joined), strict=True)
    named = (("".join(f"{column} {level}: " for column, level in of.group), notes) for of, notes in told)
    return tuple(f"{name}{note}" for name, notes in named for note in notes)


def bootstrap_elasticities(
    fit: ProductivityFit, resampler: Resampler, blocks: Blocks, draws: int
) -> list[tuple[Summary, Summary | None]]:
    """Draw the coefficients of every group again, and their average elasticities where these are others.

    Parameters
    ----------
    fit : ProductivityFit
    resampler : Resampler
    blocks : Blocks
        Every firm with a score.
    draws : int
    """
    averaged = isinstance(resampler, AverageResampler)
    sizes = [
        (len(group.terms), 0 if group.elasticities is None or not averaged else len(group.elasticities.inputs))
        for group in fit.groups
    ]

    def estimate(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
        found, errors = [], []
        redrawn = redrawn_with_influence(fit, resampler, counts)
        averages = resampler.averages(counts, redrawn) if isinstance(resampler, AverageResampler) else None
        for number, (group, one, (size, _)) in enumerate(zip(fit.groups, redrawn, sizes, strict=True)):
            held = [Redrawn(one.parameters[:, :size], one.influence[:, :size])]
            average = None if averages is None else averages[number]
            held += [] if average is None else [average]
            for each in held:
                found.append(each.parameters)
                unit = np.eye(each.parameters.shape[1])[None]
                errors.append(_std_errors(_carried([(group.influence_firms, each.influence, unit)]), blocks, counts))
        return np.concatenate(found, axis=1), np.concatenate(errors, axis=1)

    found = _draws(estimate, blocks, draws, blocks.n_panel + influence_size(fit))

    def summary(start: int, stop: int) -> Summary:
        part = slice(start, stop)
        return summarise(found[0][part], found[1][:, part], found[2][part], found[3][:, part])

    summaries, coefficients, start = [], [], 0
    for size, more in sizes:
        averages = summary(start + size, start + size + more) if more else None
        summaries.append((summary(start, start + size), averages))
        coefficients.append(found[1][:, start : start + size])
        start += size + more
    if not isinstance(resampler, TellingResampler):
        return summaries
    told = resampler.told(coefficients)
    return [(replace(one, notes=notes), other) for (one, other), notes in zip(summaries, told, strict=True)]


def _draws(
    estimate: Callable[[FloatArray], tuple[FloatArray, FloatArray]], blocks: Blocks, draws: int, width: int
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the estimate (k,) and its draws (B, k), its standard error and theirs.

    `estimate` makes both of counts; `width` is how many numbers a draw holds.
    """
    itself, own = estimate(np.ones((1, blocks.n_panel)))
    found, errors = np.empty((draws, itself.shape[1])), np.empty((draws, itself.shape[1]))
    for part, counts in blocks.batches(draws, batch_size(width)):
        found[part], errors[part] = estimate(counts)
    return itself[0], found, own[0], errors


def batch_size(width: int) -> int:
    """Return how many draws are made at a time, where one holds `width` numbers."""
    return min(max(BATCH_VALUES // width, SMALLEST_BATCH), LARGEST_BATCH)


def design_std_errors(
    design: DesignResampler,
    drawn: DrawnDesign,
    blocks: Blocks,
    counts: FloatArray,
    carried: Sequence[tuple[IntArray, FloatArray, FloatArray]] = (),
) -> FloatArray:
    """Return the standard errors of a design's draws, (B, k).

    Parameters
    ----------
    design : DesignResampler
    drawn : DrawnDesign
    blocks : Blocks
    counts : (B, n_panel) array
    carried : sequence of (G,), (B, q, G) and (B, k, q) arrays
        Of the outcome's groups their firms, influence functions and what moves the coefficients; whatever else was
        drawn is taken as given.
    """
    return _std_errors(_carried(carried), blocks, counts, (design.firms, drawn))


def redrawn_with_influence(fit: ProductivityFit, resampler: Resampler, counts: FloatArray) -> tuple[Redrawn, ...]:
    """Return every group's draws; influence functions are those of the full sample where the draws know none."""
    if isinstance(resampler, InfluenceResampler):
        return resampler.redraw(counts)
    lent = (
        group.influence.T[None] if group.influence.shape[1] else np.zeros((1, len(group.parameters), 0))
        for group in fit.groups
    )
    return tuple(Redrawn(one, influence) for one, influence in zip(resampler.draw(counts), lent, strict=True))


def influence_size(fit: ProductivityFit) -> int:
    """Return how many numbers a draw's influence functions hold; groups that share an estimate share them."""
    return sum({tuple(group.influence_firms[[0, -1]]): group.influence.size for group in fit.groups}.values())


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Scores of some firms (ascending), and what makes influence functions of them, (B, k, r)."""

    firms: IntArray
    lift: FloatArray
    of: Callable[[int, int], FloatArray]


def _carried(parts: Sequence[tuple[IntArray, FloatArray, FloatArray]]) -> list[_Scores]:
    """Carry influence functions over to the design: of each the firms (G,), influence (B, q, G), operator (B, k, q).

    They are scores as they are; where all together are more than the design's k terms, their sum at the terms is.
    """
    if sum(operator.shape[2] for _, _, operator in parts) <= max((one.shape[1] for _, _, one in parts), default=0):
        return [_Scores(firms, operator, partial(_part, influence)) for firms, influence, operator in parts]
    union: IntArray = np.unique(np.concatenate([firms for firms, _, _ in parts]))
    n, k = parts[0][2].shape[:2]

    def summed(start: int, stop: int) -> FloatArray:
        found = np.zeros((n, k, stop - start))
        for firms, influence, operator in parts:
            low, high, place = _among(union[start:stop], firms)
            if high > low:
                found[:, :, place] += operator @ influence[:, :, low:high]
        return found

    return [_Scores(union, np.eye(k)[None], summed)]


def _part(influence: FloatArray, start: int, stop: int) -> FloatArray:
    return influence[:, :, start:stop]


def _std_errors(
    others: Sequence[_Scores], blocks: Blocks, counts: FloatArray, design: tuple[IntArray, DrawnDesign] | None = None
) -> FloatArray:
    """Return the standard errors of the influence functions that all scores make together, (B, k).

    With t_i all scores of firm i and L what makes influence functions of them: the roots of the diagonal of
    ``L (sum over clusters of n_c (sum of t_i) (sum of t_i)') L'``.

    Parameters
    ----------
    others : sequence of _Scores
        Of earlier steps.
    blocks : Blocks
    counts : (B, n_panel) array
    design : tuple of (G,) firms and DrawnDesign, optional
    """
    if blocks.n_clusters < len(blocks.firms):
        first = [] if design is None else [_Scores(design[0], design[1].lift, design[1].scores)]
        lift, meat = _by_cluster([*first, *others], blocks, counts)
    else:
        lift, meat = _by_firm(others, blocks, counts, design)
    variance: FloatArray = np.einsum("bkr,bkr->bk", lift @ meat, lift)
    return np.sqrt(np.maximum(variance, 0.0))


def _by_firm(
    others: Sequence[_Scores], blocks: Blocks, counts: FloatArray, design: tuple[IntArray, DrawnDesign] | None
) -> tuple[FloatArray, FloatArray]:
    """Return L (B, k, r) and the sum of n_i t_i t_i' (B, r, r), the design's scores first."""
    n, r = len(counts), 0 if design is None else design[1].lift.shape[2]
    lift = _lift([] if design is None else [design[1].lift], others, n)
    meat = np.zeros((n, lift.shape[2], lift.shape[2]))
    size = max(STRETCH_VALUES // (n * lift.shape[2]), 16)
    for start in range(0, len(blocks.firms), size):
        firms = blocks.firms[start : start + size]
        weights, joint = counts[:, firms], _joint(others, firms, n)
        meat[:, r:, r:] += (joint * weights[:, None, :]) @ joint.transpose(0, 2, 1)
        if design is None:
            continue
        low, high, place = _among(firms, design[0])
        if high > low:
            own, crossed = design[1].meat(low, high, weights[:, place], joint[:, :, place])
            meat[:, :r, :r] += own
            meat[:, :r, r:] += crossed
    meat[:, r:, :r] = meat[:, :r, r:].transpose(0, 2, 1)
    return lift, meat


def _by_cluster(scores: Sequence[_Scores], blocks: Blocks, counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return L (B, k, r) and the sum over clusters of n_c (sum of t_i) (sum of t_i)', (B, r, r)."""
    n = len(counts)
    lift = _lift([], scores, n)
    sums = np.zeros((n, lift.shape[2], blocks.n_clusters))
    size = max(STRETCH_VALUES // (n * lift.shape[2]), 16)
    for start in range(0, len(blocks.firms), size):
        cluster = blocks.cluster[start : start + size]
        joint = _joint(scores, blocks.firms[start : start + size], n)
        order = np.argsort(cluster, kind="stable")
        first = np.flatnonzero(np.diff(cluster[order], prepend=-1))
        sums[:, :, cluster[order][first]] += np.add.reduceat(joint[:, :, order], first, axis=2)
    drawn = np.zeros((n, blocks.n_clusters))
    drawn[:, blocks.cluster] = counts[:, blocks.firms]
    return lift, (sums * drawn[:, None, :]) @ sums.transpose(0, 2, 1)


def _lift(first: Sequence[FloatArray], scores: Sequence[_Scores], n: int) -> FloatArray:
    lifts = [*first, *(one.lift for one in scores)]
    return np.concatenate([np.broadcast_to(one, (n, *one.shape[1:])) for one in lifts], axis=2)


def _joint(scores: Sequence[_Scores], firms: IntArray, n: int) -> FloatArray:
    """Return all scores of these firms, (B, r, firms); zero where a step does not see one."""
    found = np.zeros((n, sum(one.lift.shape[2] for one in scores), len(firms)))
    end = 0
    for one in scores:
        start, end = end, end + one.lift.shape[2]
        low, high, place = _among(firms, one.firms)
        if high > low:
            found[:, start:end, place] = one.of(low, high)
    return found


def _among(firms: IntArray, others: IntArray) -> tuple[int, int, IntArray | slice]:
    """Return which part of the other firms lies among these, and where there; both ascend."""
    low, high = np.searchsorted(others, [firms[0], firms[-1] + 1])
    if high - low == len(firms):
        return int(low), int(high), slice(None)
    return int(low), int(high), np.searchsorted(firms, others[low:high])
