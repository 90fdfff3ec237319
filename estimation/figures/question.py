"""What is asked of a figure."""

from __future__ import annotations

from dataclasses import dataclass

from specs.expressions import Expression

__all__ = ["FigureQuestion"]


@dataclass(frozen=True, slots=True)
class FigureQuestion:
    """A figure of a spec.

    Attributes
    ----------
    name, kind : str
    of : tuple of str
        Columns, productivity entries or models.
    by : str or None
        The column whose levels are drawn apart.
    where : Expression or None
    minimum_firms : int
        Firms that must stand behind what is drawn.
    keep : tuple of str
        The items that are drawn; empty for all.
    """

    name: str
    kind: str
    of: tuple[str, ...]
    by: str | None
    where: Expression | None
    minimum_firms: int
    keep: tuple[str, ...] = ()
