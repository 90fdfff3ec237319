"""Productivity estimators that are linear systems of moments, estimated again with counts of their firms.

Instruments and rungs are those of the full sample. Groups that share an estimate share its draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from estimation.gmm_draws import GmmDraws, Reestimated
from estimation.probit import SeparationError
from estimation.productivity.common.average_draws import AverageDraws
from estimation.productivity.common.inputs import read_inputs
from estimation.productivity.common.ladder import Served
from estimation.productivity.common.moments import MomentEquation
from estimation.productivity.common.options import ControlFunctionOptions, ProductionFunctionOptions
from estimation.productivity.common.system import PHI
from estimation.productivity.control_function.exit_correction import generated_moments
from estimation.productivity.control_function.fit import estimate_groups
from estimation.productivity.control_function.group import GroupEstimate, Rules, estimate_group
from estimation.productivity.control_function.levels import parameters_of, technology_of
from estimation.resamplers import Redrawn, Resampler
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit
from panels.frame import Selection

__all__ = ["control_function_resampler", "least_squares_resampler"]

# Of what a unit step in the regressors moves: less is rounding.
ROUNDING = 1e-6


def control_function_resampler(
    options: ControlFunctionOptions,
    moments: Sequence[MomentEquation],
    rows: Selection,
    use: BoolArray,
    fit: ProductivityFit,
) -> Resampler:
    """Return what draws the entry again.

    Parameters
    ----------
    options, moments, rows, use
        As in `estimation.productivity.control_function.fit.fit_control_function`.
    fit : ProductivityFit
        What it returned.
    """
    with_phi = any(name.startswith(f"{PHI}[") for group in fit.groups for name in group.parameters)
    _, served = estimate_groups(fit.name, options, moments, rows, use, with_phi=with_phi)
    kind = _SurvivalResampler if options.roles.survival is not None else _LinearResampler
    return kind(served, options.gmm_weights, rows.firm, fit)


def least_squares_resampler(
    options: ProductionFunctionOptions,
    moments: Sequence[MomentEquation],
    rows: Selection,
    use: BoolArray,
    fit: ProductivityFit,
) -> Resampler:
    """Return what draws pooled least squares again; the arguments are those of `control_function_resampler`."""
    inputs = read_inputs(rows, options.roles)
    everywhere = np.ones(len(use), dtype=bool)
    estimate = estimate_group(inputs, moments, use, Rules(steps=1, ladder=False))
    return _LinearResampler([Served((), "", everywhere, None, estimate, ())], "cluster", rows.firm, fit)


class _Drawn:
    """One estimate, the groups that it serves, and the map from the system's parameters to the level's."""

    def __init__(self, estimate: GroupEstimate, weights: str, groups: Sequence[int], fit: ProductivityFit) -> None:
        self.estimate, self.weights, self.groups = estimate, weights, groups
        self.two_step = estimate.rung == "two-step"
        self.draws = self.with_columns(None)
        parameters, self.firms = fit.groups[groups[0]].parameters, fit.groups[groups[0]].influence_firms
        self.n_terms = len(estimate.terms)
        gmm, products = estimate.gmm, estimate.products
        wanted = [products.parameters.index(name) for name in gmm.parameters]
        nothing, q = np.zeros((0, len(wanted))), len(parameters)

        def level(coefficients: FloatArray) -> FloatArray:
            at = replace(gmm, coefficients=coefficients, covariance=nothing.T @ nothing, influence=nothing)
            return parameters_of(replace(estimate, gmm=at)).values[:q]

        self.shift = level(np.zeros(len(wanted)))
        self.matrix = np.zeros((q, len(products.parameters)))
        for column, unit in zip(wanted, np.eye(len(wanted)), strict=True):
            self.matrix[:, column] = level(unit) - self.shift

    @cached_property
    def averages(self) -> AverageDraws | None:
        """What averages the elasticities again; None where they are the coefficients."""
        system = self.estimate.system
        inputs = system.inputs
        if not inputs.roles.translog:
            return None
        return AverageDraws(
            technology_of(self.estimate),
            inputs.technology,
            inputs.firm,
            system.rows[-1],
            self.firms,
            inputs.weights,
        )

    def with_columns(self, probability: FloatArray | None) -> GmmDraws:
        """Return the system's draws; with another probability of survival in it, where one is given."""
        system, generated = self.estimate.system, None
        correction = self.estimate.correction
        if probability is not None and correction is not None:
            system = replace(system, before_inputs=(*system.before_inputs[:-1], probability))
            generated = generated_moments(system, correction.survival)
        return GmmDraws(
            self.estimate.products, system.chunks, self.estimate.gmm, self.two_step, self.weights, generated
        )


class _LinearResampler:
    def __init__(
        self, served: Sequence[Served[GroupEstimate]], weights: str, firm: IntArray, fit: ProductivityFit
    ) -> None:
        by_estimate: dict[int, list[int]] = {}
        for number, one in enumerate(served):
            by_estimate.setdefault(id(one.estimate), []).append(number)
        self.members = [_Drawn(served[groups[0]].estimate, weights, groups, fit) for groups in by_estimate.values()]
        of_group = {group: one for one in self.members for group in one.groups}
        self.by_group = [of_group[group] for group in range(len(served))]
        self._firm, self._fit = firm, fit

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return every group's parameters in every draw."""
        found = {id(one): self.parameters(one, one.draws.estimate(counts), counts) for one in self.members}
        return tuple(found[id(one)] for one in self.by_group)

    def redraw(self, counts: FloatArray) -> tuple[Redrawn, ...]:
        """Return every group's parameters in every draw, and their influence functions."""
        found = {}
        for one in self.members:
            estimate = one.draws.estimate(counts)
            parameters = self.parameters(one, estimate, counts)
            found[id(one)] = Redrawn(parameters, one.draws.influence(estimate, one.matrix))
        return tuple(found[id(one)] for one in self.by_group)

    def averages(self, counts: FloatArray, redrawn: tuple[Redrawn, ...]) -> tuple[Redrawn | None, ...]:
        """Return every group's average elasticities in every draw; None where they are its coefficients."""
        found: dict[int, Redrawn | None] = {}
        for one, drawn in zip(self.by_group, redrawn, strict=True):
            if id(one) not in found:
                p, draws = one.n_terms, one.averages
                own = None if draws is None else draws.draw(counts, drawn.parameters[:, :p], drawn.influence[:, :p])
                found[id(one)] = own
        return tuple(found[id(one)] for one in self.by_group)

    def parameters(self, one: _Drawn, estimate: Reestimated, counts: FloatArray) -> FloatArray:
        """Return the level's parameters, (B, q); NaN where they leave the level of a drawn firm's row open."""
        parameters = estimate.theta @ one.matrix.T + one.shift
        step = one.matrix @ one.draws.scale
        size = np.linalg.norm(step, axis=1)
        for draw, directions in estimate.free.items():
            left_open = step @ directions
            left_open[np.abs(left_open) <= ROUNDING * size[:, None]] = 0.0
            if left_open[: one.n_terms].any() or self._concerns(one, left_open, size, counts[draw]):
                parameters[draw] = np.nan
        return parameters

    def _concerns(self, one: _Drawn, left_open: FloatArray, size: FloatArray, counts: FloatArray) -> bool:
        if not left_open.any():
            return False
        rows = np.flatnonzero(np.isin(self._fit.group_of_row, one.groups) & (counts[self._firm] > 0))
        gradient = self._fit.gradient[rows, : len(size)]
        moved = np.abs(gradient @ left_open) > ROUNDING * (np.abs(gradient) @ size)[:, None]
        return bool(moved.any())


class _SurvivalResampler:
    """Estimates the probability of survival anew in every draw, and with it the system: a pass over the rows a draw."""

    def __init__(
        self, served: Sequence[Served[GroupEstimate]], weights: str, firm: IntArray, fit: ProductivityFit
    ) -> None:
        self._plain = _LinearResampler(served, weights, firm, fit)

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return every group's parameters in every draw."""
        found = {id(one): self._parameters(one, counts) for one in self._plain.members}
        return tuple(found[id(one)] for one in self._plain.by_group)

    def averages(self, counts: FloatArray, redrawn: tuple[Redrawn, ...]) -> tuple[Redrawn | None, ...]:
        """Return every group's average elasticities in every draw; None where they are its coefficients."""
        return self._plain.averages(counts, redrawn)

    def _parameters(self, one: _Drawn, counts: FloatArray) -> FloatArray:
        correction, firm = one.estimate.correction, one.estimate.system.inputs.firm
        assert correction is not None, "the options ask for it"
        found = np.full((len(counts), len(one.shift)), np.nan)
        for draw in range(len(counts)):
            own = counts[draw : draw + 1]
            try:
                probability = correction.survival.reweighted(own[0, firm])
            except SeparationError:
                continue
            found[draw] = self._plain.parameters(one, one.with_columns(probability).estimate(own), own)[0]
        return found
