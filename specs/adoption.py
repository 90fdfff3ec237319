"""How a spec says when firms began to use something: a column of years, a yearly indicator, or answers in waves."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from specs.errors import did_you_mean
from specs.fields import COLUMN, Checked, as_written, mistake
from specs.tokens import is_name

__all__ = ["Adoption", "AdoptionField"]

KEYS = ("cohort", "never", "indicator", "waves", "base_year", "reversals", "dating", "dates")
REVERSALS = ("drop", "keep", "absorbing")
DATINGS = ("censored", "early", "late")
OF_WAVES = ("base_year", "dating", "dates")


@dataclass(frozen=True, slots=True)
class Adoption:
    """When treatment begins.

    Attributes
    ----------
    cohort : str or None
        A column with the first treated year of a firm.
    never : int or None
        What `cohort` holds for a firm that is never treated; a missing value says the same.
    indicator : str or None
        A column that is 1 where a firm is treated and 0 where it is not.
    waves : tuple of int
        The years in which the indicator was asked; empty: in every year.
    base_year : int or None
        With waves: the last year that is surely untreated; None for the year before the first of two waves, with a
        dating that of the adopter's own date.
    reversals : str
        Firms that stop: ``drop`` them, ``keep`` their last answer (a yes that is taken back was a mistake), or
        ``absorbing``, once treated always treated.
    dating : str
        With waves: ``censored``, years between the waves are unsure and left out; ``early`` and ``late`` date every
        adopter to the first and the last year that it can be.
    dates : str or None
        With waves: the column with the day of the interview.
    """

    cohort: str | None = None
    never: int | None = None
    indicator: str | None = None
    waves: tuple[int, ...] = ()
    base_year: int | None = None
    reversals: str = "drop"
    dating: str = "censored"
    dates: str | None = None

    @property
    def column(self) -> str:
        """The column that says when."""
        return self.cohort or self.indicator or ""

    @property
    def key(self) -> str:
        """The key that names the column."""
        return "cohort" if self.cohort is not None else "indicator"

    @property
    def censored(self) -> bool:
        """Whether adoption is only known to lie between two waves."""
        return bool(self.waves) and self.dating == "censored"

    @property
    def last_base(self) -> int | None:
        """With waves, the last year that serves as a base period, anticipation apart; None where rows date adoption."""
        if not self.waves or self.base_year is not None:
            return self.base_year
        return {"censored": self.waves[-2] - 1, "early": self.waves[-2], "late": self.waves[-1] - 1}[self.dating]

    @property
    def written(self) -> dict[str, Any]:
        """As a spec has it, defaults included."""
        if self.cohort is not None:
            return {"cohort": self.cohort, **({} if self.never is None else {"never": self.never})}
        found: dict[str, Any] = {"indicator": self.indicator, "reversals": self.reversals}
        if self.waves:
            found |= {"waves": list(self.waves), "dating": self.dating}
            if self.base_year is not None:
                found["base_year"] = self.base_year
            if self.dates is not None:
                found["dates"] = self.dates
        return found


def _adoption(value: Any) -> Adoption:
    if isinstance(value, Adoption):
        return value
    if not isinstance(value, dict):
        advice = f"write {{indicator: {value}}}" if isinstance(value, str) and is_name(value) else ""
        raise mistake(f"a map is wanted, not {as_written(value)}", "", advice or "write {indicator: ai}")
    for key in value:
        if key not in KEYS:
            advice = did_you_mean(key, KEYS) or f"there are: {', '.join(KEYS)}"
            raise mistake(f'unknown key "{key}"', "", advice, path=(key,), at_key=True)
    if ("cohort" in value) == ("indicator" in value):
        both = "cohort" in value
        what = "cohort beside indicator" if both else "neither cohort nor indicator"
        meaning = "each says when treatment begins" if both else "nothing says when treatment begins"
        place: dict[str, Any] = {"path": ("indicator",)} if both else {}
        raise mistake(what, meaning, "write {cohort: first_year}, or {indicator: ai}", at_key=True, **place)
    if "cohort" in value:
        return _by_cohort(value)
    return _by_indicator(value)


def _by_cohort(value: dict[str, Any]) -> Adoption:
    for key in value:
        if key not in ("cohort", "never"):
            meaning = "the column says in which year treatment begins"
            raise mistake(f"{key} beside cohort", meaning, "leave it out", path=(key,), at_key=True)
    never = value.get("never")
    if never is not None and (not isinstance(never, int) or isinstance(never, bool)):
        raise mistake(f"a whole number is wanted, not {as_written(never)}", "", "write never: 0", path=("never",))
    return Adoption(cohort=_name(value["cohort"], "cohort"), never=never)


def _by_indicator(value: dict[str, Any]) -> Adoption:
    if "never" in value:
        raise mistake("never beside indicator", "an indicator is 0 there", "leave it out", path=("never",), at_key=True)
    waves = _waves(value["waves"]) if "waves" in value else ()
    for key in OF_WAVES:
        if key in value and not waves:
            meaning = "a yearly indicator dates every adoption"
            raise mistake(f"{key} without waves", meaning, "write waves: [2021, 2023]", path=(key,), at_key=True)
    chosen: dict[str, Any] = {
        key: _choice(value[key], key, allowed)
        for key, allowed in (("reversals", REVERSALS), ("dating", DATINGS))
        if key in value
    }
    if "dates" in value:
        chosen["dates"] = _name(value["dates"], "dates")
    base = value.get("base_year")
    if base is not None:
        if not isinstance(base, int) or isinstance(base, bool):
            raise mistake(f"a year is wanted, not {as_written(base)}", "", "write base_year: 2020", path=("base_year",))
        if base > waves[0]:
            meaning = f"an adopter may have begun after the wave of {waves[0]}"
            raise mistake(f"a base year after {waves[0]}", meaning, f"write {waves[0] - 1}", path=("base_year",))
        if len(waves) > 2:
            meaning = "each pair of waves has a base year of its own"
            raise mistake("one base year for several pairs of waves", meaning, "leave it out", path=("base_year",))
    return Adoption(indicator=_name(value["indicator"], "indicator"), waves=waves, base_year=base, **chosen)


def _name(value: Any, key: str) -> str:
    if not isinstance(value, str) or not is_name(value):
        raise mistake(f"the name of a column is wanted, not {as_written(value)}", path=(key,))
    return value


def _choice(value: Any, key: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        near = did_you_mean(value, allowed) if isinstance(value, str) else ""
        raise mistake(f"{as_written(value)} is none of {', '.join(allowed)}", "", near, path=(key,))
    return str(value)


def _waves(value: Any) -> tuple[int, ...]:
    there = isinstance(value, (tuple, list)) and len(value) >= 2
    if not there or not all(isinstance(one, int) and not isinstance(one, bool) for one in value):
        raise mistake("two years or more are wanted", "", "write waves: [2021, 2023]", path=("waves",))
    if any(later <= earlier for earlier, later in pairwise(value)):
        raise mistake("waves go from the first to the last", "", "write waves: [2021, 2023]", path=("waves",))
    return tuple(value)


_WAVES = "two years or more are wanted"
_YEAR = {"type": "integer", "errorMessage": "a year is wanted"}
_TOLD = {
    "cohort": "the column with the first year of treatment",
    "never": "the value of cohort of firms that are never treated",
    "indicator": "the column that is 1 where a firm is treated, else 0",
    "waves": "the years in which it was asked, where not in all",
    "base_year": "with waves: the last year before anybody is treated",
    "dating": "with waves: when between two of them treatment begins",
    "reversals": "what becomes of firms that stop",
    "dates": "with waves: the column of the days on which firms were asked",
}
_SCHEMA = {
    "described": _TOLD,
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "cohort": COLUMN,
        "never": {"type": "integer"},
        "indicator": COLUMN,
        "waves": {"type": "array", "minItems": 2, "errorMessage": _WAVES, "lengthErrorMessage": _WAVES},
        "base_year": _YEAR,
        "dating": {"enum": list(DATINGS), "errorMessage": f"none of {', '.join(DATINGS)}"},
        "reversals": {"enum": list(REVERSALS), "errorMessage": f"none of {', '.join(REVERSALS)}"},
        "dates": COLUMN,
    },
    "oneOfKeys": ["indicator", "cohort"],
    "requiredErrorMessage": "neither cohort nor indicator",
    "errorMessage": "a map is wanted",
    "first": True,
}
AdoptionField = Annotated[Adoption, Checked(_adoption, lambda value: value.written, _SCHEMA)]
"""``{cohort: first_year, never: 0}``, ``{indicator: ai}`` or ``{indicator: ai, waves: [2021, 2023]}``."""
