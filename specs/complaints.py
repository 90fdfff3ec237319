"""What pydantic found wrong, in plain words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from specs.errors import did_you_mean
from specs.fields import MISTAKE, as_written

__all__ = ["TYPE_ERRORS", "Complaint", "complain"]

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a map of keys",
    "mapping_type": "a map of keys",
    "model_type": "a map of keys",
    "model_attributes_type": "a map of keys",
    "dataclass_type": "a map of keys",
    "none_required": "nothing",
}
TYPE_ERRORS = frozenset(_WANTED)
"""The errors that say: the value as a whole is of another form."""

_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
    "string_too_short": ("at least", "min_length"),
    "string_too_long": ("at most", "max_length"),
    "multiple_of": ("a multiple of", "multiple_of"),
}
_COUNTED = {"too_short": " items", "too_long": " items", "string_too_short": " characters",
            "string_too_long": " characters"}  # fmt: skip
_TRUTHS = {"yes": "true", "on": "true", "y": "true", "1": "true", "no": "false", "off": "false", "n": "false",
           "0": "false"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong, what to try, and what was wanted (to join the alternatives of a union)."""

    what: str
    advice: str
    wanted: str


def complain(error: dict[str, Any]) -> Complaint:
    """Return the words for one of pydantic's errors.

    Parameters
    ----------
    error : dict
        One of `ValidationError.errors()`.
    """
    kind, value, context = error["type"], error.get("input"), error.get("ctx") or {}
    shown = as_written(value)
    if kind in _WANTED:
        wanted = _WANTED[kind]
        return Complaint(f"{wanted} is wanted, not {shown}", _advice(wanted, value), wanted)
    if kind in ("literal_error", "enum"):
        expected = str(context.get("expected", ""))
        choices = re.findall(r"'([^']*)'", expected) or re.split(r", | or ", expected)
        near = did_you_mean(str(value), choices) if isinstance(value, str) else ""
        there_are = f"there are: {', '.join(choices)}"
        return Complaint(f"{shown} is not one of the values of this key", near or there_are, ", ".join(choices))
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        limit = context.get(key)
        unit = _COUNTED.get(kind, "")
        if unit and limit == 1:
            unit = unit[:-1]
        wanted = f"{words} {limit}{unit}"
        found = context.get("actual_length", shown) if unit else shown
        found = "none" if unit and found == 0 else found
        return Complaint(f"{wanted} is wanted, not {found}", "", wanted)
    if kind == MISTAKE:
        found = context["found"]
        return Complaint(found.what, found.advice, "")
    if kind in ("value_error", "assertion_error"):
        return Complaint(str(context.get("error", error["msg"])), "", "")
    return Complaint(f"this value does not fit: {error['msg']}", "", "")


def _advice(wanted: str, value: object) -> str:
    if wanted == "text" and isinstance(value, (int, float)):
        return f"quote it: '{as_written(value)}'"
    if wanted == "text" and isinstance(value, tuple) and len(value) == 1:
        return "leave out the brackets"
    if wanted in ("a number", "a whole number") and isinstance(value, str):
        plain = value.strip().replace("_", "").replace(" ", "")
        if re.fullmatch(r"[-+]?\d+(\.\d+)?", plain, re.ASCII):
            return f"write {plain} without quotation marks"
        if re.fullmatch(r"[-+]?\d+,\d+", plain, re.ASCII):
            return f"write {plain.replace(',', '.')} with a point"
        if re.fullmatch(r"\d+(\.\d+)?%", plain, re.ASCII):
            return f"write {float(plain[:-1]) / 100:g}"
    if wanted == "true or false":
        meant = _TRUTHS.get(str(value).lower())
        return f"write {meant}" if meant else ""
    if wanted == "a list" and isinstance(value, (str, int, float)):
        return f"write [{value}]"
    return ""
