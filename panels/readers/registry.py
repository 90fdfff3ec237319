"""The file formats that can be read, one line each."""

from __future__ import annotations

from collections.abc import Mapping

from panels.readers import csv, duckdb_table, excel, nbb_csv, nbb_json, parquet, postgresql, sas, stata
from panels.readers.files import DataFile, Header, Reader
from specs.errors import Problem

__all__ = ["READERS", "inspect", "reader_of"]

OPTIONS = ("delimiter", "decimal", "encoding", "sheet", "table", "references")

# Of formats that share a suffix, those that look into the file come first.
READERS: Mapping[str, Reader] = {
    "nbb_csv": nbb_csv.READER,
    "csv": csv.READER,
    "parquet": parquet.READER,
    "stata": stata.READER,
    "sas": sas.DATA_SET,
    "sas_transport": sas.TRANSPORT,
    "excel": excel.READER,
    "duckdb": duckdb_table.READER,
    "postgresql": postgresql.READER,
    "nbb_json": nbb_json.READER,
}


def reader_of(file: DataFile) -> Reader | None:
    """Return the reader of a file by the end of its name, by its first bytes where formats share that, or by how its
    address begins; None for an unknown one.
    """
    suffix = file.path.suffix.lower()
    for reader in READERS.values():
        fits = file.shown.startswith(reader.schemes) if reader.schemes else suffix in reader.suffixes
        if fits and (reader.sniff is None or reader.sniff(file)):
            return reader
    return None


def inspect(file: DataFile) -> tuple[Header | None, tuple[Problem, ...]]:
    """Look at a file: its columns, or why it cannot be read."""
    if file.path.is_dir():
        return None, (file.problem(" is a folder", "", f"name the files in it: {file.shown.rstrip('/')}/*.csv"),)
    reader = reader_of(file)
    if reader is None:
        known = ", ".join(dict.fromkeys(suffix for reader in READERS.values() for suffix in reader.suffixes))
        return None, (file.problem(": no reader for files of this name", "", f"there are readers for {known}"),)
    strange = tuple(
        file.problem(f": {name} has no meaning for {reader.name}", "", "leave it out")
        for name in OPTIONS
        if getattr(file, name) and name not in reader.options
    )
    return (None, strange) if strange else reader.inspect(file)
