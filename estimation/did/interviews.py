"""When the firms of a comparison answered: what the days of interviews say of the base year."""

from __future__ import annotations

import numpy as np

from estimation.results import BoolArray
from panels.frame import Selection, TextColumn
from specs.adoption import Adoption
from specs.errors import EstimationError

__all__ = ["told_of_interviews"]

MIDDLE = (0.05, 0.95)


def told_of_interviews(adoption: Adoption, rows: Selection, inside: BoolArray, base: int) -> tuple[str, ...]:
    """Tell when the waves were asked, and whether a no was said after the end of the base year.

    A firm that says no on a day used nothing until that day: a year of accounts that ends before it is untreated for
    sure, a year in which it lies is not.

    Parameters
    ----------
    adoption : Adoption
        With `dates`, a column of days as ``2021-06-30``.
    rows : Selection
    inside : (n,) bool array
        Rows of firms of the comparison.
    base : int
        The base year.

    Raises
    ------
    EstimationError
        If the column is not of days.
    """
    column = rows.columns[str(adoption.dates)]
    if not isinstance(column, TextColumn):
        raise EstimationError(f"adoption: {adoption.dates} is a number: it must be the day of the interview")
    try:
        levels = np.array([*column.levels, "NaT"], dtype="datetime64[D]")
    except ValueError as error:
        raise EstimationError(f"adoption: {adoption.dates} is no day such as 2021-06-30") from error
    days = levels[column.codes]
    notes: list[str] = []
    for wave in adoption.waves:
        asked = inside & (rows.year == wave)
        known = days[asked & ~np.isnat(days)]
        if not known.size:
            notes.append(f"interviews of {wave}: their days are not known")
            continue
        # Months alone, and not the first and the last interview: a day would be one firm's.
        first, last = (str(np.sort(known)[int(share * (known.size - 1))].astype("datetime64[M]")) for share in MIDDLE)
        unknown = int(asked.sum()) - known.size
        notes.append(
            f"nine in ten interviews of {wave} lie between {first} and {last}"
            + (f"; of {_firms(unknown)} the day is not known" if unknown else "")
        )
        if wave != adoption.waves[0]:
            continue
        early, next_ = int((known <= np.datetime64(f"{base}-12-31")).sum()), base + 1
        if early:
            notes.append(
                f"{_firms(early)} answered in {wave} before the base year {base} was over: they may begin in it"
            )
        elif next_ <= wave and not unknown and bool((known > np.datetime64(f"{next_}-12-31")).all()):
            notes.append(f"every answer of {wave} came after {next_}: with base_year: {next_} no year is lost")
    return tuple(notes)


def _firms(count: int) -> str:
    return f"{count:,} firm{'s' if count != 1 else ''}"
