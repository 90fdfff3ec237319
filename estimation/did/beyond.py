"""What a model is asked beyond its effects: placebos, the estimate without each group of firms, twfe taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from estimation.did.answer import OVERALL, DidQuestion, shared_sample, weighed_sample
from estimation.did.comparisons import comparisons
from estimation.did.leave_out import without_levels
from estimation.did.placebo import placebos
from estimation.did.power import power_record
from estimation.results import Estimates, ProductivityFit
from panels.frame import Selection

__all__ = ["Beyond", "asked_beyond"]


@dataclass(frozen=True, slots=True)
class Beyond:
    """What is asked.

    Attributes
    ----------
    dates : tuple of int
        In which treatment is made out to have begun.
    outcomes : tuple of str
        That treatment should not move.
    leave_out : str or None
        The column whose levels are left out one by one.
    bacon : bool or None
        None: of ``twfe`` where it can be had.
    effect : float or None
        That the power is asked for.
    """

    dates: tuple[int, ...] = ()
    outcomes: tuple[str, ...] = ()
    leave_out: str | None = None
    bacon: bool | None = None
    effect: float | None = None


def asked_beyond(
    beyond: Beyond,
    question: DidQuestion,
    found: Estimates,
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> Estimates:
    """Add to a model what was asked beyond its effects.

    Raises
    ------
    EstimationError
        If the column whose levels are left out has none to leave out, or too many.
    """
    more: dict[str, Any] = {}
    if beyond.dates or beyond.outcomes:
        more["placebo"] = placebos(question, beyond.dates, beyond.outcomes, rows, first_stage, panel)
    if beyond.leave_out is not None:
        more["leave_out"] = without_levels(question, beyond.leave_out, rows, first_stage, panel)
    if _taken_apart(beyond, question):
        apart = comparisons(shared_sample(question, weighed_sample(question.asked, rows)), _of_twfe(found))
        if apart["status"] == "ok" or beyond.bacon:
            more["bacon"] = apart
    sensitivity = {**(found.sensitivity or {}), **more} or None
    return replace(found, sensitivity=sensitivity, power=_power(beyond, found))


def _taken_apart(beyond: Beyond, question: DidQuestion) -> bool:
    asked = question.asked
    plain = not asked.covariates and not asked.effects and not asked.adoption.censored
    return plain and beyond.bacon is not False and "twfe" in question.estimators


def _of_twfe(found: Estimates) -> Mapping[str, Any]:
    own = [part.stats for part in found.parts if part.estimator == "twfe"]
    return own[0] if own else found.stats


def _power(beyond: Beyond, found: Estimates) -> dict[str, Any] | None:
    if beyond.effect is None or OVERALL not in found.terms:
        return None
    at = found.terms.index(OVERALL)
    return power_record(
        OVERALL, float(found.std_errors[at]), found.errors.df, int(found.n_firms_term[at]), beyond.effect
    )
