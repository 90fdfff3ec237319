"""Weighted shares of a stratified sample, with the variance of their linearisation.

A share is a ratio of two weighted totals, p = sum of w d y / sum of w d, d an indicator of its domain. To first order
its error is that of the total of z = w d (y - p) / sum of w d (Särndal, Swensson and Wretman, 1992, section 5.5), so

    V = sum over strata h of (1 - n_h / N_h) n_h / (n_h - 1) sum over i in h of (z_hi - zbar_h)^2.

Units outside the domain stay in their strata with z = 0: how many of a stratum's units fall into a domain is itself
random. A stratum of one unit has no spread of its own: unless it is all of its stratum (N_h = 1), its unit is taken
about the mean of all units, which is zero (R survey: ``options(survey.lonely.psu = "adjust")``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit, stdtrit

from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["Sample", "Shares", "shares"]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The units that answered a survey.

    Attributes
    ----------
    weight : (n,) array
        Positive.
    stratum : (n,) integer array
        0 .. H-1; every stratum occurs.
    population : (H,) array or None
        Units in the population of each stratum, not fewer than answered; None for no finite-population correction.
    """

    weight: FloatArray
    stratum: IntArray
    population: FloatArray | None

    @property
    def units(self) -> IntArray:
        """The units of each stratum, (H,)."""
        return np.bincount(self.stratum).astype(np.int64)

    @property
    def unsampled(self) -> FloatArray:
        """What is left to chance in each stratum, 1 - n/N, (H,)."""
        if self.population is None:
            return np.ones(self.units.size)
        return 1.0 - self.units / self.population

    @property
    def lonely(self) -> BoolArray:
        """Strata of one unit that is not all of its stratum, (H,)."""
        found: BoolArray = (self.units == 1) & (self.unsampled > 0)
        return found

    def covariance(self, scores: FloatArray) -> FloatArray:
        """Return the covariance of the totals of scores, (k, k).

        Parameters
        ----------
        scores : (n, k) array
            Linearised values of all units.
        """
        n = self.units
        order = np.argsort(self.stratum, kind="stable")
        starts = np.r_[0, np.cumsum(n)[:-1]]
        means = np.add.reduceat(scores[order], starts, axis=0) / n[:, None]
        # About the mean of all units where a stratum's own is the unit itself.
        means[self.lonely] = scores.mean(axis=0)
        factor = self.unsampled * np.where(n > 1, n / np.maximum(n - 1, 1), 1.0)
        centred = (scores - means[self.stratum]) * np.sqrt(factor)[self.stratum][:, None]
        found: FloatArray = centred.T @ centred
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Shares of k domains.

    Attributes
    ----------
    share, std_error, conf_low, conf_high : (k,) arrays
        Share NaN without any unit. The interval covers 95 per cent; see `shares`.
    scores : (n, k) array
        The linearised values z.
    covariance : (k, k) array
    units, yes : (k,) integer arrays
        Units of the domain, and those of them that say yes; not weighted.
    """

    share: FloatArray
    std_error: FloatArray
    conf_low: FloatArray
    conf_high: FloatArray
    scores: FloatArray
    covariance: FloatArray
    units: IntArray
    yes: IntArray


def shares(sample: Sample, answers: FloatArray, domains: BoolArray, df: FloatArray) -> Shares:
    """Estimate the share of yes in every domain.

    Parameters
    ----------
    sample : Sample
    answers : (n, k) array
        1 or 0; anything outside the domain.
    domains : (n, k) boolean array
    df : (k,) array
        Degrees of freedom of the t reference of each; no interval below one.

    Returns
    -------
    Shares
        The interval is that of the log odds, taken back: logit(p) +- t se / (p (1 - p)), as R's
        ``svyciprop(method = "logit")``. It stays between 0 and 1 and is not symmetric. A share of 0 or 1 has a
        linearised variance of zero because all answered alike, which says nothing of its error: it has neither
        standard error nor interval, unless nothing about it is left to chance, where both are exact.
    """
    inside = sample.weight[:, None] * domains
    y = np.where(domains, answers, 0.0)
    total = inside.sum(axis=0)
    there = total > 0
    divisor = np.where(there, total, 1.0)
    share = np.where(there, (inside * y).sum(axis=0) / divisor, np.nan)
    scores = np.where(there, inside * (y - np.where(there, share, 0.0)) / divisor, 0.0)
    units = domains.sum(axis=0).astype(np.int64)
    yes = (domains & (y == 1.0)).sum(axis=0).astype(np.int64)
    # Sums of rounded weights can miss one by an ulp: what all units say is counted, not reckoned.
    share = np.where(there & (yes == units), 1.0, np.where(there & (yes == 0), 0.0, share))
    covariance = sample.covariance(scores)
    certain = ~(domains & (sample.unsampled[sample.stratum] > 0)[:, None]).any(axis=0)
    alike = there & ((yes == 0) | (yes == units))
    std_error = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    std_error = np.where(there & ~(alike & ~certain), std_error, np.nan)
    low, high = _interval(share, std_error, df)
    return Shares(share, std_error, low, high, scores, covariance, units, yes)


def _interval(share: FloatArray, std_error: FloatArray, df: FloatArray) -> tuple[FloatArray, FloatArray]:
    inner = (share > 0) & (share < 1) & np.isfinite(std_error) & (df >= 1)
    p = np.where(inner, share, 0.5)
    width = stdtrit(np.maximum(df, 1.0), 0.975) * np.where(inner, std_error, 0.0) / (p * (1 - p))
    exact = np.where(std_error == 0, share, np.nan)
    middle = logit(p)
    return np.where(inner, expit(middle - width), exact), np.where(inner, expit(middle + width), exact)
