"""Elasticities from first-order conditions: an input's cost over output is its elasticity.

A firm that takes prices and minimises cost with respect to an input chooses it so that its elasticity is its cost over
output. With constant returns the elasticities add to one, and a state whose cost is not observed takes the rest:

    b_j = the average of s_j over the group's rows,    b_rest = 1 - the others.

No equation is estimated, so that no input needs to be exogenous; what is needed is that prices are taken, that the
input is adjusted freely, and constant returns. Market power over buyers lowers the shares of all inputs in output by
the markup, and the state then takes profits with the rest (Hall, 1988).

References
----------
Solow, R. M. (1957). Technical change and the aggregate production function. Review of Economics and Statistics 39(3),
312-320. Equations (2) and (3).

Syverson, C. (2011). What determines productivity? Journal of Economic Literature 49(2), 326-365. Section 2.2.

Hall, R. E. (1988). The relation between price and marginal cost in U.S. industry. Journal of Political Economy 96(5),
921-947.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from estimation.extras import Extras
from estimation.productivity.index_numbers.options import ShareOptions

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]


class Options(ShareOptions):
    """The keys of ``method: cost_shares``.

    Attributes
    ----------
    average : str
        ``mean`` of the rows' shares, or their ``median``.
    """

    average: Literal["mean", "median"] = "mean"


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the estimate needs."""
    return options.columns


def equations(options: Options) -> str:
    """Return the elasticities in symbols, with the user's columns."""
    inputs = [name for name in (*options.free, *options.state) if name in options.shares]
    lines = [f"b[{name}] = {options.average} of {options.shares[name]}" for name in inputs]
    return "\n".join([*lines, f"b[{options.rest}] = 1 - {' - '.join(f'b[{name}]' for name in inputs)}"])


def moments(options: Options) -> str:
    """Return what the elasticities are of the sample's cost shares."""
    inputs = [name for name in (*options.free, *options.state) if name in options.shares]
    if options.average == "mean":
        return "\n".join(f"E[{options.shares[name]}(t) - b[{name}]] = 0" for name in inputs)
    return "\n".join(f"E[1({options.shares[name]}(t) <= b[{name}]) - 1/2] = 0" for name in inputs)


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Average the shares by group, and write the TFP of every row that has its inputs.

    Rows with a share outside (0, 1) are left out of the average, counted and named. Intervals are clustered by firm.

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
        If not even all rows together have enough firms, or the average shares leave nothing for the state.
    """
    from estimation.productivity.index_numbers.average_shares import fit_cost_shares

    return fit_cost_shares(name, options, rows, use, average=options.average, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> Resampler:
    """Return what averages again with other weights on the firms.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    """
    from estimation.productivity.index_numbers.average_shares import cost_shares_resampler

    return cost_shares_resampler(options, rows, use, fit, average=options.average)
