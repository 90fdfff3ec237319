"""The tree of a spec: values that know where they were written.

Every node keeps its own file, so that what `like` copies (and what a base spec hands down) is still
reported where it stands.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from specs.errors import Position

__all__ = [
    "Entry", "Node", "Path", "Scalar", "as_list", "find", "is_list", "is_mapping", "is_scalar", "merge",
    "nearest", "plain", "set_value", "value_key", "walk", "without",
]  # fmt: skip

Scalar = str | int | float | bool | None
Path = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a spec.

    Attributes
    ----------
    position : Position
        Where the value starts; for quoted text, the quotation mark.
    value : scalar, tuple of Node, or dict of str to Entry
        Whole numbers that serve as keys (``2021:``) are text in the dict.
    text_offset : int
        Characters from `position` to the first character of a scalar's text: 1 for quoted text.
    spots : tuple of (offset, Position)
        For text on several lines or with escapes: from this offset on, the text stands there. Empty
        where the text stands in the file as it is.
    """

    position: Position
    value: str | int | float | bool | tuple[Node, ...] | dict[str, Entry] | None
    text_offset: int = 0
    spots: tuple[tuple[int, Position], ...] = ()

    def at(self, offset: int) -> Position:
        """Return the place in the file of the text's character number `offset` (from 0)."""
        if not self.spots:
            return self.position.right(self.text_offset + offset)
        start, place = self.spots[max(bisect_right(self.spots, (offset + 1,)) - 1, 0)]
        return place.right(max(offset - start, 0))

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries of a map; none for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list; none for anything else."""
        return self.value if isinstance(self.value, tuple) else ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a map: where the key stands, and its value."""

    key_position: Position
    node: Node


def is_mapping(node: Node) -> bool:
    """Return whether the node is a map."""
    return isinstance(node.value, dict)


def is_list(node: Node) -> bool:
    """Return whether the node is a list."""
    return isinstance(node.value, tuple)


def is_scalar(node: Node) -> bool:
    """Return whether the node is text, a number, true, false or empty."""
    return not isinstance(node.value, (dict, tuple))


def plain(node: Node) -> object:
    """Return the value without positions: dicts, tuples (for lists) and scalars."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(entry.node) for key, entry in value.items()}
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value


def as_list(node: Node) -> Any:
    """Return the value without positions, as JSON has it: lists, not tuples."""
    value = node.value
    if isinstance(value, dict):
        return {key: as_list(entry.node) for key, entry in value.items()}
    return [as_list(item) for item in value] if isinstance(value, tuple) else value


def value_key(value: Any) -> Any:
    """Return what equal values of the same kind have in common, and others not: 1, 1.0 and true are three."""
    if isinstance(value, dict):
        return dict, frozenset((key, value_key(one)) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return list, tuple(value_key(one) for one in value)
    return type(value), value


def without(root: Node, path: Path) -> Node:
    """Return the tree without the key at `path`; as it is where there is none."""
    step = str(path[0])
    if not isinstance(root.value, dict) or step not in root.value:
        return root
    if len(path) == 1:
        return Node(root.position, {key: one for key, one in root.value.items() if key != step})
    old = root.value[step]
    return Node(root.position, {**root.value, step: Entry(old.key_position, without(old.node, path[1:]))})


def find(node: Node, path: Path) -> Node | None:
    """Return the node at `path` (keys, and indexes of lists), or None where there is nothing."""
    for step in path:
        found = _step(node, step)
        if found is None:
            return None
        node = found
    return node


def nearest(node: Node, path: Path) -> Node:
    """Return the node at the longest part of `path` that exists."""
    for step in path:
        found = _step(node, step)
        if found is None:
            break
        node = found
    return node


def _step(node: Node, step: str | int) -> Node | None:
    if isinstance(node.value, dict):
        entry = node.value.get(str(step))
        return entry.node if entry else None
    if isinstance(node.value, tuple) and str(step).isdecimal() and int(step) < len(node.value):
        return node.value[int(step)]
    return None


def walk(node: Node, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Yield every node below and including this one, with its path, parents first."""
    yield path, node
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            yield from walk(entry.node, (*path, key))
    elif isinstance(node.value, tuple):
        for index, item in enumerate(node.value):
            yield from walk(item, (*path, str(index)))


def merge(parent: Node, child: Node, whole: Callable[[int, str], bool], depth: int = 0) -> Node:
    """Return `child` laid over `parent`; every value keeps its own position.

    Maps merge, lists and scalars replace, a null in the child removes the key. A null that finds nothing to remove
    stays: it is a key without a value, and reported as one.

    Parameters
    ----------
    parent, child : Node
    whole : callable
        ``whole(depth, key)``: whether a key replaces the map that was there, at this depth below the top.
    depth : int
        Of the two.
    """
    if not (isinstance(parent.value, dict) and isinstance(child.value, dict)):
        return child
    merged = dict(parent.value)
    for key, entry in child.value.items():
        if key not in merged:
            merged[key] = entry
        elif entry.node.value is None:
            del merged[key]
        elif whole(depth, key):
            merged[key] = entry
        else:
            merged[key] = Entry(entry.key_position, merge(merged[key].node, entry.node, whole, depth + 1))
    return Node(child.position, merged)


def set_value(root: Node, path: Path, node: Node, place: Position | None = None) -> Node:
    """Return the tree with `node` at `path`; maps that are missing on the way are made.

    Parameters
    ----------
    root : Node
    path : tuple of str or int
    node : Node
    place : Position, optional
        Of keys that are made; that of `node` by default.

    Raises
    ------
    KeyError
        If the path leads through a scalar or beyond the end of a list.
    """
    if not path:
        return node
    step, rest = str(path[0]), path[1:]
    if isinstance(root.value, dict):
        old = root.value.get(step)
        below = old.node if old else Node(node.position, {})
        entry = Entry(old.key_position if old else place or node.position, set_value(below, rest, node, place))
        return Node(root.position, {**root.value, step: entry})
    if isinstance(root.value, tuple) and step.isdecimal() and int(step) < len(root.value):
        items = list(root.value)
        items[int(step)] = set_value(items[int(step)], rest, node, place)
        return Node(root.position, tuple(items))
    raise KeyError(step)
