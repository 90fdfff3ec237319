"""Olley and Pakes (1996): investment stands for productivity, and firms that leave are corrected for.

    (1)  y(t) = l(t) bl + C(t) lambda + e(t),                     phi(t) = C(t) lambda
    (2)  Pr(the firm is there in a later year) = Phi(polynomial of (k, i) and more at t-1) = P(t)
    (3)  w(t) = phi(t) - k(t) bk,    xi(t) = y(t) - l(t) bl - k(t) bk - g(w(t-1), P(t))

bk minimises the sum of xi(t)^2; g is the least-squares polynomial of w(t), beside the controls of t. Without
`survival` there is no (2), and g is a polynomial in w(t-1).

References
----------
Olley, G. S. and Pakes, A. (1996). The dynamics of productivity in the telecommunications equipment industry.
Econometrica 64(6), 1263-1297.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from estimation.extras import Extras
from estimation.productivity.common.moments import Roles
from estimation.productivity.two_stage.options import TwoStageOptions, minimising_equations, minimising_moments
from specs.fields import ColumnName, Columns, OptionsModel, mistake

if TYPE_CHECKING:
    from estimation.productivity.two_stage.draws import TwoStageResampler
    from estimation.productivity.two_stage.rows import Recipe
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "SurvivalKeys", "columns", "equations", "fit", "moments", "resampler"]


class SurvivalKeys(OptionsModel):
    """A correction for exit; ``survival: true`` takes its defaults.

    Attributes
    ----------
    on : tuple of str
        Columns that the probability rests on beside the state and the proxy, of the year before.
    exit : str or None
        A flag that is 1 in a firm's last year; None takes the last row that the panel has of it.
    degree : int
        Total degree of the probit's polynomial, 1 to 4.
    """

    on: Columns = ()
    exit: ColumnName | None = None
    degree: Annotated[int, Field(ge=1, le=4)] = 3


class Options(TwoStageOptions):
    """The keys of ``method: olley_pakes``.

    Attributes
    ----------
    survival : bool or SurvivalKeys
        The correction for exit.
    """

    survival: bool | SurvivalKeys = False

    @property
    def correction(self) -> SurvivalKeys | None:
        """The correction for exit; None without one."""
        if isinstance(self.survival, SurvivalKeys):
            return self.survival
        return SurvivalKeys() if self.survival else None

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        keys, roles = self.correction, super().roles
        return roles if keys is None else replace(roles, survival=keys.on, exit=keys.exit)

    @model_validator(mode="after")
    def _the_probability_names_each_column_once(self) -> Self:
        keys = self.correction
        for index, name in enumerate(keys.on if keys else ()):
            if name in (*self.state, self.proxy):
                raise mistake(
                    f'"{name}" stands in the probability already',
                    "it rests on the state and the proxy, and on the columns in survival.on",
                    "leave it out",
                    path=("survival", "on", index),
                )
        return self


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    roles = options.roles
    return tuple(dict.fromkeys((*roles.columns, *roles.behind_survival, *options.separately_by)))


def equations(options: Options) -> str:
    """Return the stages in symbols, with the user's columns."""
    keys = options.correction
    return minimising_equations(options, None if keys is None else keys.degree)


def moments(options: Options) -> str:
    """Return the conditions of the stages in symbols, with the user's columns."""
    return minimising_moments(options, survival=options.correction is not None)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate the stages and the TFP of every row that has its inputs.

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
        If a group finds no rung to stand on, the first stage cannot tell labour from productivity, the exit flag
        contradicts the panel, or the probability of survival has no maximum.
    """
    from estimation.productivity.two_stage.fit import fit_two_stage

    return fit_two_stage(name, "olley_pakes", options, _recipe(options), rows=rows, use=use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> TwoStageResampler:
    """Return what re-estimates a fit with other weights on its firms; see `estimation.resamplers.Resampler`."""
    from estimation.productivity.two_stage.fit import two_stage_resampler

    return two_stage_resampler(options, _recipe(options), rows, use, fit)


def _recipe(options: Options) -> Recipe:
    from estimation.productivity.two_stage.rows import Recipe

    keys = options.correction
    return Recipe(
        within=False,
        markov_degree=options.markov_degree,
        common=options.sample == "common",
        survival_degree=0 if keys is None else keys.degree,
    )
