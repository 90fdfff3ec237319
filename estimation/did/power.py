r"""What a design can find: the minimum detectable effect, and the power to find a given one.

With s the standard error of an estimate, df its degrees of freedom and c = t(1 - a/2, df),

    minimum detectable effect = (c + t(p, df)) s                        p the power (Bloom, 1995)
    power(d) = P(|T| > c),  T noncentral t with df and d / s

For the normal (df infinite) the first is (z(1 - a/2) + z(p)) s, 2.80 s at 80 % and 5 %. The first's closed form takes
the shape of t for that of the noncentral t: its power is within 0.001 of p from ten degrees of freedom on, and 0.78 for
0.80 with three. The other tail, 1e-6 at 80 % power, is left out of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammainccinv, gammaincinv, ndtr, ndtri, stdtrit

from estimation.results import FloatArray, IntArray

__all__ = ["LEVEL", "POWER", "detectable_effect", "power_record", "power_to_detect", "standard_error"]

POWER, LEVEL = 0.80, 0.05
FAR, STEPS = 9.0, 400


def detectable_effect(std_error: float, df: float = np.inf, power: float = POWER, level: float = LEVEL) -> float:
    """Return the smallest effect that a two-sided test finds with this probability.

    Parameters
    ----------
    std_error : float
    df : float
        ``inf`` for the normal.
    power, level : float
        0 < level < power < 1.
    """
    _checked(power, level)
    return (_quantile(1 - level / 2, df) + _quantile(power, df)) * std_error


def power_to_detect(effect: float, std_error: float, df: float = np.inf, level: float = LEVEL) -> float:
    """Return the probability that a two-sided test finds this effect.

    Parameters
    ----------
    effect : float
        Of either sign.
    std_error : float
        Above zero.
    df, level : float
    """
    _checked(1.0 - level / 2, level)
    away, bound = abs(effect) / std_error, _quantile(1 - level / 2, df)
    if np.isinf(df):
        return float(ndtr(away - bound) + ndtr(-away - bound))
    # The estimated error is s times the root of chi2 / df. The mean over its quantiles, those of a normal z, holds for
    # every df and effect; scipy's noncentral t is NaN for some. Equal steps in z converge fast.
    z = np.linspace(-FAR, FAR, STEPS)
    chi2 = 2 * np.where(z < 0, gammaincinv(df / 2, ndtr(z)), gammainccinv(df / 2, ndtr(-z)))
    scale, weight = np.sqrt(chi2 / df), np.exp(-(z**2) / 2)
    return float(weight @ (ndtr(away - bound * scale) + ndtr(-away - bound * scale)) / weight.sum())


def power_record(term: str, std_error: float, df: float, n_firms: int, effect: float) -> dict[str, Any] | None:
    """Return what a design can find, as ``power`` of a model in ``run.json``.

    Parameters
    ----------
    term : str
        The effect whose standard error it is.
    std_error, df : float
    n_firms : int
        Treated firms behind it.
    effect : float
        The effect that the power is asked for; the estimate itself plays no part.

    Returns
    -------
    dict or None
        None where there is no standard error.
    """
    if not (std_error > 0 and df > 0):
        return None
    return {
        "term": term, "effect": effect, "power": power_to_detect(effect, std_error, df),
        "minimum_detectable_effect": detectable_effect(std_error, df), "target": POWER, "level": LEVEL,
        "std_error": std_error, "df": df, "n_firms": n_firms,
    }  # fmt: skip


def standard_error(influence: FloatArray, clusters: IntArray | None = None) -> float:
    """Return the standard error that an influence function implies, before a small-sample factor.

    Parameters
    ----------
    influence : (F,) array
        Of a design on outcomes without an effect, for what it could find before it is carried out.
    clusters : (F,) integer array, optional
    """
    sums = influence if clusters is None else np.bincount(clusters, weights=influence)
    return float(np.sqrt((sums**2).sum()))


def _quantile(probability: float, df: float) -> float:
    return float(ndtri(probability) if np.isinf(df) else stdtrit(df, probability))


def _checked(power: float, level: float) -> None:
    if not 0 < level < power < 1:
        raise ValueError(f"power {power:g} and level {level:g}: 0 < level < power < 1 is wanted")
