"""Values from Python as a spec can hold them: text, numbers, true, false, lists, maps; all else is refused by name."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from datetime import date
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any

from specs.errors import TfplabError
from specs.scalars import LARGEST
from specs.source import is_forbidden
from specs.yaml_text import Value

__all__ = ["as_value"]

MAX_DEPTH = 20


def as_value(given: object, path: str = "") -> Value:
    """Return a value of Python as one of a spec.

    Tuples and ranges become lists, paths and dates text, numbers of NumPy those of Python, whole numbers that
    serve as keys text.

    Parameters
    ----------
    given : object
    path : str
        Where it will stand, for messages.

    Raises
    ------
    TfplabError
        With everything in it that cannot stand in a spec, a line each: what it is, and what to try.
    """
    problems: list[str] = []
    value = _Reader(problems).value(given, path, 0)
    if problems:
        raise TfplabError("\n".join(problems))
    return value


class _Reader:
    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def refuse(self, path: str, what: str, advice: str = "") -> None:
        where = f"{path}: " if path else ""
        self.problems.append(f"{where}{what} cannot stand in a spec{', ' + advice if advice else ''}")

    def value(self, given: Any, path: str, depth: int) -> Value:
        if depth > MAX_DEPTH:
            self.refuse(path, f"a value nested more than {MAX_DEPTH} deep", "does it hold itself?")
            return None
        if given is None or isinstance(given, bool):
            return given
        if isinstance(given, str):
            return self.text(str.__str__(given), path)
        if isinstance(given, (PurePath, PathLike)):
            return self.text(given.as_posix() if isinstance(given, PurePath) else str(fspath(given)), path)
        if isinstance(given, date) and given == given:  # noqa: PLR0124 - a date that is missing is not itself
            return given.isoformat()
        if isinstance(given, Mapping):
            return self.mapping(given, path, depth)
        if isinstance(given, Sequence) and not isinstance(given, (bytes, bytearray, memoryview)):
            return [
                self.value(one, f"{path}.{index}" if path else str(index), depth + 1) for index, one in enumerate(given)
            ]
        return self.number(given, path)

    def text(self, given: str, path: str) -> str:
        for character in given:
            if is_forbidden(character) or "\ud800" <= character <= "\udfff":
                self.refuse(path, f"a text with the invisible character U+{ord(character):04X}", "leave it out")
                break
        return given

    def mapping(self, given: Mapping[Any, Any], path: str, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for key, one in given.items():
            here = f"{path}.{key}" if path else str(key)
            if isinstance(key, bool) or not (isinstance(key, str) or _is_whole(key)):
                self.refuse(path or "the spec", f"the key {_shown(key)}", "keys are text or whole numbers")
                continue
            name = self.text(key, here) if isinstance(key, str) else str(int(key))
            if name in found:
                self.refuse(here, "a key that is there twice, as text and as a number")
            found[name] = self.value(one, here, depth + 1)
        return found

    def number(self, given: Any, path: str) -> Value:
        if type(given).__name__ == "bool" and hasattr(given, "item"):
            return bool(given)  # NumPy's
        if _is_whole(given):
            if abs(int(given)) > LARGEST:
                self.refuse(path, f"{_shown(given)}, too large for a number,", "write it as text")
                return None
            return int(given)
        if isinstance(given, numbers.Real):
            if not math.isfinite(given):
                self.refuse(path, f"{given}, not a finite number,", "leave the key out")
                return None
            if abs(float(given)) > 1e300:
                self.refuse(path, f"{_shown(given)}, too large for a number,", "write it as text")
                return None
            return float(given)
        self.refuse(path, *_kind(given))
        return None


def _is_whole(given: object) -> bool:
    return isinstance(given, numbers.Integral) and not isinstance(given, bool)


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."


def _kind(given: object) -> tuple[str, str]:
    """Return what something is, and what to try instead."""
    home, name = type(given).__module__.partition(".")[0], type(given).__name__
    if home in ("pandas", "polars", "pyarrow", "narwhals") and hasattr(given, "columns"):
        return f"a table of {home} ({name})", "write it to a file (panel.parquet) and name the file"
    if home in ("pandas", "polars", "numpy", "pyarrow"):
        return f"{name} of {home}", "give a list: .tolist()"
    if isinstance(given, (set, frozenset)):
        return "a set", "it has no order: give a list"
    if isinstance(given, (bytes, bytearray, memoryview)):
        return "bytes", "decode them to text"
    if callable(given):
        known = getattr(given, "__name__", name)
        return f"a function ({known})", "write what it does as an expression under variables:"
    if isinstance(given, numbers.Complex):
        return f"a complex number, {_shown(given)},", "give a real one"
    return f"an object of type {name}", "give text, a number, a list or a dict"
