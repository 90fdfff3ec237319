"""The section ``advice``: advice that the spec answers with a reason; it is then silent, and its reason printed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import PydanticCustomError

from specs.errors import Position, Problem, did_you_mean
from specs.fields import MISTAKE, Mistake, as_written, wording_of
from specs.tree import Entry, Node, plain

__all__ = ["Silence", "parse_silences"]

_LANGUAGE = re.compile(r"[a-z]{2}(_[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Silence:
    """Why one piece of advice does not hold here.

    Attributes
    ----------
    reason : str, dict of language to str, or None
        For every entry that it is given of; None where `entries` says it one by one.
    entries : mapping of str to (str or dict of language to str)
        By model, productivity entry or figure.
    """

    reason: Any = None
    entries: Mapping[str, Any] = field(default_factory=dict)

    def of(self, entry: str) -> Any:
        """Return the reason for an entry; None where none is given."""
        return self.entries.get(entry, self.reason)

    @property
    def written(self) -> Any:
        """As a spec has it."""
        return dict(self.entries) if self.reason is None else self.reason


def parse_silences(entry: Entry | None, names: Collection[str]) -> tuple[dict[str, Silence], list[Problem]]:
    """Read the section.

    Parameters
    ----------
    entry : Entry or None
        The key ``advice`` of a spec; None where there is none.
    names : collection of str
        The models and productivity entries there are.

    Returns
    -------
    silences : dict of str to Silence
        By the advice's code. Which codes there are the floor above knows.
    problems : list of Problem
    """
    if entry is None:
        return {}, []
    node = entry.node
    if not isinstance(node.value, dict):
        what = f"codes with their reasons are wanted, not {as_written(plain(node))}"
        advice = "write advice: {few_clusters: why it does not hold here}"
        return {}, [
            Problem(node.position if node.value is not None else entry.key_position, "advice", what, "", advice)
        ]
    found: dict[str, Silence] = {}
    problems: list[Problem] = []
    for code, one in node.value.items():
        path = f"advice.{code}"
        if not _by_entry(one.node, names):
            reason = _reason(one.node, one.key_position, path, problems)
            if reason is not None:
                found[code] = Silence(reason)
            continue
        entries: dict[str, Any] = {}
        for name, inner in one.node.entries.items():
            if name not in names:
                what, advice = f'no model or productivity entry "{name}"', did_you_mean(name, names)
                there_are = f"there are: {', '.join(names)}" if names else ""
                problems.append(Problem(inner.key_position, path, what, "", advice or there_are))
                continue
            reason = _reason(inner.node, inner.key_position, f"{path}.{name}", problems)
            if reason is not None:
                entries[name] = reason
        found[code] = Silence(None, entries)
    return found, problems


def _by_entry(node: Node, names: Collection[str]) -> bool:
    """Return whether a map is by entry; one whose keys are languages, and no entries, is a reason."""
    keys = list(node.entries)
    return bool(keys) and (any(key in names for key in keys) or not all(_LANGUAGE.fullmatch(key) for key in keys))


def _reason(node: Node, key: Position, path: str, problems: list[Problem]) -> Any:
    wanted = "say in a sentence why it does not hold here: the report prints it"
    if node.value is None or node.value == "" or (isinstance(node.value, str) and not node.value.strip()):
        problems.append(Problem(key if node.value is None else node.position, path, "no reason", "", wanted))
        return None
    if isinstance(node.value, bool | int | float):
        problems.append(Problem(node.position, path, f"a reason is wanted, not {as_written(node.value)}", "", wanted))
        return None
    try:
        return wording_of(plain(node))
    except PydanticCustomError as error:
        if error.type != MISTAKE:
            raise
        told: Mistake = (error.context or {})["found"]
        problems.append(Problem(node.position, path, told.what, told.meaning, told.advice or wanted))
        return None
