"""Levinsohn and Petrin (2003): intermediate inputs stand for productivity, estimated in two stages.

    (1)  y(t) = l(t) bl + C(t) lambda + e(t),                                    phi(t) = C(t) lambda
    (2)  w(t) = phi(t) - k(t) bk,    xi(t) = y(t) - l(t) bl - k(t) bk - g(w(t-1)),    bk minimises the sum of xi(t)^2

with g the least-squares polynomial of w(t) in w(t-1), beside the controls of t.

References
----------
Levinsohn, J. and Petrin, A. (2003). Estimating production functions using inputs to control for unobservables.
Review of Economic Studies 70(2), 317-341. Petrin, A., Poi, B. P. and Levinsohn, J. (2004). Production function
estimation in Stata using inputs to control for unobservables. Stata Journal 4(2), 113-123.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.extras import Extras
from estimation.productivity.two_stage.options import TwoStageOptions, minimising_equations, minimising_moments

if TYPE_CHECKING:
    from estimation.productivity.two_stage.draws import TwoStageResampler
    from estimation.productivity.two_stage.rows import Recipe
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]


class Options(TwoStageOptions):
    """The keys of ``method: levinsohn_petrin``."""


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return tuple(dict.fromkeys((*options.roles.columns, *options.separately_by)))


def equations(options: Options) -> str:
    """Return both stages in symbols, with the user's columns."""
    return minimising_equations(options)


def moments(options: Options) -> str:
    """Return the conditions of both stages in symbols, with the user's columns."""
    return minimising_moments(options)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate both stages and the TFP of every row that has its inputs.

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
        If a group finds no rung to stand on, or the first stage cannot tell labour from productivity.
    """
    from estimation.productivity.two_stage.fit import fit_two_stage

    return fit_two_stage(name, "levinsohn_petrin", options, _recipe(options), rows=rows, use=use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> TwoStageResampler:
    """Return what re-estimates a fit with other weights on its firms; see `estimation.resamplers.Resampler`."""
    from estimation.productivity.two_stage.fit import two_stage_resampler

    return two_stage_resampler(options, _recipe(options), rows, use, fit)


def _recipe(options: Options) -> Recipe:
    from estimation.productivity.two_stage.rows import Recipe

    return Recipe(within=False, markov_degree=options.markov_degree, common=options.sample == "common")
