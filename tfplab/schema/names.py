"""The names that an editor offers: the columns of a spec's own files, its variables, entries and models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from panels.plan import PanelPlan, plan_columns
from specs.errors import SpecError, TfplabError
from specs.extends import read_spec
from specs.model import SpecModel, parse_spec
from specs.tree import Entry, Node

__all__ = ["Names", "names_in"]

_SOURCES = ("accounts", "survey", "deflators", "table", "firm", "year")


@dataclass(frozen=True, slots=True)
class Names:
    """What a spec gives names to.

    Attributes
    ----------
    columns : tuple of str
        Of the panel, then the variables, then the productivity entries, which are columns too.
    productivity, models, variants : tuple of str
    """

    columns: tuple[str, ...] = ()
    productivity: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


def names_in(path: Path) -> Names:
    """Return the names of a spec, as far as it can be read: one with mistakes has names too.

    Of a ready-made table the first lines of its files are read, for the names of its columns. No value is.

    Parameters
    ----------
    path : Path

    Raises
    ------
    SpecError
        Where the file cannot be read at all.
    """
    read = read_spec(path)
    if read.root is None:
        raise SpecError(read.problems)
    spec, _ = parse_spec(read.root)
    return Names(
        _different((*_columns(spec), *_written(spec, "variables"), *spec.productivity)),
        tuple(spec.productivity),
        tuple(spec.models),
        tuple(_written(spec, "variants")),
    )


def _written(spec: SpecModel, section: str) -> Iterable[str]:
    """Return the names under a section as written: an expression with a mistake in it has a name too."""
    entry = spec.root.entries.get(section)
    return entry.node.entries if entry else ()


def _columns(spec: SpecModel) -> Iterable[str]:
    if spec.panel is None:
        # Half a sentence elsewhere in the section does not take the columns away.
        entry = spec.root.entries.get("panel")
        kept = {key: one for key, one in entry.node.entries.items() if key in _SOURCES} if entry else {}
        if entry is None or not kept or kept.keys() == entry.node.entries.keys():
            return ()
        panel = Entry(entry.key_position, Node(entry.node.position, kept))
        spec, _ = parse_spec(Node(spec.root.position, {**spec.root.entries, "panel": panel}))
        return _columns(spec)
    plan = PanelPlan(spec.panel, spec.root)
    columns, _ = plan_columns(plan)
    if columns is not None:
        return columns
    if spec.panel.table is None:
        return ()
    from panels.sources import inspect_sources

    try:
        return inspect_sources(plan).columns
    except (TfplabError, OSError):
        return ()  # `check --data` says what is wrong with the files


def _different(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
