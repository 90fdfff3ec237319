"""Linear GMM of several stacked equations, from cross-products.

Equation e has regressors X_e and instruments Z_e, parameters may be shared between equations,
``g(theta) = sum over rows of Z'(y - X theta)``, W the weight, ``G = Z'X``, ``A = (G'WG)^-1 G'W``. A firm's
influence function is ``psi_i = A s_i`` with s_i the firm's summed stacked moments. Least squares are solved
by orthogonal decompositions in orthonormal instruments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from estimation.cross_products import COLLINEAR, Chunk, Chunks, CrossProducts
from estimation.results import FloatArray, IntArray

__all__ = ["Generated", "GmmFit", "UnidentifiedError", "linear_gmm"]

# Directions in which the moments have no variance (one firm behind an indicator), against the largest.
NO_VARIANCE = 1e-12


class UnidentifiedError(ValueError):
    """The instruments do not move the regressors of these `parameters` apart."""

    def __init__(self, parameters: tuple[str, ...]) -> None:
        super().__init__(f"not identified: {', '.join(parameters)}")
        self.parameters = parameters


@dataclass(frozen=True, slots=True, eq=False)
class GmmFit:
    """An estimate of the system.

    Attributes
    ----------
    parameters : tuple of str
        The q parameters that were asked for.
    coefficients : (q,) array
    covariance : (q, q) array
        Without any small-sample factor.
    j_statistic, j_df : float and int, or None
        Hansen's J, None for one step or a just identified system.
    firms : (G,) integer array
        Firms with a row in any equation, ascending.
    influence : (G, q) array
        psi_i, by firm whatever the weights.
    theta : (P,) array
        All parameters of the system, in its order.
    n_exact : int
        Combinations of the moments without variance, which are met exactly.
    """

    parameters: tuple[str, ...]
    coefficients: FloatArray
    covariance: FloatArray
    j_statistic: float | None
    j_df: int | None
    firms: IntArray
    influence: FloatArray
    theta: FloatArray
    n_exact: int


Generated = Callable[[CrossProducts, FloatArray], tuple[IntArray, FloatArray]]
"""``generated(system, theta)``: what an estimated regressor adds to the moments; (F,) firms ascending and (F, m)."""


def linear_gmm(
    system: CrossProducts,
    chunks: Chunks,
    wanted: Sequence[str],
    steps: int = 2,
    weights: str = "cluster",
    *,
    windmeijer: bool = False,
    generated: Generated | None = None,
) -> GmmFit:
    """Estimate the system in one step or two.

    One step weighs by W = blockdiag(Z_e'Z_e)^-1 (two-stage least squares equation by equation, shared
    parameters); two steps by the inverse of S at the one-step estimate. The covariance is the sandwich A S A'
    with S at the final estimate. Nothing is divided by a degree of freedom.

    Windmeijer (2005): the weight rests on theta1, so that ``theta2 - theta = A2 g + D (theta1 - theta)`` with
    ``D_j = -A2 dS/dtheta_j W g(theta2)``; firms' influence functions are ``(A2 + D A1) s_i(theta1)``, whose sum of
    squares is his V2 + D V2 + V2 D' + D V1 D'.

    A regressor that was itself estimated adds ``dg/dgamma psi_gamma,i`` to a firm's moments, in S and in psi_i
    (Newey and McFadden, 1994, theorem 6.1).

    Parameters
    ----------
    system : CrossProducts
    chunks : callable
        The chunks that gave `system`.
    wanted : sequence of str
        The q parameters to report.
    steps : int
        1 or 2.
    weights : str
        What S is, in the weight and in the covariance: ``cluster`` sum over firms of s_i s_i', ``robust``
        the same over rows, ``unadjusted`` residual covariances between equations times Z_a'Z_b.
    windmeijer : bool
        Whether two steps count the uncertainty of their weight; with ``cluster`` and ``robust``.
    generated : callable, optional
        What an estimated regressor adds to the moments; with ``cluster``.

    References
    ----------
    Windmeijer, F. (2005). A finite sample correction for the variance of linear efficient two-step GMM estimators.
    Journal of Econometrics 126(1), 25-51.

    Raises
    ------
    UnidentifiedError
        If the instruments do not identify a parameter.
    """
    projection, whiten = _projection(system, None)
    theta = projection @ system.outcome
    degrees = system.n_moments - len(system.parameters)
    two_step = steps == 2 and degrees > 0

    def covariance_at(estimate: FloatArray) -> FloatArray:
        if generated is not None:
            moments = _with_generated(system, chunks, estimate, generated)[1]
            return moments.T @ moments
        return _moment_covariance(system, chunks, estimate, weights)

    at = theta
    if two_step:
        first = projection
        projection, whiten = _projection(system, covariance_at(theta))
        theta = projection @ system.outcome
        if windmeijer:
            # Everything stays at the first step's estimate, where the weight was taken.
            pull = whiten.T @ (whiten @ (system.outcome - system.design @ theta))
            projection = projection + projection @ _weight_slope(system, chunks, at, pull, weights) @ first
        else:
            at = theta
    place = [system.parameters.index(name) for name in wanted]
    chosen = projection[place]
    if generated is not None:
        firms, moments = _with_generated(system, chunks, at, generated)
        influence = moments @ chosen.T
    else:
        firms, influence = _influence(system, chunks, at, chosen)
    if weights == "cluster":
        covariance = influence.T @ influence
    else:
        covariance = chosen @ _moment_covariance(system, chunks, at, weights) @ chosen.T
    distance = whiten @ (system.outcome - system.design @ theta)
    return GmmFit(
        parameters=tuple(wanted),
        coefficients=theta[place],
        covariance=(covariance + covariance.T) / 2,
        j_statistic=float(distance @ distance) if two_step else None,
        j_df=degrees if two_step else None,
        firms=firms,
        influence=influence,
        theta=theta,
        n_exact=system.n_moments - len(whiten),
    )


def _projection(system: CrossProducts, covariance: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """Return A with theta = A Q'y, and U with U'U the weight.

    A direction in which the moments have no variance (the one firm behind an indicator sums to zero at the
    first step) has infinite weight: its moment is met exactly, and the others are fitted in what is left.
    This is the limit of the weight (S + epsilon I)^-1.
    """
    # Against the regressors' own length: what the instruments keep of a regressor is what identifies it.
    size = system.lengths
    if not np.all(size > 0):
        raise UnidentifiedError(tuple(n for n, s in zip(system.parameters, size, strict=True) if not s > 0))
    design = system.design / size
    _, values, right = np.linalg.svd(design, full_matrices=False)
    if len(design) < len(size) or not values[-1] > np.sqrt(COLLINEAR):
        blame = np.abs(right[-1]) > 0.1
        raise UnidentifiedError(tuple(n for n, b in zip(system.parameters, blame, strict=True) if b))
    if covariance is None:
        return np.linalg.pinv(design) / size[:, None], np.eye(len(design))
    variances, directions = np.linalg.eigh(covariance)
    still = variances <= NO_VARIANCE * variances[-1]
    whiten = directions[:, ~still].T / np.sqrt(variances[~still])[:, None]
    if not still.any():
        return np.linalg.pinv(whiten @ design) @ whiten / size[:, None], whiten
    exact = directions[:, still].T @ design
    left, values, right = np.linalg.svd(exact)
    if len(exact) > len(size) or not values[-1] > np.sqrt(COLLINEAR):
        raise UnidentifiedError(())
    free = right[len(exact) :].T
    meet = (right[: len(exact)].T / values) @ left.T @ directions[:, still].T
    fit = np.linalg.pinv(whiten @ design @ free) @ whiten
    return (meet + free @ (fit - fit @ design @ meet)) / size[:, None], whiten


def _influence(
    system: CrossProducts, chunks: Chunks, theta: FloatArray, projection: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return the firms and psi_i = A s_i, (G, q); projecting first keeps the pass narrow."""
    weights = system.by_column(theta)
    matrices = [
        projection[:, part] @ transform for part, transform in zip(system.slices(), system.transforms, strict=True)
    ]
    firms: list[IntArray] = []
    influence: list[FloatArray] = []
    for chunk in chunks():
        names, of_equations = _firms(chunk)
        total = np.zeros((len(projection), len(names)))
        seen = np.zeros(len(names), dtype=bool)
        for matrix, weight, block, (units, starts) in zip(matrices, weights, chunk.blocks, of_equations, strict=True):
            total[:, units] += _sums((matrix @ block[: matrix.shape[1]]) * (weight @ block), starts)
            seen[units] = True
        firms.append(names[seen])
        influence.append(total[:, seen].T)
    return np.concatenate(firms), np.concatenate(influence)


def _firm_moments(system: CrossProducts, chunks: Chunks, theta: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the firms and their summed moments s_i, (G, m)."""
    columns, parts = system.by_column(theta), list(system.slices())
    firms: list[IntArray] = []
    found: list[FloatArray] = []
    for chunk in chunks():
        names, of_equations = _firms(chunk)
        moments = np.zeros((system.n_moments, len(names)))
        seen = np.zeros(len(names), dtype=bool)
        for part, transform, weight, block, (units, starts) in zip(
            parts, system.transforms, columns, chunk.blocks, of_equations, strict=True
        ):
            moments[part, units] = transform @ _sums(block[: transform.shape[1]] * (weight @ block), starts)
            seen[units] = True
        firms.append(names[seen])
        found.append(moments[:, seen].T)
    return np.concatenate(firms), np.concatenate(found)


def _with_generated(
    system: CrossProducts, chunks: Chunks, theta: FloatArray, generated: Generated
) -> tuple[IntArray, FloatArray]:
    """Return the firms of the system and of the regressor's own estimate, and their moments, (F, m)."""
    firms, moments = _firm_moments(system, chunks, theta)
    others, extra = generated(system, theta)
    union: IntArray = np.union1d(firms, others)
    total = np.zeros((len(union), system.n_moments))
    total[np.searchsorted(union, firms)] += moments
    total[np.searchsorted(union, others)] += extra
    return union, total


def _weight_slope(
    system: CrossProducts, chunks: Chunks, theta: FloatArray, pull: FloatArray, weights: str
) -> FloatArray:
    """Return ``-dS/dtheta_j pull`` for every parameter j, (m, P): sum over units of G_i (s_i'v) + s_i (v'G_i)."""
    columns, parts = system.by_column(theta), list(system.slices())
    place = {name: number for number, name in enumerate(system.parameters)}
    total = np.zeros((system.n_moments, len(system.parameters)))
    for chunk in chunks():
        names, of_equations = _firms(chunk) if weights == "cluster" else _each_row(chunk)
        moments = np.zeros((system.n_moments, len(names)))
        pulled = np.zeros((len(system.parameters), len(names)))
        held = []
        for equation, part, transform, weight, block, (units, starts) in zip(
            system.equations, parts, system.transforms, columns, chunk.blocks, of_equations, strict=True
        ):
            q = transform @ block[: transform.shape[1]]
            moments[part, units] += _sums(q * (weight @ block), starts)
            own = [column for column, name in enumerate(equation.parameters) if name is not None]
            x = block[own]
            where = np.array([place[equation.parameters[column] or ""] for column in own])
            pulled[where[:, None], units] += _sums((pull[part] @ q) * x, starts)
            held.append((part, where, q, x, np.repeat(units, np.diff(starts, append=q.shape[1]))))
        strength = pull @ moments
        for part, where, q, x, unit in held:
            total[part, where] += (q * strength[unit]) @ x.T
        total += moments @ pulled.T
    return total


def _moment_covariance(system: CrossProducts, chunks: Chunks, theta: FloatArray, weights: str) -> FloatArray:
    """Return S(theta) in orthonormal instruments, (m, m)."""
    if weights == "unadjusted":
        return _unadjusted_covariance(system, chunks, theta)
    columns = system.by_column(theta)
    parts = list(system.slices())
    total = np.zeros((system.n_moments, system.n_moments))
    for chunk in chunks():
        names, of_equations = _firms(chunk) if weights == "cluster" else _each_row(chunk)
        moments = np.zeros((system.n_moments, len(names)))
        for part, transform, weight, block, (units, starts) in zip(
            parts, system.transforms, columns, chunk.blocks, of_equations, strict=True
        ):
            moments[part, units] = transform @ _sums(block[: transform.shape[1]] * (weight @ block), starts)
        total += moments @ moments.T
    return total


def _unadjusted_covariance(system: CrossProducts, chunks: Chunks, theta: FloatArray) -> FloatArray:
    """Return S with blocks sigma_ab Z_a'Z_b.

    Between equations with different rows sigma_ab is zero (they are weighted as separate samples).
    Residual variances divide by N, in a just identified system by N less the equation's parameters, which
    is what two-stage least squares reports.
    """
    columns = system.by_column(theta)
    parts = list(system.slices())
    gram = np.zeros((system.n_moments, system.n_moments))
    sigma = np.zeros((len(parts), len(parts)))
    same = np.ones((len(parts), len(parts)), dtype=bool)
    for chunk in chunks():
        moments = np.zeros((system.n_moments, len(chunk.firm)))
        residuals = np.zeros((len(parts), len(chunk.firm)))
        present = np.zeros((len(parts), len(chunk.firm)), dtype=bool)
        for e, (part, transform, weight) in enumerate(zip(parts, system.transforms, columns, strict=True)):
            moments[part, chunk.rows[e]] = transform @ chunk.blocks[e][: transform.shape[1]]
            residuals[e, chunk.rows[e]] = weight @ chunk.blocks[e]
            present[e, chunk.rows[e]] = True
        gram += moments @ moments.T
        sigma += residuals @ residuals.T
        same &= (present[:, None] == present[None, :]).all(axis=2)
    degrees = np.array(system.n_rows, dtype=float)
    if system.n_moments == len(system.parameters):
        degrees -= [sum(name is not None for name in equation.parameters) for equation in system.equations]
    sigma = np.where(same, sigma / np.sqrt(np.outer(degrees, degrees)), 0.0)
    owner = np.repeat(np.arange(len(parts)), [part.stop - part.start for part in parts])
    return gram * sigma[np.ix_(owner, owner)]


def _firms(chunk: Chunk) -> tuple[IntArray, list[tuple[IntArray, IntArray]]]:
    """Return a chunk's firms, and by equation which of them have rows and where their rows begin."""
    names = chunk.firm[_starts(chunk.firm)]
    # Equations that share their rows share what is made of them.
    found: dict[int, tuple[IntArray, IntArray]] = {}
    for rows in chunk.rows:
        if id(rows) not in found:
            firm = chunk.firm[rows]
            starts = _starts(firm)
            found[id(rows)] = np.searchsorted(names, firm[starts]), starts
    return names, [found[id(rows)] for rows in chunk.rows]


def _each_row(chunk: Chunk) -> tuple[IntArray, list[tuple[IntArray, IntArray]]]:
    """Return the same as `_firms`, with every row a unit of its own."""
    return chunk.firm, [(rows, np.arange(len(rows))) for rows in chunk.rows]


def _starts(firm: IntArray) -> IntArray:
    """Return the positions at which a firm begins, (units,)."""
    first = np.ones(len(firm), dtype=bool)
    np.not_equal(firm[1:], firm[:-1], out=first[1:])
    starts: IntArray = np.flatnonzero(first)
    return starts


def _sums(values: FloatArray, starts: IntArray) -> FloatArray:
    """Return the sums of the columns of each unit, (q, units)."""
    return values if len(starts) == values.shape[1] else np.add.reduceat(values, starts, axis=1)
