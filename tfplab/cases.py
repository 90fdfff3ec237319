"""The cases of variants, estimated: what several of them share is done once, and one that fails stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from estimation.figures.cases import ShownCase, ShownCases
from estimation.results import BoolArray, Estimates, Failed, ProductivityFit
from panels.frame import FirmPanel
from reports.record_parts import productivity_part
from specs.errors import Problem, SpecError
from specs.sections import TableSpec
from tfplab.bootstrapping import Chain
from tfplab.cache.kept import OF_A_VARIANT, Kept
from tfplab.common_rows import CommonRows, OnCommonRows
from tfplab.families import adjust_families, family_of
from tfplab.only import behind_variable
from tfplab.plan import CasePlan, FigurePlan, ModelPlan, Plan, ProductivityPlan, VariantPlan
from tfplab.steps import add_productivity
from tfplab.variant_figures import term_drawn, term_in_case
from tfplab.variants import serves

__all__ = ["Base", "CaseDone", "VariantDone", "WorldDone", "cases_shown", "estimate_variants"]

Fit = ProductivityFit | Failed


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """What the spec without its variants has estimated already.

    Attributes
    ----------
    panel : FirmPanel
        Without the productivity columns.
    chain : Chain
    lost : mapping of str to str
        The columns that could not be made, with the reason.
    productivity : mapping of str to ProductivityFit or Failed
    models : mapping of str to Estimates or Failed
        Before families were adjusted.
    """

    panel: FirmPanel
    chain: Chain
    lost: Mapping[str, str]
    productivity: Mapping[str, Fit]
    models: Mapping[str, Estimates | Failed]


@dataclass(frozen=True, slots=True, eq=False)
class WorldDone:
    """The panel and the productivity that some cases have for themselves.

    Attributes
    ----------
    rows, firms : int
        Of the panel.
    plan : Plan
    productivity : mapping of str to mapping
        Those that are not the spec's own, as ``run.json`` has them: the values of their rows go with the panel.
    """

    rows: int
    firms: int
    plan: Plan
    productivity: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, eq=False)
class CaseDone:
    """One case.

    Attributes
    ----------
    plan : CasePlan
    result : Estimates or Failed
    """

    plan: CasePlan
    result: Estimates | Failed


@dataclass(frozen=True, slots=True, eq=False)
class VariantDone:
    """A variant.

    Attributes
    ----------
    plan : VariantPlan
    cases : tuple of CaseDone
        In the order of the plan.
    worlds : mapping of int to WorldDone
        By the number that the cases' plans have.
    """

    plan: VariantPlan
    cases: tuple[CaseDone, ...]
    worlds: Mapping[int, WorldDone]


def estimate_variants(
    plan: Plan, base: Base, build: Callable[[Plan], FirmPanel], told: Callable[[str], None], kept: Kept
) -> tuple[VariantDone, ...]:
    """Estimate the cases of all variants.

    Parameters
    ----------
    plan : Plan
    base : Base
    build : callable
        Builds the panel of a plan; a `SpecError` fails the cases on that panel.
    told : callable
        Hears what is being estimated.
    kept : Kept
        What earlier runs made.

    Returns
    -------
    tuple of VariantDone
        In the order of the spec.
    """
    runner = _Runner(plan, base, build, told, kept)
    return tuple(runner.variant(one) for one in plan.variants)


def cases_shown(
    figure: FigurePlan, variants: Sequence[VariantDone], tables: Iterable[TableSpec]
) -> dict[str, ShownCases]:
    """Return the variants of a figure as it draws them.

    Parameters
    ----------
    figure : FigurePlan
    variants : sequence of VariantDone
    tables : iterable of TableSpec
        Of the spec.

    Returns
    -------
    dict of str to ShownCases
        By the name of the variant.
    """
    found = {}
    for one in variants:
        if one.plan.name in figure.of:
            term = term_drawn(figure, one.plan, tables)
            found[one.plan.name] = ShownCases(
                one.plan.spec.of,
                one.plan.drawn_from,
                tuple(
                    ShownCase(
                        case.plan.name,
                        case.plan.case.name,
                        case.plan.case.labels,
                        case.plan.main,
                        term_in_case(term, case.plan.case),
                        case.result,
                    )
                    for case in one.cases
                ),
            )
    return found


@dataclass(slots=True)
class _World:
    """A world while it is open.

    Attributes
    ----------
    number : int
        -1 for what the spec itself has.
    chain : Chain or None
        None where its panel cannot be built.
    lost : mapping of str to str
    reason : str
        Why there is no panel.
    done : dict
        What has been estimated in it, by what was asked for.
    """

    number: int
    chain: Chain | None
    lost: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    done: dict[Hashable, Estimates | Failed] = field(default_factory=dict)


class _Runner:
    def __init__(
        self, plan: Plan, base: Base, build: Callable[[Plan], FirmPanel], told: Callable[[str], None], kept: Kept
    ) -> None:
        self.plan, self.base, self.build, self.told, self.kept = plan, base, build, told, kept
        self.panel: tuple[Plan, FirmPanel | str] | None = None
        self.fits: list[tuple[ProductivityPlan, Fit]] = []
        # How often each world will be opened yet: rows in common are found in a round of their own.
        self.waiting = Counter[int]()
        for one in plan.variants:
            rounds = 2 if one.spec.rows == "common" else 1
            self.waiting.update({case.world: rounds for case in one.cases if case.world >= 0})

    def variant(self, variant: VariantPlan) -> VariantDone:
        """Estimate the cases world by world, those of one panel next to each other."""
        worlds = self.ordered({case.world for case in variant.cases})
        common: BoolArray | None = None
        if variant.spec.rows == "common":
            rows = CommonRows()
            for world in self.opened(worlds, variant):
                for case in (one for one in variant.cases if one.world == world.number):
                    if world.chain is not None and not any(name in world.lost for name in case.model.estimated):
                        rows.add(world.number, world.chain, case.model)
            common = rows.settled()
        found: dict[str, Estimates | Failed] = {}
        done: dict[int, WorldDone] = {}
        for world in self.opened(worlds, variant):
            found |= self.cases(world, variant, common)
            if world.number >= 0 and world.chain is not None:
                done[world.number] = self.closed(world)
        if variant.spec.family is not None:
            # Cases that ask for the same are one hypothesis.
            first: dict[Hashable, str] = {}
            twins = {case.name: first.setdefault((case.world, _asked(case.model)), case.name) for case in variant.cases}
            models = tuple(case.model for case in variant.cases if twins[case.name] == case.name)
            found |= adjust_families(replace(self.plan, models=models), {one.name: found[one.name] for one in models})
            found |= {name: replace(found[twin], name=name) for name, twin in twins.items() if twin != name}
        cases = tuple(CaseDone(case, _slim(found[case.name])) for case in variant.cases)
        return VariantDone(variant, cases, done)

    # Worlds

    def ordered(self, numbers: set[int]) -> list[int]:
        """Return worlds so that those of one panel follow each other, that of the spec first."""
        kinds: list[Plan] = [self.plan]
        places: dict[int, tuple[int, int]] = {}
        for number in sorted(numbers):
            own = self.plan if number < 0 else self.plan.worlds[number]
            kind = next((place for place, one in enumerate(kinds) if _same_panel(one, own)), len(kinds))
            kinds += [own] if kind == len(kinds) else []
            places[number] = (kind, number)
        return sorted(places, key=lambda number: places[number])

    def opened(self, numbers: Sequence[int], variant: VariantPlan) -> Iterator[_World]:
        """Yield worlds one after the other, each closed before the next is opened."""
        for place, number in enumerate(numbers):
            self.waiting[number] -= 1
            if number < 0:
                done = {_asked(model): self.base.models[model.name] for model in self.plan.models}
                yield _World(-1, self.base.chain, self.base.lost, done=done)
                continue
            plan = self.plan.worlds[number]
            panel = self.panel_of(plan)
            if isinstance(panel, str):
                yield _World(number, None, reason=panel)
                continue
            models = [case.model for case in variant.cases if case.world == number]
            steps = _needed(plan, models)
            self.ahead(numbers[place : place + self.kept.jobs], variant, plan, panel)
            fits = self.estimated(plan, steps, panel)
            names = {one.name for one in steps}
            late = {name: one for name, one in plan.late_variables.items() if behind_variable(plan, name) <= names}
            plan = replace(plan, productivity=tuple(steps), late_variables=late)
            after, lost = add_productivity(plan, panel, fits)
            yield _World(number, Chain(plan, panel, after, fits), lost)
            panel.forget(after)
            later = [self.plan.worlds[one] for one, times in self.waiting.items() if one >= 0 and times > 0]
            self.fits = [
                (step, fit) for step, fit in self.fits
                if any(serves(step, one) for other in later for one in other.productivity)
            ]  # fmt: skip

    def panel_of(self, plan: Plan) -> FirmPanel | str:
        """Return the panel of a plan, or why there is none; the latest is kept."""
        if _same_panel(plan, self.plan):
            return self.base.panel
        if self.panel is None or not _same_panel(self.panel[0], plan):
            self.told("building the panel of a variant")
            self.fits = []
            # What is wrong with the rows of one case must not fail the others.
            alone = replace(plan, models=(), figures=(), variants=(), worlds=())
            try:
                self.panel = (plan, self.build(alone))
            except SpecError as error:
                self.panel = (plan, "; ".join(_told(one) for one in error.problems))
        return self.panel[1]

    def ahead(self, numbers: Sequence[int], variant: VariantPlan, plan: Plan, panel: FirmPanel) -> None:
        """Estimate what worlds of this panel need that come next, as far as there are processes for it."""
        if self.kept.jobs < 2:
            return
        known = [step for step, _ in self.fits]
        known += self.plan.productivity if _same_panel(plan, self.plan) else ()
        asked: list[tuple[Plan, ProductivityPlan]] = []
        for number in numbers:
            world = self.plan.worlds[number]
            models = [case.model for case in variant.cases if case.world == number]
            for step in _needed(world, models) if _same_panel(world, plan) else ():
                if not step.parents and not any(serves(one, step) for one in known):
                    asked.append((world, step))
                    known.append(step)
        found = self.kept.productivities(
            asked, panel, lambda step: self.told(f"estimating productivity {step.name} of a variant"), of=OF_A_VARIANT
        )
        self.fits += [(step, fit) for (_, step), fit in zip(asked, found, strict=True)]

    def estimated(self, plan: Plan, steps: Sequence[ProductivityPlan], panel: FirmPanel) -> dict[str, Fit]:
        """Estimate the productivity entries of a world; what the spec or an earlier world has is taken from there."""
        own = {one.name: one for one in self.plan.productivity} if _same_panel(plan, self.plan) else {}
        fits: dict[str, Fit] = {}
        fresh: set[str] = set()
        for step in steps:
            again = fresh & set(step.parents)
            if step.name in own and serves(own[step.name], step) and not again:
                fits[step.name] = self.base.productivity[step.name]
                continue
            fresh.add(step.name)
            # A markup is made of another entry, which the step itself does not hold.
            known = None if step.parents else next((fit for one, fit in self.fits if serves(one, step)), None)
            if known is None:
                self.told(f"estimating productivity {step.name} of a variant")
                known = self.kept.productivity(plan, step, panel, fits, OF_A_VARIANT)
                self.fits.append((step, known))
            fits[step.name] = known
        return fits

    def closed(self, world: _World) -> WorldDone:
        chain = world.chain
        assert chain is not None
        own = self.base.productivity
        steps = {one.name: one for one in chain.plan.productivity}
        changed = {
            name: {**productivity_part(fit), "made_of": list(steps[name].parents)}
            for name, fit in chain.fits.items()
            if fit is not own.get(name)
        }
        return WorldDone(chain.before.n_rows, chain.before.n_firms, chain.plan, changed)

    # Cases

    def cases(self, world: _World, variant: VariantPlan, common: BoolArray | None) -> dict[str, Estimates | Failed]:
        """Estimate the cases of a world; those that ask for the same, once."""
        mine = [case.model for case in variant.cases if case.world == world.number]
        if world.chain is None:
            reason = f"its panel cannot be built: {world.reason}"
            return {model.name: Failed(model.name, model.design, reason) for model in mine}
        done = world.done if common is None else {}
        chain = world.chain if common is None else OnCommonRows(world.chain, common)
        asked: dict[Hashable, ModelPlan] = {}
        for model in mine:
            asked.setdefault(_asked(model), model)
        missing = [one for one in asked if one not in done]
        results = self.kept.models(
            [asked[one] for one in missing],
            chain,
            world.lost,
            lambda model: self.told(f"estimating {model.name} of {len(variant.cases)}"),
            lambda model: _slim if family_of(model) is None else None,
        )
        done.update(zip(missing, results, strict=True))
        return {model.name: replace(done[_asked(model)], name=model.name) for model in mine}


def _same_panel(one: Plan, other: Plan) -> bool:
    return one.spec.panel == other.spec.panel and list(one.early_variables.items()) == list(
        other.early_variables.items()
    )


def _asked(model: ModelPlan) -> Hashable:
    """Return what a model asks for: two that ask for the same give the same estimates under the same notes."""
    options = model.options.model_dump_json(exclude={"family", "title"})
    # Whether a family was asked for decides what an estimate keeps.
    family = family_of(model) is not None
    return model.design, options, family, model.estimated, model.given, model.notes


def _needed(plan: Plan, models: Sequence[ModelPlan]) -> list[ProductivityPlan]:
    """Return the productivity entries that models rest on, those that others are made of first."""
    steps = {one.name: one for one in plan.productivity}
    names = dict.fromkeys(name for model in models for name in model.estimated)
    names |= dict.fromkeys(parent for name in list(names) for parent in steps[name].parents)
    found = [one for one in plan.productivity if one.name in names]
    return sorted(found, key=lambda one: bool(one.parents))


def _told(problem: Problem) -> str:
    """Return a mistake without its place: no path of a file enters the record."""
    text = ", ".join(part for part in (problem.what, problem.meaning, problem.advice) if part)
    return f"{problem.path}: {text}" if problem.path else text


def _slim(found: Estimates | Failed) -> Estimates | Failed:
    """Return estimates without what only a family needs: a row a firm, in each of many cases."""
    if isinstance(found, Failed):
        return found
    empty = np.zeros(0, dtype=np.int64)
    return replace(
        found, influence_firms=empty, influence=np.zeros((0, len(found.terms))), influence_clusters=None, workings=None
    )
