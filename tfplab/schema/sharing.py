"""What stands in many places of a schema is written once: a fifth of the length, and nothing else changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from tfplab.schema.shapes import Schema

__all__ = ["shared"]

_ONE = frozenset({"if", "then", "else", "not", "items", "additionalProperties", "additionalItems", "propertyNames"})
_LISTS = frozenset({"allOf", "anyOf", "items"})
_MAPS = frozenset({"properties", "patternProperties"})
_SHORT = 200
"""A schema of fewer characters is left where it is."""


def shared(schema: Schema) -> Schema:
    """Return a schema that holds the same, its repeated parts under ``definitions``.

    Parameters
    ----------
    schema : dict
        Its own definitions stay as they are.
    """
    body = {key: one for key, one in schema.items() if key != "definitions"}
    values = _Values()
    counts: Counter[int] = Counter()

    def count(one: Any) -> Any:
        number = values.number(one)
        counts[number] += 1
        # What stands inside a repeated part is repeated with it, and written once with it.
        return one if counts[number] > 1 else _inside(one, count)

    definitions: Schema = dict(schema.get("definitions", {}))
    named: dict[int, str] = {}

    def share(one: Any) -> Any:
        number = values.number(one)
        if counts[number] < 2 or values.lengths[number] < _SHORT:
            return _inside(one, share)
        if number not in named:
            named[number] = f"part{len(named) + 1}"
            definitions[named[number]] = {}  # keeps its place before those inside it
            definitions[named[number]] = _inside(one, share)
        return {"$ref": f"#/definitions/{named[number]}"}

    _inside(body, count)
    return {**_inside(body, share), "definitions": definitions}


class _Values:
    """Numbers values so that equal ones have one number, each looked at once."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self._known: dict[Any, int] = {}
        self._seen: dict[int, tuple[int, Any]] = {}

    def number(self, value: Any) -> int:
        if not isinstance(value, (dict, list, tuple)):
            return self._of((type(value), value), len(str(value)) + 2)
        if (seen := self._seen.get(id(value))) is not None:
            return seen[0]
        if isinstance(value, dict):
            parts = tuple((key, self.number(one)) for key, one in value.items())
            length = sum(len(key) + 4 + self.lengths[number] for key, number in parts)
            found = self._of(("map", parts), length + 2)
        else:
            items = tuple(self.number(one) for one in value)
            found = self._of(("list", items), sum(self.lengths[number] + 2 for number in items) + 2)
        self._seen[id(value)] = found, value  # held, so that nothing else gets its id
        return found

    def _of(self, key: Any, length: int) -> int:
        if key not in self._known:
            self._known[key] = len(self.lengths)
            self.lengths.append(length)
        return self._known[key]


def _inside(schema: Any, do: Callable[[Any], Any]) -> Any:
    """Return a schema with something done to each schema inside it."""
    if not isinstance(schema, dict):
        return schema
    found: Schema = {}
    for key, one in schema.items():
        if key in _MAPS:
            found[key] = {name: do(below) for name, below in one.items()}
        elif key in _LISTS and isinstance(one, list):
            found[key] = [do(below) for below in one]
        elif key in _ONE:
            found[key] = do(one)
        else:
            found[key] = one
    return found
