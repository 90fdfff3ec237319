"""The digest of a spec: equal for specs that mean the same, wherever their files lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["spec_digest"]

_SOURCES = ("accounts", "survey", "table")


def spec_digest(resolved: Mapping[str, object]) -> str:
    """Return the SHA-256 of a spec as resolved, defaults included.

    Comments and the order of keys do not count, nor do the paths of files (those of the panel, and a layout
    that is a file); the order of lists does.

    Parameters
    ----------
    resolved : mapping
        Plain values, as `SpecModel.written` gives them.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    spec: dict[str, Any] = dict(resolved)
    panel = spec.get("panel")
    if isinstance(panel, Mapping):
        spec["panel"] = _without_paths(panel)
    text = json.dumps(_canonical(spec), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_paths(panel: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(panel)
    for name in _SOURCES:
        source = found.get(name)
        if isinstance(source, Mapping):
            source = {**source, "files": _masked(source.get("files"))}
            if str(source.get("layout", "")).endswith((".yaml", ".yml")):
                source["layout"] = "a file"
            found[name] = source
    if "deflators" in found:
        found["deflators"] = _masked(found["deflators"])
    return found


def _masked(files: Any) -> Any:
    """Return what is said of files without where they lie: waves and options stay, lists of paths are one."""
    if isinstance(files, Mapping):
        if set(files) == {"path"}:
            return _masked(files["path"])
        return {
            str(key): _masked(value) if key == "path" or str(key).isdecimal() else value for key, value in files.items()
        }
    if isinstance(files, (list, tuple)):
        kinds = [_masked(item) for item in files]
        return kinds[0] if all(kind == kinds[0] for kind in kinds) else kinds
    return "a file"


def _canonical(value: Any) -> Any:
    """Return plain values in one form: text keys, lists, whole numbers without a point."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
