"""What each group of firms does to an effect: the estimate without one level of a column, level by level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from estimation.did.answer import DidQuestion, Overall, overall_effect, weighed_sample
from estimation.did.placebo import effect_record, no_effect
from estimation.results import BoolArray, ProductivityFit
from panels.frame import Selection, TextColumn
from specs.errors import EstimationError

__all__ = ["MOST", "without_levels"]

MOST = 200
"""Levels, each of which is an estimation."""


def without_levels(
    question: DidQuestion,
    column: str,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> dict[str, Any]:
    """Estimate without each level of a column, as ``where: column != 'level'`` would.

    Parameters
    ----------
    question : DidQuestion
        Of the model.
    column : str
        Of texts, a column of `rows`; rows without a level stay.
    rows : Selection
    first_stage : ProductivityFit or None
        Not estimated again.
    panel : Selection or None

    Returns
    -------
    dict
        ``levels``, each with its effect and the firms that leave; ``lowest``, ``highest`` and ``moves_most``;
        ``without_level``, the firms that have no level and never leave. ``n_firms`` of a level is the smaller of the
        sides, treated or not, that leave: the difference to the model's own estimate tells of them.

    Raises
    ------
    EstimationError
        If the column has no levels to leave out, or too many.
    """
    texts = rows.columns[column]
    if not isinstance(texts, TextColumn):
        raise EstimationError(f"leave_out: {column} is no text")
    question = replace(question, rules=replace(question.rules, aggregate=("simple",)))
    full = overall_effect(question, weighed_sample(question.asked, rows), first_stage, panel)
    inside = full.sample.rows.columns[column]
    assert isinstance(inside, TextColumn)
    used = np.unique(inside.codes[full.fit.used])
    used = used[used >= 0]
    if used.size < 2:
        raise EstimationError(f"leave_out: {column} has a single level in the sample")
    if used.size > MOST:
        raise EstimationError(
            f"leave_out: {column} has {used.size:,} levels, each of which is an estimation: take a coarser column"
        )
    found: list[dict[str, Any]] = []
    for code in used:
        left = _leaving(full, inside.codes == code)
        try:
            rest = rows.take(np.asarray(texts.codes != code, dtype=np.bool_))
            effect = overall_effect(question, weighed_sample(question.asked, rest), first_stage, panel)
            told = effect_record(question, effect)
        except EstimationError as error:
            told = no_effect(question, error)
        # Rows that leave for another reason, with a level and without, would count the level's firms of each reason.
        del told["dropped"]
        found.append({"level": texts.levels[code], **told, **left})
    there = [one for one in found if one["estimate"] is not None]
    most = max(there, key=lambda one: abs(one["estimate"] - full.estimate), default=None)
    return {
        "column": column, "estimate": full.estimate, "levels": found,
        "lowest": min((one["estimate"] for one in there), default=None),
        "highest": max((one["estimate"] for one in there), default=None),
        "moves_most": None if most is None else most["level"],
        "without_level": _sides(full, inside.codes < 0),
    }  # fmt: skip


def _leaving(full: Overall, of_level: BoolArray) -> dict[str, int]:
    """Count the firms that leave with a level; the smaller side is what the difference tells of."""
    sides = _sides(full, of_level)
    return {"n_firms": min(one for one in sides.values() if one), **sides}


def _sides(full: Overall, rows: BoolArray) -> dict[str, int]:
    """Count the firms of the estimate that have one of these rows."""
    firms = full.sample.firms
    there = np.unique(firms.firm[full.fit.used & rows])
    treated = int(np.isfinite(firms.cohort[there]).sum())
    return {"n_treated_left_out": treated, "n_control_left_out": int(there.size) - treated}
