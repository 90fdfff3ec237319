"""What of the ledger may be seen on the page of a panel.

How many rows were read, and what cleaning took of them, describes files that nobody outside the room has, and stays.
The survey's units and what they answered are firms: what the link took is told where the tables of the link tell it,
and a count in words of fewer units than a number needs is worded as such. What is withheld is None.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["shown_ledger"]

_COUNTED = re.compile(r"(?P<what>.*) in (?P<count>\d+) rows?")


def shown_ledger(
    ledger: Sequence[Mapping[str, Any]], linkage: Mapping[str, Any] | None, minimum: int
) -> list[dict[str, Any]]:
    """Return the ledger without what tells of too few units of the survey.

    Parameters
    ----------
    ledger : sequence of mappings
        Of `panels.ledger.LedgerEntry`.
    linkage : mapping or None
        As `reports.link_disclosure.shown_linkage` returns it.
    minimum : int
    """
    of_link = [one for one in ledger if _is_link(one)]
    few = any(0 < one["dropped"] < minimum for one in of_link)
    uncounted = linkage is not None and any(one["linked"] is None for one in linkage["waves"])
    unlinked = [one for one in linkage["statuses"] if not one["linked"]] if linkage is not None else []
    # A reason is that of all waves: less those that the table tells, it would be the one that it does not.
    hidden = few or uncounted or any(one["units"] is None for one in unlinked)
    return [
        {
            **one,
            "dropped": None if hidden and _is_link(one) and one["dropped"] else one["dropped"],
            "rows_out": None if uncounted and _is_link(one) else one["rows_out"],
            "reason": _worded(one["reason"], minimum) if one["table"] == "survey" else one["reason"],
        }
        for one in ledger
    ]


def _is_link(one: Mapping[str, Any]) -> bool:
    return one["table"] == "survey" and one["step"] == "link" and not (one["reason"] and not one["dropped"])


def _worded(reason: str, minimum: int) -> str:
    found = _COUNTED.fullmatch(reason)
    if found is None or int(found["count"]) >= minimum:
        return reason
    return f"{found['what']} in fewer than {minimum} rows"
