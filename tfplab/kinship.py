"""Productivity entries that are made of others: markups, of the entry whose elasticities they take."""

from __future__ import annotations

from collections.abc import Mapping

from estimation.registry import PRODUCTIVITY
from specs.errors import Problem, did_you_mean
from specs.tree import find
from tfplab.entries import Bound

__all__ = ["behind_others", "can_be_drawn", "check_parents", "parents_of"]


def parents_of(entry: Bound) -> tuple[str, ...]:
    """Return the entries that this one is made of."""
    named = PRODUCTIVITY[entry.kind].parents if entry.kind in PRODUCTIVITY else None
    return tuple(named(entry.options).values()) if named is not None and entry.options is not None else ()


def behind_others(productivity: Mapping[str, Bound]) -> set[str]:
    """Return the entries that others are made of."""
    return {name for entry in productivity.values() for name in parents_of(entry)}


def can_be_drawn(productivity: Mapping[str, Bound], name: str) -> bool:
    """Return whether a bootstrap can draw an entry, and what it is made of, again."""
    entry = productivity.get(name)
    if entry is None or entry.kind not in PRODUCTIVITY or PRODUCTIVITY[entry.kind].resampler is None:
        return False
    return all(can_be_drawn(productivity, parent) for parent in parents_of(entry) if parent != name)


def check_parents(productivity: Mapping[str, Bound]) -> list[Problem]:
    """Find entries made of what there is not, of themselves or of what has no transitory error, and logs for amounts.

    Parameters
    ----------
    productivity : mapping of str to Bound

    Returns
    -------
    list of Problem
    """
    problems: list[Problem] = []
    able = ", ".join(method for method, one in PRODUCTIVITY.items() if one.transitory)
    for name, entry in productivity.items():
        named = PRODUCTIVITY[entry.kind].parents if entry.kind in PRODUCTIVITY else None
        if named is None or entry.options is None:
            continue
        others = [one for one in productivity if one != name]
        for key, parent in named(entry.options).items():
            node, path = find(entry.node, (key,)) or entry.node, f"productivity.{name}.{key}"
            if parent == name:
                what = f'"{name}" is made of itself'
                advice = f"name the entry whose elasticities it takes: {', '.join(others)}" if others else ""
                problems.append(Problem(node.position, path, what, "", advice))
                continue
            if parent not in productivity:
                what, near = f'no productivity entry "{parent}"', did_you_mean(parent, others)
                problems.append(Problem(node.position, path, what, "", near))
                continue
            behind = productivity[parent]
            if behind.kind in PRODUCTIVITY and not PRODUCTIVITY[behind.kind].transitory:
                what = f'"{parent}" ({behind.kind}) has no transitory error to take out of revenue'
                problems.append(Problem(node.position, path, what, "", f"estimate it by one of {able}"))
            elif behind.options is not None:
                problems += _is_free(entry, behind, parent, f"productivity.{name}.input")
                problems += _are_amounts(entry, behind, parent, f"productivity.{name}")
    return problems


def _are_amounts(entry: Bound, behind: Bound, parent: str, path: str) -> list[Problem]:
    """Refuse the logs of the entry behind in the place of amounts of money."""
    roles, problems = behind.options.roles, []
    logs = {roles.output: "output", roles.proxy: "proxy"}
    logs |= dict.fromkeys(roles.free, "free input") | dict.fromkeys(roles.state, "state")
    for key in ("expenditure", "revenue"):
        column = getattr(entry.options, key)
        if column in logs:
            node = find(entry.node, (key,)) or entry.node
            what = f'"{column}" is a log: it is the {logs[column]} of {parent}'
            advice = f"name the column of money, or declare it: exp({column}) if that is the {key}"
            problems.append(Problem(node.position, f"{path}.{key}", what, f"{key} is an amount", advice))
    return problems


def _is_free(entry: Bound, behind: Bound, parent: str, path: str) -> list[Problem]:
    """Refuse an input that the entry behind does not choose within the year."""
    roles = behind.options.roles
    chosen = tuple(name for name in roles.inputs if name not in roles.state)
    if entry.options.input in chosen:
        return []
    node = find(entry.node, ("input",)) or entry.node
    what = f'"{entry.options.input}" is no free input of {parent}'
    near = did_you_mean(entry.options.input, chosen) or f"there are: {', '.join(chosen)}"
    return [Problem(node.position, path, what, "a markup needs an input chosen within the year", near)]
