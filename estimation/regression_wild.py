"""A regression's p-values and intervals from a wild cluster bootstrap, in the place of those of clustered errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from estimation.covariance import numbered
from estimation.few_clusters import basis_of
from estimation.inference import unknown_where
from estimation.regression import Question, design_of, fit_of
from estimation.regression_words import rest_on_one_cluster
from estimation.results import Estimates, Inference, WildInfo
from estimation.wild_bootstrap import FEW_FOR_SIGNS, LEVEL, signs_of, wild_test
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["wild_bootstrapped"]

MOST = 100_000_000
"""Clusters times terms squared: numbers that have to be kept."""
TINY = 6
NAMED = 6


def wild_bootstrapped(question: Question, rows: Selection, estimates: Estimates, draws: int, seed: int) -> Estimates:
    """Test each term by draws with its null hypothesis imposed.

    Parameters
    ----------
    question : Question
        With clustered errors.
    rows : Selection
        Those that `estimates` rest on.
    estimates : Estimates
        Of the same question: coefficients and standard errors stay.
    draws, seed : int

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If there are too many clusters for it, or effects that cut through them have too many levels.
    """
    design = design_of(question, rows)
    fit = fit_of(design)
    effects = () if design.absorbed is None else design.absorbed.effects
    codes = design.clusters[0].codes
    name, count = design.clusters[0].name, numbered(codes)[1]
    basis = basis_of(design.x, design.weights, effects, codes)
    if count * basis.q.shape[1] * len(design.terms) > MOST:
        raise EstimationError(
            f"wild_bootstrap: {count:,} clusters of {name} and {basis.q.shape[1]:,} columns are too many for it; "
            f"with so many clusters write {{cluster: [{name}]}}"
        )
    signs = signs_of(count, draws, seed)
    found = wild_test(fit.coefficients, estimates.std_errors, fit.residuals, basis, codes, signs)
    notes = [*rest_on_one_cluster(question.cluster[0], design.terms, found.alone)]
    if found.smallest > LEVEL / 2 or count < TINY:
        notes.append(
            f"only {count} clusters of {name}: even a wild bootstrap has little to go by, and its intervals are wide"
        )
    if signs.weights == "webb":
        notes.append(f"fewer than {FEW_FOR_SIGNS} clusters: the draws take Webb's six values instead of two signs")
    if signs.enumerated:
        notes.append(
            f"all {signs.draws} patterns of signs of {count} clusters were taken: p-values are multiples of "
            f"{found.smallest:.2g}"
        )
    at_bound = [
        term for term, p, alone in zip(design.terms, found.p_values, found.alone, strict=True)
        if p <= found.smallest and not alone
    ]  # fmt: skip
    if at_bound and not signs.enumerated:
        notes.append(
            f"p-values of {signs.draws} draws cannot be below 1/({signs.draws} + 1) = {found.smallest:.2g}: of "
            f"{_listed(at_bound)} they are at this bound, whatever is below it; ask for more draws to tell"
        )
    open_ended = [
        term
        for term, low, high, p, alone in zip(
            design.terms, found.low, found.high, found.p_values, found.alone, strict=True
        )
        if np.isfinite(p) and not alone and not (np.isfinite(low) and np.isfinite(high))
    ]
    if open_ended:
        notes.append(
            f"the interval of {_listed(open_ended)} has no end on one side or both: no value there is "
            "rejected at 5 per cent"
        )
    answer = unknown_where(
        Inference(estimates.std_errors, estimates.statistics, found.p_values, found.low, found.high), found.alone
    )
    return replace(
        estimates,
        std_errors=answer.std_errors,
        statistics=answer.statistics,
        p_values=answer.p_values,
        conf_low=answer.conf_low,
        conf_high=answer.conf_high,
        errors=replace(
            estimates.errors,
            kind="wild_bootstrap",
            wild=WildInfo(signs.draws, signs.weights, signs.enumerated, seed),
        ),
        notes=(*estimates.notes, *notes),
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
