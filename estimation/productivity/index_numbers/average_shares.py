"""Average shares of inputs in output, with the firms' influence on them."""

from __future__ import annotations

import numpy as np

from estimation.extras import Extras
from estimation.productivity.common.assembling import naming
from estimation.productivity.common.cobb_douglas import ElasticityEstimate, assemble_elasticities, few_firms
from estimation.productivity.common.inputs import distinct_firms
from estimation.productivity.common.ladder import Served, climb, group_columns, in_groups
from estimation.productivity.index_numbers.draws import Drawn, GroupDraws, drawn_means, drawn_medians
from estimation.productivity.index_numbers.options import ShareOptions
from estimation.productivity.index_numbers.rows import ShareRows, by_firm, enough_firms, mostly_left_out, read_shares
from estimation.results import BoolArray, FloatArray, IntArray, ProductivityFit
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["cost_shares_resampler", "fit_cost_shares", "median_scores"]


def fit_cost_shares(
    name: str, options: ShareOptions, rows: Selection, use: BoolArray, *, average: str, extras: Extras
) -> ProductivityFit:
    """Average by group and fill the productivity column; see `estimation.productivity.cost_shares`.

    Parameters
    ----------
    name : str
    options : ShareOptions
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
    average : str
        ``mean`` or ``median``.
    extras : str

    Raises
    ------
    EstimationError
        If a group finds no average, not even on all rows.
    """
    shares, dropped, served = _serve(name, options, rows, use, average)
    return assemble_elasticities(
        name,
        method="cost_shares",
        options=options.model_dump(),
        inputs=shares.inputs,
        served=served,
        use=in_groups(rows, options.separately_by, use & shares.usable),
        dropped=dropped,
        extras=extras,
    )


def cost_shares_resampler(
    options: ShareOptions, rows: Selection, use: BoolArray, fit: ProductivityFit, *, average: str
) -> GroupDraws:
    """Return what averages again with other weights on the firms.

    Parameters
    ----------
    options, rows, use, average
        As in `fit_cost_shares`.
    fit : ProductivityFit
        What it returned.
    """
    shares, _, served = _serve(fit.name, options, rows, use, average)
    names = (*options.free, *options.state)
    rest = names.index(options.rest)

    def of(one: Served[ElasticityEstimate]) -> Drawn:
        at = np.flatnonzero(one.estimate.in_sample) if one.at is None else one.at[one.estimate.in_sample]
        values = np.delete(shares.shares[:, at], rest, axis=0).T
        average_of = (drawn_medians if average == "median" else drawn_means)(shares.inputs.firm[at], values)

        def draw(counts: FloatArray) -> FloatArray:
            given = average_of(counts)
            return np.insert(given, rest, 1.0 - given.sum(axis=1), axis=1)

        return draw

    return GroupDraws(served, of)


def _serve(
    name: str, options: ShareOptions, rows: Selection, use: BoolArray, average: str
) -> tuple[ShareRows, dict[str, int], list[Served[ElasticityEstimate]]]:
    shares, dropped = read_shares(rows, options, use, whole=False)

    def estimate(at: IntArray | None) -> ElasticityEstimate:
        part, kept = (shares, use) if at is None else (shares.take(at), use[at])
        return _estimate(part, kept, options, average)

    groups = group_columns(rows, options.separately_by)
    return shares, dropped, naming(name, lambda: climb(groups, use, estimate), lambda: dropped)


def median_scores(values: FloatArray) -> tuple[float, FloatArray]:
    """Return the median of m values and each one's influence on it, (m,).

    The influence is (1/2 - 1{x <= median}) / (m f), with f the density at the median by a Gaussian kernel with
    bandwidth 0.9 min(s, IQR/1.34) m^(-1/5). Values that are all the same have none.
    """
    middle = float(np.median(values))
    low, high = np.quantile(values, [0.25, 0.75])
    spread, between = float(np.std(values)), float(high - low) / 1.34
    width = 0.9 * (min(spread, between) if between > 0 else spread) * len(values) ** -0.2
    if not width > 0:
        return middle, np.zeros(len(values))
    z = (values - middle) / width
    density = float(np.mean(np.exp(-0.5 * z**2))) / (width * np.sqrt(2 * np.pi))
    # Half of the values lie below and half above: their signs add to zero.
    return middle, np.sign(values - middle) / (2 * density * len(values))


def _estimate(part: ShareRows, use: BoolArray, options: ShareOptions, average: str) -> ElasticityEstimate:
    current = use & part.usable & part.inputs.complete
    firms = distinct_firms(part.inputs.firm, current)
    enough_firms(firms, options.min_firms, part, use)
    names = (*options.free, *options.state)
    rest = names.index(options.rest)
    values = part.shares[:, current]
    n_obs = values.shape[1]
    coefficients, scores = np.zeros(len(names)), np.zeros((n_obs, len(names)))
    for number in range(len(names)):
        if number == rest:
            continue
        if average == "median":
            coefficients[number], scores[:, number] = median_scores(values[number])
        else:
            coefficients[number] = np.mean(values[number])
            scores[:, number] = (values[number] - coefficients[number]) / n_obs
    coefficients[rest] = 1.0 - coefficients.sum()
    scores[:, rest] = -scores.sum(axis=1)
    if not coefficients[rest] > 0:
        listed = ", ".join(f"{coefficients[n]:.4f} of {name}" for n, name in enumerate(names) if n != rest)
        raise EstimationError(
            f"the average shares ({listed}) add to one or more and leave nothing for {options.rest}: "
            "constant returns do not hold with them; are they costs over the same output?"
        )
    influence_firms, influence = by_firm(part.inputs.firm[current], scores)
    factor, df = few_firms(firms)
    covariance = factor * influence.T @ influence
    return ElasticityEstimate(
        inputs=part.inputs,
        in_sample=current,
        coefficients=coefficients,
        covariance=covariance,
        df=df,
        small_sample=factor,
        influence_firms=influence_firms,
        influence=influence,
        n_obs=n_obs,
        n_firms=firms,
        rung=f"{average} of shares",
        diagnostics={"returns_to_scale": 1.0},
        notes=(
            *(f"{counted(count, 'row')} with {reason}: left out" for reason, count in part.left_out.items()),
            *mostly_left_out(part, n_obs),
        ),
    )
