"""How the accounts are cleaned, as models: each key of ``panel.clean``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specs.fields import Columns, ExpressionField, OptionsModel
from specs.spans import Months, Shares

__all__ = ["CleanSpec", "TrimSpec"]


class TrimSpec(OptionsModel):
    """Outliers: rows beyond quantiles of some ratios, within cells.

    Attributes
    ----------
    of : tuple of Expression
    by : tuple of str
        The cells within which quantiles are taken; none for all rows.
    quantiles : (float, float)
    action : str
        ``drop`` the row, ``blank`` the value, or ``winsorise`` it.
    """

    of: Annotated[tuple[ExpressionField, ...], Field(min_length=1)]
    by: Columns = ()
    quantiles: Shares = (0.01, 0.99)
    action: Literal["drop", "blank", "winsorise"] = "drop"


class CleanSpec(OptionsModel):
    """Cleaning of the accounts.

    Attributes
    ----------
    months : (int, int) or None
        Accounting periods kept; their flows are annualised.
    trim : TrimSpec or None
    """

    months: Months | None = None
    trim: TrimSpec | None = None
