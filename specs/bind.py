"""A node of the tree against a pydantic model: the model, or every mistake at its place, in our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from specs.complaints import TYPE_ERRORS, complain
from specs.errors import Position, Problem, did_you_mean
from specs.fields import MISTAKE, Mistake, as_written
from specs.later import LATER_KEYS
from specs.tree import Node, find, nearest, plain, walk

__all__ = ["bind", "mistake_problem", "unknown_key"]

M = TypeVar("M", bound=BaseModel)
_Error = dict[str, Any]


def bind(
    model: type[M],
    node: Node,
    path: str,
    key_position: Position | None = None,
    known: Iterable[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> tuple[M | None, tuple[Problem, ...]]:
    """Validate a map against a model.

    Parameters
    ----------
    model : subclass of BaseModel
        Usually an `OptionsModel`.
    node : Node
    path : str
        The dotted path of the node, for messages: ``productivity.tfp``.
    key_position : Position, optional
        Where the key stands under which the node is written: there a missing key is reported.
    known : iterable of str
        Further keys that a did-you-mean may name.
    elsewhere : mapping of str to str, optional
        By key that has a meaning in another place, what it is there.

    Returns
    -------
    model : M or None
        None where there is any problem.
    problems : tuple of Problem
    """
    at_key = key_position or node.position
    if not isinstance(node.value, dict):
        what = f"keys are wanted, not {as_written(plain(node))}"
        place = at_key if node.value is None else node.position
        return None, (Problem(place, path, what, "", f"there are: {', '.join(model.model_fields)}"),)
    binder = _Binder(model, node, path, at_key, tuple(known), elsewhere or {})
    problems = binder.empties()
    bound = None
    try:
        bound = model.model_validate(plain(node))
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems += binder.problems([dict(one) for one in found])
    return (None if problems else bound), tuple(dict.fromkeys(problems))


def unknown_key(key: str, known: Sequence[str], elsewhere: Mapping[str, str] | None = None) -> tuple[str, str, str]:
    """Say what, what it means and what to try of a key that a map does not have."""
    listed = f"there are: {', '.join(dict.fromkeys(known))}" if known else ""
    if elsewhere and key in elsewhere:
        return f'the key "{key}" has no meaning here', elsewhere[key], listed
    if key in LATER_KEYS:
        return f'the key "{key}" is not available in this version', "", ""
    return f'unknown key "{key}"', "", did_you_mean(key, known) or listed


def mistake_problem(found: Mistake, node: Node, path: str, key_position: Position | None = None) -> Problem:
    """Return the Problem of a validator's `Mistake` about `node`."""
    place = key_position or node.position
    target: Node | None = node
    for step in found.path:
        assert target is not None
        entry = target.entries.get(str(step))
        place = entry.key_position if entry else place
        below = find(target, (step,))
        if below is None:
            break
        target = below
    exists = find(node, found.path) is not None
    assert target is not None
    if not found.at_key and exists:
        in_text = isinstance(target.value, str) and found.offset is not None
        place = target.at(found.offset or 0) if in_text else target.position
    dotted = ".".join(part for part in (path, *map(str, found.path)) if part)
    return Problem(place, dotted, found.what, found.meaning, found.advice)


class _Binder:
    def __init__(
        self,
        model: type[BaseModel],
        node: Node,
        path: str,
        at_key: Position,
        known: tuple[str, ...],
        elsewhere: Mapping[str, str],
    ) -> None:
        self.model, self.node, self.path, self.at_key, self.known = model, node, path, at_key, known
        self.elsewhere = elsewhere
        self.empty: set[tuple[str, ...]] = set()

    def empties(self) -> list[Problem]:
        """Report every key without a value: forgotten, it would be ignored silently."""
        problems: list[Problem] = []
        for steps, node in walk(self.node):
            if node.value is None:
                self.empty.add(steps)
                place = self.key_place(steps)
                problems.append(
                    Problem(
                        place,
                        self.dotted(steps),
                        "an empty value",
                        "",
                        "give it a value or leave the key out",
                    )
                )
        return problems

    def dotted(self, steps: Sequence[str]) -> str:
        return ".".join([self.path, *steps]) if self.path else ".".join(steps)

    def key_place(self, steps: Sequence[str]) -> Position:
        """Return where the key of a path stands; the value itself for an item of a list."""
        if not steps:
            return self.at_key
        parent = nearest(self.node, steps[:-1])
        entry = parent.entries.get(steps[-1])
        return entry.key_position if entry else nearest(self.node, steps).position

    def problems(self, errors: list[_Error]) -> list[Problem]:
        """Turn pydantic's errors into problems; one a union, not one an alternative."""
        chosen: list[Problem] = []
        unions: dict[tuple[str, ...], dict[str, list[tuple[_Error, tuple[str, ...]]]]] = {}
        for error in errors:
            steps, before_tag, tag = self.resolve(error)
            if steps in self.empty or self.is_echo(error, steps):
                continue
            if tag is None:
                chosen.append(self.problem(error, steps))
            else:
                unions.setdefault(before_tag, {}).setdefault(tag, []).append((error, steps))
        for place, alternatives in unions.items():
            chosen.extend(self.union(place, alternatives))
        empty = {self.dotted(steps) for steps in self.empty}
        return [problem for problem in chosen if problem.path not in empty]

    def is_echo(self, error: _Error, steps: tuple[str, ...]) -> bool:
        """Return whether a list is called too short only because pydantic does not count its faulty items."""
        if error["type"] != "too_short":
            return False
        return len(nearest(self.node, steps).items) >= int(error["ctx"]["min_length"])

    def resolve(self, error: _Error) -> tuple[tuple[str, ...], tuple[str, ...], str | None]:
        """Return the steps that exist in the tree, those before the first union tag, and that tag."""
        node, steps, before, tag = self.node, [], None, None
        location = list(error["loc"])
        for index, step in enumerate(location):
            below = find(node, (step,))
            if below is not None:
                node = below
                steps.append(str(step))
            elif error["type"] == "missing" and index == len(location) - 1:
                steps.append(str(step))
            elif before is None:
                before, tag = tuple(steps), str(step)
        return tuple(steps), before if before is not None else tuple(steps), tag

    def union(
        self, place: tuple[str, ...], alternatives: dict[str, list[tuple[_Error, tuple[str, ...]]]]
    ) -> list[Problem]:
        """Keep the alternative that the user meant: the one whose outer form fits."""
        fitting = {
            tag: found
            for tag, found in alternatives.items()
            if not any(_of_another_form(error) and steps == place for error, steps in found)
        }
        ranked = sorted(fitting.values(), key=len)
        told = [found for found in ranked if any(error["type"] == MISTAKE for error, _ in found)]
        best = (told or ranked)[:1]
        others = [found for tag, found in alternatives.items() if tag not in fitting]
        if best:
            problems = [self.problem(error, steps) for error, steps in best[0]]
            if best[0][0][0]["type"] == "literal_error" and problems[0].advice.startswith("there are"):
                more = "".join(f", or {complain(found[0][0]).wanted}" for found in others)
                problems[0] = replace(problems[0], advice=problems[0].advice + more)
            return problems
        wanted = [complain(found[0][0]).wanted for found in others]
        shown = as_written(plain(nearest(self.node, place)))
        what = f"{' or '.join(dict.fromkeys(one for one in wanted if one))} is wanted, not {shown}"
        return [Problem(nearest(self.node, place).position, self.dotted(place), what)]

    def problem(self, error: _Error, steps: tuple[str, ...]) -> Problem:
        kind = error["type"]
        if kind == MISTAKE:
            target = nearest(self.node, steps)
            return mistake_problem(error["ctx"]["found"], target, self.dotted(steps), self.key_place(steps))
        if kind == "missing":
            owner = self.key_place(steps[:-1])
            return Problem(owner, self.dotted(steps[:-1]), f'the key "{steps[-1]}" is missing')
        if kind == "extra_forbidden":
            fields = self.fields_at(steps[:-1])
            what, meaning, advice = unknown_key(steps[-1], fields, self.elsewhere if len(steps) == 1 else None)
            return Problem(self.key_place(steps), self.dotted(steps[:-1]), what, meaning, advice)
        told = complain(error)
        return Problem(nearest(self.node, steps).position, self.dotted(steps), told.what, "", told.advice)

    def fields_at(self, steps: tuple[str, ...]) -> tuple[str, ...]:
        """Return the keys of the model that stands at a path below the bound one."""
        models: list[type[BaseModel]] = [self.model]
        for step in steps:
            below = [model.model_fields[step].annotation for model in models if step in model.model_fields]
            inner = [found for annotation in below for found in _models_in(annotation)]
            models = inner or models
        fields = dict.fromkeys(name for model in models for name in model.model_fields)
        return (*fields, *(self.known if not steps else ()))


def _of_another_form(error: _Error) -> bool:
    is_collection = isinstance(error.get("input"), (dict, tuple))
    return error["type"] in TYPE_ERRORS or (error["type"] == "literal_error" and is_collection)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]
