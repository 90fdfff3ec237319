"""What ``panels/layouts/columns.json`` must hold. ``python -m tests.panels.layout_columns`` writes it anew."""

from __future__ import annotations

import json
from pathlib import Path

from panels.layout import load_layout
from panels.shipped import COLUMNS, LAYOUTS
from specs.errors import Position


def columns_text() -> str:
    """Draw the promises from the layouts: for each its table and, by column, kind, unit, source, waves, and why other
    waves cannot be compared.
    """
    parts = []
    for name in LAYOUTS:
        layout, problems = load_layout(name, Path(), Position("", 1, 1), "")
        assert layout is not None, problems
        lines = []
        for column, facts in layout.promise().columns.items():
            assert (facts.name, facts.levels) == (column, ())
            lines.append(
                f"  {json.dumps(column)}: {json.dumps([facts.kind, facts.unit, facts.source, facts.waves, facts.why])}"
            )
        columns = ",\n".join(lines)
        parts.append(f' {json.dumps(name)}: {{"table": {json.dumps(layout.table)}, "columns": {{\n{columns}\n }}}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    COLUMNS.write_text(columns_text(), encoding="utf-8")
