"""Wooldridge (2009): the production function and its control function in one GMM system.

With y log value added, l free inputs, k states, m the proxy and d controls,

    y = b0 + l bl + k bk + w + e,    w(t) = g(w(t-1)) + xi(t),    w = h(k, m, d),

C(t) = [1, all monomials of (k(t), m(t)) up to a degree, d(t)] stands for h and, a year earlier, for g(h).
The coefficient of k in C(t) is free: equation 1 does not identify bk. One set bl serves both equations.

Widened: a translog takes the place of l bl + k bk (squares and products of free inputs are instrumented by those of
the free inputs' lags with the states of t); `markov` columns stand in both polynomials; the probability of survival
stands in that of t-1; every row's moments may carry a weight.

References
----------
Wooldridge, J. M. (2009). On estimating firm-level production functions using proxy variables to control for
unobservables. Economics Letters 104(3), 112-114. Equations (2.11) to (2.13).

De Loecker, J. (2013). Detecting learning by exporting. American Economic Journal: Microeconomics 5(3), 1-21.

Windmeijer, F. (2005). A finite sample correction for the variance of linear efficient two-step GMM estimators.
Journal of Econometrics 126(1), 25-51.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from estimation.extras import Extras
from estimation.productivity.common.moments import (
    C_BEFORE,
    C_NOW,
    FREE,
    FREE_BEFORE,
    STATE,
    MomentEquation,
    moment_conditions,
    written_out,
)
from estimation.productivity.common.options import SystemOptions
from specs.fields import mistake

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["EQUATIONS", "Options", "columns", "equations", "fit", "moments", "resampler"]

# y(t) = l(t) bl + C(t) lambda1 + e(t), with e orthogonal to l(t) and C(t)
CONTEMPORANEOUS = MomentEquation(regressors=(FREE, C_NOW), instruments=(FREE, C_NOW))
# y(t) = l(t) bl + k(t) bk + C(t-1) lambda2 + u(t), with u = xi + e orthogonal to l(t-1), k(t) and C(t-1)
LAGGED = MomentEquation(regressors=(FREE, STATE, C_BEFORE), instruments=(FREE_BEFORE, STATE, C_BEFORE))
EQUATIONS = (CONTEMPORANEOUS, LAGGED)


class Options(SystemOptions):
    """The keys of ``method: wooldridge``.

    Attributes
    ----------
    windmeijer : bool
        Whether the standard errors of two steps count the uncertainty of their weight.
    """

    windmeijer: bool = False

    @property
    def corrected(self) -> bool:
        """Whether the covariance of two steps has Windmeijer's correction."""
        return self.windmeijer

    @model_validator(mode="after")
    def _has_a_weight_to_correct(self) -> Self:
        for key, bad, meaning in (
            ("steps", self.steps == 1, "one step has no estimated weight"),
            ("gmm_weights", self.gmm_weights == "unadjusted", "the correction is for weights made of the moments"),
            ("survival", self.survival is not None, "the two corrections are not worked out together"),
        ):
            if self.windmeijer and bad:
                raise mistake(f"windmeijer does not go with this {key}", meaning, "leave one out", path=("windmeijer",))
        return self


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.columns


def equations(options: Options) -> str:
    """Return the system in symbols, with the user's columns."""
    return written_out(EQUATIONS, options.roles, options.survival_degree)


def moments(options: Options) -> str:
    """Return the moment conditions in symbols, with the user's columns."""
    return moment_conditions(EQUATIONS, options.roles)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
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
    extras : str
        What is wanted of every row too, see `estimation.extras`.

    Returns
    -------
    ProductivityFit

    Raises
    ------
    EstimationError
        If no rung of the ladder can be stood on, or the design does not identify the elasticities.
    """
    from estimation.productivity.control_function.fit import fit_control_function

    return fit_control_function(name, "wooldridge", options, EQUATIONS, rows=rows, use=use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> Resampler:
    """Return what estimates the entry again with other weights on its firms.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    """
    from estimation.productivity.control_function.resampling import control_function_resampler

    return control_function_resampler(options, EQUATIONS, rows, use, fit)
