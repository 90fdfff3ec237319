"""The words of the two small grammars, and what a grammar says when it cannot read on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from specs.errors import did_you_mean

__all__ = ["NAME", "GrammarError", "Reader", "Token", "is_name", "suggestion", "tokenise"]

NAME = r"[^\W\d]\w*(?:\.\w+)*"
"""A column's name: a letter or _, then letters, digits and _; points inside, as R writes them."""

_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>{NAME})
    |(?P<text>'(?:[^']|'')*'|"[^"]*")
    |(?P<sign>\*\*|==|!=|<>|<=|>=|&&|\|\||[-+*/^()\[\],<>=~|:&!%])""",
    re.VERBOSE,
)


def is_name(text: str) -> bool:
    """Return whether `text` can stand for a column in a formula or expression."""
    return re.fullmatch(NAME, text) is not None and text not in {"and", "or", "not", "in", "true", "false"}


class GrammarError(ValueError):
    """A text does not follow its grammar.

    Parameters
    ----------
    offset : int
        The character of the text (from 0) at which reading ended.
    what, meaning, advice : str
        As in `specs.errors.Problem`.
    """

    def __init__(self, offset: int, what: str, meaning: str = "", advice: str = "") -> None:
        self.offset, self.what, self.meaning, self.advice = offset, what, meaning, advice
        super().__init__(", ".join(part for part in (what, meaning, advice) if part))


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind (`number`, `name`, `text`, `sign` or `end`), its characters and its offset."""

    kind: str
    text: str
    offset: int


def tokenise(text: str, longest: int) -> list[Token]:
    """Cut `text` into words; the last is the `end`.

    Raises
    ------
    GrammarError
        For a character that no grammar knows, an open quotation mark, or more than `longest` characters.
    """
    if len(text) > longest:
        raise GrammarError(
            longest, f"longer than {longest} characters", "", "divide it over several entries of variables:"
        )
    tokens: list[Token] = []
    offset = 0
    while offset < len(text):
        match = _TOKEN.match(text, offset)
        if match is None:
            raise _unknown(text, offset)
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(Token(kind, match.group(), offset))
        offset = match.end()
        if kind == "number" and offset < len(text) and (text[offset].isalpha() or text[offset] == "_"):
            raise GrammarError(
                match.start(),
                f'"{_word(text, match.start())}" is neither a number nor a name',
                "",
                "a name begins with a letter",
            )
    tokens.append(Token("end", "", len(text.rstrip())))
    return tokens


def _word(text: str, start: int) -> str:
    found = re.match(r"[\w.]+", text[start:])
    return found.group() if found else text[start]


def _unknown(text: str, offset: int) -> GrammarError:
    character = text[offset]
    if character in "'\"":
        return GrammarError(offset, "a quotation mark is opened and never closed")
    if character in "“”‘’„«»":
        return GrammarError(offset, f'the typographic quotation mark "{character}"', "", "write ' instead")
    advice = {
        "−": "write the minus sign -",
        "–": "write the minus sign -",
        "×": "write *",
        "·": "write *",
        "≤": "write <=",
        "≥": "write >=",
        "≠": "write !=",
    }.get(character, "")
    shown = f'the character "{character}"' if character.isprintable() else f"the character U+{ord(character):04X}"
    return GrammarError(offset, f"{shown} has no meaning here", "", advice)


class Reader:
    """Reads tokens one by one.

    Parameters
    ----------
    text : str
    longest : int
        The most characters that will be read.
    """

    def __init__(self, text: str, longest: int) -> None:
        self.text = text
        self._tokens = tokenise(text, longest)
        self._next = 0

    @property
    def token(self) -> Token:
        """The word that comes next."""
        return self._tokens[self._next]

    @property
    def after(self) -> Token:
        """The word after the next."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def take(self) -> Token:
        """Return the next word and step behind it."""
        token = self.token
        if token.kind != "end":
            self._next += 1
        return token

    def at(self, *signs: str) -> bool:
        """Return whether the next word is one of these signs or keywords."""
        return self.token.kind in ("sign", "name") and self.token.text in signs

    def accept(self, *signs: str) -> Token | None:
        """Step behind the next word if it is one of these signs."""
        return self.take() if self.at(*signs) else None

    def error(self, what: str = "", meaning: str = "", advice: str = "") -> GrammarError:
        """Return a complaint about the next word."""
        token = self.token
        shown = f'"{token.text}"' if token.kind != "end" else "the end"
        found = f"{what} before {shown}" if what else f"{shown} is not expected here"
        return GrammarError(token.offset, found, meaning, advice)


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Return a did-you-mean, else the list of what there is."""
    return did_you_mean(name, known) or f"there are: {', '.join(known)}"
