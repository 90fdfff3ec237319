"""How long a SAS transport file must be: the format has no end of its own, and a file that was cut off reads as a
shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass
from mmap import ACCESS_READ, mmap

from panels.readers.files import DataFile
from specs.errors import Problem

__all__ = ["cut_off"]

_RECORD = 80
_VARIABLES = (b"HEADER RECORD*******NAMESTR ", b"HEADER RECORD*******NAMSTV8 ")
_ROWS = (b"HEADER RECORD*******OBS     ", b"HEADER RECORD*******OBSV8   ")
_NEXT = (b"HEADER RECORD*******MEMBER  ", b"HEADER RECORD*******MEMBV8  ")
_DESCRIBED = 140
"""Bytes that describe a variable; the fifth and sixth are its length in an observation."""


@dataclass(frozen=True, slots=True)
class _Form:
    """What the head says: where observations begin, how long each is, how many there are (0: not said)."""

    start: int
    length: int
    count: int


def cut_off(file: DataFile) -> Problem | None:
    """Return what is wrong with the length of a transport file, None where nothing is.

    A file of version 5 that is cut off exactly between two observations, where that is the end of an 80-byte record
    as well or only blanks were lost, is a whole shorter file, byte for byte: no reader can tell. Version 8 says how
    many observations there are, where its writer filled that in.
    """
    with file.path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as content:
        form = _form(content)
        if form is None:  # the head itself is not whole, or no transport file: pyreadstat says so
            return None
        if any(_another(content, mark, form.start) for mark in _NEXT):
            return file.problem(" holds several data sets", "a transport file is read as one",
                                "save each in a file of its own")  # fmt: skip
        whole, rest = divmod(len(content) - form.start, form.length)
        broken = len(content) % _RECORD or rest >= _RECORD or content[len(content) - rest :].strip(b" ")
        if broken or whole < form.count:
            rows = f"{whole:,} whole observations" + (f" of {form.count:,}" if form.count else "")
            return file.problem(f" is cut off: it ends behind {rows}", "", "copy it again")
    return None


def _form(content: mmap) -> _Form | None:
    """Read the head: records of 80 bytes, among them one that counts the variables and one before the observations."""
    lengths: list[int] = []
    for start in range(0, len(content), _RECORD):
        record = content[start : start + _RECORD]
        if record.startswith(_VARIABLES):
            number = _whole(record[53:58])
            lengths = [_length(content, start + _RECORD + i * _DESCRIBED) for i in range(number)]
        elif record.startswith(_ROWS):
            length = sum(lengths)
            return _Form(start + _RECORD, length, _whole(record[48:63])) if length else None
    return None


def _length(content: mmap, start: int) -> int:
    return int.from_bytes(content[start + 4 : start + 6], "big")


def _whole(written: bytes) -> int:
    return int(written) if written.strip().isdigit() else 0


def _another(content: mmap, mark: bytes, start: int) -> bool:
    """Whether a further data set begins at a record behind the observations."""
    found = content.find(mark, start)
    while found >= 0 and found % _RECORD:
        found = content.find(mark, found + 1)
    return found >= 0
