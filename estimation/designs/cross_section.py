"""A regression in levels, one row or several a firm: ``design: cross_section``. Table 1 of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from estimation.designs.formula_options import FormulaOptions, answer, columns, equations, question
from specs.fields import FormulaField, as_written, mistake
from specs.formula import Formula

if TYPE_CHECKING:  # arrays are loaded where a model is fitted, so that `check` and `--help` stay light
    from estimation.design_draws import DesignResampler
    from estimation.results import Estimates, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "resampler", "wild"]

METHODS = ("ols",)
LATER_METHODS = ("iv", "quantile", "logit", "probit")


def _method(value: Any) -> Any:
    if value in LATER_METHODS:
        raise mistake(f"method {as_written(value)} comes later", "", f"available now: {', '.join(METHODS)}")
    return value


def _without_effects(formula: Formula) -> Formula:
    if formula.bar is not None:
        raise mistake(
            "effects behind the bar",
            "a cross-section absorbs none",
            "write them as terms: tfp ~ ai + nace + year",
            offset=formula.bar,
        )
    return formula


class Options(FormulaOptions):
    """The keys of a cross-section: those of `FormulaOptions`, without effects behind the bar."""

    design: Literal["cross_section"] = "cross_section"
    method: Annotated[Literal["ols"], BeforeValidator(_method)] = "ols"
    formula: Annotated[FormulaField, AfterValidator(_without_effects)]


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
    return answer(name, options, rows, first_stage, panel)  # numpy and scipy load here


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
