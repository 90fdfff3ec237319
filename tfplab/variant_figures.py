"""Figures of a variant: what `of` and `keep` name, and the term that is drawn of each case."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from estimation.registry import DESIGNS
from specs.errors import Problem, did_you_mean
from specs.sections import TableSpec
from specs.tree import Node, find
from specs.variants import REPLACE, Case

if TYPE_CHECKING:
    from panels.facts import ColumnFacts
    from tfplab.plan import FigurePlan, Plan, VariantPlan

__all__ = ["check_figure_of_variant", "term_drawn", "term_in_case"]

CONSTANT = "constant"
NAMED_AT_MOST = 12
_LEVEL_OR_NAME = re.compile(r"\[[^\]]*\]|[^\W\d]\w*", re.UNICODE)


def term_drawn(figure: FigurePlan, variant: VariantPlan, tables: Iterable[TableSpec]) -> str:
    """Return the term that a figure draws, as the model calls it.

    Parameters
    ----------
    figure : FigurePlan
    variant : VariantPlan
    tables : iterable of TableSpec
        Those of the spec.

    Returns
    -------
    str
        That of `keep`, else the one name that the variant replaces and that is a term, else the one that its tables
        keep; empty where there is none.
    """
    if figure.keep:
        return figure.keep[0]
    replaced = {
        dimension.path[1]: None
        for case in variant.cases
        for dimension, _ in case.case.settings
        if dimension.path[0] == REPLACE
    }
    there = [name for name in replaced if _is_there(name, variant)]
    if len(there) == 1:
        return there[0]
    kept = {term for one in tables if variant.name in one.models for term in one.keep if _is_there(term, variant)}
    return kept.pop() if len(kept) == 1 else ""


def term_in_case(term: str, case: Case) -> str:
    """Return what a case calls a term: with the names that it swaps in.

    Parameters
    ----------
    term : str
        ``ai:size[20-49]``; levels stay as they are.
    case : Case
    """
    swaps = {one.path[1]: str(choice.node.value) for one, choice in case.settings if one.path[0] == REPLACE}
    return _LEVEL_OR_NAME.sub(lambda found: swaps.get(found[0], found[0]), term)


def check_figure_of_variant(
    plan: Plan, figure: FigurePlan, known: Mapping[str, ColumnFacts] | None
) -> Iterator[Problem]:
    """Yield what a figure of a variant names that there is not.

    Parameters
    ----------
    plan : Plan
        With its variants.
    figure : FigurePlan
    known : mapping of str to ColumnFacts or None
        The columns, where they are known.
    """
    path, node = f"figures.{figure.name}", find(plan.spec.root, ("figures", figure.name)) or plan.spec.root
    for key, there in (("by", figure.by), ("where", figure.where)):
        if there is not None:
            what, meaning = f'"{key}" says nothing here', f"a figure of kind {figure.kind} draws all cases"
            yield Problem(node.entries[key].key_position, path, what, meaning, "leave it out")
    if len(figure.of) != 1:
        what, meaning = f"{len(figure.of)} names", "the cases of one variant stand in a curve"
        yield Problem(_at(node, "of").position, f"{path}.of", what, meaning, "draw a figure for each")
        return
    variant = next((one for one in plan.variants if one.name == figure.of[0]), None)
    if variant is None:
        yield from _unknown(plan, figure.of[0], _at(node, "of", 0), f"{path}.of")
        return
    if not variant.cases:
        return  # its cases have problems of their own
    design = variant.cases[0].model.design
    if DESIGNS[design].respondents:
        what = f'"{variant.name}" varies {variant.spec.of}, of design {design}'
        yield Problem(_at(node, "of", 0).position, f"{path}.of", what, "shares of respondents are no coefficients")
        return
    if len(figure.keep) > 1:
        what, meaning = f"{len(figure.keep)} terms", "the estimates of one term stand in a curve"
        yield Problem(_at(node, "keep").position, f"{path}.keep", what, meaning, "keep one, draw a figure for each")
    elif figure.keep:
        term = figure.keep[0]
        if not _is_there(term, variant):
            near = did_you_mean(term, _names(variant)) or _there_are(_names(variant))
            what = f'no case of {variant.name} has a term "{term}"'
            yield Problem(_at(node, "keep", 0).position, f"{path}.keep", what, "", near)
    elif not term_drawn(figure, variant, plan.spec.tables.values()):
        found = _drawable(variant, known)
        if found is not None and len(found) != 1:
            what = f"{variant.name} has {len(found)} terms that could be drawn" if found else "nothing to draw"
            meaning = "the estimates of one term stand in a curve" if found else "all terms have levels"
            listed = _there_are(found or _names(variant))
            advice = f"name one with keep; {listed}" if found else f"name one with its level, keep: [...]; {listed}"
            yield Problem(node.position, path, what, meaning, advice)


def _unknown(plan: Plan, name: str, place: Node, path: str) -> Iterator[Problem]:
    written = find(plan.spec.root, ("variants",))
    there = list(written.entries) if written is not None and isinstance(written.value, dict) else []
    if name in there:
        return  # a variant with a problem of its own
    kinds = (("models", "a model"), ("productivity", "a productivity entry"), ("variables", "a variable"))
    kind = next((what for section, what in kinds if name in getattr(plan.spec, section)), "")
    what = f'"{name}" is {kind} and no variant' if kind else f'no variant "{name}"'
    advice = did_you_mean(name, there) or (f"there are: {', '.join(there)}" if there else "")
    if not there:
        advice = f"write variants: {{grid: {{of: {name if kind == 'a model' else 'table1'}, vary: {{...}}}}}}"
    yield Problem(place.position, path, what, "a curve is of the cases of a variant", advice)


def _is_there(term: str, variant: VariantPlan) -> bool:
    """Return whether a case has the columns of a term among its own; levels are known after estimation."""
    return any(
        all(part.partition("[")[0] in case.model.options.term_names() for part in _parts(term_in_case(term, case.case)))
        for case in variant.cases
    )


def _parts(term: str) -> list[str]:
    """Return the factors of a term; a colon within a level divides nothing."""
    return re.split(r":(?![^\[]*\])", term)


def _names(variant: VariantPlan) -> list[str]:
    return list(dict.fromkeys(name for case in variant.cases for name in case.model.options.term_names()))


def _drawable(variant: VariantPlan, known: Mapping[str, ColumnFacts] | None) -> list[str] | None:
    """Return the terms that are no levels and no constant; None where the columns have to be known for that."""
    if not hasattr(variant.cases[0].model.options, "formula"):
        return []  # terms of years, levels or quantiles
    found = [name for name in _names(variant) if name != CONSTANT]
    kinds = {name: _kind(name, known or {}) for name in found}
    numbers = [name for name in found if kinds[name] == "number"]
    # Two are too many whatever the others are.
    return numbers if len(numbers) > 1 or "unknown" not in kinds.values() else None


def _kind(name: str, known: Mapping[str, ColumnFacts]) -> str:
    """Return whether a factor is a ``number`` or ``text``, which has levels; ``unknown`` before its values are read."""
    if not name.isidentifier():
        return "number"  # logarithms, powers and products
    if name == "year":
        return "text"
    kind = known[name].kind if name in known else "unknown"
    return "number" if kind == "answer" else kind


def _there_are(names: list[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return f"there are: {', '.join(names[:NAMED_AT_MOST])}{more}"


def _at(node: Node, key: str, index: int | None = None) -> Node:
    return (find(node, (key, index)) if index is not None else None) or find(node, (key,)) or node
