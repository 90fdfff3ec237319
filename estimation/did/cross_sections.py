r"""Group-time effects on the rows of a cell's two years, each year's firms its own (Sant'Anna and Zhao, 2020).

Where a panel has gaps, the firms of the base year and those of t need not be the same. In a cell D marks rows of
cohort g, P rows of the later year; b_dp are least squares of y on X in the rows of D = d, P = p, p(X) the logit of D
on X in all rows, averages E_1 over rows of D, E_dp over rows of D = d and P = p, E_C,p over controls weighted
w p / (1 - p):

=========  ===================================================================================
``reg``    E_11 y - E_10 y - E_1[X (b_01 - b_00)]                       (R's ``reg_did_rc``)
``ipw``    E_11 y - E_10 y - (E_C,1 y - E_C,0 y)                        (R's ``std_ipw_did_rc``)
``dr``     E_1[X (b_11 - b_01)] - E_1[X (b_10 - b_00)]
           - (E_C,1[y - X b_01] - E_C,0[y - X b_00])                    (equation 3.4; ``drdid_rc``)
=========  ===================================================================================

X holds a constant, so that E_11[y - X b_11] is zero and the terms of equation 3.4 that hold it are left out. R's did
calls these with ``allow_unbalanced_panel = TRUE``. Where every firm is seen in both years and X does not change they
are the effects of `estimation.did.cells`. Influence functions are of rows; a firm's are summed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.did.cells import (
    Cell,
    CellEffect,
    CellProblem,
    chance_of_treatment,
    dependent,
    regression_of,
    weights_of_controls,
)
from estimation.results import BoolArray, FloatArray, IntArray

__all__ = ["CellRows", "effect_of_rows"]

TREATED = " among its treated firms, which adjustment: dr regresses too"


@dataclass(frozen=True, slots=True, eq=False)
class CellRows:
    """The rows of a cell, those of its cohort and of its controls in its two years.

    Attributes
    ----------
    rows : (r,) integer array
        Their places in the sample.
    firm : (r,) integer array
    y : (r,) array
    treated : (r,) bool array
    later : (r,) bool array
        Whether the row is of the cell's year, not of its base.
    x : (r, p) array
        A constant first: covariates of the row's own year.
    names : tuple of str
        Of the columns of x.
    weights : (r,) array
    """

    rows: IntArray
    firm: IntArray
    y: FloatArray
    treated: BoolArray
    later: BoolArray
    x: FloatArray
    names: tuple[str, ...]
    weights: FloatArray


def effect_of_rows(cell: Cell, found: CellRows, method: str) -> CellEffect | CellProblem:
    """Estimate a cell.

    Parameters
    ----------
    cell : Cell
    found : CellRows
    method : str
        ``reg``, ``ipw`` or ``dr``; without covariates the three are one.

    Returns
    -------
    CellEffect or CellProblem
    """
    treated, later = found.treated, found.later
    few, many = (int(np.unique(found.firm[side]).size) for side in (treated, ~treated))
    for side, who in ((treated, "treated"), (~treated, "control")):
        for when, which in ((~later, "base year"), (later, "year")):
            if not (side & when).any():
                return CellProblem(cell, f"no {who} firm is seen in its {which}", few, many)
    weights = found.weights / found.weights.mean()
    trimmed = 0
    if found.x.shape[1] == 1:
        parts = [_regression(found, weights, when) for when in (later, ~later)]
    elif method == "reg":
        problem = _dependent(found, weights, ~treated, " among its controls")
        if problem:
            return CellProblem(cell, problem, few, many)
        parts = [_regression(found, weights, when) for when in (later, ~later)]
    else:
        problem = _dependent(found, weights, ~treated, " among its controls") if method == "dr" else ""
        if method == "dr" and not problem:
            problem = _dependent(
                found, weights, treated, " among its treated firms, which adjustment: dr regresses too"
            )
        chance = chance_of_treatment(found.x, treated, weights, found.names)
        if problem or isinstance(chance, str):
            return CellProblem(cell, problem or str(chance), few, many)
        p, score = chance
        w, closed = weights_of_controls(p, treated, weights)
        trimmed = int(np.unique(found.firm[closed]).size)
        if not (w[later].any() and w[~later].any()):
            return CellProblem(cell, "no control is like a treated firm (no overlap)", few, many)
        estimate = _weighted if method == "ipw" else _doubly_robust
        parts = [estimate(found, weights, w, score, when) for when in (later, ~later)]
    att, influence, shares = (one - other for one, other in zip(*parts, strict=True))
    firms, place = np.unique(found.firm, return_inverse=True)
    of_firms = np.bincount(place, weights=influence, minlength=firms.size) / len(found.y)
    return CellEffect(cell, float(att), firms, of_firms, found.rows, shares, few, many, trimmed)


def _dependent(found: CellRows, weights: FloatArray, side: BoolArray, where: str) -> str:
    """Say which covariates say the same in a year of one side."""
    for when in (found.later, ~found.later):
        told = dependent(found.x[side & when], weights[side & when], found.names, where)
        if told:
            return told
    return ""


Part = tuple[FloatArray, FloatArray, FloatArray]
"""What one of the two years gives to an effect, its influence function times the number of rows, weights on rows."""


def _mean(values: FloatArray, w: FloatArray) -> Part:
    """Return a weighted mean of given values."""
    mean = w @ values / w.sum()
    return mean, w * (values - mean) / w.mean(), w / w.sum()


def _regression(found: CellRows, weights: FloatArray, when: BoolArray) -> Part:
    """Return E_1p y - E_1[X b_0p]."""
    d = np.where(found.treated, weights, 0.0)
    residuals, spread, operator = regression_of(found.y, found.x, np.where(when & ~found.treated, weights, 0.0))
    own, of_own, shares = _mean(found.y, np.where(when, d, 0.0))
    others, of_others, _ = _mean(found.y - residuals, d)
    of_treated = (d @ found.x) / d.sum()
    return own - others, of_own - of_others - spread @ of_treated, shares - operator @ of_treated


def _of_controls(found: CellRows, values: FloatArray, w: FloatArray, score: FloatArray) -> Part:
    """Return a mean of controls whose weights rest on an estimated p."""
    mean, influence, shares = _mean(values, w)
    moved = (w * (values - mean)) @ found.x / w.sum()
    return mean, influence + score @ moved, shares


def _weighted(found: CellRows, weights: FloatArray, w: FloatArray, score: FloatArray, when: BoolArray) -> Part:
    """Return E_1p y - E_Cp y."""
    own, of_own, shares = _mean(found.y, np.where(when & found.treated, weights, 0.0))
    others, of_others, their_shares = _of_controls(found, found.y, np.where(when, w, 0.0), score)
    return own - others, of_own - of_others, shares - their_shares


def _doubly_robust(found: CellRows, weights: FloatArray, w: FloatArray, score: FloatArray, when: BoolArray) -> Part:
    """Return E_1[X (b_1p - b_0p)] - E_Cp[y - X b_0p]."""
    y, x, treated = found.y, found.x, found.treated
    d = np.where(treated, weights, 0.0)
    residuals, spread, operator = regression_of(y, x, np.where(when & ~treated, weights, 0.0))
    own_residuals, own_spread, own_operator = regression_of(y, x, np.where(when, d, 0.0))
    own, of_own, _ = _mean(residuals - own_residuals, d)
    controls = np.where(when, w, 0.0)
    others, of_others, shares = _of_controls(found, residuals, controls, score)
    of_treated, of_them = (d @ x) / d.sum(), (controls @ x) / controls.sum()
    return (
        own - others,
        of_own - of_others + own_spread @ of_treated - spread @ (of_treated - of_them),
        own_operator @ of_treated - operator @ (of_treated - of_them) - shares,
    )
