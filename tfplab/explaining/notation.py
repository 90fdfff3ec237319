"""The notation in which designs and estimators write their equations, read into a small tree.

An equation is a line of plain text, as ``explain`` prints it: ``ln_va(t) = b[ln_l] ln_l(t) + C(t) lambda1 + e1(t)``.
That text is the one source. What HTML and LaTeX set as mathematics is found by a few rules:

==================  =====================================================================================
written             read as
==================  =====================================================================================
a column's name     the column; ``ln_l_it`` has the subscripts i and t
``(t)``, ``(2020)``  behind a name: the subscripts i and t, i and 2020
``b[...]``          a subscript; ``E[...]``, ``1[...]`` an expectation and an indicator
``s_g``, ``e1``     a letter, Greek ones by their names, with a subscript
``X'``, ``e^2``     transposed; a power; ``X^`` before an operator, a mark or an index: a hat
``sum of``          a sum; ``sum over clusters of``: what it runs over below the sign
any other word      a word
==================  =====================================================================================

Nothing can go wrong: what no rule knows is set as words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Column", "Index", "Number", "Piece", "Power", "Sign", "Space", "Sum", "Symbol", "Words", "parse", "written"]


@dataclass(frozen=True, slots=True)
class Words:
    """Text, with the spaces in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Space:
    """A space between two parts of one formula."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the user's."""

    name: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A letter, a Greek one by its name, or the name of a function.

    Attributes
    ----------
    name : str
    mark : str
        ``hat``, ``bar`` or none.
    """

    name: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """An operator, a bracket or a mark, as it is printed: ``≤``."""

    text: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum; `over` is empty where it is not said."""

    over: str


@dataclass(frozen=True, slots=True)
class Index:
    """A base and what stands below it."""

    base: Piece
    below: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Power:
    """A base and what stands above it."""

    base: Piece
    above: tuple[Piece, ...]


Piece = Words | Space | Column | Symbol | Number | Sign | Sum | Index | Power

GREEK = frozenset({"beta", "delta", "eps", "gamma", "lambda", "phi", "Phi", "psi", "rho", "tau", "theta", "xi"})
FUNCTIONS = frozenset({"E", "Pr", "exp", "inf", "ln", "log", "sup"})
"""Words that stay words but belong to the formula."""
_MARKED = {"zbar": Symbol("z", "bar")}
_PRODUCTS = frozenset({"WX", "Wy", "Xb", "db", "dg", "dgamma", "dln", "dPr", "dtheta", "dw", "dx", "dy"})
"""Letters written side by side that are no word: products, and what derivatives are made of."""
_NAME = re.compile(r"[^\W\d]\w*")
_SYMBOL = re.compile(rf"({'|'.join(sorted(GREEK, key=len, reverse=True))}|zbar|[A-Za-z])(\d+)?(?:_(\w+(?:,[a-z])?))?")
_DATE = re.compile(r"\((t|t-\d|t\+\d|base|\d{4}|g - \d+)\)")
_SUM = re.compile(r"(?<!the )\bsum (?:over (\w+) )?of ")
_POWER = re.compile(r"\^(-?\d+(?:/\d+)?|\(-?\d+(?:/\d+)?\))")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SIGNS = {"<=": "\N{LESS-THAN OR EQUAL TO}", ">=": "\N{GREATER-THAN OR EQUAL TO}", "+-": "\N{PLUS-MINUS SIGN}"}
_ONE = {"-": "\N{MINUS SIGN}", "*": "\N{DOT OPERATOR}", "^": "\N{MULTIPLICATION SIGN}"}
_TIMES = Sign("\N{MULTIPLICATION SIGN}")
_BRACKETS = {"[": "]", "(": ")", "{": "}"}


def parse(line: str, columns: Collection[str] = ()) -> tuple[Piece, ...]:
    """Read a line of an equation.

    Parameters
    ----------
    line : str
    columns : collection of str
        The names that are columns.

    Returns
    -------
    tuple of Piece
        In the order of the line. Its words and its formulas follow one another; no character is lost.
    """
    return _parse(line, tuple(columns))


@lru_cache(maxsize=4096)  # models of one spec share most of their lines
def _parse(line: str, columns: tuple[str, ...]) -> tuple[Piece, ...]:
    return tuple(_joined(_Reader(line, columns).pieces()))


def written(pieces: Iterable[Piece], formula: Callable[[Sequence[Piece]], str], words: Callable[[str], str]) -> str:
    """Return a line in a language of its own: formulas, and the words between them.

    Parameters
    ----------
    pieces : iterable of Piece
    formula : callable
        Writes what stands between two words; spaces alone are a space.
    words : callable
        Writes text.
    """
    parts, run = [], list[Piece]()
    for piece in (*pieces, Words("")):
        if not isinstance(piece, Words):
            run.append(piece)
            continue
        if any(not isinstance(one, Space) for one in run):
            parts.append(formula(run))
        elif run:
            parts.append(" ")
        parts.append(words(piece.text))
        run = []
    return "".join(parts)


class _Reader:
    def __init__(self, line: str, columns: Collection[str]) -> None:
        self.line, self.columns, self.at = line, columns, 0

    def pieces(self, until: str = "") -> list[Piece]:
        """Return the pieces up to a closing bracket, which is read, or to the end."""
        found: list[Piece] = []
        depth = 0
        while self.at < len(self.line):
            letter = self.line[self.at]
            if until and letter == until and not depth:
                self.at += 1
                break
            depth += (letter in _BRACKETS) - (letter in _BRACKETS.values())
            found += self.piece(found, inside=bool(until) or depth > 0)
        return found

    def piece(self, before: list[Piece], *, inside: bool) -> list[Piece]:
        line, at = self.line, self.at
        if found := _SUM.match(line, at):
            self.at = found.end()
            return [Sum(found[1] or "")]
        if line[at] == " ":
            self.at += 1
            return [Space()]
        if name := self.column():
            return [self.behind(Column(name), firm=True)]
        if found := _NAME.match(line, at):
            return self.named(found[0], before)
        if found := _NUMBER.match(line, at):
            self.at = found.end()
            return [self.behind(Number(found[0]))]
        for text, sign in _SIGNS.items():
            if line.startswith(text, at):
                self.at += len(text)
                return [Sign(sign)]
        self.at += 1
        if line[at] in ",;:." and not inside and line[at + 1 : at + 2] in ("", " "):
            return [Words(line[at])]
        if line[at] == ")":
            return [self.behind(Sign(")"))]
        return [Sign(_ONE.get(line[at], line[at]))]

    def column(self) -> str:
        """Read the longest column's name that stands here as a word of its own, its subscripts apart."""
        rest = self.line[self.at :]
        if self.at and (self.line[self.at - 1].isalnum() or self.line[self.at - 1] == "_"):
            return ""
        for name in sorted(self.columns, key=len, reverse=True):
            if name and rest.startswith(name) and re.match(r"(_it|_i)?(?!\w)", rest[len(name) :]):
                self.at += len(name)
                return name
        return ""

    def named(self, name: str, before: list[Piece]) -> list[Piece]:
        after = self.line[self.at + len(name) : self.at + len(name) + 1]
        symbol = _SYMBOL.match(self.line, self.at)
        whole = symbol is not None and symbol.end() >= self.at + len(name)
        if name == "x" and self.is_product(before):
            self.at += 1
            return [_TIMES]
        if name == "a" and (not after or after not in "[("):
            whole = False  # the article
        if name in FUNCTIONS:
            self.at += len(name)
            return [Symbol(name)]
        if name in _PRODUCTS:
            self.at += 1
            rest = _SYMBOL.match(self.line, self.at)
            if rest is None or name in ("dPr", "dln"):
                self.at += len(name) - 1
                return [Symbol(name[0]), Symbol(name[1:])]
            return [Symbol(name[0]), self.symbol(rest)]
        if name in ("yes_i", "Pr_i"):
            self.at += len(name)
            return [Index(Words("yes") if name == "yes_i" else Symbol("Pr"), (Symbol("i"),))]
        if symbol is not None and whole and not (after == "-" and self.hyphened(name)):
            return [self.symbol(symbol)]
        if after == "[":
            self.at += len(name)
            return [self.behind(Symbol(name))]
        if name == "Gmin":
            self.at += len(name)
            return [Index(Symbol("G"), (Words("min"),))]
        # Words keep what is written against them: two-sided, firm's.
        end = self.at + len(name)
        while found := re.compile(r"-[^\W\d]\w*|'s\b|'(?= )").match(self.line, end):
            end = found.end()
        text, self.at = self.line[self.at : end], end
        return [Words(text)]

    def hyphened(self, name: str) -> bool:
        """Return whether a letter begins a word: ``t-based``, not ``n-H``."""
        return re.match(r"-[^\W\d]{2,}", self.line[self.at + len(name) :]) is not None

    def is_product(self, before: list[Piece]) -> bool:
        """Return whether this x stands between two factors."""
        around = self.line[self.at - 1 : self.at + 2] == " x "
        bracket = self.line[: self.at - 1].endswith(")")
        return bool(before) and around and bracket and self.line[self.at + 2 :].startswith(("(", "sum "))

    def symbol(self, found: re.Match[str]) -> Piece:
        self.at = found.end()
        name, digits, below = found.groups()
        base: Piece = _MARKED.get(name, Symbol(name))
        if name == "s" and digits == "2" and not below:
            return Power(base, (Number("2"),))
        if re.match(r"\^(?=['_ ,)])|\^$", self.line[self.at :]) and isinstance(base, Symbol):
            base, self.at = Symbol(base.name, "hat"), self.at + 1
            if hat := re.match(r"_([a-z])", self.line[self.at :]):
                self.at, below = self.at + hat.end(), hat[1]
        if digits or below:
            parts = [Number(digits)] if digits else []
            base = Index(base, (*parts, *parse(below or "")) if below in GREEK else (*parts, *_letters(below or "")))
        return self.behind(base)

    def behind(self, base: Piece, *, firm: bool = False) -> Piece:
        """Read what belongs to a base: subscripts, its date, a power, marks."""
        line = self.line
        if firm and (found := re.match(r"_(it|i)(?!\w)", line[self.at :])):
            self.at += found.end()
            base = Index(base, _letters(found[1]))
        bracket = line.startswith("[", self.at) and base != Symbol("E")
        if bracket and not isinstance(base, Number | Sign):
            self.at += 1
            base = Index(base, tuple(_joined(self.pieces("]"))))
        if not isinstance(base, Number | Sign) and (found := _DATE.match(line, self.at)):
            self.at = found.end()
            when = _Reader(found[1].replace(" ", ""), ()).pieces()
            base = _below(base, (Symbol("i"), *(() if found[1] == "t" else (Sign(","),)), *when))
        while self.at < len(line):
            if line[self.at] == "'" and not isinstance(base, Column):
                base = Power(base, (Sign("\N{PRIME}"),))
                self.at += 1
            elif found := _POWER.match(line, self.at):
                base = Power(base, tuple(_Reader(found[1].strip("()"), ()).pieces()))
                self.at = found.end()
            elif line[self.at] == "*" and isinstance(base, Symbol | Index) and re.match(r"\*[ ^'=]", line[self.at :]):
                base = Power(base, (Sign("\N{ASTERISK OPERATOR}"),))
                self.at += 1
            else:
                break
        return base


def _below(base: Piece, more: tuple[Piece, ...]) -> Index:
    """Put further subscripts behind those that there are."""
    if isinstance(base, Index):
        return Index(base.base, (*base.below, Sign(","), *more))
    return Index(base, more)


def _letters(text: str) -> tuple[Piece, ...]:
    """Read a subscript: names of Greek letters, letters by themselves."""
    found: list[Piece] = []
    for part in re.findall(rf"{'|'.join(GREEK)}|[a-z]{{3,}}|\w|,", text):
        found.append(
            Sign(part) if part == "," else Words(part) if len(part) > 2 and part not in GREEK else Symbol(part)
        )
    return tuple(found)


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """Make one text of words and the spaces around them; spaces within formulas stay apart."""
    text, waiting = "", False
    for place, piece in enumerate(pieces):
        if isinstance(piece, Words):
            text += (" " if waiting else "") + piece.text
            waiting = False
        elif isinstance(piece, Space):
            following = next((one for one in pieces[place + 1 :] if not isinstance(one, Space)), None)
            if text or isinstance(following, Words):
                waiting = True
            else:
                yield piece
        else:
            if text or waiting:
                yield Words(text + (" " if waiting else ""))
            text, waiting = "", False
            yield piece
    if text or waiting:
        yield Words(text + (" " if waiting else ""))
