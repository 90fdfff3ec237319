"""The covariance between estimates of one model on different rows or with different terms, from their influence.

With influence functions psi and phi of two estimates, summed within the clusters g of the errors::

    cov(a, b) = sqrt(c_a c_b) x sum over g of (sum of psi_i in g) (sum of phi_i in g)'

c the small-sample factor of each. A firm that is in two groups of rows links their estimates so; and where the spec
estimated the outcome, all estimates share its first stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from estimation.design_matrix import cluster_codes
from estimation.results import Estimates, FloatArray, IntArray
from panels.frame import Selection

__all__ = ["Clustering", "Sums", "covariance_of_all", "degrees_of_freedom", "meat"]

FAR = 2**31
SIGNS = (1.0, 1.0, -1.0)
"""Of two ways of clustering: the first, the second, both together (Cameron, Gelbach and Miller, 2011)."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Influence summed within clusters.

    Attributes
    ----------
    codes : (G,) integer array
        Ascending, the same for all estimates of a model.
    scores : (G, k) array
    """

    codes: IntArray
    scores: FloatArray

    @classmethod
    def of(cls, codes: IntArray, scores: FloatArray) -> Sums:
        """Sum the rows of (n, k) scores by their codes."""
        found, index = np.unique(codes, return_inverse=True)
        total = np.zeros((found.size, scores.shape[1]))
        np.add.at(total, index, scores)
        return cls(found.astype(np.int64), total)

    def cross(self, other: Sums) -> FloatArray:
        """Return the sum over common clusters of the outer products, (k, l)."""
        _, mine, theirs = np.intersect1d(self.codes, other.codes, assume_unique=True, return_indices=True)
        product: FloatArray = self.scores[mine].T @ other.scores[theirs]
        return product


class Clustering:
    """What the errors of a model sum over, in codes that all its estimates share.

    Parameters
    ----------
    kind : str
        ``classical``, ``HC0`` .. ``HC3``, ``cluster``.
    ways : tuple of tuple of str
        The columns of each clustering.
    rows : Selection
        All rows of the model.
    panel : Selection or None
        The clustering columns on all rows of the panel: they place firms that only the first stage sees.
    """

    def __init__(self, kind: str, ways: Sequence[Sequence[str]], rows: Selection, panel: Selection | None) -> None:
        self.kind, self.ways = kind, tuple(tuple(names) for names in ways) if kind == "cluster" else ()
        where = rows if panel is None else panel
        self._rows, self._firm = where.rows, where.firm
        self._codes = [cluster_codes(names, where) for names in self.ways]

    @property
    def by_firm_alone(self) -> bool:
        """Whether all rows of a firm lie in one cluster that holds no other firm."""
        return self.ways == (("firm",),)

    def rows(self, positions: IntArray, psi: FloatArray) -> tuple[Sums, ...]:
        """Sum (n, k) influence of rows at these positions of the panel, once for every way and for both together."""
        if not self.ways:
            return (Sums.of(positions, psi),)
        at = np.searchsorted(self._rows, positions)
        return tuple(Sums.of(codes, psi) for codes in _with_both([codes[at] for codes in self._codes]))

    def firms(self, firms: IntArray, psi: FloatArray, positions: IntArray, firm: IntArray) -> tuple[Sums, ...]:
        """Sum (F, k) influence of firms.

        Parameters
        ----------
        firms : (F,) integer array
        psi : (F, k) array
        positions, firm : (n,) integer arrays
            The rows of the second stage and their firms: they say in which clusters their firms lie.
        """
        if not self.ways:
            return (Sums.of(firms, psi),)
        at, found = np.searchsorted(self._rows, positions), []
        for codes in self._codes:
            # A firm of which nothing is known is a cluster of its own; its code must not be that of another.
            own: IntArray = -2 - firms.astype(np.int64)
            for inside, of in ((codes, self._firm), (codes[at], firm)):
                known = (inside >= 0) & np.isin(of, firms)
                own[np.searchsorted(firms, of[known])] = inside[known]
            found.append(own)
        return tuple(Sums.of(codes, psi) for codes in _with_both(found))

    def _nests_firms(self) -> bool:
        """Whether all rows of a firm lie in one cluster: then what is known of firms is enough."""
        pairs = [np.unique(np.column_stack([self._firm, codes])[codes >= 0], axis=0) for codes in self._codes]
        return bool(pairs) and all(np.unique(one[:, 0]).size == len(one) for one in pairs)

    def of(self, estimates: Estimates, *, one_row_a_firm: bool) -> tuple[Sums, ...] | None:
        """Sum the influence of an estimate; None where it does not say what would have to be summed."""
        made = estimates.workings
        if made is None:
            if self.by_firm_alone or (self.kind.startswith("HC") and one_row_a_firm):
                return (Sums.of(estimates.influence_firms, estimates.influence),)
            if not self._nests_firms():
                return None
            return self.firms(estimates.influence_firms, estimates.influence, self._rows, self._firm)
        if self.by_firm_alone or (self.kind.startswith("HC") and one_row_a_firm):
            return (Sums.of(estimates.influence_firms, estimates.influence),)
        if made.first_influence is not None and self.ways:
            return self.firms(estimates.influence_firms, estimates.influence, made.rows, made.firm)
        return self.rows(made.rows, made.psi)


def _with_both(codes: list[IntArray]) -> list[IntArray]:
    return [*codes, codes[0] * FAR + codes[1]] if len(codes) == 2 else codes


def meat(one: Sequence[Sums], other: Sequence[Sums]) -> FloatArray:
    """Return the sum of cross-products over clusters, (k, l); of two ways V1 + V2 - V12."""
    return np.asarray(sum(sign * a.cross(b) for sign, a, b in zip(SIGNS, one, other, strict=False)), dtype=np.float64)


def covariance_of_all(estimates: Sequence[Estimates], clustering: Clustering) -> FloatArray | None:
    """Return the covariance of several estimates on disjoint rows, (K, K), K the sum of their terms.

    Parameters
    ----------
    estimates : sequence of Estimates
        Each keeps its own covariance on the diagonal.
    clustering : Clustering

    Returns
    -------
    array or None
        None where the estimates do not say how they hang together.

    Notes
    -----
    Classical errors, and HC errors where some firm has several rows, take the rows for independent: the estimates are
    then independent too.
    """
    ends = np.cumsum([0, *(len(one.terms) for one in estimates)])
    found = np.zeros((ends[-1], ends[-1]))
    places = [slice(int(low), int(high)) for low, high in pairwise(ends)]
    for place, one in zip(places, estimates, strict=True):
        found[place, place] = one.covariance
    alone = all(one.n_obs == one.n_firms for one in estimates)
    if clustering.kind == "classical" or (clustering.kind.startswith("HC") and not alone):
        return found
    sums = [clustering.of(one, one_row_a_firm=alone) for one in estimates]
    for i, first in enumerate(sums):
        for j in range(i):
            second = sums[j]
            if first is None or second is None:
                return None
            scale = np.sqrt(_factor(estimates[i], first) * _factor(estimates[j], second))
            block = scale * meat(first, second)
            found[places[i], places[j]], found[places[j], places[i]] = block, block.T
    return found


def _factor(estimates: Estimates, sums: Sequence[Sums]) -> float:
    """Return the small-sample factor inside a covariance, by what it is times its sums where the estimate has none."""
    if estimates.workings is not None:
        return estimates.workings.factor
    plain, variances = np.diag(meat(sums, sums)), np.diag(estimates.covariance)
    shown = (plain > 0) & np.isfinite(variances)
    return float(np.median(variances[shown] / plain[shown])) if shown.any() else 1.0


def degrees_of_freedom(estimates: Sequence[Estimates], clustering: Clustering, whole: float) -> float:
    """Return the degrees of freedom of a test across estimates, as of one regression with everything interacted.

    Clusters: those of all estimates together, less one; `whole`, those of the estimate on all rows, where the estimates
    do not say which rows are theirs. Others: the sum of the estimates' own.
    """
    if clustering.kind != "cluster":
        return float(sum(one.errors.df for one in estimates))
    made = [one.workings for one in estimates if one.workings is not None]
    if len(made) < len(estimates):
        return whole
    at = np.concatenate([one.rows for one in made])
    sums = clustering.rows(at, np.zeros((at.size, 0)))[: len(clustering.ways)]
    return float(min(one.codes.size for one in sums) - 1)
