"""Where each value of a YAML text begins and ends, so that one can be changed and all else stay as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

__all__ = ["Extent", "extents"]

_PROPERTIES = re.compile(r"(?:[!&]\S*\s*)+")


@dataclass(frozen=True, slots=True)
class Extent:
    """A value and its place in the text.

    Attributes
    ----------
    start, end : int
        Its first character, anchors apart, and the one behind its last. Of a list or map without brackets: from
        its first key or item to the end of its last value.
    text : str or None
        Of a single value; None for lists, maps and aliases.
    pairs : tuple of (Extent, Extent)
        Keys and values of a map.
    items : tuple of Extent
        Of a list.
    kind : str
        ``scalar``, ``map``, ``list`` or ``alias``.
    flow : bool
        Written in braces or brackets.
    quote : str
        The quotation mark, ``|`` or ``>`` of a single value; empty for a plain word.
    """

    start: int
    end: int
    text: str | None = None
    pairs: tuple[tuple[Extent, Extent], ...] = ()
    items: tuple[Extent, ...] = ()
    kind: str = "scalar"
    flow: bool = False
    quote: str = ""

    def step(self, name: str) -> Extent | None:
        """Return the value of a key, or the item of a number."""
        for key, value in self.pairs:
            if key.text == name:
                return value
        if self.kind == "list" and name.isdecimal() and int(name) < len(self.items):
            return self.items[int(name)]
        return None

    def number(self, name: str) -> int:
        """Return which pair has this key, or -1."""
        return next((index for index, (key, _) in enumerate(self.pairs) if key.text == name), -1)


def extents(text: str) -> Extent:
    """Return the outermost value of a text that is readable as YAML.

    Parameters
    ----------
    text : str
        With whatever line breaks it has.
    """
    events: Iterator[Any] = YAML(typ="safe", pure=True, plug_ins=[]).parse(text)
    for event in events:
        if isinstance(event, (ScalarEvent, MappingStartEvent, SequenceStartEvent, AliasEvent)):
            return _extent(text, event, events)
    return Extent(0, 0, text="")


def _extent(text: str, event: Any, events: Iterator[Any]) -> Extent:
    start, end = int(event.start_mark.index), int(event.end_mark.index)
    if isinstance(event, AliasEvent):
        return Extent(start, end, kind="alias")
    if event.anchor is not None or event.tag is not None:
        stop = end if isinstance(event, ScalarEvent) else len(text)
        properties = _PROPERTIES.match(text, start, stop)
        start = properties.end() if properties else start
    if isinstance(event, ScalarEvent):
        if event.style in ("|", ">"):
            end = start + len(text[start:end].rstrip())
        return Extent(start, max(start, end), text=str(event.value), quote=event.style or "")
    flow = bool(event.flow_style)
    pairs: list[tuple[Extent, Extent]] = []
    items: list[Extent] = []
    for one in events:
        if isinstance(one, (MappingEndEvent, SequenceEndEvent)):
            end = int(one.end_mark.index)
            break
        first = _extent(text, one, events)
        if isinstance(event, MappingStartEvent):
            pairs.append((first, _behind(text, first, _extent(text, next(events), events))))
        else:
            items.append(first)
    inside = [one for pair in pairs for one in pair] or items
    if not flow and inside:
        end = max(one.end for one in inside[-2:])
        start = inside[0].start if pairs else start
    kind = "map" if isinstance(event, MappingStartEvent) else "list"
    return Extent(start, end, pairs=tuple(pairs), items=tuple(items), kind=kind, flow=flow)


def _behind(text: str, key: Extent, value: Extent) -> Extent:
    """Return the value of a key; one that is empty stands right behind the colon, not where the next key begins."""
    if value.text or value.start != value.end or value.kind != "scalar":
        return value
    colon = text.find(":", key.end) + 1 or key.end
    return replace(value, start=colon, end=colon)
