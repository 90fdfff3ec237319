"""Output elasticities averaged over groups of rows, with intervals: an estimate's own groups, or any column's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from estimation.groups import levels_of
from estimation.inference import inference
from estimation.results import BoolArray, FloatArray, GroupFit, IntArray, ProductivityFit, RowValues
from estimation.second_stage import first_stage_part, join
from estimation.shown import ElasticityPoint
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["figure_points", "row_elasticities"]

MANY_FIRMS = 100
"""From here on the normal serves, as in the estimates themselves."""
ROUNDING = 1e-12
MOST_LEVELS = 80
"""More would not be told apart on a page."""


def figure_points(
    entries: Mapping[str, tuple[ProductivityFit, str]], rows: Selection, by: str | None, *, own: bool
) -> tuple[tuple[ElasticityPoint, ...], tuple[str, ...]]:
    """Return the points of a figure and what must be said below it.

    Parameters
    ----------
    entries : mapping of str to (ProductivityFit, str)
        By name, with the column of weights (empty for none).
    rows : Selection
        The rows that may be averaged, with `by` and the weights.
    by : str or None
        None for the groups of each estimate.
    own : bool
        Whether `rows` are all rows of the panel: the estimates' own numbers then do for their groups.

    Raises
    ------
    EstimationError
        If no entry has elasticities and rows that may be averaged (one of several that has none is named in a note), or
        there are more levels than a page can show.
    """
    points: list[ElasticityPoint] = []
    notes: list[str] = []
    labels, codes = levels_of(rows, by)
    if len(labels) > MOST_LEVELS:
        raise EstimationError(
            f"{by} has {len(labels)} levels, of which a figure shows {MOST_LEVELS}; take a coarser column"
        )
    failed: list[str] = []
    for name, (fit, weights) in entries.items():
        try:
            points += _points(name, fit, rows, by, (labels, codes), weights, notes, own=own)
        except EstimationError as error:
            if len(entries) == 1:
                raise
            failed.append(f"not drawn: {name}: {error}")
    if not points:
        raise EstimationError("; ".join(failed))
    means = dict.fromkeys(one.of for one in points if one.averaged)
    if means:
        which = "" if all(one.averaged for one in points) else f"{', '.join(means)}: "
        notes.append(f"{which}means over the rows of the estimation sample; the intervals count their sampling too")
    return tuple(points), (*notes, *failed)


def _points(
    name: str,
    fit: ProductivityFit,
    rows: Selection,
    by: str | None,
    levels: tuple[tuple[str, ...], np.ndarray],
    weights: str,
    notes: list[str],
    *,
    own: bool,
) -> list[ElasticityPoint]:
    """Return the points of one entry; `notes` gets what must be said of it."""
    if not fit.groups:
        raise EstimationError(f"{name} estimates no elasticity: {fit.method} has none")
    constant = all(group.elasticities is None for group in fit.groups) and not _differ(fit)
    kept = fit.group_of_row[rows.rows][fit.in_sample[rows.rows]]
    drawn = np.arange(len(fit.groups)) if own else np.unique(kept[kept >= 0])
    if not drawn.size:
        raise EstimationError(f"where keeps no row of the estimation sample of {name}")
    if constant and not own:
        what = "which groups are drawn" if len(fit.groups) > 1 else "nothing here"
        notes.append(f"the elasticities of {name} are the same in every row of a group: where says {what}")
    if by is not None and constant and len(fit.groups) == 1:
        notes.append(
            f"the elasticities of {name} are the same at every level of {by}: it is Cobb-Douglas with one technology"
        )
    elif by is not None:
        return list(_averages(name, fit, rows, levels, weights, constant=constant))
    if own or constant:
        return list(_own(name, fit, drawn))
    groups = tuple(_label(group) for group in fit.groups)
    here = fit.group_of_row[rows.rows].astype(np.int64)
    return list(_averages(name, fit, rows, (groups, here), weights, constant=constant))


def row_elasticities(fit: ProductivityFit) -> dict[str, RowValues]:
    """Return the elasticity of each input in every row that has a value.

    Where the fit was not asked for them, the coefficients are: a Cobb-Douglas technology has the same everywhere
    in a group.
    """
    if fit.elasticities:
        return dict(fit.elasticities)
    found: dict[str, RowValues] = {}
    for place, name in enumerate(fit.groups[0].terms):
        values, gradient = np.full(len(fit.values), np.nan), np.zeros((len(fit.values), fit.gradient.shape[1]))
        for number, group in enumerate(fit.groups):
            inside = fit.group_of_row == number
            values[inside] = group.coefficients[place]
            gradient[inside, place] = 1.0
        found[name] = RowValues(values, gradient)
    return found


def _differ(fit: ProductivityFit) -> bool:
    """Return whether the elasticities differ within some group of the whole estimate: of an index of firms' shares.

    Asked of all rows, never of those that are averaged: few rows that happen to be alike are no technology.
    """
    for one in fit.elasticities.values():
        for number in range(len(fit.groups)):
            values = one.values[fit.group_of_row == number]
            values = values[~np.isnan(values)]
            if values.size and float(np.ptp(values)) > ROUNDING * float(np.abs(values).max()):
                return True
    return False


def _own(name: str, fit: ProductivityFit, drawn: IntArray) -> Iterator[ElasticityPoint]:
    """Yield the estimates of these groups: coefficients, or the averages that stand beside them."""
    for group in (fit.groups[number] for number in drawn):
        if group.elasticities is None:
            inputs, means, found = group.terms, group.coefficients, group.inference
        else:
            inputs, means, found = group.elasticities.inputs, group.elasticities.mean, group.elasticities.inference
        for place, column in enumerate(inputs):
            yield ElasticityPoint(
                of=name,
                input=column,
                label=_label(group),
                estimate=float(means[place]),
                std_error=float(found.std_errors[place]),
                conf_low=float(found.conf_low[place]),
                conf_high=float(found.conf_high[place]),
                averaged=group.elasticities is not None,
                rung=group.rung,
                n_obs=group.n_obs,
                n_firms=group.n_firms,
            )


def _averages(
    name: str,
    fit: ProductivityFit,
    rows: Selection,
    levels: tuple[tuple[str, ...], np.ndarray],
    weights: str,
    *,
    constant: bool,
) -> Iterator[ElasticityPoint]:
    """Yield the mean of each level of some rows."""
    labels, codes = levels
    weight = rows.number(weights) if weights else np.ones(rows.rows.size)
    weight = np.where(np.isnan(weight), 0.0, weight)
    usable = fit.in_sample[rows.rows] & (fit.group_of_row[rows.rows] >= 0) & (weight > 0)
    for column, of in row_elasticities(fit).items():
        values = of.values[rows.rows]
        for code, label in enumerate(labels):
            inside: BoolArray = usable & (codes == code) & ~np.isnan(values)
            if inside.any():
                some = rows.take(inside)
                # A parameter of one technology, which rests on what that was estimated on; all else is a mean of rows.
                alike = constant and np.unique(fit.group_of_row[some.rows]).size == 1
                yield _average(name, column, label, fit, of, some, weight[inside], alike=alike)


def _average(
    name: str,
    column: str,
    label: str,
    fit: ProductivityFit,
    of: RowValues,
    rows: Selection,
    weight: FloatArray,
    *,
    alike: bool,
) -> ElasticityPoint:
    """Return the mean over some rows, its error from the parameters and from the sampling of the rows."""
    share = (weight / weight.sum())[:, None]
    values = of.values[rows.rows]
    mean = float(values[0]) if alike else float(share[:, 0] @ values)
    about = np.zeros_like(values) if alike else values - mean
    numbers = np.unique(fit.group_of_row[rows.rows])
    first = first_stage_part(replace(fit, gradient=of.gradient), rows.rows, share)
    joined = join(rows.firm, share * about[:, None], first)
    firms = joined.firms.size
    one = fit.groups[int(numbers[0])] if numbers.size == 1 else None
    few = firms < MANY_FIRMS
    factor = one.small_sample if one is not None else (firms / (firms - 1) if few and firms > 1 else 1.0)
    df = one.df if one is not None else (float(max(firms - 1, 1)) if few else float("inf"))
    found = inference(np.array([mean]), factor * (joined.influence.T @ joined.influence), df)
    # Estimated without influence functions: what is known of the rows' sampling alone would be no interval.
    bare = any(fit.groups[number].influence.shape[1] == 0 for number in numbers) and bool(of.gradient[rows.rows].any())
    known = bool(joined.influence.any()) and not bare
    same = one if alike else None
    return ElasticityPoint(
        of=name,
        input=column,
        label=label,
        estimate=mean,
        std_error=float(found.std_errors[0]) if known else float("nan"),
        conf_low=float(found.conf_low[0]) if known else float("nan"),
        conf_high=float(found.conf_high[0]) if known else float("nan"),
        averaged=not alike,
        rung=one.rung if one is not None else "",
        n_obs=rows.rows.size if same is None else same.n_obs,
        n_firms=int(np.unique(rows.firm).size) if same is None else same.n_firms,
    )


def _label(group: GroupFit) -> str:
    return ", ".join(level for _, level in group.group)
