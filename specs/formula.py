"""The formula grammar: ``tfp ~ size + firm_age + nace + ai | firm + nace^year``. Nothing is ever evaluated.

The grammar stands as EBNF in ``docs/grammar.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

from specs.tokens import GrammarError, Reader, Token, is_name, suggestion

__all__ = ["Effect", "Factor", "Formula", "Term", "parse_formula"]

MAX_LENGTH = 10_000
MAX_TERMS = 1_000
MAX_FACTORS = 5
MAX_POWER = 9
TRANSFORMS = ("log",)


@dataclass(frozen=True, slots=True)
class Factor:
    """A column in a term: ``ai``, ``log(labour)``, ``(firm_age)^2``.

    Attributes
    ----------
    name : str
        The column.
    transform : str or None
        ``log`` or nothing.
    power : int
        1 where none is written; the power is taken after the transform.
    offset : int
        Where the column's name stands in the formula, in characters from 0.
    """

    name: str
    transform: str | None = None
    power: int = 1
    offset: int = 0

    @property
    def label(self) -> str:
        """The factor as it is written, without spaces."""
        inner = f"{self.transform}({self.name})" if self.transform else self.name
        return inner if self.power == 1 else f"({inner})^{self.power}"


@dataclass(frozen=True, slots=True)
class Term:
    """A product of factors; its `offset` is that of its first character."""

    factors: tuple[Factor, ...]
    offset: int = 0

    @property
    def label(self) -> str:
        """The term as it is written, without spaces: ``ai:size``."""
        return ":".join(factor.label for factor in self.factors)

    @property
    def key(self) -> frozenset[str]:
        """Equal for terms that mean the same: ``a:b`` and ``b:a``."""
        return frozenset(factor.label for factor in self.factors)


@dataclass(frozen=True, slots=True)
class Effect:
    """Absorbed effects of one column or of the combinations of several, with the offset of each name."""

    names: tuple[str, ...]
    offsets: tuple[int, ...]

    @property
    def label(self) -> str:
        """As it is written: ``nace^year``."""
        return "^".join(self.names)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as read.

    Attributes
    ----------
    outcome_factor : Factor or None
        The left side; None where there is none.
    terms : tuple of Term
        In the order of writing, with ``*`` written out (``a*b`` is ``a``, ``b``, ``a:b``).
    intercept : bool
        False where ``-1`` is written.
    absorbed : tuple of Effect
        What stands behind the bar.
    text : str
        As the user wrote it.
    bar : int or None
        Where the bar stands, in characters from 0.
    """

    outcome_factor: Factor | None
    terms: tuple[Term, ...]
    intercept: bool
    absorbed: tuple[Effect, ...]
    text: str
    bar: int | None = None

    @property
    def outcome(self) -> str | None:
        """The left side as written: a column, or ``log(column)``; None where there is none."""
        return self.outcome_factor.label if self.outcome_factor else None

    @property
    def effects(self) -> tuple[tuple[str, ...], ...]:
        """The absorbed effects by name: ``firm + nace^year`` is ``(("firm",), ("nace", "year"))``."""
        return tuple(effect.names for effect in self.absorbed)

    def names(self) -> tuple[tuple[str, int], ...]:
        """Return every column that is used, once, with the offset of its first use."""
        found: dict[str, int] = {}
        factors = [self.outcome_factor] if self.outcome_factor else []
        for factor in factors + [factor for term in self.terms for factor in term.factors]:
            found[factor.name] = min(factor.offset, found.get(factor.name, factor.offset))
        for effect in self.absorbed:
            for name, offset in zip(effect.names, effect.offsets, strict=True):
                found.setdefault(name, offset)
        return tuple(found.items())

    def __str__(self) -> str:
        return self.text


def parse_formula(text: str, *, right_hand_side: bool = False) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text : str
        ``outcome ~ terms | effects``; the outcome may be missing (the key ``outcome:`` names it then).
    right_hand_side : bool
        Refuse a ``~``: the key wants the right side alone.

    Returns
    -------
    Formula

    Raises
    ------
    GrammarError
        With the offset of the character at which reading ended.
    """
    reader = Reader(text, MAX_LENGTH)
    outcome = None
    if "~" in text:
        outcome = None if reader.at("~") else _factor(reader)
        if not reader.at("~"):
            raise reader.error("the left side is one column", "", "write tfp ~ ai, or log(turnover) ~ ai")
        if right_hand_side:
            raise reader.error("", "only the right side is wanted here", "leave out the part up to ~")
        reader.take()
    terms, intercept = _terms(reader, outcome)
    bar = reader.accept("|")
    absorbed = _effects(reader) if bar else ()
    if reader.token.kind != "end":
        raise _not_expected(reader)
    return Formula(outcome, terms, intercept, absorbed, text, bar.offset if bar else None)


def _terms(reader: Reader, outcome: Factor | None) -> tuple[tuple[Term, ...], bool]:
    if reader.token.kind == "end":
        raise GrammarError(reader.token.offset, "no terms", "", "write tfp ~ size + firm_age + ai")
    written: dict[frozenset[str], bool] = {}
    found: dict[frozenset[str], Term] = {}
    intercept, constant, first = True, None, True
    while True:
        sign = reader.accept("+", "-")
        if sign is None and not first:
            break
        if sign and first and sign.text == "+":
            raise GrammarError(sign.offset, '"+" with nothing before it', "", "leave it out")
        first = False
        if sign and sign.text == "-":
            _minus_one(reader, intercept)
            intercept = False
            continue
        if reader.token.kind == "number":
            constant = _one(reader)
            continue
        for term, by_hand in _product(reader):
            _check_term(term, outcome, written if by_hand else {})
            written[term.key] = by_hand or written.get(term.key, False)
            found.setdefault(term.key, term)
            if len(found) > MAX_TERMS:
                raise GrammarError(term.offset, f"more than {MAX_TERMS} terms")
    if constant and (found or not intercept):
        raise GrammarError(
            constant.offset,
            '"1" beside other terms',
            "the constant is there unless -1 is written",
            "leave it out",
        )
    if not found and not intercept:
        raise reader.error("no terms besides -1")
    return tuple(found.values()), intercept


def _check_term(term: Term, outcome: Factor | None, written: dict[frozenset[str], bool]) -> None:
    if written.get(term.key):
        raise GrammarError(term.offset, f'the term "{term.label}" is written twice', "", "leave one out")
    for factor in term.factors:
        if outcome and factor.label == outcome.label:
            raise GrammarError(factor.offset, f'the outcome "{outcome.label}" stands on the right side too')


def _minus_one(reader: Reader, intercept: bool) -> None:
    if reader.token.text != "1":
        raise reader.error("only the constant can be taken out", "", "write -1, or leave the term out")
    if not intercept:
        raise reader.error("the constant is taken out twice")
    reader.take()


def _one(reader: Reader) -> Token:
    if reader.token.text == "1":
        return reader.take()
    advice = "write -1 to leave out the constant" if reader.token.text == "0" else "write the name of a column"
    raise GrammarError(reader.token.offset, f'the number "{reader.token.text}" is not a term', "", advice)


def _product(reader: Reader) -> list[tuple[Term, bool]]:
    """Read ``a:b*c``; return its terms and whether each was written out (and not made by ``*``)."""
    parts = [_interaction(reader)]
    while reader.accept("*"):
        parts.append(_interaction(reader))
    if len(parts) == 1:
        return [(parts[0], True)]
    if len(parts) > MAX_FACTORS:
        raise GrammarError(parts[MAX_FACTORS].offset, f"more than {MAX_FACTORS} columns multiplied")
    terms: list[Term] = []
    for size in range(1, len(parts) + 1):
        for chosen in _combinations(parts, size):
            factors = {factor.label: factor for part in chosen for factor in part.factors}
            terms.append(Term(tuple(factors.values()), chosen[0].offset))
    repeated = [part for index, part in enumerate(parts) if part.key in {other.key for other in parts[:index]}]
    if repeated:
        raise GrammarError(repeated[0].offset, f'"{repeated[0].label}" is multiplied by itself', "", "write (x)^2")
    return [(term, False) for term in terms]


def _combinations(parts: list[Term], size: int) -> list[tuple[Term, ...]]:
    if size == 0:
        return [()]
    return [(part, *rest) for index, part in enumerate(parts) for rest in _combinations(parts[index + 1 :], size - 1)]


def _interaction(reader: Reader) -> Term:
    factors = [_factor(reader)]
    while reader.accept(":"):
        factor = _factor(reader)
        if factor.label in {other.label for other in factors}:
            raise GrammarError(factor.offset, f'"{factor.label}" is multiplied by itself', "", "write (x)^2")
        factors.append(factor)
        if len(factors) > MAX_FACTORS:
            raise GrammarError(factor.offset, f"more than {MAX_FACTORS} columns multiplied")
    return Term(tuple(factors), factors[0].offset)


def _factor(reader: Reader) -> Factor:
    if reader.accept("("):
        inner = _column(reader)
        if not reader.at(")"):
            raise reader.error(
                '")" is missing',
                "brackets hold one column: (firm_age)^2",
                "for a sum or a ratio declare a column under variables:",
            )
        reader.take()
        if not reader.accept("^"):
            raise reader.error("a power is missing", "brackets serve for powers alone", "write (firm_age)^2")
        token = reader.take()
        if not (token.kind == "number" and token.text.isdecimal() and 2 <= int(token.text) <= MAX_POWER):
            raise GrammarError(token.offset, f"a power is a whole number from 2 to {MAX_POWER}")
        return Factor(inner.name, inner.transform, int(token.text), inner.offset)
    factor = _column(reader)
    if reader.at("^"):
        raise reader.error("a power needs brackets", "", f"write ({factor.label})^2; ^ combines only behind the bar")
    return factor


def _column(reader: Reader) -> Factor:
    token = _name(reader)
    if not reader.at("("):
        return Factor(token.text, None, 1, token.offset)
    if token.text not in TRANSFORMS:
        raise GrammarError(
            token.offset,
            f'"{token.text}" is not a function of formulas',
            "a formula knows log(x) and (x)^2",
            f"declare a column under variables: and name it here ({suggestion(token.text, TRANSFORMS)})",
        )
    reader.take()
    name = _name(reader)
    if not reader.at(")"):
        raise reader.error(
            '")" is missing', f"{token.text}() holds one column", "for more declare a column under variables:"
        )
    reader.take()
    return Factor(name.text, token.text, 1, name.offset)


def _name(reader: Reader) -> Token:
    token = reader.token
    if token.kind == "name" and is_name(token.text):
        return reader.take()
    if token.kind == "end":
        raise GrammarError(token.offset, "the formula ends where a column is wanted")
    raise GrammarError(token.offset, f'"{token.text}" stands where a column is wanted')


def _effects(reader: Reader) -> tuple[Effect, ...]:
    found: list[Effect] = []
    while True:
        tokens = [_name(reader)]
        while reader.accept("^"):
            tokens.append(_name(reader))
        effect = Effect(tuple(token.text for token in tokens), tuple(token.offset for token in tokens))
        if len(set(effect.names)) < len(effect.names) or set(effect.names) in [set(one.names) for one in found]:
            raise GrammarError(tokens[0].offset, f'the effect "{effect.label}" is written twice', "", "leave one out")
        found.append(effect)
        if len(found) > MAX_TERMS:
            raise GrammarError(tokens[0].offset, f"more than {MAX_TERMS} effects")
        if not reader.accept("+"):
            return tuple(found)


def _not_expected(reader: Reader) -> GrammarError:
    token = reader.token
    if token.text == "|":
        return GrammarError(
            token.offset,
            "a second bar",
            "one bar separates terms from effects",
            "for instruments use the key instruments:",
        )
    advice = {
        "/": "declare the ratio under variables: and name it here",
        "~": "one ~ stands between the outcome and the terms",
        "%": "write a:b or a*b for interactions",
        "=": "write tfp ~ ai",
        "==": "compare under variables: and name the result here",
    }.get(token.text, "join terms by +" if token.kind in ("name", "number") or token.text == "(" else "")
    return GrammarError(token.offset, f'"{token.text}" is not expected here', "", advice)
