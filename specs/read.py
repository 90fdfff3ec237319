"""YAML 1.2 to a tree that knows the position of every key and value.

ruamel.yaml cuts the text into events; the tree is composed here. No tag is honoured, so no object is ever
made from a file, and size, depth and the growth of aliases are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError, YAMLStreamError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from specs.errors import Position, Problem
from specs.scalars import ScalarError, resolve
from specs.source import Source, SourceError, load
from specs.tree import Entry, Node
from specs.yaml_errors import explain

__all__ = ["parse", "read", "read_text"]

MAX_DEPTH = 20
MAX_VALUES = 20_000

_TAG = re.compile(r"![^\s,\]}]*")
_PROPERTIES = re.compile(r"(?:[!&]\S*\s+)+")


def read(
    path: Path,
    *,
    shown: str | None = None,
    begins: str = "a spec begins with tfplab: 1",
    base: str = "",
    text: str | None = None,
) -> tuple[Node | None, tuple[Problem, ...]]:
    """Read a YAML file.

    Parameters
    ----------
    path : Path
    shown : str, optional
        The file's name in messages; the path as it is where not given.
    begins : str
        What to try where it is empty.
    base : str, optional
        The folder that its paths are relative to, where it is not its own.
    text : str, optional
        What is read in the place of the file's content: what an editor or Python holds of it.

    Returns
    -------
    root : Node or None
        A map; None where the file cannot be read to its end or holds no map.
    problems : tuple of Problem
        In the order of the file.
    """
    name = str(path) if shown is None else shown
    try:
        source = load(path, name, base, text)
    except SourceError as error:
        return None, (error.problem,)
    return parse(source, begins)


def read_text(text: str, name: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Read a text as the content of a file of this name; see `read`."""
    return read(Path(name), text=text)


def parse(source: Source, begins: str = "", *, any_value: bool = False) -> tuple[Node | None, tuple[Problem, ...]]:
    """Read a text that is there already.

    Parameters
    ----------
    source : Source
    begins : str, optional
        What to try where it is empty.
    any_value : bool, optional
        Whether a list or a single value will do in the place of a map.

    Returns
    -------
    root : Node or None
    problems : tuple of Problem
        As `read`.
    """
    composer = _Composer(source, begins, any_value)
    try:
        root = composer.compose()
    except _Stop:
        root = None
    except YAMLError as error:
        composer.stumble(error)
        root = None
    except YAMLStreamError as error:  # characters that YAML forbids; `load` has refused those known
        composer.problem(source.position(0), f"not readable as YAML: {error}")
        root = None
    return root, tuple(sorted(composer.problems, key=lambda problem: problem.position))


def _height(node: Node) -> int:
    """Return how many lists and maps stand inside one another."""
    below = node.items or [entry.node for entry in node.entries.values()]
    inside = max((_height(one) for one in below), default=0)
    return inside if not isinstance(node.value, (dict, tuple)) else inside + 1


def _glued(event: Any) -> bool:
    """Return whether a key is plain text with a colon inside, ``{a:1}``."""
    return isinstance(event, ScalarEvent) and event.style is None and ":" in event.value


class _Stop(Exception):  # noqa: N818
    """The rest of the file is not worth reading; the reason is among the problems."""


class _Composer:
    def __init__(self, source: Source, begins: str, any_value: bool = False) -> None:
        self.source, self.begins, self.any_value = source, begins, any_value
        self.problems: list[Problem] = []
        self.events: Iterator[Any] = YAML(typ="safe", pure=True, plug_ins=[]).parse(source.text)
        self.path: list[str] = []
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.unfinished: set[str] = set()
        self.count = 0
        self.torn = 0
        """Brackets open in a plain text that a comma inside {} or [] has torn."""

    def problem(self, position: Position, what: str, meaning: str = "", advice: str = "") -> None:
        self.problems.append(Problem(position, ".".join(self.path), what, meaning, advice))

    def place(self, mark: Any) -> Position:
        return self.source.position(mark.index)

    def stumble(self, error: YAMLError) -> None:
        """Report where YAML could not be read on, unless a torn expression has said why already."""
        if self.torn:
            return
        index, what, meaning, advice = explain(error if isinstance(error, MarkedYAMLError) else None, self.source)
        self.problem(self.source.position(index), what, meaning, advice)

    def compose(self) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.problem(
                        self.place(event.start_mark),
                        "a second document",
                        "a file holds one spec",
                        "leave out the --- and what follows",
                    )
                    break
                if event.version not in (None, (1, 2)) or event.tags:
                    self.problem(
                        self.place(event.start_mark),
                        "a YAML directive",
                        "specs are YAML 1.2",
                        "leave out the line that begins with %",
                    )
            elif isinstance(event, (ScalarEvent, SequenceStartEvent, MappingStartEvent, AliasEvent)):
                root = self.node(event, flow=False)
        if self.any_value:
            return root
        empty = root is None or (root.value is None and not self.problems)
        if empty:
            self.problem(Position(self.source.name, 1, 1), "the file is empty", "", self.begins)
            return None
        assert root is not None
        if not isinstance(root.value, dict):
            self.problem(
                root.position,
                "keys are wanted at the top level",
                "",
                "write one key a line, a colon and a space behind it: title: My study",
            )
            return None
        return root

    def node(self, event: Any, flow: bool) -> Node:
        self.count += 1
        self.check_count(event)
        if isinstance(event, AliasEvent):
            return self.alias(event)
        start = self.value_start(event)
        if event.anchor is not None:
            self.unfinished.add(event.anchor)
        before = self.count
        if isinstance(event, ScalarEvent):
            node = self.scalar(event, start)
        else:
            if len(self.path) >= MAX_DEPTH:
                self.problem(self.source.position(start), f"nested more than {MAX_DEPTH} deep")
                raise _Stop
            is_map = isinstance(event, MappingStartEvent)
            flow = bool(event.flow_style)
            node = Node(self.source.position(start), self.mapping(flow) if is_map else self.sequence(flow))
        if event.anchor is not None:
            self.unfinished.discard(event.anchor)
            self.anchors[event.anchor] = (node, self.count - before)
        return node

    def check_count(self, event: Any) -> None:
        if self.count > MAX_VALUES:
            self.problem(
                self.place(event.start_mark),
                f"more than {MAX_VALUES} values",
                "aliases count as often as they are used",
            )
            raise _Stop

    def value_start(self, event: Any) -> int:
        """Return where the value itself begins, behind its anchor and tag; report the tag."""
        start = int(event.start_mark.index)
        if event.anchor is None and event.tag is None:
            return start
        if event.tag is not None:
            tag = _TAG.search(self.source.text, start)
            self.problem(
                self.source.position(tag.start() if tag else start),
                f'the tag "{tag.group() if tag else event.tag}"',
                "a spec holds plain values",
                "leave it out",
            )
        properties = _PROPERTIES.match(self.source.text, start)
        return properties.end() if properties else start

    def alias(self, event: Any) -> Node:
        found = self.anchors.get(event.anchor)
        if found is None:
            what = "stands inside itself" if event.anchor in self.unfinished else "is named nowhere before"
            self.problem(self.place(event.start_mark), f'the anchor "{event.anchor}" {what}')
            raise _Stop
        node, size = found
        self.count += size
        self.check_count(event)
        if len(self.path) + _height(node) > MAX_DEPTH:
            self.problem(self.place(event.start_mark), f"nested more than {MAX_DEPTH} deep")
            raise _Stop
        return node

    def scalar(self, event: Any, start: int) -> Node:
        text, style = str(event.value), event.style
        position = self.source.position(start)
        if style is not None:
            if style == '"':
                self.escapes(text, start)
            if style in "|>" or self.source.text[start + 1 : start + 1 + len(text)] != text:
                return Node(position, text, 0, self.source.spots(start, event.end_mark.index, text, style))
            return Node(position, text, 1)
        try:
            value = resolve(text)
        except ScalarError as error:
            self.problem(position, error.what, error.meaning, error.advice)
            return Node(position, text)
        if "\n" in self.source.text[start : event.end_mark.index] and isinstance(value, str):
            return Node(position, value, 0, self.source.spots(start, event.end_mark.index, text, ""))
        return Node(position, value)

    def escapes(self, text: str, start: int) -> None:
        r"""Report a backslash that was meant as one: ``"data\file.csv"`` holds a form feed."""
        for character in text:
            if ord(character) < 32 and character not in "\n\t":
                place = max(self.source.text.find("\\", start), start)
                self.problem(
                    self.source.position(place),
                    f"an escape makes the invisible character U+{ord(character):04X}",
                    '"\\" has a meaning in double quotes',
                    "write single quotes",
                )
                return

    def sequence(self, flow: bool) -> tuple[Node, ...]:
        items: list[Node] = []
        outside = self.torn
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            swallowed = self.torn > 0
            self.path.append(str(len(items)))
            node = self.node(event, flow)
            self.tear(event, flow)
            self.path.pop()
            if not swallowed:
                items.append(node)
        self.torn = outside
        return tuple(items)

    def tear(self, event: Any, flow: bool) -> None:
        """Notice a text that a comma has torn: ``{x: min(a, b)}`` reaches YAML as ``min(a`` and ``b)``."""
        if not flow or not isinstance(event, ScalarEvent) or event.style is not None:
            return
        opened = sum(event.value.count(sign) for sign in "([") - sum(event.value.count(sign) for sign in ")]")
        if not self.torn and opened > 0:
            self.problem(
                self.place(event.start_mark),
                f'"{event.value}" ends at a comma',
                "inside {} and [] a comma ends a value",
                "quote the whole expression",
            )
        self.torn = max(self.torn + opened, 0)

    def mapping(self, flow: bool) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        outside = self.torn
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            swallowed = self.torn > 0
            key = self.key(event, flow, swallowed)
            if swallowed:
                self.tear(event, flow)
            self.path.append(key or "")
            value_event = next(self.events)
            node = self.node(value_event, flow)
            self.tear(value_event, flow)
            if flow and node.value is None and not swallowed and _glued(event):
                self.problem(
                    self.place(event.start_mark),
                    f'"{event.value}" is one word',
                    "",
                    "put a space behind the colon",
                )
            elif key is not None and key in entries:
                first = entries[key].key_position.line
                self.problem(
                    self.place(event.start_mark),
                    "the key is written twice",
                    f"first on line {first}",
                    "leave one out",
                )
            elif key is not None and not swallowed:
                entries[key] = Entry(self.source.position(self.key_start(event)), node)
            self.path.pop()
        self.torn = outside
        return entries

    def key_start(self, event: Any) -> int:
        properties = _PROPERTIES.match(self.source.text, event.start_mark.index)
        return properties.end() if properties else int(event.start_mark.index)

    def key(self, event: Any, flow: bool, swallowed: bool) -> str | None:
        """Return the text of a key; None (and a problem) where it cannot serve as one."""
        position = self.place(event.start_mark)
        node = self.node(event, flow)
        if swallowed:
            return None
        if isinstance(event, ScalarEvent) and event.style is None and event.value == "<<":
            self.problem(position, 'the merge key "<<"', "it is not part of YAML 1.2", "use like: instead")
            return None
        if isinstance(node.value, str):
            return node.value
        if isinstance(node.value, int) and not isinstance(node.value, bool):
            return str(node.value)
        if isinstance(node.value, (dict, tuple)):
            self.problem(position, "a list or a map serves as a key", "a key is text", "quote an expression")
        elif node.value is None:
            self.problem(position, "an empty key", "a key is text", "quote it if the text null is meant")
        else:
            shown = str(event.value) if isinstance(event, ScalarEvent) else str(node.value)
            self.problem(position, f"{shown} serves as a key", "a key is text", f"quote it: '{shown}'")
        return None
