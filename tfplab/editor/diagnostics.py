"""What the first gate finds in a text, as an editor shows it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from specs.errors import Problem, SpecError
from tfplab.commands.common import plan_of

__all__ = ["diagnostics_of", "is_spec", "path_of"]

_SPEC = re.compile(
    r"""^(?:\ufeff?["']?tfplab["']?\s*:|\#\s*yaml-language-server:(?!.*fragment).*tfplab)""", re.MULTILINE | re.VERBOSE
)
_WORD = re.compile(r"[\w.]+|.?")


def is_spec(text: str) -> bool:
    """Return whether a YAML file is a whole spec: it has the key ``tfplab`` or, in a comment, the schema of one."""
    return _SPEC.search(text) is not None


def path_of(uri: str) -> Path:
    """Return the file of a document; of one that was never saved a name in the folder of the process."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        host = f"//{parts.netloc}" if parts.netloc else ""
        return Path(url2pathname(host + parts.path))
    return Path(re.sub(r"[^\w.-]", "_", unquote(parts.path)) or "untitled.yaml")


def diagnostics_of(uri: str, texts: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Check the text of a spec by the first gate.

    Parameters
    ----------
    uri : str
        Of the document.
    texts : mapping of str to str
        All documents that the editor holds, by their names, saved or not: a spec may extend one of them.

    Returns
    -------
    dict of str to list
        By document, the diagnostics in it: a mistake may stand in another file, a layout or a spec that is extended.
        The spec itself is always there.
    """
    path = path_of(uri)
    held = {os.path.realpath(path_of(name)): text for name, text in texts.items()}
    try:
        plan_of(path, texts=held)
    except SpecError as error:
        problems = error.problems
    else:
        problems = ()
    found: dict[str, list[dict[str, Any]]] = {uri: []}
    lines: dict[str, list[str]] = {}
    named = {os.path.realpath(path_of(name)): name for name in texts}
    for problem in problems:
        file = problem.position.file
        if file not in lines:
            real = os.path.realpath(file)
            lines[file] = _lines(held[real]) if real in held else _lines_of(Path(file))
        at = uri if file == str(path) else named.get(os.path.realpath(file)) or Path(file).resolve().as_uri()
        found.setdefault(at, []).append(_diagnostic(problem, lines[file]))
    return found


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text)


def _lines_of(path: Path) -> list[str]:
    """Return the lines of another file; none of what is not text, such as a file of data."""
    try:
        return _lines(path.read_text(encoding="utf-8-sig")) if path.suffix in (".yaml", ".yml") else []
    except (OSError, ValueError):
        return []


def _diagnostic(problem: Problem, lines: list[str]) -> dict[str, Any]:
    row, column = problem.position.line - 1, problem.position.column - 1
    line = lines[row] if row < len(lines) else ""
    bom = line.startswith("\ufeff")  # the gate does not count it, the editor does
    column += bom
    word = _WORD.match(line, column)
    end = column + len(word.group() if word else "")
    spans = ("start", column), ("end", max(end, column + 1 if not line else column))
    return {
        "range": {name: {"line": row, "character": _units(line, place)} for name, place in spans},
        "severity": 1,
        "source": "tfplab",
        "message": str(problem).removeprefix(f"{problem.position}: "),
    }


def _units(line: str, column: int) -> int:
    """Return a column in UTF-16 units, in which the protocol counts: a sign beyond U+FFFF takes two."""
    return column + sum(ord(sign) > 0xFFFF for sign in line[:column])
