"""A regression in levels, one row or several a firm: ``design: cross_section``. Table 1 of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from estimation.designs.compared_options import compared
from estimation.designs.formula_options import answer, columns, question
from estimation.designs.instrumented_options import InstrumentedOptions, fit_instrumented
from estimation.designs.instrumented_options import equations as linear_equations
from estimation.designs.methods import (
    CHOICE,
    NONLINEAR,
    check_method,
    columns_as_terms,
    nonlinear_equations,
    quantiles_of,
    shown,
)
from specs.fields import Checked, FormulaField, mistake
from specs.formula import Formula

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.design_draws import DesignResampler
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "resampler", "wild"]

MEDIAN = (0.5,)

_QUANTILE = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "errorMessage": "not a quantile"}
_QUANTILES = {"type": "array", "items": _QUANTILE, "minItems": 1, "lengthErrorMessage": "an empty list"}
QuantilesField = Annotated[
    tuple[float, ...] | None,
    Checked(quantiles_of, shown, _QUANTILES),
]


def _without_effects(formula: Formula) -> Formula:
    if formula.bar is not None:
        raise mistake(
            "effects behind the bar",
            "a cross-section absorbs none",
            "write them as terms: tfp ~ ai + nace + year",
            offset=formula.bar,
        )
    return formula


class Options(InstrumentedOptions):
    """The keys of a cross-section: those of `InstrumentedOptions`, without effects behind the bar.

    Attributes
    ----------
    quantiles : tuple of float or None
        Of ``method: quantile``; the first is the model's own estimate.
    """

    design: Literal["cross_section"] = "cross_section"
    method: Literal["ols", "iv", "logit", "probit", "quantile"] = "ols"
    formula: Annotated[FormulaField, AfterValidator(_without_effects)]
    quantiles: QuantilesField = None

    @model_validator(mode="after")
    def _method_has_its_keys(self) -> Self:
        check_method(self, self.quantiles)
        if self.method == "quantile" and self.quantiles is None:
            # Defaults are written into the spec of the bundle; this one is of one method alone.
            object.__setattr__(self, "quantiles", MEDIAN)
        return self

    @property
    def quantiles_asked(self) -> tuple[float, ...]:
        """The quantiles; the median unless others are named."""
        return self.quantiles or MEDIAN

    def term_names(self) -> tuple[str, ...]:
        """Return the factors, and the constant; of a logit or a probit the columns, whose effects are its terms."""
        return columns_as_terms(self) if self.method in CHOICE else super().term_names()


def equations(options: Options) -> str:
    """Return what is estimated, in symbols."""
    if options.method in NONLINEAR:
        return nonlinear_equations(options, options.quantiles_asked)
    return linear_equations(options)


@compared
def fit(
    name: str,
    options: Options,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None = None,
) -> Estimates:
    """Estimate the model.

    Parameters
    ----------
    name : str
        Its key in the spec.
    options : Options
    rows : Selection
        The rows of the model's `where`, with `columns(options)`.
    first_stage : ProductivityFit or None
        Where the same spec estimated the outcome.
    panel : Selection, optional
        The clustering columns on all rows of the panel: where clusters are coarser than the firm, they
        place the firms that only the first stage sees.

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If the model cannot be estimated; the message names the terms, columns or levels.
    """
    # numpy and scipy load here
    asked, drawn = question(name, options), options.errors.bootstrap is not None
    if options.method == "iv":
        return fit_instrumented(name, options, rows, first_stage, panel)
    if options.method in CHOICE:
        from estimation import choice

        return choice.estimate(options.method, asked, rows, first_stage, drawn=drawn)
    if options.method == "quantile":
        from estimation import quantile

        return quantile.estimate(options.quantiles_asked, asked, rows, first_stage, drawn=drawn)
    return answer(name, options, rows, first_stage, panel)


def resampler(options: Options, rows: Selection, first_stage: ProductivityFit | None) -> DesignResampler:
    """Return what estimates the model again with other weights on its firms.

    Parameters
    ----------
    options, rows, first_stage
        As in `fit`; first_stage where the outcome is drawn with the rest.

    Raises
    ------
    EstimationError
        As `fit` does.
    """
    from estimation import choice_draws, quantile_draws, regression

    asked = question("", options)
    if options.method == "iv":
        from estimation.iv.answer import redrawable_instrumented

        return redrawable_instrumented(asked, options.instruments, rows, first_stage)
    if options.method in CHOICE:
        return choice_draws.redrawable(options.method, asked, rows)
    if options.method == "quantile":
        return quantile_draws.redrawable(options.quantiles_asked, asked, rows, first_stage)
    return regression.redrawable(asked, rows, first_stage)


def wild(options: Options, rows: Selection, estimates: Estimates, seed: int) -> Estimates:
    """Return the estimates with p-values and intervals of a wild cluster bootstrap.

    Parameters
    ----------
    options, rows
        As in `fit`; errors with `wild`.
    estimates : Estimates
        What `fit` returned.
    seed : int

    Raises
    ------
    EstimationError
        If there are too many clusters, or too many levels of effects that cut through them.
    """
    from estimation.regression_wild import wild_bootstrapped

    assert options.errors.wild is not None
    return wild_bootstrapped(question("", options), rows, estimates, options.errors.wild.draws, seed)
