"""A column's term as the formula has it."""

from __future__ import annotations

__all__ = ["label_of"]


def label_of(term: str) -> str:
    """Return the term without its levels: ``ai:size`` of ``ai:size[20-49]``."""
    kept, depth = [], 0
    for character in term:
        depth += character == "["
        if depth == 0:
            kept.append(character)
        depth -= character == "]" and depth > 0
    return "".join(kept)
