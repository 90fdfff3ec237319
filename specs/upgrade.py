"""From older formats of the language to the one of today, a step a format: comments and layout stay.

A step is a list of rewrites, each with the sentence that tells it. What a rewrite does to the text is done by
`specs.edit`, which refuses what would change anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from specs.edit import insert_first, remove, rename, set_value, values_of
from specs.errors import SpecError, TfplabError
from specs.formats import KEY, VERSION, format_of, wrong_format
from specs.read import read_text
from specs.yaml_text import Value

__all__ = ["STEPS", "Rewrite", "Upgraded", "numbered", "removed", "renamed", "replaced", "upgrade"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One change of the language.

    Attributes
    ----------
    what : str
        The sentence that tells it, without a full stop.
    apply : callable
        From a text to the text in the new way; the same text where nothing in it is concerned.
    """

    what: str
    apply: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A text in the format of today.

    Attributes
    ----------
    text : str
    found : int
        The format that it was in.
    changes : tuple of str
        What was done, a sentence each; empty where there was nothing to do.
    """

    text: str
    found: int
    changes: tuple[str, ...]


def numbered(number: int) -> Rewrite:
    """Return the rewrite that states a format: at the top, below the comments at the head of the spec."""

    def apply(text: str) -> str:
        return set_value(text, [KEY], number) if KEY in values_of(text) else insert_first(text, KEY, number)

    return Rewrite(f"tfplab: {number} says in which format the spec is written", apply)


def renamed(path: str, key: str, what: str = "") -> Rewrite:
    """Return the rewrite that gives a key another name.

    Parameters
    ----------
    path : str
        With dots; ``*`` stands for any name or number.
    key : str
        The new name.
    what : str
        The sentence that tells it.
    """

    def apply(text: str) -> str:
        for steps, _ in list(_matches(values_of(text), path.split("."))):
            text = rename(text, steps, key)
        return text

    return Rewrite(what or f"{path} is now called {key}", apply)


def replaced(path: str, old: Value, new: Value, what: str = "") -> Rewrite:
    """Return the rewrite that writes a value in another way; see `renamed`."""

    def apply(text: str) -> str:
        for steps, value in list(_matches(values_of(text), path.split("."))):
            if type(value) is type(old) and value == old:
                text = set_value(text, steps, new)
        return text

    return Rewrite(what or f"{path}: {old} is now written {new}", apply)


def removed(path: str, what: str = "") -> Rewrite:
    """Return the rewrite that takes a key away which says nothing any more; see `renamed`."""

    def apply(text: str) -> str:
        for steps, _ in list(_matches(values_of(text), path.split("."))):
            text = remove(text, steps)
        return text

    return Rewrite(what or f"{path} is no longer a key", apply)


def _matches(values: Any, pattern: list[str], done: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield the paths that a pattern means, and what stands there; those of a list from its end."""
    if not pattern:
        yield done, values
        return
    inside: list[tuple[str, Any]] = []
    if isinstance(values, dict):
        inside = list(values.items())
    elif isinstance(values, list):
        inside = [(str(index), one) for index, one in enumerate(values)][::-1]
    for key, one in inside:
        if pattern[0] in ("*", key):
            yield from _matches(one, pattern[1:], (*done, key))


def _to_1() -> tuple[Rewrite, ...]:
    """From specs written before the format had a number; no key or value had another name."""
    return (numbered(1),)


STEPS: Mapping[int, Callable[[], tuple[Rewrite, ...]]] = {0: _to_1}
"""By the format that a step begins with."""


def upgrade(
    text: str,
    name: str = "<spec>",
    steps: Mapping[int, Callable[[], tuple[Rewrite, ...]]] = STEPS,
    target: int = VERSION,
) -> Upgraded:
    """Write a spec in the format of today.

    Parameters
    ----------
    text : str
        Without a byte-order mark.
    name : str
        The file in messages.
    steps, target
        For tests.

    Raises
    ------
    SpecError
        If the text cannot be read as YAML, or states a newer format or none that is known.
    TfplabError
        If it cannot be changed without changing more than a rewrite says: an anchor, an unusual layout.
    """
    root, problems = read_text(text, name)
    if root is None or problems:
        raise SpecError(problems)
    found = format_of(root)
    if found is None or found > target:
        problem = wrong_format(root)
        assert problem is not None
        raise SpecError([problem])
    changes: list[str] = []
    for number in range(found, target):
        for rewrite in steps[number]():
            try:
                after = rewrite.apply(text)
            except TfplabError as error:
                raise TfplabError(f"{name}: {rewrite.what}, but {error}") from None
            if after != text:
                changes.append(rewrite.what)
            text = after
    return Upgraded(text, found, tuple(changes))
