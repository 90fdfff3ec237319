"""``replace:`` of a variant: the name of a column swapped for another wherever a model has it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from specs.errors import Position
from specs.tree import Entry, Node

__all__ = ["names_swapped", "swapped"]

KEPT = frozenset({"title", "design", "method", "estimator", "like", "id"})
"""Keys whose text is no name of a column."""

_QUOTED_OR_NAME = re.compile(r"'[^']*'|\"[^\"]*\"|[^\W\d]\w*", re.UNICODE)

Swaps = Mapping[str, tuple[str, Position]]
"""From a name to the one that takes its place, and where that is written."""


def swapped(node: Node, swaps: Swaps) -> Node:
    """Return a tree with names swapped, in texts (quoted ones apart), lists and keys of maps.

    Parameters
    ----------
    node : Node
    swaps : mapping of str to (str, Position)

    Returns
    -------
    Node
        The same object where nothing was swapped.
    """
    if isinstance(node.value, str):
        return _in_text(node, swaps)
    if isinstance(node.value, tuple):
        items = tuple(swapped(one, swaps) for one in node.value)
        same = all(new is old for new, old in zip(items, node.value, strict=True))
        return node if same else Node(node.position, items)
    if isinstance(node.value, dict):
        found = {
            swaps[key][0] if key in swaps else key: one
            if key in KEPT
            else Entry(one.key_position, swapped(one.node, swaps))
            for key, one in node.value.items()
        }
        same = found.keys() == node.value.keys() and all(found[key].node is node.value[key].node for key in found)
        return node if same else Node(node.position, found)
    return node


def names_swapped(node: Node, name: str) -> bool:
    """Return whether a tree has a name that would be swapped."""
    return swapped(node, {name: (f"{name}_", node.position)}) is not node


def _in_text(node: Node, swaps: Swaps) -> Node:
    text = str(node.value)
    parts: list[str] = []
    spots: list[tuple[int, Position]] = []
    length, last = 0, 0

    def add(part: str, place: Position) -> None:
        nonlocal length
        if part:
            spots.append((length, place))
            parts.append(part)
            length += len(part)

    for match in _QUOTED_OR_NAME.finditer(text):
        if match.group() in swaps:
            add(text[last : match.start()], node.at(last))
            add(*swaps[match.group()])
            last = match.end()
    if not parts:
        return node
    if last < len(text):
        add(text[last:], node.at(last))
    return Node(node.position, "".join(parts), 0, tuple(spots))
