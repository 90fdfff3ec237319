"""Effects where there should be none: a treatment that is made out to begin earlier, an outcome it should not move.

A date d before the base period of a cohort, g - 1 - a with a the years of anticipation: its firms are made out to begin
in d, on their rows up to the base period; their rows after it leave. Firms that are never treated keep their rows of
those years. The same estimator then compares d to g - 1 - a with the years before d - a.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from estimation.did.answer import OVERALL, DidQuestion, Overall, overall_effect, weighed_sample
from estimation.did.firms import NEVER
from estimation.did.sample import DidSample
from estimation.inference import inference
from estimation.results import ProductivityFit
from panels.frame import Selection
from specs.errors import EstimationError

__all__ = ["effect_record", "no_effect", "placebos", "pretend"]


def placebos(
    question: DidQuestion,
    dates: Sequence[int],
    outcomes: Sequence[str],
    rows: Selection,
    first_stage: ProductivityFit | None,
    panel: Selection | None,
) -> dict[str, Any]:
    """Estimate placebos.

    Parameters
    ----------
    question : DidQuestion
        Of the model; the average over all treated rows is what is estimated.
    dates : sequence of int
    outcomes : sequence of str
        Columns of `rows`. Their errors carry no first stage: the one that is known is the outcome's.
    rows : Selection
    first_stage : ProductivityFit or None
        Of the model's outcome.
    panel : Selection or None

    Returns
    -------
    dict
        ``dates`` and ``outcomes``, as ``run.json`` has them; one that cannot be estimated says why.
    """
    question = replace(question, rules=replace(question.rules, aggregate=("simple",)))
    found: dict[str, Any] = {"dates": [], "outcomes": []}
    for date in dates:
        try:
            sample = pretend(weighed_sample(question.asked, rows), date, question.asked.anticipation)
            effect = overall_effect(question, sample, first_stage, panel)
            found["dates"].append({"date": date, **effect_record(question, effect)})
        except EstimationError as error:
            found["dates"].append({"date": date, **no_effect(question, error)})
    for outcome in outcomes:
        other = replace(question, asked=replace(question.asked, outcome=outcome), tfp_uncertainty=None)
        try:
            effect = overall_effect(other, weighed_sample(other.asked, rows), None, None)
            found["outcomes"].append({"outcome": outcome, **effect_record(other, effect)})
        except EstimationError as error:
            found["outcomes"].append({"outcome": outcome, **no_effect(other, error)})
    return found


def pretend(sample: DidSample, date: int, anticipation: int) -> DidSample:
    """Return the rows before treatment, as if it had begun at a date.

    Parameters
    ----------
    sample : DidSample
    date : int
    anticipation : int
        Years before the date in which effects could begin.

    Raises
    ------
    EstimationError
        If no firm can be made out to begin at the date, or there is no year before it.
    """
    firms = sample.firms
    base = firms.cohort - sample.anticipation - 1
    treated = np.isfinite(firms.cohort)
    part = treated & (date < base)
    if not part.any():
        last = int(base[treated].max())
        raise EstimationError(f"{date} is not before the base period of any cohort, the last of which is {last}")
    if not (firms.years < date - anticipation).any():
        raise EstimationError(f"no year lies before {date - anticipation}, with which {date} could be compared")
    if treated.all():
        raise EstimationError("every firm is treated in the end: nobody stands beside those that are made out to begin")
    year = firms.years[firms.time]
    late = treated & ~part
    reasons = (
        (late[firms.firm], f"the base period of the firm's cohort is not after {date}"),
        (
            year > np.where(treated, base, np.inf)[firms.firm],
            "treated firms from the year on in which effects can begin",
        ),
        (year > base[part].max(), "no treated firm is before its treatment in this year"),
    )
    sample = replace(sample, dropped={})
    gone = np.zeros(year.size, dtype=np.bool_)
    for without, reason in reasons:
        lost = without & ~gone
        if lost.any():
            # Rows that are left are places among all of them.
            sample = sample.take(~lost[~gone], reason)
            gone |= lost
    inside = sample.firms
    cohort = np.where(np.isfinite(inside.cohort), float(date), NEVER)
    return replace(sample, firms=replace(inside, cohort=cohort), anticipation=anticipation, censored=False, notes=())


def effect_record(question: DidQuestion, found: Overall) -> dict[str, Any]:
    """Return an effect as ``run.json`` has it beside the model's own."""
    shown = inference(np.array([found.estimate]), np.array([[found.std_error**2]]), found.df)
    fit = found.fit
    return {
        "status": "ok", "reason": None, "estimator": question.estimators[0], "term": OVERALL,
        "estimate": found.estimate, "std_error": found.std_error, "statistic": float(shown.statistics[0]),
        "p_value": float(shown.p_values[0]), "conf_low": float(shown.conf_low[0]),
        "conf_high": float(shown.conf_high[0]), "n_obs": int(fit.used.sum()),
        "n_firms": int(fit.treated[:, fit.terms.index(OVERALL)].sum()), "n_treated_firms": found.n_treated,
        "n_control_firms": found.n_control, "dropped": {**found.sample.dropped, **fit.dropped},
    }  # fmt: skip


def no_effect(question: DidQuestion, error: EstimationError) -> dict[str, Any]:
    """Return the same keys, empty, and why there is no effect."""
    numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "n_obs", "n_firms",
               "n_treated_firms", "n_control_firms")  # fmt: skip
    named = {"status": "failed", "reason": str(error), "estimator": question.estimators[0], "term": OVERALL}
    return {**named, **dict.fromkeys(numbers), "dropped": {}}
