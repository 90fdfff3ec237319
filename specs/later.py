"""Keys that the spec language knows and this version does not have yet: refused by name, never ignored."""

from __future__ import annotations

__all__ = ["LATER_KEYS"]

LATER_KEYS = frozenset({
    # the panel
    "register",
    # models
    "sensitivity",
})  # fmt: skip
"""A model that has one of these keys of its own (``did`` has ``sensitivity``) simply knows it."""
