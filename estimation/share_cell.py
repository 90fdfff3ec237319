"""What stands behind an estimated share of firms."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ShareCell"]


@dataclass(frozen=True, slots=True)
class ShareCell:
    """What stands behind an estimated share.

    Attributes
    ----------
    item : str
    levels : tuple of (column, level)
        The cell; empty for all firms.
    n_yes, n_no : int
        Firms that said so; not weighted.
    """

    item: str
    levels: tuple[tuple[str, str], ...]
    n_yes: int
    n_no: int
