"""The file formats that can be read, one line each."""

from __future__ import annotations

from collections.abc import Mapping

from panels.readers import csv, parquet
from panels.readers.files import DataFile, Header, Reader
from specs.errors import Problem

__all__ = ["READERS", "inspect", "reader_of"]

OPTIONS = ("delimiter", "decimal", "encoding", "sheet", "table", "references")

READERS: Mapping[str, Reader] = {
    "csv": csv.READER,
    "parquet": parquet.READER,
}


def reader_of(file: DataFile) -> Reader | None:
    """Return the reader of a file by the end of its name, None for an unknown one."""
    suffix = file.path.suffix.lower()
    return next((reader for reader in READERS.values() if suffix in reader.suffixes), None)


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Look at a file: its columns, or why it cannot be read."""
    if file.path.is_dir():
        return None, (file.problem(" is a folder", "", f"name the files in it: {file.shown.rstrip('/')}/*.csv"),)
    reader = reader_of(file)
    if reader is None:
        known = ", ".join(suffix for reader in READERS.values() for suffix in reader.suffixes)
        return None, (file.problem(": no reader for files of this name", "", f"there are readers for {known}"),)
    strange = tuple(
        file.problem(f": {name} has no meaning for {reader.name}", "", "leave it out")
        for name in OPTIONS
        if getattr(file, name) and name not in reader.options
    )
    return (None, strange) if strange else reader.inspect(file)
