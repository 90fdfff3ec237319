"""``kind: productivity_density``: the density of one column or several, by group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import ProductivityFit
    from estimation.shown import Density, Figure
    from panels.frame import FirmPanel, Selection

__all__ = ["compute"]


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, ProductivityFit]) -> Figure:
    """Estimate the densities; of separately estimated technologies, around each one's own mean.

    Parameters
    ----------
    question : FigureQuestion
    panel : FirmPanel
    fits : mapping of str to ProductivityFit
        By the name of their column.

    Returns
    -------
    Figure
        Its series are of type Density.

    Raises
    ------
    EstimationError
        If no group of a column has enough firms.
    """
    from estimation.computable import computable
    from estimation.density import densities
    from estimation.shown import Figure

    notes: dict[str, None] = {}
    curves: list[Density] = []
    for of in question.of:
        rows = computable(panel.select([of, *([question.by] if question.by else [])], question.where))
        fit = fits.get(of)
        if fit is not None and len(fit.groups) > 1:
            rows = _around_group_means(rows, of, fit)
            about = f"{of}: " if len(question.of) > 1 else ""
            notes[
                f"{about}levels cannot be compared across separately estimated technologies: each around its own mean"
            ] = None
        found = densities(rows, of, question.by, question.minimum_firms)
        curves += found.curves
        notes |= dict.fromkeys(found.notes)
    return Figure(
        name=question.name,
        kind=question.kind,
        of=question.of,
        by=question.by or "",
        where=str(question.where or ""),
        series=tuple(curves),
        notes=tuple(notes),
    )


def _around_group_means(rows: Selection, name: str, fit: ProductivityFit) -> Selection:
    from dataclasses import replace

    from estimation.groups import about_group_means
    from panels.frame import NumberColumn

    values = about_group_means(rows.number(name), fit.group_of_row[rows.rows])
    return replace(rows, columns={**rows.columns, name: NumberColumn(values)})
