"""Tests of linear restrictions on coefficients: ``developer = buyer``, equal coefficients across groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, fdtrc

from estimation.comparing.joint import Clustering, covariance_of_all, degrees_of_freedom, df_of
from estimation.results import Estimates, FloatArray
from estimation.workings import WaldTest
from specs.errors import EstimationError, did_you_mean
from specs.restrictions import Restriction

__all__ = ["asked_tests", "equality_tests", "wald"]

SAME = 1e-10
"""A restriction is another's where this share of it, or less, is new."""
SINGULAR = 1e-10
"""The least eigenvalue of the restrictions' correlations."""
SLOPES = "all slopes"


@dataclass(frozen=True, slots=True)
class Wald:
    """An F statistic with its degrees of freedom and p-value; a reason where there is none."""

    statistic: float | None
    df1: int
    p_value: float | None
    reason: str = ""


def wald(apart: FloatArray, restrictions: FloatArray, covariance: FloatArray, df: float) -> Wald:
    """Test that linear combinations of coefficients are zero.

    Parameters
    ----------
    apart : (q,) array
        R b - r.
    restrictions : (q, k) array
        R. Rows that follow from those before are left out, and not counted.
    covariance : (k, k) array
    df : float
        Of the denominator; ``inf`` for the chi-squared.

    Returns
    -------
    Wald
        F = (Rb - r)' (R V R')^-1 (Rb - r) / q.
    """
    # A term that is not in question may have no error: nothing times it is nothing.
    asked = (restrictions != 0).any(axis=0)
    restrictions, covariance = restrictions[:, asked], covariance[np.ix_(asked, asked)]
    unit = np.sqrt(np.clip(np.einsum("qk,kl,ql->q", restrictions, covariance, restrictions), 0.0, None))
    rows: list[int] = []
    for row in range(len(apart)):
        kept = restrictions[rows]
        share = np.linalg.lstsq(kept.T, restrictions[row], rcond=None)[0] if rows else np.zeros(0)
        left = restrictions[row] - share @ kept
        if np.linalg.norm(left) > SAME * np.linalg.norm(restrictions[row]):
            rows.append(row)
        elif abs(apart[row] - share @ apart[rows]) > SAME * max(float(unit[row]), float(np.abs(apart).max())):
            return Wald(None, len(rows), None, "the restrictions contradict each other")
    spread, chosen = restrictions[rows] @ covariance @ restrictions[rows].T, apart[rows]
    sizes = np.sqrt(np.clip(np.diag(spread), 0.0, None))
    if not np.isfinite(spread).all() or bool((sizes <= 0).any()):
        return Wald(None, len(rows), None, "a standard error is zero or missing")
    values, vectors = np.linalg.eigh(spread / sizes / sizes[:, None])
    if values[0] <= SINGULAR:
        reason = "the covariance of what is tested is singular: too few firms or clusters for so many restrictions"
        return Wald(None, len(rows), None, reason)
    turned = vectors.T @ (chosen / sizes)
    statistic = float((turned**2 / values).sum() / len(rows))
    p = chdtrc(len(rows), len(rows) * statistic) if np.isinf(df) else fdtrc(len(rows), df, statistic)
    return Wald(statistic, len(rows), float(p))


def asked_tests(estimates: Estimates, asked: Sequence[Sequence[Restriction]], *, whole: bool) -> tuple[WaldTest, ...]:
    """Test the restrictions that a spec asks for on one estimate.

    Parameters
    ----------
    estimates : Estimates
    asked : sequence of sequences of Restriction
        Those of one sequence are tested together.
    whole : bool
        Whether an unknown term is a mistake; else, in a group that lacks a level, the test is left out.

    Raises
    ------
    EstimationError
        If a term is not in the model.
    """
    found: list[WaldTest] = []
    for together in asked:
        unknown = [one.term for r in together for one in r.terms if _place(estimates.terms, one.term) is None]
        if unknown and whole:
            base = [f"{column}[{level}]" for column, level in estimates.reference.items()]
            if unknown[0] in base:
                raise EstimationError(
                    f"test: {unknown[0]} is the base level, with which the others are compared: it has no coefficient; "
                    "a test against it is one of another level against 0"
                )
            hint = did_you_mean(unknown[0], estimates.terms) or f"there are: {', '.join(estimates.terms)}"
            raise EstimationError(f'test: no term "{unknown[0]}" in this model, {hint}')
        if not unknown:
            found.append(_test(estimates, together))
    return tuple(found)


def _test(estimates: Estimates, together: Sequence[Restriction]) -> WaldTest:
    matrix = np.zeros((len(together), len(estimates.terms)))
    firms: list[int] = []
    for row, restriction in enumerate(together):
        for one in restriction.terms:
            place = _place(estimates.terms, one.term)
            if place is not None:
                matrix[row, place] += one.factor
                firms.append(int(estimates.n_firms_term[place]))
    apart = _times(matrix, estimates.coefficients) - np.array([one.value for one in together])
    df = df_of(estimates.errors)
    named = [one.term for restriction in together for one in restriction.terms]
    if len(together) == len(named) == 1:
        # Of a single term Satterthwaite's own are known.
        df = estimates.errors.dfs.get(named[0], df)
    text = ", ".join(one.text for one in together)
    # An F of several says nothing of a single coefficient.
    found = wald(apart, matrix, estimates.covariance, df)
    firms = firms if found.df1 == 1 else [estimates.n_firms]
    return _told(text, found, df, apart, _variance(matrix[0], estimates.covariance), min(firms))


def _times(matrix: FloatArray, values: FloatArray) -> FloatArray:
    """Return the product, a zero times what is not known being zero."""
    asked = (matrix != 0).any(axis=0)
    return np.asarray(matrix[:, asked] @ values[asked], dtype=np.float64)


def _variance(restriction: FloatArray, covariance: FloatArray) -> float:
    asked = restriction != 0
    return float(restriction[asked] @ covariance[np.ix_(asked, asked)] @ restriction[asked])


def _told(text: str, found: Wald, df: float, apart: FloatArray, variance: float, firms: int, **of: str) -> WaldTest:
    estimate = float(apart[0]) if len(apart) == 1 else None
    error = float(np.sqrt(variance)) if len(apart) == 1 and variance >= 0 else None
    return WaldTest(text, found.statistic, found.df1, df, found.p_value, estimate, error, n_firms=firms,
                  reason=found.reason, **of)  # fmt: skip


def _place(terms: Sequence[str], term: str) -> int | None:
    """Return where a term stands; ``cc:ai`` is ``ai:cc``."""
    if term in terms:
        return terms.index(term)
    same = [place for place, one in enumerate(terms) if sorted(one.split(":")) == sorted(term.split(":"))]
    return same[0] if same else None


def equality_tests(
    groups: Mapping[str, Estimates],
    by: str,
    apart: Mapping[str, set[str]],
    clustering: Clustering,
    whole: float,
    every: str = SLOPES,
) -> tuple[tuple[WaldTest, ...], tuple[str, ...]]:
    """Test whether groups have the same coefficients: all slopes together, then term by term.

    Parameters
    ----------
    groups : mapping of level to Estimates
    by : str
        The column of the groups.
    apart : mapping of level to set of str
        Terms of a group that mean something else there: its base levels are others.
    clustering : Clustering
    whole : float
        Degrees of freedom of the estimate on all rows.
    every : str
        What all coefficients but the constant are called together.

    Returns
    -------
    tests : tuple of WaldTest
        Of two groups, `estimate` is the second less the first.
    notes : tuple of str
        Why there are none.

    Notes
    -----
    With the same regressors this is the test of the interactions in one regression with everything interacted with the
    groups; the small-sample factors are those of each group.
    """
    names = list(groups)
    if len(names) < 2:
        return (), (f"no test across {by}: fewer than two groups were estimated",)
    estimates = list(groups.values())
    covariance = covariance_of_all(estimates, clustering)
    if covariance is None:
        what = f"no test across {by}: the errors of this method are known by firm alone"
        return (), (f"{what}; errors: {{cluster: [firm]}} would allow one",)
    starts = np.cumsum([0, *(len(one.terms) for one in estimates)])[:-1]
    values = np.concatenate([one.coefficients for one in estimates])
    df = degrees_of_freedom(estimates, clustering, whole)

    def places(term: str) -> list[tuple[int, int]]:
        return [
            (int(start) + one.terms.index(term), int(one.n_firms_term[one.terms.index(term)]))
            for name, one, start in zip(names, estimates, starts, strict=True)
            if term in one.terms and term not in apart[name]
        ]

    def contrasts(found: Sequence[tuple[int, int]]) -> FloatArray:
        matrix = np.zeros((len(found) - 1, len(values)))
        matrix[:, found[0][0]] = -1.0
        matrix[np.arange(len(found) - 1), [place for place, _ in found[1:]]] = 1.0
        return matrix

    def told(text: str, matrix: FloatArray, firms: int, **of: str) -> WaldTest:
        distance = _times(matrix, values)
        found = wald(distance, matrix, covariance, df)
        return _told(text, found, df, distance, _variance(matrix[0], covariance), firms, by=by, **of)

    where = {term: places(term) for term in dict.fromkeys(term for one in estimates for term in one.terms)}
    # The robust error of an indicator of one firm is zero but for rounding: it would decide any test that it is in.
    without = {
        term
        for one in estimates
        for term, error in zip(one.terms, one.std_errors, strict=True)
        if np.isnan(error)
    }  # fmt: skip
    alone = [
        term
        for term, found in where.items()
        if len(found) > 1 and (min(firms for _, firms in found) == 1 or term in without)
    ]
    where = {term: found for term, found in where.items() if term not in alone}
    common = [term for term, found in where.items() if len(found) == len(names) and term != "constant"]
    tests: list[WaldTest] = []
    if len(common) * (len(names) - 1) > 1:
        # An F of several says nothing of a single coefficient: it rests on the groups.
        matrix = np.vstack([contrasts(where[term]) for term in common])
        tests.append(told(f"{every} equal across {by}", matrix, min(one.n_firms for one in estimates)))
    for term, found in where.items():
        if len(found) > 1:
            tests.append(
                told(f"{term} equal across {by}", contrasts(found), min(firms for _, firms in found), term=term)
            )
    if not alone:
        return tuple(tests), ()
    return tuple(tests), (
        f"no test across {by} of {', '.join(alone)}: in some group one firm stands behind it, or it has no error",
    )
