"""De Loecker and Warzynski (2012): the markup of price over marginal cost, from the elasticities of another entry.

A firm that takes the price of an input as given and chooses it within the year has

    mu(t) = theta(t) / alpha(t),    alpha(t) = expenditure(t) / (revenue(t) exp(-eps(t))),

with theta the output elasticity of the input and alpha its share in revenue, the transitory error eps = y - Phi taken
out of revenue because the firm did not know it when it chose. Revenue TFP mixes prices with efficiency; the markup is
the part of prices that this can see.

References
----------
De Loecker, J. and Warzynski, F. (2012). Markups and firm-level export status. American Economic Review 102(6),
2437-2471. Equations (6), (7) and (16).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from estimation.extras import Extras
from specs.fields import ColumnName, ExpressionField, OptionsModel, mistake

if TYPE_CHECKING:
    from estimation.productivity.markup_draws import MarkupResampler
    from estimation.resamplers import Resampler
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments", "parents", "resampler"]


class Options(OptionsModel):
    """The keys of ``method: markup``.

    Attributes
    ----------
    of : str
        The productivity entry whose elasticities and transitory error are taken.
    input : str
        One of its free inputs: log labour.
    expenditure, revenue : str
        What the firm paid for the input, and its output in money of the same year (value added where the entry's
        output is value added): amounts, not logs.
    level : str
        ``log`` or ``level``.
    where : Expression or None
        Rows that get a value.
    """

    of: ColumnName
    input: ColumnName
    expenditure: ColumnName
    revenue: ColumnName
    level: Literal["log", "level"] = "log"
    where: ExpressionField | None = None

    @model_validator(mode="after")
    def _two_amounts(self) -> Self:
        if self.expenditure == self.revenue:
            raise mistake(
                f'"{self.revenue}" is expenditure and revenue',
                "a share of one in every row is no share",
                "name two columns",
                path=("revenue",),
            )
        return self


def parents(options: Options) -> Mapping[str, str]:
    """Return the productivity entries that this one is made of, by the key that names them."""
    return {"of": options.of}


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the value needs."""
    return tuple(dict.fromkeys((options.input, options.expenditure, options.revenue)))


def equations(options: Options) -> str:
    """Return the definition in symbols."""
    of = options.of
    ratio = f"theta[{options.input}](t) {options.revenue}(t) exp(-eps(t)) / {options.expenditure}(t)"
    value = f"log({ratio})" if options.level == "log" else ratio
    return f"{value}\ntheta and eps: the output elasticity and the transitory error y - Phi of {of}"


def moments(options: Options) -> str:
    """Return whose moment conditions stand behind it."""
    return f"none of its own: theta and eps are those of {options.of}"


def fit(
    name: str,
    options: Options,
    rows: Selection,
    use: BoolArray,
    *,
    parents: Mapping[str, ProductivityFit],
    extras: Extras = "",
) -> ProductivityFit:
    """Return the markup of every row that has an elasticity, a transitory error and the two amounts.

    Parameters
    ----------
    name : str
        The key in the spec.
    options : Options
    rows : Selection
        All n rows of the panel, with the columns of `columns(options)`.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    parents : mapping of str to ProductivityFit
        The entry `of`, fitted with its extras.
    extras : str
        There are none.

    Returns
    -------
    ProductivityFit
        One coefficient a group: the average; its groups are those of the entry `of`.

    Raises
    ------
    EstimationError
        If no row has a value.
    """
    from estimation.productivity.markup_values import markups

    return markups(name, options, rows, use, parents[options.of])


def resampler(
    options: Options,
    rows: Selection,
    use: BoolArray,
    fit: ProductivityFit,
    *,
    parents: Mapping[str, tuple[ProductivityFit, Resampler]],
) -> MarkupResampler:
    """Return what draws the markups again: of every draw of the entry behind, its elasticities and transitory error.

    Parameters
    ----------
    options, rows, use
        As in `fit`.
    fit : ProductivityFit
        What it returned.
    parents : mapping of str to (ProductivityFit, Resampler)
        The entry `of`, fitted with its extras, and what draws it again.
    """
    from estimation.productivity.markup_draws import MarkupResampler

    return MarkupResampler(options, rows, use, fit, *parents[options.of])
