"""What stands in many places of a schema is written once: a fifth of the length, and nothing else changes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from tfplab.schema.shapes import Schema

__all__ = ["shared"]

_ONE = ("if", "then", "else", "not", "items", "additionalProperties", "additionalItems", "propertyNames")
_LISTS = ("allOf", "anyOf", "items")
_MAPS = ("properties", "patternProperties")
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
    counts: Counter[str] = Counter()

    def count(one: Any) -> Any:
        text = json.dumps(one)
        counts[text] += 1
        # What stands inside a repeated part is repeated with it, and written once with it.
        return one if counts[text] > 1 else _inside(one, count)

    definitions: Schema = dict(schema.get("definitions", {}))
    named: dict[str, str] = {}

    def share(one: Any) -> Any:
        text = json.dumps(one)
        if counts[text] < 2 or len(text) < _SHORT:
            return _inside(one, share)
        if text not in named:
            named[text] = f"part{len(named) + 1}"
            definitions[named[text]] = {}  # keeps its place before those inside it
            definitions[named[text]] = _inside(one, share)
        return {"$ref": f"#/definitions/{named[text]}"}

    _inside(body, count)
    return {**_inside(body, share), "definitions": definitions}


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
