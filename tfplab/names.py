"""Every name in a spec against the columns there are: at the first gate where layouts tell them, else at the second."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from estimation.designs.options import ColumnUse
from estimation.registry import DESIGNS, FIGURES, PRODUCTIVITY
from panels.facts import ColumnFacts
from panels.kinds import MOSTLY, check_expression, facts_of
from panels.plan import check_variables
from specs.errors import Problem, did_you_mean
from specs.expressions import Expression
from specs.fields import OptionsModel
from specs.sections import DESCRIPTIVES
from specs.tree import Node, find
from specs.variants import CASES_BESIDE, settings_named
from tfplab.model_figures import check_figure_of_models
from tfplab.places import dotted, nearest
from tfplab.respondents import check_respondents_model

if TYPE_CHECKING:
    from tfplab.plan import FigurePlan, ModelPlan, Plan, ProductivityPlan

__all__ = ["check_entries", "check_names", "check_order", "names_of_model", "names_taken_as_given"]

AMOUNTS = ("output", "free", "state", "proxy")
"""Keys of productivity entries that name what a firm makes, or makes it of."""
TOO_LATE = "is there only after productivity is estimated"


def names_of_model(design: str, options: Any) -> tuple[str, ...]:
    """Return every column that a model reads, in its formula, its weights, its clusters and its `where`."""
    where: Expression | None = options.where
    used = (*DESIGNS[design].columns(options), *options.errors.columns)
    return tuple(dict.fromkeys((*used, *(name for name, _ in (where.names() if where is not None else ())))))


def names_taken_as_given(design: str, options: Any, productivity: Container[str]) -> tuple[str, ...]:
    """Return the columns that a model reads otherwise than as an outcome that the spec itself estimated.

    Parameters
    ----------
    design : str
    options : OptionsModel
    productivity : container of str
        The productivity entries: the uncertainty of one that is the outcome itself can be carried over.
    """
    where = {name for name, _ in options.where.names()} if options.where is not None else set()
    uses = options.uses()
    otherwise = {one.name for one in uses if not one.outcome} | where
    # The outcomes of placebos are no part of the estimate.
    beside = {one.name for one in uses if one.place[0] == "sensitivity"}
    beside -= {one.name for one in uses if one.place[0] != "sensitivity"} | where
    return tuple(
        name
        for name in names_of_model(design, options)
        if name not in beside and (name in otherwise or name not in productivity)
    )


def check_names(
    plan: Plan, columns: Mapping[str, ColumnFacts], absent: Mapping[str, str] | None = None
) -> list[Problem]:
    """Find every name that is no column, and every column of the wrong kind.

    Parameters
    ----------
    plan : Plan
    columns : mapping of str to ColumnFacts
        The panel's own columns, keys included.
    absent : mapping of str to str, optional
        Columns that the layout yields and these files cannot, with the reason.

    Returns
    -------
    list of Problem
    """
    known, problems = check_variables(plan.panel, columns, absent)
    checker = _Checker(plan, known, absent or {})
    checker.problems += problems
    checker.new_names()
    for step in plan.productivity:
        checker.productivity(step)
    checker.new_columns(plan)
    checker.variables(plan.late_variables)
    for model in plan.models:
        checker.model(model)
    for figure in plan.figures:
        checker.figure(figure)
    for name in plan.spec.tables:
        checker.table(name)
    checker.labels()
    for case in (case for variant in plan.variants for case in variant.cases if case.world < 0):
        checker.model(case.model)
    found = [checker.told_later(problem) for problem in checker.problems]
    for world in plan.worlds:
        found += _names_of_world(plan, world, checker.known, columns, absent)
    # Cases share what is wrong with them.
    return list(dict.fromkeys(found)) if plan.variants else found


def _names_of_world(
    plan: Plan,
    world: Plan,
    known: Mapping[str, ColumnFacts],
    columns: Mapping[str, ColumnFacts],
    absent: Mapping[str, str] | None,
) -> list[Problem]:
    """Check what a world has for itself: its variables, the entries that differ, its cases."""
    if world.spec.panel is None:
        return []  # a setting spoils the panel: that is told, and no column is known
    own = {id(step) for step in plan.productivity}
    same = world.spec.panel is plan.spec.panel and world.spec.variables is plan.spec.variables
    problems: tuple[Problem, ...] = ()
    if not same:
        known, problems = check_variables(world.panel, columns, absent)
    checker = _Checker(world, known, absent or {})
    checker.problems += problems
    for step in world.productivity:
        if id(step) not in own or not same:
            checker.productivity(step)
    checker.new_columns(world)
    if not same:
        checker.variables(world.late_variables)
    for model in world.models:
        checker.model(model)
    return [checker.told_later(problem) for problem in checker.problems]


def check_order(plan: Plan) -> list[Problem]:
    """Find productivity entries that rest on what is there only after productivity, whatever the files hold."""
    later = {*plan.productivity_names, *plan.late_variables}
    problems, clashing = [], set()
    found: list[tuple[str, Problem]] = []
    for step in plan.productivity:
        path = f"productivity.{step.name}"
        places = [(name, nearest(step.node, place), 0, dotted(path, place)) for place, name in _columns_placed(step)]
        if step.options.where is not None:
            node = find(step.node, ("where",)) or step.node
            places += [(name, node, offset, f"{path}.where") for name, offset in step.options.where.names()]
        if any(name == step.name for name, *_ in places):
            clashing.add(step.name)
            problems.append(_reads_its_own_name(plan, step.name))
        found += [
            (name, Problem(node.at(offset), where, f'"{name}" {TOO_LATE}'))
            for name, node, offset, where in places
            if name in later
        ]
    # Whoever else reads such a name means the panel's column: the entry's other name will do for them as well.
    return [*problems, *(problem for name, problem in found if name not in clashing)]


def _reads_its_own_name(plan: Plan, name: str) -> Problem:
    """Say that an entry is called as a column that it reads: the panel has that one already, or nothing has."""
    entry = plan.spec.root.entries["productivity"].node.entries[name]
    what = f'"{name}" is the name of this entry and of a column that it reads'
    meaning = f"if the panel has a column {name} already, the entry would be a second one"
    return Problem(entry.key_position, f"productivity.{name}", what, meaning, "give the entry another name")


def check_entries(plan: Plan) -> list[Problem]:
    """Find figures of entries that there are not, or that estimate no elasticity, whatever the files hold."""
    root, problems = plan.spec.root, []
    for figure in plan.figures:
        if figure.kind not in FIGURES or not FIGURES[figure.kind].entries:
            continue
        of = find(root, ("figures", figure.name, "of"))
        for index, name in enumerate(figure.of):
            told = _not_drawn(plan, name)
            if told is not None:
                place = (find(of, (index,)) if of is not None else None) or of or root
                problems.append(Problem(place.position, f"figures.{figure.name}.of", told[0], "", told[1]))
    return problems


def _not_drawn(plan: Plan, name: str) -> tuple[str, str] | None:
    """Say of a productivity entry why it has no elasticities, and what to try; None where it has some."""
    written, bound = plan.spec.productivity, {one.name: one for one in plan.productivity}
    if name not in written:
        there_are = f"there are: {', '.join(written)}" if written else ""
        return f'no productivity entry "{name}"', did_you_mean(name, written) or there_are
    if name not in bound:
        return None
    what = f'"{name}" estimates no elasticity: its method is {bound[name].method}'
    if bound[name].parents:
        return what, f"name the entry that it is made of: {', '.join(bound[name].parents)}"
    return None if PRODUCTIVITY[bound[name].method].estimates else (what, "leave it out")


class _Checker:
    def __init__(self, plan: Plan, known: Mapping[str, ColumnFacts], absent: Mapping[str, str]) -> None:
        self.plan = plan
        self.root = plan.spec.root
        self.known = dict(known)
        self.absent = absent
        self.problems: list[Problem] = []

    def expression(self, expression: Expression | None, node: Node | None, path: str, *, condition: bool) -> Any:
        """Check an expression where it stands and return its kind."""
        if expression is None:
            return None
        node = node or self.root
        kind, complaints = check_expression(expression, self.known, condition, self.absent)
        for one in complaints:
            self.problems.append(Problem(node.at(one.offset), path, one.what, one.meaning, one.advice))
        return kind

    def told_later(self, problem: Problem) -> Problem:
        """Say of a name that exists, but only after estimation, why it cannot stand here."""
        later = (*self.plan.productivity_names, *self.plan.late_variables)
        named = [name for name in later if problem.what.startswith(f'no column "{name}"')]
        if not named:
            return problem
        return replace(problem, what=f'"{named[0]}" {TOO_LATE}', advice="")

    def column(self, name: str, node: Node | None, path: str, offset: int = 0, *, number: bool = False) -> None:
        """Check that a column exists and, where wanted, is a number."""
        place = (node or self.root).at(offset)
        facts = self.known.get(name)
        if facts is None:
            what, meaning = f'no column "{name}" in the panel or in variables:', ""
            if name in self.absent:
                what, meaning = f'no column "{name}" can be made of the files', self.absent[name]
            self.problems.append(Problem(place, path, what, meaning, did_you_mean(name, self.known)))
        elif number and facts.kind == "text":
            why = facts.source if facts.source.startswith(MOSTLY) else ""
            self.problems.append(Problem(place, path, f'"{name}" is text', "a number is wanted here", why))

    def new_names(self) -> None:
        """Refuse productivity columns that hide one of the panel's own."""
        entry = self.root.entries.get("productivity")
        for name, one in entry.node.entries.items() if entry else ():
            if name in self.known:
                what = f'the panel has a column "{name}" already'
                self.problems.append(Problem(one.key_position, f"productivity.{name}", what, "", "take another name"))

    def new_columns(self, plan: Plan) -> None:
        """Add the columns of productivity."""
        levels = {step.name for step in plan.productivity if getattr(step.options, "level", "log") == "level"}
        for name in plan.productivity_names:
            self.known[name] = ColumnFacts(name, "number", "" if name in levels else "log")

    def variables(self, variables: Mapping[str, Expression]) -> None:
        for name, expression in variables.items():
            kind = self.expression(
                expression, find(self.root, ("variables", name)), f"variables.{name}", condition=False
            )
            self.known.setdefault(name, facts_of(name, expression, kind))

    def productivity(self, step: ProductivityPlan) -> None:
        path = f"productivity.{step.name}"
        for place, name in _columns_placed(step):
            node, key = nearest(step.node, place), place[0]
            self.column(name, node, dotted(path, place), number=key not in ("controls", "separately_by"))
            facts = self.known.get(name)
            if key in AMOUNTS and facts is not None and facts.name == "year":
                what, meaning = f'"{name}" is the panel\'s year', f"{key} is an amount of the firm's"
                advice = f"controls: [{name}] has an indicator for each year"
                self.problems.append(Problem(node.position, dotted(path, place), what, meaning, advice))
        for name, place in () if step.errors is None else step.errors.places:
            self.column(name, nearest(step.node, ("errors", *place)), dotted(path, ("errors", *place)))
        self.where(step.options.where, step.node, path)

    def model(self, model: ModelPlan) -> None:
        if DESIGNS[model.design].respondents:
            self.problems += check_respondents_model(self.plan, model, self.known, self.absent)
            return
        path, options = model.path, model.options
        for use in options.uses():
            if use.written:
                self.function(use, model.node, path)
            elif use.wants == "levels":
                self.levels(use, model.node, path)
            else:
                node = nearest(model.node, use.place)
                number = use.wants in ("number", "amount")
                self.column(use.name, node, dotted(path, use.place), use.offset, number=number)
                if use.wants == "amount":
                    self.amount(use, node, path)
                elif use.wants == "text":
                    self.text(use, node, path)
        self.where(options.where, model.node, path)

    def amount(self, use: ColumnUse, node: Node, path: str) -> None:
        """Refuse the log of an amount in the place of the amount."""
        facts = self.known.get(use.name)
        if facts is not None and facts.unit == "log":
            meaning, advice = "weights are amounts", "name the amount itself"
            self.problems.append(
                Problem(node.position, dotted(path, use.place), f'"{use.name}" is a log', meaning, advice)
            )

    def text(self, use: ColumnUse, node: Node, path: str) -> None:
        """Refuse numbers and answers where levels are wanted."""
        facts = self.known.get(use.name)
        if facts is not None and facts.kind in ("number", "answer"):
            what, advice = f'"{use.name}" is a number', "cut() in variables: makes classes of a number"
            self.problems.append(Problem(node.position, dotted(path, use.place), what, "a text column is wanted here",
                                         advice))  # fmt: skip

    def function(self, use: ColumnUse, model: Node, path: str) -> None:
        """Refuse log and powers of what enters as indicators."""
        facts = self.known.get(use.name)
        year = facts is not None and facts.name == "year"
        if facts is not None and (year or facts.kind == "text"):
            what = f"{use.written}: {use.name} enters as indicators"
            advice = f"for a trend declare trend: {use.name} - 2017" if year else ""
            place = nearest(model, use.place).at(use.offset)
            self.problems.append(Problem(place, dotted(path, use.place), what, "", advice))

    def levels(self, use: ColumnUse, model: Node, path: str) -> None:
        """Refuse base levels of what has none."""
        facts, parent = self.known.get(use.name), find(model, use.place[:-1])
        here = dotted(path, use.place[:-1])
        if facts is None:
            self.column(use.name, parent, here)
        elif facts.kind in ("number", "answer") and facts.name != "year" and parent is not None:
            place = parent.entries[use.name].key_position
            what = f'"{use.name}" is a number and has no base level'
            self.problems.append(Problem(place, here, what, "", "cut() makes classes of a number"))

    def figure(self, figure: FigurePlan) -> None:
        if figure.kind in FIGURES and FIGURES[figure.kind].models:
            self.problems += check_figure_of_models(self.plan, figure, self.known)
            return
        path = f"figures.{figure.name}"
        node = find(self.root, ("figures", figure.name)) or self.root
        of = self.below(node, "of")
        for index, name in enumerate(figure.of):
            here = (find(of, (index,)) if of is not None else None) or of
            # Of entries `check_entries` has told what there is to tell.
            if figure.kind not in FIGURES or not FIGURES[figure.kind].entries:
                self.column(name, here, f"{path}.of", number=True)
        if figure.by is not None:
            self.column(figure.by, self.below(node, "by"), f"{path}.by")
        self.where(figure.where, node, path)

    def table(self, name: str) -> None:
        """Check the terms that a table keeps or orders by: their columns; levels are known after estimation."""
        table = self.plan.spec.tables[name]
        if table.kind == "diagnostics":
            return
        bound = {one.name: one for one in self.plan.models}
        self.mixed(name, [one for one in table.models if one in bound and bound[one].design == DESCRIPTIVES])
        estimated = {one.name: one for one in self.plan.productivity}
        terms: set[str] = set()
        variants = {one.name: one for one in self.plan.variants}
        cases = sum(len(variants[one].cases) for one in table.models if one in variants)
        self.alone(name, [one for one in table.models if one in variants and cases > CASES_BESIDE])
        for one in table.models or bound:
            if one in bound:
                terms |= set(bound[one].options.term_names())
            elif one in variants:
                terms |= {term for case in variants[one].cases for term in case.model.options.term_names()}
            elif one in estimated:
                terms |= set(PRODUCTIVITY[estimated[one].method].columns(estimated[one].options))
            else:
                return  # a model with a problem of its own: its terms are not known
        for key in ("keep", "order"):
            node = find(self.root, ("tables", name, key))
            for index, written in enumerate(getattr(table, key)):
                for part in written.split(":"):
                    base = part.partition("[")[0]
                    if base not in terms and node is not None:
                        place = (find(node, (index,)) or node).position
                        what = f'no term "{written}" in the models of this table'
                        self.problems.append(
                            Problem(place, f"tables.{name}.{key}", what, "", did_you_mean(base, terms))
                        )

    def alone(self, name: str, many: list[str]) -> None:
        """Refuse other columns beside a variant whose cases stand below each other."""
        table = self.plan.spec.tables[name]
        others = [one for one in table.models if one not in self.plan.spec.variants]
        if many and others:
            place = find(self.root, ("tables", name, "models")) or self.root
            what = f"{many[0]} beside {others[0]}"
            meaning = f"of more than {CASES_BESIDE} cases each is a row, and models are columns"
            self.problems.append(
                Problem(place.position, f"tables.{name}.models", what, meaning, "give it a table of its own")
            )

    def mixed(self, name: str, described: list[str]) -> None:
        """Refuse descriptive statistics beside estimates: their lines are of columns, not of terms."""
        models = self.plan.spec.tables[name].models
        if described and len(described) < len(models):
            node = find(self.root, ("tables", name, "models")) or self.root
            place = (find(node, (models.index(described[0]),)) or node).position
            others = ", ".join(one for one in models if one not in described)
            what = f'"{described[0]}" describes firms, and stands beside the estimates of {others}'
            advice = f"give it a table of its own: {{models: [{', '.join(described)}]}}"
            self.problems.append(Problem(place, f"tables.{name}.models", what, "", advice))

    def labels(self) -> None:
        """Refuse labels of what there is not: they would print nowhere."""
        spec = self.plan.spec
        sections = ("models", "productivity", "variants", "tables", "figures")
        named = {"constant", *self.known, *settings_named(spec.variants.values())}
        named |= {name for one in sections for name in (find(self.root, (one,)) or self.root).entries}
        section = find(self.root, ("labels",))
        for label, entry in section.entries.items() if section is not None else ():
            bases = [part.partition("[")[0] for part in label.split(":")]
            # A factor with log() or a power is written as the term is.
            if label not in named and not all(base in named or "(" in base for base in bases):
                what = f'no column, term, model, table or figure "{label}"'
                advice = did_you_mean(label, named)
                self.problems.append(Problem(entry.key_position, f"labels.{label}", what, "", advice))

    def where(self, expression: Expression | None, node: Node, path: str) -> None:
        self.expression(expression, self.below(node, "where"), f"{path}.where", condition=True)

    @staticmethod
    def below(node: Node, key: str) -> Node | None:
        entry = node.entries.get(key)
        return entry.node if entry else None


def _columns_placed(step: ProductivityPlan) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Yield the columns that a productivity entry names with their places; keys that name entries are not among them.

    A key that has a list of choices names no column either, whatever columns are called.
    """
    method, options = PRODUCTIVITY[step.method], step.options
    entries = method.parents(options) if method.parents is not None else {}
    wanted = method.columns(options)
    for place, name in _placed(options):
        if name in wanted and place[0] not in entries:
            yield place, name


def _is_choice(annotation: Any) -> bool:
    """Say whether a key takes one of a list of words, or nothing."""
    if get_origin(annotation) in (Union, UnionType):
        return all(_is_choice(one) for one in get_args(annotation) if one is not type(None))
    return get_origin(annotation) is Literal


def _placed(value: object, place: tuple[str | int, ...] = ()) -> Iterable[tuple[tuple[str | int, ...], str]]:
    """Yield every text among the options with its place: a column where the method's `columns` names it."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, OptionsModel):
        for key, field in type(value).model_fields.items():
            if not _is_choice(field.annotation):
                yield from _placed(getattr(value, key), (*place, key))
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _placed(one, (*place, key))
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _placed(one, (*place, index))
