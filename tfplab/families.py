"""Families of hypotheses: what can be seen of them in a spec, and the adjusted p-values once all models have run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from specs.errors import Problem, did_you_mean
from specs.families import FamilySpec
from specs.tree import find

if TYPE_CHECKING:  # arrays are loaded where models have run
    from estimation.family import Family
    from estimation.multiple_testing import Hypothesis
    from estimation.results import Estimates, Failed
    from tfplab.plan import ModelPlan, Plan

__all__ = ["adjust_families", "check_families", "family_of"]

ADJUSTED_BY = "romano_wolf"


def family_of(model: ModelPlan) -> FamilySpec | None:
    """Return the family that a model's hypotheses belong to."""
    found: FamilySpec | None = getattr(model.options, "family", None)
    return found


def check_families(plan: Plan) -> list[Problem]:
    """Find families whose models ask for different things, and terms that a model cannot have.

    Parameters
    ----------
    plan : Plan
    """
    problems: list[Problem] = []
    first: dict[str, ModelPlan] = {}
    for model in plan.models:
        family, path = family_of(model), model.path
        if family is None:
            continue
        node = find(model.node, ("family",)) or model.node
        terms = model.options.term_names()
        for place, written in enumerate(family.terms):
            bases = [part.partition("[")[0] for part in written.split(":")]
            wrong = [base for base in bases if base not in terms]
            if wrong:
                here = find(node, ("terms", place)) or node
                what = f'no term "{written}" in this model'
                advice = did_you_mean(wrong[0], terms) or f"there are: {', '.join(terms)}"
                problems.append(Problem(here.position, f"{path}.family.terms", what, "", advice))
        other = first.setdefault(family.id, model)
        if other is model:
            if family.method == ADJUSTED_BY and len(model.options.errors.cluster) > 1:
                what = "romano_wolf beside two ways of clustering"
                means = "clusters of one kind are drawn together"
                advice = "write method: holm, or cluster one way"
                problems.append(Problem(node.position, f"{path}.family", what, means, advice))
            continue
        theirs = family_of(other)
        assert theirs is not None
        for key in ("method", "draws"):
            if getattr(family, key) != getattr(theirs, key):
                here = find(node, (key,)) or node
                what = f"{key} {getattr(family, key)} of the family {family.id}"
                means = f"in {other.name} it is {getattr(theirs, key)}"
                problems.append(Problem(here.position, f"{path}.family", what, means, "write the same in both"))
        if family.method == ADJUSTED_BY and _drawn_by(model) != _drawn_by(other):
            here = find(model.node, ("errors",)) or node
            what = f"errors by {_drawn_by(model)} in the family {family.id}"
            means = f"those of {other.name} are by {_drawn_by(other)}, and clusters are drawn together"
            problems.append(
                Problem(here.position, f"{path}.family", what, means, "cluster alike, or write method: holm")
            )
    return problems


def _drawn_by(model: ModelPlan) -> str:
    """Return what is independent of each other: clusters, or firms where errors are not clustered."""
    return " and ".join(model.options.errors.ways) or "firm"


def adjust_families(plan: Plan, models: Mapping[str, Estimates | Failed]) -> dict[str, Estimates | Failed]:
    """Return the models with the p-values of their families adjusted.

    Parameters
    ----------
    plan : Plan
    models : mapping of str to Estimates or Failed
        All that the plan has, in its order.
    """
    found = dict(models)
    members: dict[str, list[ModelPlan]] = {}
    for model in plan.models:
        family = family_of(model)
        if family is not None and model.name in found:
            members.setdefault(family.id, []).append(model)
    for one in members.values():
        found |= _adjusted(plan, one, found)
    return found


def _adjusted(
    plan: Plan, members: list[ModelPlan], models: Mapping[str, Estimates | Failed]
) -> dict[str, Estimates | Failed]:
    from estimation.family import Family
    from estimation.multiple_testing import adjusted_p_values
    from estimation.results import Estimates

    asked = family_of(members[0])
    assert asked is not None
    hypotheses: list[tuple[str, str, Hypothesis]] = []
    lost: list[str] = []
    absent: dict[str, tuple[str, ...]] = {}
    cut: list[str] = []
    for model in members:
        family, fit = family_of(model), models[model.name]
        assert family is not None
        if not isinstance(fit, Estimates):
            lost.append(model.name)
            hypotheses += [(model.name, "", _unknown()) for _ in family.terms]
            continue
        terms = _terms_of(fit, family)
        absent[model.name] = tuple(one for one in family.terms if not _named(fit, one))
        if _drawn_by(model) != "firm" and fit.influence_clusters is None:
            cut.append(model.name)
        for place in terms:
            tested = _hypothesis(fit, place)
            if tested is None:
                lost.append(f"{fit.terms[place]} of {model.name}")
            hypotheses.append((model.name, fit.terms[place], tested or _unknown()))
        # Before they were estimated these were hypotheses too.
        hypotheses += [(model.name, "", _unknown()) for _ in absent[model.name]]
        lost += [f"{one} of {model.name}" for one in absent[model.name]]
    if asked.method == ADJUSTED_BY and cut:
        why = (
            f"the p-values of the family {asked.id} are not adjusted: clusters of {_drawn_by(members[0])} cut through "
            f"firms in {', '.join(cut)}, or are not known firm by firm; write family: {{method: holm}}"
        )
        return {name: _with(models[name], why) for name in (one.name for one in members)}
    drawn = asked.method == ADJUSTED_BY
    p_values = adjusted_p_values([one for *_, one in hypotheses], asked.method, asked.draws, plan.seed)
    tested_all = tuple((name, term) for name, term, _ in hypotheses if term)
    out: dict[str, Estimates | Failed] = {}
    for model in members:
        fit = models[model.name]
        if not isinstance(fit, Estimates):
            continue
        own = {
            term: float(p)
            for (name, term, one), p in zip(hypotheses, p_values, strict=True)
            if name == model.name and term and one.influence.size
        }
        made = Family(
            asked.id, asked.method, asked.draws if drawn else None, plan.seed if drawn else None,
            tested_all, tuple(lost), len(hypotheses), own,
        )  # fmt: skip
        out[model.name] = replace(fit, family=made, notes=(*fit.notes, *_told(made)))
    return out


def _told(family: Family) -> tuple[str, ...]:
    if not family.lost:
        return ()
    return (
        f"in the family {family.id} there is no p-value of {', '.join(family.lost)}: each hypothesis there counts "
        "with a p-value of 1",
    )


def _with(fit: Estimates | Failed, note: str) -> Estimates | Failed:
    from estimation.results import Estimates

    return replace(fit, notes=(*fit.notes, note)) if isinstance(fit, Estimates) else fit


def _terms_of(fit: Estimates, family: FamilySpec) -> list[int]:
    return [place for place, term in enumerate(fit.terms) if _names(term) & set(family.terms)]


def _named(fit: Estimates, written: str) -> bool:
    return any(written in _names(term) for term in fit.terms)


def _names(term: str) -> set[str]:
    from reports.labels import term_names

    return term_names(term)


def _hypothesis(fit: Estimates, place: int) -> Hypothesis | None:
    import numpy as np

    from estimation.multiple_testing import Hypothesis

    p_value = float(fit.p_values[place])
    if not np.isfinite(p_value):
        return None
    return Hypothesis(p_value, fit.influence_firms, fit.influence[:, place], fit.influence_clusters)


def _unknown() -> Hypothesis:
    import numpy as np

    from estimation.multiple_testing import Hypothesis

    return Hypothesis(1.0, np.zeros(0, dtype=np.int64), np.zeros(0))
