"""Shares of inputs in output, row by row: which rows have them, and what the last state is left with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estimation.productivity.common.failures import lacking
from estimation.productivity.common.inputs import Inputs, count_missing, read_inputs
from estimation.productivity.index_numbers.options import ShareOptions
from estimation.results import BoolArray, FloatArray, IntArray
from panels.frame import Selection
from specs.counting import counted
from specs.errors import EstimationError

__all__ = ["ShareRows", "by_firm", "enough_firms", "mostly_left_out", "read_shares"]


@dataclass(frozen=True, slots=True, eq=False)
class ShareRows:
    """The shares of n rows.

    Attributes
    ----------
    inputs : Inputs
    shares : (p, n) array
        By input, free ones first; NaN where a row has none that can be used.
    usable : (n,) bool array
        Rows with inputs and shares, whether or not they have output.
    reasons : tuple of str
    why : (n,) integer array
        The reason why a row inside `where` that is complete has shares that cannot be used; -1 for none.
    """

    inputs: Inputs
    shares: FloatArray
    usable: BoolArray
    reasons: tuple[str, ...]
    why: IntArray

    def take(self, kept: IntArray) -> ShareRows:
        """Return only the rows at these positions."""
        return ShareRows(self.inputs.take(kept), self.shares[:, kept], self.usable[kept], self.reasons, self.why[kept])

    @property
    def left_out(self) -> dict[str, int]:
        """Count the rows whose shares cannot be used, by reason."""
        counts = np.bincount(self.why[self.why >= 0], minlength=len(self.reasons)).tolist()
        return {reason: count for reason, count in zip(self.reasons, counts, strict=True) if count}


def read_shares(
    rows: Selection, options: ShareOptions, use: BoolArray, *, whole: bool
) -> tuple[ShareRows, dict[str, int]]:
    """Read the shares, and count the rows that cannot take part.

    Parameters
    ----------
    rows : Selection
        All n rows of the panel.
    options : ShareOptions
    use : (n,) bool array
        Rows that the entry's own `where` keeps.
    whole : bool
        Whether a row's shares must leave something for the state without one.

    Returns
    -------
    shares : ShareRows
    dropped : dict of str to int
        Rows outside `where`, then those with a missing value by the first column that lacks it, then those
        whose shares cannot be used.
    """
    inputs = read_inputs(rows, options.roles)
    names = (*options.free, *options.state)
    rest = names.index(options.rest)
    shares = np.full((len(names), len(use)), np.nan)
    usable = inputs.has_inputs.copy()
    for number, name in enumerate(names):
        if number != rest:
            shares[number] = rows.number(options.shares[name])
            usable &= ~np.isnan(shares[number])
    dropped = count_missing(rows, options.columns, use)
    current = use & usable & inputs.complete
    for name in options.separately_by:
        current &= ~rows.columns[name].missing()
    reasons: list[str] = []
    why: IntArray = np.full(len(use), -1, dtype=np.int64)

    def leave_out(bad: BoolArray, reason: str) -> None:
        why[bad & current & usable] = len(reasons)
        reasons.append(reason)
        np.logical_and(usable, ~bad, out=usable)

    with np.errstate(invalid="ignore"):  # a missing share compares as false
        for number, name in enumerate(names):
            if number != rest:
                bad = ~((shares[number] > 0) & (shares[number] < 1))
                leave_out(bad, f"{options.shares[name]} outside (0, 1)")
        shares[rest] = 1.0 - np.delete(shares, rest, axis=0).sum(axis=0)
        if whole:
            leave_out(~(shares[rest] > 0), "shares that add to one or more")
    shares[:, ~usable] = np.nan
    found = ShareRows(inputs, shares, usable, tuple(reasons), why)
    return found, {**dropped, **found.left_out}


def enough_firms(n_firms: int, minimum: int, shares: ShareRows, use: BoolArray) -> None:
    """Raise where too few firms have shares, and say what may be wrong with the shares, or which columns are empty."""
    if n_firms >= minimum:
        return
    lost = "; ".join(f"{counted(count, 'row')} with {reason}" for reason, count in shares.left_out.items())
    why = f"left out: {lost}; are the shares in per cent, or not over output?" if lost else ""
    if not lost and not n_firms:
        why = lacking(shares.inputs, use) or "the columns of shares hold nothing but missing values"
    raise EstimationError(
        f"{counted(n_firms, 'firm')} with shares that can be used, {minimum} are needed"
        + (f" ({why})" if why else "")
        + ": a wider where, or a coarser column in separately_by, has more"
    )


def mostly_left_out(shares: ShareRows, used: int) -> tuple[str, ...]:
    """Return a note where fewer rows have shares that can be used than have not.

    Parameters
    ----------
    shares : ShareRows
    used : int
        The rows that have.
    """
    lost = sum(shares.left_out.values())
    if lost <= used:
        return ()
    return (
        f"only {counted(used, 'row')} of {lost + used:,} that have every column "
        f"{'has' if used == 1 else 'have'} shares that can be used, and the average is theirs: are the shares in per "
        "cent, or not over output? Is the column an amount?",
    )


def by_firm(firm: IntArray, scores: FloatArray) -> tuple[IntArray, FloatArray]:
    """Sum scores (m, q) of rows sorted by firm: the firms (G,), and the sums (G, q)."""
    starts = np.flatnonzero(np.concatenate(([True], firm[1:] != firm[:-1])))
    return firm[starts], np.add.reduceat(scores, starts, axis=0)
