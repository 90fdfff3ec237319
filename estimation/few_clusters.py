"""Residuals corrected for few clusters: CR2 with Satterthwaite's degrees of freedom, and CR3.

Clusters g with rows X_g, weights W_g, residuals e_g and M = (X'WX)^-1. The covariance is the sum over clusters of
s_g s_g' with s_g = M X_g'W_g A_g e_g, and the kinds differ in A_g::

    CR2    A_g = ((I - H)_g (I - H)_g')^(+1/2), + the generalised inverse; I - H_gg without weights
    CR3    A_g = (I - H_gg)^(+1), H_gg = X_g M X_g'W_g: s_g is what leaving out cluster g changes

(Bell and McCaffrey, 2002; Pustejovsky and Tipton, 2018, with the identity as working model). No matrix of rows by rows
is built: A_g = I + F_g L_g F_g' with F_g of as many columns as there are terms (twice as many for CR2 with weights) and
a small L_g from the eigenvalues of F_g'F_g.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from estimation.absorb import Absorber, Effect, nested
from estimation.covariance import numbered
from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["Adjusted", "Basis", "adjusted", "basis_of", "cluster_moments", "resting_on_one"]

FULL = 1e-10
"""What is left of a direction, or less, where a cluster fits it exactly."""
SEEN = 1e-8
"""The share of a term's squared length that has to lie in such a direction."""
AT_ONCE = 4_000_000
"""Numbers in the clusters' matrices that are decomposed together."""
MOST_LEVELS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """An orthonormal basis of a regression's weighted columns.

    Attributes
    ----------
    q : (n, m) array
        Of sqrt(w) times the columns: levels of effects that cut through clusters first, then the k terms.
    lift : (m, k) array
        Coefficients are ``lift' q' sqrt(w) y``; ``q lift`` are the rows of sqrt(w) X (X'WX)^-1.
    weights : (n,) array or None
    """

    q: FloatArray
    lift: FloatArray
    weights: FloatArray | None

    @property
    def root(self) -> FloatArray:
        """The square roots of the weights, (n,)."""
        return np.ones(len(self.q)) if self.weights is None else np.sqrt(self.weights)


def basis_of(
    x: FloatArray,
    weights: FloatArray | None,
    effects: Sequence[Effect],
    codes: IntArray,
    *,
    same_weights: bool = False,
) -> Basis:
    """Return a basis in which a cluster's share of the fit can be told, the effects that were swept out included.

    Parameters
    ----------
    x : (n, k) array
        The terms, less all effects.
    weights : (n,) array or None
    effects : sequence of Effect
        Those that were swept out.
    codes : (n,) integer array
        The clusters.
    same_weights : bool
        Whether an effect may only stay swept out if weights are the same within each of its levels: what CR2 needs.

    Returns
    -------
    Basis

    Raises
    ------
    EstimationError
        If an effect that has to be written out has too many levels.

    Notes
    -----
    An effect whose levels each lie in one cluster adds to H a block of each cluster alone. The terms and the residuals
    are orthogonal to it, so that A_g does the same to them without it. With weights that differ within a level that is
    true of CR3 and not of CR2, whose working model does not know the weights (the correction of theorem 2 in
    Pustejovsky and Tipton, 2018). The levels of other effects, such as years in clusters of firms, are written out as
    columns.
    """
    root = np.ones(len(x)) if weights is None else np.sqrt(weights)
    q, r = np.linalg.qr(x * root[:, None])
    lift = solve_triangular(r, np.eye(len(r))).T
    inside = [one for one in effects if nested(one, codes)]
    if same_weights and weights is not None and not all(_constant(weights, one.codes) for one in inside):
        inside = []
    across = [one for one in effects if one not in inside]
    if not across:
        return Basis(q, lift, weights)
    levels = sum(one.count for one in across)
    if levels > MOST_LEVELS:
        names = " and ".join(f"{one.name} ({one.count:,} levels)" for one in across)
        varies = " or their weights differ within a level" if same_weights and weights is not None else ""
        raise EstimationError(
            f"the effects {names} cut through the clusters{varies}: what each cluster adds to the fit would need their "
            f"levels as columns, and {MOST_LEVELS} is the most; cluster on a coarser column, "
            "or leave out small_sample and wild_bootstrap"
        )
    columns = np.concatenate([one.codes[:, None] == np.arange(one.count) for one in across], axis=1).astype(np.float64)
    if inside:
        columns = Absorber(inside, weights).within(columns)
    # The terms are orthogonal to all effects already; of the levels, which sum up to each other, an orthonormal basis.
    left, size, _ = np.linalg.svd(columns * root[:, None], full_matrices=False)
    others = left[:, size > 1e-9 * max(float(size[0]), 1.0)]
    return Basis(np.column_stack([others, q]), np.vstack([np.zeros((others.shape[1], len(r))), lift]), weights)


def _constant(weights: FloatArray, codes: IntArray) -> bool:
    first = np.zeros(int(codes.max()) + 1)
    first[codes] = weights
    return bool((first[codes] == weights).all())


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """What a correction for few clusters yields.

    Attributes
    ----------
    residuals : (n,) array
        A_g e_g, of the outcome as it is.
    dfs : (k,) array or None
        Satterthwaite's degrees of freedom of each term (CR2); None where all have those of the clusters.
    alone : (k,) bool array
        Terms that rest on one cluster: without it they have no coefficient.
    """

    residuals: FloatArray
    dfs: FloatArray | None
    alone: BoolArray


def adjusted(residuals: FloatArray, basis: Basis, codes: IntArray, kind: str) -> Adjusted:
    """Return residuals multiplied by A_g.

    Parameters
    ----------
    residuals : (n,) array
    basis : Basis
    codes : (n,) integer array
        The clusters.
    kind : {'CR2', 'CR3'}

    Returns
    -------
    Adjusted

    Notes
    -----
    A direction that a cluster fits exactly has an eigenvalue of zero and is left out, as HC2 and HC3 do with rows of
    leverage one. With p_g = (I - H)_g'A_g W_g X_g M c, Satterthwaite's degrees of freedom of c'b are (sum of p_g'p_g)^2
    over the sum of (p_g'p_h)^2 over all pairs (Bell and McCaffrey, 2002; Imbens and Kolesar, 2016).
    """
    m, k, root = basis.q.shape[1], basis.lift.shape[1], basis.root
    weighted_model = kind == "CR2" and basis.weights is not None
    if weighted_model:
        # (I - H)_g (I - H)_h' = [g = h] I + F_g middle F_h' with the columns X and WX in the basis of q.
        f, e = np.column_stack([basis.q / root[:, None], basis.q * root[:, None]]), residuals
        inner, one = (basis.q * root[:, None]).T @ (basis.q * root[:, None]), np.eye(m)
        middle = np.block([[inner, -one], [-one, np.zeros((m, m))]])
    else:
        f, e, middle = basis.q, residuals * root, -np.eye(m)
    power = -0.5 if kind == "CR2" else -1.0
    out, alone = np.empty_like(e), np.zeros(k, dtype=np.bool_)
    trace, squares, gathered = np.zeros(k), np.zeros(k), np.zeros((k, *middle.shape) if kind == "CR2" else (0, 0, 0))
    for clusters, moments in cluster_moments(f, codes):
        inverse = _low_rank(moments, middle, power)
        for place, rows in enumerate(clusters):
            own = f[rows]
            out[rows] = e[rows] + own @ (inverse[place] @ (own.T @ e[rows]))
        plain = _plain(basis.q, clusters) if weighted_model else moments
        alone |= resting_on_one(plain, basis.lift)
        if kind == "CR2":
            target = moments[:, :, -m:] @ basis.lift
            moved = inverse @ target
            own_part = np.einsum("gmk,mk->gk", target[:, -m:], basis.lift) + np.einsum(
                "gmk,gmk->gk", 2 * target + moments @ moved, moved
            )
            image = target + moments @ moved
            cross = np.einsum("gmk,gmk->gk", image, middle @ image)
            trace += (own_part + cross).sum(axis=0)
            squares += (own_part**2 + 2 * own_part * cross).sum(axis=0)
            gathered += np.matmul(image.transpose(2, 1, 0), image.transpose(2, 0, 1))
    dfs: FloatArray | None = None
    if kind == "CR2":
        turned = middle @ gathered
        squares += np.einsum("kmn,knm->k", turned, turned)
        dfs = np.divide(trace**2, squares, out=np.full(k, np.nan), where=squares > 0)
    return Adjusted(out if weighted_model else out / root, dfs, alone)


def cluster_moments(f: FloatArray, codes: IntArray) -> Iterator[tuple[list[IntArray], FloatArray]]:
    """Yield some clusters at a time: the rows of each, and F_g'F_g, (g, m, m)."""
    index, count = numbered(codes)
    order = np.argsort(index, kind="stable")
    rows = np.split(order, np.flatnonzero(np.diff(index[order])) + 1)
    step = max(1, AT_ONCE // f.shape[1] ** 2)
    for start in range(0, count, step):
        clusters = rows[start : start + step]
        yield clusters, _plain(f, clusters)


def _plain(f: FloatArray, clusters: Sequence[IntArray]) -> FloatArray:
    found = np.empty((len(clusters), f.shape[1], f.shape[1]))
    for place, rows in enumerate(clusters):
        own = f[rows]
        found[place] = own.T @ own
    return found


def _low_rank(moments: FloatArray, middle: FloatArray, power: float) -> FloatArray:
    """Return L with (I + F middle F')^power = I + F L F', zero where its base is, for each F'F, (g, m, m)."""
    lengths, axes = np.linalg.eigh(moments)
    kept = lengths > 1e-14 * np.maximum(lengths[:, -1:], 1e-300)
    size = np.sqrt(np.where(kept, lengths, 0.0))
    half = axes * size[:, None, :]
    values, turn = np.linalg.eigh(half.transpose(0, 2, 1) @ middle @ half)
    base = 1 + values
    some = base > FULL
    change = np.where(some, np.where(some, base, 1.0) ** power, 0.0) - 1
    # F = Z size axes' with Z orthonormal: back from Z to F.
    back = axes * np.divide(1.0, size, out=np.zeros_like(size), where=kept)[:, None, :] @ turn
    return np.asarray(back * change[:, None, :] @ back.transpose(0, 2, 1), dtype=np.float64)


def resting_on_one(moments: FloatArray, lift: FloatArray) -> BoolArray:
    """Return which terms have a part that one cluster fits exactly, (k,).

    Parameters
    ----------
    moments : (g, m, m) array
        q_g'q_g of the clusters.
    lift : (m, k) array
        As in `Basis`.
    """
    values, vectors = np.linalg.eigh(moments)
    full = values > 1 - FULL
    if not full.any():
        return np.zeros(lift.shape[1], dtype=np.bool_)
    share = ((vectors.transpose(0, 2, 1) @ lift) ** 2 * full[:, :, None]).sum(axis=1)
    return np.asarray((share > SEEN * (lift**2).sum(axis=0)).any(axis=0))
