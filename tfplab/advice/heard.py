"""Every rule asked, in the order of the codes; what the spec answers keeps its place, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from specs.fields import in_english
from tfplab.advice import causal, found, inference
from tfplab.advice.codes import CODES
from tfplab.advice.given import Advice
from tfplab.plan import Plan

__all__ = ["OF_PLAN", "OF_RECORD", "advice_of_plan", "advice_of_record", "answered", "plain"]

OF_PLAN: Mapping[str, Callable[[Plan], Iterator[Advice]]] = {
    "bad_control": causal.bad_control,
    "markov_without_ai": causal.markov_without_ai,
    "levels_across_technologies": inference.levels_across_technologies,
    "weights_under_oversampling": inference.weights_under_oversampling,
    "tfp_uncertainty_ignored": inference.tfp_uncertainty_ignored,
    "several_hypotheses": inference.several_hypotheses,
    "swept_out": causal.swept_out,
    "twfe_alone": causal.twfe_alone,
    "selected_on_outcome": causal.selected_on_outcome,
    "amount_as_outcome": causal.amount_as_outcome,
}
"""Rules that a spec alone gives rise to."""

OF_RECORD: Mapping[str, Callable[[Plan, Mapping[str, Any]], Iterator[Advice]]] = {
    "size_and_returns": found.size_and_returns,
    "few_clusters": found.few_clusters,
    "rows_of_one_firm": found.rows_of_one_firm,
    "few_controls": found.few_controls,
    "thin_cohorts": found.thin_cohorts,
}
"""Rules that need what was estimated."""


def advice_of_plan(plan: Plan) -> tuple[Advice, ...]:
    """Return what a plan alone gives rise to.

    Parameters
    ----------
    plan : Plan
    """
    return answered(plan, (one for rule in OF_PLAN.values() for one in rule(plan)))


def advice_of_record(plan: Plan, record: Mapping[str, Any]) -> tuple[Advice, ...]:
    """Return what a run gives rise to, and its plan.

    Parameters
    ----------
    plan : Plan
    record : mapping
        With the rule of disclosure applied: advice knows nothing that the record does not show.
    """
    given = [*advice_of_plan(plan), *(one for rule in OF_RECORD.values() for one in rule(plan, record))]
    return answered(plan, given)


def answered(plan: Plan, given: Iterable[Advice]) -> tuple[Advice, ...]:
    """Return advice in the order of the codes, each with the reason why it does not hold here, if the spec has one."""
    order = list(CODES)
    silences = plan.spec.advice
    found = [
        replace(one, reason=in_english(reason))
        if one.code in silences and (reason := silences[one.code].of(one.entry)) is not None
        else one
        for one in given
    ]
    return tuple(sorted(found, key=lambda one: order.index(one.code)))


def plain(plan: Plan, one: Advice) -> dict[str, Any]:
    """Return a piece of advice as the record has it; the reason in the languages of the spec."""
    silence = plan.spec.advice.get(one.code)
    return {
        "code": one.code,
        "entry": one.entry,
        "what": one.what,
        "why": one.why,
        "advice": one.advice,
        "reason": None if silence is None else silence.of(one.entry),
    }
