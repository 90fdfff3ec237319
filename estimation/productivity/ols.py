"""Pooled least squares of the production function: what the control-function estimators are set beside.

    y = l bl + k bk + [1, d] lambda + e.

Biased where inputs respond to productivity (Marschak and Andrews, 1944): labour too high, capital too low.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.extras import Extras
from estimation.productivity.common.moments import (
    C_NOW,
    FREE,
    STATE,
    MomentEquation,
    Roles,
    moment_conditions,
    written_out,
)
from estimation.productivity.common.options import ProductionFunctionOptions, Technology

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["EQUATIONS", "Options", "columns", "equations", "fit", "moments", "resampler"]

EQUATIONS = (MomentEquation(regressors=(FREE, STATE, C_NOW), instruments=(FREE, STATE, C_NOW)),)


class Options(ProductionFunctionOptions):
    """The keys of ``method: ols``.

    Attributes
    ----------
    technology : str
        ``cobb_douglas`` or ``translog``.
    """

    technology: Technology = "cobb_douglas"

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        translog = self.technology == "translog"
        return Roles(self.output, self.free, self.state, None, self.controls, 0, translog=translog)


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.roles.columns


def equations(options: Options) -> str:
    """Return the regression in symbols, with the user's columns."""
    return written_out(EQUATIONS, options.roles)


def moments(options: Options) -> str:
    """Return the moment conditions in symbols, with the user's columns."""
    return moment_conditions(EQUATIONS, options.roles)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate by least squares, clustered by firm, and the TFP of every row that has its inputs.

    The covariance is CR0 times G/(G-1) times (N-1)/(N-K), the reference t(G-1), as in fixest.

    Parameters
    ----------
    name : str
        The key in the spec.
    options : Options
    rows : Selection
        All n rows of the panel, with the columns of `columns(options)`.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`.

    Returns
    -------
    ProductivityFit

    Raises
    ------
    EstimationError
        If there are fewer than two firms, or the design is rank-deficient.
    """
    from estimation.productivity.control_function.least_squares import fit_least_squares

    return fit_least_squares(name, "ols", options, EQUATIONS, rows=rows, use=use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> Resampler:
    """Return what estimates the entry again with other weights on its firms.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    """
    from estimation.productivity.control_function.resampling import least_squares_resampler

    return least_squares_resampler(options, EQUATIONS, rows, use, fit)
