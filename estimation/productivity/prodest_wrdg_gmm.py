"""Replica of ``prodestWRDG_GMM`` of R prodest 1.0.1, a biased form of Wooldridge (2009), for published numbers.

With C(t) the raw monomials of degree 2 in (k(t), m(t)), k(t) itself among them,

    (1) y(t) = a1 + l(t) bl + k(t) bk + [the other monomials](t) lambda1 + e(t),    instruments 1, l(t), C(t),
    (2) y(t) = a2 + l(t) bl + k(t) bk + C(t-1) lambda2 + u(t),                      instruments 1, l(t-1), k(t), C(t-1),

one step with W = blockdiag(Z1'Z1, Z2'Z2)^-1, on the rows with a year before. What is wrong with it:

- **The coefficient of k(t) in equation 1 is forced to be bk.** It is bk plus the slope of the control function in k,
  which Wooldridge leaves free; the restriction biases bk (by -0.22 at 0.4 in the recorded simulation).
- **It depends on units.** The linear coefficient of a raw polynomial changes with the origin of the logs, so thousands
  instead of euros give other elasticities.
- **Its standard errors are too large**, by about the square root of two: the squared residuals of both equations are
  added up and divided by the rows of one. They are not clustered either.

The package announces two steps. Its second weight is u'u Z'Z, which is the first one's but for a factor that cancels,
and so its first step, whose weight keeps the diagonal of (Z'Z)^-1 alone, leaves no trace.

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
    "replica of prodestWRDG_GMM of R prodest 1.0.1, to reproduce what it prints: it forces the coefficient of the "
    "state in equation 1 to be its elasticity, which biases it, depends on the units of the inputs, and has standard "
    "errors that are the square root of two times the classical ones of the same estimate and take a firm's years for "
    "independent (clustered_std_error among the diagnostics does neither); method: wooldridge is the estimator that it "
    "was meant to be",
)


class Options(ReplicaOptions):
    """The keys of ``method: prodest_wrdg_gmm``."""


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.roles.columns


def equations(options: Options) -> str:
    """Return the system in symbols, with the user's columns."""
    shared = " + ".join(f"b[{name}] {name}(t)" for name in (*options.free, *options.state))
    polynomial = ", ".join((*options.state, options.proxy))
    free = ", ".join(options.free)
    state = ", ".join(options.state)
    return (
        f"(1) {options.output}(t) = a1 + {shared} + C'(t) lambda1 + e1(t), instruments: 1, {free}(t), C(t)\n"
        f"(2) {options.output}(t) = a2 + {shared} + C(t-1) lambda2 + e2(t), "
        f"instruments: 1, {free}(t-1), {state}(t), C(t-1)\n"
        f"C: the raw monomials of ({polynomial}) up to degree 2; C': C without {state}"
    )


def moments(options: Options) -> str:
    """Return the moment conditions in symbols, with the user's columns."""
    now, before = (", ".join(f"{name}({time})" for name in options.free) for time in ("t", "t-1"))
    state = ", ".join(f"{name}(t)" for name in options.state)
    return f"(1) E[e1(t) (1, {now}, C(t))'] = 0\n(2) E[e2(t) (1, {before}, {state}, C(t-1))'] = 0"


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Estimate as the package does, and the TFP of every row that has its inputs.

    The covariance is the package's own. The influence functions are those of the estimate, by firm, so that a second
    stage carries its actual uncertainty.

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
    from estimation.productivity.replicas.prodest import estimate_wrdg_gmm, fit_replica

    return fit_replica(
        name, "prodest_wrdg_gmm", options, rows, use, estimate=estimate_wrdg_gmm, notes=NOTES, extras=extras
    )
