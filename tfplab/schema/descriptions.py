"""What every key does, in the words of docs/language.md and of the docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["KEYS", "attributes_of", "describe"]

KEYS = Path(__file__).parent / "keys.json"
"""Drawn from docs/language.md by ``python -m tests.tfplab.documented_keys``; a test holds it equal to that page."""

_ATTRIBUTE = re.compile(r"^(\w+(?:, \w+)*) : ")


@cache
def _documented() -> Mapping[str, list[dict[str, Any]]]:
    found: Mapping[str, list[dict[str, Any]]] = json.loads(KEYS.read_text(encoding="utf-8"))
    return found


def describe(place: str, kind: str = "") -> dict[str, str]:
    """Return the description of every key of a place.

    Parameters
    ----------
    place : str
        A section, ``models``, or a key in it with keys of its own, ``panel.trim``.
    kind : str
        A method or design, where rows of the docs are of some of them: of two rows for one key its own is taken.
    """
    own: dict[str, str] = {}
    other: dict[str, str] = {}
    for row in _documented().get(place, ()):
        default = row["default"]
        text = row["text"] + (f" (default: {default})" if default not in ("", "required") else "")
        into = own if kind and re.search(rf"\b{kind}\b", row.get("of", "")) else other
        for key in row["keys"]:
            into[key] = f"{into[key]}; or: {text}" if key in into else text
    return {**other, **own}


def attributes_of(docstring: str) -> dict[str, str]:
    """Return what the section Attributes of a numpydoc docstring says of each; empty texts are left out."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    _, _, section = inspect.cleandoc(docstring).partition("Attributes\n----------\n")
    for line in section.splitlines():
        if match := _ATTRIBUTE.match(line):
            names = match[1].split(", ")
            found |= {name: [] for name in names}
        elif line.startswith("    "):
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(lines).replace("`", "") for name, lines in found.items() if lines}
