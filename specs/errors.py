"""What can go wrong, and where: every mistake a user can make ends as one of these.

::

    TfplabError
    ├── SpecError         problems in a spec, its files or their values     exit status 2
    ├── EstimationError   one estimate cannot be computed, by name          exit status 1
    └── BundleError       the output folder cannot be written or read       exit status 2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

__all__ = [
    "BundleError",
    "EstimationError",
    "Position",
    "Problem",
    "SpecError",
    "TfplabError",
    "did_you_mean",
    "one_line",
]


_LONGEST = 1_000
"""Characters of one part of a message: a user's own text, which messages repeat, may be a whole page."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text file.

    Attributes
    ----------
    file : str
        The path as the user gave it.
    line, column : int
        Both count from 1, in characters.
    base : str
        The folder that paths written there are relative to, where it is not the file's own: what a spec of the
        library says of files is said of those of whoever extends it.
    """

    file: str
    line: int
    column: int
    base: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def right(self, characters: int) -> Position:
        """Return the place so many characters further on the same line."""
        return Position(self.file, self.line, self.column + characters, self.base)

    @property
    def folder(self) -> Path:
        """The folder that a path written there is relative to."""
        return Path(self.base) if self.base else Path(self.file).parent


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, what, what it means, and what to try.

    Attributes
    ----------
    position : Position
        Where the user can mend it.
    path : str
        The dotted path in the spec, ``models.table1.formula``; empty for a whole file.
    what, meaning, advice : str
        What is wrong, what it means, what to try. The last two may be empty. No final full stop. Kept as one line:
        characters that a terminal does not show stand as their codes.
    """

    position: Position
    path: str
    what: str
    meaning: str = ""
    advice: str = ""

    def __post_init__(self) -> None:
        for name in ("path", "what", "meaning", "advice"):
            text = getattr(self, name)
            if len(text) > _LONGEST or not text.isprintable():
                object.__setattr__(self, name, one_line(text))

    def __str__(self) -> str:
        text = ", ".join(part for part in (self.what, self.meaning, self.advice) if part)
        return f"{self.position}: {self.path}: {text}" if self.path else f"{self.position}: {text}"


class TfplabError(Exception):
    """The base of all errors that a user may see as one message without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows in the place of a traceback."""
        return [f"{type(self).__name__}:", *str(self).splitlines()]


class SpecError(TfplabError):
    """A spec, its files or their values are not as they must be; nothing was written.

    Parameters
    ----------
    problems : iterable of Problem
        At least one; kept without repeats, in the order of the file.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        # What `like` copied is wrong at one place, however many entries copied it: the first path tells it.
        first: dict[tuple[Position, str], Problem] = {}
        for problem in problems:
            first.setdefault((problem.position, problem.what), problem)
        self.problems: tuple[Problem, ...] = tuple(sorted(first.values(), key=_place))
        if not self.problems:
            raise ValueError("a SpecError names at least one problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


class EstimationError(TfplabError):
    """One estimate cannot be computed: the message names it, the cause and what to try.

    Parameters
    ----------
    message : str
    dropped : mapping of str to int, optional
        Rows that could not take part, by reason, as far as they had been counted.
    """

    def __init__(self, message: str, dropped: Mapping[str, int] | None = None) -> None:
        super().__init__(message)
        self.dropped: dict[str, int] = dict(dropped or {})


class BundleError(TfplabError):
    """A run bundle cannot be written or read."""


def _place(problem: Problem) -> tuple[Position, str]:
    return problem.position, problem.path


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean "..."?`` for the nearest known name, or an empty text.

    Parameters
    ----------
    name : str
        What the user wrote.
    known : iterable of str
        What would have been understood.

    Returns
    -------
    str
        Empty where nothing is near.
    """
    return _nearest(name.lower(), tuple(known))


@lru_cache(maxsize=10_000)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    # Kept: one wrong name may stand in thousands of places, and to compare it with all others takes a while.
    near = get_close_matches(name, {candidate.lower(): candidate for candidate in known}, n=1, cutoff=0.6)
    if not near:
        return ""
    original = next(candidate for candidate in known if candidate.lower() == near[0])
    return f'did you mean "{original}"?'


def one_line(text: str) -> str:
    """Return a text as one line that a terminal can show: what is invisible by its code, what is long cut."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST - 200]} ... {text[-150:]}"
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
