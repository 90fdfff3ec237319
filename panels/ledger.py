"""The ledger: what each step kept and dropped, and why. Rows in = rows kept + rows dropped, always."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace

__all__ = ["LEDGER_COLUMNS", "STRATA_COLUMNS", "Ledger", "LedgerEntry", "LedgerImbalanceError", "StratumEntry"]


class LedgerImbalanceError(AssertionError):
    """A step does not account for every row: a defect of the program, never of the data."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One reason of one step.

    Attributes
    ----------
    table : str
        ``accounts``, ``survey``, ``panel``, ``productivity.tfp``, ``models.table1``.
    step : str
        ``read``, ``months``, ``link``, ``where``.
    rows_in, rows_out, dropped : int
        Rows before and after the whole step, and those that this reason took.
    reason : str
        Empty for a step that dropped nothing. Beside no drop, something that was counted in the rows.
    """

    table: str
    step: str
    rows_in: int
    rows_out: int
    dropped: int
    reason: str


@dataclass(frozen=True, slots=True)
class StratumEntry:
    """Rows that one reason took from one level of a stratum.

    Attributes
    ----------
    table, step, reason : str
        As in `LedgerEntry`.
    stratum : str
        ``nace``, ``scheme``, ``size``.
    level : str
        Empty where it is not known.
    dropped : int
    """

    table: str
    step: str
    reason: str
    stratum: str
    level: str
    dropped: int


STRATA_COLUMNS = tuple(field.name for field in fields(StratumEntry))
"""The columns of ``ledger_by_stratum.csv``."""

LEDGER_COLUMNS = tuple(field.name for field in fields(LedgerEntry))
"""The columns of ``ledger.csv``."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """An append-only account of rows.

    Attributes
    ----------
    entries : tuple of LedgerEntry
        In the order in which the steps ran.
    strata : tuple of StratumEntry
        The same drops by NACE section, scheme and size, where a step knows them; over the levels of a stratum they add
        up to the drop.
    """

    entries: tuple[LedgerEntry, ...] = ()
    strata: tuple[StratumEntry, ...] = ()

    def step(
        self, table: str, step: str, rows_in: int, rows_out: int, dropped: Mapping[str, int] | None = None
    ) -> Ledger:
        """Return the ledger with one more step in it.

        Parameters
        ----------
        table, step : str
            Where and what.
        rows_in, rows_out : int
            Counted before and after the step, each by itself.
        dropped : mapping of str to int, optional
            Rows lost by reason; zeros are left out.

        Raises
        ------
        LedgerImbalanceError
            If rows in differ from rows kept plus rows dropped.
        """
        lost = {reason: count for reason, count in (dropped or {}).items() if count}
        if rows_in != rows_out + sum(lost.values()) or min(lost.values(), default=0) < 0:
            raise LedgerImbalanceError(f"{table}, {step}: {rows_in} rows in, {rows_out} kept, dropped {lost}")
        added = [LedgerEntry(table, step, rows_in, rows_out, count, reason) for reason, count in lost.items()]
        added = added or [LedgerEntry(table, step, rows_in, rows_out, 0, "")]
        return replace(self, entries=(*self.entries, *added))

    def by_stratum(self, entries: Iterable[StratumEntry]) -> Ledger:
        """Return the ledger with drops of its steps by stratum."""
        return replace(self, strata=(*self.strata, *entries))

    def note(self, table: str, step: str, rows: int, what: str, count: int) -> Ledger:
        """Return the ledger with something counted that dropped no row: ``ln_va: log of zero or less,
        missing``.
        """
        if not count:
            return self
        shown = f"{what} in {count} row{'s' if count != 1 else ''}"
        return replace(self, entries=(*self.entries, LedgerEntry(table, step, rows, rows, 0, shown)))

    def plain(self) -> list[dict[str, str | int]]:
        """Return the entries as plain data, one map of `LEDGER_COLUMNS` each."""
        return [asdict(entry) for entry in self.entries]

    def __add__(self, other: Ledger) -> Ledger:
        return Ledger(self.entries + other.entries, self.strata + other.strata)

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.entries)
