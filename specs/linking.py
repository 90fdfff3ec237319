"""How survey and accounts meet, as models."""

from __future__ import annotations

from typing import Literal

from specs.fields import OptionsModel

__all__ = ["LinkSpec"]


class LinkSpec(OptionsModel):
    """How the survey meets the accounts: on the firm's number."""

    on: Literal["firm"] = "firm"
