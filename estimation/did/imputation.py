r"""``imputation``: what treated rows would have been, by the effects of untreated ones (Borusyak, Jaravel and Spiess).

On untreated rows y = a_i + b_t + x d + e by (weighted) least squares; for a treated row tau = y - a_i - b_t - x d, and
an effect is a weighted sum of taus. Written in all rows it is sum of v y, v = w on treated rows and
-Z0 (Z0'WZ0)^-1 Z1'w on untreated ones (their equation 6). Standard errors are theirs (equations 7 and 8): residuals
are e on untreated rows and tau less its mean by cohort and year, weighted by v^2, on treated ones; psi_i = sum over the
firm of v times the residual.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from estimation.did.balanced import balanced_cells, balanced_told
from estimation.did.firms import DidFirms
from estimation.did.fitted import DidFit
from estimation.results import BoolArray, FloatArray
from specs.errors import EstimationError

__all__ = ["imputation"]

DEPENDENT = 1e-10


def imputation(
    firms: DidFirms,
    beside: sparse.csr_array,
    kinds: Sequence[str],
    reference: int = -1,
    *,
    keep_singletons: bool = True,
    balance: int | None = None,
) -> DidFit:
    """Impute.

    Parameters
    ----------
    firms : DidFirms
    beside : (n, p) sparse array
        Variables beside the effects of firms: indicators of years, covariates by year, further effects, of which a row
        has a few that are not zero. What they say twice is counted once.
    kinds : sequence of str
        ``simple``, ``event``, ``group``, ``calendar``, ``cells`` (cohort and year).
    reference : int
        The last event time that is untreated.
    keep_singletons : bool
        Keep firms with one untreated row: their own effect is fitted exactly, their treated rows count all the same
        (R's didimputation drops them).
    balance : int, optional
        Event times up to this one, of the cohorts that have them all (`estimation.did.balanced`).

    Returns
    -------
    DidFit
    """
    # Each column in units of its own: what is reachable does not depend on euros or millions.
    size = np.sqrt(np.asarray(beside.multiply(beside).mean(axis=0)).ravel())
    beside = sparse.csr_array(beside @ sparse.diags_array(1 / np.where(size > 0, size, 1.0)))
    cohort = firms.cohort[firms.firm]
    event = np.where(np.isfinite(cohort), firms.years[firms.time] - cohort, -np.inf)
    treated = event > reference
    weight = firms.mass()[firms.firm]
    untreated = np.bincount(firms.firm[~treated], minlength=firms.n_firms)
    enough = untreated >= (1 if keep_singletons else 2)
    known = enough[firms.firm]
    zero, one = known & ~treated, known & treated
    dropped = {}
    if (lost := int((~known & treated).sum())) > 0:
        dropped["treated in every year that is seen, nothing to impute from"] = lost
    if (lost := int((~known & ~treated).sum())) > 0:
        dropped["the firm's only untreated row"] = lost
    if not one.any():
        raise EstimationError("no treated row has an untreated one of its firm to be imputed from")
    fit = _Untreated(firms, beside, zero, weight)
    # A treated row is imputed only where the untreated ones determine what is beside the firms' effects in it.
    reachable = fit.reachable(one)
    if (lost := int((one & ~reachable).sum())) > 0:
        dropped["treated in a year, or a level of an effect, without an untreated row"] = lost
        one &= reachable
        if not one.any():
            raise EstimationError("no year with treated rows has an untreated one: nothing can be imputed")
    mass = np.bincount(firms.firm[zero], weights=weight[zero], minlength=firms.n_firms)
    safe = np.where(mass > 0, mass, 1.0)
    left = firms.y - beside @ fit.slopes(firms.y[zero])
    own = np.bincount(firms.firm[zero], weights=(weight * left)[zero], minlength=firms.n_firms) / safe
    residual = left - own[firms.firm]

    seen = np.unique(np.column_stack([cohort[one], event[one]]), axis=0).T
    level = balanced_cells(seen[0], seen[1], balance)
    even = one & np.isin(cohort, seen[0][level]) & np.isin(event, seen[1][level])
    told = () if balance is None else balanced_told(seen[0], seen[1], balance)
    terms, share = _estimands(firms, event, one, even, weight, kinds)
    estimates = share[one].T @ residual[one]
    # v on untreated rows.
    of_firms = np.zeros((firms.n_firms, len(terms)))
    np.add.at(of_firms, firms.firm[one], share[one])
    solved = fit.solve(beside[one].T @ share[one] - fit.means.T @ of_firms)
    own_part = of_firms / safe[:, None] - fit.means @ solved
    v = share.copy()
    v[zero] = -weight[zero, None] * (own_part[firms.firm[zero]] + beside[zero] @ solved)
    spread = np.where(zero, residual, 0.0)[:, None] + np.zeros((1, len(terms)))
    cell = np.unique(np.column_stack([cohort[one], firms.time[one]]), axis=0, return_inverse=True)[1].ravel()
    for number in range(len(terms)):
        square = v[one, number] ** 2
        total = np.bincount(cell, weights=square)
        mean = np.bincount(cell, weights=square * residual[one]) / np.where(total > 0, total, 1.0)
        spread[one, number] = residual[one] - mean[cell]
    influence = np.zeros((firms.n_firms, len(terms)))
    np.add.at(influence, firms.firm, v * spread)
    behind = np.zeros((firms.n_firms, len(terms)), dtype=np.bool_)
    for number in range(len(terms)):
        behind[firms.firm[one & (share[:, number] != 0)], number] = True
    return DidFit(
        terms, estimates, influence, v, behind, zero | one, None,
        {"n_treated": int(one.sum()), "n_untreated": int(zero.sum())}, told, dropped,
    )  # fmt: skip


class _Untreated:
    """The fit of what is beside the firms' effects on untreated rows.

    Z~ = Z - M with the firms' means M is never laid out: Z~'W Z~ = Z'W Z - M'D M, with what a firm's untreated rows
    weigh in D, is q by q, and each solution is refined by the residual of Z~'W Z~ applied to it.

    Parameters
    ----------
    firms : DidFirms
    beside : (n, q) sparse array
        Columns of about the same length.
    zero : (n,) bool array
        The untreated rows.
    weight : (n,) array
    """

    def __init__(self, firms: DidFirms, beside: sparse.csr_array, zero: BoolArray, weight: FloatArray) -> None:
        self._all, self._firm = beside, firms.firm
        self._z, self._w, self._of = beside[zero], weight[zero], firms.firm[zero]
        self._mass = np.bincount(self._of, weights=self._w, minlength=firms.n_firms)
        sums = sparse.csr_array((self._w, (self._of, np.arange(self._of.size))), shape=(firms.n_firms, self._of.size))
        self.means = sparse.csr_array(
            sparse.diags_array(1 / np.where(self._mass > 0, self._mass, 1.0)) @ (sums @ self._z)
        )
        """M, (F, q)."""
        squares = self._z.T @ (sparse.diags_array(self._w) @ self._z)
        system = (squares - self.means.T @ (sparse.diags_array(self._mass) @ self.means)).toarray()
        values, vectors = np.linalg.eigh(system)
        there = values > DEPENDENT * max(float(values[-1]), 1.0)
        self._null = vectors[:, ~there]
        self._root = vectors[:, there] / np.sqrt(values[there])

    def _product(self, levels: FloatArray) -> FloatArray:
        """Z~'W Z~ b, (q, m)."""
        fitted = self._z @ levels - (self.means @ levels)[self._of]
        found: FloatArray = self._z.T @ (self._w[:, None] * fitted)
        return found

    def solve(self, right: FloatArray) -> FloatArray:
        """Return the shortest b with Z~'W Z~ b = right, (q, m)."""
        found: FloatArray = self._root @ (self._root.T @ right)
        for _ in range(2):
            found += self._root @ (self._root.T @ (right - self._product(found)))
        return found

    def slopes(self, y: FloatArray) -> FloatArray:
        """Return the coefficients of an outcome on untreated rows, (q,)."""
        own = np.bincount(self._of, weights=self._w * y, minlength=self._mass.size)
        within = y - (own / np.where(self._mass > 0, self._mass, 1.0))[self._of]
        return self.solve((self._z.T @ (self._w * within))[:, None])[:, 0]

    def reachable(self, one: BoolArray) -> BoolArray:
        """Return the treated rows whose deviations lie in the span of the untreated ones', (n,)."""
        deviations = self._all[one] @ self._null - (self.means @ self._null)[self._firm[one]]
        scale = np.maximum(abs(self._all[one]).max(axis=1).toarray().ravel(), 1.0)
        found = np.zeros(len(self._firm), dtype=np.bool_)
        found[one] = np.abs(deviations).max(axis=1, initial=0.0) <= 1e-7 * scale
        return found


def _estimands(
    firms: DidFirms, event: FloatArray, one: BoolArray, even: BoolArray, weight: FloatArray, kinds: Sequence[str]
) -> tuple[tuple[str, ...], FloatArray]:
    """Return the weights of averages on treated rows, (n, m): by their weights within each level."""
    cohort, year = firms.cohort[firms.firm], firms.years[firms.time].astype(np.float64)
    found: dict[str, BoolArray] = {}
    for kind in dict.fromkeys(kinds):
        if kind == "simple":
            found["att[simple]"] = one & (event >= 0)
            continue
        if kind == "cells":
            for group, when in np.unique(np.column_stack([cohort[one], year[one]]), axis=0):
                found[f"att[{group:g},{when:g}]"] = one & (cohort == group) & (year == when)
            continue
        values = {"event": event, "group": cohort, "calendar": year}[kind]
        inside = even if kind == "event" else one & (event >= 0)
        for level in np.unique(values[inside]):
            name = f"event[{level:g}]" if kind == "event" else f"att[{kind}={level:g}]"
            found[name] = inside & (values == level)
    share = np.column_stack([np.where(rows, weight, 0.0) / weight[rows].sum() for rows in found.values()])
    return tuple(found), share
