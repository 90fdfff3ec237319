"""Belgian enterprise numbers: brought to ten digits, and checked by their last two."""

from __future__ import annotations

from functools import reduce

import narwhals as nw

__all__ = ["check_reasons", "ten_digits"]


def ten_digits(number: nw.Expr) -> nw.Expr:
    """Return a number without BE, points, blanks and dashes; nine digits, as VAT numbers had, get a zero before them.

    Parameters
    ----------
    number : Expr
        Text.
    """
    bare = number.str.to_uppercase().str.replace_all(r"[\s.\-]", "").str.replace_all("^BE", "")
    return nw.when(bare.str.len_chars() == 9).then(nw.concat_str(nw.lit("0"), bare)).otherwise(bare)


def check_reasons(number: nw.Expr) -> list[tuple[str, str, nw.Expr]]:
    """Return why a number of ten digits is none of an enterprise: rows leave, counted by reason.

    The number is d1 ... d10 with d1 0 or 1 and 97 - (d1 ... d8 mod 97) = d9 d10. Those of establishments begin with
    2 to 8.

    Parameters
    ----------
    number : Expr
        As `ten_digits` gives it.
    """
    digits = number.str.contains(r"^[0-9]{10}$").fill_null(False)
    establishment = number.str.contains(r"^[2-8][0-9]{9}$").fill_null(False)
    # A remainder is the sum of its digits' remainders: no text is cast to a number, which would fail on other text.
    weights = [10**power % 97 for power in range(7, -1, -1)]
    first = reduce(lambda a, b: a + b, (_digit(number, at) * weight for at, weight in enumerate(weights)))
    last = _digit(number, 8) * 10 + _digit(number, 9)
    wrong = 97 - first % 97 != last
    return [
        ("numbers", "no enterprise number: not nine or ten digits", ~digits),
        ("numbers", "number of an establishment, not of an enterprise", establishment),
        ("numbers", "no enterprise number: begins with 9", number.str.contains("^9").fill_null(False)),
        ("numbers", "enterprise number fails its check digits", wrong),
    ]


def _digit(number: nw.Expr, at: int) -> nw.Expr:
    sign = number.str.slice(at, 1)
    digit = nw.lit(0)
    for value in range(1, 10):
        digit = nw.when(sign == str(value)).then(nw.lit(value)).otherwise(digit)
    return digit
