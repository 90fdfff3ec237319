"""The codes of advice, one line each; a spec that answers one names it."""

from __future__ import annotations

from collections.abc import Mapping

from specs.errors import Problem, did_you_mean
from specs.model import SpecModel

__all__ = ["CODES", "check_codes"]

CODES: Mapping[str, str] = {
    "bad_control": "a control that the treatment may change itself",
    "markov_without_ai": "productivity estimated as if AI had no part in it, and explained by AI",
    "levels_across_technologies": "levels of productivity compared across technologies estimated separately",
    "size_and_returns": "size beside productivity whose returns to scale are far from one",
    "weights_under_oversampling": "a survey that oversamples, used without its weights",
    "tfp_uncertainty_ignored": "standard errors that take estimated productivity as data",
    "few_clusters": "fewer than 40 clusters",
    "rows_of_one_firm": "several rows a firm, and errors that take them as independent",
    "several_hypotheses": "several hypotheses, each tested as if it were the only one",
    "swept_out": "a regressor that the effects explain",
    "twfe_alone": "adoption in several years, and two-way fixed effects alone",
    "selected_on_outcome": "rows chosen by the outcome",
    "amount_as_outcome": "an amount as the outcome, not its log",
    "few_controls": "fewer firms beside the treated than treated",
    "thin_cohorts": "effects of cohorts of few firms",
}
"""What each is about, in the order in which they are given."""


def check_codes(spec: SpecModel) -> list[Problem]:
    """Find codes that there are not.

    Parameters
    ----------
    spec : SpecModel
    """
    section = spec.root.entries.get("advice")
    return [
        Problem(
            entry.key_position,
            "advice",
            f'"{code}" is no advice',
            "",
            did_you_mean(code, CODES) or f"there are: {', '.join(CODES)}",
        )
        for code, entry in (section.node.entries.items() if section is not None else ())
        if code not in CODES
    ]
