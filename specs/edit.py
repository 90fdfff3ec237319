"""Change one value in the text of a spec: comments, order, quotation marks and layout of all else stay.

A change is a cut in the text. What comes of it is read again, and must mean what was before but for the change:
where it does not (an anchor that stands in two places, a layout that nobody foresaw) nothing is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from specs.errors import SpecError, TfplabError
from specs.extent import Extent, extents
from specs.read import read_text
from specs.tree import Node, plain
from specs.yaml_text import WIDTH, Value, block, fits, flow, is_collection, key_text, scalar

__all__ = ["Steps", "insert_first", "remove", "rename", "set_value", "values_of"]

Steps = Sequence[str]
"""The way to a value: keys, and numbers of items."""

_BREAK = re.compile(r"\r\n|\n|\r")


class _UnforeseenError(Exception):
    """The values say that something is there, and the text does not show it: an alias stands in its place."""


def values_of(text: str, name: str = "<spec>") -> dict[str, Value]:
    """Return what a text says: maps, lists and single values.

    Raises
    ------
    SpecError
        If it cannot be read as YAML, or holds what no spec may.
    """
    root, problems = read_text(text, name)
    if root is None or problems:
        raise SpecError(problems)
    return _values(root)


def _values(root: Node) -> dict[str, Value]:
    listed: Any = json.loads(json.dumps(plain(root)))  # lists in the place of tuples
    return dict(listed)


def set_value(text: str, path: Steps, value: Value) -> str:
    """Return the text with a value at a path; maps that are missing on the way are made.

    A map over a map is set key by key, so that what stays keeps its comments.

    Parameters
    ----------
    text : str
        Readable as YAML, a map at the top.
    path : sequence of str
        At least one step; a number one beyond the end of a list appends to it.
    value : Value

    Raises
    ------
    TfplabError
        If the path leads through a single value or beyond the end of a list, or the change would reach further.
    """
    before = values_of(text)
    there, present = _at(before, path)
    if present and _same(there, value):
        return text
    if present and isinstance(there, dict) and isinstance(value, dict) and there and value:
        kept = [key for key in there if key in value]
        if kept and [*kept, *(key for key in value if key not in there)] == list(value):
            for key in [key for key in there if key not in value]:
                text = remove(text, [*path, key])
            for key, one in value.items():
                text = set_value(text, [*path, key], one)
            return text
    wanted = _with(before, list(path), value)
    return _checked(lambda: _set(text, extents(text), list(path), value), wanted, path)


def remove(text: str, path: Steps) -> str:
    """Return the text without the key or item at a path; comments above it stay.

    Raises
    ------
    TfplabError
        If there is nothing, or the change would reach further.
    """
    wanted = _with(values_of(text), list(path), None, gone=True)
    return _checked(lambda: _remove(text, list(path)), wanted, path)


def rename(text: str, path: Steps, key: str) -> str:
    """Return the text with another name for the key at a path, in the same place.

    Raises
    ------
    TfplabError
        If there is no such key, the name is taken, or the change would reach further.
    """
    before = values_of(text)
    *above, old = path
    inside, _ = _at(before, above)
    if not isinstance(inside, dict) or old not in inside:
        raise _nothing(path)
    if key in inside:
        raise TfplabError(f'{".".join(path)}: "{key}" is there already')
    renamed: dict[str, Value] = {key if name == old else name: one for name, one in inside.items()}
    wanted: Any = _with(before, above, renamed) if above else renamed

    def cut() -> str:
        parent = _extent_at(extents(text), above)
        place, _ = parent.pairs[parent.number(old)]
        return text[: place.start] + key_text(key, within_flow=parent.flow) + text[place.end :]

    return _checked(cut, wanted, path)


def insert_first(text: str, key: str, value: Value) -> str:
    """Return the text with a new key above all others, below the comments at its head."""
    before = values_of(text)
    if key in before:
        raise TfplabError(f'"{key}" is there already')

    def cut() -> str:
        root = extents(text)
        if root.flow:
            rest = f"{', ' if root.pairs else ''}{text[root.start + 1 :].lstrip(' ')}"
            return f"{text[: root.start]}{{{key_text(key, within_flow=True)}: {flow(value)}{rest}"
        line = f"{key_text(key, within_flow=False)}: {flow(value)}{_break_of(text)}"
        indent = text[_line_start(text, root.start) : root.start]
        return text[: root.start] + line + indent + text[root.start :]

    return _checked(cut, {key: value, **before}, [key])


def _checked(cut: Callable[[], str], wanted: Mapping[str, Value], path: Steps) -> str:
    """Return what a cut makes of a text, if it means what is wanted, and nothing else."""
    with suppress(_UnforeseenError, SpecError):
        after = cut()
        if _same(values_of(after), dict(wanted)):
            return after
    raise TfplabError(
        f"{'.'.join(path)}: the text cannot be changed there without changing something else; an anchor (&), an alias "
        "(*) or an unusual layout does that: write it out, a key a line"
    )


def _same(one: Value, other: Value) -> bool:
    """Return whether two values are written alike: 1 is neither 1.0 nor true, the order of keys counts."""
    return json.dumps(one) == json.dumps(other)


def _nothing(path: Steps) -> TfplabError:
    return TfplabError(f"{'.'.join(path)}: there is nothing")


def _at(values: Value, path: Steps) -> tuple[Value, bool]:
    """Return the value at a path, and whether there is one."""
    for step in path:
        if isinstance(values, dict) and step in values:
            values = values[step]
        elif isinstance(values, list) and step.isdecimal() and int(step) < len(values):
            values = values[int(step)]
        else:
            return None, False
    return values, True


def _with(values: Value, path: list[str], value: Value, *, gone: bool = False, done: tuple[str, ...] = ()) -> Any:
    """Return values with another one at a path, or without it."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    here = (*done, step)
    if values is None and not gone:
        values = {}
    if isinstance(values, dict):
        if gone and step not in values:
            raise _nothing(here)
        if gone and not rest:
            return {key: one for key, one in values.items() if key != step}
        return {**values, step: _with(values.get(step), rest, value, gone=gone, done=here)}
    if isinstance(values, list) and step.isdecimal() and int(step) < len(values) + (not gone):
        place = int(step)
        if gone and not rest:
            return [*values[:place], *values[place + 1 :]]
        inner = values[place] if place < len(values) else None
        return [*values[:place], _with(inner, rest, value, gone=gone, done=here), *values[place + 1 :]]
    if isinstance(values, list):
        raise TfplabError(f"{'.'.join(here)}: the list has {len(values)} items, counted from 0")
    raise TfplabError(f"{'.'.join(here)}: {'.'.join(done)} is a single value, it has no keys")


def _extent_at(root: Extent, path: Steps) -> Extent:
    for step in path:
        found = root.step(step)
        if found is None:
            raise _UnforeseenError
        root = found
    return root


def _set(text: str, root: Extent, path: list[str], value: Value) -> str:
    within_flow, parent = root.flow, root
    for depth, step in enumerate(path):
        found = parent.step(step)
        if found is None or (found.kind == "scalar" and depth + 1 < len(path)):
            new: Value = value
            for missing in reversed(path[depth + 1 :]):
                new = {missing: new}
            if found is not None:
                return _replace(text, parent, found, new, depth + 1, within_flow)
            return _insert(text, parent, step, new, depth, within_flow)
        if depth + 1 == len(path):
            return _replace(text, parent, found, value, depth + 1, within_flow)
        parent, within_flow = found, within_flow or found.flow
    raise _UnforeseenError


def _replace(text: str, parent: Extent, old: Extent, value: Value, depth: int, within_flow: bool) -> str:
    if within_flow:
        new = flow(value) if is_collection(value) else scalar(value, within_flow=True, quote=_quote(old))
        # An empty value may stand right behind its colon: {a:}
        space = "" if old.start == 0 or text[old.start - 1] in " [{,\n" else " "
        return text[: old.start] + space + new + text[old.end :]
    lead = _lead(parent, old, text)  # right behind the colon or the dash
    head = text[lead : old.start]
    shown = scalar(value, within_flow=False, quote=_quote(old)) if not is_collection(value) else flow(value)
    column = lead - _line_start(text, lead) + 1
    on_a_line = fits(value, column, depth)
    below = "\n" in head or "\r" in head
    if not old.flow and old.kind in ("map", "list"):
        note = _BREAK.split(head)[0].rstrip() if below else ""
        # A comment behind its last value goes with it.
        rest = text[_line_end(text, old.end) :]
        if on_a_line:
            return f"{text[:lead]} {shown}{note}{rest}"
        return text[:lead] + _below(text, parent, value, depth, note) + rest
    if on_a_line:
        return text[:lead] + (head or " ") + shown + text[old.end :]
    end = _line_end(text, old.end)
    comment = text[old.end : end].rstrip()
    return text[:lead] + _below(text, parent, value, depth, comment) + text[end:]


def _below(text: str, parent: Extent, value: Value, depth: int, comment: str) -> str:
    """Return a list or map for the lines below its key and a comment, or behind the dash of its item."""
    newline = _break_of(text)
    column = _column(text, parent)
    lines = block(value, column + 2, depth)
    if parent.kind == "list" and not comment:
        return " " + newline.join(lines).lstrip()
    return comment + newline + newline.join(lines)


def _insert(text: str, parent: Extent, step: str, value: Value, depth: int, within_flow: bool) -> str:
    if parent.kind not in ("map", "list"):
        raise _UnforeseenError
    newline = _break_of(text)
    if within_flow:
        entry = flow(value) if parent.kind == "list" else f"{key_text(step, within_flow=True)}: {flow(value)}"
        children = parent.items or tuple(one for pair in parent.pairs for one in pair)
        if not children:
            return f"{text[: parent.start + 1]}{entry}{text[parent.end - 1 :]}"
        end = max(one.end for one in children)
        line = _line_start(text, end)
        long = end - line + 2 + len(entry) + 1 > WIDTH
        first = children[0].start
        between = f",{newline}{' ' * (first - _line_start(text, first))}" if long else ", "
        return f"{text[:end]}{between}{entry}{text[end:]}"
    column = _column(text, parent)
    lines = block([value] if parent.kind == "list" else {step: value}, column, depth)
    end = _line_end(text, parent.end)
    return text[:end] + newline + newline.join(lines) + text[end:]


def _remove(text: str, path: list[str]) -> str:
    *above, step = path
    root = extents(text)
    parent = _extent_at(root, above)
    children = [(key.start, max(key.end, value.end)) for key, value in parent.pairs]
    if parent.kind == "list":
        children = [(one.start, one.end) for one in parent.items]
    place = parent.number(step) if parent.kind == "map" else int(step)
    if not 0 <= place < len(children):
        raise _UnforeseenError
    start, end = children[place]
    within_flow = _in_flow(root, path)
    if len(children) == 1:
        empty = "{}" if parent.kind == "map" else "[]"
        if within_flow or not above:
            return text[: parent.start] + empty + text[parent.end :]
        grand = _extent_at(root, above[:-1])
        return _replace(text, grand, parent, {} if parent.kind == "map" else [], len(above), within_flow=False)
    if within_flow:
        if place:
            return text[: children[place - 1][1]] + text[end:]
        return text[:start] + text[children[1][0] :]
    if parent.kind == "list":
        start = text.rfind("-", 0, start)
    line = _line_start(text, start)
    if text[line:start].strip():
        # The first key of a map behind a dash: the next one comes in its place.
        return text[:start] + text[children[1][0] :]
    behind = _BREAK.match(text, _line_end(text, end))
    if behind:
        return text[:line] + text[behind.end() :]
    return _without_last_break(text[:line]) + text[_line_end(text, end) :]


def _without_last_break(text: str) -> str:
    for one in ("\r\n", "\n", "\r"):
        if text.endswith(one):
            return text[: -len(one)]
    return text


def _in_flow(root: Extent, path: Steps) -> bool:
    within = root.flow
    for step in path[:-1]:
        found = root.step(step)
        if found is None:
            break
        root, within = found, within or found.flow
    return within


def _lead(parent: Extent, old: Extent, text: str) -> int:
    """Return the place right behind the colon of a value's key, or the dash of an item."""
    for key, value in parent.pairs:
        if value is old:
            return text.index(":", key.end) + 1
    return text.rfind("-", 0, old.start) + 1 if old.start else 0


def _column(text: str, parent: Extent) -> int:
    """Return how far the keys or dashes of a list or map without brackets stand in."""
    start = parent.pairs[0][0].start if parent.pairs else parent.start
    if parent.kind == "list" and parent.items:
        start = text.rfind("-", 0, parent.items[0].start)
    return start - _line_start(text, start)


def _quote(old: Extent) -> str:
    return old.quote if old.quote in ("'", '"') else ""


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def _line_end(text: str, index: int) -> int:
    found = _BREAK.search(text, index)
    return found.start() if found else len(text)


def _break_of(text: str) -> str:
    """Return the line break that the text uses."""
    found = _BREAK.search(text)
    return found.group() if found else "\n"
