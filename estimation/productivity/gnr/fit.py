"""Gandhi, Navarro and Rivers (2020) from symbols to a productivity column: groups, level, diagnostics, draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from estimation.cautions import cautions
from estimation.extras import Extras
from estimation.inference import inference
from estimation.productivity.common.assembling import assemble_fit, naming
from estimation.productivity.common.clustering import by_firm
from estimation.productivity.common.cobb_douglas import pooled
from estimation.productivity.common.diagnostics import (
    conditional_f,
    elasticity_diagnostics,
    entries_and_exits,
    heaped,
)
from estimation.productivity.common.inputs import Inputs, count_missing, read_inputs
from estimation.productivity.common.ladder import Served, climb, group_columns, in_groups
from estimation.productivity.common.moments import Roles
from estimation.productivity.gnr.estimate import GnrEstimate, draw_parameters, draws_elsewhere, estimate_gnr
from estimation.productivity.gnr.levels import (
    control_function_level,
    residual_level,
    share_positive,
    write_elasticities,
    write_transitory,
)
from estimation.productivity.gnr.markov_search import BOXES
from estimation.productivity.gnr.sample import Degrees, read_sample
from estimation.resamplers import Redrawn
from estimation.results import BoolArray, Elasticities, FloatArray, GroupFit, IntArray, ProductivityFit, RowValues
from panels.frame import Selection
from specs.counting import counted

__all__ = ["GnrLevelResampler", "GnrResampler", "Question", "fit_gnr", "gnr_resampler"]

# From here on the normal serves: G/(G-1) is below one per cent.
MANY_FIRMS = 100


class Question(Protocol):
    """What is asked: the options that the kernel reads."""

    @property
    def share(self) -> str | None: ...  # noqa: D102
    @property
    def tfp_from(self) -> str: ...  # noqa: D102
    @property
    def separately_by(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def min_firms(self) -> int: ...  # noqa: D102
    @property
    def roles(self) -> Roles: ...  # noqa: D102
    @property
    def degrees(self) -> tuple[int, int, int]: ...  # noqa: D102
    def model_dump(self) -> dict[str, object]: ...  # noqa: D102


def fit_gnr(name: str, options: Question, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate both stages by group and fill the productivity column.

    Parameters
    ----------
    name : str
    options : Question
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`.

    Raises
    ------
    EstimationError
        If a group finds no rung to stand on.
    """
    inputs, served = _served(name, options, rows, use)
    fit = assemble_fit(
        name,
        method="gandhi_navarro_rivers",
        tfp_from=options.tfp_from,
        options=options.model_dump(),
        inputs=inputs,
        served=served,
        use=in_groups(rows, options.separately_by, use),
        dropped=_dropped(options, rows, use),
        groups=[_group_fit(one) for one in served],
        write=control_function_level if options.tfp_from == "control_function" else residual_level,
        equations=lambda one: {"1": one.in_sample, "2": one.sample.in_second_stage},
    )
    fit = replace(fit, notes=(*_assumed(options), *fit.notes, *_without_level(options, served)))
    return _with_extras(fit, served, extras) if extras else fit


@dataclass(frozen=True, slots=True, eq=False)
class GnrResampler:
    """Draws of the parameters with other weights on the firms: each searches its roots, and the nearest is taken.

    Attributes
    ----------
    served : tuple of Served
        By group of the fit; groups that are pooled share an estimate.
    degrees : Degrees
    """

    served: tuple[Served[GnrEstimate], ...]
    degrees: Degrees

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return the parameters of every draw.

        Parameters
        ----------
        counts : (B, F) array
            How often each of the panel's F firms (by code) was drawn.

        Returns
        -------
        tuple of (B, q) arrays
            For every group of the fit, its `parameters`; a row of NaN where a draw has no estimate.
        """
        drawn: dict[int, FloatArray] = {}
        for one in self.served:
            estimate = one.estimate
            if id(estimate) in drawn:
                continue
            found = np.full((len(counts), len(estimate.parameters)), np.nan)
            for row, weights in enumerate(counts):
                parameters = draw_parameters(estimate.sample, self.degrees, estimate, weights[estimate.sample.firms])
                if parameters is not None:
                    found[row] = parameters
            drawn[id(estimate)] = found
        return tuple(drawn[id(one.estimate)] for one in self.served)

    def averages(self, counts: FloatArray, redrawn: tuple[Redrawn, ...]) -> tuple[Redrawn | None, ...]:
        """Return every group's average elasticities in every draw: they stand first among its parameters.

        Parameters
        ----------
        counts : (B, F) array
        redrawn : tuple of Redrawn
            Every group's parameters in them, and their influence functions.
        """
        sizes = [len(one.estimate.terms) for one in self.served]
        return tuple(
            Redrawn(one.parameters[:, :v], one.influence[:, :v]) for one, v in zip(redrawn, sizes, strict=True)
        )

    def told(self, parameters: Sequence[FloatArray]) -> tuple[tuple[str, ...], ...]:
        """Say of every group in how many draws another of its roots is nearer than the estimate.

        Parameters
        ----------
        parameters : sequence of (B, v) arrays
            The average elasticities of every group in the draws.
        """
        return tuple(_elsewhere(one.estimate, drawn) for one, drawn in zip(self.served, parameters, strict=True))

    def extras(self, parameters: tuple[FloatArray, ...]) -> tuple[dict[str, RowValues], RowValues]:
        """Return the elasticities and the transitory error of every row at other parameters, with their gradients.

        Parameters
        ----------
        parameters : tuple of (q,) arrays
            One for every group.
        """
        n, width = len(self.served[0].rows), max(len(one) for one in parameters)
        at_theta = [
            replace(one, estimate=replace(one.estimate, parameters=theta))
            for one, theta in zip(self.served, parameters, strict=True)
        ]
        return _extras(at_theta, n, width)


class GnrLevelResampler(GnrResampler):
    """With ``tfp_from: control_function`` the level is not linear in the parameters, and is computed anew."""

    def level(self, parameters: tuple[FloatArray, ...]) -> FloatArray:
        """Return the column at other parameters.

        Parameters
        ----------
        parameters : tuple of (q,) arrays
            One for every group.

        Returns
        -------
        (n,) array
            In the order of the panel's rows; NaN where a share would be zero or less.
        """
        return self.linearised(parameters)[0].values

    def linearised(self, parameters: tuple[FloatArray, ...]) -> tuple[RowValues, IntArray]:
        """Return the column and its gradient at other parameters, and the group of every row."""
        n, width = len(self.served[0].rows), max(len(one) for one in parameters)
        values, gradient, group_of_row = np.full(n, np.nan), np.zeros((n, width)), np.full(n, -1)
        for number, (one, theta) in enumerate(zip(self.served, parameters, strict=True)):
            rows = one.rows if one.at is None else one.rows[one.at]
            control_function_level(replace(one.estimate, parameters=theta), rows, one.at, values, gradient)
            group_of_row[one.rows & ~np.isnan(values)] = number
        return RowValues(values, gradient), group_of_row


def _elsewhere(estimate: GnrEstimate, drawn: FloatArray) -> tuple[str, ...]:
    moved, made = draws_elsewhere(estimate, drawn)
    if not moved:
        return ()
    return (
        f"in {moved} of {made} draws of the bootstrap the root nearest to the estimate has average elasticities "
        "nearer to another root of the full sample than to the estimate",
    )


def gnr_resampler(name: str, options: Question, rows: Selection, use: BoolArray) -> GnrResampler:
    """Return the resampler of a fit with these options on these rows."""
    _, served = _served(name, options, rows, use)
    kind = GnrLevelResampler if options.tfp_from == "control_function" else GnrResampler
    return kind(tuple(served), Degrees(*options.degrees))


def _served(name: str, options: Question, rows: Selection, use: BoolArray) -> tuple[Inputs, list[Served[GnrEstimate]]]:
    degrees = Degrees(*options.degrees)
    inputs = read_inputs(rows, options.roles)
    assert inputs.proxy is not None
    share = inputs.proxy - inputs.output if options.share is None else rows.number(options.share)
    inputs = replace(inputs, complete=inputs.complete & ~np.isnan(share))

    def estimate(at: IntArray | None) -> GnrEstimate:
        if at is None:
            return estimate_gnr(read_sample(inputs, share, use, degrees, options.min_firms), degrees)
        sample = read_sample(inputs.take(at), share[at], use[at], degrees, options.min_firms)
        return estimate_gnr(sample, degrees)

    groups = group_columns(rows, options.separately_by)
    served = naming(name, lambda: climb(groups, use, estimate), lambda: _dropped(options, rows, use))
    return inputs, served


def _dropped(options: Question, rows: Selection, use: BoolArray) -> dict[str, int]:
    share = () if options.share is None else (options.share,)
    return count_missing(rows, (*options.roles.columns, *share, *options.separately_by), use)


def _group_fit(served: Served[GnrEstimate]) -> GroupFit:
    estimate = served.estimate
    v, now = len(estimate.terms), estimate.sample.now
    firms = len(np.unique(estimate.sample.firm[now]))
    few = firms < MANY_FIRMS
    factor = firms / (firms - 1) if few else 1.0
    df = float(firms - 1) if few else float("inf")
    coefficients, psi = estimate.parameters[:v], estimate.influence[:, :v]
    covariance: FloatArray = factor * psi.T @ psi
    printed = inference(coefficients, covariance, df)
    elasticities = Elasticities(estimate.terms, coefficients, covariance, printed, estimate.negative)
    diagnostics = _diagnostics(estimate, firms) | elasticity_diagnostics(coefficients, covariance, df, elasticities)
    inputs = estimate.sample.inputs
    diagnostics["entries"], diagnostics["exits"] = entries_and_exits(inputs, estimate.in_sample)
    standing = heaped(inputs.roles.proxy, inputs.proxy, estimate.in_sample)
    return GroupFit(
        group=served.group,
        rung=pooled("two stages", served.pooled_over),
        terms=estimate.terms,
        coefficients=coefficients,
        covariance=covariance,
        inference=printed,
        df=df,
        n_obs=len(now),
        n_firms=firms,
        n_firms_scores=len(estimate.sample.firms),
        j_statistic=None,
        j_df=None,
        j_p_value=None,
        parameters=estimate.names,
        influence_firms=estimate.sample.firms,
        influence=estimate.influence,
        small_sample=factor,
        diagnostics=diagnostics,
        notes=(*served.notes, *estimate.notes, *standing, *cautions(diagnostics)),
        elasticities=elasticities,
        errors=by_firm(len(estimate.sample.firms), df, factor),
    )


def _diagnostics(estimate: GnrEstimate, firms: int) -> dict[str, float | None]:
    sample, found = estimate.sample, estimate.found
    return {
        "n_obs_equation1": float(len(sample.at)),
        "n_firms_equation1": float(len(sample.firms)),
        "n_obs_equation2": float(len(sample.now)),
        "n_firms_equation2": float(firms),
        **_first_stage(estimate),
        "transitory_sd": float(np.std(estimate.share.errors)),
        "mean_exp_transitory": estimate.scale,
        "persistence": float(np.mean(estimate.line.slope)),
        "shares_above_one": float(np.count_nonzero(sample.log_share > 0)),
        "elasticities_above_one": float(estimate.above_one),
        "roots": float(len(found.roots)),
        "search_starts": float(found.starts),
        **(dict(zip(("search_lowest", "search_highest"), BOXES[-1], strict=False)) if found.boxed else {}),
        "scaled_moment_norm": found.roots[0].norm,
    }


def _first_stage(estimate: GnrEstimate) -> dict[str, float | None]:
    """Return F of the instruments that hold a free input of a year before: the smallest over free inputs.

    Given the instruments of the states alone, the powers of w(t-1) and the controls; of several free inputs also each
    one's beside the others.
    """
    sample, n_free = estimate.sample, len(estimate.sample.inputs.free)
    nothing: dict[str, float | None] = {"first_stage_f": None}
    if not n_free:
        return nothing
    lagged = estimate.line.lagged - estimate.line.lagged.mean()
    powers = np.column_stack([(lagged / lagged.std()) ** power for power in range(4)])
    excluded = np.any(sample.surface.rest.exponents[1:, :n_free] > 0, axis=1)
    given = np.column_stack([powers, sample.controls, sample.instruments[:, ~excluded]])
    given /= np.maximum(np.linalg.norm(given, axis=0), 1e-300)
    moved = np.column_stack([sample.instruments[:, excluded], *_free_now(estimate)])
    moved = moved - given @ np.linalg.lstsq(given, moved)[0]
    instruments, free = moved[:, :-n_free], moved[:, -n_free:]
    degrees = len(moved) - given.shape[1] - instruments.shape[1]
    if degrees <= 0:
        return nothing
    basis = np.linalg.qr(instruments)[0]
    explained = basis.T @ free
    left = free.T @ free - explained.T @ explained
    if not np.all(np.diag(left) > 0):
        return nothing
    each = np.sum(explained**2, axis=0) / basis.shape[1] / (np.diag(left) / degrees)
    found: dict[str, float | None] = {"first_stage_f": float(np.min(each))}
    if n_free > 1:
        found |= {f"first_stage_f[{name}]": float(f) for name, f in zip(sample.inputs.roles.free, each, strict=True)}
        found["sanderson_windmeijer_f"] = conditional_f(explained, left, degrees)
    return found


def _free_now(estimate: GnrEstimate) -> list[FloatArray]:
    at = estimate.sample.at[estimate.sample.now]
    return [column[at] for column in estimate.sample.inputs.free]


def _assumed(options: Question) -> tuple[str, ...]:
    if options.share is not None:
        return ()
    proxy, output = options.roles.proxy, options.roles.output
    return (
        f"the log share of {proxy} in revenue is taken as {proxy} - {output}, which is right where both are in the "
        "same money: nominal, or by one deflator. Else write share: a column with the log of nominal over nominal",
    )


def _without_level(options: Question, served: Sequence[Served[GnrEstimate]]) -> tuple[str, ...]:
    below = missing = 0
    for one in served:
        rows = one.rows if one.at is None else one.rows[one.at]
        found = share_positive(one.estimate, rows)
        below, missing = below + found[0], missing + found[1]
    proxy = options.roles.proxy
    notes = []
    if below:
        notes.append(
            f"in {counted(below, 'row')} outside the estimation sample the fitted share of {proxy} is zero or less: "
            "the technology is a polynomial and says little there"
        )
    if options.tfp_from == "control_function" and below + missing:
        notes.append(
            f"{counted(missing, 'row')} without a share and {below} with a fitted share of zero or less have no TFP"
        )
    return tuple(notes)


def _with_extras(fit: ProductivityFit, served: Sequence[Served[GnrEstimate]], extras: Extras) -> ProductivityFit:
    elasticities, transitory = _extras(served, *fit.gradient.shape)
    return replace(fit, elasticities=elasticities, transitory=transitory if extras == "transitory" else None)


def _extras(served: Sequence[Served[GnrEstimate]], n: int, width: int) -> tuple[dict[str, RowValues], RowValues]:
    def empty() -> RowValues:
        return RowValues(np.full(n, np.nan), np.zeros((n, width)))

    elasticities, transitory = {name: empty() for name in served[0].estimate.terms}, empty()
    for one in served:
        rows = one.rows if one.at is None else one.rows[one.at]
        write_elasticities(one.estimate, rows, one.at, elasticities)
        write_transitory(one.estimate, rows, one.at, transitory)
    return elasticities, transitory
