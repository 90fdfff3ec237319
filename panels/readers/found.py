"""From what a spec names to data files: one a file, or one for all files of an entry whose format is read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from panels.readers.files import DataFile
from panels.readers.registry import reader_of
from specs.errors import Position, Problem
from specs.files import FilePath, FileSet, find_references

__all__ = ["data_file", "data_files"]


def data_files(files: FileSet, path: str, fallback: Position) -> tuple[tuple[DataFile, ...], tuple[Problem, ...]]:
    """Find the files of a source.

    Parameters
    ----------
    files : FileSet
    path : str
        The dotted path of ``files:``.
    fallback : Position
        Where problems stand that belong to no entry.
    """
    paths, problems = files.expand(None, path)
    found: list[DataFile] = []
    lost: list[Problem] = []
    for _, group in groupby(paths, key=lambda one: id(one.entry)):
        entry = list(group)
        references, missing = find_references(entry[0].entry, path, fallback)
        lost += missing
        if missing:  # the lists that it names are not there: nothing else can be said of it
            continue
        lists = tuple(one.path for one in references)
        made = [replace(data_file(one, path, fallback), references=lists) for one in entry]
        found += _together(made, entry[0].entry.pattern)
    return tuple(found), (*problems, *lost)


def data_file(one: FilePath, path: str, fallback: Position) -> DataFile:
    """Return a file as a reader takes it.

    Parameters
    ----------
    one : FilePath
    path, fallback
        As in `data_files`.
    """
    entry = one.entry
    return DataFile(
        one.path, one.shown, entry.position or fallback, path, entry.delimiter, entry.decimal, entry.encoding,
        entry.wave, entry.sheet, entry.table,
    )  # fmt: skip


def _together(files: Sequence[DataFile], pattern: str) -> list[DataFile]:
    """Files of one entry that a reader takes as one stand as the parts of the first, wherever they stand in it."""
    groups: dict[int, list[DataFile]] = {}
    for number, file in enumerate(files):
        reader = reader_of(file)
        groups.setdefault(-id(reader) if reader is not None and reader.together else number, []).append(file)
    found: list[DataFile] = []
    for key, members in groups.items():
        if key < 0:
            found.append(replace(members[0], shown=pattern, parts=tuple(one.path for one in members)))
        else:
            found += members
    return found
