"""Why something was made anew, in words: the parts of a key held against those of what was kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tfplab.cache.keys import Parts

__all__ = ["differences", "nearest", "why"]

NOTHING_KEPT = "nothing kept yet"
_MOST = 3
_LONG = 40


def why(parts: Parts, kept: Iterable[Parts]) -> str:
    """Return why something cannot be taken from what was kept: how it differs from the nearest of it.

    Parameters
    ----------
    parts : mapping of str to str
    kept : iterable of mapping of str to str
        Parts of the same thing in earlier runs.
    """
    near = nearest(parts, kept)
    if near is None:
        return NOTHING_KEPT
    found = differences(parts, near)
    if not found:
        return "what was kept is gone"
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return ", ".join(found[:_MOST]) + more


def nearest(parts: Parts, kept: Iterable[Parts]) -> Parts | None:
    """Return the parts that differ least; the last of several."""
    best, fewest = None, -1
    for one in kept:
        count = sum(parts.get(name) != one.get(name) for name in {*parts, *one})
        if best is None or count <= fewest:
            best, fewest = one, count
    return best


def differences(parts: Parts, before: Parts) -> list[str]:
    """Return how parts differ from earlier ones, a phrase each: the cause before what follows from it."""
    names = [name for name in {**parts, **before} if parts.get(name) != before.get(name)]
    names.sort(key=lambda name: _ORDER.get(name.partition(":")[0], len(_ORDER)))
    return list(dict.fromkeys(_phrase(name, before.get(name), parts.get(name)) for name in names))


_ORDER = {kind: place for place, kind in enumerate(
    ("code", "version", "name", "method", "option", "panel", "variable", "seed", "file", "parent", "where", "rows",
     "column", "drawn")
)}  # fmt: skip


def _phrase(name: str, before: str | None, now: str | None) -> str:
    kind, _, what = name.partition(":")
    match kind:
        case "code":
            return "tfplab has changed"
        case "file":
            return f"{what} {_became(before, now)}"
        case "variable":
            return f"variable {what} {_became(before, now)}"
        case "parent":
            return f"{what}, which it is made of, has changed"
        case "column":
            return f"the values of {what} have changed" if before and now else f"{what} {_became(before, now)}"
        case "rows" | "aliases" | "firms":
            return "the rows of the panel have changed"
        case "where":
            return "the rows that where keeps have changed"
        case "lost":
            # The reason itself may name firms: it belongs into the record, where disclosure sees it.
            return f"{what} could {'be made before' if now else 'not be made before'}"
        case "notes":
            return "what it rests on has changed"
        case "drawn" | "behind":
            return "what the bootstrap draws by has changed"
        case "option" | "version":
            return _was(what, before, now)
        case "panel":
            return _was(f"panel.{what}", before, now)
        case "order":
            return f"the order of {what} has changed"
        case "needs":
            return "others need more of it" if now else "others need less of it"
    return _was(what or kind, before, now)


def _became(before: str | None, now: str | None) -> str:
    return "is new" if before is None else "is gone" if now is None else "has changed"


def _was(what: str, before: str | None, now: str | None) -> str:
    old, new = _shown(before), _shown(now)
    if len(old) > _LONG or len(new) > _LONG:
        return f"{what} has changed"
    if old == "none":
        return f"{what} is {new}"
    return f"{what} was {old} and is {new}" if new != "none" else f"{what} was {old}"


def _shown(value: str | None) -> str:
    """Return a value as a spec would have it, roughly."""
    if value is None or value in ("null", ""):
        return "none"
    try:
        found = json.loads(value)
    except ValueError:
        return value
    return _written(found)


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return str(value)
