"""What a table prints beside an estimate: t statistics, p-values, intervals."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from estimation.results import BoolArray, FloatArray, Inference

__all__ = ["inference", "two_sided", "unknown_between", "unknown_where"]


def inference(coefficients: FloatArray, covariance: FloatArray, df: float | FloatArray) -> Inference:
    """Return what a table prints beside the coefficients.

    Parameters
    ----------
    coefficients : (k,) array
    covariance : (k, k) array
    df : float or (k,) array
        ``inf`` for the normal.

    Returns
    -------
    Inference
        A zero standard error has no statistic and no p-value: they are NaN. A variance below zero, which the
        difference of a two-way covariance can leave, has no standard error and no interval either.
    """
    variances = np.diag(covariance)
    std_errors: FloatArray = np.sqrt(variances, where=variances >= 0, out=np.full(len(variances), np.nan))
    statistics = np.divide(coefficients, std_errors, out=np.full_like(coefficients, np.nan), where=std_errors > 0)
    width = np.where(np.isinf(df), ndtri(0.975), stdtrit(df, 0.975)) * std_errors
    return Inference(std_errors, statistics, two_sided(statistics, df), coefficients - width, coefficients + width)


def unknown_where(answer: Inference, unknown: BoolArray) -> Inference:
    """Return the inference without what is said of some coefficients: they have none.

    Parameters
    ----------
    answer : Inference
    unknown : (k,) bool array
    """
    columns = (answer.std_errors, answer.statistics, answer.p_values, answer.conf_low, answer.conf_high)
    return Inference(*(np.where(unknown, np.nan, column) for column in columns))


def unknown_between(covariance: FloatArray, unknown: BoolArray) -> FloatArray:
    """Return a covariance without the rows and columns of some coefficients: theirs rest on rounding."""
    return np.where(unknown[:, None] | unknown, np.nan, covariance)


def two_sided(statistics: FloatArray, df: float | FloatArray) -> FloatArray:
    """Return the two-sided p-values of t statistics; of normal ones where df is infinite.

    Parameters
    ----------
    statistics : array of any shape
    df : float or array that fits it
    """
    # The lower tail, doubled: one minus the upper one would end at 1e-16, and below zero by rounding.
    lower = -np.abs(statistics)
    return np.asarray(2 * np.where(np.isinf(df), ndtr(lower), stdtr(df, lower)), dtype=np.float64)
