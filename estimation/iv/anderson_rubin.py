r"""What holds whatever the strength of the instruments: the test of Anderson and Rubin (1949) and its confidence set.

With d(b) = d_y - D b the instruments' coefficients in a regression of y - x b on the exogenous terms and the
instruments, and V(b) their covariance, classical, robust or clustered::

    AR(b) = d(b)'V(b)^-1 d(b) / m    against F(m, df)

V(b) comes from the joint covariance of the reduced form and the first stages, so that it is a quadratic in b. For one
endogenous term the set of all b that are not rejected ends where the quadratic matrix

    [[m c, d(b)'], [d(b), V(b)]]

is singular, c the critical value: its real eigenvalues are the only candidates, and there is nothing to search for. The
set may be an interval, two half-lines or other pieces, the whole line, or empty (Mikusheva, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eig
from scipy.optimize import brentq
from scipy.special import fdtrc, fdtri

from estimation.results import FloatArray

__all__ = ["AndersonRubin", "Joint", "anderson_rubin", "wald"]

LEVEL = 0.95
NEARLY_REAL = 1e-6
SINGULAR = 1e-10
ROUNDING = 1e-13
ENDLESS = 1e9


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """The instruments' coefficients in the reduced form and in p first stages.

    Attributes
    ----------
    on_outcome : (m,) array
    on_endogenous : (m, p) array
    covariance : (m (1 + p), m (1 + p)) array
        Of both, the reduced form's first, then the first stages' in turn.
    df : float
        Second degrees of freedom of the F reference.
    """

    on_outcome: FloatArray
    on_endogenous: FloatArray
    covariance: FloatArray
    df: float

    def at(self, b: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return d(b), (m,), and V(b), (m, m)."""
        lift = np.kron(np.concatenate([[1.0], -b])[None, :], np.eye(len(self.on_outcome)))
        return self.on_outcome - self.on_endogenous @ b, lift @ self.covariance @ lift.T


@dataclass(frozen=True, slots=True)
class AndersonRubin:
    """The test of no effect, and the set of effects that it does not reject.

    Attributes
    ----------
    statistic, p_value : float
        Of the hypothesis that all coefficients of endogenous terms are zero.
    df1, df2 : float
    shape : str
        ``interval``, ``pieces`` (several, of which some may be half-lines), ``half_line``, ``line``, ``empty``; empty
        with several endogenous terms, of which no set is given.
    pieces : tuple of (float, float)
        Ascending; infinite where a piece does not end.
    """

    statistic: float
    p_value: float
    df1: int
    df2: float
    shape: str
    pieces: tuple[tuple[float, float], ...]


def anderson_rubin(joint: Joint, centre: float | None = None) -> AndersonRubin | None:
    """Test that the endogenous terms have no effect, and find the set.

    Parameters
    ----------
    joint : Joint
    centre : float, optional
        The estimate, from which the set is looked for; None where there are several endogenous terms.

    Returns
    -------
    AndersonRubin or None
        None where the covariance is singular, as with more instruments than clusters.
    """
    m, p = joint.on_endogenous.shape
    d, v = joint.at(np.zeros(p))
    statistic = wald(d, v)
    if statistic is None or not joint.df > 0:
        return None
    critical = float(fdtri(m, joint.df, LEVEL)) * m
    if centre is None:
        return AndersonRubin(statistic / m, float(fdtrc(m, joint.df, statistic / m)), m, joint.df, "", ())
    pieces = _pieces(joint, centre, critical)
    if pieces is None:
        return None
    p_value = float(fdtrc(m, joint.df, statistic / m))
    return AndersonRubin(statistic / m, p_value, m, joint.df, _shape(pieces), pieces)


def wald(d: FloatArray, v: FloatArray) -> float | None:
    """Return d'V^-1 d; None where V is singular, each coefficient in units of its own error."""
    size = np.sqrt(np.maximum(np.diag(v), 0.0))
    if not (size > 0).all():
        return None
    unit = v / size / size[:, None]
    if np.linalg.eigvalsh(unit)[0] < SINGULAR:
        return None
    return float((d / size) @ np.linalg.solve(unit, d / size))


def _pieces(joint: Joint, centre: float, critical: float) -> tuple[tuple[float, float], ...] | None:
    """Return where d(b)'V(b)^-1 d(b) is at most the critical value."""
    m = len(joint.on_outcome)
    yy, xx = joint.covariance[:m, :m], joint.covariance[m:, m:]
    yx = (joint.covariance[:m, m:] + joint.covariance[m:, :m]) / 2
    d0, v0 = joint.at(np.array([centre]))
    if wald(d0, v0) is None:
        return None
    # In units in which V is the identity at the estimate, and the first stage has length one.
    half = np.linalg.inv(np.linalg.cholesky(v0))
    slope = half @ joint.on_endogenous[:, 0]
    step = 1 / float(np.linalg.norm(slope))
    start, slope = half @ d0, slope * step
    linear = half @ (2 * step * (centre * xx - yx)) @ half.T
    square = step**2 * half @ xx @ half.T

    def beyond(t: float) -> float:
        # From the joint covariance itself: far from the estimate the expanded form cancels.
        b = centre + step * t
        size = np.sqrt(np.diag(yy) + b * b * np.diag(xx))
        found = (yy - 2 * b * yx + b * b * xx) / size / size[:, None]
        if np.linalg.eigvalsh(found)[0] < ROUNDING:
            # y - xb is an exact sum of instruments and terms: the statistic is infinite, not noise over noise.
            return critical * ENDLESS
        gap = (joint.on_outcome - joint.on_endogenous[:, 0] * b) / size
        return float(gap @ np.linalg.solve(found, gap)) - critical

    ends = _candidates(start, slope, (linear, square), critical)
    if not ends.size:
        return ((-np.inf, np.inf),) if beyond(0.0) <= 0 else ()
    reach = 1 + float(np.abs(ends).max())
    probes = np.concatenate([[ends[0] - reach], (ends[1:] + ends[:-1]) / 2, [ends[-1] + reach]])
    inside = [beyond(one) <= 0 for one in probes]
    pieces: list[tuple[float, float]] = []
    low = -np.inf if inside[0] else None
    for at in range(len(ends)):
        if inside[at] == inside[at + 1]:
            continue
        end = centre + step * float(brentq(beyond, probes[at], probes[at + 1], xtol=1e-13, rtol=1e-14))
        if low is None:
            low = end
        else:
            pieces.append((low, end))
            low = None
    if low is not None:
        pieces.append((low, np.inf))
    return tuple(pieces)


def _candidates(
    start: FloatArray, slope: FloatArray, moved: tuple[FloatArray, FloatArray], critical: float
) -> FloatArray:
    """Return the real t at which [[c, d(t)'], [d(t), I + t V1 + t^2 V2]] with d(t) = start - t slope is singular."""
    m = len(start)
    none, linear, square = (np.zeros((m + 1, m + 1)) for _ in range(3))
    none[0, 0], none[1:, 1:] = critical, np.eye(m)
    none[0, 1:] = none[1:, 0] = start
    linear[0, 1:] = linear[1:, 0] = -slope
    linear[1:, 1:], square[1:, 1:] = moved
    unit, zero = np.eye(m + 1), np.zeros((m + 1, m + 1))
    left = np.block([[zero, unit], [-none, -linear]])
    right = np.block([[unit, zero], [zero, square]])
    upper, lower = eig(left, right, right=False, homogeneous_eigvals=True)
    finite = np.abs(lower) > 1e-12 * np.maximum(np.abs(upper), 1.0)
    found = upper[finite] / lower[finite]
    real = np.abs(found.imag) <= NEARLY_REAL * (1 + np.abs(found))
    return np.unique(found[real].real)


def _shape(pieces: tuple[tuple[float, float], ...]) -> str:
    if not pieces:
        return "empty"
    if len(pieces) > 1:
        return "pieces"
    low, high = pieces[0]
    if np.isinf(low) and np.isinf(high):
        return "line"
    return "half_line" if np.isinf(low) or np.isinf(high) else "interval"
