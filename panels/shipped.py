"""The layouts that come with the house: their names, and the columns that each promises.

The promises stand in ``layouts/columns.json``, drawn from the YAML files, because the first gate asks for
nothing else and reading those files costs more than all the rest of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from panels.facts import ColumnFacts

__all__ = ["COLUMNS", "FOLDER", "LAYOUTS", "Promise", "promise_of"]

LAYOUTS = ("nbb", "eurostat_ict", "bridge")
FOLDER = Path(__file__).parent / "layouts"
COLUMNS = FOLDER / "columns.json"
"""Written by ``python -m tests.panels.layout_columns``; a test holds it equal to the layouts."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What a layout yields.

    Attributes
    ----------
    table : str
        ``accounts``, ``survey`` or ``bridge``.
    columns : mapping of str to ColumnFacts
        Every column besides the keys.
    """

    table: str
    columns: Mapping[str, ColumnFacts]


@cache
def promise_of(name: str) -> Promise:
    """Return what one of `LAYOUTS` promises."""
    found = json.loads(COLUMNS.read_text(encoding="utf-8"))[name]
    step = "link" if found["table"] == "survey" else ""
    columns = {
        name: ColumnFacts(name, kind, unit, source, step=step, waves=tuple(waves), why=why)
        for name, (kind, unit, source, waves, why) in found["columns"].items()
    }
    return Promise(found["table"], columns)
