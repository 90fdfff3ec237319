"""How a number is printed: rounding, decimal marks, p-values and stars. Values in, text out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from specs.errors import TfplabError

__all__ = ["LOCALES", "P_STYLES", "count", "decimal", "legend", "mark", "p_value", "r_p_values", "symbols"]

#: The locales whose words are built in; others of the same three languages work as well.
LOCALES = ("en", "nl_BE", "fr_BE")

#: The ways in which a table shows how sure it is.
P_STYLES = ("stars", "r_style", "none")

# R prints what lies below its machine epsilon as "< 2e-16".
_EPSILON = 2.220446049250313e-16
_R_DIGITS = 3

_LOCALE = re.compile(r"[a-z]{2}(_[A-Z]{2})?")

# Upper bounds and marks, most certain first. R's intervals are closed above (symnum), economists' stars open.
_ECONOMISTS = ((0.01, "***"), (0.05, "**"), (0.10, "*"))
_R_CODES = ((0.001, "***"), (0.01, "**"), (0.05, "*"), (0.1, "."))


@dataclass(frozen=True, slots=True)
class Symbols:
    """The marks of a locale.

    Attributes
    ----------
    decimal, group : str
        Between units and tenths, and between thousands.
    """

    decimal: str
    group: str


@lru_cache
def symbols(locale: str) -> Symbols:
    """Return the marks of a locale.

    Parameters
    ----------
    locale : str
        ``en``, ``nl_BE``, ``fr_BE``, or what else Babel knows in these languages.

    Raises
    ------
    TfplabError
        If there is no such locale.
    """
    # `check` reads the names of locales alone: Babel loads where numbers are printed.
    from babel import Locale, UnknownLocaleError
    from babel.numbers import get_decimal_symbol, get_group_symbol

    try:
        # Babel forgives what follows a locale's name; a file is named after it, so we do not.
        known = Locale.parse(locale if _LOCALE.fullmatch(locale) else "")
    except (UnknownLocaleError, ValueError):
        raise TfplabError(f'"{locale}" is not a locale; there are: {", ".join(LOCALES)}') from None
    if known.language not in {name.partition("_")[0] for name in LOCALES}:
        raise TfplabError(f'no words for the locale "{locale}"; there are: {", ".join(LOCALES)}')
    return Symbols(get_decimal_symbol(known), get_group_symbol(known))


def _localise(text: str, locale: str) -> str:
    marks = symbols(locale)
    return text.translate({ord(","): marks.group, ord("."): marks.decimal})


def decimal(value: float | None, decimals: int, locale: str) -> str:
    """Return a number with so many decimals.

    A value that would print as zero and is not is printed as ``3.1e-07``: a coefficient per euro of
    capital is small, not nothing. Ties are settled by the binary value, as in R and Stata.

    Parameters
    ----------
    value : float or None
        None prints as nothing.
    decimals : int
    locale : str
    """
    if value is None or not math.isfinite(value):
        return ""
    if value != 0 and float(f"{value:.{decimals}f}") == 0:
        return _localise(f"{value:.1e}", locale)
    return _localise(f"{value:,.{decimals}f}", locale)


def count(value: int | None, locale: str) -> str:
    """Return a whole number with its thousands apart; nothing for None."""
    return "" if value is None else _localise(f"{value:,d}", locale)


def p_value(value: float | None, locale: str) -> str:
    """Return one p-value with three decimals, ``< 0.001`` below that."""
    if value is None:
        return ""
    return f"< {decimal(0.001, 3, locale)}" if value < 0.001 else decimal(value, 3, locale)


def r_p_values(values: Sequence[float | None], locale: str) -> list[str]:
    """Return a column of p-values as R's ``summary.lm`` prints it.

    Three significant digits; those of 0.0001 and more share their decimals, the smaller ones share an
    exponent form, and what R cannot tell from zero is ``< 2e-16`` (R Core, `format.pval`).

    Parameters
    ----------
    values : sequence of float or None
        One column; None prints as nothing.
    locale : str

    Returns
    -------
    list of str
        ``['< 2e-16', '3,96e-09', '0,2194']``.
    """
    present = [value for value in values if value is not None and value >= _EPSILON]
    plain = _r_format([value for value in present if value >= 1e-4])
    small = _r_format([value for value in present if value < 1e-4])
    texts: list[str] = []
    for value in values:
        if value is None:
            texts.append("")
        elif value < _EPSILON:
            texts.append("< 2e-16")
        else:
            texts.append(_localise(format(value, plain if value >= 1e-4 else small), locale))
    return texts


def _r_format(values: Sequence[float]) -> str:
    """Return the format that R's ``format(x, digits = 3)`` would give all of `values`."""
    digits = exponents = 0
    decimals = 0
    for value in values:
        mantissa, _, exponent = f"{value:.{_R_DIGITS - 1}e}".partition("e")
        significant = len(mantissa.rstrip("0").replace(".", ""))
        digits = max(digits, significant - 1)
        exponents = max(exponents, len(exponent))
        decimals = max(decimals, significant - 1 - int(exponent), 0)
    # The narrower form wins, the fixed one where both are as wide.
    fixed = 1 + (decimals > 0) + decimals
    scientific = 1 + (digits > 0) + digits + 1 + exponents
    return f".{decimals}f" if fixed <= scientific else f".{digits}e"


def mark(value: float | None, style: str) -> str:
    """Return the star or code of a p-value: economists' stars, R's codes, or nothing."""
    if value is None or style == "none":
        return ""
    if style == "r_style":
        return next((code for bound, code in _R_CODES if value <= bound), "")
    return next((stars for bound, stars in _ECONOMISTS if value < bound), "")


def legend(used: Iterable[str], style: str, locale: str) -> str:
    """Return what the marks mean, only those that occur: ``*** p < 0.01, * p < 0.10``."""
    occurring = set(used)
    bounds = _R_CODES if style == "r_style" else _ECONOMISTS
    sign = "≤" if style == "r_style" else "<"
    parts = []
    for bound, code in bounds:
        if code in occurring:
            printed = str(bound) if style == "r_style" else f"{bound:.2f}"
            parts.append(f"{code} p {sign} {_localise(printed, locale)}")
    # Semicolons: a comma between two numbers with decimal commas reads as a third.
    return "; ".join(parts)
