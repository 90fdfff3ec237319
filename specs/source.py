"""The text of a file: read, decoded, and able to say on which line a character stands."""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

from specs.errors import Position, Problem, did_you_mean

__all__ = ["Source", "SourceError", "is_forbidden", "load"]

MAX_BYTES = 262_144

_SEPARATORS = "\x85\u2028\u2029\ufeff\ufffe\uffff"
_LINE_BREAK = re.compile(r"\r\n?")
_ESCAPES = {"x": 4, "u": 6, "U": 10}


class SourceError(Exception):
    """A file that cannot be read as text."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class Source:
    r"""A text with its name and the starts of its lines.

    Parameters
    ----------
    name : str
        The file as messages show it.
    text : str
        With ``\n`` as the only line break.
    base : str, optional
        See `specs.errors.Position`.
    """

    def __init__(self, name: str, text: str, base: str = "") -> None:
        self.name, self.text, self.base = name, text, base
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        if len(self._starts) > 1 and self._starts[-1] == len(text):
            self._starts.pop()  # the end of the last line is no line of its own

    def line_column(self, index: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character of the text; never beyond its end."""
        index = min(index, max(len(self.text.rstrip("\n")), 0)) if index >= len(self.text) else index
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def position(self, index: int) -> Position:
        """Return the position of a character of the text."""
        return Position(self.name, *self.line_column(index), self.base)

    def spots(self, start: int, end: int, value: str, style: str) -> tuple[tuple[int, Position], ...]:
        """Say where the characters of a scalar stand that is folded, indented or escaped.

        Parameters
        ----------
        start, end : int
            The scalar in the text, quotation marks or block header included.
        value : str
            What YAML made of it.
        style : str
            ``'``, ``"``, ``|``, ``>`` or empty.

        Returns
        -------
        tuple of (offset, Position)
            From this offset of `value` on, the characters stand side by side from there.
        """
        text, place = self.text, start
        if style and style in "|>":
            place = text.find("\n", start, end) + 1 or end
        elif style:
            place += 1
        spots: list[tuple[int, Position]] = []
        expected = -1
        for offset, character in enumerate(value):
            width = 1
            if style == '"' and text[place : place + 1] == "\\":
                while text[place : place + 2] == "\\\n":
                    place += 2 + len(text[place + 2 :]) - len(text[place + 2 :].lstrip())
                if text[place : place + 1] == "\\":
                    width = _ESCAPES.get(text[place + 1 : place + 2], 2)
            elif style == "'" and character == "'":
                # Behind a line break it stands further on.
                width, place = 2, max(text.find("''", place, end), place)
            if width == 1 and text[place : place + 1] != character:
                if character.isspace():
                    width = 0  # a folded line break: the next character finds its own place
                else:
                    place = max(text.find(character, place, end), place)
            if width and place != expected:
                spots.append((offset, self.position(place)))
            expected = place + 1 if width else -1
            place += width
        return tuple(spots) or ((0, self.position(start)),)


def load(path: Path, name: str, base: str = "", text: str | None = None) -> Source:
    """Read a file as UTF-8.

    Parameters
    ----------
    path : Path
    name : str
        The file as messages show it.
    base : str, optional
        See `specs.errors.Position`.
    text : str, optional
        What an editor holds of the file and has not saved: it is checked in the place of the file's.

    Raises
    ------
    SourceError
        Where it is missing, not a file, too large, not UTF-8 or holds control characters.
    """
    start = Position(name, 1, 1)
    try:
        # An editor may hand on half of a surrogate pair, which no UTF-8 has.
        raw = None if text is None else text.encode("utf-8", "replace")
        size = path.stat().st_size if raw is None else len(raw)
        if raw is None and path.is_dir():
            raise SourceError(Problem(start, "", "this is a folder", "a file is wanted", _yaml_inside(path)))
        if raw is None and not path.is_file():  # it may never end, or be waited for without end
            raise SourceError(Problem(start, "", "this is a device or a pipe", "a file is wanted", "save it as a file"))
        if raw is None and size <= MAX_BYTES:
            with path.open("rb") as file:
                raw = file.read(MAX_BYTES + 1)  # some say that they are empty and are not: those of /proc
            size = len(raw)
        if raw is None or size > MAX_BYTES:
            raise SourceError(
                Problem(
                    start,
                    "",
                    f"the file has {size:,} bytes" if raw is None or text is not None else "the file is too large",
                    f"at most {MAX_BYTES:,} are read",
                    "is this a spec, or data?",
                )
            )
    except FileNotFoundError:
        raise SourceError(Problem(start, "", "no such file", "", _neighbour(path))) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(Problem(start, "", f"the file cannot be read: {reason}")) from None
    return Source(name, _decode(raw, name), base)


def _neighbour(path: Path) -> str:
    try:
        names = [other.name for other in path.parent.iterdir() if other.suffix in (".yaml", ".yml")]
    except OSError:
        return ""
    return did_you_mean(path.name, names)


def _yaml_inside(path: Path) -> str:
    names = sorted(other.name for other in path.iterdir() if other.suffix in (".yaml", ".yml"))
    return f"name one of its files: {', '.join(names[:5])}" if names else ""


def _decode(raw: bytes, name: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(
            Problem(Position(name, 1, 1), "", "the file is in UTF-16", "a spec is UTF-8", "save it as UTF-8")
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        place = Source(name, _LINE_BREAK.sub("\n", before) + "?").position(len(_LINE_BREAK.sub("\n", before)))
        what = f"the byte 0x{raw[error.start]:02X} is not UTF-8"
        raise SourceError(Problem(place, "", what, "the file is in another encoding", "save it as UTF-8")) from None
    source = Source(name, _LINE_BREAK.sub("\n", text))
    for index, character in enumerate(source.text):
        if not character.isprintable() and is_forbidden(character):
            what = f"the invisible character U+{ord(character):04X}"
            advice = "is this a text file?" if character == "\0" else "delete it"
            raise SourceError(Problem(source.position(index), "", what, "", advice))
    return source.text


def is_forbidden(character: str) -> bool:
    """Return whether YAML refuses a character, or takes it for a line break that no editor shows."""
    code = ord(character)
    return (code < 32 and character not in "\t\n") or 127 <= code < 160 or character in _SEPARATORS
