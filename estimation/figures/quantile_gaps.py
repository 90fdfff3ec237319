"""``kind: quantile_gaps``: gaps between distributions over quantiles, with intervals, and the gap of the means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates
    from estimation.shown import Figure, GapPoint
    from panels.frame import FirmPanel

__all__ = ["compute"]

MOST = 6
"""Comparisons that are told apart."""


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the gaps of every model.

    Parameters
    ----------
    question : FigureQuestion
    panel : FirmPanel
        Not looked at: what is drawn is what was estimated.
    fits : mapping of str to Estimates
        Models of design distribution, by name.

    Returns
    -------
    Figure
        Its series are of type GapPoint.

    Raises
    ------
    EstimationError
        If there are more comparisons than can be told apart.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(fits[name])]
    drawn = len({(one.of, one.label) for one in points})
    if drawn > MOST:
        raise EstimationError(
            f"figures.{question.name}: {drawn} comparisons cannot be told apart; name fewer models, or a coarser by"
        )
    groups = {column for name in question.of for column in fits[name].reference}
    by = groups.pop() if len(groups) == 1 else ""
    return Figure(question.name, question.kind, question.of, by, "", tuple(points))


def _points(model: Estimates) -> list[GapPoint]:
    from estimation.shown import GapPoint

    (base,) = model.reference.values()
    levels = [key[8:-1] for key in model.stats if key.startswith("n_firms[")]
    others = [level for level in levels if level != base]
    points = []
    for place, term in enumerate(model.terms):
        kind, _, inside = term.partition("[")
        inside = inside.removesuffix("]")
        at = float(inside.partition(",")[0]) if kind == "gap" else None
        label = others[0] if len(others) == 1 else inside.partition(",")[2] if kind == "gap" else inside
        points.append(GapPoint(
            model.name, model.outcome, label, base, term, at, float(model.coefficients[place]),
            float(model.std_errors[place]), float(model.conf_low[place]), float(model.conf_high[place]),
            int(model.n_firms_term[place]),
        ))  # fmt: skip
    return points
