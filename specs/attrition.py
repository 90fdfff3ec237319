"""What a spec says of firms that are lost between the years of a comparison."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from specs.fields import Columns, OptionsModel, mistake

__all__ = ["AttritionSpec"]


class AttritionSpec(OptionsModel):
    """Weights that make the firms that are kept like all that could have been.

    Attributes
    ----------
    covariates : tuple of str
        Measured in the base year; texts by level.
    """

    covariates: Columns

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if not self.covariates:
            raise mistake("an empty list", "nothing would say who is lost", "write covariates: [ln_l, nace]",
                          path=("covariates",))  # fmt: skip
        for place, name in enumerate(self.covariates):
            if name in ("firm", "year"):
                raise mistake(f'"{name}" as a covariate', "it is the same for all, or of one firm alone",
                              "leave it out", path=("covariates", place))  # fmt: skip
        return self
