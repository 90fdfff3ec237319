"""Wooldridge (2009): the production function and its control function in one GMM system.

With y log value added, l free inputs, k states, m the proxy and d controls,

    y = b0 + l bl + k bk + w + e,    w(t) = g(w(t-1)) + xi(t),    w = h(k, m, d),

C(t) = [1, all monomials of (k(t), m(t)) up to a degree, d(t)] stands for h and, a year earlier, for g(h).
The coefficient of k in C(t) is free: equation 1 does not identify bk. One set bl serves both equations.

References
----------
Wooldridge, J. M. (2009). On estimating firm-level production functions using proxy variables to control for
unobservables. Economics Letters 104(3), 112-114. Equations (2.11) to (2.13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.productivity.moments import (
    C_BEFORE,
    C_NOW,
    FREE,
    FREE_BEFORE,
    STATE,
    MomentEquation,
    written_out,
)
from estimation.productivity.options import ControlFunctionOptions

if TYPE_CHECKING:
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["EQUATIONS", "Options", "columns", "equations", "fit"]

# y(t) = l(t) bl + C(t) lambda1 + e(t), with e orthogonal to l(t) and C(t)
CONTEMPORANEOUS = MomentEquation(regressors=(FREE, C_NOW), instruments=(FREE, C_NOW))
# y(t) = l(t) bl + k(t) bk + C(t-1) lambda2 + u(t), with u = xi + e orthogonal to l(t-1), k(t) and C(t-1)
LAGGED = MomentEquation(regressors=(FREE, STATE, C_BEFORE), instruments=(FREE_BEFORE, STATE, C_BEFORE))
EQUATIONS = (CONTEMPORANEOUS, LAGGED)


class Options(ControlFunctionOptions):
    """The keys of ``method: wooldridge``."""


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return tuple(dict.fromkeys((*options.roles.columns, *options.separately_by)))


def equations(options: Options) -> str:
    """Return the system in symbols, with the user's columns."""
    return written_out(EQUATIONS, options.roles)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: bool = False) -> ProductivityFit:
    """Estimate the system and the TFP of every row that has its inputs.

    Parameters
    ----------
    name : str
        The key in the spec.
    options : Options
    rows : Selection
        All n rows of the panel, with the columns of `columns(options)`.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : bool
        Whether the elasticities and the transitory error of every row are wanted too.

    Returns
    -------
    ProductivityFit

    Raises
    ------
    EstimationError
        If no rung of the ladder can be stood on, or the design does not identify the elasticities.
    """
    from estimation.productivity.control_function import fit_control_function

    return fit_control_function(name, "wooldridge", options, EQUATIONS, rows=rows, use=use)
