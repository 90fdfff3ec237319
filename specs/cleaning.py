"""How the accounts are cleaned, as models: each key of ``panel.clean``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specs.fields import Columns, ExpressionField, OptionsModel
from specs.spans import Months, Shares

__all__ = ["CapitalSpec", "CleanSpec", "JumpSpec", "TrimSpec"]


class TrimSpec(OptionsModel):
    """Outliers: rows beyond quantiles of some ratios, within cells.

    Attributes
    ----------
    of : tuple of Expression
        The columns, or ratios of columns, whose tails are trimmed.
    by : tuple of str
        The cells within which quantiles are taken; none for all rows.
    quantiles : (float, float)
        The lower and the upper one, shares from 0 to 1.
    action : str
        ``drop`` the row, ``blank`` the value, or ``winsorise`` it.
    """

    of: Annotated[tuple[ExpressionField, ...], Field(min_length=1)]
    by: Columns = ()
    quantiles: Shares = (0.01, 0.99)
    action: Literal["drop", "blank", "winsorise"] = "drop"


class JumpSpec(OptionsModel):
    """Rows whose logarithm has moved by more than a bound since the year before: mergers, splits, slips of units.

    Attributes
    ----------
    of : tuple of Expression
        The columns, or ratios of columns, whose change from year to year is looked at.
    above : float
        In logs.
    action : str
        ``drop`` the row, ``blank`` the numbers that the value is made of, or drop the ``firm`` with all its rows.
    """

    of: Annotated[tuple[ExpressionField, ...], Field(min_length=1)]
    above: Annotated[float, Field(gt=0, le=20)] = 1.5
    action: Literal["drop", "blank", "firm"] = "drop"


class CapitalSpec(OptionsModel):
    """Capital by the perpetual inventory method, as a column beside the book value: ``capital_pim``.

    Attributes
    ----------
    depreciation : float
        The share of the stock that is gone after a year.
    stock, investment : str
        The amounts at constant prices that it starts from and that are added to it.
    """

    depreciation: Annotated[float, Field(gt=0, lt=1)]
    stock: Annotated[str, Field(min_length=1)] = "capital"
    investment: Annotated[str, Field(min_length=1)] = "investment"


class CleanSpec(OptionsModel):
    """Cleaning of the accounts, in this order.

    Attributes
    ----------
    numbers : str
        ``as_given``, or ``enterprise``: Belgian enterprise numbers, brought to ten digits and checked.
    filings : str or None
        Several filings of a firm for one accounting year: the ``latest`` counts, or they are refused. None: the latest
        where the layout says which one that is.
    year : str
        The year of an accounting period: that in which it closes (``closing``), the one before if it closes before
        June (``orbis``), or each calendar year its share (``calendar``).
    periods : str
        Two accounting periods of a firm in one year: their ``sum`` if together they are about twelve months, else the
        longest; the ``longest``; or they are refused.
    months : (int, int) or None
        Accounting periods kept; their flows are annualised.
    minimum_employees : float or None
    missing_intermediates : str
        ``keep`` or ``drop`` rows without materials.
    require : tuple of Expression
        Conditions on columns of the accounts; rows for which one is false or not known leave.
    trim : TrimSpec or None
    jumps : JumpSpec or None
    capital : CapitalSpec or None
    """

    numbers: Literal["as_given", "enterprise"] = "as_given"
    filings: Literal["latest", "refuse"] | None = None
    year: Literal["closing", "orbis", "calendar"] = "closing"
    periods: Literal["sum", "longest", "refuse"] = "refuse"
    months: Months | None = None
    minimum_employees: Annotated[float, Field(gt=0)] | None = None
    missing_intermediates: Literal["keep", "drop"] = "keep"
    require: tuple[ExpressionField, ...] = ()
    trim: TrimSpec | None = None
    jumps: JumpSpec | None = None
    capital: CapitalSpec | None = None
