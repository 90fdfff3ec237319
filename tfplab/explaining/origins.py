"""Where every value of an entry stands: the file and the line, or that it is a default."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from specs.errors import Position
from specs.extends import SpecFile
from specs.tree import Node
from tfplab.explaining.account import Setting
from tfplab.plan import Plan

__all__ = ["DEFAULT", "flat", "origin_of", "settings_of"]

DEFAULT = "default"


def settings_of(
    written: Mapping[str, Any], node: Node | None, plan: Plan, leave_out: Sequence[str] = ()
) -> tuple[Setting, ...]:
    """Return the keys of an entry with their values and origins.

    A map is one setting where its values stand together, and one a key (``adoption.dating``) where some are defaults
    or stand on other lines.

    Parameters
    ----------
    written : mapping
        The entry as resolved, defaults in it, in plain values.
    node : Node or None
        Its keys as written; `like` and a base spec leave every value where it stands.
    plan : Plan
        Files are named as seen from the folder of its spec.
    leave_out : sequence of str
        Keys that are told elsewhere.
    """
    found: list[Setting] = []
    for key, value in written.items():
        if key not in leave_out:
            found += _settings(key, value, _below(node, key), plan)
    return tuple(found)


def _settings(key: str, value: Any, node: Node | None, plan: Plan) -> Iterator[Setting]:
    if node is None:
        # An empty list that nobody wrote says nothing.
        if value not in ([], {}, (), ""):
            yield Setting(key, flat(value), DEFAULT)
        return
    apart = isinstance(value, dict) and isinstance(node.value, dict) and not _together(value, node)
    if not apart:
        yield Setting(key, flat(value), origin_of(node.position, plan))
        return
    for inner, one in value.items():
        yield from _settings(f"{key}.{inner}", one, _below(node, str(inner)), plan)


def _together(value: Mapping[str, Any], node: Node) -> bool:
    """Return whether all values of a map were written, and on one line."""
    lines = {(entry.node.position.file, entry.node.position.line) for entry in node.entries.values()}
    return len(lines) <= 1 and not [key for key, one in value.items() if str(key) not in node.entries and one != []]


def _below(node: Node | None, key: str) -> Node | None:
    entry = node.entries.get(key) if node is not None else None
    return entry.node if entry is not None and entry.node.value is not None else None


def origin_of(position: Position, plan: Plan) -> str:
    """Return the file, as seen from the spec's folder, and the line: ``base.yaml:12``.

    A file of the library has the name by which a spec extends it: ``library/hrw_2026.yaml:12``.
    """
    return f"{_shown(position.file, plan)}:{position.line}"


def _shown(written: str, plan: Plan) -> str:
    file = next((one for one in plan.files if one.shown == written), SpecFile(written, Path(written)))
    if file.shipped:
        return f"library/{file.path.name}"
    if not file.path.exists():
        return written  # no file: what a command line sets
    try:
        return Path(os.path.relpath(file.path, plan.path.parent)).as_posix()
    except ValueError:  # on another drive
        return file.path.as_posix()


def flat(value: Any) -> str:
    """Return a value as a spec would have it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flat(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flat, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
