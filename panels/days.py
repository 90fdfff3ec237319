"""Days as numbers, counted from 1 January 1970: what calendars need of them, on any engine."""

from __future__ import annotations

import narwhals as nw

__all__ = ["first_day", "month_of", "year_of"]


def first_day(year: nw.Expr) -> nw.Expr:
    """Return the number of 1 January of a year (Gregorian)."""
    before = year - 1.0
    leaps = (before / 4.0).floor() - (before / 100.0).floor() + (before / 400.0).floor()
    return 365.0 * (year - 1970.0) + leaps - 477.0  # 477 leap days before 1970


def year_of(day: nw.Expr) -> nw.Expr:
    """Return the year of a day."""
    guess = (day / 365.2425).floor() + 1970.0
    # The guess is off by one at most, near the turn of a year.
    early = nw.when(day < first_day(guess)).then(guess - 1.0).otherwise(guess)
    return nw.when(day >= first_day(guess + 1.0)).then(guess + 1.0).otherwise(early)


def month_of(day: nw.Expr, year: nw.Expr) -> nw.Expr:
    """Return the month (1 to 12) of a day of that year."""
    start = first_day(year)
    leap = first_day(year + 1.0) - start - 365.0
    at = day - start
    month = nw.lit(1.0)
    for number, before in enumerate((31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334), start=2):
        turn = before + leap if number > 2 else before + 0.0 * leap
        month = nw.when(at >= turn).then(nw.lit(float(number))).otherwise(month)
    return month
