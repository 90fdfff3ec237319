"""Covariance matrices of an estimate from its influence functions: classical, HC0 to HC3, clusters.

An estimate b has rows psi_i with b - truth = sum of psi_i to first order. All robust covariances here are
c x sum over clusters of s_g s_g', s_g = sum of psi_i in g, with the factor c of the kind; they differ in
what counts as a cluster. So a design, or the correction for an estimated outcome, hands over psi and
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from estimation.least_squares import LeastSquares
from estimation.results import FloatArray, IntArray
from specs.errors import EstimationError

__all__ = [
    "FEW_CLUSTERS",
    "Clusters",
    "Covariance",
    "FewNote",
    "bias_reduced",
    "classical",
    "clustered",
    "combine",
    "heteroscedastic",
    "influence",
    "numbered",
    "told_of_rank",
]  # fmt: skip

FEW_CLUSTERS = 40
FULL_LEVERAGE = 1e-10
NEGATIVE, ROUNDING = 1e-10, 1e-14
_OFFER = "; made for few are {{cluster: [{name}], small_sample: CR2}} and {{wild_bootstrap: {{cluster: [{name}]}}}}"
FewNote = Literal["say", "offer", "silent"]
SPARSE = 8
"""Codes up to this many times the rows are numbered by counting."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """One clustering of the rows of psi.

    Attributes
    ----------
    name : str
        The column, or ``nace3^region``.
    codes : (n,) integer array
    count : int
        Clusters of the estimate itself: the G of the small-sample factor. `codes` may hold more, where a
        first stage rests on firms that the second does not see.
    """

    name: str
    codes: IntArray
    count: int


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """A covariance matrix and how it was made.

    Attributes
    ----------
    matrix : (k, k) array
        Small-sample factor included.
    kind : str
    df : float
        Degrees of freedom of the t reference.
    factor : float
        The small-sample factor c.
    small_sample : str
        The factor in symbols.
    clusters : mapping of str to int
    raw : (k,) array or None
        The variances before negative eigenvalues were set to zero; None where there were none.
    notes : tuple of str
    dfs : (k,) array or None
        Degrees of freedom where each coefficient has its own; `df` is then NaN.
    """

    matrix: FloatArray
    kind: str
    df: float
    factor: float
    small_sample: str
    clusters: Mapping[str, int] = field(default_factory=dict)
    raw: FloatArray | None = None
    notes: tuple[str, ...] = ()
    dfs: FloatArray | None = None


def influence(fit: LeastSquares, kind: str = "HC0") -> FloatArray:
    """Return psi, (n, k): the rows' influence on the coefficients.

    Parameters
    ----------
    fit : LeastSquares
    kind : str
        ``HC2`` divides the residual by sqrt(1 - h), ``HC3`` by 1 - h, with the weight inside the leverage h
        (R's `sandwich::vcovHC`; fixest 0.14.2 leaves the weight out of h). Any other kind leaves it alone.

    Notes
    -----
    A row with leverage one is fitted exactly, whatever its outcome; its 0/0 is taken as 0.
    MacKinnon and White (1985), equations 5 to 8.
    """
    residuals = fit.residuals
    if kind in ("HC2", "HC3"):
        room = 1 - fit.leverage
        open_ = room > FULL_LEVERAGE
        divisor = np.where(open_, np.sqrt(room, where=open_, out=np.ones_like(room)), 1.0)
        residuals = np.where(open_, residuals / (divisor if kind == "HC2" else divisor**2), 0.0)
    scores: FloatArray = fit.operator * residuals[:, None]
    return scores


def classical(fit: LeastSquares) -> Covariance:
    """Return s^2 (X'WX)^-1 with s^2 = sum of w e^2 / (N - K), as R's `lm`."""
    df = fit.n_obs - fit.n_terms
    return Covariance(fit.residual_variance * fit.bread, "classical", df, 1.0, "s2 over N-K")


def heteroscedastic(psi: FloatArray, kind: str, n_obs: int, n_terms: int) -> Covariance:
    """Return sum of psi_i psi_i', times N/(N-K) for HC1; t with N-K degrees of freedom.

    Parameters
    ----------
    psi : (n, k) array
        Already scaled for HC2 and HC3 (see `influence`).
    kind : {'HC0', 'HC1', 'HC2', 'HC3'}
    n_obs, n_terms : int
        N and K of the second stage.
    """
    factor = n_obs / (n_obs - n_terms) if kind == "HC1" else 1.0
    text = {"HC1": "N/(N-K)", "HC2": "residuals over sqrt(1-h)", "HC3": "residuals over 1-h"}
    return Covariance(factor * (psi.T @ psi), kind, n_obs - n_terms, factor, text.get(kind, "none"))


def clustered(
    psi: FloatArray, clusters: Sequence[Clusters], n_obs: int, n_terms: int, *, few: FewNote = "say"
) -> Covariance:
    """Return the covariance clustered one way or two ways, as fixest does.

    Parameters
    ----------
    psi : (n, k) array
    clusters : one or two Clusters
        With codes for the n rows.
    n_obs, n_terms : int
        N and K of the second stage.
    few : {'say', 'offer', 'silent'}
        Whether a note says that clusters are few, and names the errors made for few, which a regression has.

    Returns
    -------
    Covariance
        One way: CR0 x G/(G-1) x (N-1)/(N-K), t(G-1). Two ways: V1 + V2 - V12, with one factor Gmin/(Gmin-1)
        in the place of G/(G-1), and t(Gmin-1).

    Raises
    ------
    EstimationError
        If a clustering has a single cluster.

    Notes
    -----
    Cameron, Gelbach and Miller (2011), equation 2.11. The difference of the two-way form can have negative
    eigenvalues: they are set to zero, as fixest does, with a note, and the variances before are kept. What
    that repair gives depends on the units of the regressors; whether there is one does not.
    """
    _check_several(clusters)
    fewest = min(one.count for one in clusters)
    sizes = {one.name: one.count for one in clusters}
    factor = fewest / (fewest - 1) * (n_obs - 1) / (n_obs - n_terms)
    notes = [
        f"only {count} clusters of {name}: below {FEW_CLUSTERS}, clustered errors tend to be too small"
        + (_OFFER.format(name=name) if few == "offer" and len(clusters) == 1 else "")
        for name, count in sizes.items()
        if count < FEW_CLUSTERS and few != "silent"
    ]
    matrix = sum((_meat(psi, one.codes) for one in clusters), np.zeros((psi.shape[1], psi.shape[1])))
    raw: FloatArray | None = None
    letter = "G"
    if len(clusters) == 2:
        letter = "Gmin"
        size = np.sqrt(factor * np.diag(matrix))
        matrix = matrix - _meat(psi, combine([one.codes for one in clusters]))
    matrix = factor * (matrix + matrix.T) / 2
    if len(clusters) == 2:
        # Judged in units of V1 + V2: beside a constant, the variance of a term in euros looks like rounding.
        units = np.where(size > 0, size, 1.0)
        if np.linalg.eigvalsh(matrix / units / units[:, None])[0] < -NEGATIVE:
            raw = np.diag(matrix).copy()
            values, vectors = np.linalg.eigh(matrix)
            below = values < -ROUNDING * np.abs(values).max()
            # Taken away rather than rebuilt from what is positive, which would drown small variances in rounding.
            matrix = matrix - (vectors[:, below] * values[below]) @ vectors[:, below].T
            notes.append(
                f"the two-way covariance ({' and '.join(sizes)}) was not positive semidefinite; "
                "its negative eigenvalues were set to zero, which widens the standard errors"
            )
    text = f"{letter}/({letter}-1) x (N-1)/(N-K)"
    return Covariance(matrix, "cluster", fewest - 1, factor, text, sizes, raw, tuple(notes))


def bias_reduced(psi: FloatArray, clusters: Clusters, kind: str, dfs: FloatArray | None) -> Covariance:
    """Return the covariance of residuals that `estimation.few_clusters.adjusted` has corrected.

    Parameters
    ----------
    psi : (n, k) array
        With corrected residuals in it.
    clusters : Clusters
    kind : {'CR2', 'CR3'}
    dfs : (k,) array or None
        Satterthwaite's degrees of freedom (CR2); without them t(G-1) (CR3).

    Returns
    -------
    Covariance
        Without another factor: clusters of one row give HC2 and HC3. What Stata and `summclust` call CV3 is CR3 times
        (G-1)/G (MacKinnon, Nielsen and Webb, 2023).

    Raises
    ------
    EstimationError
        If there is a single cluster.
    """
    _check_several([clusters])
    text = {"CR2": "residuals by (I-H)^-1/2 within clusters", "CR3": "residuals by (I-H)^-1 within clusters"}[kind]
    df = float("nan") if dfs is not None else clusters.count - 1
    return Covariance(_meat(psi, clusters.codes), "cluster", df, 1.0, text, {clusters.name: clusters.count}, dfs=dfs)


def _check_several(clusters: Sequence[Clusters]) -> None:
    for one in clusters:
        if one.count < 2:
            raise EstimationError(
                f"standard errors: all rows lie in one cluster of {one.name}, "
                "so that the spread between clusters is unknown; cluster on a finer column"
            )


def _meat(psi: FloatArray, codes: IntArray) -> FloatArray:
    """Sum psi within clusters and return the sum of outer products, (k, k)."""
    index = numbered(codes)[0]
    if bool((index[1:] < index[:-1]).any()):
        order = np.argsort(index, kind="stable")
        index, psi = index[order], psi[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    sums = np.add.reduceat(psi, starts, axis=0)
    return np.asarray(sums.T @ sums, dtype=np.float64)


def combine(codes: Sequence[IntArray]) -> IntArray:
    """Return one code for each combination of several codings of the same n rows, (n,)."""
    combined = numbered(codes[0])[0]
    for one in codes[1:]:
        index, count = numbered(one)
        combined = numbered(combined * count + index)[0]
    return combined


def told_of_rank(clusters: Mapping[str, int], n_terms: int) -> tuple[str, ...]:
    """Say of clusters that are no more than the terms what their covariance cannot know.

    Parameters
    ----------
    clusters : mapping of str to int
        By clustering, how many.
    n_terms : int
    """
    fewest = min(clusters, key=lambda one: clusters[one], default=None)
    if fewest is None or clusters[fewest] > n_terms:
        return ()
    return (
        f"{clusters[fewest]:,} clusters of {fewest} and {n_terms:,} terms: the covariance has rank "
        f"{clusters[fewest] - 1:,} at most, so that there is no test of all terms at once",
    )


def numbered(codes: IntArray) -> tuple[IntArray, int]:
    """Return the codes as 0, 1, ... in ascending order of their values, (n,), and how many there are."""
    low, high = int(codes.min(initial=0)), int(codes.max(initial=0))
    if low < 0 or high > SPARSE * codes.size:
        levels, found = np.unique(codes, return_inverse=True)
        return found.astype(np.int64), int(levels.size)
    # Codes that lie close together need no sorting.
    place = np.cumsum(np.bincount(codes, minlength=1) > 0) - 1
    return np.asarray(place[codes], dtype=np.int64), int(place[-1]) + 1
