"""Tests as a spec writes them: what they mean, and what is said of those that mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.restrictions import MAX_LENGTH, MAX_RESTRICTIONS, parse_restrictions
from specs.tokens import GrammarError


@pytest.mark.parametrize(
    ("text", "factors", "value"),
    [
        ("developer = buyer", {"developer": 1, "buyer": -1}, 0),
        ("ai + 2*cc = 0.1", {"ai": 1, "cc": 2}, 0.1),
        ("-x = -3", {"x": -1}, -3),
        ("2*x - 1 = 1e-1 + x", {"x": 1}, 1.1),
        ("size[20-49]=size[50-249]", {"size[20-49]": 1, "size[50-249]": -1}, 0),
        ("ai:size[a:b, c] = (log(x))^2", {"ai:size[a:b, c]": 1, "(log(x))^2": -1}, 0),
        ("0 = log(labour) - constant", {"log(labour)": -1, "constant": 1}, 0),
    ],
)
def test_what_is_written_is_read(text: str, factors: dict[str, float], value: float) -> None:
    (found,) = parse_restrictions(text)
    assert {one.term: one.factor for one in found.terms} == factors
    assert found.value == pytest.approx(value, abs=1e-15)


def test_commas_join_what_is_tested_together() -> None:
    found = parse_restrictions("ai = 0,  cc =  ai")
    assert [one.text for one in found] == ["ai = 0", "cc = ai"]
    assert [term.offset for term in found[1].terms] == [9, 15]


def test_factors_are_told_from_their_levels() -> None:
    (found,) = parse_restrictions("ai:size[a:b] = (x)^2:y")
    assert [one.bases for one in found.terms] == [("ai", "size"), ("(x)^2", "y")]


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("", 0, "a term is wanted before the end"),
        ("ai", 2, '"=" is wanted before the end'),
        ("ai == 0", 3, '"==" is not expected here'),
        ("ai = 0 = cc", 7, '"=" is not expected here'),
        ("0 = 1", 0, "no term stands in it"),
        ("ai = ai", 0, "the terms cancel out"),
        ("ai * cc = 0", 3, "a test is linear in coefficients"),
        ("ai/2 = 0", 2, "write the number before the term"),
        ("2ai = 0", 1, "* is missing"),
        ("ai = 0,", 7, "a term is wanted before the end"),
        ("ai = __import__('os')", 15, "is not expected here"),
        ("+ai = 0", 1, '"+" with nothing before it'),
        ("ai = 1e99", 5, "too large"),
        ("size[20-49 = 0", 4, '"=" is wanted before "[20-49"'),
    ],
)
def test_what_means_nothing_is_refused_at_its_character(text: str, offset: int, said: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_restrictions(text)
    assert said in str(caught.value)
    assert caught.value.offset == offset


def test_length_and_number_are_bounded() -> None:
    with pytest.raises(GrammarError, match="longer than 2,000"):
        parse_restrictions("a" * (MAX_LENGTH + 1))
    with pytest.raises(GrammarError, match=f"more than {MAX_RESTRICTIONS}"):
        parse_restrictions(",".join(["a=0"] * (MAX_RESTRICTIONS + 1)))


@given(st.text(alphabet="ab12=+-*,[]():^. ", max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        found = parse_restrictions(text)
    except GrammarError as error:
        assert 0 <= error.offset <= len(text)  # noqa: PT017
    else:
        assert all(one.terms for one in found)
