"""Figures of models: what `of`, `by` and `keep` name are models, a block of theirs, and their items or terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from estimation.registry import ANY, DESIGNS, FIGURES
from specs.errors import Problem, did_you_mean
from specs.tree import Node, find
from tfplab.variant_figures import check_figure_of_variant

if TYPE_CHECKING:
    from panels.facts import ColumnFacts
    from tfplab.plan import FigurePlan, ModelPlan, Plan

__all__ = ["check_figure_of_models", "check_figures_of_models"]


def check_figures_of_models(plan: Plan) -> list[Problem]:
    """Return what the figures of models name that there is not."""
    drawn = [one for one in plan.figures if one.kind in FIGURES and FIGURES[one.kind].models]
    return [problem for one in drawn for problem in check_figure_of_models(plan, one)]


def check_figure_of_models(
    plan: Plan, figure: FigurePlan, known: Mapping[str, ColumnFacts] | None = None
) -> Iterator[Problem]:
    """Yield what a figure of models names that there is not.

    Parameters
    ----------
    plan : Plan
    figure : FigurePlan
        Of a kind that is of models.
    known : mapping of str to ColumnFacts, optional
        The columns, where they are known.
    """
    if FIGURES[figure.kind].variants:
        yield from check_figure_of_variant(plan, figure, known)
        return
    design, path = FIGURES[figure.kind].models, f"figures.{figure.name}"
    node = find(plan.spec.root, ("figures", figure.name)) or plan.spec.root
    bound = {one.name: one for one in plan.models}
    fitting = [name for name, one in bound.items() if _fits(one.design, design)]
    models: list[ModelPlan] = []
    for index, name in enumerate(figure.of):
        place = find(node, ("of", index)) or find(node, ("of",)) or node
        if name in bound and _fits(bound[name].design, design):
            models.append(bound[name])
        elif name in plan.spec.models and name not in bound:
            return  # a model with a problem of its own
        else:
            what = f'"{name}" is no model' + (" with coefficients" if design == ANY else f" of design {design}")
            near = did_you_mean(name, fitting) or (f"there are: {', '.join(fitting)}" if fitting else "")
            yield Problem(place.position, f"{path}.of", what, "", near)
    if not models:
        return
    if FIGURES[figure.kind].keeps != "items":
        terms = FIGURES[figure.kind].keeps == "terms"
        if terms:
            yield from _terms(figure, models, node)
        for key, there in (("by", figure.by), ("where", figure.where), ("keep", figure.keep and not terms)):
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


def _fits(design: str, wanted: str) -> bool:
    """Return whether a figure can be of models of a design; shares of respondents are no coefficients."""
    return design == wanted or (wanted == ANY and not DESIGNS[design].respondents)


def _terms(figure: FigurePlan, models: list[ModelPlan], node: Node) -> Iterator[Problem]:
    """Yield the terms to keep that no model has; levels are known after estimation."""
    there = {name for one in models for name in one.options.term_names()}
    for index, written in enumerate(figure.keep):
        for part in written.split(":"):
            base = part.partition("[")[0]
            if base not in there:
                place = find(node, ("keep", index)) or _at(node, "keep")
                what = f'no term "{written}" in the models of this figure'
                yield Problem(place.position, f"figures.{figure.name}.keep", what, "", did_you_mean(base, there))


def _at(node: Node, key: str) -> Node:
    return find(node, (key,)) or node
