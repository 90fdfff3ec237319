"""Markups drawn again: the entry behind in every draw, then the markups of all rows and their averages.

With theta_b the parameters of the entry behind in draw b, the markup of a row is that of its elasticity and of its
transitory error at theta_b, both computed again; the average of a group counts a firm's rows as often as the firm was
drawn. A row whose elasticity is not above zero in a draw has no markup in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from estimation.productivity.markup_values import too_large
from estimation.resamplers import ExtrasResampler, InfluenceResampler, Redrawn, Resampler
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit, RowValues
from panels.frame import Selection

__all__ = ["MarkupResampler"]


class Keys(Protocol):
    """What the draws need of the entry's keys."""

    @property
    def input(self) -> str:
        """The input."""

    @property
    def expenditure(self) -> str:
        """What was paid for it."""

    @property
    def revenue(self) -> str:
        """The output in money."""

    @property
    def level(self) -> str:
        """``log`` or ``level``."""


@dataclass(frozen=True, slots=True, eq=False)
class _Markups:
    """The column, (n,), the rows with a value, and the derivative of their logs, (rows, q)."""

    values: FloatArray
    rows: IntArray
    of_log: FloatArray


class MarkupResampler:
    """A `LevelResampler` with influence functions.

    Parameters
    ----------
    keys : Keys
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    fit : ProductivityFit
        The markups.
    parent : ProductivityFit
        The entry behind, with its extras.
    resampler : Resampler
        What draws it again.
    """

    def __init__(
        self,
        keys: Keys,
        rows: Selection,
        use: BoolArray,
        fit: ProductivityFit,
        parent: ProductivityFit,
        resampler: Resampler,
    ) -> None:
        self._fit, self._parent, self._resampler, self._input = fit, parent, resampler, keys.input
        self._in_logs = keys.level == "log"
        self._firm = rows.firm
        places = {group.group: number for number, group in enumerate(parent.groups)}
        # Those of the entry behind that have a markup at all.
        self._present = [places[group.group] for group in fit.groups]
        paid, earned = rows.number(keys.expenditure), rows.number(keys.revenue)
        able = use & (paid > 0) & (earned > 0)
        # What was earned over what was paid: data, the same in every draw.
        self._ratio: FloatArray = np.full(len(use), np.nan)
        self._ratio[able] = np.log(earned[able]) - np.log(paid[able])
        self._origin = resampler.draw(np.ones((1, int(rows.firm.max()) + 1)))

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return the average and the parent's parameters of every group in every draw."""
        averaged = self._averaged(counts, self._resampler.draw(counts))
        return tuple(averaged[number][0] for number in self._present)

    def redraw(self, counts: FloatArray) -> tuple[Redrawn, ...]:
        """Return every group's average in every draw, with influence functions at the draw's own estimate.

        An entry behind without influence functions of its draws lends those of the full sample.
        """
        if isinstance(self._resampler, InfluenceResampler):
            behind = self._resampler.redraw(counts)
        else:
            drawn_again = self._resampler.draw(counts)
            lent = [one.influence.T[None] for one in self._parent.groups]
            behind = tuple(Redrawn(one, influence) for one, influence in zip(drawn_again, lent, strict=True))
        found = []
        averaged = self._averaged(counts, tuple(one.parameters for one in behind))
        for group, number in zip(self._fit.groups, self._present, strict=True):
            (parameters, own, slope), drawn, parent = averaged[number], behind[number], self._parent.groups[number]
            influence = np.zeros((len(counts), parameters.shape[1], len(group.influence_firms)))
            influence[:, 1:, np.searchsorted(group.influence_firms, parent.influence_firms)] = drawn.influence
            influence[:, 0] = own[:, group.influence_firms] + np.einsum("bq,bqf->bf", slope, influence[:, 1:])
            found.append(Redrawn(parameters, influence))
        return tuple(found)

    def level(self, parameters: tuple[FloatArray, ...]) -> FloatArray:
        """Return the column at other parameters, (n,)."""
        return self._at(self._behind(parameters)).values

    def linearised(self, parameters: tuple[FloatArray, ...]) -> tuple[RowValues, IntArray]:
        """Return the column and its gradient at other parameters, and the group of every row."""
        at = self._at(self._behind(parameters))
        # Of an average the column knows nothing: its slope is zero.
        gradient = np.zeros((len(at.values), 1 + at.of_log.shape[1]))
        gradient[at.rows, 1:] = at.of_log if self._in_logs else at.of_log * at.values[at.rows, None]
        place = np.full(len(self._parent.groups) + 1, -1)
        place[self._present] = np.arange(len(self._present))
        group_of_row = np.full(len(at.values), -1)
        group_of_row[at.rows] = place[self._parent.group_of_row[at.rows]]
        return RowValues(at.values, gradient), group_of_row

    def _behind(self, parameters: tuple[FloatArray, ...]) -> tuple[FloatArray, ...]:
        """Return the parameters of the entry behind."""
        behind = [one[0] for one in self._origin]
        for one, number in zip(parameters, self._present, strict=True):
            behind[number] = one[1:]
        return tuple(behind)

    def _at(self, parameters: tuple[FloatArray, ...]) -> _Markups:
        """Return the markups at these parameters of the entry behind."""
        elasticity, error = self._extras(parameters)
        theta, eps = elasticity.values, error.values
        values: FloatArray = np.full(len(self._ratio), np.nan)
        kept = np.flatnonzero((theta > 0) & ~np.isnan(eps) & ~np.isnan(self._ratio))
        values[kept] = np.log(theta[kept]) + self._ratio[kept] - eps[kept]
        if not self._in_logs:
            beyond = too_large(values[kept])
            values[kept[beyond]] = np.nan
            kept = kept[~beyond]
            values[kept] = np.exp(values[kept])
        return _Markups(values, kept, elasticity.gradient[kept] / theta[kept, None] - error.gradient[kept])

    def _extras(self, parameters: tuple[FloatArray, ...]) -> tuple[RowValues, RowValues]:
        parent = self._parent
        assert parent.transitory is not None, "the first gate saw to it"
        if isinstance(self._resampler, ExtrasResampler):
            elasticities, error = self._resampler.extras(parameters)
            return elasticities[self._input], error
        found = []
        for one in (parent.elasticities[self._input], parent.transitory):
            values = one.values.copy()
            for group, (at, origin) in enumerate(zip(parameters, self._origin, strict=True)):
                rows = np.flatnonzero(parent.group_of_row == group)
                values[rows] += one.gradient[rows, : len(at)] @ (at - origin[0])
            found.append(replace(one, values=values))
        return found[0], found[1]

    def _averaged(
        self, counts: FloatArray, behind: tuple[FloatArray, ...]
    ) -> list[tuple[FloatArray, FloatArray, FloatArray]]:
        """Return, by group, parameters (B, 1 + q), the rows' part of the influence (B, F), the average's slope (B, q).

        The slope is that of the average with respect to the parameters of the entry behind.
        """
        found = [
            (
                np.column_stack([np.full(len(counts), np.nan), one]),
                np.zeros(counts.shape),
                np.zeros(one.shape),
            )
            for one in behind
        ]
        for draw, own in enumerate(counts):
            lost = [bool(np.isnan(one[draw]).any()) for one in behind]
            at = tuple(
                np.where(gone, origin[0], one[draw])
                for one, origin, gone in zip(behind, self._origin, lost, strict=True)
            )
            markups = self._at(at)
            group_of_row = self._parent.group_of_row[markups.rows]
            for group, (parameters, influence, slope) in enumerate(found):
                inside = np.flatnonzero(group_of_row == group)
                there = markups.rows[inside]
                times, values = own[self._firm[there]], markups.values[there]
                total = times.sum()
                if lost[group] or not total > 0:
                    continue
                mean = parameters[draw, 0] = float(times @ values / total)
                influence[draw] = np.bincount(self._firm[there], (values - mean) / total, counts.shape[1])
                weight = times / total if self._in_logs else times * values / total
                slope[draw] = weight @ markups.of_log[inside, : behind[group].shape[1]]
        return found
