"""How survey and accounts meet, as models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from specs.fields import Columns, OptionsModel
from specs.files import FilesField
from specs.spans import Shares

__all__ = ["BridgeSpec", "LinkSpec", "PropensitySpec"]


class BridgeSpec(OptionsModel):
    """Which legal units make up an enterprise, and from when to when.

    Attributes
    ----------
    files : FileSet
        As those of accounts.
    layout : str
        The name of a layout, or the path of a YAML file of one's own.
    """

    files: FilesField
    layout: str = Field(default="bridge", min_length=1)


class PropensitySpec(OptionsModel):
    """Weights that make up for the respondents that found no accounts.

    Attributes
    ----------
    covariates : tuple of str
        Columns of the survey, or `size_class`.
    trim : (float, float)
        The quantiles to which weights are drawn in.
    """

    covariates: Annotated[Columns, Field(min_length=1)]
    trim: Shares = (0.01, 0.99)


class LinkSpec(OptionsModel):
    """How the survey meets the accounts: on the firm's number.

    Attributes
    ----------
    on : str
    bridge : BridgeSpec or None
        The survey's units are enterprises, the rows of the accounts legal units.
    propensity : PropensitySpec or None
    """

    on: Literal["firm"] = "firm"
    bridge: BridgeSpec | None = None
    propensity: PropensitySpec | None = None
