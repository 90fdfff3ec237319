"""The respondents of a survey as arrays: what they said, what became of them, and what their accounts say beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panels.arrays import BoolArray, FloatArray, IntArray
from panels.engine import Engine, Frame, identifier
from panels.link_status import STATUSES

__all__ = ["SIZES", "Respondents", "Texts", "collect_respondents", "size_classes"]

Texts = NDArray[np.object_]
"""Texts, None where missing."""

SIZES = ("0-9", "10-19", "20-49", "50-249", "250+")
_BREAKS = (10.0, 20.0, 50.0, 250.0)
_LINKED = tuple(status.name for status in STATUSES if status.linked)


@dataclass(frozen=True, slots=True, eq=False)
class Respondents:
    """One row a unit of the survey and wave, sorted by wave and firm.

    Attributes
    ----------
    firm : (n,) texts
    wave : (n,) integer array
    status : (n,) texts
    kinds : mapping of str to str
        Of the survey's columns: ``number``, ``text`` or ``answer``.
    numbers : mapping of str to (n,) array
        Numbers, and answers by their codes in the table; NaN where missing.
    texts : mapping of str to (n,) texts
    accounts : mapping of str to (n,) array or texts
        ``nace``, ``employees``, ``scheme`` of the wave's year, and ``region``, of another year where that one is not
        known; only what the accounts have.
    """

    firm: Texts
    wave: IntArray
    status: Texts
    kinds: Mapping[str, str]
    numbers: Mapping[str, FloatArray]
    texts: Mapping[str, Texts]
    accounts: Mapping[str, Any]

    @property
    def linked(self) -> BoolArray:
        """Whether each has accounts of the wave's year."""
        return np.isin(self.status.astype(str), _LINKED)

    @property
    def weight(self) -> FloatArray | None:
        """Design weights, NaN where missing; None where the survey has none."""
        return self.numbers.get("weight")

    @property
    def size(self) -> Texts | None:
        """Size classes by the survey's employees; None where it does not ask for them."""
        employees = self.numbers.get("survey_employees")
        return None if employees is None else size_classes(employees)

    def waves(self) -> tuple[int, ...]:
        """Return the waves, ascending."""
        return tuple(int(one) for one in np.unique(self.wave))


def size_classes(employees: FloatArray) -> Texts:
    """Return the size class of numbers of employees: left-closed, None where missing or negative."""
    known = np.isfinite(employees) & (employees >= 0)
    classes: Texts = np.full(employees.size, None, dtype=object)
    places = np.searchsorted(_BREAKS, employees[known], side="right")
    classes[known] = np.array(SIZES, dtype=object)[places]
    return classes


def collect_respondents(
    engine: Engine, frame: Frame, kinds: Mapping[str, str], survey: Mapping[str, str], accounts: Mapping[str, str]
) -> Respondents:
    """Fetch the respondents.

    Parameters
    ----------
    engine : Engine
    frame : Frame
        With `firm`, `wave` and `status`.
    kinds : mapping of str to str
        Of the survey's columns.
    survey, accounts : mapping of str to str
        Where their columns stand in the frame.
    """
    columns = ["firm", "wave", "status", *survey.values(), *accounts.values()]
    listed = ", ".join(identifier(name) for name in columns)
    rows = engine.rows(f"SELECT {listed} FROM ({engine.sql(frame.select(*columns))}) ORDER BY wave, firm")
    fetched = dict(zip(columns, _columns(rows, len(columns)), strict=True))
    numbers = {name: _numbers(fetched[at]) for name, at in survey.items() if kinds[name] != "text"}
    texts = {name: fetched[at] for name, at in survey.items() if kinds[name] == "text"}
    beside = {name: _numbers(fetched[at]) if name == "employees" else fetched[at] for name, at in accounts.items()}
    waves = np.array([int(one) for one in fetched["wave"]], dtype=np.int64)
    return Respondents(fetched["firm"], waves, fetched["status"], dict(kinds), numbers, texts, beside)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[Texts]:
    table = np.empty((len(rows), width), dtype=object)
    for number, row in enumerate(rows):
        table[number] = row
    return [table[:, place] for place in range(width)]


def _numbers(values: Texts) -> FloatArray:
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
