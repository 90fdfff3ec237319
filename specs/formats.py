"""Which format a spec is written in, and what is said of another one than this version reads."""

from __future__ import annotations

import shlex

from specs.errors import Position, Problem
from specs.fields import as_written
from specs.tree import Node, plain

__all__ = ["VERSION", "format_of", "missing_format", "wrong_format"]

VERSION = 1
KEY = "tfplab"


def format_of(root: Node) -> int | None:
    """Return the number of a spec's format: 0 where it says none, None where what it says is no number."""
    entry = root.entries.get(KEY)
    if entry is None:
        return 0
    value = entry.node.value
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _command(file: str) -> str:
    return f"tfplab upgrade {shlex.quote(file)}"


def missing_format(place: Position) -> Problem:
    """Return what is said of a spec that does not state its format; `place` is where it begins."""
    meaning = "it says in which format the spec is written"
    advice = f"begin with tfplab: {VERSION}" + (
        "" if place.file.startswith("<") else f", as {_command(place.file)} does"
    )
    return Problem(place, "", f'the key "{KEY}" is missing', meaning, advice)


def wrong_format(root: Node) -> Problem | None:
    """Return what is said of a spec that states another format than the one read here; None where it states none."""
    entry = root.entries.get(KEY)
    number = format_of(root)
    if entry is None or number == VERSION:
        return None
    place = entry.node.position if entry.node.value is not None else entry.key_position
    if number is None:
        what = f"the format {as_written(plain(entry.node))} is not known here"
        return Problem(place, KEY, what, f"this version reads format {VERSION}", f"write tfplab: {VERSION}")
    if number < VERSION:
        what = f"the format {number} is an older one"
        return Problem(place, KEY, what, f"this version reads format {VERSION}", f"run {_command(place.file)}")
    what, meaning = f"the format {number} is newer than this tfplab", f"this version reads format {VERSION}"
    return Problem(place, KEY, what, meaning, "its keys may mean something else: install a newer tfplab")
