"""What is behind a line of descriptive statistics."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Described"]


@dataclass(frozen=True, slots=True)
class Described:
    """The column, the group and the spread behind a mean, a share or a difference of two.

    Attributes
    ----------
    item : str
        The column.
    level : str
        Of a column of text, whose share the line is; empty else.
    cell : tuple of (column, level)
        The group; empty for all firms.
    kind : str
        ``mean``, ``share``, or ``difference`` of the two groups.
    sd : float
        Standard deviation; NaN for shares and differences.
    quartiles : (float, float, float)
        NaN for shares and differences.
    beside : (int, int, int)
        Firms at or below each quartile, or at or above it: whichever are fewer.
    n_obs, n_missing : int
        Rows with a value, and without.
    n_yes, n_no : int or None
        Firms with and without what a share is of; None for means and differences.
    standardised : float
        A difference over the root of the mean of the two variances; NaN else.
    """

    item: str
    level: str
    cell: tuple[tuple[str, str], ...]
    kind: str
    sd: float
    quartiles: tuple[float, float, float]
    beside: tuple[int, int, int]
    n_obs: int
    n_missing: int
    n_yes: int | None
    n_no: int | None
    standardised: float
