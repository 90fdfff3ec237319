"""From what a spec names to data files: one a file, or one for all files of an entry whose format is read together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from panels.readers.files import DataFile
from panels.readers.registry import reader_of
from specs.errors import Position, Problem
from specs.files import FilePath, FileSet, find_files

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
        references, missing = _references(entry[0], path, fallback)
        lost += missing
        made = [replace(data_file(one, path, fallback), references=references) for one in entry]
        found += _together(made)
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


def _together(files: Sequence[DataFile]) -> list[DataFile]:
    """Files of one entry that a reader takes as one stand as the parts of the first."""
    found: list[DataFile] = []
    for reader, group in groupby(files, key=reader_of):
        members = list(group)
        if reader is not None and reader.together:
            found.append(replace(members[0], parts=tuple(one.path for one in members)))
        else:
            found += members
    return found


def _references(one: FilePath, path: str, fallback: Position) -> tuple[tuple[Path, ...], list[Problem]]:
    """The lists of references that an entry names."""
    entry = one.entry
    if entry.references is None:
        return (), []
    place = entry.position or fallback
    found, what, advice = find_files(entry.references, Path(place.file).parent)
    problems = [Problem(place, f"{path}.references", what, "", advice)] if what else []
    return tuple(file for file, _ in found), problems
