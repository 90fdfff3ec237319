from __future__ import annotations

import pytest

from reports.numbers import count, decimal, legend, mark, p_value, r_p_values
from specs.errors import TfplabError


def test_decimals_follow_the_locale() -> None:
    assert decimal(10.8442, 4, "en") == "10.8442"
    assert decimal(10.8442, 4, "nl_BE") == "10,8442"
    assert decimal(-1234.5, 1, "nl_BE") == "-1.234,5"
    assert decimal(-1234.5, 1, "fr_BE") == "-1\N{NARROW NO-BREAK SPACE}234,5"
    assert count(24310, "nl_BE") == "24.310"
    assert count(None, "en") == ""


def test_what_is_no_number_prints_as_nothing() -> None:
    assert [decimal(value, 3, "en") for value in (None, float("nan"), float("inf"))] == ["", "", ""]


def test_a_small_number_is_not_printed_as_zero() -> None:
    assert decimal(3.14e-7, 3, "nl_BE") == "3,1e-07"
    assert decimal(-3.14e-7, 3, "en") == "-3.1e-07"
    assert decimal(0.0, 3, "en") == decimal(-0.0, 3, "en").removeprefix("-") == "0.000"


def test_p_values_as_summary_lm_prints_them() -> None:
    # R's own example, summary(lm(sr ~ ., LifeCycleSavings)): the column Pr(>|t|) as it prints it.
    printed = ["0.000334", "0.002603", "0.125530", "0.719173", "0.042471"]
    assert r_p_values([0.00033384, 0.0026030, 0.1255298, 0.7191732, 0.0424711], "en") == printed


def test_p_values_of_the_published_table() -> None:
    assert r_p_values([1e-30, 3.96e-9, 4.03e-13, None], "nl_BE") == ["< 2e-16", "3,96e-09", "4,03e-13", ""]
    # One significant digit: the exponent form is the narrower, as in R.
    assert r_p_values([0.0001], "en") == ["1e-04"]
    assert r_p_values([0.5, 0.25], "en") == ["0.50", "0.25"]
    assert r_p_values([1.0, 0.0], "en") == ["1", "< 2e-16"]


def test_stars_of_economists_and_codes_of_r_differ() -> None:
    values = (0.0001, 0.001, 0.005, 0.01, 0.03, 0.05, 0.07, 0.1, 0.5, None)
    assert [mark(value, "stars") for value in values] == [
        "***",
        "***",
        "***",
        "**",
        "**",
        "*",
        "*",
        "",
        "",
        "",
    ]
    assert [mark(value, "r_style") for value in values] == [
        "***",
        "***",
        "**",
        "**",
        "*",
        "*",
        ".",
        ".",
        "",
        "",
    ]
    assert {mark(value, "none") for value in values} == {""}


def test_the_legend_names_only_what_is_used() -> None:
    assert legend({"***", "*"}, "stars", "en") == "*** p < 0.01; * p < 0.10"
    assert legend({"**", "."}, "r_style", "nl_BE") == "** p ≤ 0,01; . p ≤ 0,1"
    assert legend(set(), "stars", "en") == ""


def test_one_p_value_in_a_text() -> None:
    assert p_value(0.00003, "nl_BE") == "< 0,001"
    assert p_value(0.2415, "en") == "0.241"
    assert p_value(None, "en") == ""


@pytest.mark.parametrize("locale", ["xx_YY", "de_BE", "", "nl_BE; drop"])
def test_an_unknown_locale_is_named(locale: str) -> None:
    with pytest.raises(TfplabError, match="there are: en, nl_BE, fr_BE"):
        decimal(1.0, 1, locale)
