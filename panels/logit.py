"""A logit by iteratively reweighted least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from panels.arrays import FloatArray

__all__ = ["Logit", "SeparationError", "fit_logit"]

_STEPS = 40
_TOLERANCE = 1e-9


class SeparationError(ArithmeticError):
    """The covariates tell some outcomes for certain: the likelihood has no maximum."""


@dataclass(frozen=True, slots=True, eq=False)
class Logit:
    """A logit.

    Attributes
    ----------
    coefficients, std_errors : (k,) array
        The errors are those of the inverse information.
    probabilities : (n,) array
    """

    coefficients: FloatArray
    std_errors: FloatArray
    probabilities: FloatArray


def fit_logit(design: FloatArray, outcome: FloatArray) -> Logit:
    r"""Maximise the likelihood of a logit.

    .. math:: b \leftarrow b + (X' W X)^{-1} X' (y - p), \qquad W = \mathrm{diag}(p (1 - p))

    Parameters
    ----------
    design : (n, k) array
        Of full rank, with a constant.
    outcome : (n,) array
        0 and 1, both of them there.

    Raises
    ------
    SeparationError
        If coefficients grow without end.
    """
    # In units of each column's own length, so that one tolerance fits all.
    scale = np.sqrt((design**2).mean(axis=0))
    x = design / scale
    beta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = _logistic(x @ beta)
        try:
            step = np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (outcome - p))
        except np.linalg.LinAlgError:
            break
        if not np.isfinite(step).all():
            break
        # A long step may overshoot where the curve is flat.
        beta = beta + step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(step).max()) <= _TOLERANCE * (1 + float(np.abs(beta).max())):
            p = _logistic(x @ beta)
            inverse = np.linalg.inv((x.T * (p * (1 - p))) @ x)
            return Logit(beta / scale, np.sqrt(np.diag(inverse)) / scale, p)
    raise SeparationError("the coefficients of a logit grow without end")


def _logistic(index: FloatArray) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(index, -500.0, 500.0))))
