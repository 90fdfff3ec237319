"""Labour productivity: log output less log labour. Nothing is estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from estimation.extras import Extras
from specs.fields import ColumnName, Columns, ExpressionField, OptionsModel, mistake

if TYPE_CHECKING:
    from estimation.results import BoolArray, ProductivityFit
    from panels.frame import Selection

__all__ = ["Options", "columns", "equations", "fit", "moments"]


class Options(OptionsModel):
    """The keys of ``method: labour_productivity``.

    Attributes
    ----------
    output : str
        Log value added.
    free : tuple of str
        One column: log labour.
    where : Expression or None
        Rows that get a value.
    """

    output: ColumnName
    free: Columns
    where: ExpressionField | None = None

    @model_validator(mode="after")
    def _one_labour_column(self) -> Self:
        if len(self.free) != 1:
            raise mistake(
                f"{len(self.free)} columns",
                "labour productivity is output per one input",
                "name one",
                path=("free",),
            )
        return self


def columns(options: Options) -> tuple[str, ...]:
    """Return the panel columns that the value needs."""
    return (options.output, *options.free)


def equations(options: Options) -> str:
    """Return the definition in symbols."""
    return f"{options.output}(t) - {options.free[0]}(t)"


def moments(options: Options) -> str:
    """Return that nothing is estimated."""
    return f"none: {options.output}(t) - {options.free[0]}(t) is computed, and nothing estimated"


def fit(name: str, options: Options, rows: Selection, use: BoolArray, *, extras: Extras = "") -> ProductivityFit:
    """Return y - l on every row that `where` keeps and that has both.

    Parameters
    ----------
    name : str
        The key in the spec.
    options : Options
    rows : Selection
        All n rows of the panel.
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    extras : str
        What is wanted of every row too, see `estimation.extras`.

    Returns
    -------
    ProductivityFit
        Without groups, parameters or a gradient.

    Raises
    ------
    EstimationError
        If no row has both.
    """
    import numpy as np

    from estimation.productivity.common.inputs import count_missing
    from estimation.results import ProductivityFit
    from specs.errors import EstimationError

    values = rows.number(options.output) - rows.number(options.free[0])
    values[~use] = np.nan
    there = ~np.isnan(values)
    dropped = count_missing(rows, columns(options), use)
    if not there.any():
        told = ", ".join(f"{reason} {count}" for reason, count in dropped.items())
        raise EstimationError(f"productivity.{name}: no row has a value: {told}", dropped)
    return ProductivityFit(
        name=name,
        method="labour_productivity",
        tfp_from="",
        groups=(),
        values=values,
        group_of_row=np.full(len(values), -1, dtype=np.int16),
        in_sample=there,
        gradient=np.zeros((len(values), 0)),
        dropped=dropped,
        options=options.model_dump(),
        n_firms=int(np.unique(rows.firm[there]).size),
    )
