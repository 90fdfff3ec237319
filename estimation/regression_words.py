"""What is said of a regression beside its coefficients: how well it fits, and which of its errors mean little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from estimation.design_matrix import Design
from estimation.few_clusters import Adjusted
from estimation.least_squares import LeastSquares
from estimation.results import BoolArray, FloatArray

__all__ = ["fit_stats", "goodness_of_fit", "rest_on_one_cluster", "told_of_few", "told_of_negative", "told_of_thin"]

EXACT = 1e-10
FEW_DF = 4
"""Below, the t distribution with Satterthwaite's degrees of freedom is too rough (Pustejovsky and Tipton, 2018)."""
NAMED = 6


def fit_stats(fit: LeastSquares, design: Design) -> dict[str, float | int | None]:
    """Describe the fit; where effects were swept out, R2 counts what they explain and `within_r2` does not."""
    if design.absorbed is None:
        return goodness_of_fit(fit, design.y, intercept=design.intercept)
    df, total = fit.n_obs - fit.n_terms, design.absorbed.variation
    residual, within = float(fit.weights @ fit.residuals**2), float(fit.weights @ design.y**2)
    return {
        "r2": 1 - residual / total if total > 0 else None,
        "adj_r2": 1 - residual / total * (fit.n_obs - 1) / df if total > 0 else None,
        "within_r2": 1 - residual / within if within > 0 else None,
        "sigma": float(np.sqrt(residual / df)),
        "df_resid": df,
    }


def told_of_negative(raw: Mapping[str, float]) -> tuple[str, ...]:
    """Say which terms had no variance of their own before a two-way covariance was repaired."""
    terms = [term for term, variance in raw.items() if not variance > 0]
    if not terms:
        return ()
    return (
        f"the two-way variance of {', '.join(terms)} itself was not positive: the standard error is what the repair "
        "left, if anything, and means nothing; cluster one way, or take HC1",
    )


def told_of_few(way: Sequence[str], design: Design, few: Adjusted | None) -> tuple[str, ...]:
    """Say of which terms a correction for few clusters knows too little."""
    if few is None:
        return ()
    notes = list(rest_on_one_cluster(way, design.terms, few.alone))
    if few.dfs is not None:
        low = [
            f"{term} ({df:.1f})"
            for term, df, alone in zip(design.terms, few.dfs, few.alone, strict=True)
            if df < FEW_DF and not alone
        ]
        if low:
            notes.append(
                f"fewer than {FEW_DF} degrees of freedom by Satterthwaite for {_listed(low)}: few clusters carry what "
                "is known of it, and its p-value is rough"
            )
    return tuple(notes)


def rest_on_one_cluster(way: Sequence[str], terms: Sequence[str], alone: BoolArray) -> tuple[str, ...]:
    """Say which terms have no coefficient without one of the clusters.

    Parameters
    ----------
    way : sequence of str
        The columns of the clusters.
    terms : sequence of str
    alone : (k,) bool array
    """
    named = [term for term, one in zip(terms, alone, strict=True) if one]
    if not named:
        return ()
    return (
        f"without one of the clusters of {'^'.join(way)} there would be no coefficient of {_listed(named)}: "
        "how it varies between clusters is not known, and it has no standard error and no p-value",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def told_of_thin(kind: str, design: Design, fit: LeastSquares) -> tuple[str, ...]:
    """Say which robust standard errors mean nothing because what they rest on is fitted exactly."""
    spread = design.y - design.y.mean()
    if float(spread @ spread) <= EXACT**2 * float(design.y @ design.y):
        return (f"{design.outcome} is the same in every row: there is nothing to explain",)
    if float(fit.residuals @ fit.residuals) <= EXACT**2 * float(spread @ spread):
        return (f"{design.outcome} is an exact sum of the terms: its standard errors are rounding errors",)
    if kind == "classical":
        return ()
    alone = [term for term, firms in zip(design.terms, design.n_firms_term, strict=True) if firms == 1]
    if alone:
        return (f"too few firms stand behind {', '.join(alone)} for a robust standard error to mean anything",)
    if bool((fit.leverage > 1 - EXACT).any()):
        return ("some rows are fitted exactly: robust standard errors of what rests on them are too small",)
    return ()


def goodness_of_fit(fit: LeastSquares, y: FloatArray, *, intercept: bool) -> dict[str, float | int | None]:
    """Return R2, adjusted R2, the residual standard deviation and its df, as R's `summary.lm`.

    Parameters
    ----------
    fit : LeastSquares
    y : (n,) array
    intercept : bool
        Without a constant R2 compares with zero, not with the (weighted) mean.

    Returns
    -------
    dict
        ``r2``, ``adj_r2``, ``sigma``, ``df_resid``; R2 is None where the fitted values and y do not vary.
    """
    fitted = y - fit.residuals
    centre = np.average(fitted, weights=fit.weights) if intercept else 0.0
    explained = float(fit.weights @ (fitted - centre) ** 2)
    residual = float(fit.weights @ fit.residuals**2)
    total, df = explained + residual, fit.n_obs - fit.n_terms
    r2 = explained / total if total > 0 else None
    adjusted = None if r2 is None else 1 - (1 - r2) * (fit.n_obs - int(intercept)) / df
    return {"r2": r2, "adj_r2": adjusted, "sigma": float(np.sqrt(residual / df)), "df_resid": df}
