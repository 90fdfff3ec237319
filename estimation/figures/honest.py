"""``kind: honest``: intervals of an effect by how far trends may part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.results import Estimates
    from estimation.shown import Figure, HonestPoint
    from panels.frame import FirmPanel

__all__ = ["compute"]

MOST = 6
"""Pictures side by side: one for a model and a restriction."""


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, Estimates]) -> Figure:
    """Take the honest intervals of every model, after its own interval.

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
        Its series are of type HonestPoint.

    Raises
    ------
    EstimationError
        If no model has honest intervals, or too many have.
    """
    from estimation.shown import Figure
    from specs.errors import EstimationError

    points = [point for name in question.of for point in _points(fits[name])]
    missing = [name for name in question.of if not any(one.of == name for one in points)]
    if not points:
        raise EstimationError(
            f"figures.{question.name}: no honest intervals were estimated; write sensitivity: {{honest: {{}}}} in the "
            "model, and see its notes"
        )
    if len({(one.of, one.restriction) for one in points}) > MOST:
        raise EstimationError(f"figures.{question.name}: more than {MOST} pictures in one; name fewer models")
    told = tuple(f"not drawn: {name}: it has no honest intervals" for name in missing)
    return Figure(question.name, question.kind, question.of, "", "", tuple(points), told)


def _points(model: Estimates) -> list[HonestPoint]:
    from estimation.shown import HonestPoint

    found = (model.sensitivity or {}).get("honest")
    if not found:
        return []
    term, nan = found["target"], float("nan")
    at = model.terms.index(term)
    # The intervals rest on the effects before treatment as well.
    behind = [k for k, name in enumerate(model.terms) if name == term or name.startswith(("event[", "pre["))]
    firms = int(min(model.n_firms_term[k] for k in behind))
    estimate = float(model.coefficients[at])
    points: list[HonestPoint] = []
    for key, breakdown in (("relative_magnitudes", "breakdown_magnitude"), ("smoothness", "breakdown_smoothness")):
        if not found[key]:
            continue
        most = nan if found[breakdown] is None else float(found[breakdown])
        own = (None, float(model.conf_low[at]), float(model.conf_high[at]))
        rows = [(one["bound"], *(nan if one[end] is None else one[end] for end in ("conf_low", "conf_high")))
                for one in found[key]]  # fmt: skip
        points += [
            HonestPoint(model.name, model.method, model.name, term, key, bound, estimate, low, high, most, firms)
            for bound, low, high in (own, *sorted(rows))
        ]
    return points
