"""``variants:``: one model under many settings, a grid of them or a list."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from specs.errors import Position
from specs.tree import Entry, Node, plain, value_key

__all__ = [
    "CASES_BESIDE", "REPLACE", "ROOTED", "Case", "Choice", "Dimension", "VariantSpec", "in_words", "settings_named",
]  # fmt: skip

REPLACE = "replace"
ROOTED = ("productivity", "panel", "variables")
"""Sections that a path may lead into; any other path is one of the model."""

CASES_BESIDE = 6
"""Cases that stand side by side in a table; of more each is a row."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a setting takes.

    Attributes
    ----------
    label : plain value
        What the record calls it: its name where it has one, else the value.
    node : Node
        The value; null removes the key.
    """

    label: Any
    node: Node


@dataclass(frozen=True, slots=True)
class Dimension:
    """A setting that varies.

    Attributes
    ----------
    path : tuple of str
        Of a key of the model, ``("errors",)``, from the top of the spec, ``("productivity", "tfp", "degree")``, or of a
        name to swap, ``("replace", "ai")``.
    position : Position
    choices : tuple of Choice
    """

    path: tuple[str, ...]
    position: Position
    choices: tuple[Choice, ...]

    @property
    def name(self) -> str:
        """The path with points, as ``--set`` takes it."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Case:
    """One setting of everything that varies.

    Attributes
    ----------
    settings : tuple of (Dimension, Choice)
    name : str
        Of a case that is listed under a name; else empty.
    """

    settings: tuple[tuple[Dimension, Choice], ...]
    name: str = ""

    @property
    def labels(self) -> dict[str, Any]:
        """What is set, by path."""
        return {dimension.name: choice.label for dimension, choice in self.settings}

    @property
    def labels_outside(self) -> dict[str, Any]:
        """What is set outside the model, by path: of productivity, the panel or variables."""
        return {one.name: choice.label for one, choice in self.settings if one.path[0] in ROOTED}


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """A variant as written.

    Attributes
    ----------
    name : str
    key_position : Position
    of : str
        The model.
    dimensions : tuple of Dimension
        Of the grid.
    listed : tuple of Case
    skip : tuple of dict of str to label
        Partial settings; a case that has all of one is left out.
    rows : str
        ``own`` or ``common``.
    at_most : int or None
    family : Entry or None
        As written.
    title : Entry or None
    node : Node
    """

    name: str
    key_position: Position
    of: str
    node: Node
    dimensions: tuple[Dimension, ...] = ()
    listed: tuple[Case, ...] = ()
    skip: tuple[Mapping[str, Any], ...] = ()
    rows: str = "own"
    at_most: int | None = None
    family: Entry | None = None
    title: Entry | None = None

    def cases(self) -> tuple[Case, ...]:
        """Return all cases, without those to skip, those of the grid first, the last setting varying fastest."""
        grid = product(*(tuple((one, choice) for choice in one.choices) for one in self.dimensions))
        found = [Case(settings) for settings in grid] if self.dimensions else []
        if not self.skip:
            return (*found, *self.listed)
        fitting = [self._fitting(one) for one in self.skip]
        return tuple(case for case in (*found, *self.listed) if not any(_fits(case, one) for one in fitting))

    def _fitting(self, partial: Mapping[str, Any]) -> dict[str, frozenset[int]]:
        """Return the choices, by identity, that a setting to skip means, by path."""
        every = (*self.dimensions, *(one for case in self.listed for one, _ in case.settings))
        meant: dict[str, set[int]] = {name: set() for name in partial}
        for dimension in every:
            if dimension.name in partial:
                value = value_key(partial[dimension.name])
                meant[dimension.name] |= {
                    id(one) for one in dimension.choices if value in (value_key(one.label), value_key(plain(one.node)))
                }
        return {name: frozenset(found) for name, found in meant.items()}

    def sampled(self, cases: Sequence[Case], main: Case | None, seed: int) -> tuple[Case, ...]:
        """Return at most `at_most` of the cases, in their order; the one that changes nothing always stays.

        Parameters
        ----------
        cases : sequence of Case
        main : Case or None
            The one that changes nothing.
        seed : int
            Of the spec; every variant draws for itself.
        """
        if self.at_most is None or len(cases) <= self.at_most:
            return tuple(cases)
        kept = [number for number, case in enumerate(cases) if case is main]
        others = [number for number, case in enumerate(cases) if case is not main]
        drawn = random.Random(f"{seed} {self.name}").sample(others, self.at_most - len(kept))
        return tuple(cases[number] for number in sorted([*kept, *drawn]))


def _fits(case: Case, partial: Mapping[str, frozenset[int]]) -> bool:
    found = {dimension.name: id(choice) for dimension, choice in case.settings}
    return all(found.get(name) in meant for name, meant in partial.items())


def in_words(value: Any) -> str:
    """Return a setting's value as the spec writes it: ``{cluster: [nace2]}``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {in_words(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(in_words(one) for one in value) + "]"
    return str(value)


def settings_named(variants: Iterable[VariantSpec]) -> set[str]:
    """Return what labels may name of variants: settings, their values, and cases that are listed under names.

    Parameters
    ----------
    variants : iterable of VariantSpec
    """
    found: set[str] = set()
    for one in variants:
        for dimension in (*one.dimensions, *(d for case in one.listed for d, _ in case.settings)):
            found |= {dimension.name, *(in_words(choice.label) for choice in dimension.choices)}
        found |= {case.name for case in one.listed}
    return found - {""}
