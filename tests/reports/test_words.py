from __future__ import annotations

import re
from importlib import resources

import pytest
from ruamel.yaml import YAML

from reports.labels import Labels, split_term, term_names
from reports.numbers import LOCALES
from reports.reasons import reason_of
from reports.words import localised, words_of

LANGUAGES = ("en", "nl", "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_with_the_same_names(language: str) -> None:
    english, other = words_of("en").texts, words_of(language).texts
    assert list(other) == list(english)
    for key, text in english.items():
        assert set(re.findall(r"{(\w+)}", other[key])) == set(re.findall(r"{(\w+)}", text)), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_are_texts(language: str) -> None:
    # An unquoted `no` or `c: x` would become something else.
    source = resources.files("reports").joinpath("locales", f"{language}.yaml").read_text(encoding="utf-8")
    assert all(isinstance(value, str) for value in YAML(typ="safe", pure=True).load(source).values())


def test_a_locale_finds_its_language() -> None:
    assert words_of("nl_BE")("firms") == words_of("nl")("firms") == "Ondernemingen"


def test_texts_of_a_spec() -> None:
    assert localised("One", "nl_BE") == "One"
    assert localised({"nl": "Een", "en": "One"}, "nl_BE") == "Een"
    assert localised({"nl_BE": "Eén", "nl": "Een"}, "nl_BE") == "Eén"
    assert localised({"en": "One", "nl": "Een"}, "fr_BE") == "One"
    assert localised({"nl": "Een"}, "fr_BE") == "Een"
    assert localised(None, "en") == ""


def test_terms_are_split_at_colons_outside_levels() -> None:
    assert split_term("ai:size[20-49]") == ["ai", "size[20-49]"]
    assert split_term("nace[62:01]:ai") == ["nace[62:01]", "ai"]
    assert term_names("ai:size[20-49]") == {"ai:size[20-49]", "ai:size"}


def test_labels_of_levels_and_terms_may_be_declared() -> None:
    labels = Labels({"nace": "Sector", "nace[C]": {"en": "Manufacturing"}, "ai:size": "unused"}, words_of("en"))
    assert labels.term("nace[C]").full("en") == "Sector: Manufacturing"
    assert labels.term("nace[D]").full("en") == "Sector: D"
    assert labels.term("event[-2]").full("en") == "Years since adoption: -2"


@pytest.mark.parametrize(
    ("locale", "one", "several"),
    [
        ("en", "in 1 row", "in 12 rows"),
        ("nl_BE", "in 1 rij", "in 12 rijen"),
        ("fr_BE", "dans 1 ligne", "dans 12 lignes"),
    ],
)
def test_a_reason_counts_one_row_in_the_singular(locale: str, one: str, several: str) -> None:
    words = words_of(locale)
    told = [reason_of(f"ln_va: log of zero or less, missing in {rows}", Labels({}, words), words)
            for rows in ("1 row", "12 rows")]  # fmt: skip
    assert told[0].endswith(one)
    assert told[1].endswith(several)


def test_codes_that_are_not_known_have_words_in_every_language() -> None:
    reason = "column NACE: not said: 0 is not known, missing in 40 rows"
    told = {locale: reason_of(reason, Labels({}, words_of(locale)), words_of(locale)) for locale in LOCALES}
    assert told["en"] == reason
    assert len(set(told.values())) == 3
    assert all("NACE" in one and "not said: 0" in one and "40" in one for one in told.values())


def test_years_of_two_digits_have_words_in_every_language() -> None:
    reason = "years 17-23 taken as numbers of periods (calendar years are written 2017) in 40 rows"
    told = {locale: reason_of(reason, Labels({}, words_of(locale)), words_of(locale)) for locale in LOCALES}
    assert told["en"] == reason
    assert len(set(told.values())) == 3
    assert all("17-23" in one and "2017" in one and "40" in one for one in told.values())
