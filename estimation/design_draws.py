"""What a bootstrap asks of a design: to be estimated again with counts of its firms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from estimation.results import FloatArray, IntArray

__all__ = ["DesignResampler", "DrawnDesign", "TestedDesign", "TestedDraw", "meat_of_scores"]


class DrawnDesign(Protocol):
    """A design in B draws."""

    @property
    def coefficients(self) -> FloatArray:
        """(B, k); NaN where a draw does not determine a coefficient, a row of NaN where it has no estimate."""

    @property
    def operators(self) -> Mapping[int, FloatArray]:
        """What the parameters of the outcome's groups, by number, move the coefficients by, (B, k, q) each."""

    @property
    def lift(self) -> FloatArray:
        """What makes influence functions of scores, (B, k, r)."""

    def scores(self, start: int, stop: int) -> FloatArray:
        """Return the scores of the design's firms from start to stop, (B, r, stop - start)."""

    def meat(self, start: int, stop: int, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sums over these firms of weight x score score', and of weight x score other'.

        Parameters
        ----------
        start, stop : int
        weights : (B, stop - start) array
        others : (B, p, stop - start) array

        Returns
        -------
        (B, r, r) and (B, r, p) arrays
            What `meat_of_scores` makes of `scores`, which a design may know how to reach without them.
        """


class DesignResampler(Protocol):
    """Re-estimates a design with other weights on its firms and, where the outcome is estimated, at other parameters.

    `rows` are the positions of its rows in the panel, `outcome_rows` those of the rows that its outcome is computed
    from (of a change, the rows at both ends), `firms` the codes of the firms behind them, ascending; `terms` the k
    terms.
    """

    rows: IntArray
    outcome_rows: IntArray
    firms: IntArray
    terms: tuple[str, ...]

    def draw(self, counts: FloatArray, moved: tuple[FloatArray, ...] = ()) -> DrawnDesign:
        """Estimate every draw.

        Parameters
        ----------
        counts : (B, F) array
            How often each of the panel's F firms (by code) was drawn.
        moved : tuple of (B, q) arrays, optional
            By group of the outcome, its parameters less those of the full sample.
        """


@runtime_checkable
class TestedDesign(Protocol):
    """A design with tests whose p-values come from its draws."""

    def tested(self, drawn: FloatArray) -> Mapping[str, float | int | None]:
        """Return the tests' `stats` from the distances of draws, (B, ...), as `TestedDraw` gives them."""


@runtime_checkable
class TestedDraw(Protocol):
    """A draw of a tested design."""

    def distances_from(self, origin: DesignResampler) -> FloatArray:
        """Return how far the draws lie from the sample, (B, ...): what its distances are set against."""


def meat_of_scores(scores: FloatArray, weights: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the sums that `DrawnDesign.meat` asks for, from the scores themselves, (B, r, u)."""
    weighted = scores * weights[:, None, :]
    return weighted @ scores.transpose(0, 2, 1), weighted @ others.transpose(0, 2, 1)
