"""``rows: common`` of a variant: the rows of the panel that every case can use."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace

import numpy as np

from estimation.absorb import without_singletons
from estimation.design_matrix import cluster_codes
from estimation.results import BoolArray, IntArray
from panels.frame import Selection
from specs.errors import EstimationError
from tfplab.bootstrapping import Chain
from tfplab.plan import ModelPlan

__all__ = ["CommonRows", "OnCommonRows"]


@dataclass(slots=True)
class CommonRows:
    """The rows that all cases so far can use; a case that can use none fails by itself and does not count.

    Attributes
    ----------
    kept : (panel rows,) bool array or None
        None as long as no case has rows.
    codes : dict
        Levels of the effects of cases, over all rows of the panel, by what they are made of.
    """

    kept: BoolArray | None = None
    codes: dict[Hashable, tuple[IntArray, ...]] = field(default_factory=dict)

    def add(self, world: int, chain: Chain, model: ModelPlan) -> None:
        """Take a case in.

        Parameters
        ----------
        world : int
            The number of its world: variables that effects are made of may be its own.
        chain : Chain
        model : ModelPlan
        """
        try:
            rows = chain.rows_of(model)
        except EstimationError:
            return
        complete: BoolArray = np.ones(rows.rows.size, dtype=np.bool_)
        for column in rows.columns.values():
            complete &= ~column.missing()
        weights = getattr(model.options, "weights", None)
        if isinstance(weights, str) and weights in rows.columns:
            # A row that counts for nothing is left out, as one without a weight.
            complete &= rows.number(weights) != 0
        found: BoolArray = np.zeros(rows.n_panel, dtype=np.bool_)
        found[rows.rows[complete]] = True
        effects = tuple(getattr(getattr(model.options, "formula", None), "effects", ()))
        codes = self.effects(world, chain, model, effects) if effects and found.any() else ()
        if codes:
            found = _compared(found, codes)
        if not found.any():
            return
        if codes:
            self.codes[world, effects] = codes
        self.kept = found if self.kept is None else np.asarray(self.kept & found, dtype=np.bool_)

    def effects(
        self, world: int, chain: Chain, model: ModelPlan, effects: tuple[tuple[str, ...], ...]
    ) -> tuple[IntArray, ...]:
        """Return the levels of effects, over all rows of the panel."""
        if (world, effects) not in self.codes:
            every = chain.rows_of(replace(model, options=model.options.model_copy(update={"where": None})))
            return tuple(cluster_codes(names, every) for names in effects)
        return self.codes[world, effects]

    def settled(self) -> BoolArray | None:
        """Return the rows once all cases are in, those taken out that would stand alone in a level of some case."""
        kept, before = self.kept, -1
        while kept is not None and kept.sum() != before:
            before = int(kept.sum())
            for codes in self.codes.values():
                kept = _compared(kept, codes)
        return kept


def _compared(kept: BoolArray, codes: tuple[IntArray, ...]) -> BoolArray:
    """Return which of some rows do not stand alone in a level of an effect."""
    places = np.flatnonzero(kept)
    left: BoolArray = np.zeros_like(kept)
    if places.size:
        left[places[without_singletons([one[places] for one in codes])[0]]] = True
    return left


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
