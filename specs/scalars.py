"""What a plain word of YAML 1.2 means: text, a number, true, false or nothing; and the traps, refused."""

from __future__ import annotations

import re

__all__ = ["ScalarError", "resolve"]

LARGEST = 2**53

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(r"[-+]?(?:\d+(\.\d*)?|(\.\d+))([eE][-+]?\d+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_OTHER_BASE = re.compile(r"0[oxb][0-9a-fA-F]+", re.ASCII)


class ScalarError(ValueError):
    """A plain word that two people would read differently."""

    def __init__(self, what: str, meaning: str, advice: str) -> None:
        self.what, self.meaning, self.advice = what, meaning, advice
        super().__init__(what)


def resolve(text: str) -> str | int | float | bool | None:
    """Return the value of a plain word; ``NO`` and ``yes`` stay text, as YAML 1.2 has it.

    Raises
    ------
    ScalarError
        For ``010``, ``0x1F``, ``.inf``, ``.nan`` and numbers beyond what a double holds.
    """
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if not text[0].isdigit() and text[0] not in "-+.":
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        _refuse_traps(text)
        return text
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        raise ScalarError(
            f"{text} begins with 0", "some programs read it as another number",
            f"quote it for text: '{text}', or write {_without_zeros(text)}",
        )  # fmt: skip
    is_whole = not any(match.groups())
    if abs(float(text)) > (LARGEST if is_whole else 1e300):
        raise ScalarError(f"{text[:30]} is too large for a number", "", f"quote it for text: '{text[:30]}'")
    return int(text) if is_whole else float(text)


def _refuse_traps(text: str) -> None:
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a finite number", "", f"quote it if text is meant: '{text}'")
    if _OTHER_BASE.fullmatch(text):
        raise ScalarError(
            f"{text} is a number in another base", "", f"write it in decimal, or quote it for text: '{text}'"
        )


def _without_zeros(text: str) -> str:
    sign = text[0] if text[0] in "+-" else ""
    rest = text.lstrip("+-").lstrip("0")
    return sign + (rest if rest[:1].isdigit() else "0" + rest)
