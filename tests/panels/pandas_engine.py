"""An engine whose steps run on pandas: what is written in Narwhals must give the same panel there as on DuckDB.

Files are read by DuckDB, and it is asked for counts and messages that are written in SQL; every filter, join, window
and sum of a step is reckoned by pandas.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import pandas as pd

from panels.engine import Engine, Frame, identifier

__all__ = ["PandasEngine"]

_KINDS = {"VARCHAR": "string", "BOOLEAN": "boolean", "DOUBLE": "Float64"}
"""Kinds of columns in which missing is pd.NA, as NULL is in SQL; all others are whole numbers."""


class PandasEngine(Engine):
    """Hands out tables as frames of pandas, and takes them back."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._held: list[pd.DataFrame] = []

    def table(self, name: str) -> Frame:
        """Return a table as a lazy frame of pandas."""
        relation = self.connection.table(identifier(name))
        kinds = [_KINDS.get(str(kind), "Int64") for kind in relation.types]
        rows = relation.fetchall()
        cells = zip(*rows, strict=True) if rows else ([] for _ in kinds)
        columns = dict(zip(relation.columns, zip(cells, kinds, strict=True), strict=True))
        frame = pd.DataFrame({key: pd.array(list(values), dtype=kind) for key, (values, kind) in columns.items()})
        return nw.from_native(frame).lazy()

    def beside(self, *names: str) -> Frame:
        """Return tables of the same rows side by side, as a lazy frame of pandas."""
        parts = [nw.to_native(self.table(name)) for name in names]
        return nw.from_native(pd.concat(parts, axis=1)).lazy()

    def sql(self, frame: Frame) -> str:
        """Return the SQL of a frame of pandas: a copy of it."""
        native = nw.to_native(frame)
        name = f"pandas_{len(self._held)}"
        self._held.append(native)  # DuckDB looks at the frame itself
        self.connection.register(name, native)
        return f"SELECT * FROM {name}"
