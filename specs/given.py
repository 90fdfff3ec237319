"""``--set path=value``: values given with a command, laid over a spec like the lines of a file above all others."""

from __future__ import annotations

from collections.abc import Sequence

from specs.errors import Position, Problem, did_you_mean
from specs.read import parse
from specs.source import Source
from specs.tree import Entry, Node, set_value

__all__ = ["GIVEN", "lay_over"]

GIVEN = "--set"
"""What stands in the place of a file; the line is the number of the option."""

SECTIONS = ("productivity", "models", "variants", "tables", "figures")
EXAMPLE = "write --set models.table1.errors=HC3"


def lay_over(root: Node, given: Sequence[str]) -> tuple[Node, tuple[Problem, ...]]:
    """Return a spec with values set.

    Parameters
    ----------
    root : Node
        The map at the top of a spec.
    given : sequence of str
        Each a dotted path and, behind the first equals sign, a value as YAML has it: maps and lists in one line.
        ``null`` removes what is there.

    Returns
    -------
    root : Node
    problems : tuple of Problem
        With ``--set`` as their file and the number of the option as the line.
    """
    problems: list[Problem] = []
    for number, text in enumerate(given, 1):
        root, found = _laid(root, text, number)
        problems += found
    return root, tuple(problems)


def _laid(root: Node, text: str, number: int) -> tuple[Node, tuple[Problem, ...]]:
    place = Position(GIVEN, number, 1)
    path, equals, written = text.partition("=")
    steps = path.strip().split(".")
    if not equals or not all(steps):
        what = f'"{text}" is not a path and a value' if equals else f'"{text}" has no value'
        return root, (Problem(place, "", what, "", EXAMPLE),)
    if steps[0] == "extends":
        what = "what a spec extends cannot be set"
        return root, (Problem(place, path, what, "it has been read by now", "write a spec that extends it"),)
    if "\n" in text or "\r" in text:
        return root, (Problem(place, path, "a value on several lines", "", "write it on one: {a: 1}, [1, 2]"),)
    # What stands before the value is blank, so that columns are those of the option.
    indent = len(path) + 1
    value, problems = parse(Source(GIVEN, "\n" * (number - 1) + " " * indent + written), "", any_value=True)
    if problems or value is None:
        told = problems or (Problem(place, path, "no value", "", EXAMPLE),)
        return root, tuple(told)
    if value.value is None:
        return _removed(root, steps, place)
    entries = root.entries[steps[0]].node.entries if steps[0] in SECTIONS and steps[0] in root.entries else {}
    if len(steps) > 2 and entries and steps[1] not in entries:
        what = f'no entry "{steps[1]}" under {steps[0]}:'
        near = did_you_mean(steps[1], entries) or f"there are: {', '.join(entries)}"
        return root, (Problem(place, path, what, "", near),)
    try:
        return set_value(root, steps, value), ()
    except KeyError as error:
        what = f'"{path}" leads through a value'
        return root, (Problem(place, path, what, f"{error.args[0]} has no keys there", "set the whole key"),)


def _removed(root: Node, steps: Sequence[str], place: Position, above: str = "") -> tuple[Node, tuple[Problem, ...]]:
    head, rest = steps[0], steps[1:]
    entries = root.entries
    if head not in entries:
        there = did_you_mean(head, entries) or (f"there are: {', '.join(entries)}" if entries else "")
        return root, (Problem(place, f"{above}{'.'.join(steps)}", f'there is no "{head}" to remove', "", there),)
    if not rest:
        return Node(root.position, {key: one for key, one in entries.items() if key != head}), ()
    below, problems = _removed(entries[head].node, rest, place, f"{above}{head}.")
    return Node(root.position, {**entries, head: Entry(entries[head].key_position, below)}), problems
