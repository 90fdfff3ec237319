"""The second stage on its rows: productivity on its own past, and what the innovation is orthogonal to.

With w = Phi - X theta, w1 its value a year before, P the probability of survival where there is one, and
B(w1, P) the monomials up to a degree,

    M = [1, D, B],    rho = argmin |w - M rho|,    xi = tau - M rho,

where tau = w (Ackerberg, Caves and Frazer) or tau = y - l bl - X theta (Levinsohn and Petrin; Olley and Pakes). The
first solve Z'xi = 0, the others minimise xi'xi / 2. Both are smooth sums over rows once nuisances are profiled out:
`evaluate` returns the p equations, their Jacobian in theta, and for every row the equations' summand h with its
derivatives in tau, w, w1 and P. Sums of these are all that Newton's method and the infinitesimal jackknife need.

Arrays hold a column in a row: (p, n).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from estimation.productivity.two_stage.basis import BasisValues, MarkovBasis
from estimation.results import FloatArray, IntArray

__all__ = ["Evaluation", "Nuisance", "SecondStage", "evaluate", "newton"]

NEWTON_STEPS = 25
HALVINGS = 12


@dataclass(frozen=True, slots=True, eq=False)
class SecondStage:
    """The rows of the second stage, and what stays as it is whatever theta and Phi are.

    Attributes
    ----------
    at : (n,) integer array
        Positions in the group of the rows of t; the row above is that of t-1.
    firm : (n,) integer array
        Ascending.
    x, before : (p, n) arrays
        X of t about its means, and X of t-1.
    factors : tuple of tuple of int
        The inputs that each column of X multiplies: one, or two of a product.
    instruments : (p, n) array or None
        Z about its means; None where xi'xi is minimised.
    free : (f, n) array
        Free inputs that the first stage has taken out of tau, about their means; none for Z.
    output : (n,) array
        y about its mean.
    fixed : (a, n) array
        Orthonormal, spanning [1, D].
    basis : MarkovBasis
    """

    at: IntArray
    firm: IntArray
    x: FloatArray
    before: FloatArray
    factors: tuple[tuple[int, ...], ...]
    instruments: FloatArray | None
    free: FloatArray
    output: FloatArray
    fixed: FloatArray
    basis: MarkovBasis

    @property
    def n_parameters(self) -> int:
        """Coefficients of the second stage, nuisances included."""
        return len(self.x) + len(self.fixed) + len(self.basis.powers)


@dataclass(frozen=True, slots=True, eq=False)
class Nuisance:
    """What the first stage and the probit hand over.

    Attributes
    ----------
    phi, phi_before : (n,) arrays
        Of t and of t-1, about their means.
    free : (f,) array
        The elasticities of the free inputs that stand apart.
    survival : (n,) array or None
        P of t, known at t-1.
    """

    phi: FloatArray
    phi_before: FloatArray
    free: FloatArray
    survival: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What the equations are sums of.

    Attributes
    ----------
    h, by_target, by_w, by_before : (p, n) arrays
        The rows' summands and their derivatives in tau, w and w1.
    by_survival : (p, n) array or None
    column : (p, n) array
    residual : (n,) array
        The moments are their products, so that cosines compare them with nothing but themselves.
    """

    h: FloatArray
    by_target: FloatArray
    by_w: FloatArray
    by_before: FloatArray
    by_survival: FloatArray | None
    column: FloatArray
    residual: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The second stage at one theta.

    Attributes
    ----------
    moments : (p,) array
        Zero at the estimate.
    scaled : (p,) array
        The moments over the norms of what they multiply: cosines.
    jacobian : (p, p) array
        Of `moments` in theta.
    parts : Parts
    """

    moments: FloatArray
    scaled: FloatArray
    jacobian: FloatArray
    parts: Parts

    @property
    def norm(self) -> float:
        """The Euclidean norm of the scaled moments."""
        return float(np.linalg.norm(self.scaled))


class _Regression:
    """Weighted least squares on M = [fixed, B]: coefficients, and (M'M)^-1 applied to a vector.

    Without weights by QR; with weights (a draw of a bootstrap) from the Gram matrix of columns that are nearly
    orthonormal, which keeps ten digits and costs a fraction.
    """

    def __init__(
        self, fixed: FloatArray, basis: FloatArray, weights: FloatArray | None, gram: FloatArray | None
    ) -> None:
        self.fixed, self.basis, self.weights = fixed, basis, weights
        a = len(fixed)
        triangle = np.zeros((a + len(basis), a + len(basis)))
        if weights is None:
            cross = fixed @ basis.T
            self.q, r = np.linalg.qr((basis - cross.T @ fixed).T)
            triangle[:a, :a] = np.eye(a)
            triangle[:a, a:] = cross
            triangle[a:, a:] = r
        else:
            assert gram is not None
            weighted = basis * weights
            triangle[:a, :a] = gram
            triangle[:a, a:] = fixed @ weighted.T
            triangle[a:, :a] = triangle[:a, a:].T
            triangle[a:, a:] = basis @ weighted.T
            triangle = cholesky(triangle)
        self.triangle = triangle

    def coefficients(self, columns: FloatArray) -> FloatArray:
        """Return the coefficients of these columns (k, n) on M, (k, a + b)."""
        if self.weights is None:
            known = np.concatenate([self.fixed @ columns.T, self.q.T @ columns.T])
            return solve_triangular(self.triangle, known).T
        weighted = columns * self.weights
        return self.inverse(np.concatenate([self.fixed @ weighted.T, self.basis @ weighted.T])).T

    def inverse(self, vectors: FloatArray) -> FloatArray:
        """Return (M'M)^-1 times vectors, (a + b, k)."""
        return solve_triangular(self.triangle, solve_triangular(self.triangle, vectors, trans="T"))

    def fitted(self, coefficients: FloatArray) -> FloatArray:
        """Return M times coefficients (k, a + b), (k, n)."""
        a = len(self.fixed)
        return coefficients[:, :a] @ self.fixed + coefficients[:, a:] @ self.basis


def evaluate(
    stage: SecondStage,
    theta: FloatArray,
    given: Nuisance,
    weights: FloatArray | None = None,
    gram: FloatArray | None = None,
) -> Evaluation:
    """Return the second stage's equations at theta.

    Parameters
    ----------
    stage : SecondStage
    theta : (p,) array
    given : Nuisance
    weights : (n,) array, optional
        None below zero.
    gram : (a, a) array
        ``fixed`` weighted times ``fixed``; with weights.

    Raises
    ------
    LinAlgError
        If the columns of M are dependent, with these weights or at this theta.
    """
    w = given.phi - theta @ stage.x
    basis = stage.basis.at(given.phi_before - theta @ stage.before, given.survival)
    regression = _Regression(stage.fixed, basis.values, weights, gram)
    if stage.instruments is None:
        target = stage.output - given.free @ stage.free - theta @ stage.x
        parts = _minimising(stage, basis, regression, w, target)
    else:
        parts = _solving(stage, basis, regression, w, stage.instruments)

    def total(values: FloatArray) -> FloatArray:
        return np.asarray(values.sum(axis=-1) if weights is None else values @ weights)

    moments = total(parts.h)
    both, own = parts.by_target + parts.by_w, parts.by_before
    if weights is not None:
        both, own = both * weights, own * weights
    return Evaluation(
        moments=moments,
        scaled=moments / np.sqrt(total(parts.column**2) * total(parts.residual**2)),
        jacobian=-(both @ stage.x.T) - own @ stage.before.T,
        parts=parts,
    )


def _solving(stage: SecondStage, basis: BasisValues, regression: _Regression, w: FloatArray, z: FloatArray) -> Parts:
    """Z'xi = 0: with zhat the fit of z on M, h = z xi - zhat eta, which no change of rho moves."""
    a = len(stage.fixed)
    known = regression.coefficients(np.vstack([w, z]))
    rho, alpha = known[0], known[1:]
    fitted = regression.fitted(known)
    eta, left = w - fitted[0], z - fitted[1:]
    by_before = -(left * (rho[a:] @ basis.slope) + (alpha[:, a:] @ basis.slope) * eta)
    by_survival = None
    if basis.by_survival is not None:
        by_survival = -(left * (rho[a:] @ basis.by_survival) + (alpha[:, a:] @ basis.by_survival) * eta)
    return Parts(left * eta, z, -fitted[1:], by_before, by_survival, z, eta)


def _minimising(
    stage: SecondStage, basis: BasisValues, regression: _Regression, w: FloatArray, target: FloatArray
) -> Parts:
    """The sum of xi^2 / 2 at its minimum.

    rho solves M'(w - M rho) = 0, not the least squares of tau, so that the gradient has a multiplier a, the
    coefficients of xi on M: it is that of ``xi'xi / 2 - (M a)'(w - M rho)`` with everything but theta held fixed.
    Profiling rho and a out of its own derivative gives h (the coefficients c and d below).
    """
    a, before = len(stage.fixed), stage.before
    known = regression.coefficients(np.vstack([w, target]))
    rho, own = known[0], known[1] - known[0]  # xi on M: tau on M, less rho
    eta, xi = w - regression.fitted(rho[None])[0], target - regression.fitted(rho[None])[0]
    rest = xi - regression.fitted(own[None])[0]
    slope, slope_own = rho[a:] @ basis.slope, own[a:] @ basis.slope
    direction = stage.x - slope * before
    weights = regression.weights
    tilted = [before * eta, before * (rest - eta)]
    if weights is not None:
        tilted = [one * weights for one in tilted]
    pulled = [np.vstack([np.zeros((a, len(before))), basis.slope @ one.T]) for one in tilted]
    c = regression.coefficients(direction) + regression.inverse(pulled[0]).T
    d = -regression.coefficients(slope_own * before) + regression.inverse(pulled[1]).T
    c_fit, d_fit = regression.fitted(c), regression.fitted(d)
    left = direction - c_fit
    h = -rest * left + (slope_own * before + d_fit) * eta

    def along(first: FloatArray, second: FloatArray) -> FloatArray:
        """The derivative through M, given M's and its slope's derivatives in a variable."""
        turn, turn_own = rho[a:] @ first, own[a:] @ first
        moved: FloatArray = (turn + turn_own) * left - turn * (slope_own * before + d_fit)
        moved += rest * ((rho[a:] @ second) * before + c[:, a:] @ first)
        moved += eta * ((own[a:] @ second) * before + d[:, a:] @ first)
        return moved

    by_survival = None
    if basis.by_survival is not None and basis.slope_by_survival is not None:
        by_survival = along(basis.by_survival, basis.slope_by_survival)
    return Parts(h, -left, slope_own * before + d_fit, along(basis.slope, basis.curve), by_survival, left, rest)


def newton(
    stage: SecondStage,
    start: FloatArray,
    given: Nuisance,
    weights: FloatArray | None = None,
    gram: FloatArray | None = None,
    tolerance: float = 0.0,
) -> tuple[FloatArray, Evaluation]:
    """Polish a root by Newton's method, each step halved until the scaled moments shrink.

    Returns
    -------
    theta : (p,) array
        The best point reached; whether it is a root is for the caller to ask of `Evaluation.norm`.
    evaluation : Evaluation
        There.
    """
    theta, here = start, evaluate(stage, start, given, weights, gram)
    for _ in range(NEWTON_STEPS):
        if here.norm <= tolerance:
            break
        try:
            step = np.linalg.solve(here.jacobian, here.moments)
        except np.linalg.LinAlgError:
            break
        there = None
        for halving in range(HALVINGS):
            tried = theta - step / 2**halving
            try:
                there = evaluate(stage, tried, given, weights, gram)
            except np.linalg.LinAlgError:
                continue
            if there.norm < here.norm:
                break
        if there is None or not there.norm < here.norm:
            break
        theta, here = tried, there
    return theta, here
