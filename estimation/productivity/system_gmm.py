"""Blundell and Bond (2000): a dynamic production function by system GMM, with the common-factor restrictions.

With productivity a firm effect plus an AR(1), y = l bl + k bk + a + w and w(t) = rho w(t-1) + xi(t),

    y(t) = rho y(t-1) + l(t) bl + l(t-1) gl + k(t) bk + k(t-1) gk + d(t) lambda + a* + xi(t),
    gl = -rho bl,  gk = -rho bk.

Estimated without the restrictions from two equations with one set of coefficients (Arellano and Bover, 1995;
Blundell and Bond, 1998): in first differences, instrumented by levels of y, l, k from `lags` years before, and in
levels, instrumented by the last differences that the levels' lags allow. Then rho, bl and bk by minimum distance.

The first step weighs by (Z'Z)^-1, as Blundell and Bond (2000) do; the second by the moments' covariance, clustered by
firm. The levels among the instruments stand in deviations from their means: the moments hold either way, and the
estimate does not depend on units.

References
----------
Blundell, R. and Bond, S. (2000). GMM estimation with persistent panel data: an application to production functions.
Econometric Reviews 19(3), 321-340. Equations (2.1) to (2.3).

Arellano, M. and Bond, S. (1991). Some tests of specification for panel data. Review of Economic Studies 58(2), 277-297.
The tests of serial correlation, equation (8).

Roodman, D. (2009). A note on the theme of too many instruments. Oxford Bulletin of Economics and Statistics 71(1),
135-158. The collapsed instruments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator

from estimation.extras import Extras
from estimation.productivity.common.options import ProductionFunctionOptions
from specs.fields import as_written, mistake

if TYPE_CHECKING:
    from estimation.productivity.firm_effects.dynamic_estimate import DynamicRules
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]

FIRST_LAG = 2
"""The differenced error of t holds the error of t-1, and what moves with it."""


def _shown(value: Any) -> str:
    return f"[{', '.join(as_written(one) for one in value)}]" if isinstance(value, (tuple, list)) else as_written(value)


def _lags(value: Any) -> tuple[int, int]:
    whole = isinstance(value, (tuple, list)) and all(
        isinstance(one, int) and not isinstance(one, bool) for one in value
    )
    if not whole or len(value) != 2:
        raise mistake(f"two whole numbers are wanted, not {_shown(value)}", "", "write [2, 3]: from lag 2 to lag 3")
    first, last = value
    if first < FIRST_LAG:
        raise mistake(
            f"lag {first}",
            "what is less than two years old moves with the differenced error",
            "write [2, 3]",
            path=(0,),
        )
    if last < first:
        raise mistake(f"lag {last} comes before lag {first}", "", f"write [{last}, {first}]", path=(1,))
    return first, last


Lags = Annotated[
    tuple[int, int],
    PlainValidator(_lags),
    PlainSerializer(list),
    WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": 2}, "minItems": 2, "maxItems": 2}),
]


class Options(ProductionFunctionOptions):
    """The keys of ``method: system_gmm``.

    Attributes
    ----------
    lags : tuple of (int, int)
        The first and the last lag of y, l and k that instrument the differences. With measurement error begin at 3.
    collapse : bool
        One instrument a lag and column instead of one a year as well.
    steps : int
        1, or 2 with the efficient weight.
    windmeijer : bool
        Whether the covariance of two steps counts the uncertainty of the weight.
    """

    lags: Lags = (2, 3)
    collapse: bool = True
    steps: Annotated[int, Field(ge=1, le=2)] = 2
    windmeijer: bool = True

    @model_validator(mode="after")
    def _has_a_weight_to_correct(self) -> Self:
        if self.steps == 1 and "windmeijer" in self.model_fields_set and self.windmeijer:
            raise mistake(
                "windmeijer does not go with steps: 1",
                "one step has no estimated weight",
                "leave one out",
                path=("windmeijer",),
                at_key=True,
            )
        return self


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.roles.columns


def equations(options: Options) -> str:
    """Return the two equations and the restrictions in symbols, with the user's columns."""
    inputs = (*options.free, *options.state)
    first, last = options.lags
    right = [f"rho {options.output}(t-1)"]
    right += [f"b[{name}] {name}(t) + g[{name}] {name}(t-1)" for name in inputs]
    right += [f"lambda[{name}] {name}(t)" for name in options.controls]
    names = ", ".join((options.output, *inputs))
    spread = f"t-{first}" if first == last else f"t-{first} to t-{last}"
    held = ", ".join(["the constant", *options.controls])
    return (
        f"{options.output}(t) = {' + '.join(right)} + a[firm] + e(t)\n"
        f"(1) in first differences, instruments: {names} of {spread}\n"
        f"(2) in levels, instruments: differences of {names} of t-{first - 1}; {held}\n"
        f"then by minimum distance: {', '.join(f'g[{name}] = -rho b[{name}]' for name in inputs)}"
    )


def moments(options: Options) -> str:
    """Return the moment conditions in symbols, with the user's columns."""
    names, (first, last) = (options.output, *options.free, *options.state), options.lags
    past = f"s = t-{first}" if first == last else f"s = t-{first} to t-{last}"
    levels = ", ".join(f"{name}(s)" for name in names)
    changes = ", ".join(f"{name}(t-{first - 1}) - {name}(t-{first})" for name in names)
    held = ", ".join(["1", *(f"{name}(t)" for name in options.controls)])
    each = "" if options.collapse else ", a condition for each year t"
    return (
        f"(1) E[(e(t) - e(t-1)) ({levels})'] = 0, {past}{each}\n"
        f"(2) E[(a[firm] + e(t)) ({changes})'] = 0{each}; E[(a[firm] + e(t)) ({held})'] = 0"
    )


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate the system, impose the restrictions, and write the TFP of every row that has its inputs.

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
        Hansen's J is that of the system; the tests of the restrictions and of serial correlation are among the
        diagnostics, with the unrestricted coefficients. The residual contains the firm's effect: it is productivity.

    Raises
    ------
    EstimationError
        If too few firms have enough years in a row, or the instruments do not move the regressors apart.
    """
    from estimation.productivity.firm_effects.dynamic_estimate import fit_system_gmm

    return fit_system_gmm(name, options, _rules(options), rows, use, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> Resampler:
    """Return what estimates the entry again with other weights on its firms.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    """
    from estimation.productivity.firm_effects.dynamic_estimate import system_gmm_resampler

    return system_gmm_resampler(options, _rules(options), rows, use)


def _rules(options: Options) -> DynamicRules:
    from estimation.productivity.firm_effects.dynamic_estimate import DynamicRules

    return DynamicRules(options.lags, options.collapse, options.steps, options.windmeijer)
