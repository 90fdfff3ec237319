"""The plan in words, as a record: made once, and written as text, LaTeX or HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Account", "Block", "Equations", "Listed", "Part", "Section", "Setting", "Settings", "Told"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A key, its value as a spec would have it, and where it stands: ``base.yaml:12`` or ``default``."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The keys of one entry, in the order of its method or design."""

    rows: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Equations:
    """Lines in the notation of `tfplab.explaining.notation`.

    Attributes
    ----------
    heading : str
        Empty for what is estimated itself.
    lines : tuple of str
    columns : tuple of str
        The names in them that are columns.
    """

    heading: str
    lines: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence or more; `label` says of what, and may be empty, `origin` where the spec says so."""

    label: str
    text: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """Steps, in their order."""

    items: tuple[str, ...]


Part = Settings | Equations | Told | Listed


@dataclass(frozen=True, slots=True)
class Block:
    """What is said of one entry; `heading` is empty where a section has one block."""

    heading: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its title, an introduction of a sentence or none, its blocks."""

    title: str
    lead: str
    blocks: Sequence[Block]


@dataclass(frozen=True, slots=True)
class Account:
    """The whole.

    Attributes
    ----------
    title : str
    source : str
        Of the design; may be empty.
    spec : str
        The file, as it was given.
    sections : tuple of Section
    """

    title: str
    source: str
    spec: str
    sections: tuple[Section, ...]
