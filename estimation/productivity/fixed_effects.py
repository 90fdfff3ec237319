"""Firm fixed effects: the production function in deviations from each firm's own mean.

    y_it = a_i + l_it bl + k_it bk + d_it lambda + e_it.

Consistent where productivity is a constant of the firm, a_i, plus what no input responds to. Productivity that moves
and that inputs follow leaves the labour elasticity too high; capital, which hardly moves within a firm and is measured
with error, comes out too low (Griliches and Mairesse, 1998). The effect is part of the residual: it is productivity.

References
----------
Mundlak, Y. (1961). Empirical production function free of management bias. Journal of Farm Economics 43(1), 44-56.

Griliches, Z. and Mairesse, J. (1998). Production functions: the search for identification. In S. Strom (ed.),
Econometrics and Economic Theory in the 20th Century, 169-203. Cambridge University Press.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.extras import Extras
from estimation.productivity.common.options import ProductionFunctionOptions

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]


class Options(ProductionFunctionOptions):
    """The keys of ``method: fixed_effects``."""


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.roles.columns


def equations(options: Options) -> str:
    """Return the regression in symbols, with the user's columns."""
    right = [f"b[{name}] {name}(t)" for name in (*options.free, *options.state)]
    right += [f"lambda[{name}] {name}(t)" for name in options.controls]
    return f"(1) {options.output}(t) = a[firm] + {' + '.join(right)} + e(t)"


def moments(options: Options) -> str:
    """Return the moment conditions in symbols: strict exogeneity, given the firm's constant."""
    held = ", ".join(f"{name}(t) - mean[{name}]" for name in (*options.free, *options.state, *options.controls))
    return f"E[e(t) ({held})'] = 0, mean[...] that of the firm: e(t) has nothing to do with the inputs of any year"


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate within firms, clustered by firm, and the TFP of every row that has its inputs.

    Rows that are the only one of their firm, or of a level of a control, are fitted exactly and say nothing: they are
    left out until none is left, and counted. The covariance is CR0 times G/(G-1) times (N-1)/(N-K), the reference
    t(G-1), as in fixest: K counts the slopes, the controls and one constant, not the firms' effects, which are nested
    in the clusters.

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
        What is wanted of every row too, see `estimation.extras`: its elasticities.

    Returns
    -------
    ProductivityFit

    Raises
    ------
    EstimationError
        If fewer than two firms have two rows, or an input does not vary within firms given the controls.
    """
    from estimation.productivity.firm_effects.within import fit_within

    return fit_within(name, options, rows, use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> Resampler:
    """Return what estimates the entry again with other weights on its firms.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    """
    from estimation.productivity.firm_effects.within import within_resampler

    return within_resampler(options, rows, use, fit)
