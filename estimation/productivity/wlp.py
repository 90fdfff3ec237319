"""Petrin and Levinsohn (2012): Wooldridge's second equation alone, by instrumental variables.

    y(t) = l(t) bl + k(t) bk + C(t-1) lambda2 + u(t),    l(t-1) instruments l(t).

The system is just identified, so one and two steps coincide and there is no J. The control function of
`tfp_from: control_function` is the projection of y - l bl on C(t), added as moments of its own: it moves
neither elasticity.

References
----------
Petrin, A. and Levinsohn, J. (2012). Measuring aggregate productivity growth using plant-level data. RAND
Journal of Economics 43(4), 705-725.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]

LAGGED = MomentEquation(regressors=(FREE, STATE, C_BEFORE), instruments=(FREE_BEFORE, STATE, C_BEFORE))
# l(t) is no instrument here: these moments fix lambda1 and nothing else.
CONTROL_FUNCTION = MomentEquation(regressors=(FREE, C_NOW), instruments=(C_NOW,))


class Options(SystemOptions):
    """The keys of ``method: wlp``; `steps` and `min_firms` change nothing, `sample` is for lambda1 alone."""


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.columns


def equations(options: Options) -> str:
    """Return the estimating equation in symbols, with the user's columns."""
    return written_out(_system(options), options.roles, options.survival_degree)


def moments(options: Options) -> str:
    """Return the moment conditions in symbols, with the user's columns."""
    return moment_conditions(_system(options), options.roles)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate the equation and the TFP of every row that has its inputs.

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
        If there are too few firms, or l(t-1) does not move l(t).
    """
    from estimation.productivity.control_function.fit import fit_control_function

    moments = _system(options, extras == "transitory")
    return fit_control_function(name, "wlp", options, moments, rows=rows, use=use, extras=extras)


def _system(options: Options, transitory: bool = False) -> tuple[MomentEquation, ...]:
    with_phi = transitory or options.tfp_from == "control_function"
    return (CONTROL_FUNCTION, LAGGED) if with_phi else (LAGGED,)


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

    return control_function_resampler(options, _system(options, fit.transitory is not None), rows, use, fit)
