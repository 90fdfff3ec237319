"""Where in a spec something stands: the node at a place, and its dotted path."""

from __future__ import annotations

from specs.tree import Node, find

__all__ = ["dotted", "nearest"]


def dotted(path: str, place: tuple[str | int, ...]) -> str:
    """Return the dotted path of a place below another, positions in lists left out."""
    return ".".join((path, *(key for key in place if isinstance(key, str))))


def nearest(node: Node, place: tuple[str | int, ...]) -> Node:
    """Return the node at a place, or the last one on the way there that the spec has."""
    for depth in range(len(place), 0, -1):
        found = find(node, place[:depth])
        if found is not None:
            return found
    return node
