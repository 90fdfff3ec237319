"""Tests that groups have equal means or shares, of weighted and clustered rows.

References
----------
Welch, B. L. (1951). On the comparison of several mean values: an alternative approach. Biometrika 38, 330-336.
Rao, J. N. K. and Scott, A. J. (1984). On chi-squared tests for multiway contingency tables with cell proportions
estimated from survey data. Annals of Statistics 12(1), 46-60.
Korn, E. L. and Graubard, B. I. (1990). Simultaneous testing of regression coefficients with complex survey data: use
of Bonferroni t statistics. American Statistician 44(4), 270-276.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from estimation.results import FloatArray

__all__ = ["Test", "difference_df", "means_alike", "pearson", "rao_scott", "wald"]

NO_RANK = 1e-10


@dataclass(frozen=True, slots=True)
class Test:
    """A statistic, its degrees of freedom (the second infinite for chi-squared) and its p-value."""

    statistic: float
    df: float
    df2: float
    p_value: float


def difference_df(variances: FloatArray, clusters: FloatArray) -> float:
    """Return the degrees of freedom of the difference of two independent means (Welch and Satterthwaite).

    Parameters
    ----------
    variances : (2,) array
        Of the means.
    clusters : (2,) array
        Their numbers of clusters.
    """
    below = float((variances**2 / (clusters - 1)).sum())
    return float(variances.sum()) ** 2 / below if below > 0 else float("nan")


def means_alike(
    means: FloatArray, covariance: FloatArray, clusters: FloatArray, total: int, *, apart: bool
) -> Test | None:
    """Return the F test that J means are equal; None where it does not exist.

    Parameters
    ----------
    means : (J,) array
    covariance : (J, J) array
    clusters : (J,) array
        Clusters behind each.
    total : int
        Clusters in all.
    apart : bool
        Whether no cluster has rows in two groups: then it is Welch's (1951, equations 9 to 12), with two groups the
        square of his t; else Wald's over J - 1, with t - 1 degrees of freedom for t clusters.
    """
    variances, j = np.diag(covariance), len(means)
    if j < 2 or not variances.sum() > 0 or (clusters < 2).any():
        return None
    if not apart:
        contrast = np.eye(j)[1:] - np.eye(j)[0]
        return wald(contrast @ means, contrast @ covariance @ contrast.T, total, adjusted=False)
    if j == 2:
        df2 = difference_df(variances, clusters)
        statistic = float(means[1] - means[0]) ** 2 / float(variances.sum())
        return Test(statistic, 1.0, df2, float(fdtrc(1.0, df2, statistic)))
    if not (variances > 0).all():
        return None
    precision = 1 / variances
    share = precision / precision.sum()
    lack = float((((1 - share) ** 2) / (clusters - 1)).sum())
    between = float(precision @ (means - share @ means) ** 2) / (j - 1)
    statistic = between / (1 + 2 * (j - 2) / (j**2 - 1) * lack)
    df2 = (j**2 - 1) / (3 * lack)
    return Test(statistic, j - 1.0, df2, float(fdtrc(j - 1.0, df2, statistic)))


def wald(gaps: FloatArray, covariance: FloatArray, clusters: int, *, adjusted: bool = True) -> Test | None:
    """Return Wald's F test that gaps are zero; None where there are not enough clusters, or nothing varies.

    Parameters
    ----------
    gaps : (q,) array
    covariance : (q, q) array
        Gaps without a variance of their own, and those that the others give, do not count.
    clusters : int
        G.
    adjusted : bool
        W (G - r) / ((G - 1) r) with (r, G - r) degrees of freedom, r the rank (Korn and Graubard, 1990); else W / r
        with (r, G - 1).
    """
    moves = np.diag(covariance) > 0
    if not moves.any():
        return None
    scale = np.sqrt(np.diag(covariance)[moves])
    values, vectors = np.linalg.eigh(covariance[np.ix_(moves, moves)] / scale / scale[:, None])
    kept = values > NO_RANK * len(values)
    rank = int(kept.sum())
    if clusters - rank < 1:
        return None
    along = vectors[:, kept].T @ (gaps[moves] / scale)
    statistic = float((along**2 / values[kept]).sum()) / rank
    df2 = float(clusters - 1)
    if adjusted:
        statistic, df2 = statistic * (clusters - rank) / (clusters - 1), float(clusters - rank)
    return Test(statistic, float(rank), df2, float(fdtrc(rank, df2, statistic)))


def pearson(counts: FloatArray) -> Test | None:
    """Return Pearson's chi-squared test that rows and columns of counts, (L, J), are independent."""
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    df = float((counts.shape[0] - 1) * (counts.shape[1] - 1))
    return Test(statistic, df, float("inf"), float(chdtrc(df, statistic)))


def rao_scott(shares: FloatArray, covariance: FloatArray, n_obs: int, clusters: int) -> Test | None:
    """Return Pearson's test with Rao and Scott's second-order correction, as R's `survey::svychisq`.

    Parameters
    ----------
    shares : (L, J) array
        Of all rows: they add up to one.
    covariance : (L J, L J) array
        Of the shares, row by row.
    n_obs, clusters : int

    Returns
    -------
    Test or None
        F with (d, d nu) degrees of freedom, nu clusters less one.
    """
    rows, columns = shares.sum(axis=1) > 0, shares.sum(axis=0) > 0
    there = np.outer(rows, columns).ravel()
    shares, covariance = shares[rows][:, columns], covariance[np.ix_(there, there)]
    n_rows, n_columns = shares.shape
    if min(shares.shape) < 2 or clusters < 2:
        return None
    row = np.repeat(np.eye(n_rows), n_columns, axis=0)
    column = np.tile(np.eye(n_columns), (n_rows, 1))
    main = np.column_stack([np.ones(n_rows * n_columns), row[:, 1:], column[:, 1:]])
    crossed = (row[:, 1:, None] * column[:, None, 1:]).reshape(n_rows * n_columns, -1)
    contrast = crossed - main @ np.linalg.lstsq(main, crossed, rcond=None)[0]
    share = shares.ravel()
    scaled = np.divide(contrast, share[:, None], out=np.zeros_like(contrast), where=share[:, None] > 0)
    alone = (np.diag(share) - np.outer(share, share)) / n_obs
    effect = np.linalg.lstsq(scaled.T @ alone @ scaled, scaled.T @ covariance @ scaled, rcond=None)[0]
    trace = float(np.trace(effect))
    if not trace > 0:
        return None
    found = pearson(n_obs * shares)
    assert found is not None
    df = trace**2 / float(np.trace(effect @ effect))
    statistic, df2 = found.statistic / trace, df * (clusters - 1)
    return Test(statistic, df, df2, float(fdtrc(df, df2, statistic)))
