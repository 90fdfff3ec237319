"""The files that a spec names: found, or missed, before any of them is opened."""

from __future__ import annotations

from specs.errors import Problem
from specs.files import FilePath, FileSet
from specs.model import SpecModel

__all__ = ["input_files", "missing_files"]


def input_files(spec: SpecModel) -> tuple[FilePath, ...]:
    """Return every file of data that the spec names, in the order of its sources."""
    return tuple(file for path, one in _sets(spec) for file in one.expand(path=path)[0])


def missing_files(spec: SpecModel) -> list[Problem]:
    """Return a problem for every file that is missing and every glob that matches none."""
    return [problem for path, one in _sets(spec) for problem in one.expand(path=path)[1]]


def _sets(spec: SpecModel) -> list[tuple[str, FileSet]]:
    panel = spec.panel
    if panel is None:
        return []
    sources = [("accounts", panel.accounts), ("survey", panel.survey), ("table", panel.table)]
    sets = [(f"panel.{name}.files", source.files) for name, source in sources if source is not None]
    if panel.link is not None and panel.link.bridge is not None:
        sets.append(("panel.link.bridge.files", panel.link.bridge.files))
    return [*sets, ("panel.deflators", panel.deflators)] if panel.deflators is not None else sets
