"""What became of a unit of the survey: one reason code each, from a closed list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw

from panels.expressions import Column

__all__ = ["DECIDE", "FILED", "IN_SOME_YEAR", "IN_THIS_YEAR", "STATUSES", "Status", "status_of"]

IN_SOME_YEAR, IN_THIS_YEAR, FILED = "~in some year", "~in this year", "~filed"
"""Columns that are not missing where the firm has accounts in some year kept, in the wave's year, and in that year
before cleaning.
"""


@dataclass(frozen=True, slots=True)
class Status:
    """A reason code.

    Attributes
    ----------
    name : str
    linked : bool
        The unit has accounts of the wave's year: `linked` is 1.
    meaning : str
    """

    name: str
    linked: bool
    meaning: str


STATUSES = (
    Status("linked", True, "complete accounts, of no scheme that is known"),
    Status("linked_full", True, "complete accounts by the full scheme"),
    Status("linked_abridged", True, "complete accounts by the abridged scheme"),
    Status("linked_micro", True, "complete accounts by the micro scheme"),
    Status("linked_multi_unit", True, "complete accounts of several legal units, summed"),
    Status("no_intermediates", True, "value added above zero, intermediates missing or not above zero"),
    Status("value_added_not_positive", True, "value added of zero or less"),
    Status("value_added_missing", True, "accounts without value added"),
    Status("unit_incomplete", True, "a legal unit of the enterprise has no accounts of the year"),
    Status("account_dropped", False, "accounts of the wave's year that cleaning dropped"),
    Status("other_year_only", False, "accounts kept in other years, none of the wave's"),
    Status("no_account", False, "no accounts kept in any year, none of the wave's"),
)
"""Every reason code, each unit has one. Of the linked it is the one that stands last here among those that hold for it:
accounts are complete where nothing below speaks against them.
"""

DECIDE = ("units_missing", "value_added", "materials", "legal_units", "scheme")
"""The columns of the accounts that decide the reason code of a linked unit."""

_SCHEMES = ("full", "abridged", "micro")


def status_of(columns: Mapping[str, Column]) -> nw.Expr:
    """Return the reason code of a respondent whose accounts stand beside it.

    Parameters
    ----------
    columns : mapping of str to Column
        Of the accounts: a reason whose column there is not never holds.
    """

    def value(name: str) -> nw.Expr:
        return nw.col(columns[name].physical)

    absent = nw.col(IN_THIS_YEAR).is_null()
    reasons: list[tuple[nw.Expr, str]] = [
        (absent & ~nw.col(FILED).is_null(), "account_dropped"),
        (nw.col(IN_SOME_YEAR).is_null(), "no_account"),
        (absent, "other_year_only"),
    ]
    if "units_missing" in columns:
        reasons.append((value("units_missing") > 0, "unit_incomplete"))
    if "value_added" in columns:
        reasons.append((value("value_added").is_null(), "value_added_missing"))
        reasons.append((value("value_added") <= 0, "value_added_not_positive"))
    if "materials" in columns:
        reasons.append((value("materials").is_null() | (value("materials") <= 0), "no_intermediates"))
    if "legal_units" in columns:
        reasons.append((value("legal_units") > 1, "linked_multi_unit"))
    if "scheme" in columns and columns["scheme"].kind == "text":
        reasons += [(value("scheme") == scheme, f"linked_{scheme}") for scheme in _SCHEMES]
    found: nw.Expr = nw.lit("linked")
    for condition, name in reversed(reasons):
        found = nw.when(condition.fill_null(False)).then(nw.lit(name)).otherwise(found)
    return found
