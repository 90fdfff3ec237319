"""A regression within firms, or other effects: ``design: fixed_effects``, ``tfp ~ ai | firm + nace^year``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from estimation.designs.compared_options import compared
from estimation.designs.elsewhere import few_clusters, in_fixest, in_reghdfe
from estimation.designs.formula_options import answer, columns, question
from estimation.designs.instrumented_options import InstrumentedOptions, equations, fit_instrumented
from specs.fields import FormulaField, mistake
from specs.formula import Formula
from specs.uncertainty import Errors, ErrorsField

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.design_draws import DesignResampler
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "resampler", "wild"]


def _with_effects(formula: Formula) -> Formula:
    if not formula.absorbed:
        raise mistake(
            "no effects behind a bar",
            "fixed_effects sweeps them out",
            "write tfp ~ ai | firm + year, or take design: cross_section",
        )
    if not formula.terms:
        raise mistake("no term before the bar", "there is nothing to estimate", "write tfp ~ ai | firm + year")
    return formula


class Options(InstrumentedOptions):
    """The keys of a regression with absorbed effects: those of `InstrumentedOptions`, with effects behind the bar."""

    design: Literal["fixed_effects"] = "fixed_effects"
    method: Literal["ols", "iv"] = "ols"
    formula: Annotated[FormulaField, AfterValidator(_with_effects)]
    errors: ErrorsField = Errors(kind="cluster", cluster=(("firm",),))

    @model_validator(mode="after")
    def _errors_that_there_are(self) -> Self:
        if self.errors.kind in ("HC2", "HC3"):
            raise mistake(
                f"{self.errors.kind} beside effects",
                "the leverage of a row is not known once effects are swept out",
                "write {cluster: [firm]}, or HC1",
                path=("errors",),
            )
        return self


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
        The clustering columns on all rows of the panel.

    Returns
    -------
    Estimates

    Raises
    ------
    EstimationError
        If the model cannot be estimated; the message names the terms, effects or levels.
    """
    from estimation.coding import is_categorical  # numpy and scipy load here

    if options.method == "iv":
        return fit_instrumented(name, options, rows, first_stage, panel)

    found = answer(name, options, rows, first_stage, panel)
    if options.balance is not None:  # the weights are nobody else's
        return found
    asked = options.formula, options.left.label, options.errors, options.weights
    names = {factor.name for term in options.formula.terms for factor in term.factors}
    indicators = {one for one in names if is_categorical(one, rows)}
    told = f"the same elsewhere: {in_fixest(*asked)}; {in_reghdfe(*asked, indicators)}"
    if corrected := few_clusters(options.errors):
        told += f"; then, for the errors, {corrected}"
    if options.errors.kind == "bootstrap":
        told += "; their errors are clustered, not drawn"
    elif found.errors.tfp_uncertainty == "include":
        told += "; their errors lack the first stage's part"
    return replace(found, notes=(*found.notes, told))


def resampler(options: Options, rows: Selection, first_stage: ProductivityFit | None) -> DesignResampler:
    """Return what estimates the model again with other weights on its firms.

    Parameters
    ----------
    options, rows, first_stage
        As in `fit`; first_stage where the outcome is drawn with the rest.

    Raises
    ------
    EstimationError
        As `fit` does; and if effects other than firms have too many levels.
    """
    from estimation.regression import redrawable

    return redrawable(question("", options), rows, first_stage)


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
