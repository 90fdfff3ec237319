"""Advice on what a comparison means: controls, productivity behind it, rows, designs. Known from the spec alone."""

from __future__ import annotations

from collections.abc import Iterator

from specs.expression_tree import Call, Compare, Expr, Logic, Name, Number, children
from specs.tree import Node, find
from tfplab.advice.behind import CHANGED, Behind, is_ai, regressors
from tfplab.advice.given import Advice
from tfplab.plan import ModelPlan, Plan

__all__ = ["amount_as_outcome", "bad_control", "markov_without_ai", "selected_on_outcome", "swept_out", "twfe_alone"]

AMOUNTS = frozenset({
    f"{name}{real}"
    for name in ("value_added", "turnover", "materials", "capital", "investment", "labour_cost", "labour", "employees")
    for real in ("", "_real")
})  # fmt: skip
"""Columns of the accounts that are amounts, at current prices or at those of the base year."""


def listed(names: list[str] | tuple[str, ...]) -> str:
    """Return names as a sentence lists them."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def bad_control(plan: Plan) -> Iterator[Advice]:
    """Regressions on AI with a control of the same year that AI may change: Angrist and Pischke (2009, 3.2.3)."""
    behind = Behind(plan)
    for model in plan.models:
        there = [name for name, _ in _of_the_year(model)]
        if not any(behind.is_ai(name) for name in there):
            continue
        absorbed = _absorbed(model)
        found = [
            (name, offset)
            for name, offset in dict((*absorbed, *_of_the_year(model))).items()
            if not behind.is_ai(name)
            and name not in plan.productivity_names
            and behind.names(name, of_the_year=True) & CHANGED
        ]
        if not found:
            continue
        names = [name for name, _ in found]
        treated = [name for name in there if behind.is_ai(name)]
        # AI of a year before: what is of the row's own year comes behind it.
        now = any(is_ai(used) for name in treated for used in behind.names(name, of_the_year=True))
        node = find(model.node, ("formula",)) or model.node
        are, it, controls = ("is", "it", "a control") if len(names) == 1 else ("are", "them", "controls")
        settled = f"take {it} from before AI, as in at({names[0]}, 2020) or lag(...)"
        if any(name == "firm" for name, _ in absorbed):
            # What is the same in all years of a firm is explained by its effects.
            settled = (
                f"take {it} from before AI, x: at({names[0]}, 2020), times year, x:year, as firm effects explain x"
            )
        beside = "" if set(names) & {name for name, _ in absorbed} else f": add_controls: [[{', '.join(names)}]]"
        yield Advice(
            "bad_control",
            model.name,
            f"{listed(names)} {are} of the same year as {_some(treated)}{'' if now else ', or of a later one'}: can "
            f"the use of AI change {it}?",
            f"if it can, holding {it} equal takes away a part of what AI does, and compares firms that differ in what "
            f"is not seen; {controls} should be settled before the treatment (Angrist and Pischke, 2009, 3.2.3, bad "
            "control)",
            f"{settled}, or show the estimate without {it} and with {it}{beside}",
            node.at(min(offset for _, offset in found)),
        )


def _of_the_year(model: ModelPlan) -> tuple[tuple[str, int], ...]:
    """Return the regressors that are taken in the year of the treatment or behind it."""
    if model.design == "long_difference":
        moved = {*model.options.at_end, *model.options.difference}
        start = [name for name, _ in regressors(model) if name not in moved and is_ai(name)]
        # What is taken at the start is settled before whatever happens over the window.
        return tuple(one for one in regressors(model) if one[0] in moved or one[0] in start)
    return regressors(model)


def _absorbed(model: ModelPlan) -> tuple[tuple[str, int], ...]:
    """Return the columns behind the bar, which are held equal as well."""
    formula = getattr(model.options, "formula", None)
    if formula is None or model.design == "long_difference":
        return ()
    return tuple(one for effect in formula.absorbed for one in zip(effect.names, effect.offsets, strict=True))


def _some(names: list[str]) -> str:
    return listed(names) if len(names) <= 3 else f"{', '.join(names[:2])} and {len(names) - 2} others"


def markov_without_ai(plan: Plan) -> Iterator[Advice]:
    """Productivity whose process does not know AI, explained by AI: De Loecker (2013), Doraszelski and Jaumandreu."""
    behind = Behind(plan)
    for step in plan.productivity:
        options = step.options
        if not hasattr(options, "markov_degree") and not hasattr(options, "markov"):
            continue
        if any(behind.is_ai(name) for name in getattr(options, "markov", ())):
            continue
        explained = [model for model in plan.models if _explains(model, step.name, plan) and _by_ai(model, behind)]
        if not explained:
            continue
        has_key = hasattr(options, "markov")
        there = (
            "where AI is known in every year write markov: [ai], which needs 50 adopters seen in the year before"
            if has_key
            else "method: wooldridge has markov: [ai], for an AI status known in every year"
        )
        yield Advice(
            "markov_without_ai",
            step.name,
            f"{_some([one.name for one in explained])} explain{'s' * (len(explained) == 1)} {step.name} by AI, which "
            "has no part in the process that it was estimated with",
            "the moment conditions take productivity for a process of its own past; if AI moves it, its surprise holds "
            "AI, inputs chosen with AI go with that surprise, and the elasticities and the effect of AI are biased (De "
            "Loecker, 2013; Doraszelski and Jaumandreu, 2013)",
            f"{there}; with two waves of a survey it cannot be had: then show a measure without such a process beside "
            "it (labour_productivity, cost_shares)",
            step.node.position,
        )


def _explains(model: ModelPlan, entry: str, plan: Plan) -> bool:
    if model.outcome == entry:
        return True
    return entry in model.behind_outcome and model.outcome in plan.late_variables


def _by_ai(model: ModelPlan, behind: Behind) -> bool:
    adoption = getattr(model.options, "adoption", None)
    names = [name for name, _ in regressors(model)] + ([adoption.column] if adoption is not None else [])
    return any(behind.is_ai(name) for name in names)


def swept_out(plan: Plan) -> Iterator[Advice]:
    """Regressors that do not move within the effects behind the bar."""
    behind = Behind(plan)
    for model in plan.models:
        if model.design != "fixed_effects":
            continue
        alone = {effect.names for effect in model.options.formula.absorbed}
        if ("firm",) not in alone:
            continue
        found = [one for term in model.options.formula.terms for one in term.factors if len(term.factors) == 1]
        for factor in found:
            made_of = behind.names(factor.name)
            constant = behind.constant(factor.name)
            ages = ("year",) in alone and made_of <= {"firm_age", "start_year", "year"} and not factor.transform
            if not constant and not (ages and factor.power == 1 and factor.name in made_of):
                continue
            why = (
                "it is the same in all years of a firm: firm effects explain it, and nothing is left to estimate"
                if constant
                else "it rises by one a year in every firm: firm and year effects explain it, and nothing is left"
            )
            yield Advice(
                "swept_out",
                model.name,
                f"{factor.label} beside the effects of {' and '.join('^'.join(one) for one in sorted(alone))}",
                why,
                "leave it out, or ask what it does to a slope: an interaction, ai:x",
                (find(model.node, ("formula",)) or model.node).at(factor.offset),
            )


def twfe_alone(plan: Plan) -> Iterator[Advice]:
    """Two-way fixed effects, with nothing beside them: Goodman-Bacon (2021), de Chaisemartin and D'Haultfoeuille."""
    alone = [
        (model, set(model.options.estimator))
        for model in plan.models
        if model.design == "did" and set(model.options.estimator) <= {"twfe", "event_study"}
    ]
    others = {model.outcome for model in plan.models if model.design == "did"} - {""}
    robust = {
        model.outcome
        for model in plan.models
        if model.design == "did" and not set(model.options.estimator) <= {"twfe", "event_study"}
    }
    for model, _ in alone:
        adoption = model.options.adoption
        # Of two waves the first says who is left out, the second who begins: all in one year, however it is dated.
        one_date = len(adoption.waves) == 2
        if one_date or (model.outcome in robust and model.outcome in others):
            continue
        yield Advice(
            "twfe_alone",
            model.name,
            f"{' and '.join(model.options.estimator)} alone",
            "where firms adopt in different years, firms treated before serve as controls of those treated later, and "
            "effects can enter with negative weights (Goodman-Bacon, 2021; de Chaisemartin and D'Haultfoeuille, 2020)",
            "set another estimator beside it on the same sample: estimator: [callaway_santanna, "
            f"{', '.join(model.options.estimator)}]",
            (find(model.node, ("estimator",)) or model.node).position,
        )


def selected_on_outcome(plan: Plan) -> Iterator[Advice]:
    """Rows chosen by the outcome itself."""
    for model in plan.models:
        where, outcome = model.options.where, model.outcome
        if where is None or not outcome:
            continue
        left = getattr(model.options, "left", None)
        asked = where.root.operands if isinstance(where.root, Logic) and where.root.op == "and" else (where.root,)
        if left is not None and left.transform == "log":
            # Of what is not positive there is no log: the formula leaves the same rows out.
            asked = tuple(one for one in asked if not _is_positive(one, outcome))
        offset = next((name.offset for one in asked for name in _read_now(one) if name.name == outcome), None)
        if offset is None:
            continue
        node: Node = find(model.node, ("where",)) or model.node
        yield Advice(
            "selected_on_outcome",
            model.name,
            f"where reads the outcome, {outcome}",
            "rows kept by what is to be explained bias every estimate, as a rule towards zero (Heckman, 1979)",
            "choose rows by what comes before the outcome, or trim inputs in panel.clean; method: quantile bears "
            "outliers",
            node.at(offset),
        )


def _is_positive(tree: Expr, name: str) -> bool:
    return (
        isinstance(tree, Compare)
        and tree.op == ">"
        and isinstance(tree.left, Name)
        and tree.left.name == name
        and isinstance(tree.right, Number)
        and tree.right.value == 0
    )


def _read_now(tree: Expr) -> Iterator[Name]:
    """Yield the names whose value of the year decides: not whether it is known, nor that of another year."""
    if isinstance(tree, Name):
        yield tree
    elif not (isinstance(tree, Call) and tree.name in ("isna", "count", "lag", "at", "first")):
        for below in children(tree):
            yield from _read_now(below)


def amount_as_outcome(plan: Plan) -> Iterator[Advice]:
    """A regression whose outcome is an amount of the accounts."""
    for model in plan.models:
        if model.design not in ("cross_section", "fixed_effects", "did", "long_difference"):
            continue
        left = getattr(model.options, "left", None)
        transformed = left is not None and left.transform is not None
        # A few large firms do not move a quantile, and a yes or no is no amount.
        robust = getattr(model.options, "method", "") in ("logit", "probit", "quantile")
        if model.outcome not in AMOUNTS or transformed or robust:
            continue
        key = "outcome" if find(model.node, ("outcome",)) is not None else "formula"
        yield Advice(
            "amount_as_outcome",
            model.name,
            f"the outcome {model.outcome} is an amount",
            "firms differ by orders of magnitude: a few large ones decide the estimate, which says by how many units, "
            "and parallel trends of amounts are not those of logs (Roth and Sant'Anna, 2023)",
            f"take its log: declare ln_{model.outcome}: log({model.outcome}) under variables",
            (find(model.node, (key,)) or model.node).position,
        )
