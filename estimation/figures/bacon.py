"""``kind: bacon``: the comparisons behind two-way fixed effects, each estimate with its weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates
    from estimation.shown import BaconPoint, Figure
    from panels.frame import FirmPanel

__all__ = ["compute"]

MOST = 4
"""Models, each of which has a picture of its own."""


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the comparisons of every model that has them.

    Parameters
    ----------
    question : FigureQuestion
    panel : FirmPanel
        Not looked at: what is drawn is what was estimated.
    fits : mapping of str to Estimates
        Models of design did, by name.

    Returns
    -------
    Figure
        Its series are of type BaconPoint.

    Raises
    ------
    EstimationError
        If no model has comparisons, or too many have.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(fits[name])]
    missing = [f"{name}: {_why(fits[name])}" for name in question.of if not any(one.of == name for one in points)]
    if not points:
        raise EstimationError(f"figures.{question.name}: there are no comparisons: {'; '.join(missing)}")
    if len(question.of) - len(missing) > MOST:
        raise EstimationError(f"figures.{question.name}: more than {MOST} models in one picture; name fewer")
    told = tuple(f"not drawn: {one}" for one in missing)
    return Figure(question.name, question.kind, question.of, "", "", tuple(points), told)


def _points(model: Estimates) -> list[BaconPoint]:
    from estimation.shown import BaconPoint

    found = (model.sensitivity or {}).get("bacon")
    if not found:
        return []
    return [
        BaconPoint(
            model.name, "twfe", model.name, one["type"], one["treated"], one["control"], one["estimate"], one["weight"],
            found["estimate"], one["n_firms"], one["n_treated_firms"], one["n_control_firms"],
        )
        for one in found["comparisons"]
    ]  # fmt: skip


def _why(model: Estimates) -> str:
    found = (model.sensitivity or {}).get("bacon")
    if found and found["reason"]:
        return str(found["reason"])
    own = [model.method, *(part.estimator for part in model.parts)]
    if "twfe" not in own:
        return "twfe is not among its estimators"
    return "twfe has covariates, effects or no date of adoption, or no firm is seen in every year"
