"""Tables whose columns have types: what Parquet, DuckDB and a copy out of a database have in common."""

from __future__ import annotations

from collections.abc import Sequence

from panels.readers.files import Header, present

__all__ = ["header_of", "typed_cells"]

_NUMBERS = (
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "BOOLEAN",
)  # fmt: skip
_WHOLE = ("INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT", "UHUGEINT")
_DATES = ("DATE", "TIMESTAMP")
_NESTED = ("STRUCT(", "MAP(", "UNION(")


def header_of(columns: Sequence[tuple[str, str]]) -> Header:
    """Return the header of a table.

    Parameters
    ----------
    columns : sequence of (str, str)
        Names and types, as DuckDB calls them.
    """
    return Header(tuple(name for name, _ in columns), tuple(_kind(one) for _, one in columns))


def _kind(type_name: str) -> str:
    if type_name.endswith("]"):
        return "lists"
    if type_name.startswith(_NESTED):
        return "maps" if type_name.startswith("MAP") else "structs"
    if type_name.startswith(_NUMBERS):
        return "number"
    return "date" if type_name.startswith(_DATES) else "raw"


def typed_cells(header: Header, types: Sequence[str], wanted: Sequence[int]) -> str:
    """Return the SQL of the columns that are wanted, ``c0``, ``c3``, ...; dates become text.

    Parameters
    ----------
    header : Header
    types : sequence of str
        Of all its columns.
    wanted : sequence of int
    """
    return ", ".join(_cell(header.kinds[index], f"c{index}", types[index]) for index in list(wanted) or [0])


def _cell(kind: str, column: str, type_name: str) -> str:
    if type_name in _WHOLE:
        # Kept whole: numbers of firms with more than 15 digits would run into one another as floats.
        return column
    if kind == "number":
        number = f"CAST({column} AS DOUBLE)"
        return f"CASE WHEN NOT isnan({number}) THEN {number} END AS {column}"
    if kind == "date":
        return f"strftime({column}, '%Y-%m-%d') AS {column}"
    return f"{present(column)} AS {column}"
