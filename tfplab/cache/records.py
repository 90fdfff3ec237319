"""Frozen records as bytes, and back, equal to the bit. Reading executes nothing: plain values, arrays, and the records
of an explicit list.

The form: a line that says what it is, the length of a JSON text, that text, the arrays' own bytes, and a digest of all
of it. Numbers with a point stand in the text as hexadecimal, so that none is rounded.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["RECORDS", "BrokenRecordError", "NotPlainError", "digest_of", "from_bytes", "settled", "to_bytes"]

_MAGIC = b"tfplab records 1\n"
_ALIGNED = 64
_DIGEST = 32
_KINDS = "biufU"
"""Kinds of arrays that hold their values in their own bytes: no objects."""

RECORDS: Mapping[str, tuple[str, ...]] = {
    "estimation.agreement": ("Agreement", "Correlation"),
    "estimation.described": ("Described",),
    "estimation.family": ("Family",),
    "estimation.results": (
        "BootstrapInfo", "Elasticities", "EquationRows", "ErrorsInfo", "Estimates", "Failed", "GroupFit", "Inference",
        "ModelPart", "ProductivityFit", "RowValues", "WildInfo",
    ),
    "estimation.share_cell": ("ShareCell",),
    "estimation.workings": ("Moved", "WaldTest", "Workings"),
    "panels.expression_parts": ("Column",),
    "panels.facts": ("ColumnFacts",),
    "panels.ledger": ("Ledger", "LedgerEntry", "StratumEntry"),
    "panels.linkage": (
        "Agreement", "Balance", "LinkDiagnostics", "MatchRate", "Propensity", "SchemeShare", "Term", "WaveLink",
    ),
    "panels.saved": ("SavedPanel", "SavedTable"),
}  # fmt: skip
"""The records that may be read, by their module: nothing else is ever imported or made."""


class BrokenRecordError(ValueError):
    """Bytes that are no record, or no longer: why, in words that follow the name of a file."""


class NotPlainError(TypeError):
    """A value that has no place in a record: a defect of the program, never of the data."""


def to_bytes(value: object) -> bytes:
    """Return a value as bytes.

    Parameters
    ----------
    value : object
        None, bool, int, float, str, NumPy numbers and arrays of them, tuples, lists, dicts with keys of any of these,
        and the dataclasses of `RECORDS`.

    Raises
    ------
    NotPlainError
        If there is anything else in it.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    text = json.dumps(_plain(value, arrays), separators=(",", ":")).encode()
    parts = [_MAGIC, len(text).to_bytes(8, "big"), text]
    at = len(_MAGIC) + 8 + len(text)
    for array in arrays:
        gap = -at % _ALIGNED
        parts += [b"\0" * gap, array.tobytes("A")]
        at += gap + array.nbytes
    body = b"".join(parts)
    return body + _digest(body)


def from_bytes(data: bytes) -> Any:
    """Return the value that `to_bytes` wrote.

    Raises
    ------
    BrokenRecordError
        If the bytes are cut off, changed, or something else altogether.
    """
    if not data.startswith(_MAGIC):
        raise BrokenRecordError("is no record of tfplab")
    start = len(_MAGIC) + 8
    body = memoryview(data)[:-_DIGEST]
    if len(data) < start + _DIGEST or data[-_DIGEST:] != _digest(body):
        raise BrokenRecordError("is cut off or has been changed")
    stop = start + int.from_bytes(data[len(_MAGIC) : start], "big")
    try:
        return _Reader(body, stop).value(json.loads(bytes(body[start:stop])))
    except BrokenRecordError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise BrokenRecordError("holds what no record holds") from error


def settled(value: Any) -> Any:
    """Return a value as it would be read back: every array in one piece of memory.

    Sums of floating-point numbers depend on how they lie in memory. What was kept and what was computed just now are
    the same to the last bit only if both are settled. Nothing is copied that lies in one piece already.
    """
    if isinstance(value, np.ndarray):
        in_one_piece = value.flags.c_contiguous or value.flags.f_contiguous
        return value if in_one_piece else np.ascontiguousarray(value)
    if type(value) in (tuple, list):
        found = [settled(one) for one in value]
        same = all(one is other for one, other in zip(found, value, strict=True))
        return value if same else type(value)(found)
    if type(value) is dict:
        items = {key: settled(one) for key, one in value.items()}
        return value if all(one is value[key] for key, one in items.items()) else items
    kind = type(value)
    if is_dataclass(value) and kind.__name__ in RECORDS.get(kind.__module__, ()):
        held = {one.name: getattr(value, one.name) for one in fields(value)}
        moved = {name: new for name, one in held.items() if (new := settled(one)) is not one}
        return replace(value, **moved) if moved else value  # type: ignore[type-var]
    return value


def digest_of(value: object) -> str:
    """Return a digest of a value: equal for values equal to the bit. 40 hexadecimal digits."""
    return hashlib.blake2b(to_bytes(value), digest_size=20).hexdigest()


def _digest(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()


def _plain(value: object, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return {"f": value.hex()}
    if isinstance(value, np.ndarray):
        return _of_array(value, arrays)
    if isinstance(value, np.generic):
        return {"n": _of_array(np.asarray(value), arrays)["a"]}
    if type(value) in (tuple, list):
        return {"t" if type(value) is tuple else "l": [_plain(one, arrays) for one in value]}  # type: ignore[attr-defined]
    if isinstance(value, dict) and type(value) is dict:
        return {"d": [[_plain(key, arrays), _plain(one, arrays)] for key, one in value.items()]}
    kind = type(value)
    if is_dataclass(value) and kind.__name__ in RECORDS.get(kind.__module__, ()):
        held = [_plain(getattr(value, one.name), arrays) for one in fields(value)]
        return {"r": f"{kind.__module__}:{kind.__name__}", "of": [one.name for one in fields(value)], "v": held}
    raise NotPlainError(f"{kind.__module__}.{kind.__qualname__} has no place in a record")


def _of_array(value: np.ndarray[Any, Any], arrays: list[np.ndarray[Any, Any]]) -> dict[str, Any]:
    if value.dtype.kind not in _KINDS:
        raise NotPlainError(f"an array of {value.dtype} has no place in a record")
    in_columns = value.flags.f_contiguous and not value.flags.c_contiguous
    kept = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="F" if in_columns else "C")
    arrays.append(kept)
    return {"a": [kept.dtype.str, list(kept.shape), in_columns]}


class _Reader:
    """Makes values of the JSON text, and arrays of the bytes behind it, in the order in which they were written."""

    def __init__(self, body: memoryview, at: int) -> None:
        self._body, self._at = body, at

    def value(self, found: Any) -> Any:
        if not isinstance(found, dict):
            if isinstance(found, (float, list)):
                raise BrokenRecordError("holds what no record holds")
            return found
        match found:
            case {"f": text}:
                return float.fromhex(text)
            case {"a": told}:
                return self._array(told)
            case {"n": told}:
                return self._array(told)[()]
            case {"t": items}:
                return tuple(self.value(one) for one in items)
            case {"l": items}:
                return [self.value(one) for one in items]
            case {"d": pairs}:
                return {self.value(key): self.value(one) for key, one in pairs}
            case {"r": name, "of": names, "v": values}:
                return self._record(name, names, values)
        raise BrokenRecordError("holds what no record holds")

    def _array(self, told: list[Any]) -> np.ndarray[Any, Any]:
        name, shape, in_columns = told
        kind = np.dtype(str(name))
        if kind.kind not in _KINDS or any(type(one) is not int or one < 0 for one in shape):
            raise BrokenRecordError("holds an array that no record holds")
        start = self._at + -self._at % _ALIGNED
        count = math.prod(shape)
        self._at = start + count * kind.itemsize
        if self._at > len(self._body):
            raise BrokenRecordError("has fewer bytes than its arrays")
        # A copy: arrays of a record are their own, and may be written to like those just computed.
        flat = np.empty(count, dtype=kind)
        flat.view(np.uint8)[:] = np.frombuffer(self._body[start : self._at], dtype=np.uint8)
        array = flat.reshape(shape, order="F" if in_columns else "C")
        return array.astype(kind.newbyteorder("="), copy=False)

    def _record(self, name: str, names: list[str], values: list[Any]) -> Any:
        module, _, kind = name.partition(":")
        if kind not in RECORDS.get(module, ()):
            raise BrokenRecordError(f"holds a record that is not known: {name}")
        made = getattr(import_module(module), kind)
        if names != [one.name for one in fields(made)]:
            raise BrokenRecordError(f"holds a {kind} of another version")
        return made(**{key: self.value(one) for key, one in zip(names, values, strict=True)})
