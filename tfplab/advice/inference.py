"""Advice on standard errors, p-values and weights that the spec alone gives rise to."""

from __future__ import annotations

from collections.abc import Iterator

from estimation.designs.methods import NONLINEAR
from estimation.registry import DESIGNS, PRODUCTIVITY
from panels.plan import columns_of_survey
from specs.tree import find
from tfplab.advice.behind import Behind, regressors
from tfplab.advice.causal import listed
from tfplab.advice.given import Advice
from tfplab.names import names_of_model
from tfplab.plan import ModelPlan, Plan

__all__ = [
    "levels_across_technologies", "several_hypotheses", "tfp_uncertainty_ignored", "weights_under_oversampling",
]  # fmt: skip

SEVERAL = 3
"""Hypotheses from which on one of twenty is no longer what a reader expects."""


def tfp_uncertainty_ignored(plan: Plan) -> Iterator[Advice]:
    """Errors that take the first stage as data, by the spec's word or by a default: Murphy and Topel (1985)."""
    methods = {one.name: one.method for one in plan.productivity}
    for model in plan.models:
        method = methods.get(model.outcome)
        if method is None or not PRODUCTIVITY[method].estimates or model.options.errors.bootstrap is not None:
            continue
        written = find(model.node, ("tfp_uncertainty",))
        closed = DESIGNS[model.design].linear and getattr(model.options, "method", "") not in NONLINEAR
        # The same of a spec with its defaults filled in, in which the spec says so in any case.
        if not closed:
            how = "what is not linear in its outcome has no closed form that carries them over"
        elif model.options.errors.wild is not None:
            how = "a wild bootstrap draws the second stage alone"
        elif model.options.errors.kind == "classical" and model.options.tfp_uncertainty in (None, "ignore"):
            how = "classical errors do so by default, as published tables do"
        elif model.options.tfp_uncertainty == "ignore":
            how = "the spec says so"
        else:
            continue
        yield Advice(
            "tfp_uncertainty_ignored",
            model.name,
            f"standard errors take {model.outcome} as data, though this spec estimated it: {how}",
            "the elasticities are estimated too, and their error is common to all firms alike in inputs: intervals are "
            "as a rule too short, above all for the constant and for classes of size (Murphy and Topel, 1985)",
            "write errors: HC1, or {cluster: [firm]}, with tfp_uncertainty: include; murphy_topel with classical errors"
            if closed
            else f"write errors: {{bootstrap: {{cluster: [firm]}}}}: each draw estimates {model.outcome} again",
            (written or find(model.node, ("errors",)) or model.node).position,
        )


def several_hypotheses(plan: Plan) -> Iterator[Advice]:
    """Three or more coefficients of AI, none in a family: Romano and Wolf (2005)."""
    behind = Behind(plan)
    why = (
        "of many true null hypotheses one in twenty is rejected at 5 per cent: what stands out may be chance (Romano "
        "and Wolf, 2005)"
    )
    seen: dict[tuple[str, str], list[tuple[ModelPlan, str]]] = {}
    for model in plan.models:
        if getattr(model.options, "family", None) is not None:
            continue
        asked = [name for name, _ in regressors(model) if behind.is_ai(name)]
        place = (find(model.node, ("formula",)) or model.node).position
        if len(asked) >= SEVERAL:
            advice = f"family: {{id: ai, method: romano_wolf, terms: [{', '.join(asked)}]}}"
            yield Advice(
                "several_hypotheses",
                model.name,
                f"{len(asked)} coefficients of AI, each with a p-value of its own",
                why,
                advice,
                place,
            )
        elif len(asked) == 1:
            seen.setdefault((model.design, model.outcome), []).append((model, asked[0]))
    for (_, outcome), models in seen.items():
        different = list(dict.fromkeys(name for _, name in models))
        if len(different) < SEVERAL:
            continue
        first = models[0][0]
        yield Advice(
            "several_hypotheses",
            first.name,
            f"{len(models)} models of {outcome}, each on another use of AI ({listed(different[:3])} and so on), and no "
            "family",
            why,
            f"give each family: {{id: ai, method: romano_wolf, terms: [{different[0]}]}}, with its own term",
            (find(first.node, ("formula",)) or first.node).position,
        )


def weights_under_oversampling(plan: Plan) -> Iterator[Advice]:
    """Rows of a survey with design weights, none of them used: Solon, Haider and Wooldridge (2015)."""
    survey = columns_of_survey(plan.panel) or ()
    if plan.panel.panel.survey is None or "weight" not in survey:
        return
    answers = {*survey, "linked"} - {"wave"}
    behind = Behind(plan)
    for model in plan.models:
        options = model.options
        if not hasattr(options, "weights") or options.weights is not None:
            continue
        if getattr(options, "sampling_weights", None) is not None:
            continue
        read = {one for name in names_of_model(model.design, options) for one in behind.names(name)}
        if not read & answers:
            continue
        yield Advice(
            "weights_under_oversampling",
            model.name,
            "the rows are those of a survey whose design weights (weight) are not used",
            "a survey draws large firms, and some sectors, with higher probability: without weights the numbers are of "
            "the sample, not of firms; in a regression they agree where what the sample was drawn by is held equal and "
            "effects do not differ by it (Solon, Haider and Wooldridge, 2015)",
            _weighted(model, plan),
            model.node.position,
        )


def _weighted(model: ModelPlan, plan: Plan) -> str:
    """Return how weights are taken; a design that reads them in a year of no survey would find none there."""
    adoption = getattr(model.options, "adoption", None)
    waves = tuple(plan.panel.panel.survey.files.waves) if plan.panel.panel.survey is not None else ()
    if waves and model.design in ("did", "long_difference"):
        dated = waves if adoption is None or not adoption.waves else adoption.waves
        when, wave = ("before adoption", min(dated)) if adoption is not None else ("at the start", max(dated))
        return (
            f"declare w: at(weight, {wave}) under variables and write weights: w, as weights are read {when}, in which "
            "year there may have been no survey; or show both"
        )
    return "write weights: weight, or link_weight where panel.link.propensity makes one, or show both"


def levels_across_technologies(plan: Plan) -> Iterator[Advice]:
    """Levels of productivity of groups that were estimated apart, compared with each other."""
    apart = {
        one.name: tuple(one.options.separately_by)
        for one in plan.productivity
        if getattr(one.options, "separately_by", ())
    }
    for model in plan.models:
        columns = apart.get(model.outcome)
        if columns is None or model.design not in ("cross_section", "fixed_effects"):
            continue
        formula = model.options.formula
        held = {term.factors[0].name for term in formula.terms if len(term.factors) == 1}
        held |= {name for effect in formula.absorbed for name in effect.names}
        # As the estimate does it: the indicators of every column stand in the formula; firms stay in their group.
        # Columns go from fine to coarse: firms alike in a fine one are alike in those behind it.
        finest = next((at for at, name in enumerate(columns) if name in held), len(columns))
        lacking = [name for name in columns[:finest] if name not in held]
        if not lacking or "firm" in held:
            continue
        yield Advice(
            "levels_across_technologies",
            model.name,
            f"{model.outcome} was estimated separately by {listed(columns)}, and {listed(lacking)} "
            f"{'is' if len(lacking) == 1 else 'are'} not in the formula",
            "the levels of separate technologies have units of their own, as inputs have other elasticities in each: "
            "coefficients of whatever differs between them hold differences of units",
            f"put {' + '.join(lacking)} into the formula, so that firms are compared within a technology",
            (find(model.node, ("formula",)) or model.node).position,
        )
