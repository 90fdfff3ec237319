"""Numbers of things in messages: one firm, two firms."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int | float, one: str, several: str = "") -> str:
    """Return a number with what it counts, its thousands apart: ``1,831 rows``.

    Parameters
    ----------
    number : int or float
    one : str
        What follows a one: ``firm``, ``row stands``.
    several : str
        What follows any other number; without it, `one` with an s.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
