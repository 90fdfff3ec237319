r"""Group-time effects ATT(g, t) on the two periods of a cell (Callaway and Sant'Anna, 2021; Sant'Anna and Zhao, 2020).

In a cell D marks the firms of cohort g, the others are its controls; dY is the change from the base period to t, X the
covariates in the base period, w the weights. With b from least squares of dY on X among controls, p the logit of D on
X, and averages E_D (weights w D) and E_C (weights w p (1 - D) / (1 - p); with `reg` and without covariates w (1 - D)):

=========  ===============================================
``reg``    E_D(dY - X b)                    (equation 2.2)
``ipw``    E_D(dY) - E_C(dY), normalised    (Hajek; R's ``std_ipw``)
``dr``     E_D(dY - X b) - E_C(dY - X b)    (equation 3.1 with the first stages of R's ``drdid_panel``)
=========  ===============================================

Each is a weighted sum of outcomes, given b's design and p: `CellEffect.shares` holds the weights, so that the same
estimator can be applied to any other outcome (T(z) in the correction for an estimated one).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimation.did.logit import logit, one_sided
from estimation.least_squares import dependences
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = [
    "Cell",
    "CellEffect",
    "CellFirms",
    "CellProblem",
    "cells_of",
    "chance_of_treatment",
    "dependent",
    "effect_of",
    "regression_of",
    "weights_of_controls",
]

TRIM = 0.995
"""Controls whose probability of treatment is this or more have no treated counterpart to stand for: left out."""
CERTAIN = 1 - 1e-6


@dataclass(frozen=True, slots=True)
class Cell:
    """A cohort in a year, against a base year.

    Attributes
    ----------
    cohort : float
    year, base : int
        As places among the years of the sample.
    event : int
        The year less the cohort's.
    """

    cohort: float
    year: int
    base: int
    event: int


@dataclass(frozen=True, slots=True, eq=False)
class CellEffect:
    """An effect and its influence function.

    Attributes
    ----------
    cell : Cell
    att : float
    firms : (m,) integer array
        The firms of the cell.
    influence : (m,) array
        psi_i: att - truth = sum of psi_i to first order, given the cell's own number of firms.
    rows : (r,) integer array
        The rows of the sample that the effect rests on.
    shares : (r,) array
        att = sum of shares x outcome over these rows, nuisances as they are.
    n_treated, n_controls : int
    trimmed : int
        Controls left out because their probability of treatment is nearly one.
    """

    cell: Cell
    att: float
    firms: IntArray
    influence: FloatArray
    rows: IntArray
    shares: FloatArray
    n_treated: int
    n_controls: int
    trimmed: int = 0


@dataclass(frozen=True, slots=True)
class CellProblem:
    """Why a cell has no effect."""

    cell: Cell
    reason: str
    n_treated: int
    n_controls: int


def cells_of(years: IntArray, cohorts: FloatArray, base_period: str, anticipation: int) -> tuple[Cell, ...]:
    """Return the cells, by cohort and year.

    Parameters
    ----------
    years : (T,) integer array
        Ascending.
    cohorts : (G,) array
        Ascending.
    base_period : str
        ``universal``: the last year before a cohort's effects can begin, for all its years. ``varying``: the year
        before for the years before that one.
    anticipation : int
        Years before treatment in which effects can begin.
    """
    found: list[Cell] = []
    for cohort in cohorts:
        before = np.flatnonzero(years < cohort - anticipation)
        if not before.size:
            continue
        last = int(before[-1])
        for place, year in enumerate(years):
            event = int(year - cohort)
            if base_period == "universal" or year >= cohort - anticipation:
                if place != last:
                    found.append(Cell(float(cohort), place, last, event))
            elif place > 0:
                found.append(Cell(float(cohort), place, place - 1, event))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class CellFirms:
    """The firms of a cell that are seen in both of its years, those of its cohort and its controls.

    Attributes
    ----------
    firms : (m,) integer array
    rows : (2, m) integer array
        Their rows in the sample, in the cell's year and in its base.
    change : (m,) array
    treated : (m,) bool array
    x : (m, p) array
        A constant first, covariates of the base period.
    names : sequence of str
        Of the columns of x.
    weights : (m,) array
    """

    firms: IntArray
    rows: IntArray
    change: FloatArray
    treated: BoolArray
    x: FloatArray
    names: Sequence[str]
    weights: FloatArray


def effect_of(cell: Cell, found: CellFirms, method: str) -> CellEffect | CellProblem:
    """Estimate a cell.

    Parameters
    ----------
    cell : Cell
    found : CellFirms
    method : str
        ``reg``, ``ipw`` or ``dr``; without covariates the three are one.

    Returns
    -------
    CellEffect or CellProblem
    """
    change, treated, x = found.change, found.treated, found.x
    many, few = int((~treated).sum()), int(treated.sum())
    if not few or not many:
        lacks = "no treated firm is" if not few else "no control firm is"
        return CellProblem(cell, f"{lacks} seen in both years", few, many)
    weights = found.weights / found.weights.mean()
    d, c = np.where(treated, weights, 0.0), np.where(treated, 0.0, weights)
    if x.shape[1] == 1:
        return CellEffect(cell, *_taken(found, _regression(change, x, d, c)), few, many)
    problem = ""
    if method in ("reg", "dr"):
        problem = dependent(x[~treated], weights[~treated], found.names, " among its controls")
    if not problem and method == "reg":
        return CellEffect(cell, *_taken(found, _regression(change, x, d, c)), few, many)
    chance = chance_of_treatment(x, treated, weights, found.names)
    if problem or isinstance(chance, str):
        return CellProblem(cell, problem or str(chance), few, many)
    p, score = chance
    w, closed = weights_of_controls(p, treated, weights)
    if not w.any():
        return CellProblem(cell, "no control is like a treated firm (no overlap)", few, many)
    parts = _weighted(change, x, d, w, score) if method == "ipw" else _doubly_robust(change, x, d, c, w, score)
    return CellEffect(cell, *_taken(found, parts), few, many, int(closed.sum()))


def weights_of_controls(p: FloatArray, treated: BoolArray, weights: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Return w p / (1 - p) of controls, zero for treated firms, and the controls that are left out: p nearly one."""
    closed = np.asarray(~treated & (p >= TRIM), dtype=np.bool_)
    return np.where(treated | closed, 0.0, weights * p / (1 - np.minimum(p, CERTAIN))), closed


def dependent(x: FloatArray, weights: FloatArray, names: Sequence[str], where: str) -> str:
    """Say which covariates say the same among some rows, empty where none do.

    Parameters
    ----------
    x : (m, p) array
    weights : (m,) array
    names : sequence of str
        Of the columns.
    where : str
        ``" among its controls"``.
    """
    found = dependences(x, weights)
    if not found:
        return ""
    nobody = [names[one.term] for one in found if names[one.term].endswith("]") and not x[:, one.term].any()]
    if nobody:
        return f"nobody is {' or '.join(nobody)}{where}: put rare levels together, or leave them out by where"
    told = ", ".join(names[one.term] for one in found)
    return f"covariates are linearly dependent{where}: {told} is said by others before"


def chance_of_treatment(
    x: FloatArray, treated: BoolArray, weights: FloatArray, names: Sequence[str]
) -> tuple[FloatArray, FloatArray] | str:
    """Return the probability of treatment, (m,), and its coefficients' influence times m, (m, p); or why there is none.

    Parameters
    ----------
    x : (m, p) array
    treated : (m,) bool array
    weights : (m,) array
    names : sequence of str
        Of the columns.
    """
    problem = dependent(x, weights, names, "")
    if problem:
        return problem
    found = logit(x, treated, weights)
    if found is not None:
        return found
    levels = [
        f"{name} only among {'treated firms' if own else 'controls'}" for name, own, _ in one_sided(x, treated, names)
    ]
    what = f": there is {', '.join(levels)}; put rare levels together, or leave them out by where" if levels else ""
    return f"the covariates separate treated firms from controls (no overlap){what}"


Parts = tuple[float, FloatArray, FloatArray]
"""An effect, its influence function times the number of firms, and its weights on changes."""


def _taken(found: CellFirms, parts: Parts) -> tuple[float, IntArray, FloatArray, IntArray, FloatArray]:
    att, influence, shares = parts
    return att, found.firms, influence / len(found.firms), found.rows.ravel(), np.concatenate([shares, -shares])


def regression_of(change: FloatArray, x: FloatArray, c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Regress on some rows, those of which c is above zero.

    Returns
    -------
    residuals : (m,) array
        Of all rows.
    influence : (m, p) array
        Of the coefficients, times m.
    operator : (m, p) array
        Coefficients = operator' change.
    """
    root = np.sqrt(c)
    q, r = np.linalg.qr(x * root[:, None])
    inverse = np.linalg.inv(r)
    operator = (q * root[:, None]) @ inverse.T
    b = operator.T @ change
    b = b + operator.T @ (change - x @ b)
    residuals = change - x @ b
    return residuals, len(change) * operator * residuals[:, None], operator


def _regression(change: FloatArray, x: FloatArray, d: FloatArray, c: FloatArray) -> Parts:
    residuals, spread, operator = regression_of(change, x, c)
    share = d.mean()
    att = float((d @ residuals) / d.sum())
    treated_mean = (d @ x) / d.sum()
    influence = d * (residuals - att) / share - spread @ treated_mean
    return att, influence, d / d.sum() - operator @ treated_mean


def _weighted(change: FloatArray, x: FloatArray, d: FloatArray, w: FloatArray, score: FloatArray) -> Parts:
    first, second = float(d @ change / d.sum()), float(w @ change / w.sum())
    moved = (w * (change - second)) @ x / len(change)
    influence = d * (change - first) / d.mean() - (w * (change - second) + score @ moved) / w.mean()
    return first - second, influence, d / d.sum() - w / w.sum()


def _doubly_robust(
    change: FloatArray, x: FloatArray, d: FloatArray, c: FloatArray, w: FloatArray, score: FloatArray
) -> Parts:
    residuals, spread, operator = regression_of(change, x, c)
    first, second = float(d @ residuals / d.sum()), float(w @ residuals / w.sum())
    of_treated, of_controls = (d @ x) / d.sum(), (w @ x) / w.sum()
    moved = (w * (residuals - second)) @ x / len(change)
    own = d * (residuals - first) / d.mean() - spread @ of_treated
    others = (w * (residuals - second) + score @ moved) / w.mean() - spread @ of_controls
    shares = d / d.sum() - w / w.sum() - operator @ (of_treated - of_controls)
    return first - second, own - others, shares
