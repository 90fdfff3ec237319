"""Distributions compared again with counts of the firms and, where the outcome is estimated, at other parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from estimation.design_draws import DesignResampler, meat_of_scores
from estimation.distribution_terms import Shape, influence_of, shape_of, slope_of
from estimation.distribution_tests import DISTANCES, Pair, distances, shares_beyond, verdict
from estimation.regression_draws import OutcomeSlope
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["DistributionDraws", "Sample"]

_NOBODY = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """n complete rows, by firm.

    Attributes
    ----------
    rows, firm : (n,) integer arrays
        Positions in the panel, and codes of the firms.
    values, weights : (n,) arrays
    levels : tuple of str
    group : (n,) integer array
        Index into `levels`.
    base : int
        The level that the others are compared with.
    shares : (m,) array
        The quantiles' shares.
    slope : OutcomeSlope or None
        Of an outcome that is drawn again.
    """

    rows: IntArray
    firm: IntArray
    values: FloatArray
    weights: FloatArray
    levels: tuple[str, ...]
    group: IntArray
    base: int
    shares: FloatArray
    slope: OutcomeSlope | None


class DistributionDraws:
    """A `estimation.design_draws.DesignResampler` of a comparison of distributions.

    Parameters
    ----------
    sample : Sample
    cluster : (n,) integer array, optional
        Of its rows; the firms without it.
    """

    def __init__(self, sample: Sample, cluster: IntArray | None = None) -> None:
        self.sample = sample
        held = [np.unique((sample.firm if cluster is None else cluster)[sample.group == one]).size
                for one in range(len(sample.levels))]  # fmt: skip
        self.alone = frozenset(number for number, count in enumerate(held) if count < 2)
        self.rows: IntArray = sample.rows
        self.outcome_rows: IntArray = self.rows
        self.firms, self.starts = np.unique(sample.firm, return_index=True)
        self.ends = np.append(self.starts[1:], len(sample.firm))
        self.others = [number for number in range(len(sample.levels)) if number != sample.base]
        alone = len(self.others) == 1
        self.terms: tuple[str, ...] = tuple(
            term
            for level in self.others
            for term in (
                *(f"gap[{share:g}{'' if alone else f',{sample.levels[level]}'}]" for share in sample.shares.tolist()),
                "mean" if alone else f"mean[{sample.levels[level]}]",
            )
        )
        self.shapes = self.shapes_at(sample.values, np.ones(len(sample.firm)))
        self.groups: dict[int, tuple[IntArray, FloatArray]] = {}
        for number, size in enumerate(() if sample.slope is None else sample.slope.sizes):
            assert sample.slope is not None
            rows = np.flatnonzero(sample.slope.group_of_row == number)
            if len(rows) and size:
                self.groups[number] = rows, sample.slope.gradient[rows, :size]

    @property
    def values(self) -> FloatArray:
        """The gaps, (k,)."""
        return self.gaps(np.concatenate([one.values for one in self.shapes]))

    def gaps(self, of_groups: FloatArray) -> FloatArray:
        """Return gaps, (..., k), of the groups' quantiles and means, (..., r): one without a value spoils no other."""
        size = len(self.sample.shares) + 1
        base = of_groups[..., self.sample.base * size : (self.sample.base + 1) * size]
        return np.concatenate(
            [of_groups[..., level * size : (level + 1) * size] - base for level in self.others], axis=-1
        )

    @property
    def lift(self) -> FloatArray:
        """What makes gaps of the groups' quantiles and means, (k, groups x (m + 1))."""
        size = len(self.sample.shares) + 1
        found = np.zeros((len(self.others) * size, len(self.sample.levels) * size))
        for place, level in enumerate(self.others):
            for at in range(size):
                found[place * size + at, level * size + at] = 1.0
                found[place * size + at, self.sample.base * size + at] = -1.0
        return found

    def shapes_at(self, values: FloatArray, counts: FloatArray) -> tuple[Shape, ...]:
        """Return the quantiles and means of every group at values and counts of the rows, (n,) each."""
        found = []
        for number in range(len(self.sample.levels)):
            at = np.flatnonzero(self.sample.group == number)
            at = at[np.argsort(values[at], kind="stable")]
            found.append(shape_of(values[at], self.sample.weights[at], counts[at], self.sample.shares))
        return tuple(found)

    def influence(self) -> FloatArray:
        """Return how every row moves the gaps, (n, k)."""
        return self.gaps(self._moves(self.sample.values, self.shapes, slice(None)))

    def _moves(self, values: FloatArray, shapes: tuple[Shape, ...], rows: slice) -> FloatArray:
        """Return how these rows, with their values, move the groups' quantiles and means, (rows, r)."""
        group, weights = self.sample.group[rows], self.sample.weights[rows]
        size = len(self.sample.shares) + 1
        found = np.zeros((len(values), len(shapes) * size))
        for number, shape in enumerate(shapes):
            inside = np.flatnonzero(group == number)
            columns = slice(number * size, (number + 1) * size)
            found[inside, columns] = influence_of(values[inside], weights[inside], shape)
        return found

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> _Drawn:
        """Estimate every draw; see `estimation.design_draws.DesignResampler`."""
        sample, n = self.sample, len(counts)
        lost: BoolArray = np.zeros(n, dtype=np.bool_)
        steps: dict[int, FloatArray] = {}
        for number, (rows, _) in self.groups.items() if moved else ():
            step = moved[number]
            unknown: BoolArray = np.asarray(np.isnan(step).any(axis=1), dtype=np.bool_)
            if unknown.any():
                # A group without a drawn firm has no say.
                lost |= unknown & (counts[:, np.unique(sample.firm[rows])] > 0).any(axis=1)
            steps[number] = np.where(unknown[:, None], 0.0, step)
        lift, size = self.lift, len(sample.shares) + 1
        shapes: list[tuple[Shape, ...]] = []
        slopes = {
            number: np.zeros((n, len(sample.levels) * size, gradient.shape[1]))
            for number, (_, gradient) in (self.groups.items() if moved else ())
        }
        for draw in range(n):
            values, own = self.values_at(steps, draw, slice(None)), counts[draw, sample.firm]
            shapes.append(self.shapes_at(values, own))
            for number, slope in slopes.items():
                slope[draw] = self._slopes(number, values, own, shapes[-1])
        found = self.gaps(np.stack([np.concatenate([one.values for one in each]) for each in shapes]))
        found[lost] = np.nan
        operators = {number: lift @ slope for number, slope in slopes.items()}
        return _Drawn(self, found, operators, lift[None], tuple(shapes), steps, counts)

    def _slopes(self, number: int, values: FloatArray, counts: FloatArray, shapes: tuple[Shape, ...]) -> FloatArray:
        """Return how the groups' quantiles and means move with the parameters of a group of the outcome, (r, q)."""
        rows, own = self.groups[number]
        gradient = np.zeros((len(values), own.shape[1]))
        gradient[rows] = own
        found = []
        for group, shape in enumerate(shapes):
            at = np.flatnonzero((self.sample.group == group) & (counts > 0))
            at = at[np.argsort(values[at], kind="stable")]
            found.append(slope_of(values[at], self.sample.weights[at] * counts[at], gradient[at], shape))
        return np.concatenate(found)

    def values_at(self, steps: Mapping[int, FloatArray], draw: int, rows: slice) -> FloatArray:
        """Return the outcome of these rows at a draw's own parameters."""
        found = self.sample.values[rows].copy()
        first = rows.start or 0
        for number, step in steps.items():
            at, gradient = self.groups[number]
            low, high = np.searchsorted(at, [first, first + len(found)])
            found[at[low:high] - first] += gradient[low:high] @ step[draw]
        return found

    def signed(self, level: str, counts: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return the rows of a level and its base, and what each adds to F1 - F0; nothing where a side has nobody."""
        sample = self.sample
        rows, mass = [], []
        for name, sign in ((level, 1.0), (sample.levels[sample.base], -1.0)):
            at = np.flatnonzero(sample.group == sample.levels.index(name)) if name in sample.levels else _NOBODY
            w = sample.weights[at] * counts[at]
            if not w.sum() > 0:
                return _NOBODY, np.zeros(0)
            rows.append(at)
            mass.append(sign * w / w.sum())
        return np.concatenate(rows), np.concatenate(mass)

    def pair(self, level: int, cluster: IntArray) -> Pair:
        """Return a level and its base with the clusters of their rows."""
        at, mass = self.signed(self.sample.levels[level], np.ones(len(self.sample.firm)))
        order = np.argsort(self.sample.values[at], kind="stable")
        return Pair(self.sample.values[at][order], mass[order], cluster[at][order])

    def observed(self) -> FloatArray:
        """Return the distances of the sample itself, (pairs, 5)."""
        found = []
        for level in self.others:
            one = self.pair(level, np.zeros(len(self.sample.firm), dtype=np.int64))
            found.append(distances(one.values, one.mass))
        return np.stack(found)

    def untested(self) -> dict[str, float | int | None]:
        """Return the distances alone, where their p-values are to come."""
        nothing = np.full((0, len(self.others), len(DISTANCES)), np.nan)
        return self.tested(nothing)

    def tested(
        self, drawn: FloatArray, exactly: Mapping[int, FloatArray] | None = None
    ) -> dict[str, float | int | None]:
        """Return the distances, their p-values and what these say.

        Parameters
        ----------
        drawn : (B, pairs, 5) array
            Distances of draws under equality.
        exactly : mapping of int to (3,) array, optional
            By pair, p-values of the first three that need no draws.
        """
        found: dict[str, float | int | None] = {}
        observed = self.observed()
        for number, level in enumerate(self.others):
            of = "" if len(self.others) == 1 else f"[{self.sample.levels[level]}]"
            p_values = shares_beyond(observed[number], drawn[:, number])
            if exactly is not None:
                p_values[:3] = exactly[number]
            if {level, self.sample.base} & self.alone:
                # One cluster does not say how groups of them vary.
                p_values[:] = np.nan
            for name, distance, p_value in zip(DISTANCES, observed[number].tolist(), p_values.tolist(), strict=True):
                found[f"{name}{of}"] = distance
                found[f"{name}_p_value{of}"] = None if np.isnan(p_value) else p_value
            known = not np.isnan(p_values).any()
            said = dict(zip(DISTANCES, p_values.tolist(), strict=True))
            found[f"dominance{of}"] = verdict(said) if known else None
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """A comparison in B draws: `estimation.design_draws.DrawnDesign`."""

    design: DistributionDraws
    coefficients: FloatArray
    operators: Mapping[int, FloatArray]
    lift: FloatArray
    shapes: tuple[tuple[Shape, ...], ...]
    steps: Mapping[int, FloatArray]
    counts: FloatArray

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return how the design's firms from start to stop move the groups' quantiles and means, (B, r, stop - start).

        A quantile without a density has no score: its error is rounding, and no t statistic is made of it.
        """
        design = self.design
        rows = slice(int(design.starts[start]), int(design.ends[stop - 1]))
        first = design.starts[start:stop] - rows.start
        found = np.empty((len(self.shapes), self.lift.shape[2], stop - start))
        for draw, shapes in enumerate(self.shapes):
            moves = design._moves(design.values_at(self.steps, draw, rows), shapes, rows)
            found[draw] = np.add.reduceat(np.nan_to_num(moves), first, axis=0).T
        return found

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'."""
        return meat_of_scores(self.scores(start, stop), weights, others)

    def distances_from(self, origin: DesignResampler) -> FloatArray:
        """Return how far F1 - F0 of the draws lies from that of the sample, (B, pairs, 5).

        Parameters
        ----------
        origin : DistributionDraws
            Of the sample. NaN where a draw has nobody of a group.
        """
        assert isinstance(origin, DistributionDraws)
        sample, design = origin.sample, self.design
        once = np.ones(len(sample.firm))
        found = np.full((len(self.shapes), len(origin.others), len(DISTANCES)), np.nan)
        for number, level in enumerate(origin.others):
            at, mass = origin.signed(sample.levels[level], once)
            for draw in range(len(found)):
                rows, drawn = design.signed(sample.levels[level], self.counts[draw, design.sample.firm])
                if not len(rows):
                    continue
                own = design.values_at(self.steps, draw, slice(None))[rows]
                values, joined = np.concatenate([own, sample.values[at]]), np.concatenate([drawn, -mass])
                order = np.argsort(values, kind="stable")
                found[draw, number] = distances(values[order], joined[order])
        return found
