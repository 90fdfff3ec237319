"""Figures of models: what `of`, `by` and `keep` name are models of one design, a block of theirs, and their items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from estimation.registry import FIGURES
from specs.errors import Problem, did_you_mean
from specs.tree import Node, find

if TYPE_CHECKING:
    from tfplab.plan import FigurePlan, ModelPlan, Plan

__all__ = ["check_figure_of_models"]


def check_figure_of_models(plan: Plan, figure: FigurePlan) -> Iterator[Problem]:
    """Yield what a figure of models names that there is not.

    Parameters
    ----------
    plan : Plan
    figure : FigurePlan
        Of a kind that is of models.
    """
    design, path = FIGURES[figure.kind].models, f"figures.{figure.name}"
    node = find(plan.spec.root, ("figures", figure.name)) or plan.spec.root
    bound = {one.name: one for one in plan.models}
    fitting = [name for name, one in bound.items() if one.design == design]
    models: list[ModelPlan] = []
    for index, name in enumerate(figure.of):
        place = find(node, ("of", index)) or find(node, ("of",)) or node
        if name in bound and bound[name].design == design:
            models.append(bound[name])
        elif name in plan.spec.models and name not in bound:
            return  # a model with a problem of its own
        else:
            what = f'"{name}" is no model of design {design}'
            near = did_you_mean(name, fitting) or (f"there are: {', '.join(fitting)}" if fitting else "")
            yield Problem(place.position, f"{path}.of", what, "", near)
    if not models:
        return
    if design != "adoption_rates":
        for key, there in (("by", figure.by), ("where", figure.where), ("keep", figure.keep)):
            if there:
                what, meaning = f'"{key}" says nothing here', f"a figure of kind {figure.kind} draws all of its models"
                yield Problem(node.entries[key].key_position, path, what, meaning, "leave it out")
        return
    if figure.by is not None:
        blocks = [{block[0] for block in one.options.by if len(block) == 1} for one in models]
        common = set.intersection(*blocks)
        if figure.by not in common:
            what = f'"{figure.by}" is no block of {", ".join(one.name for one in models)}'
            listed = f"there are: {', '.join(sorted(common))}" if common else "there is none of a single column"
            near = did_you_mean(figure.by, common) or listed
            yield Problem(_at(node, "by").position, f"{path}.by", what, "cells are those of a model's by:", near)
    if figure.where is not None:
        what, meaning = '"where" says nothing here', "the models say which firms their shares are of"
        yield Problem(node.entries["where"].key_position, path, what, meaning, "leave it out")
    items = list(dict.fromkeys(item for one in models for item in one.options.items))
    for index, item in enumerate(figure.keep):
        if item not in items:
            place = find(node, ("keep", index)) or _at(node, "keep")
            near = did_you_mean(item, items) or f"there are: {', '.join(items)}"
            yield Problem(place.position, f"{path}.keep", f'no item "{item}" in the models of this figure', "", near)


def _at(node: Node, key: str) -> Node:
    return find(node, (key,)) or node
