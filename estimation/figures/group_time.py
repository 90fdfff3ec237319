"""``kind: group_time``: the effect on every cohort in every year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates, ModelPart
    from estimation.shown import CellPoint, Figure
    from panels.frame import FirmPanel

__all__ = ["compute"]

MOST = 4
"""Maps in one picture."""
LARGEST = 40
"""Cohorts, or years, of a map whose numbers can still be read."""


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the group-time effects of every model's estimators that have them, and their base periods.

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
        Its series are of type CellPoint.

    Raises
    ------
    EstimationError
        If there is nothing to draw, or more than can be read.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(fits[name])]
    if not points:
        raise EstimationError(
            f"figures.{question.name}: no effect by cohort and year was estimated; callaway_santanna, imputation and "
            "sun_abraham have them"
        )
    maps = list(dict.fromkeys(one.label for one in points))
    if len(maps) > MOST:
        raise EstimationError(f"figures.{question.name}: {len(maps)} maps in one picture; name fewer models")
    sides = [len({getattr(one, side) for one in points if one.label == name}) for name in maps
             for side in ("cohort", "year")]  # fmt: skip
    if max(sides) > LARGEST:
        raise EstimationError(f"figures.{question.name}: {max(sides)} cohorts or years cannot be read in one picture")
    return Figure(question.name, question.kind, question.of, "", "", tuple(points))


def _points(model: Estimates) -> list[CellPoint]:
    from estimation.figures.parts import CELLS

    parts = [part for part in model.parts if part.estimator.endswith(CELLS)]
    return [
        point
        for part in parts
        for point in _of_part(
            model, part, model.name if len(parts) == 1 else f"{model.name}, {part.estimator.removesuffix(CELLS)}"
        )
    ]


def _of_part(model: Estimates, part: ModelPart, label: str) -> list[CellPoint]:
    from estimation.figures.parts import part_name
    from estimation.shown import CellPoint

    found = part.inference
    points: list[CellPoint] = []
    for place, term in enumerate(part.terms):
        cohort, year = (int(one) for one in term[4:-1].split(","))
        points.append(CellPoint(
            model.name, part_name(part), label, term, cohort, year, False, float(part.coefficients[place]),
            float(found.std_errors[place]), float(found.p_values[place]), float(found.conf_low[place]),
            float(found.conf_high[place]), int(part.n_firms_term[place]),
        ))  # fmt: skip
    return sorted([*points, *_references(model, part, label, points)], key=lambda one: (one.cohort, one.year))


def _references(model: Estimates, part: ModelPart, label: str, points: list[CellPoint]) -> list[CellPoint]:
    """Return the base periods of the cohorts, zero by construction, where cells have one and the same."""
    from estimation.figures.parts import part_name
    from estimation.shown import CellPoint

    nan = float("nan")
    found: list[CellPoint] = []
    for cohort in sorted({one.cohort for one in points}):
        of_cohort = [one for one in points if one.cohort == cohort]
        base = _base(model, cohort)
        there = {one.year for one in of_cohort}
        # With effects before and after it that are measured against it.
        if base is None or base in there or not any(year < base for year in there):
            continue
        firms = max(one.n_firms for one in of_cohort)
        found.append(CellPoint(
            model.name, part_name(part), label, f"att[{cohort},{base}]", cohort, base, True, 0.0, nan, nan, nan, nan,
            firms,
        ))  # fmt: skip
    return found


def _base(model: Estimates, cohort: int) -> int | None:
    year, event = model.stats.get("base_year"), model.stats.get("reference_event")
    if year is not None:
        return int(year)
    return None if event is None else cohort + int(event)
