"""``variants:`` bound: every case a model of its own, cases that share panel and productivity in one world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from estimation.registry import DESIGNS
from specs.errors import Position, Problem, did_you_mean
from specs.families import FAMILY_KEYS
from specs.model import SpecModel, parse_spec
from specs.tree import Entry, Node, find, plain, set_value, without
from specs.variants import REPLACE, ROOTED, Case, Choice, Dimension, VariantSpec
from tfplab.assembling import assemble_plan, estimates_something
from tfplab.bootstraps import check_bootstraps
from tfplab.dates import check_dates
from tfplab.entries import Bound, bind_models, bind_productivity
from tfplab.families import check_families
from tfplab.groups import check_groups
from tfplab.kinship import check_parents
from tfplab.plan import CasePlan, ModelPlan, Plan, ProductivityPlan, VariantPlan
from tfplab.swaps import names_swapped, swapped
from tfplab.windows import check_windows

__all__ = ["bind_variants", "serves"]


def bind_variants(
    plan: Plan, productivity: Mapping[str, Bound], models: Mapping[str, Bound], precedence: tuple[str, ...]
) -> tuple[Plan, tuple[Problem, ...]]:
    """Bind the variants of a plan.

    Parameters
    ----------
    plan : Plan
    productivity, models : mapping of str to Bound
        Its entries.
    precedence : tuple of str
        The files that the spec is made of, as in `tfplab.entries.bind_productivity`.

    Returns
    -------
    plan : Plan
        With its variants and their worlds.
    problems : tuple of Problem
        Each once, however many cases have it.
    """
    if not plan.spec.variants:
        return plan, ()
    binder = _Binder(plan, productivity, models, precedence)
    bound = [binder.variant(one) for one in plan.spec.variants.values()]
    variants = binder.made([one for one in bound if one is not None])
    # What cannot be read in a world is told; the names that it lacks for that reason are not.
    worlds = tuple(one.plan for one in binder.worlds.values() if one.plan is not None and not one.problems)
    return replace(plan, variants=variants, worlds=worlds), tuple(dict.fromkeys(binder.problems))


Rooted = tuple[tuple[Dimension, Choice], ...]
"""What a case sets outside its model."""


@dataclass(slots=True)
class _Variant:
    spec: VariantSpec
    cases: tuple[Case, ...]
    drawn_from: int


@dataclass(slots=True)
class _World:
    """A panel and productivity entries that some cases share.

    Attributes
    ----------
    spec : SpecModel
    productivity : dict of str to Bound
    problems : tuple of Problem
        Of the spec so changed.
    entries : dict of str to Entry
        The cases, as entries of `models`.
    plan : Plan or None
        Once all cases are there.
    """

    spec: SpecModel
    productivity: Mapping[str, Bound]
    problems: tuple[Problem, ...]
    entries: dict[str, Entry] = field(default_factory=dict)
    lineage: dict[str, Entry] = field(default_factory=dict)
    plan: Plan | None = None


class _Binder:
    def __init__(
        self, plan: Plan, productivity: Mapping[str, Bound], models: Mapping[str, Bound], precedence: tuple[str, ...]
    ) -> None:
        self.plan, self.productivity, self.models, self.precedence = plan, productivity, models, precedence
        self.problems: list[Problem] = []
        self.worlds: dict[tuple[tuple[str, int], ...], _World] = {}
        self.world_of: dict[str, tuple[tuple[str, int], ...]] = {}
        self._own: tuple[Problem, ...] | None = None

    def problem(self, place: Position, path: str, what: str, meaning: str = "", advice: str = "") -> None:
        self.problems.append(Problem(place, path, what, meaning, advice))

    # From a variant to its cases

    def variant(self, spec: VariantSpec) -> _Variant | None:
        """Return a variant with its cases put into their worlds; None where its model has a problem."""
        model = self.models.get(spec.of)
        if model is None or model.options is None or not self.fits(spec, model):
            return None
        every = spec.cases()
        cases = every
        if spec.at_most is not None and spec.at_most < len(every):
            cases = spec.sampled(every, self.main_of(spec, every, model), self.plan.seed)
        for number, case in enumerate(cases, 1):
            own = self.own_entries(spec, case, model)
            if own is None:
                continue
            key, world = self.world(tuple(one for one in case.settings if one[0].path[0] in ROOTED))
            name = f"{spec.name}[{number}]"
            place = case.settings[0][0].position if case.settings else spec.key_position
            like = Entry(place, Node(place, spec.of))
            world.entries[name] = Entry(place, Node(place, {"like": like, **own}))
            world.lineage |= self.lineage(spec.of)
            self.world_of[name] = key
        return _Variant(spec, cases, len(every))

    def fits(self, spec: VariantSpec, model: Bound) -> bool:
        """Return whether the variant's own keys go with its model; tell where they do not."""
        path, before = f"variants.{spec.name}", len(self.problems)
        rooted = [one for one in (*spec.dimensions, *(d for case in spec.listed for d, _ in case.settings))
                  if one.path[0] == "panel"]  # fmt: skip
        if spec.rows == "common":
            place = spec.node.entries["rows"].key_position
            self.has_rows_of_its_own(spec, model.kind)
            if rooted:
                what = f"rows: common beside {rooted[0].name}"
                self.problem(place, path, what, "rows of other panels are other rows", "leave the key out")
        if spec.family is not None:
            place = spec.family.key_position
            if rooted:
                what = f"a family beside {rooted[0].name}"
                self.problem(place, path, what, "firms of other panels cannot be drawn together", "leave one out")
            elif isinstance(spec.family.node.value, dict) and "terms" not in spec.family.node.entries:
                swaps = any(one.path[0] == REPLACE for one in spec.dimensions)
                if not swaps and not any(one.path[0] == REPLACE for case in spec.listed for one, _ in case.settings):
                    what, advice = 'the key "terms" is missing', "write terms: [ai]"
                    self.problem(place, f"{path}.family", what, "nothing is swapped that they could be", advice)
        for dimension in (*spec.dimensions, *(d for case in spec.listed for d, _ in case.settings)):
            head = dimension.path[0]
            if head == "like":
                self.problem(dimension.position, path, "like cannot vary", "", "vary the keys that are to differ")
            elif head == REPLACE and not names_swapped(self.without_family(model.node), dimension.path[1]):
                what = f'"{dimension.path[1]}" does not stand in {spec.of}'
                self.problem(dimension.position, f"{path}.{REPLACE}", what, "there is nothing to swap")
        return len(self.problems) == before

    def has_rows_of_its_own(self, spec: VariantSpec, design: str) -> bool:
        """Return, and tell, whether a design takes rows by more than its `where`, so that they cannot be common."""
        # A difference-in-differences asks columns of a firm, in its base year or a wave, that other rows may lack.
        if spec.rows == "common" and (design == "did" or DESIGNS[design].whole or DESIGNS[design].respondents):
            place = spec.node.entries["rows"].key_position
            path, what = f"variants.{spec.name}", f"rows: common beside design {design}"
            self.problem(place, path, what, "its rows are not those of its where alone", "leave the key out")
            return True
        return False

    def without_family(self, node: Node) -> Node:
        return without(node, ("family",))

    def own_entries(self, spec: VariantSpec, case: Case, model: Bound) -> dict[str, Entry] | None:
        """Return the keys that a case has for itself, on top of those of its model; None where there is a problem."""
        node, touched = model.node, dict[str, Position]()
        swaps: dict[str, tuple[str, Position]] = {}
        for dimension, choice in case.settings:
            head = dimension.path[0]
            if head in ROOTED:
                continue
            if head == REPLACE:
                swaps[dimension.path[1]] = (str(choice.node.value), choice.node.position)
                continue
            touched[head] = dimension.position
            if choice.node.value is None:
                node = without(node, dimension.path)
                continue
            try:
                node = set_value(node, dimension.path, choice.node, dimension.position)
            except KeyError:
                path = f"variants.{spec.name}"
                what = f'"{dimension.name}" leads through a value'
                self.problem(dimension.position, path, what, f"{spec.of} has no map there", "vary the whole key")
                return None
        if swaps:
            changed = swapped(self.without_family(node), swaps)
            for key in node.entries.keys() | changed.entries.keys():
                old, new = node.entries.get(key), changed.entries.get(key)
                if key != "family" and (old is None or new is None or old.node is not new.node):
                    touched.setdefault(key, (old or new).key_position)  # type: ignore[union-attr]
            node = changed
        own: dict[str, Entry] = {}
        for key, place in touched.items():
            if key in node.entries:
                own[key] = Entry(place, node.entries[key].node)
            elif key in model.node.entries:
                own[key] = Entry(place, Node(place, None))
        family = self.family(spec, swaps)
        if family is not None:
            own["family"] = family
        elif "family" in model.node.entries and "family" not in own:
            # The cases are no members of the family that their model belongs to.
            own["family"] = Entry(spec.key_position, Node(spec.key_position, None))
        return own

    def family(self, spec: VariantSpec, swaps: Mapping[str, tuple[str, Position]]) -> Entry | None:
        """Return the family of a variant as one of its cases has it: swapped names are its terms where none are."""
        if spec.family is None or not isinstance(spec.family.node.value, dict):
            return spec.family
        entries = dict(spec.family.node.value)
        place = spec.family.node.position
        if not set(entries) - set(FAMILY_KEYS) and "id" not in entries:
            entries["id"] = Entry(place, Node(place, spec.name))
        if "terms" not in entries and swaps:
            entries["terms"] = Entry(place, Node(place, tuple(Node(where, name) for name, where in swaps.values())))
        elif "terms" not in entries:
            return None
        return Entry(spec.family.key_position, Node(place, entries))

    def lineage(self, name: str) -> dict[str, Entry]:
        """Return a model and those that it is like, as written."""
        found: dict[str, Entry] = {}
        while name in self.plan.spec.models and name not in found:
            found[name] = self.plan.spec.models[name]
            like = found[name].node.entries.get("like")
            name = like.node.value if like is not None and isinstance(like.node.value, str) else ""
        return found

    # Worlds

    def world(self, rooted: Rooted) -> tuple[tuple[tuple[str, int], ...], _World]:
        """Return the world with these settings, made where it is new."""
        key = tuple((one.name, id(choice.node)) for one, choice in rooted)
        if key not in self.worlds:
            self.worlds[key] = self.make_world(rooted)
        return key, self.worlds[key]

    def make_world(self, rooted: Rooted) -> _World:
        spec, problems = self.plan.spec, list[Problem]()
        productivity = self.productivity
        if not rooted:
            return _World(spec, productivity, ())
        root = spec.root
        own: dict[str, set[str]] = {}
        for dimension, choice in rooted:
            path, node = dimension.path, choice.node
            try:
                root = without(root, path) if node.value is None else set_value(root, path, node, dimension.position)
            except KeyError:
                what = f'"{dimension.name}" leads through a value'
                problems.append(Problem(node.position, "variants", what, "", "vary the whole key"))
            if path[0] == "productivity":
                own.setdefault(path[1], set()).add(path[2])
        if any(one.path[0] != "productivity" for one, _ in rooted):
            # All other sections are the plan's own.
            alone = {key: one for key, one in root.entries.items() if key in ("tfplab", *ROOTED)}
            changed, found = parse_spec(Node(root.position, alone))
            problems += found
            spec = replace(spec, panel=changed.panel, variables=changed.variables)
        entries = root.entries["productivity"].node.entries if "productivity" in root.entries else {}
        spec = replace(spec, root=root, productivity=entries)
        if own:
            productivity, found = bind_productivity(entries, self.precedence, own)
            problems += [*found, *check_parents(productivity)]
        return _World(spec, productivity, tuple(problems))

    def finish(self, world: _World) -> None:
        """Bind the cases of a world and make its plan."""
        estimated = {name for name, one in world.productivity.items() if estimates_something(one)}
        bound, problems = bind_models({**world.lineage, **world.entries}, estimated, self.precedence)
        cases = {name: self.with_own_family(bound[name]) for name in world.entries}
        # What the model's own parents have wrong is told of them, but for what is wrong in this world alone.
        told = {(one.position, one.what) for one in self.own_problems()}
        for problem in (*world.problems, *problems):
            if (problem.position, problem.what) not in told:
                self.problems.append(replace(problem, path=_case_path(problem.path)))
        spec = replace(world.spec, figures={}, tables={}, variants={})
        plan = assemble_plan(self.plan.path, spec, self.plan.seed, world.productivity, cases, self.plan.files)
        # What a world does not change is the plan's own, and estimated once.
        own = {one.name: one for one in self.plan.productivity}
        shared = tuple(
            own[one.name] if one.name in own and serves(own[one.name], one) else one for one in plan.productivity
        )
        world.plan = replace(plan, productivity=shared)

    def own_problems(self) -> tuple[Problem, ...]:
        """Return what is wrong with the spec without its variants."""
        if self._own is None:
            estimated = {name for name, one in self.productivity.items() if estimates_something(one)}
            _, problems = bind_models(self.plan.spec.models, estimated, self.precedence)
            _, more = bind_productivity(self.plan.spec.productivity, self.precedence)
            _, others = parse_spec(self.plan.spec.root)
            self._own = (*problems, *more, *others, *check_parents(self.productivity))
        return self._own

    def with_own_family(self, bound: Bound) -> Bound:
        """Return a case with those of its family's terms that it has; without a family where it has none of them."""
        family = getattr(bound.options, "family", None)
        if family is None:
            return bound
        names = bound.options.term_names()
        terms = tuple(one for one in family.terms if all(part.partition("[")[0] in names for part in one.split(":")))
        kept = replace(family, terms=terms) if terms else None
        return replace(bound, options=bound.options.model_copy(update={"family": kept}))

    # Plans of variants

    def made(self, bound: Sequence[_Variant]) -> tuple[VariantPlan, ...]:
        """Return the variants once every world is bound; cases that differ from nothing else share one estimate."""
        for key in [key for key, one in self.worlds.items() if not one.entries]:
            del self.worlds[key]
        for world in self.worlds.values():
            self.finish(world)
        places: dict[tuple[tuple[str, int], ...], int] = {}
        for key in self.worlds:
            if key:
                places[key] = len(places)
        own = {one.name: one for one in self.plan.models}
        plans = [one.plan for one in self.worlds.values() if one.plan is not None]
        models = {model.name: model for one in plans for model in one.models}
        variants = []
        for one in bound:
            cases = []
            for number, case in enumerate(one.cases, 1):
                name = f"{one.spec.name}[{number}]"
                model = models.get(name)
                if model is None:
                    continue
                if model.design != own[one.spec.of].design:
                    self.has_rows_of_its_own(one.spec, model.design)
                key = self.world_of[name]
                plan = self.worlds[key].plan
                assert plan is not None
                at = -1 if not key or _changes_nothing(self.plan, plan, model) else places[key]
                main = at == -1 and _same_options(model.options, own[one.spec.of].options)
                cases.append(CasePlan(name, case, model, at, main))
            self.check_family(one.spec, cases)
            variants.append(VariantPlan(one.spec.name, one.spec, tuple(cases), one.drawn_from))
        for world in self.worlds.values():
            if world.plan is not None:
                self.check(world.plan)
        if () in self.worlds:
            # Cases in the spec's own panel and productivity need no world of their own.
            del self.worlds[()]
        return tuple(variants)

    def check(self, plan: Plan) -> None:
        for check in (check_bootstraps, check_groups, check_windows, check_dates):
            known = {(one.position, one.what) for one in self.problems}
            self.problems += [one for one in check(plan) if (one.position, one.what) not in known
                              and not one.path.startswith("productivity.")]  # fmt: skip

    def check_family(self, spec: VariantSpec, cases: Sequence[CasePlan]) -> None:
        if spec.family is None or not cases:
            return
        self.problems += check_families(replace(self.plan, models=tuple(one.model for one in cases)))
        terms = find(spec.family.node, ("terms",))
        held = {term for one in cases for term in (getattr(one.model.options.family, "terms", ()))}
        names = sorted({name for one in cases for name in one.model.options.term_names()})
        for node in terms.items if terms is not None else ():
            if isinstance(node.value, str) and node.value not in held:
                path, what = f"variants.{spec.name}.family.terms", f'no case has a term "{node.value}"'
                self.problem(node.position, path, what, "", did_you_mean(node.value, names))

    def main_of(self, spec: VariantSpec, cases: Sequence[Case], model: Bound) -> Case | None:
        """Return the case that changes nothing, found one setting at a time."""
        idle = self.idle_choices(spec, model)
        return next((case for case in cases if all(id(choice) in idle for _, choice in case.settings)), None)

    def idle_choices(self, spec: VariantSpec, model: Bound) -> set[int]:
        """Return the choices, by identity, that each alone leave the model as it is."""
        idle: set[int] = set()
        entries: dict[str, Entry] = {}
        choices: dict[str, Choice] = {}
        every = (*spec.dimensions, *(one for case in spec.listed for one, _ in case.settings))
        for dimension, choice in ((one, choice) for one in every for choice in one.choices):
            if dimension.path[0] == REPLACE:
                same = bool(choice.node.value == dimension.path[1])
            elif dimension.path[0] in ROOTED:
                written = find(self.plan.spec.root, dimension.path)
                same = written is not None and plain(written) == plain(choice.node)
            else:
                own = self.own_entries(spec, Case(((dimension, choice),)), model)
                if own is not None:
                    place, name = dimension.position, f"one[{len(entries) + 1}]"
                    like = Entry(place, Node(place, spec.of))
                    entries[name] = Entry(place, Node(place, {"like": like, **own}))
                    choices[name] = choice
                continue
            if same:
                idle.add(id(choice))
        estimated = {name for name, one in self.productivity.items() if estimates_something(one)}
        bound, _ = bind_models({**self.lineage(spec.of), **entries}, estimated, self.precedence)
        for name, choice in choices.items():
            found = bound[name].options
            if found is not None and _same_options(found, model.options):
                idle.add(id(choice))
        return idle


def _case_path(path: str) -> str:
    """Return the path of a variant for that of one of its cases: ``models.grid[3].errors``."""
    head, _, rest = path.partition("]")
    variant, bracket, _ = head.removeprefix("models.").partition("[")
    return f"variants.{variant}{rest}" if bracket and head.startswith("models.") else path


def _same_options(one: Any, other: Any) -> bool:
    """Return whether two models ask for the same; families apart."""
    if type(one) is not type(other):
        return False
    # An outcome that is named beside a formula with the same left side changes nothing.
    apart: tuple[str, ...] = ("family", "title", "outcome") if hasattr(one, "formula") else ("family", "title")
    if one.errors == other.errors and one.errors.kind in ("classical", "wild_bootstrap"):
        # These leave the first stage out unless told, which a copy has written out.
        implied = {one.tfp_uncertainty or "ignore", other.tfp_uncertainty or "ignore"}
        apart += ("tfp_uncertainty",) if implied == {"ignore"} else ()
    given = {key: value for key, value in one.__dict__.items() if key not in apart}
    same = given == {key: value for key, value in other.__dict__.items() if key not in apart}
    return bool(same and one.outcome_column == other.outcome_column)


def serves(there: ProductivityPlan, asked: ProductivityPlan) -> bool:
    """Return whether the estimate of an entry does for another: the same, with all that others need of every row."""
    return _same_entry(there, asked) and asked.extras in ("", there.extras)


def _same_entry(one: ProductivityPlan, other: ProductivityPlan) -> bool:
    mine = (one.name, one.method, one.options, one.errors, one.parents)
    return mine == (other.name, other.method, other.options, other.errors, other.parents)


def _changes_nothing(plan: Plan, world: Plan, model: ModelPlan) -> bool:
    """Return whether what a model rests on is in a world as it is in the plan."""
    if world.spec.panel != plan.spec.panel or world.spec.variables != plan.spec.variables:
        return False
    own = {one.name: one for one in plan.productivity}
    theirs = {one.name: one for one in world.productivity}
    names, seen = list(model.estimated), set[str]()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in own or name not in theirs:
            return False
        one, other = own[name], theirs[name]
        if not _same_entry(one, other):
            return False
        names += other.parents
    return True
