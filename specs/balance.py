"""What a spec says of rows that are to be weighted until treated and untreated ones are alike."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from specs.fields import ColumnName, Columns, OptionsModel, mistake

__all__ = ["BalanceSpec"]


class BalanceSpec(OptionsModel):
    """Weights under which treated and untreated rows have the same means of covariates.

    Attributes
    ----------
    method : str
        ``entropy``: untreated rows are made like the treated; ``overlap``: both are made like the rows that could be
        either.
    covariates : tuple of str
        Texts and ``year`` by level.
    treatment : str or None
        A column of the formula that is 0 or 1; None for the only one.
    """

    method: Literal["entropy", "overlap"]
    covariates: Columns
    treatment: ColumnName | None = None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if not self.covariates:
            raise mistake("an empty list", "nothing would be balanced", "write covariates: [ln_l, nace]",
                          path=("covariates",))  # fmt: skip
        if self.treatment in self.covariates:
            what = f'"{self.treatment}" is the treatment'
            raise mistake(what, "a covariate is something else, the same on both sides",
                          path=("covariates", self.covariates.index(self.treatment)))  # fmt: skip
        return self
