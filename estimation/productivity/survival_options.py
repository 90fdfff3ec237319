"""The key `survival`: what the probability that a firm survives to the next year rests on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from specs.fields import ColumnName, Columns, OptionsModel

__all__ = ["SurvivalOptions", "survival_of"]


class SurvivalOptions(OptionsModel):
    """A correction for exit; ``survival: true`` takes its defaults.

    Attributes
    ----------
    exit : str or None
        A column that is 1 in a firm's last year and 0 before. Without it a firm leaves after its last row in the
        panel, when that is before the panel's last year.
    on : tuple of str
        Columns that the probability rests on beside the state and the proxy, of the year before.
    degree : int
        Total degree of the probit's polynomial, 1 to 4.
    """

    exit: ColumnName | None = None
    on: Columns = ()
    degree: Annotated[int, Field(ge=1, le=4)] = 3


def survival_of(value: bool | SurvivalOptions) -> SurvivalOptions | None:
    """Return the options behind the key's value; None where no correction is asked for."""
    if isinstance(value, SurvivalOptions):
        return value
    return SurvivalOptions() if value else None
