"""The multilateral index of Caves, Christensen and Diewert, and its chain through time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estimation.extras import Extras
from estimation.inference import inference
from estimation.productivity.common.assembling import assemble_fit, naming
from estimation.productivity.common.clustering import by_firm as clustered_by_firm
from estimation.productivity.common.cobb_douglas import few_firms, pooled
from estimation.productivity.common.inputs import distinct_firms
from estimation.productivity.common.ladder import Served, climb, group_columns, in_groups
from estimation.productivity.index_numbers.draws import Drawn, GroupDraws, drawn_means
from estimation.productivity.index_numbers.options import ShareOptions
from estimation.productivity.index_numbers.rows import ShareRows, by_firm, enough_firms, mostly_left_out, read_shares
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit, RowValues
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["ReferenceDraws", "fit_tornqvist", "tornqvist_resampler"]


@dataclass(frozen=True, slots=True, eq=False)
class _Reference:
    """The average firm of a group, or of each of its years.

    Attributes
    ----------
    part : ShareRows
        The n rows of the group.
    in_sample : (n,) bool array
        Rows that the averages rest on.
    years : tuple of int
        The years with an average firm of their own; empty for one of all rows.
    shares, logs : (T, p) arrays
        Mean shares and mean logs of the inputs; T is 1 where `years` is empty.
    level : (T,) array
        What is added to every row of the year: minus mean output and, chained, the steps between average firms.
    overall : (p,) array
        Mean shares over all rows.
    firms, influence : (G,) and (G, q) arrays
        Of the parameters: `overall`, then by year mean shares, mean logs, level.
    """

    part: ShareRows
    in_sample: BoolArray
    years: tuple[int, ...]
    shares: FloatArray
    logs: FloatArray
    level: FloatArray
    overall: FloatArray
    firms: IntArray
    influence: FloatArray

    def parameters(self, names: Sequence[str], output: str) -> tuple[str, ...]:
        """Name the parameters: the shares by their input, then the average firm's."""
        dates = [f"({year})" for year in self.years] or [""]
        own = [
            one
            for date in dates
            for one in (
                *(f"mean share {name}{date}" for name in names),
                *(f"mean {name}{date}" for name in names),
                f"level of {output}{date}",
            )
        ]
        return (*names, *own)


def fit_tornqvist(
    name: str, options: ShareOptions, rows: Selection, use: BoolArray, *, chained: bool, extras: Extras
) -> ProductivityFit:
    """Compute the index by group; see `estimation.productivity.tornqvist`.

    Parameters
    ----------
    name : str
    options : ShareOptions
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    chained : bool
    extras : str

    Raises
    ------
    EstimationError
        If a group finds no average firm, not even that of all rows.
    """
    shares, dropped, served = _serve(name, options, rows, use, chained)
    fit = assemble_fit(
        name,
        method="tornqvist",
        tfp_from="",
        options=options.model_dump(),
        inputs=shares.inputs,
        served=served,
        use=in_groups(rows, options.separately_by, use & shares.usable),
        dropped=dropped,
        groups=[_record(one, options) for one in served],
        write=_write,
    )
    lost = int(np.count_nonzero(shares.usable & ~np.isnan(shares.inputs.output) & np.isnan(fit.values)))
    if chained and lost:
        fit = replace(fit, notes=(f"no value in {counted(lost, 'row')} of years without an average firm", *fit.notes))
    if extras:
        elasticities = {
            term: RowValues(np.where(fit.group_of_row >= 0, own, np.nan), np.zeros_like(fit.gradient))
            for term, own in zip((*options.free, *options.state), shares.shares, strict=True)
        }
        fit = replace(fit, elasticities=elasticities)
    return fit


def tornqvist_resampler(
    options: ShareOptions, rows: Selection, use: BoolArray, fit: ProductivityFit, *, chained: bool
) -> ReferenceDraws:
    """Return what makes the average firms again with other weights on the firms.

    Parameters
    ----------
    options, rows, use, chained
        As in `fit_tornqvist`.
    fit : ProductivityFit
        What it returned.
    """
    _, _, served = _serve(fit.name, options, rows, use, chained)
    return ReferenceDraws(served, len(use))


class ReferenceDraws(GroupDraws):
    """Draws average firms; the index is not linear in them, and so it is computed anew: a `LevelResampler`."""

    def __init__(self, served: Sequence[Served[_Reference]], n_rows: int) -> None:
        super().__init__(served, _drawn_reference)
        self._served, self._n_rows = served, n_rows

    def level(self, parameters: tuple[FloatArray, ...]) -> FloatArray:
        """Return the index with other average firms, (n,).

        Parameters
        ----------
        parameters : tuple of (q,) arrays
        """
        return self.linearised(parameters)[0].values

    def linearised(self, parameters: tuple[FloatArray, ...]) -> tuple[RowValues, IntArray]:
        """Return the index and its gradient with other average firms, and the group of every row."""
        values, group_of_row = np.full(self._n_rows, np.nan), np.full(self._n_rows, -1)
        gradient = np.zeros((self._n_rows, max(len(one) for one in parameters)))
        for number, (one, own) in enumerate(zip(self._served, parameters, strict=True)):
            p, n_years = len(one.estimate.overall), len(one.estimate.level)
            means = own[p:].reshape(n_years, 2 * p + 1)
            moved = replace(one.estimate, shares=means[:, :p], logs=means[:, p : 2 * p], level=means[:, -1])
            _write(moved, one.rows if one.at is None else one.rows[one.at], one.at, values, gradient)
            group_of_row[one.rows & ~np.isnan(values)] = number
        return RowValues(values, gradient), group_of_row


def _drawn_reference(one: Served[_Reference]) -> Drawn:
    estimate = one.estimate
    inputs, current = estimate.part.inputs, estimate.in_sample
    p, firm, year = len(estimate.overall), inputs.firm[current], inputs.year[current]
    logs = [column[current] for column in (*inputs.free, *inputs.state)]
    values = np.column_stack([*estimate.part.shares[:, current], *logs, inputs.output[current]])
    overall = drawn_means(firm, values[:, :p])
    by_year = [
        drawn_means(firm[inside], values[inside])
        for inside in ([year == one for one in estimate.years] or [np.ones(len(firm), dtype=bool)])
    ]

    def draw(counts: FloatArray) -> FloatArray:
        means = np.stack([own(counts) for own in by_year], axis=1)
        for number in range(len(counts)):
            drawn = means[number]
            drawn[:, -1] = _levels(drawn[:, :p], drawn[:, p : 2 * p], drawn[:, -1])[0]
        return np.hstack([overall(counts), means.reshape(len(counts), -1)])

    return draw


def _serve(
    name: str, options: ShareOptions, rows: Selection, use: BoolArray, chained: bool
) -> tuple[ShareRows, dict[str, int], list[Served[_Reference]]]:
    shares, dropped = read_shares(rows, options, use, whole=True)

    def estimate(at: IntArray | None) -> _Reference:
        part, kept = (shares, use) if at is None else (shares.take(at), use[at])
        return _reference(part, kept, options, chained)

    groups = group_columns(rows, options.separately_by)
    return shares, dropped, naming(name, lambda: climb(groups, use, estimate), lambda: dropped)


def _reference(part: ShareRows, use: BoolArray, options: ShareOptions, chained: bool) -> _Reference:
    inputs = part.inputs
    current = use & part.usable & inputs.complete
    n_firms = distinct_firms(inputs.firm, current)
    enough_firms(n_firms, options.min_firms, part, use)
    year = inputs.year[current]
    years = np.unique(year) if chained else np.zeros(1, dtype=np.int64)
    number = np.searchsorted(years, year) if chained else np.zeros(len(year), dtype=np.int64)
    count = np.bincount(number, minlength=len(years))
    if chained and count.min() < options.min_firms:
        few = int(years[int(np.argmin(count))])
        raise EstimationError(
            f"{counted(int(count.min()), 'firm')} with shares in {few}, {options.min_firms} are needed for the average "
            "firm of a year: narrow where to the years that have them, or leave out chained"
        )
    logs = [column[current] for column in (*inputs.free, *inputs.state)]
    values = np.column_stack([*part.shares[:, current], *logs, inputs.output[current]])
    p = len(part.shares)
    # The values are sorted by firm; their means and each row's influence on them, year by year.
    means = np.stack([values[number == one].mean(axis=0) for one in range(len(years))])
    scores = (values - means[number]) / count[number, None]
    level, slopes = _levels(means[:, :p], means[:, p : 2 * p], means[:, -1])
    width = 2 * p + 1
    spread = np.zeros((len(year), len(years) * width))
    for one in range(len(years)):
        inside = number == one
        spread[inside, one * width : (one + 1) * width] = scores[inside]
    firms, influence = by_firm(inputs.firm[current], spread)
    overall = values[:, :p].mean(axis=0)
    _, of_overall = by_firm(inputs.firm[current], (values[:, :p] - overall) / len(values))
    # The last parameter of a year is its level, not its mean output.
    of_level = influence @ slopes.T
    influence[:, width - 1 :: width] = of_level
    return _Reference(
        part=part,
        in_sample=current,
        years=tuple(int(one) for one in years) if chained else (),
        shares=means[:, :p],
        logs=means[:, p : 2 * p],
        level=level,
        overall=overall,
        firms=firms,
        influence=np.hstack([of_overall, influence]),
    )


def _levels(shares: FloatArray, logs: FloatArray, output: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what the chain adds to each year, (T,), and its derivative, (T, T (2p + 1)), by the years' means.

    A year's level is minus the first year's mean output, less the steps of the average firm's inputs: mean output of
    the years between cancels.
    """
    n_years, p = shares.shape
    width = 2 * p + 1
    level, slopes = np.zeros(n_years), np.zeros((n_years, n_years * width))
    level[0], slopes[0, width - 1] = -output[0], -1.0
    for t in range(1, n_years):
        weight, step = 0.5 * (shares[t] + shares[t - 1]), logs[t] - logs[t - 1]
        level[t], slopes[t] = level[t - 1] - weight @ step, slopes[t - 1]
        now, before = t * width, (t - 1) * width
        for start, sign in ((now, 1.0), (before, -1.0)):
            slopes[t, start : start + p] -= 0.5 * step
            slopes[t, start + p : start + 2 * p] -= sign * weight
    return level, slopes


def _write(
    estimate: _Reference, rows: BoolArray, at: IntArray | None, values: FloatArray, gradient: FloatArray
) -> dict[str, int]:
    """Write the index and its derivative; see `estimation.productivity.common.assembling.LevelWriter`."""
    part, inputs = estimate.part, estimate.part.inputs
    chosen = rows & part.usable & ~np.isnan(inputs.output)
    p = len(part.shares)
    width = 2 * p + 1
    for number, year in enumerate(estimate.years or (None,)):
        own = np.flatnonzero(chosen if year is None else chosen & (inputs.year == year))
        place = own if at is None else at[own]
        logs = np.stack([column[own] for column in (*inputs.free, *inputs.state)])
        weights = 0.5 * (part.shares[:, own] + estimate.shares[number][:, None])
        distance = logs - estimate.logs[number][:, None]
        values[place] = inputs.output[own] - np.sum(weights * distance, axis=0) + estimate.level[number]
        start = p + number * width
        gradient[place, start : start + p] = -0.5 * distance.T
        gradient[place, start + p : start + 2 * p] = weights.T
        gradient[place, start + 2 * p] = 1.0
    return {}


def _record(served: Served[_Reference], options: ShareOptions) -> GroupFit:
    one = served.estimate
    names = (*options.free, *options.state)
    factor, df = few_firms(len(one.firms))
    own = one.influence[:, : len(names)]
    covariance: FloatArray = factor * own.T @ own
    rung = "average firm of each year, chained" if one.years else "average firm"
    return GroupFit(
        group=served.group,
        rung=pooled(rung, served.pooled_over),
        terms=names,
        coefficients=one.overall,
        covariance=covariance,
        inference=inference(one.overall, covariance, df),
        df=df,
        n_obs=int(np.count_nonzero(one.in_sample)),
        n_firms=len(one.firms),
        n_firms_scores=len(one.firms),
        j_statistic=None,
        j_df=None,
        j_p_value=None,
        parameters=one.parameters(names, options.output),
        influence_firms=one.firms,
        influence=one.influence,
        small_sample=factor,
        diagnostics={"returns_to_scale": 1.0},
        notes=(
            *served.notes,
            *(f"no value in {counted(count, 'row')} with {why}" for why, count in one.part.left_out.items()),
            *mostly_left_out(one.part, int(np.count_nonzero(one.in_sample))),
        ),
        errors=clustered_by_firm(len(one.firms), df, factor),
    )
