"""``kind: elasticities``: output elasticities with their intervals, by group of firms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import ProductivityFit
    from estimation.shown import Figure
    from panels.frame import FirmPanel

__all__ = ["compute"]


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, ProductivityFit]) -> Figure:
    """Average the elasticities of each entry by group.

    Parameters
    ----------
    question : FigureQuestion
    panel : FirmPanel
    fits : mapping of str to ProductivityFit
        By name. Where the figure has `by` or `where`, asked for their extras.

    Returns
    -------
    Figure
        Its series are of type ElasticityPoint: of an entry's own groups, or of the levels of `by`.

    Raises
    ------
    EstimationError
        If an entry has no elasticities, or there are too many groups to be told apart.

    Notes
    -----
    Without `by` and `where` a point is the estimate of a group, as in its table. Else it is the mean over the rows
    of the estimation sample that `where` keeps, with an interval that counts both the uncertainty of the parameters
    (delta method) and the sampling of the rows that are averaged. A Cobb-Douglas technology that all firms share
    has nothing for `by` to tell apart: it gets one point, and a note.
    """
    from estimation.average_elasticities import figure_points
    from estimation.computable import computable
    from estimation.shown import Figure

    weights = {name: str(fits[name].options.get("weights") or "") for name in question.of}
    by = [question.by] if question.by else []
    columns = list(dict.fromkeys([*by, *filter(None, weights.values())]))
    rows = computable(panel.select(columns, question.where))
    points, notes = figure_points(
        {name: (fits[name], weights[name]) for name in question.of}, rows, question.by, own=question.where is None
    )
    return Figure(
        name=question.name,
        kind=question.kind,
        of=question.of,
        by=question.by or "",
        where=str(question.where or ""),
        series=points,
        notes=notes,
    )
