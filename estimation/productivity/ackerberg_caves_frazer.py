"""Ackerberg, Caves and Frazer (2015): all elasticities from the second stage's moments.

    (1)  y(t) = C(t) lambda + e(t),    C a polynomial in (l, k, m) and the controls,    phi(t) = C(t) lambda
    (2)  w(t) = phi(t) - f(l(t), k(t)),    w(t) = g(w(t-1)) + d(t) delta + xi(t)
    (3)  the sum of z(t) xi(t) is zero,    z(t) = (l(t-1), k(t))

with g and delta the least-squares fit; for a translog z holds the squares and products of l(t-1) and k(t) as well.
The moments are polynomials in the elasticities and may have several roots, of which theory prefers none: all that
many starts lead to are reported, and the one nearest to a consistent estimate that is linear is taken.

References
----------
Ackerberg, D. A., Caves, K. and Frazer, G. (2015). Identification properties of recent production function
estimators. Econometrica 83(6), 2411-2451, section 4. Kim, K. I., Luo, Y. and Su, Y. (2019). A robust
approach to estimating production functions: Replication of the ACF procedure. Journal of Applied Econometrics 34(4),
612-619 (on roots that are not the truth).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from estimation.extras import Extras
from estimation.productivity.common.moments import Roles
from estimation.productivity.common.options import Technology
from estimation.productivity.two_stage.options import TwoStageOptions, solving_equations, solving_moments
from specs.counting import counted
from specs.fields import mistake

if TYPE_CHECKING:
    from estimation.productivity.two_stage.draws import TwoStageResampler
    from estimation.productivity.two_stage.rows import Recipe
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]

# The widest of the boxes that the search for roots fills (`estimation.productivity.two_stage.solution`).
FARTHEST_START = 10


class Options(TwoStageOptions):
    """The keys of ``method: ackerberg_caves_frazer``.

    Attributes
    ----------
    technology : str
        ``cobb_douglas`` or ``translog``.
    start : tuple of float
        An elasticity for each free input and each state: the root nearest to them is taken. Empty: the root nearest
        to Wooldridge's second equation (`wlp`).
    """

    technology: Technology = "cobb_douglas"
    start: Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field()] = ()

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return replace(super().roles, translog=self.technology == "translog")

    @model_validator(mode="after")
    def _start_has_every_input(self) -> Self:
        inputs = (*self.free, *self.state)
        if self.start and len(self.start) != len(inputs):
            raise mistake(
                f"{counted(len(self.start), 'number')} for {counted(len(inputs), 'input')}",
                f"start has an elasticity for each of {', '.join(inputs)}",
                path=("start",),
            )
        for index, (name, value) in enumerate(zip(inputs, self.start, strict=False)):
            if abs(value) > FARTHEST_START:
                raise mistake(
                    f"{value:g} is no elasticity of {name}",
                    f"roots are looked for with elasticities between {-FARTHEST_START} and {FARTHEST_START}",
                    "write an elasticity, 0.6 for 0.6 per cent of output from 1 per cent of the input",
                    path=("start", index),
                )
        if self.technology == "translog" and self.degree < 2:
            raise mistake(
                "a polynomial of degree 1 beside a translog",
                "squares of the inputs stand in the production function, so they must stand in the first stage",
                "write degree: 3",
                path=("degree",),
            )
        return self


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return tuple(dict.fromkeys((*options.roles.columns, *options.separately_by)))


def equations(options: Options) -> str:
    """Return both stages in symbols, with the user's columns."""
    return solving_equations(options)


def moments(options: Options) -> str:
    """Return the moment conditions of both stages in symbols, with the user's columns."""
    return solving_moments(options)


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
        If a group finds no rung to stand on, or no start leads to a root of the moments.
    """
    from estimation.productivity.two_stage.fit import fit_two_stage

    return fit_two_stage(name, "ackerberg_caves_frazer", options, _recipe(options), rows=rows, use=use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> TwoStageResampler:
    """Return what re-estimates a fit with other weights on its firms; see `estimation.resamplers.Resampler`."""
    from estimation.productivity.two_stage.fit import two_stage_resampler

    return two_stage_resampler(options, _recipe(options), rows, use, fit)


def _recipe(options: Options) -> Recipe:
    from estimation.productivity.two_stage.rows import Recipe

    return Recipe(
        within=True,
        translog=options.technology == "translog",
        markov_degree=options.markov_degree,
        common=options.sample == "common",
        start=options.start,
    )
