"""The formula grammar: what is read, and every refusal with its offset and exact message."""
# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.formula import MAX_LENGTH, Factor, Term, parse_formula
from specs.tokens import GrammarError


def labels(text: str) -> list[str]:
    return [term.label for term in parse_formula(text).terms]


def test_the_published_formula() -> None:
    formula = parse_formula("tfp ~ size + firm_age + nace + ai")
    assert formula.outcome == "tfp"
    assert [term.label for term in formula.terms] == ["size", "firm_age", "nace", "ai"]
    assert formula.intercept
    assert formula.effects == ()
    assert formula.names() == (("tfp", 0), ("size", 6), ("firm_age", 13), ("nace", 24), ("ai", 31))


def test_effects_transforms_and_powers() -> None:
    formula = parse_formula("log(y) ~ log(x) + (age)^2 + (log(x))^3 - 1 | firm + nace^year")
    assert formula.outcome == "log(y)"
    assert formula.outcome_factor == Factor("y", "log", 1, 4)
    assert formula.terms == (
        Term((Factor("x", "log", 1, 13),), 13),
        Term((Factor("age", None, 2, 19),), 19),
        Term((Factor("x", "log", 3, 33),), 33),
    )
    assert [term.label for term in formula.terms] == ["log(x)", "(age)^2", "(log(x))^3"]
    assert not formula.intercept
    assert formula.effects == (("firm",), ("nace", "year"))
    assert formula.bar == 43
    assert [effect.label for effect in formula.absorbed] == ["firm", "nace^year"]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("y ~ a*b", ["a", "b", "a:b"]),
        ("y ~ a*b*c", ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]),
        ("y ~ a:b*c", ["a:b", "c", "a:b:c"]),
        ("y ~ a*b + a", ["a", "b", "a:b"]),
        ("y ~ b:a + a*b", ["b:a", "a", "b"]),
        ("y ~ -1 + a", ["a"]),
        ("y ~ 1", []),
        ("~ a + café", ["a", "café"]),
        ("a + log.sales", ["a", "log.sales"]),
        ("y~a\n  +b", ["a", "b"]),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert labels(text) == terms


def test_the_right_side_alone() -> None:
    formula = parse_formula("ai + size", right_hand_side=True)
    assert formula.outcome is None
    with pytest.raises(GrammarError, match="only the right side is wanted here") as caught:
        parse_formula("y ~ ai", right_hand_side=True)
    assert caught.value.offset == 2


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "no terms, write tfp ~ size + firm_age + ai"),
        ("y ~ ", 3, "no terms, write tfp ~ size + firm_age + ai"),
        ("y ~ a +", 7, "the formula ends where a column is wanted"),
        ("y ~ a + + b", 8, '"+" stands where a column is wanted'),
        ("y ~ + a", 4, '"+" with nothing before it, leave it out'),
        ("y ~ a b", 6, '"b" is not expected here, join terms by +'),
        ("y ~ a + a", 8, 'the term "a" is written twice, leave one out'),
        ("y ~ a:b + b:a", 10, 'the term "b:a" is written twice, leave one out'),
        ("y ~ a:a", 6, '"a" is multiplied by itself, write (x)^2'),
        ("y ~ a*a", 6, '"a" is multiplied by itself, write (x)^2'),
        ("y ~ a + y", 8, 'the outcome "y" stands on the right side too'),
        ("y ~ a - b", 8, 'only the constant can be taken out before "b", write -1, or leave the term out'),
        ("y ~ a - 1 - 1", 12, 'the constant is taken out twice before "1"'),
        ("y ~ -1", 6, "no terms besides -1 before the end"),
        ("y ~ 0 + a", 4, 'the number "0" is not a term, write -1 to leave out the constant'),
        ("y ~ 2 + a", 4, 'the number "2" is not a term, write the name of a column'),
        ("y ~ 1 + a", 4, '"1" beside other terms, the constant is there unless -1 is written, leave it out'),
        ("y ~ x^2", 5, 'a power needs brackets before "^", write (x)^2; ^ combines only behind the bar'),
        ("y ~ (x)^12", 8, "a power is a whole number from 2 to 9"),
        ("y ~ (x)^1", 8, "a power is a whole number from 2 to 9"),
        ("y ~ (x)", 7, "a power is missing before the end, brackets serve for powers alone, write (firm_age)^2"),
        ("y ~ (a + b)", 7, '")" is missing before "+", brackets hold one column: (firm_age)^2, for a sum or a ratio declare a column under variables:'),
        ("y ~ a/b", 5, '"/" is not expected here, declare the ratio under variables: and name it here'),
        ("y ~ a %in% b", 6, '"%" is not expected here, write a:b or a*b for interactions'),
        ("y = a", 2, '"=" is not expected here, write tfp ~ ai'),
        ("y ~ a ~ b", 6, '"~" is not expected here, one ~ stands between the outcome and the terms'),
        ("y + z ~ a", 2, 'the left side is one column before "+", write tfp ~ ai, or log(turnover) ~ ai'),
        ("y ~ factor(a)", 4, '"factor" is not a function of formulas, a formula knows log(x) and (x)^2, declare a column under variables: and name it here (there are: log)'),
        ("y ~ lag(a, 1)", 4, '"lag" is not a function of formulas, a formula knows log(x) and (x)^2, declare a column under variables: and name it here (did you mean "log"?)'),
        ("y ~ log(a, b)", 9, '")" is missing before ",", log() holds one column, for more declare a column under variables:'),
        ("y ~ __import__('os')", 4, '"__import__" is not a function of formulas, a formula knows log(x) and (x)^2, declare a column under variables: and name it here (there are: log)'),
        ("y ~ a | firm | z", 13, "a second bar, one bar separates terms from effects, for instruments use the key instruments:"),
        ("y ~ a | ", 7, "the formula ends where a column is wanted"),
        ("y ~ a | firm + firm", 15, 'the effect "firm" is written twice, leave one out'),
        ("y ~ a | nace^nace", 8, 'the effect "nace^nace" is written twice, leave one out'),
        ("y ~ a | log(x)", 11, '"(" is not expected here, join terms by +'),
        ("y ~ a $ b", 6, 'the character "$" has no meaning here'),
        ("y ~ 3x", 4, '"3x" is neither a number nor a name, a name begins with a letter'),
        ("y ~ 'a'", 4, "\"'a'\" stands where a column is wanted"),
        ("y ~ 'a", 4, "a quotation mark is opened and never closed"),
        ("y ~ a and b", 6, '"and" is not expected here, join terms by +'),
        ("y ~ a:b:c:d:e:f", 14, "more than 5 columns multiplied"),
        ("y ~ " + "a" * MAX_LENGTH, MAX_LENGTH, "longer than 10000 characters, divide it over several entries of variables:"),
    ],
)  # fmt: skip
def test_refusals(text: str, offset: int, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_formula(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


def test_terms_are_bounded() -> None:
    with pytest.raises(GrammarError, match="more than 1000 terms"):
        parse_formula("y ~ " + " + ".join(f"x{number}" for number in range(1_001)))
    assert len(labels("y ~ " + "+".join(f"x{number}" for number in range(1_000)))) == 1_000


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab1 ~+-*:^|()log.,'=", max_size=40))
def test_any_text_is_read_or_refused_within_its_length(text: str) -> None:
    try:
        places = list(parse_formula(text).names())
    except GrammarError as error:
        places = [("", error.offset)]
    for name, offset in places:
        assert 0 <= offset <= len(text)
        assert text[offset:].startswith(name)
