"""``kind: event_study``: effects before and after treatment, with pointwise intervals and a band around all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates, ModelPart
    from estimation.shown import EffectPoint, Figure
    from panels.frame import FirmPanel

__all__ = ["compute"]

MOST = 6
"""Estimates that are told apart."""


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the event times of every model's estimators; of adoption between waves, the years.

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
        Its series are of type EffectPoint.

    Raises
    ------
    EstimationError
        If there is nothing to draw, more than can be told apart, or event times beside years.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(fits[name])]
    if not points:
        raise EstimationError(
            f"figures.{question.name}: no effect by event time was estimated; write aggregate: [simple, event] in the "
            "model"
        )
    if len({one.scale for one in points}) > 1:
        raise EstimationError(
            f"figures.{question.name}: event times and years of an adoption between waves do not go into one picture"
        )
    drawn = list(dict.fromkeys(one.label for one in points))
    if len(drawn) > MOST:
        raise EstimationError(
            f"figures.{question.name}: {len(drawn)} estimates cannot be told apart; name fewer models"
        )
    return Figure(question.name, question.kind, question.of, "", "", tuple(points))


def _points(model: Estimates) -> list[EffectPoint]:
    from estimation.figures.parts import estimates_of

    return [point for label, part in estimates_of(model, groups=False) for point in _of_estimator(model, part, label)]


def _of_estimator(model: Estimates, part: ModelPart, label: str) -> list[EffectPoint]:
    from estimation.figures.parts import part_name
    from estimation.shown import EffectPoint

    censored = model.stats.get("effect_year") is not None
    critical, nan = part.stats.get("sup_t_event"), float("nan")
    first, last = (_year(model, key) for key in ("unsure_from", "unsure_to"))
    scale, shown = "year" if censored else "event", part.inference
    points: list[EffectPoint] = []
    for place, term in enumerate(part.terms):
        at = _place(term, model) if censored else _event(term)
        if at is None:
            continue
        estimate, error = float(part.coefficients[place]), float(shown.std_errors[place])
        wide = nan if critical is None else float(critical) * error
        points.append(EffectPoint(
            model.name, part_name(part), label, term, at, scale, estimate, error, float(shown.conf_low[place]),
            float(shown.conf_high[place]), estimate - wide, estimate + wide, first, last, int(part.n_firms_term[place]),
        ))  # fmt: skip
    reference = _year(model, "base_year" if censored else "reference_event")
    if points and reference is not None and all(one.at != reference for one in points):
        firms = max(one.n_firms for one in points)
        points.append(EffectPoint(
            model.name, part_name(part), label, "reference", reference, scale, 0.0, nan, nan, nan, nan, nan, first,
            last, firms,
        ))  # fmt: skip
    return sorted(points, key=lambda one: one.at)


def _year(model: Estimates, key: str) -> int | None:
    value = model.stats.get(key)
    return None if value is None else int(value)


def _event(term: str) -> int | None:
    return int(term[6:-1]) if term.startswith("event[") else None


def _place(term: str, model: Estimates) -> int | None:
    if term.startswith("pre["):
        return int(term[4:-1])
    return _year(model, "effect_year") if term == "att[simple]" else None
