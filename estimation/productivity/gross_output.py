"""Gross output with the proxy as an input: Wooldridge's system, identified by input prices.

    y = b0 + l bl + k bk + m bm + w + e,    w(t) = g(w(t-1)) + xi(t),    w = h(k, m, z),

with z the firm's input prices. Materials respond to nothing but (k, w, z), so that equation 2 says of m(t) no more
than its own lag does unless something moves it that neither C(t-1) nor the year's surprise does: without prices bm
is not identified (Gandhi, Navarro and Rivers, 2020, section III; Bond and Soderbom, 2005). The prices of t instrument
m(t); they stand in the polynomial too, because materials are chosen by them.

References
----------
Doraszelski, U. and Jaumandreu, J. (2013). R&D and productivity: estimating endogenous productivity. Review of Economic
Studies 80(4), 1338-1383.

Gandhi, A., Navarro, S. and Rivers, D. A. (2020). On the identification of gross output production functions. Journal
of Political Economy 128(8), 2973-3016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from estimation.extras import Extras
from estimation.productivity.common.moments import (
    C_BEFORE,
    C_NOW,
    FREE,
    FREE_BEFORE,
    PRICES,
    PROXY,
    STATE,
    MomentEquation,
    moment_conditions,
    written_out,
)
from estimation.productivity.common.options import SystemOptions
from specs.fields import Columns, mistake

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["EQUATIONS", "Options", "columns", "equations", "fit", "moments", "resampler"]

# y(t) = l(t) bl + C(t) lambda1 + e(t): m stands in C(t)
CONTEMPORANEOUS = MomentEquation(regressors=(FREE, C_NOW), instruments=(FREE, C_NOW))
# y(t) = l(t) bl + k(t) bk + m(t) bm + C(t-1) lambda2 + u(t), instruments l(t-1), k(t), z(t), C(t-1)
LAGGED = MomentEquation(regressors=(FREE, STATE, PROXY, C_BEFORE), instruments=(FREE_BEFORE, STATE, PRICES, C_BEFORE))
EQUATIONS = (CONTEMPORANEOUS, LAGGED)


class Options(SystemOptions):
    """The keys of ``method: gross_output``.

    Attributes
    ----------
    instruments : tuple of str
        Logs of input prices that the firm takes as given.
    technology : str
        ``cobb_douglas``.
    """

    instruments: Columns = ()
    technology: Literal["cobb_douglas"] = "cobb_douglas"

    @model_validator(mode="after")
    def _has_prices(self) -> Self:
        if not self.instruments:
            raise mistake(
                "no instruments for the proxy",
                "gross output with the proxy as an input is identified only by input prices that move it",
                "write instruments: [ln_price_of_materials], or method: gandhi_navarro_rivers, which needs none",
                path=("instruments",) if "instruments" in self.model_fields_set else ("method",),
            )
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

    return fit_control_function(name, "gross_output", options, EQUATIONS, rows=rows, use=use, extras=extras)


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
