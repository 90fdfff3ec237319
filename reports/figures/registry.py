"""The kinds of figures, one line each."""

from __future__ import annotations

from collections.abc import Mapping

from reports.figures import productivity_density
from reports.figures.drawing import FigureKind

__all__ = ["FIGURES"]

FIGURES: Mapping[str, FigureKind] = {
    "productivity_density": FigureKind(
        several=False,
        title=productivity_density.title,
        draw=productivity_density.draw,
        describe=productivity_density.describe,
        facts=productivity_density.facts,
        notes=productivity_density.notes,
    ),
}
