"""YAML with comments, line by line: values are quoted where YAML would read them otherwise."""

from __future__ import annotations

import re
import textwrap

from specs.errors import one_line
from specs.scalars import ScalarError, resolve

__all__ = ["Page", "listed", "written"]

_WIDTH = 118
_COLUMN = 48
_ELSEWHERE = ("y", "n", "yes", "no", "on", "off")
"""Texts here, true and false to programs of YAML 1.1."""
_PLAIN = re.compile(r"(?:\.{0,2}/)*[^\W\d][\w./-]*(?:\*[\w./-]*)*")


def written(text: str) -> str:
    """Return a text as a value or key of YAML, inside brackets too: plain where it stays what it is, else quoted."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _ELSEWHERE and _is_text(text):
        return text
    return "'" + text.replace("'", "''") + "'"


def _is_text(text: str) -> bool:
    try:
        return isinstance(resolve(text), str)
    except ScalarError:
        return False


def listed(names: tuple[str, ...] | list[str]) -> str:
    """Return names as a list of YAML on one line."""
    return f"[{', '.join(written(name) for name in names)}]"


class Page:
    """A spec in the making."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self._lines) + "\n"

    def gap(self) -> None:
        """Leave a line empty."""
        self._lines.append("")

    def say(self, text: str, indent: int = 0) -> None:
        """Write a comment, on as many lines as it takes. Names in it may hold anything: none ends its line."""
        first = f"{' ' * indent}# "
        self._lines += textwrap.wrap(
            one_line(text), _WIDTH, initial_indent=first, subsequent_indent=first,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    def key(self, text: str, why: str = "", indent: int = 0) -> None:
        """Write a line with its comment: behind it where there is room, else above it."""
        line = " " * indent + text
        behind = f"{line.ljust(_COLUMN)}  # {one_line(why)}" if why else line
        if len(behind) <= _WIDTH:
            self._lines.append(behind)
            return
        self.say(why, indent)
        self._lines.append(line)

    def off(self, text: str, why: str = "", indent: int = 0) -> None:
        """Write a line that has no effect until its # is taken away."""
        line = f"{' ' * indent}# {text}"
        behind = f"{line.ljust(_COLUMN)}  # {one_line(why)}" if why else line
        if len(behind) > _WIDTH:
            self.say(why, indent)
            behind = line
        self._lines.append(behind)
