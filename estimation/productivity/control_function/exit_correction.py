"""The probability of survival in Wooldridge's second equation: an estimated input of the polynomial of t-1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from estimation.cross_products import CrossProducts
from estimation.gmm import Generated
from estimation.productivity.common.inputs import Control, Inputs
from estimation.productivity.common.survival import (
    Survival,
    polynomial_regressors,
    rows_of_survival,
    survival_probability,
)
from estimation.productivity.common.system import SURVIVAL, System, stretches
from estimation.results import BoolArray, FloatArray, IntArray
from specs.errors import EstimationError

__all__ = ["ExitCorrection", "exit_correction", "generated_moments"]

# What the other terms of C(t-1) leave of the probability, as a share of its variance: below, the design says nothing.
LEAST_OWN_SHARE = 0.01
ROWS = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class ExitCorrection:
    """A probability of survival and how much of it is its own.

    Attributes
    ----------
    survival : Survival
    own_share : float
        1 - R2 of the probability on the other terms of C(t-1), in the rows of equation 2.
    excluded_p_value : float
        Of the likelihood-ratio test that the columns outside C(t-1) do not move exit.
    pooled : tuple of str
        Levels of controls where no firm leaves, or every firm does: they have no indicator in the probit.
    """

    survival: Survival
    own_share: float
    excluded_p_value: float
    pooled: tuple[str, ...]


def exit_correction(
    inputs: Inputs, status: FloatArray, degree: int, use: BoolArray, current: BoolArray, lagged: BoolArray
) -> tuple[ExitCorrection, BoolArray]:
    """Estimate the probability to survive from each row's year on, and which rows keep a usable year before.

    Parameters
    ----------
    inputs : Inputs
        The n rows of the group.
    status : (n,) array
        1 where the firm is there in a later year, 0 where not, NaN where unknown.
    degree : int
        Of the polynomial in the probit's index.
    use, current, lagged : (n,) bool arrays
        Rows that may take part; those with every column; those with a usable year before.

    Raises
    ------
    EstimationError
        If hardly a row has the columns, the probit has no maximum, or the probability is spanned by C(t-1).
    """
    roles = inputs.roles
    columns = (*inputs.polynomial, *inputs.beside_survival)
    rows = rows_of_survival(inputs, use & inputs.complete)
    known = rows & ~np.isnan(status)
    pooled: list[str] = []
    for control in inputs.controls:
        pooled += _certain(control, status, known)
    controls = [_indicators(control, known, frozenset(pooled)) for control in inputs.controls]

    def fitted(names: Sequence[str], values: Sequence[FloatArray]) -> Survival:
        regressors = np.hstack([polynomial_regressors(names, values, degree, rows), *controls])
        return survival_probability(inputs.firm, status, rows, regressors, inputs.weights)

    survival = fitted((*roles.polynomial, *(roles.survival or ())), columns)
    without = fitted(roles.polynomial, inputs.polynomial)
    more = survival.regressors.shape[1] - without.regressors.shape[1]
    gain = 2 * (survival.fit.log_likelihood - without.fit.log_likelihood)
    lagged = lagged.copy()
    lagged[1:] &= ~np.isnan(survival.probability[:-1])
    before = np.flatnonzero(current & lagged) - 1
    others = polynomial_regressors(roles.polynomial, inputs.polynomial, roles.degree, rows)[before]
    others = np.hstack([others, *(_indicators(control, rows)[before] for control in inputs.controls)])
    own_share = _own_share(survival.probability[before], others)
    if own_share < LEAST_OWN_SHARE:
        raise EstimationError(
            f"the probability of survival is spanned by C(t-1): 1 - R2 is {own_share:.2g}, {LEAST_OWN_SHARE:g} is "
            f"asked for; {', '.join(roles.survival or ())} hardly moves exit: name a column that does "
            "in survival.on, or leave survival out"
        )
    return ExitCorrection(survival, own_share, float(chdtrc(max(more, 1), max(gain, 0.0))), tuple(pooled)), lagged


def _own_share(values: FloatArray, others: FloatArray) -> float:
    if len(values) < 2:
        return 0.0
    centred = values - values.mean()
    total = float(centred @ centred)
    q, r = np.linalg.qr(others)
    kept = np.abs(np.diag(r)) > 1e-9 * np.max(np.abs(np.diag(r)))
    left = centred - q[:, kept] @ (q[:, kept].T @ centred)
    return float(left @ left) / total if total > 0 else 0.0


def _certain(control: Control, status: FloatArray, rows: BoolArray) -> list[str]:
    """Return the levels of a control where the outcome does not vary: an indicator of one would tell it for certain."""
    if control.codes is None:
        return []
    total = np.bincount(control.codes[rows], minlength=len(control.labels))
    stay = np.bincount(control.codes[rows], status[rows], minlength=len(control.labels))
    certain = (total > 0) & ((stay == 0) | (stay == total))
    return [f"{control.name} {control.labels[code]}" for code in np.flatnonzero(certain)]


def _indicators(control: Control, rows: BoolArray, left_out: frozenset[str] = frozenset()) -> FloatArray:
    """Return a control as columns; the level that occurs first is the base, and those left out stand with it."""
    if control.values is not None:
        return control.values[:, None]
    assert control.codes is not None
    seen = np.array(
        [code for code in np.unique(control.codes[rows]) if f"{control.name} {control.labels[code]}" not in left_out],
        dtype=np.int64,
    )
    columns: FloatArray = (control.codes[:, None] == seen[None, 1:]).astype(np.float64)
    columns[control.codes < 0] = np.nan
    return columns


def generated_moments(system: System, survival: Survival) -> Generated:
    """Return what the estimated probability adds to the firms' moments: dg/dgamma psi_gamma,i.

    In the last equation's moment ``z r`` the probability P stands among the instruments and among the regressors:
    d(z r)/dP = dz/dP r - z (dC/dP lambda), and dP/dgamma is the normal density times the probit's regressors.
    """

    def moments(products: CrossProducts, theta: FloatArray) -> tuple[IntArray, FloatArray]:
        slice_of = list(products.slices())[-1]
        transform, equation = products.transforms[-1], products.equations[-1]
        weight = products.by_column(theta)[-1]
        offset = 0
        for part in system.parts[-1]:
            if part.before:
                break
            offset += len(part.columns)
        block_of = slice(offset, offset + len(system.before.exponents))
        differentiate = system.before.derivative(system.before.inputs.index(SURVIVAL))
        slope = np.zeros((len(transform), survival.regressors.shape[1]))
        for start, stop in stretches(system.inputs.firm, ROWS):
            at = np.flatnonzero(system.rows[-1][start:stop]) + start
            if not len(at):
                continue
            now = system.monomials(start, stop)
            before = system.monomials_before(start, stop)
            block = system.block(-1, at, start, (now, before))
            d_c = (differentiate @ before)[:, at - 1 - start]
            if system.root_weights is not None:
                d_c *= system.root_weights[at]
            # `weight` holds minus the coefficients: the residual's derivative is weight on C times dC/dP.
            d_moment = (transform[:, block_of] @ d_c) * (weight @ block)
            d_moment += (transform @ block[: equation.n_instruments]) * (weight[block_of] @ d_c)
            slope += (d_moment * survival.density[at - 1]) @ survival.regressors[at - 1]
        total = np.zeros((len(survival.firms), products.n_moments))
        total[:, slice_of] = survival.influence @ slope.T
        return survival.firms, total

    return moments
