"""What a figure of a variant is given: its cases, with what was set and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estimation.results import Estimates, Failed

__all__ = ["ShownCase", "ShownCases"]


@dataclass(frozen=True, slots=True, eq=False)
class ShownCase:
    """One case.

    Attributes
    ----------
    name, called : str
        ``grid[3]``, and the name that a listed case has; empty without one.
    settings : mapping of str to plain value
        By path.
    main : bool
        Whether it is the model itself.
    term : str
        What is drawn of it, as the case calls it; empty for the one that is no level and no constant.
    result : Estimates or Failed
    """

    name: str
    called: str
    settings: Mapping[str, Any]
    main: bool
    term: str
    result: Estimates | Failed


@dataclass(frozen=True, slots=True, eq=False)
class ShownCases:
    """The cases of a variant.

    Attributes
    ----------
    of : str
        The model.
    drawn_from : int
        Cases before some of them were drawn.
    cases : tuple of ShownCase
        In their order.
    """

    of: str
    drawn_from: int
    cases: tuple[ShownCase, ...]
