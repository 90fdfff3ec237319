"""Terms and columns as a reader reads them: the spec's labels first, then built-in words, then the name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reports.numbers import symbols
from reports.table import colon
from reports.words import Words, localised

__all__ = ["Labels", "TermLabel", "split_term", "term_names", "within"]

_LEVEL = re.compile(r"(?P<of>[^\[]+)\[(?P<level>.*)\]", re.DOTALL)
_POWER = re.compile(r"(?:\((?P<inner>.+)\)|(?P<bare>[^()*]+))\^(?P<power>\d+)")
_PRODUCT = re.compile(r"(?P<first>[^()*^]+)\*(?P<second>[^()*^]+)")
_LOG = re.compile(r"log\((?P<of>.+)\)")
_POWERS = {"2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹"}


@dataclass(frozen=True, slots=True)
class TermLabel:
    """Where a term stands and what it is called there.

    Attributes
    ----------
    group : str
        Terms of one group stand together: ``size`` for ``size[20-49]``; empty for a term of its own.
    heading : str
        The group's label, ``Size``.
    label : str
        ``20-49``.
    """

    group: str
    heading: str
    label: str

    def full(self, locale: str) -> str:
        """Return ``Size: 20-49``."""
        return f"{self.heading}{colon(locale)}{self.label}" if self.heading else self.label


def split_term(term: str) -> list[str]:
    """Return a term's factors, ``ai`` and ``size[20-49]``; a colon within a level divides nothing."""
    factors, depth, start = [], 0, 0
    for index, letter in enumerate(term):
        depth += (letter == "[") - (letter == "]")
        if letter == ":" and depth == 0:
            factors.append(term[start:index])
            start = index + 1
    return [*factors, term[start:]]


def term_names(term: str) -> set[str]:
    """Return how `keep` and `order` may ask for a term: by itself, by its factors without levels, or by its block.

    The block of ``ai[size=10-49,nace=C]`` is ``ai[size,nace]``.
    """
    bare = ":".join(_split_level(factor)[0] for factor in split_term(term))
    of, level = _split_level(term)
    block = [part.partition("=")[0] for part in (level or "").split(",") if "=" in part]
    return {term, bare, f"{of}[{','.join(block)}]"} if block else {term, bare}


def _split_level(factor: str) -> tuple[str, str | None]:
    found = _LEVEL.fullmatch(factor)
    return (found["of"], found["level"]) if found else (factor, None)


def within(label: str) -> str:
    """Return a label as it stands within a sentence: ``size class``, and ``NACE section`` as it is."""
    return f"{label[0].lower()}{label[1:]}" if label[1:2].islower() else label


class Labels:
    """The labels of one record in one locale.

    Parameters
    ----------
    dictionary : mapping
        The spec's ``labels``: a column, model or term and its text, one for all languages or one a language.
    words : Words

    Attributes
    ----------
    missing : dict
        Names asked for that have no label in this language, in the order asked; said in a note.
    """

    def __init__(self, dictionary: Mapping[str, Any], words: Words) -> None:
        self._dictionary = dictionary
        self._words = words
        self.missing: dict[str, None] = {}

    def declared(self, name: str) -> str | None:
        """Return the spec's own label, None where it has none."""
        found = self._dictionary.get(name)
        if found is None:
            return None
        if isinstance(found, Mapping) and not {self._words.locale, self._words.language} & set(found):
            # The built-in word of this language is nearer to the reader than the spec's word of another.
            built_in = self._words.known(f"column.{name}")
            if built_in is not None:
                return built_in
            self.missing[name] = None
            return str(found["en"]) if "en" in found else name
        return localised(found, self._words.locale)

    def column(self, name: str) -> str:
        """Return what a column is called, powers and logarithms included."""
        known = self.declared(name) or self._words.known(f"column.{name}")
        if known:
            return known
        if power := _POWER.fullmatch(name):
            of = power["inner"] or power["bare"]
            return self.column(of) + _POWERS.get(power["power"], f"^{power['power']}")
        if product := _PRODUCT.fullmatch(name):
            return f"{self.column(product['first'])} × {self.column(product['second'])}"
        if log := _LOG.fullmatch(name):
            return self._words("factor.of_log", of=self.column(log["of"]))
        if self._words.language != "en":
            self.missing[name] = None
        return name

    def term(self, term: str, design: str = "") -> TermLabel:
        """Return where a term stands and what it is called there.

        Parameters
        ----------
        term : str
            As in the record: ``constant``, ``ai``, ``size[20-49]``, ``ai:size[20-49]``, ``event[-2]``.
        design : str
            The model's, whose own terms (``within``) are not columns of this name.
        """
        if term == "constant":
            return TermLabel("", "", self.declared(term) or self._words("constant"))
        if design == "distribution":
            return self._gap(term)
        parts = [_split_level(factor) for factor in split_term(term)]
        names = [self._heading(name, design) for name, _ in parts]
        own = self.declared(term)
        if all(level is None for _, level in parts):
            return TermLabel("", "", own or " × ".join(names))
        levels = [level for _, level in parts if level is not None]
        if design == "did":
            # att[simple], att[group=2021]: the level says of what it is an average.
            kind, _, value = levels[0].partition("=")
            told = self._words.known(f"effect.{kind}.of" if value else f"effect.{kind}")
            levels = [told.format(level=value) if told is not None else levels[0]]
        return TermLabel(":".join(name for name, _ in parts), " × ".join(names), own or " × ".join(levels))

    def _gap(self, term: str) -> TermLabel:
        """Return where a gap between distributions stands: ``gap[0.5]``, ``gap[0.5,20-49]``, ``mean[20-49]``."""
        kind, inside = _split_level(term)
        at, _, level = (inside or "").partition(",") if kind == "gap" else ("", "", inside or "")
        words = self._words
        heading = words("distribution.beside", level=self.level(level)) if level else words("distribution.gap")
        label = self._words("distribution.at", share=at.replace(".", symbols(self._words.locale).decimal)) if at else ""
        own = self.declared(term)
        return TermLabel(f"gap[{level}]", heading, own or label or self._words("distribution.mean"))

    def share(self, term: str, item: str, cell: Mapping[str, str]) -> TermLabel:
        """Return where a share of firms stands and what it is called there.

        Parameters
        ----------
        term : str
            As in the record.
        item : str
        cell : mapping of str to str
            Column and level; empty for all firms.
        """
        own, of = self.declared(term), self.column(item)
        if not cell:
            return TermLabel("", "", own or of)
        by = " × ".join(within(self.column(name)) for name in cell)
        levels = " × ".join(self.level(level) for level in cell.values())
        return TermLabel(f"{item}[{','.join(cell)}]", self._words("shares.by", item=of, by=by), own or levels)

    def described(self, one: Mapping[str, Any]) -> str:
        """Return what a line of descriptive statistics is called: ``NACE section C (Uses AI: yes)``."""
        between = colon(self._words.locale)
        name = " ".join(filter(None, (self.column(one["item"]), one["level"])))
        cell = ", ".join(f"{self.column(key)}{between}{self.level(value)}" for key, value in one["cell"].items())
        if one["kind"] == "difference":
            cell = self._words("described.difference")
        return f"{name} ({cell})" if cell else name

    def level(self, level: str) -> str:
        """Return what a level is called: yes and no of what is 1 and 0."""
        answer = {"0": "no", "1": "yes"}.get(level)
        return self._words(answer) if answer else level

    def _heading(self, name: str, design: str) -> str:
        known = self._words.known
        return self.declared(name) or known(f"{design}.{name}") or known(f"factor.{name}") or self.column(name)
