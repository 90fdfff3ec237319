"""The second stage of two-stage estimators: elasticities at which the innovation of productivity is unforeseen.

With phi output less its transitory error (and less whatever else of the technology the first stage knows) and x the
terms of the technology that are left,

    w(t) = phi(t) - x(t) b,    w(t) = g(w(t-1)) + d(t) delta + xi(t),    E[z(t) xi(t)] = 0,

g a polynomial, d the constant and the controls, and as many instruments z as terms x. g and delta are concentrated
out by least squares, so that the moments are ``G(b) = Z'M w(t)``, M the residual maker of the powers of w(t-1) and of
d. A root is a b with G(b) = 0 up to rounding; the moments are polynomials in b and may have several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from estimation.orthonormal import COLLINEAR, CollinearColumnError, orthonormal_transform
from estimation.results import FloatArray

__all__ = ["CollinearTermError", "Linearised", "MarkovStep", "Root", "markov_step"]

# A root: the multiple correlation of the innovation with the instruments is below this.
ROOT = 1e-8
# Where Newton's method stops: rounding leaves no less.
NO_LESS = 1e-14
NEWTON_STEPS = 60
HALVINGS = 12
# A start is given up when so many steps together have not brought the moments below this share of what they were.
PATIENCE, PROGRESS = 6, 0.7


class CollinearTermError(ValueError):
    """A term or an instrument is a combination of those before it, or does not vary given the controls.

    Attributes
    ----------
    index : int
        Which column.
    instrument : bool
        Whether an instrument is meant, and not a term.
    """

    def __init__(self, index: int, *, instrument: bool) -> None:
        super().__init__(f"{'instrument' if instrument else 'term'} {index} is a combination of others")
        self.index = index
        self.instrument = instrument


@dataclass(frozen=True, slots=True, eq=False)
class Root:
    """Where Newton's method ended: a solution of the moments if `solves`.

    Attributes
    ----------
    coefficients : (p,) array
        b.
    norm : float
        The multiple correlation of xi with the instruments, given the process: at a root zero but for rounding.
    """

    coefficients: FloatArray
    norm: float

    @property
    def solves(self) -> bool:
        """Whether the moments are zero there."""
        return self.norm < ROOT


@dataclass(frozen=True, slots=True, eq=False)
class Linearised:
    """The moments near one b, to first order; the instruments in an orthonormal basis of theirs.

    ``dG = scores.sum(0) + now' dw(t) - before' dw(t-1)``: what sampling adds, and what a change of w adds that a first
    stage's parameters bring.

    Attributes
    ----------
    scores, now, before : (n, p) arrays
    jacobian : (p, p) array
        Of the moments with respect to b.
    strength : float
        The smallest singular value of the derivative where terms and instruments have length one: near zero, the
        instruments do not tell some combination of the terms from the process.
    innovation, lagged : (n,) arrays
        xi(t) and w(t-1).
    slope : (n,) array
        g'(w(t-1)), the persistence of productivity.
    """

    scores: FloatArray
    now: FloatArray
    before: FloatArray
    jacobian: FloatArray
    strength: float
    innovation: FloatArray
    lagged: FloatArray
    slope: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """The moments at one b, with what their derivatives need; weighted rows."""

    moments: FloatArray
    innovation: FloatArray
    powers: FloatArray  # Q of the powers of w(t-1) given the controls
    triangle: FloatArray  # its R
    effects: FloatArray  # coefficients of the powers
    raw: FloatArray  # the powers of standardised w(t-1), (n, degree)
    spread: float  # what w(t-1) is divided by
    lagged: FloatArray

    @property
    def slopes(self) -> FloatArray:
        """Derivatives of the powers in w(t-1), (n, degree)."""
        ones = np.full((len(self.raw), 1), 1.0 / self.spread)
        numbers = np.arange(2, self.raw.shape[1] + 1) / self.spread
        return np.hstack([ones, self.raw[:, :-1] * numbers])

    @property
    def norm(self) -> float:
        length = float(np.linalg.norm(self.innovation))
        return float(np.linalg.norm(self.moments)) / length if length > 0 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class MarkovStep:
    """The moments of n rows with a year before; made by `markov_step`.

    Coefficients are b = `transform` a: terms are orthonormal in a, which changes no root and keeps digits.

    Attributes
    ----------
    phi_now, phi_before : (n,) arrays
    terms_now, terms_before : (n, p) arrays
        Times `transform`.
    transform : (p, p) array
    instruments : (n, p) array
        An orthonormal basis of the weighted instruments, given the controls.
    controls : (n, c) array
        An orthonormal basis of the weighted constant and controls.
    degree : int
        Of g.
    root_weights : (n,) array or None
    """

    phi_now: FloatArray
    phi_before: FloatArray
    terms_now: FloatArray
    terms_before: FloatArray
    transform: FloatArray
    instruments: FloatArray
    controls: FloatArray
    degree: int
    root_weights: FloatArray | None

    def least_squares(self) -> FloatArray:
        """Return the b of the regression of phi(t) on x(t), the constant and the controls."""
        return self.transform @ _solution(self.given_controls(self.terms_now), self.given_controls(self.phi_now))

    def size(self, coefficients: FloatArray) -> float:
        """Return the root mean square of x(t) b about its mean: the distance that compares two b without units."""
        return float(np.linalg.norm(self.inner(coefficients)) / np.sqrt(self._rows()))

    def descend(self, start: FloatArray) -> Root | None:
        """Return where Newton's method with step control ends, None where productivity does not vary at the start."""
        inner = self.inner(start)
        point = self._point(inner)
        if point is None:
            return None
        longest = 2.0 * float(np.linalg.norm(self._weighted(self.phi_now - self.phi_now.mean())))
        sizes = [float(np.linalg.norm(point.moments))]
        for _ in range(NEWTON_STEPS):
            stuck = len(sizes) > PATIENCE and sizes[-1] > PROGRESS * sizes[-1 - PATIENCE]
            if point.norm < NO_LESS or stuck:
                break
            step = _solution(self._derivatives(point)[0], -point.moments)
            length = float(np.linalg.norm(step))
            step *= min(1.0, longest / length) if length > 0 else 0.0
            better = self._shorter(inner, step, point)
            if better is None:
                break
            inner, point = better
            sizes.append(float(np.linalg.norm(point.moments)))
        return Root(self.transform @ inner, point.norm)

    def linearise(self, coefficients: FloatArray) -> Linearised:
        """Return the moments near b to first order, for influence functions and standard errors."""
        point = self._point(self.inner(coefficients))
        assert point is not None
        jacobian, now, before = self._derivatives(point)
        inner = solve_triangular(self.transform.T, jacobian.T, lower=True).T if len(jacobian) else jacobian
        innovation = point.innovation
        scores = self._given_process(point) * innovation[:, None]
        if self.root_weights is not None:
            innovation = np.divide(
                innovation, self.root_weights, out=np.zeros_like(innovation), where=self.root_weights > 0
            )
        strength = float(np.linalg.svd(jacobian, compute_uv=False).min(initial=np.inf))
        return Linearised(scores, now, before, inner, strength, innovation, point.lagged, point.slopes @ point.effects)

    def inner(self, coefficients: FloatArray) -> FloatArray:
        """Return the a of b = `transform` a."""
        inner: FloatArray = solve_triangular(self.transform, coefficients)
        return inner

    def _rows(self) -> float:
        return float(len(self.phi_now) if self.root_weights is None else np.sum(self.root_weights**2))

    def _weighted(self, values: FloatArray) -> FloatArray:
        if self.root_weights is None:
            return values
        return values * (self.root_weights if values.ndim == 1 else self.root_weights[:, None])

    def given_controls(self, values: FloatArray) -> FloatArray:
        """Return what the controls and the constant leave of values, (n,) or (n, k); rows weighted."""
        weighted = self._weighted(values)
        return weighted - self.controls @ (self.controls.T @ weighted)

    def _point(self, inner: FloatArray) -> _Point | None:
        """Return the moments at b = transform a; None where productivity would hardly vary."""
        now = self.phi_now - self.terms_now @ inner
        lagged = self.phi_before - self.terms_before @ inner
        centred = self.given_controls(lagged)
        spread = float(np.linalg.norm(centred)) / np.sqrt(self._rows())
        # Powers of a standardised number: the space of the polynomials is the same, and digits are kept.
        weights = np.ones(len(lagged)) if self.root_weights is None else self.root_weights**2
        middle = float(weights @ lagged / weights.sum())
        if not spread > 1e-12 * (1e-300 + float(np.max(np.abs(lagged), initial=0.0))):
            return None
        v = (lagged - middle) / spread
        powers = np.empty((len(v), self.degree))
        powers[:, 0] = v
        for power in range(1, self.degree):
            np.multiply(powers[:, power - 1], v, out=powers[:, power])
        q, triangle = np.linalg.qr(self.given_controls(powers))
        if np.min(np.abs(np.diag(triangle))) < 1e-9 * np.max(np.abs(np.diag(triangle))):
            return None
        y = self.given_controls(now)
        on_powers = q.T @ y
        innovation = y - q @ on_powers
        moments = self.instruments.T @ innovation
        effects = solve_triangular(triangle, on_powers)
        return _Point(moments, innovation, q, triangle, effects, powers, spread, lagged)

    def _given_process(self, point: _Point) -> FloatArray:
        return self.instruments - point.powers @ (point.powers.T @ self.instruments)

    def _derivatives(self, point: _Point) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return dG/da, and what multiplies dw(t) and -dw(t-1) in dG.

        The second part of `before` is the change of the space of the powers: ``dM w = -M dW g - W+' dW' M w``.
        """
        own = self._given_process(point)
        turn = solve_triangular(point.triangle, point.powers.T @ self.instruments)
        slopes = point.slopes
        persistence = slopes @ point.effects
        now = self._weighted(own)
        before = self._weighted(own * persistence[:, None] + point.innovation[:, None] * (slopes @ turn))
        return before.T @ self.terms_before - now.T @ self.terms_now, now, before

    def _shorter(self, inner: FloatArray, step: FloatArray, point: _Point) -> tuple[FloatArray, _Point] | None:
        """Halve a step until the moments fall, as far as the direction allows."""
        length = np.linalg.norm(point.moments)
        for halving in range(HALVINGS):
            share = 0.5**halving
            tried = inner + share * step
            there = self._point(tried)
            if there is not None and np.linalg.norm(there.moments) < (1 - 1e-4 * share) * length:
                return tried, there
        return None


def markov_step(
    phi: tuple[FloatArray, FloatArray],
    terms: tuple[FloatArray, FloatArray],
    instruments: FloatArray,
    *,
    controls: FloatArray | None = None,
    degree: int = 3,
    weights: FloatArray | None = None,
) -> MarkovStep:
    """Set up the moments.

    Parameters
    ----------
    phi : pair of (n,) arrays
        Of t and of t-1.
    terms : pair of (n, p) arrays
        x of t and of t-1; only their deviations from a constant matter.
    instruments : (n, p) array
        z, in the order in which a collinear one is told.
    controls : (n, c) array, optional
        Beside the constant, which always stands in the process. Columns that others span change nothing.
    degree : int
    weights : (n,) array, optional
        Not negative.

    Raises
    ------
    CollinearTermError
        If a term is a combination of those before it, or an instrument of those before it and the controls.
    """
    n, p = instruments.shape
    root_weights = None if weights is None else np.sqrt(weights)
    root = np.ones(n) if root_weights is None else root_weights
    constant = root[:, None] / np.linalg.norm(root)
    space = constant
    if controls is not None and controls.shape[1]:
        rest = controls * root[:, None]
        lengths = np.linalg.norm(rest, axis=0)
        rest = rest[:, lengths > 0] / lengths[lengths > 0]
        for _ in range(2):
            rest = rest - constant @ (constant.T @ rest)
        basis, triangle, _ = qr(rest, mode="economic", pivoting=True)
        space = np.column_stack([constant, basis[:, np.abs(np.diag(triangle)) > COLLINEAR]])
    # Of t and t-1 the same constants are subtracted, so that x b keeps its meaning up to one.
    middle = root**2 @ terms[0] / float(root @ root)
    now, before = terms[0] - middle, terms[1] - middle
    transform = _transform(now * root[:, None], space[:, :1], instrument=False)
    z = instruments - root**2 @ instruments / float(root @ root)
    z = z * root[:, None]
    found = z @ _transform(z, space, instrument=True)
    for _ in range(2):
        found -= space @ (space.T @ found)
        found = np.linalg.qr(found)[0] if p else found
    return MarkovStep(
        phi[0], phi[1], now @ transform, before @ transform, transform, found, space, degree, root_weights
    )


def _transform(columns: FloatArray, space: FloatArray, *, instrument: bool) -> FloatArray:
    try:
        return orthonormal_transform(columns, space)
    except CollinearColumnError as error:
        raise CollinearTermError(error.index, instrument=instrument) from None


def _solution(matrix: FloatArray, values: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.lstsq(matrix, values)[0], dtype=np.float64)
