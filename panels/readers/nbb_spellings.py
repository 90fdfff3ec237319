"""How the portal's CSV spells the rows that say whose deposit it is: the list of the house, and the user's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from panels.readers.deposits import FACTS
from panels.readers.files import DataFile
from panels.shipped import FOLDER
from specs.errors import Problem, did_you_mean
from specs.read import read
from specs.tree import Node

__all__ = ["SPELLINGS", "key_of", "spellings_of", "wrong_spellings"]

SPELLINGS = FOLDER / "nbb_portal.yaml"
_SHAPE = "write columns: {ENTNR: [Entity number]}"


def key_of(text: str) -> str:
    """Return what spellings of one row have in common: case, blanks and a colon do not matter."""
    return " ".join(text.split()).rstrip(":").lower()


def spellings_of(file: DataFile) -> Mapping[str, tuple[str, int]]:
    """Return the column that each spelling gives, and its rank among those of that column: the user's come first."""
    return _ranked((*file.references, SPELLINGS))


@cache
def _ranked(paths: tuple[Path, ...]) -> Mapping[str, tuple[str, int]]:
    columns: dict[str, list[str]] = {}
    for path in paths:
        root, problems = read(path)
        assert root is not None, problems
        for column, entry in root.entries["columns"].node.entries.items():
            columns.setdefault(column, []).extend(str(one.value) for one in entry.node.items)
    ranked: dict[str, tuple[str, int]] = {}
    for column, listed in columns.items():
        for rank, one in enumerate(listed):
            ranked.setdefault(key_of(one), (column, rank))
    return ranked


def wrong_spellings(file: DataFile) -> tuple[Problem, ...]:
    """Return what is wrong with the user's lists, at its place in them."""
    return tuple(problem for path in file.references for problem in _wrong(path))


def _wrong(path: Path) -> tuple[Problem, ...]:
    root, problems = read(path, begins=_SHAPE)
    if root is None or problems:
        return problems
    columns = root.entries.get("columns")
    if columns is None or not columns.node.entries or len(root.entries) > 1:
        place = next((one.key_position for name, one in root.entries.items() if name != "columns"), root.position)
        return (Problem(place, "", "a list of spellings has one key, columns:", "", _SHAPE),)
    return tuple(one for column, entry in columns.node.entries.items() for one in _entry(column, entry.node))


def _entry(column: str, listed: Node) -> list[Problem]:
    """What is wrong with the spellings of one column."""
    path = f"columns.{column}"
    if column not in FACTS:
        advice = did_you_mean(column, FACTS) or f"there are: {', '.join(FACTS)}"
        return [Problem(listed.position, path, f'"{column}" is no column of a deposit', "", advice)]
    if not listed.items or not all(isinstance(one.value, str) for one in listed.items):
        return [Problem(listed.position, path, "a list of texts is wanted", "", _SHAPE)]
    return []
