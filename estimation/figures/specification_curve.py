"""``kind: specification_curve``: a coefficient under all cases of a variant, in ascending order."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING

from estimation.figures.question import FigureQuestion

if TYPE_CHECKING:
    from estimation.figures.cases import ShownCase, ShownCases
    from estimation.shown import CasePoint, Figure
    from panels.frame import FirmPanel

__all__ = ["compute"]

CONSTANT = "constant"


def compute(question: FigureQuestion, panel: FirmPanel, fits: Mapping[str, ShownCases]) -> Figure:
    """Take one coefficient of every case: the model's own estimate where a case has several.

    Parameters
    ----------
    question : FigureQuestion
        `of` names one variant; the cases themselves say which term is drawn.
    panel : FirmPanel
        Not looked at: what is drawn is what was estimated.
    fits : mapping of str to ShownCases
        By the name of the variant.

    Returns
    -------
    Figure
        Its series are of type CasePoint: by their estimates, those without one behind, in the order of the cases.

    Raises
    ------
    EstimationError
        If no case has an estimate, or the term has several levels.
    """
    from estimation.results import Estimates
    from estimation.shown import Figure
    from specs.errors import EstimationError

    (variant,) = question.of
    drawn = fits[variant]
    points = [_point(question.name, variant, case) for case in drawn.cases]
    if all(one.status != "ok" for one in points):
        reasons = dict.fromkeys(one.reason for one in points)
        raise EstimationError(f"figures.{question.name}: no case has an estimate: {'; '.join(filter(None, reasons))}")
    # Equal estimates stay in the order of the cases.
    points.sort(key=lambda one: (one.status != "ok", one.estimate if one.status == "ok" else 0.0))
    notes = []
    if drawn.drawn_from > len(points):
        notes.append(f"{variant}: {len(points)} of {drawn.drawn_from} cases of {drawn.of}, drawn at random")
    if any(isinstance(case.result, Estimates) and case.result.family is not None for case in drawn.cases):
        notes.append("p-values are not adjusted for the family of the cases")
    return Figure(question.name, question.kind, question.of, "", "", tuple(points), tuple(notes))


def _point(figure: str, variant: str, case: ShownCase) -> CasePoint:
    from estimation.results import Failed
    from estimation.shown import CasePoint
    from specs.errors import EstimationError
    from specs.variants import in_words

    words = ", ".join(f"{path} = {in_words(value)}" for path, value in case.settings.items())
    label, result = case.called or words or case.name, case.result
    nothing = (float("nan"),) * 5
    if isinstance(result, Failed):
        return CasePoint(
            variant, case.name, label, case.settings, case.main, "failed", result.reason, case.term, result.design,
            *nothing, None, None,
        )  # fmt: skip
    found = _places(case, [term if term not in result.not_gaps else "" for term in result.terms])
    if len(found) > 1:
        named = ", ".join(result.terms[place] for place in found)
        what = f'"{case.term}" has several levels' if case.term else "several terms could be drawn"
        raise EstimationError(f"figures.{figure}: {what} in {case.name}, keep one of {named}")
    estimated = [place for place in found if isfinite(result.coefficients[place])]
    if not estimated:
        reason = f'its coefficient of "{case.term}" is not estimated' if found else f'it has no term "{case.term}"'
        return CasePoint(
            variant, case.name, label, case.settings, case.main, "no_term", reason, case.term, result.design,
            *nothing, None, None,
        )  # fmt: skip
    k = estimated[0]
    return CasePoint(
        variant, case.name, label, case.settings, case.main, "ok", None, result.terms[k], result.design,
        float(result.coefficients[k]), float(result.std_errors[k]), float(result.p_values[k]),
        float(result.conf_low[k]), float(result.conf_high[k]), result.n_obs, int(result.n_firms_term[k]),
    )  # fmt: skip


def _places(case: ShownCase, terms: list[str]) -> list[int]:
    """Return where the terms stand that a case is asked for: the term itself, else the levels of it."""
    from estimation.figures.parts import without_levels

    if not case.term:
        return [k for k, term in enumerate(terms) if term not in ("", CONSTANT) and "[" not in term]
    if case.term in terms:
        return [terms.index(case.term)]
    return [k for k, term in enumerate(terms) if without_levels(term) == case.term]
