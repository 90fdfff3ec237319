"""What is known of a column besides its values. Needs no numerical library: `check` reads it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColumnFacts"]


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What is known of a column besides its values.

    Attributes
    ----------
    name : str
    kind : str
        ``number``, ``text`` or ``answer`` (1, 0, not applicable or missing).
    unit : str
        ``EUR``, ``FTE``, ``log``, ``0/1`` for a condition, or empty.
    source : str
        Where it came from: a rubric formula, a survey item, an expression of the spec.
    levels : tuple of str
        The values of a text column in an order of their own (the classes of a `cut`); else empty.
    step : str
        Behind which step of the panel there is such a column: ``deflate``, ``capital``, ``link``; empty where it is
        there from the beginning, so that cleaning may use it.
    waves : tuple of int
        Of an item of the survey: the waves that ask it; empty for any.
    why : str
        Why other waves cannot be brought to it.
    """

    name: str
    kind: str
    unit: str = ""
    source: str = ""
    levels: tuple[str, ...] = ()
    step: str = ""
    waves: tuple[int, ...] = ()
    why: str = ""
