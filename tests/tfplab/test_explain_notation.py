"""Equations: one text, read into a tree without losing anything, and set as MathML and LaTeX."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfplab.explaining.latex_math import latex_math
from tfplab.explaining.mathml import mathml
from tfplab.explaining.notation import Column, Index, Number, Power, Sign, Sum, Symbol, Words, parse

FIRM, YEAR, COMMA = Symbol("i"), Symbol("t"), Sign(",")


def test_columns_have_the_subscripts_of_their_row() -> None:
    both = Index(Column("ln_l"), (FIRM, YEAR))
    assert parse("ln_l(t)", ["ln_l", "ln_l2"]) == (both,)
    assert parse("ln_l_it", ["ln_l"]) == (both,)
    before = Index(Column("ln_l"), (FIRM, COMMA, YEAR, Sign("\N{MINUS SIGN}"), Number("1")))
    assert parse("ln_l(t-1)", ["ln_l"]) == (before,)
    # The longest name that stands there; a part of a word is none.
    assert parse("ln_l2_it", ["ln_l", "ln_l2"]) == (Index(Column("ln_l2"), (FIRM, YEAR)),)
    assert Column("k") not in parse("kept k1", ["k"])


def test_letters_greek_powers_and_sums() -> None:
    assert parse("lambda1")[0] == Index(Symbol("lambda"), (Number("1"),))
    assert parse("e^2")[0] == Power(Symbol("e"), (Number("2"),))
    assert parse("X'")[0] == Power(Symbol("X"), (Sign("\N{PRIME}"),))
    assert parse("sum over clusters of s_g")[0] == Sum("clusters")
    assert parse("the sum of rows") == (Words("the sum of rows"),)
    assert parse("b[ln_l]", ["ln_l"])[0] == Index(Symbol("b"), (Column("ln_l"),))


@pytest.mark.parametrize("text", ["a firm's years", "t-based", "all monomials up to degree", "a stack of rows"])
def test_words_stay_words(text: str) -> None:
    (found,) = parse(text)
    assert isinstance(found, Words)


def letters_of(markup: str) -> str:
    """Return the text of MathML and HTML, without spaces."""
    return re.sub(r"\s", "", unescape(re.sub(r"<[^>]*>", "", markup)))


@given(
    st.text(alphabet="ab(t)_i[]{}^*'-+=.,;:<>&x1 2\\$%#~|\u03b2\u00e9", max_size=40),
    st.sampled_from([(), ("a", "b_i"), ("x",)]),
)
def test_whatever_is_written_is_set_and_well_formed(text: str, columns: tuple[str, ...]) -> None:
    pieces = parse(text, columns)
    page = ET.fromstring(f"<p>{mathml(pieces)}</p>")
    assert page.tag == "p"
    tex = latex_math(pieces)
    assert tex.isascii()
    # Braces and dollars that LaTeX reads pair off, so that the document goes on behind them.
    bare = re.sub(r"\\[\\{}$#%&_]", "", tex)
    depth = 0
    for letter in bare:
        depth += (letter == "{") - (letter == "}")
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0


@given(st.lists(st.sampled_from(["ln_l", "b", "e", "kept", "rows", "12", "X", "tau"]), min_size=1, max_size=8))
def test_no_letter_is_lost(parts: list[str]) -> None:
    text = " + ".join(parts)
    shown = letters_of(mathml(parse(text, ["ln_l"])))
    assert shown == text.replace(" ", "").replace("tau", "\u03c4")


def test_what_html_and_latex_would_read_is_escaped() -> None:
    assert "<b>" not in mathml(parse("<b> & y", ["<b>"]))
    assert parse("R&D_it", ["R&D"]) == (Index(Column("R&D"), (FIRM, YEAR)),)
    assert "&amp;" in mathml(parse("R&D_it", ["R&D"]))
    assert r"R\&D" in latex_math(parse("R&D_it", ["R&D"]))


def test_hats_before_brackets_and_probabilities_of_a_firm() -> None:
    hat = Symbol("X", "hat")
    assert hat in parse("(X^'X^)^-1")
    assert not [one for one in parse("(X^'X^)^-1") if one == Sign("\N{MULTIPLICATION SIGN}")]
    assert Index(Symbol("Pr"), (FIRM,)) in parse("log Pr_i/db")
    assert Symbol("gamma") in parse("dgamma")
