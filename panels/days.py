"""Days as numbers, counted from 1 January 1970: what calendars need of them, on any engine."""

from __future__ import annotations

import narwhals as nw

from panels.engine import Frame

__all__ = ["first_day", "first_of_june", "with_year"]


def first_day(year: nw.Expr) -> nw.Expr:
    """Return the number of 1 January of a year (Gregorian)."""
    before = year - 1.0
    leaps = (before / 4.0).floor() - (before / 100.0).floor() + (before / 400.0).floor()
    return 365.0 * (year - 1970.0) + leaps - 477.0  # 477 leap days before 1970


def with_year(frame: Frame, day: str, name: str) -> Frame:
    """Add the year of a day as a column.

    In two steps: an expression that held its parts as often as it uses them would grow beyond what an engine plans in
    the time that it takes to run it.

    Parameters
    ----------
    frame : Frame
    day : str
        A column of days.
    name : str
        Of the new column.
    """
    guess = nw.col(name)
    frame = frame.with_columns(((nw.col(day) / 365.2425).floor() + 1970.0).alias(name))
    # The guess is off by one at most, near the turn of a year.
    early = nw.when(nw.col(day) < first_day(guess)).then(guess - 1.0).otherwise(guess)
    return frame.with_columns(
        nw.when(nw.col(day) >= first_day(guess + 1.0)).then(guess + 1.0).otherwise(early).alias(name)
    )


def first_of_june(year: nw.Expr) -> nw.Expr:
    """Return the number of 1 June of a year: 214 days before the next year begins, leap year or not."""
    return first_day(year + 1.0) - 214.0
