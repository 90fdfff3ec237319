"""``kind: coefficients``: coefficients of models of any design, beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates
    from estimation.shown import CoefficientPoint, Figure
    from panels.frame import FirmPanel

__all__ = ["compute"]

APART, DOWN = 6, 60
"""Estimates of one term that are told apart, and lines of the picture."""
CONSTANT = "constant"


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the terms that are kept of every model, part by part where it has several.

    Parameters
    ----------
    question : FigureQuestion
        `keep` names terms, or factors without their levels; without it all are drawn but the constant.
    panel : FirmPanel
        Not looked at: what is drawn is what was estimated.
    fits : mapping of str to Estimates
        Models of any design, by name.

    Returns
    -------
    Figure
        Its series are of type CoefficientPoint.

    Raises
    ------
    EstimationError
        If there is nothing to draw, or more than can be told apart.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(fits[name], question.keep)]
    if not points:
        kept = f": none of {', '.join(question.keep)}" if question.keep else ""
        raise EstimationError(f"figures.{question.name}: no coefficient was estimated{kept}")
    terms, labels = (len({getattr(one, key) for one in points}) for key in ("term", "label"))
    if terms > 1 and labels > APART:
        raise EstimationError(
            f"figures.{question.name}: {labels} estimates of several terms cannot be told apart; keep one term, or "
            "name fewer models"
        )
    if max(terms, labels) > DOWN:
        what = f"{terms} terms" if terms > labels else f"{labels} estimates"
        raise EstimationError(f"figures.{question.name}: {what} are too many for one picture; keep fewer terms")
    absent = [
        f"{name} has none of {', '.join(question.keep)}"
        for name in question.of
        if not any(one.of == name for one in points)
    ]
    return Figure(question.name, question.kind, question.of, "", "", tuple(points), tuple(absent))


def _points(model: Estimates, keep: tuple[str, ...]) -> list[CoefficientPoint]:
    from estimation.figures.parts import estimates_of, part_name
    from estimation.shown import CoefficientPoint

    return [
        CoefficientPoint(
            model.name, model.design, part_name(part), label, term, float(part.coefficients[k]),
            float(part.inference.std_errors[k]), float(part.inference.p_values[k]), float(part.inference.conf_low[k]),
            float(part.inference.conf_high[k]), int(part.n_firms_term[k]),
        )
        for label, part in estimates_of(model)
        for k, term in enumerate(part.terms)
        if term not in model.not_gaps and (_kept(term, keep) if keep else term != CONSTANT)
    ]  # fmt: skip


def _kept(term: str, keep: tuple[str, ...]) -> bool:
    """Return whether a term is named, or its factors without their levels are."""
    from estimation.figures.parts import without_levels

    return term in keep or without_levels(term) in keep
