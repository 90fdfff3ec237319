"""What one step hands to the next: a table's rows, what is known of its columns, and what became of the
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from panels.engine import Frame
from panels.expressions import Column
from panels.facts import ColumnFacts
from panels.ledger import Ledger
from panels.linkage import LinkDiagnostics
from specs.errors import Problem

__all__ = ["Rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A table between two steps.

    Attributes
    ----------
    frame : Frame
        Lazy; the key columns are `firm` (text) and `year` (whole numbers).
    count : int
        Its rows.
    columns : mapping of str to Column
        Where each named column stands in it, aliases included.
    facts : mapping of str to ColumnFacts
        By the same names.
    ledger : Ledger
    problems : tuple of Problem
        What the values have wrong; the steps go on, so that all are found at once.
    aliases : mapping of str to str
    link : mapping of str to mapping of str to int
    table : str
        What the ledger calls the rows from here on.
    linkage : LinkDiagnostics or None
    tables : tuple of str
        What the frame is computed from and nothing else needs: forgotten once it has been computed.
    filed : str
        A table: firm and year of all accounts as read, before cleaning, so that a link can tell what was dropped from
        what never was there. Empty where nobody asks.
    ordered : bool
        The rows stand by firm and year, as far as is known: who needs that order looks whether it is so still, and
        sorts only if it is not.
    """

    frame: Frame
    count: int
    columns: Mapping[str, Column]
    facts: Mapping[str, ColumnFacts]
    ledger: Ledger
    problems: tuple[Problem, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    link: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    table: str = "accounts"
    linkage: LinkDiagnostics | None = None
    tables: tuple[str, ...] = ()
    filed: str = ""
    ordered: bool = False
