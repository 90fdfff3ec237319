"""Plain values as YAML text, such as a person would write: quoted where a plain word would be read otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from specs.scalars import ScalarError, resolve

__all__ = ["WIDTH", "Value", "block", "fits", "flow", "is_collection", "key_text", "scalar"]

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]
"""What a spec can hold; whole numbers that serve as keys are text."""

WIDTH = 120
"""The longest line that is written, where something shorter says the same."""

_FIRST = frozenset("!&*?|>@`\"'%#,[]{}-:=~<")
_SPECIAL = re.compile(r": |:$| #|\s$|^\s|[\n\t]")
_IN_FLOW = re.compile(r"[,\[\]{}]|:\S")


def is_collection(value: Value) -> bool:
    """Return whether a value is a list or a map."""
    return isinstance(value, (list, dict))


def scalar(value: Value, *, within_flow: bool, quote: str = "") -> str:
    """Return a single value.

    Parameters
    ----------
    value : None, bool, int, float or str
    within_flow : bool
        Whether it stands between braces or brackets.
    quote : str
        The quotation mark that a text had before, which it keeps.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if "\n" in value or "\t" in value:
        return json.dumps(value, ensure_ascii=False)
    if quote == '"' and "\\" not in value and '"' not in value:
        return f'"{value}"'
    if quote or not _plain(value, within_flow):
        return "'" + value.replace("'", "''") + "'"
    return value


def _plain(text: str, within_flow: bool) -> bool:
    """Return whether a text may stand without quotation marks."""
    if not text or text[0] in _FIRST or text.startswith("...") or _SPECIAL.search(text):
        return False
    if within_flow and (_IN_FLOW.search(text) or text.count("(") != text.count(")")):
        return False
    try:
        return resolve(text) == text
    except ScalarError:
        return False


def key_text(key: str, *, within_flow: bool) -> str:
    """Return a key; whole numbers stay without quotation marks."""
    if re.fullmatch(r"0|[1-9]\d{0,14}", key):
        return key
    return scalar(key, within_flow=within_flow)


def flow(value: Value) -> str:
    """Return a value on one line, maps in braces and lists in brackets."""
    if isinstance(value, Mapping):
        inside = (f"{key_text(key, within_flow=True)}: {flow(one)}" for key, one in value.items())
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return scalar(value, within_flow=True)


def fits(value: Value, column: int, depth: int) -> bool:
    """Return whether a value is better said on one line.

    Parameters
    ----------
    value : Value
    column : int
        How many characters stand before it on its line.
    depth : int
        Keys above it: the sections of a spec are written an entry a line.
    """
    if not is_collection(value):
        return True
    if not value:
        return True
    if depth <= 1 and isinstance(value, dict) and any(is_collection(one) or depth == 1 for one in value.values()):
        return False
    return column + len(flow(value)) <= WIDTH


def block(value: Value, indent: int, depth: int) -> list[str]:
    """Return a list or a map, a key or an item a line.

    Parameters
    ----------
    value : list or dict
        Not empty.
    indent : int
    depth : int
        Keys above it.

    Returns
    -------
    list of str
        Lines without their breaks.
    """
    lines: list[str] = []
    space = " " * indent
    if isinstance(value, dict):
        for key, one in value.items():
            lines += _entry(f"{space}{key_text(key, within_flow=False)}:", one, indent, depth + 1)
    elif isinstance(value, list):
        for one in value:
            if fits(one, indent + 2, depth + 1):
                lines.append(f"{space}- {_inline(one)}")
            else:
                first, *rest = block(one, indent + 2, depth + 1)
                lines += [f"{space}- {first.lstrip()}", *rest]
    return lines


def _entry(start: str, value: Value, indent: int, depth: int) -> list[str]:
    if fits(value, len(start) + 1, depth):
        return [f"{start} {_inline(value)}"]
    return [start, *block(value, indent + 2, depth)]


def _inline(value: Value) -> str:
    return flow(value) if is_collection(value) else scalar(value, within_flow=False)
