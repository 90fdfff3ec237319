"""Replica of ``prodestWRDG`` of R prodest 1.0.1, a biased form of Wooldridge (2009), for published numbers.

With C(t) the raw monomials of degree 2 in (k(t), m(t)), both equations are stacked with all coefficients in common,

    y(t) = a + l(t) bl + k(t) bk + C(t) lambda + e(t),
    y(t) = a + l(t) bl + k(t) bk + C(t-1) lambda + u(t),

on the rows with a year before, and estimated by hand in two least-squares steps: l(t) on l(t-1), k(t) and C(t) or
C(t-1) without a constant, over both halves; then y on a constant, the fitted l(t), k(t) and C. What is wrong with it:

- **One vector lambda for C(t) and C(t-1).** Productivity would then be its own forecast: the law of motion is a random
  walk without drift. Where it reverts to a mean, labour is biased (bl by -0.21 at 0.6 in the recorded simulation).
- **Labour in equation 1 is instrumented by its lag**, where it needs no instrument.
- **The first step has no constant and the second has**, so that the estimate depends on the units of the inputs.
- **Its standard errors are those of the second step**: residuals from the fitted instead of the actual labour, every
  firm-year counted twice as if independent, no clusters.

References
----------
Rovigatti, G. and Mollisi, V. (2018). Theory and practice of total-factor productivity estimation: the control function
approach using Stata. Stata Journal 18(3), 618-662. The R package: prodest 1.0.1.

Wooldridge, J. M. (2009). On estimating firm-level production functions using proxy variables to control for
unobservables. Economics Letters 104(3), 112-114.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.extras import Extras
from estimation.productivity.replicas.options import ReplicaOptions

if TYPE_CHECKING:
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["NOTES", "Options", "columns", "equations", "fit", "moments"]

NOTES = (
    "replica of prodestWRDG of R prodest 1.0.1, to reproduce what it prints: it takes one coefficient vector for C(t) "
    "and C(t-1), which biases the elasticities where productivity reverts to its mean, depends on the units of the "
    "inputs, and has the standard errors of a second least-squares step; method: wooldridge is the estimator that it "
    "was meant to be",
)


class Options(ReplicaOptions):
    """The keys of ``method: prodest_wrdg``."""


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.roles.columns


def equations(options: Options) -> str:
    """Return the stacked equations in symbols, with the user's columns."""
    shared = " + ".join(f"b[{name}] {name}(t)" for name in (*options.free, *options.state))
    free, state = ", ".join(options.free), ", ".join(options.state)
    lines = [
        f"({number}) {options.output}(t) = a + {shared} + C({time}) lambda + e{number}(t), "
        f"instruments of {free}(t): {free}(t-1), {state}(t), C({time})"
        for number, time in ((1, "t"), (2, "t-1"))
    ]
    polynomial = ", ".join((*options.state, options.proxy))
    return "\n".join(
        [*lines, f"C: the raw monomials of ({polynomial}) up to degree 2; stacked, all coefficients shared"]
    )


def moments(options: Options) -> str:
    """Return the moment conditions of the stacked equations in symbols, with the user's columns."""
    free, state = (", ".join(f"{name}({{}})" for name in names) for names in (options.free, options.state))
    return (
        "\n".join(
            f"({number}) E[e{number}(t) (1, {free.format(*['t-1'] * len(options.free))}, "
            f"{state.format(*['t'] * len(options.state))}, C({time}))'] = 0"
            for number, time in ((1, "t"), (2, "t-1"))
        )
        + "\nboth in one sum: the coefficients are shared"
    )


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate as the package does, and the TFP of every row that has its inputs.

    The covariance is the package's own. The influence functions are those of the estimate, by firm, both steps in
    them, so that a second stage carries its actual uncertainty.

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
        If fewer than two firms have a year before, or the design is rank-deficient.
    """
    from estimation.productivity.replicas.prodest import estimate_wrdg, fit_replica

    return fit_replica(name, "prodest_wrdg", options, rows, use, estimate=estimate_wrdg, notes=NOTES, extras=extras)
