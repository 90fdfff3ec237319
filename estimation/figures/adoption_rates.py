"""``kind: adoption_rates``: the shares of models of that design, as bars with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates
    from estimation.shown import Figure, SharePoint
    from panels.frame import FirmPanel

__all__ = ["compute"]

MOST = 7
"""Colours that are told apart."""


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the shares of every model's items, of all firms or by the cells of one block.

    Parameters
    ----------
    question : FigureQuestion
    panel : FirmPanel
        Not looked at: what is drawn is what was estimated.
    fits : mapping of str to Estimates
        Models of this design, by name.

    Returns
    -------
    Figure
        Its series are of type SharePoint.

    Raises
    ------
    EstimationError
        If there is nothing to draw, or more than one picture can show: several items by cell for several models.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(name, fits[name], question)]
    items = list(dict.fromkeys(one.item for one in points))
    levels = list(dict.fromkeys(one.label for one in points))
    if not points:
        by = f" by {question.by}" if question.by else ""
        raise EstimationError(f"figures.{question.name}: no share{by} was estimated")
    if len(question.of) > 1 and len(items) > 1 and len(levels) > 1:
        raise EstimationError(
            f"figures.{question.name}: {len(items)} items by {question.by} of {len(question.of)} models are too much "
            "for one picture; keep one item, or name one model"
        )
    colours = len(question.of) if len(question.of) > 1 else min(len(items), len(levels))
    if colours > MOST:
        raise EstimationError(f"figures.{question.name}: {colours} colours cannot be told apart; keep fewer items")
    return Figure(
        question.name, question.kind, question.of, question.by or "", "", tuple(points), _bases(question, fits)
    )


def _points(name: str, model: Estimates, question: FigureQuestion) -> list[SharePoint]:
    from estimation.shown import SharePoint

    wanted = (question.by,) if question.by else ()
    return [
        SharePoint(
            name, cell.item, cell.levels[0][1] if cell.levels else "", model.terms[k], float(model.coefficients[k]),
            float(model.std_errors[k]), float(model.conf_low[k]), float(model.conf_high[k]),
            int(model.n_firms_term[k]), cell.n_yes, cell.n_no,
        )
        for k, cell in enumerate(model.cells)
        if tuple(column for column, _ in cell.levels) == wanted and (not question.keep or cell.item in question.keep)
    ]  # fmt: skip


def _bases(question: FigureQuestion, fits: Mapping[str, Estimates]) -> tuple[str, ...]:
    """Say of whom the shares are, and what a respondent stands for."""
    said: dict[str, None] = {}
    for name in question.of:
        said[f"base {fits[name].base}"] = None
        said[f"weights {fits[name].weights}" if fits[name].weights else "no weights"] = None
    return tuple(said)
