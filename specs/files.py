"""``files:``: a path, a glob, a list, a map with options, or a map from survey wave to any of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from specs.errors import Position, Problem, did_you_mean
from specs.fields import Checked, as_written, mistake
from specs.tree import Node, find

__all__ = ["FileEntry", "FilePath", "FileSet", "FilesField", "find_files", "find_references"]

OPTIONS = ("path", "delimiter", "decimal", "encoding", "sheet", "table", "references")
_GLOB = frozenset("*?[")
_SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One path or glob of a spec.

    Attributes
    ----------
    pattern : str
        As written, relative to the spec's folder.
    wave : int or None
        The survey wave whose key it stands under.
    delimiter, decimal, encoding : str or None
        As declared; None to be detected.
    path : tuple of str
        Where it stands below ``files:``.
    sheet, table : str or None
        Of a workbook, of a database.
    references : str or None
        A path or glob: the lists that say what deposits are, relative to the spec's folder.
    position : Position or None
        Where it is written; None for a set made in Python.
    """

    pattern: str
    wave: int | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    path: tuple[str, ...] = ()
    sheet: str | None = None
    table: str | None = None
    references: str | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class FilePath:
    """A file that exists, with what its entry says of it.

    Attributes
    ----------
    path : Path
        As it can be opened.
    shown : str
        As messages and the record show it: relative to the spec.
    entry : FileEntry
    """

    path: Path
    shown: str
    entry: FileEntry


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one source, in the order of writing.

    Attributes
    ----------
    entries : tuple of FileEntry
    written : object
        The value of the key as the spec has it.
    """

    entries: tuple[FileEntry, ...]
    written: object

    @property
    def waves(self) -> tuple[int, ...]:
        """The survey waves that files are given for, ascending; empty where none is named."""
        return tuple(sorted({entry.wave for entry in self.entries if entry.wave is not None}))

    def located(self, node: Node) -> FileSet:
        """Return the set with the position of every entry below the node of ``files:``."""
        return replace(self, entries=tuple(_located(entry, node) for entry in self.entries))

    def expand(self, base: Path | None = None, path: str = "") -> tuple[tuple[FilePath, ...], tuple[Problem, ...]]:
        """Find the files.

        Parameters
        ----------
        base : Path, optional
            The folder that the paths are relative to; that of the spec in which each is written if not given.
        path : str
            The dotted path of ``files:``, for messages.

        Returns
        -------
        files : tuple of FilePath
            Sorted within each glob.
        problems : tuple of Problem
            Missing files, empty globs, folders and files that are named twice.
        """
        files: list[FilePath] = []
        problems: list[Problem] = []
        seen: set[tuple[Path, int | None]] = set()
        for entry in self.entries:
            place = entry.position or Position("", 1, 1)
            folder = base if base is not None else place.folder
            dotted = ".".join([path, *entry.path]) if path else ".".join(entry.path)
            found, what, advice = find_files(entry.pattern, folder)
            if what:
                problems.append(Problem(place, dotted, what, "", advice))
            for one, shown in found:
                if (one, entry.wave) in seen:
                    problems.append(
                        Problem(
                            place,
                            dotted,
                            f'the file "{shown}" is named twice',
                            "",
                            "its rows would count twice",
                        )
                    )
                seen.add((one, entry.wave))
                files.append(FilePath(one, shown, entry))
        return tuple(files), tuple(problems)


def _located(entry: FileEntry, node: Node) -> FileEntry:
    below = find(node, entry.path) or node
    return replace(entry, position=below.at(0) if isinstance(below.value, str) else below.position)


def find_files(pattern: str, folder: Path) -> tuple[list[tuple[Path, str]], str, str]:
    """Return the files of a pattern, each with the name that messages show; else what is wrong and what to try.

    Parameters
    ----------
    pattern : str
        A path or a glob.
    folder : Path
        What it is relative to.
    """
    if "://" in pattern:
        return _address(pattern)
    whole = folder / pattern
    try:
        if whole.is_file():
            return [(whole, pattern)], "", ""
        if whole.is_dir():
            return [], f'"{pattern}" is a folder', f"name its files: {pattern.rstrip('/')}/*{_suffix_in(whole)}"
        if not _GLOB & set(pattern):
            return [], f'no such file "{pattern}"', _near(whole)
        matches = sorted(
            match for match in glob(pattern, root_dir=folder, recursive=True) if (folder / match).is_file()
        )
    except (OSError, ValueError) as error:
        return [], f'"{pattern}" cannot be looked up: {error}', ""
    if not matches:
        return [], f'no file matches "{pattern}"', ""
    return [(folder / match, Path(match).as_posix()) for match in matches], "", ""


def _address(written: str) -> tuple[list[tuple[Path, str]], str, str]:
    """Check the address of a database; a message must not repeat a password."""
    try:
        parts = urlsplit(written)
        secret = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError as error:
        return [], f"an address that cannot be read: {error}", "write postgresql://host/database"
    if parts.scheme not in _SCHEMES:
        return [], f'"{parts.scheme}://" is no address that can be read', "write a path, or postgresql://host/database"
    if secret:
        advice = "leave it out: PostgreSQL finds it in PGPASSWORD or in ~/.pgpass"
        return [], "a password stands in the address, and a spec is copied into every bundle", advice
    return [(Path(written), written)], "", ""


def find_references(entry: FileEntry, path: str, fallback: Position) -> tuple[list[FilePath], list[Problem]]:
    """Return the lists of references that an entry names, and what is wrong with the name.

    Parameters
    ----------
    entry : FileEntry
    path : str
        The dotted path of ``files:``.
    fallback : Position
        Where a problem stands if the entry has no place of its own.
    """
    if entry.references is None:
        return [], []
    place = entry.position or fallback
    found, what, advice = find_files(entry.references, place.folder)
    problems = [Problem(place, f"{path}.references", what, "", advice)] if what else []
    return [FilePath(file, shown, entry) for file, shown in found], problems


def _suffix_in(folder: Path) -> str:
    """Return how most names in a folder end, ``.csv`` where none ends in any way."""
    try:
        found = Counter(one.suffix for one in folder.iterdir() if one.suffix and not one.name.startswith("."))
    except OSError:
        return ".csv"
    return min(found, key=lambda suffix: (-found[suffix], suffix), default=".csv")


def _near(path: Path) -> str:
    try:
        names = sorted(other.name for other in path.parent.iterdir())
    except OSError:
        return f'there is no folder "{path.parent}"'
    if path.name in names:
        return f'"{path.name}" there is a link to a file that is gone'
    return did_you_mean(path.name, names[:10_000])


def _files(value: Any) -> FileSet:
    if isinstance(value, FileSet):
        return value
    return FileSet(tuple(_entries(value, None, ())), value)


def _entries(value: Any, wave: int | None, path: tuple[str, ...]) -> Iterator[FileEntry]:
    if isinstance(value, str):
        if not value.strip():
            raise mistake("an empty path", path=path)
        yield FileEntry(value, wave, path=path)
    elif isinstance(value, (tuple, list)):
        if not value:
            raise mistake("an empty list of files", path=path)
        for index, item in enumerate(value):
            yield from _entries(item, wave, (*path, str(index)))
    elif isinstance(value, dict) and value and all(str(key).isdecimal() for key in value):
        if wave is not None:
            raise mistake("a map of waves inside a wave", path=path)
        for key, item in value.items():
            if not (len(str(key)) == 4):
                raise mistake(
                    f'"{key}" is not the year of a wave',
                    "",
                    "write {2021: data/ict_2021.csv}",
                    path=(*path, str(key)),
                    at_key=True,
                )
            yield from _entries(item, int(key), (*path, str(key)))
    elif isinstance(value, dict):
        yield _with_options(value, wave, path)
    else:
        raise mistake(f"a path is wanted, not {as_written(value)}", "", "write data/accounts.csv", path=path)


def _with_options(value: dict[str, Any], wave: int | None, path: tuple[str, ...]) -> FileEntry:
    for key in value:
        if key not in OPTIONS:
            advice = did_you_mean(key, OPTIONS) or f"there are: {', '.join(OPTIONS)}, or the years of waves"
            raise mistake(f'unknown key "{key}"', "", advice, path=(*path, key), at_key=True)
    if "path" not in value:
        raise mistake('the key "path" is missing', path=path, at_key=True)
    for key, given in value.items():
        if not isinstance(given, str) or not given:
            raise mistake(f"text is wanted, not {as_written(given)}", path=(*path, key))
    delimiter = {"tab": "\t", "\\t": "\t"}.get(value.get("delimiter", ""), value.get("delimiter"))
    if delimiter is not None and (len(delimiter) != 1 or delimiter.isalnum() or delimiter in "\"'\n"):
        raise mistake(
            f"{as_written(delimiter)} is not a delimiter",
            "",
            "write ';', ',', '|' or tab",
            path=(*path, "delimiter"),
        )
    decimal = value.get("decimal")
    if decimal not in (None, ".", ","):
        raise mistake(f"{as_written(decimal)} is not a decimal mark", "", "write '.' or ','", path=(*path, "decimal"))
    if decimal is not None and decimal == delimiter:
        raise mistake("delimiter and decimal are the same sign", path=(*path, "decimal"))
    _check_encoding(value.get("encoding"), (*path, "encoding"))
    others = {name: value.get(name) for name in ("sheet", "table", "references")}
    return FileEntry(value["path"], wave, delimiter, decimal, value.get("encoding"), (*path, "path"), **others)


def _check_encoding(encoding: str | None, path: tuple[str, ...]) -> None:
    if encoding is None:
        return
    try:
        "".encode(encoding)  # refuses what Python knows as a codec and is none of text: base64, rot13
    except (LookupError, ValueError):
        advice = "write utf-8, latin-1 or cp1252"
        raise mistake(f"{as_written(encoding)} is not an encoding", "", advice, path=path) from None


def _written(files: FileSet) -> object:
    return files.written


_PATH = {"type": "string", "pattern": r"\S", "patternErrorMessage": "an empty path"}
_TEXT = {"type": "string", "minLength": 1, "errorMessage": "text is wanted"}
_TOLD = dict(
    zip(
        OPTIONS,
        (
            "a path, a pattern such as data/accounts_*.csv, or the address of a database",
            "of CSV: ;  ,  | or tab; found out where it is not said",
            "of CSV: . or , as the decimal sign; found out where it is not said",
            "of CSV: found out where it is not said, UTF-8 or else windows-1252",
            "of a workbook: the sheet",
            "of a database: the table",
            "of filings: the lists that say what deposits are",
        ),
        strict=True,
    )
)
_DETAILS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path"],
    "properties": dict.fromkeys(OPTIONS, _TEXT),
    "described": _TOLD,
    "first": True,
}
_FILE = {"anyOf": [_PATH, _DETAILS], "errorMessage": "a path is wanted"}
_LIST = {"type": "array", "items": _FILE, "minItems": 1, "lengthErrorMessage": "an empty list of files"}
_ONE_WAVE = {"anyOf": [_PATH, _LIST, _DETAILS], "errorMessage": "a path is wanted"}
_WAVES = {"type": "object", "patternProperties": {"^[0-9]{4}$": _ONE_WAVE}, "additionalProperties": False}
_FILES = {"anyOf": [_PATH, _LIST, _WAVES, _DETAILS], "errorMessage": "a path is wanted"}

FilesField = Annotated[FileSet, Checked(_files, _written, _FILES)]
"""A path, a glob, a list, ``{path, delimiter, decimal, encoding}``, or a map from wave to any of these."""
