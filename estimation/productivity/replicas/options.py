"""The keys of the two replicas of R prodest's Wooldridge estimators, and what is said of both."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from estimation.productivity.common.moments import Roles
from estimation.productivity.common.options import ProductionFunctionOptions
from specs.fields import ColumnName, mistake

__all__ = ["ReplicaOptions"]


class ReplicaOptions(ProductionFunctionOptions):
    """The keys of a replica: the polynomial has degree 2, as in the package, and there are no controls.

    Attributes
    ----------
    proxy : str
        Log materials.
    """

    proxy: ColumnName

    @property
    def roles(self) -> Roles:
        """Which columns play which part."""
        return Roles(self.output, self.free, self.state, self.proxy, (), 2)

    @model_validator(mode="after")
    def _no_controls(self) -> Self:
        if self.controls:
            raise mistake(
                "the replica has no controls",
                "the package's own (cX) do not enter its equations",
                "write controls: null where like copies them; wooldridge takes controls",
                path=("controls",),
                at_key=True,
            )
        return self
