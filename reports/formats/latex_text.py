"""Any text as LaTeX prints it: escapes, accents, and no ligature that is not meant."""

from __future__ import annotations

import unicodedata

__all__ = ["escape"]

_ESCAPES = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}", "|": r"\textbar{}", "`": r"\textasciigrave{}", '"': "{''}",
    # Brackets and stars after a line's end would be taken for its arguments.
    "[": "{[}", "]": "{]}", "*": "{*}",
    "\n": " ", "\r": " ", "\t": " ",
    "\N{NO-BREAK SPACE}": "~", "\N{NARROW NO-BREAK SPACE}": r"\,", "\N{THIN SPACE}": r"\,",
    "×": r"\ensuremath{\times}", "·": r"\ensuremath{\cdot}", "÷": r"\ensuremath{\div}",
    "±": r"\ensuremath{\pm}", "≤": r"\ensuremath{\leq}", "≥": r"\ensuremath{\geq}",
    "≠": r"\ensuremath{\neq}", "≈": r"\ensuremath{\approx}", "−": r"\ensuremath{-}",
    "→": r"\ensuremath{\rightarrow}", "←": r"\ensuremath{\leftarrow}", "∞": r"\ensuremath{\infty}",
    "√": r"\ensuremath{\surd}", "∑": r"\ensuremath{\sum}", "Σ": r"\ensuremath{\Sigma}",
    "°": r"\ensuremath{^{\circ}}", "–": "--", "—": "---", "…": r"\ldots{}", "•": r"\textbullet{}",
    "‘": "`", "’": "'", "“": "``", "”": "''", "€": r"EUR\,", "«": r"\ensuremath{\ll}",
    "»": r"\ensuremath{\gg}", "¹": r"\ensuremath{^{1}}", "†": r"\dag{}", "‡": r"\ddag{}", "§": r"\S{}",
    "¶": r"\P{}", "©": r"\copyright{}", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "¿": "?`", "¡": "!`",
}  # fmt: skip
_ESCAPES |= {letter: rf"\ensuremath{{^{{{digit}}}}}" for digit, letter in zip("023456789", "⁰²³⁴⁵⁶⁷⁸⁹", strict=True)}
# Omicron and final sigma, which LaTeX lacks, are left out.
_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi . pi rho . sigma tau upsilon"
_ESCAPES |= {
    chr(ord("α") + place): rf"\ensuremath{{\{name}}}"
    for place, name in enumerate([*_GREEK.split(), "phi", "chi", "psi", "omega"])
    if name != "."
}
_ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=", "\u0306": r"\u",
    "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H", "\u030c": r"\v", "\u0327": r"\c",
}  # fmt: skip
# Letters that would run together into another character; the mark between them becomes an empty group.
_BREAK = "\0"
_LIGATURES = ("--", "''", ",,")


def escape(text: str) -> str:
    """Return text that LaTeX prints as it is, in plain ASCII.

    Accented letters become LaTeX's accents; a character that its standard fonts lack is printed as its
    number, for a missing label is worse than an ugly one.
    """
    apart = text.replace(_BREAK, "")
    for pair in _LIGATURES:
        while pair in apart:
            apart = apart.replace(pair, _BREAK.join(pair))
    return "".join("{}" if letter == _BREAK else _letter(letter) for letter in apart)


def _letter(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    if " " <= letter <= "~":
        return letter
    parts = unicodedata.normalize("NFD", letter)
    base, accent = parts[:1], parts[1:]
    if accent in _ACCENTS and base.isascii() and base.isalpha():
        return f"{_ACCENTS[accent]}{{{base}}}"
    if unicodedata.category(letter) in ("Cc", "Cf"):
        return ""
    compatible = unicodedata.normalize("NFKD", letter)
    if compatible.isascii():
        return "".join(_letter(one) for one in compatible)
    return rf"\texttt{{U+{ord(letter):04X}}}"
