"""What a bootstrap by firm asks of a productivity entry: to be estimated again with other weights on its firms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from estimation.results import FloatArray, IntArray, RowValues

__all__ = [
    "AverageResampler",
    "ExtrasResampler",
    "InfluenceResampler",
    "LevelResampler",
    "Redrawn",
    "Resampler",
    "TellingResampler",
]


class Resampler(Protocol):
    """Re-estimates a productivity entry with other weights on its firms: what a bootstrap by firm draws from."""

    def draw(self, counts: FloatArray) -> tuple[FloatArray, ...]:
        """Return the parameters of every draw.

        Parameters
        ----------
        counts : (B, F) array
            How often each of the panel's F firms (by code) was drawn.

        Returns
        -------
        tuple of (B, q) arrays
            For every group of the fit, its `parameters`; a row of NaN where a draw has no estimate. A draw in
            which every firm counts once gives the fit's own.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Redrawn:
    """A group's estimate in B draws.

    Attributes
    ----------
    parameters : (B, q) array
        A row of NaN where a draw has no estimate.
    influence : (B, q, G) array
        On the group's `influence_firms`, at the draw's own estimate, of a firm that is drawn once.
    """

    parameters: FloatArray
    influence: FloatArray


@runtime_checkable
class InfluenceResampler(Resampler, Protocol):
    """A resampler that knows the influence functions of its draws; others lend those of the full sample."""

    def redraw(self, counts: FloatArray) -> tuple[Redrawn, ...]:
        """Return every group's estimate in every draw, with influence functions."""


@runtime_checkable
class AverageResampler(Resampler, Protocol):
    """A resampler of elasticities that differ from row to row, which averages them in every draw."""

    def averages(self, counts: FloatArray, redrawn: tuple[Redrawn, ...]) -> tuple[Redrawn | None, ...]:
        """Return the average elasticities of every group in every draw; None where they are the coefficients.

        Parameters
        ----------
        counts : (B, F) array
        redrawn : tuple of Redrawn
            Every group's estimate in them, with the influence functions of the draws or those that are lent.
        """


@runtime_checkable
class LevelResampler(Resampler, Protocol):
    """A resampler of a productivity level that is not linear in the parameters."""

    def level(self, parameters: tuple[FloatArray, ...]) -> FloatArray:
        """Return the column at other parameters.

        Parameters
        ----------
        parameters : tuple of (q,) arrays
            One for every group.

        Returns
        -------
        (n,) array
            In the order of the panel's rows.
        """

    def linearised(self, parameters: tuple[FloatArray, ...]) -> tuple[RowValues, IntArray]:
        """Return the column and its gradient at other parameters, and the group of every row.

        Parameters
        ----------
        parameters : tuple of (q,) arrays
            One for every group.

        Returns
        -------
        RowValues
        (n,) integer array
            -1 where a row has no value.
        """


@runtime_checkable
class ExtrasResampler(Resampler, Protocol):
    """A resampler of elasticities or transitory errors that are not linear in the parameters."""

    def extras(self, parameters: tuple[FloatArray, ...]) -> tuple[Mapping[str, RowValues], RowValues]:
        """Return the elasticities, by input, and the transitory error of every row at other parameters.

        Parameters
        ----------
        parameters : tuple of (q,) arrays
            One for every group.

        Returns
        -------
        RowValues
            With the gradients at these parameters.
        """


@runtime_checkable
class TellingResampler(Resampler, Protocol):
    """A resampler with something to say of its draws: where the estimate is a choice between several."""

    def told(self, parameters: Sequence[FloatArray]) -> tuple[tuple[str, ...], ...]:
        """Return notes for every group of the fit.

        Parameters
        ----------
        parameters : sequence of (B, p) arrays
            Every group's terms in B draws.
        """
