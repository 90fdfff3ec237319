"""A piece of advice, as a record."""

from __future__ import annotations

from dataclasses import dataclass

from specs.errors import Position

__all__ = ["Advice"]


@dataclass(frozen=True, slots=True)
class Advice:
    """What a referee would ask.

    Attributes
    ----------
    code : str
        Of `tfplab.advice.codes.CODES`.
    entry : str
        The model or productivity entry.
    what : str
        What was seen, without a verdict where none can be had from a spec.
    why : str
        The reason, and where it is argued.
    advice : str
        What to try.
    position : Position or None
        The value that gives rise to it.
    reason : str or None
        Why it does not hold here, as the spec says; None where the spec is silent about it.
    """

    code: str
    entry: str
    what: str
    why: str
    advice: str
    position: Position | None = None
    reason: str | None = None
