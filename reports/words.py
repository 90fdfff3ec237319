"""The words of tables, figures and the report in English, Dutch and French, and the texts of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from reports.numbers import symbols

__all__ = ["Words", "localised", "words_of"]


@dataclass(frozen=True, slots=True)
class Words:
    """The built-in words of one locale.

    Attributes
    ----------
    locale : str
        ``nl_BE``.
    texts : mapping of str to str
        From ``reports/locales/nl.yaml``.
    """

    locale: str
    texts: Mapping[str, str]

    @property
    def language(self) -> str:
        """``nl`` of ``nl_BE``."""
        return language(self.locale)

    def __call__(self, key: str, **filled: object) -> str:
        """Return the text of a key with its names filled in."""
        return self.texts[key].format(**filled) if filled else self.texts[key]

    def known(self, key: str) -> str | None:
        """Return the text of a key, None where there is none."""
        return self.texts.get(key)


def language(locale: str) -> str:
    """Return ``nl`` of ``nl_BE``."""
    return locale.replace("-", "_").partition("_")[0].lower()


def words_of(locale: str) -> Words:
    """Return the words of a locale.

    Parameters
    ----------
    locale : str
        ``en``, ``nl_BE``, ``fr_BE``.

    Raises
    ------
    TfplabError
        If there are no words in its language.
    """
    symbols(locale)
    return Words(locale, _texts(language(locale)))


@lru_cache
def _texts(of: str) -> Mapping[str, str]:
    from ruamel.yaml import YAML

    source = (Path(__file__).parent / "locales" / f"{of}.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = YAML(typ="safe", pure=True).load(source)
    return {str(key): str(value) for key, value in loaded.items()}


def localised(text: object, locale: str) -> str:
    """Return a spec's text, which may be one for all languages or one a language.

    Parameters
    ----------
    text : str, mapping of language to str, or None
        ``Uses AI`` or ``{en: Uses AI, nl: Gebruikt AI}``.
    locale : str

    Returns
    -------
    str
        The locale's own text, else that of its language, else English, else the first; empty for None.
    """
    if isinstance(text, Mapping):
        for key in (locale, language(locale), "en"):
            if key in text:
                return str(text[key])
        return str(next(iter(text.values()), ""))
    return "" if text is None else str(text)
