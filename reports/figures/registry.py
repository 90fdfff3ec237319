"""How the kinds of figures are drawn, one line each; what they show is computed by `FIGURES` of estimation."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first gate asks for names alone
    from reports.figures.drawing import FigureKind

__all__ = ["FIGURES", "IMAGES", "kind_named"]

IMAGES = ("svg", "png")
"""The formats in which a figure can be written."""

FIGURES: Mapping[str, str] = {
    "productivity_density": "productivity_density",
    "elasticities": "elasticities",
    "adoption_rates": "adoption_rates",
    "event_study": "event_study",
    "quantile_gaps": "quantile_gaps",
    "group_time": "group_time",
    "bacon": "bacon",
    "honest": "honest",
    "coefficients": "coefficients",
    "specification_curve": "specification_curve",
}
"""By kind, its module in this package."""


def kind_named(name: str) -> FigureKind:
    """Return how a kind is drawn."""
    from reports.figures.drawing import FigureKind

    module = import_module(f"reports.figures.{FIGURES[name]}")
    return FigureKind(module.title, module.draw, module.describe, module.facts, module.notes)
