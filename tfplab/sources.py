"""The files that a spec names: found, or missed, before any of them is opened."""

from __future__ import annotations

from specs.errors import Position, Problem
from specs.files import FilePath, FileSet, find_references
from specs.model import SpecModel

__all__ = ["input_files", "missing_files"]

_NOWHERE = Position("", 1, 1)


def input_files(spec: SpecModel) -> tuple[FilePath, ...]:
    """Return every file of data that the spec names, in the order of its sources, with the lists of references."""
    found: list[FilePath] = []
    for path, one in _sets(spec):
        found += one.expand(path=path)[0]
        found += [file for entry in one.entries for file in find_references(entry, path, _NOWHERE)[0]]
    return tuple(found)


def missing_files(spec: SpecModel) -> list[Problem]:
    """Return a problem for every file that is missing and every glob that matches none."""
    problems: list[Problem] = []
    for path, one in _sets(spec):
        problems += one.expand(path=path)[1]
        problems += [problem for entry in one.entries for problem in find_references(entry, path, _NOWHERE)[1]]
    return problems


def _sets(spec: SpecModel) -> list[tuple[str, FileSet]]:
    panel = spec.panel
    if panel is None:
        return []
    sources = [("accounts", panel.accounts), ("survey", panel.survey), ("table", panel.table)]
    sets = [(f"panel.{name}.files", source.files) for name, source in sources if source is not None]
    if panel.link is not None and panel.link.bridge is not None:
        sets.append(("panel.link.bridge.files", panel.link.bridge.files))
    return [*sets, ("panel.deflators", panel.deflators)] if panel.deflators is not None else sets
