"""Tests that a spec asks for: ``developer = buyer``, ``ai + 2*cc = 0.1``; several joined by commas are tested together.

The grammar stands as EBNF in ``docs/grammar.md``. Nothing is ever evaluated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from specs.tokens import NAME, GrammarError

__all__ = ["RestrictedTerm", "Restriction", "parse_restrictions"]

MAX_LENGTH = 2_000
MAX_RESTRICTIONS = 100
MAX_NUMBER = 1e12

_FACTOR = rf"(?:log\({NAME}\)|\((?:log\({NAME}\)|{NAME})\)\^\d|{NAME}(?:\[[^\]]*\])?)"
_TERM = re.compile(rf"{_FACTOR}(?::{_FACTOR})*")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_SPACE = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class RestrictedTerm:
    """A term with its factor in a restriction, and the offset of its first character."""

    term: str
    factor: float
    offset: int

    @property
    def bases(self) -> tuple[str, ...]:
        """The factors without their levels: ``ai`` and ``size`` of ``ai:size[20-49]``."""
        return tuple(part.partition("[")[0] for part in _split(self.term))


@dataclass(frozen=True, slots=True)
class Restriction:
    """Sum of factor times coefficient = value.

    Attributes
    ----------
    terms : tuple of RestrictedTerm
        Each term once, what stands right of the sign with its factor turned round.
    value : float
    text : str
        As it is written, spaces set evenly.
    """

    terms: tuple[RestrictedTerm, ...]
    value: float
    text: str


def parse_restrictions(text: str) -> tuple[Restriction, ...]:
    """Read linear restrictions that are tested together.

    Parameters
    ----------
    text : str
        ``developer = buyer``; ``ai = 0, cc = 0``.

    Raises
    ------
    GrammarError
        With the offset of the character at which reading ended.
    """
    if len(text) > MAX_LENGTH:
        raise GrammarError(MAX_LENGTH, f"longer than {MAX_LENGTH:,} characters", "", "write several tests")
    reader = _Reader(text)
    found = [reader.restriction()]
    while reader.accept(","):
        found.append(reader.restriction())
        if len(found) > MAX_RESTRICTIONS:
            raise GrammarError(reader.place, f"more than {MAX_RESTRICTIONS} restrictions")
    reader.end()
    return tuple(found)


class _Reader:
    """Reads restrictions from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0
        self._space()

    def restriction(self) -> Restriction:
        start = self.place
        left, constant = self._side()
        if self.text.startswith("==", self.place):
            raise GrammarError(self.place, '"==" is not expected here', "", "write =")
        if not self.accept("="):
            raise self._not_expected('"=" is wanted', "a test says what is equal: developer = buyer, ai = 0")
        right, other = self._side()
        factors: dict[str, RestrictedTerm] = {}
        for sign, side in ((1.0, left), (-1.0, right)):
            for one in side:
                before = factors[one.term].factor if one.term in factors else 0.0
                place = factors[one.term].offset if one.term in factors else one.offset
                factors[one.term] = RestrictedTerm(one.term, before + sign * one.factor, place)
        written = " ".join(self.text[start : self.place].split())
        terms = tuple(one for one in factors.values() if one.factor != 0)
        if not terms:
            why = "the terms cancel out" if factors else "no term stands in it"
            raise GrammarError(start, f'nothing to test in "{written}"', why, "write developer = buyer, or ai = 0")
        return Restriction(terms, other - constant, written)

    def accept(self, sign: str) -> bool:
        """Step behind a sign if it comes next."""
        if not self.text.startswith(sign, self.place):
            return False
        self.place += len(sign)
        self._space()
        return True

    def end(self) -> None:
        """Refuse what is left."""
        if self.place < len(self.text):
            raise self._not_expected()

    def _side(self) -> tuple[list[RestrictedTerm], float]:
        terms: list[RestrictedTerm] = []
        constant, sign, first = 0.0, 1.0, True
        while True:
            if self.accept("-"):
                sign = -1.0
            elif self.accept("+"):
                if first:
                    raise GrammarError(self.place, '"+" with nothing before it', "", "leave it out")
                sign = 1.0
            elif not first:
                return terms, constant
            first = False
            found = self._summand(sign)
            if isinstance(found, RestrictedTerm):
                terms.append(found)
            else:
                constant += found

    def _summand(self, sign: float) -> RestrictedTerm | float:
        number = self._number()
        if number is None:
            return self._term(sign)
        if self.accept("*"):
            return self._term(sign * number)
        if _TERM.match(self.text, self.place):
            raise GrammarError(self.place, "* is missing between a number and a term", "", "write 2*ai")
        return sign * number

    def _term(self, factor: float) -> RestrictedTerm:
        match = _TERM.match(self.text, self.place)
        if match is None:
            raise self._not_expected("a term is wanted", "terms are written as in a table: ai, size[20-49], ai:cc")
        found = RestrictedTerm(match.group(), factor, self.place)
        self.place = match.end()
        self._space()
        if self.text.startswith(("*", "/"), self.place):
            advice = "write the number before the term: 0.5*ai"
            raise GrammarError(self.place, "a term is multiplied", "a test is linear in coefficients", advice)
        return found

    def _number(self) -> float | None:
        match = _NUMBER.match(self.text, self.place)
        if match is None:
            return None
        value = float(match.group())
        if value > MAX_NUMBER:
            raise GrammarError(self.place, f"the number {match.group()} is too large")
        self.place = match.end()
        self._space()
        return value

    def _space(self) -> None:
        match = _SPACE.match(self.text, self.place)
        self.place = match.end() if match else self.place

    def _not_expected(self, what: str = "", advice: str = "") -> GrammarError:
        rest = self.text[self.place :].split(maxsplit=1)
        shown = f'"{rest[0]}"' if rest else "the end"
        return GrammarError(
            min(self.place, len(self.text.rstrip())),
            f"{what} before {shown}" if what else f"{shown} is not expected here",
            "",
            advice,
        )


def _split(term: str) -> list[str]:
    """Cut a product of factors at its colons, not at those inside a level."""
    return re.findall(rf"(?:^|(?<=:)){_FACTOR}", term)
