"""How the kinds of figures are drawn, one line each; what they show is computed by `FIGURES` of estimation."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from reports.figures import (
    adoption_rates,
    bacon,
    coefficients,
    elasticities,
    event_study,
    group_time,
    honest,
    productivity_density,
)
from reports.figures.drawing import FigureKind

__all__ = ["FIGURES"]


def _kind(module: ModuleType) -> FigureKind:
    return FigureKind(module.title, module.draw, module.describe, module.facts, module.notes)


FIGURES: Mapping[str, FigureKind] = {
    "productivity_density": _kind(productivity_density),
    "elasticities": _kind(elasticities),
    "adoption_rates": _kind(adoption_rates),
    "event_study": _kind(event_study),
    "group_time": _kind(group_time),
    "bacon": _kind(bacon),
    "honest": _kind(honest),
    "coefficients": _kind(coefficients),
}
