"""The rows that all cases of a variant have, for those that are compared on the same rows."""

from __future__ import annotations

from dataclasses import replace

from estimation.results import BoolArray
from panels.frame import Selection
from specs.errors import EstimationError
from tfplab.bootstrapping import Chain
from tfplab.plan import ModelPlan

__all__ = ["OnCommonRows"]


class OnCommonRows(Chain):
    """A chain whose models see only the rows that all cases of a variant have.

    Parameters
    ----------
    chain : Chain
    common : (n,) bool array
        Which rows of the panel these are.
    """

    def __init__(self, chain: Chain, common: BoolArray) -> None:
        super().__init__(chain.plan, chain.before, chain.after, chain.fits)
        self.on_all, self.common = chain, common

    def rows_of(self, model: ModelPlan) -> Selection:
        """Return the rows of a model's `where` that every case has."""
        rows = super().rows_of(model)
        kept = self.common[rows.rows]
        if not kept.any():
            raise EstimationError("no row is left: there is none that every case has")
        lost = int((~kept).sum())
        outside = {**rows.outside, "not a row that every case has": lost} if lost else rows.outside
        return replace(rows.take(kept), outside=outside)
