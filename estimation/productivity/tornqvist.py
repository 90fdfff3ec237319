"""Multilateral index numbers: each firm against a hypothetical average firm, with its own shares as weights.

With s_ij the share of input j in the output of row i, and a bar for the mean over the group's rows,

    ln TFP_i = (y_i - mean y) - sum over j of 1/2 (s_ij + mean s_j)(x_ij - mean x_j)

(Caves, Christensen and Diewert, 1982: their multilateral index, for one output). Any two firms are compared through the
average firm, so that comparisons are transitive; between two firms alone it is Tornqvist's index. It is exact for a
translog technology with constant returns whose second-order coefficients are common; no parameter of it is estimated.
`chained` compares within each year with that year's average firm and chains the average firms through time (Good,
Nadiri and Sickles, 1997):

    ln TFP_it = (y_it - mean y_t) - sum over j of 1/2 (s_ijt + mean s_jt)(x_ijt - mean x_jt) + D_t,
    D_t - D_(t-1) = change in mean y - sum over j of 1/2 (mean s_jt + mean s_j(t-1)) (change in mean x_j),

with D zero in the first year.

References
----------
Caves, D. W., Christensen, L. R. and Diewert, W. E. (1982). Multilateral comparisons of output, input, and productivity
using superlative index numbers. Economic Journal 92(365), 73-86.

Good, D. H., Nadiri, M. I. and Sickles, R. C. (1997). Index number and factor demand approaches to the estimation of
productivity. In M. H. Pesaran and P. Schmidt (eds.), Handbook of Applied Econometrics, vol. 2, 14-80. Blackwell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from estimation.extras import Extras
from estimation.productivity.index_numbers.options import ShareOptions

if TYPE_CHECKING:
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "resampler"]


class Options(ShareOptions):
    """The keys of ``method: tornqvist``.

    Attributes
    ----------
    chained : bool
        One average firm a year, chained through time, instead of one for all rows.
    """

    chained: bool = False


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the index needs."""
    return options.columns


def equations(options: Options) -> str:
    """Return the index in symbols, with the user's columns."""
    share = {name: options.shares.get(name, f"s[{name}]") for name in (*options.free, *options.state)}
    mean = "mean[{}](t)" if options.chained else "mean[{}]"
    terms = " - ".join(
        f"1/2 ({column}(t) + {mean.format(column)}) ({name}(t) - {mean.format(name)})" for name, column in share.items()
    )
    left_over = " - ".join(column for name, column in share.items() if name != options.rest)
    lines = [f"{options.output}(t) - {mean.format(options.output)} - {terms}"]
    if options.chained:
        steps = " - ".join(
            f"1/2 (mean[{column}](t) + mean[{column}](t-1)) (mean[{name}](t) - mean[{name}](t-1))"
            for name, column in share.items()
        )
        lines.append(f"plus, summed over years: mean[{options.output}](t) - mean[{options.output}](t-1) - {steps}")
    return "\n".join([*lines, f"{share[options.rest]} = 1 - {left_over}"])


def moments(options: Options) -> str:
    """Return what the index takes from the sample: means."""
    names = dict.fromkeys((options.output, *options.free, *options.state))
    of = ", those of the year t" if options.chained else ""
    return f"none but means: E[x(t) - mean[x]] = 0{of}, x: {', '.join(names)} and the shares"


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Compute the index of every row that has its inputs and its shares.

    The coefficients of the record are the average firm's shares. The influence functions are those of the means: the
    average firm is that of a sample, and a second stage carries this over. Rows with a share outside (0, 1), or with
    shares that leave nothing for the state, have no value; they are counted and named.

    Parameters
    ----------
    name : str
        The key in the spec.
    options : Options
    rows : Selection
        All n rows of the panel, with the columns of `columns(options)`.
    use : (n,) bool array
        Rows that the entry's own `where` keeps: the average firm is theirs.
    extras : str
        Whether the elasticities of every row, its own shares, are wanted too.

    Returns
    -------
    ProductivityFit

    Raises
    ------
    EstimationError
        If not even all rows together have enough firms with shares.
    """
    from estimation.productivity.index_numbers.multilateral import fit_tornqvist

    return fit_tornqvist(name, options, rows, use, chained=options.chained, extras=extras)


def resampler(options: Options, rows: Selection, use: BoolArray, fit: ProductivityFit) -> Resampler:
    """Return what makes the average firms again with other weights on the firms.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    """
    from estimation.productivity.index_numbers.multilateral import tornqvist_resampler

    return tornqvist_resampler(options, rows, use, fit, chained=options.chained)
