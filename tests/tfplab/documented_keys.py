"""The keys of a spec as docs/language.md describes them: ``python -m tests.tfplab.documented_keys`` writes them down.

`tfplab schema` shows these descriptions in editors; the docs are where they are written, once.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tfplab.schema.descriptions import KEYS

LANGUAGE = Path(__file__).parents[2] / "docs" / "language.md"
TABLE = re.compile(r"^(?P<before>[^\n]*)\n+\| key \| default \|(?P<of>[^\n]*)\n\|[-|]+\|\n(?P<rows>(?:\|.*\n)+)", re.M)


def documented_keys() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every table of keys, by section and, below it, by the key that the table is about."""
    found: dict[str, list[dict[str, Any]]] = {}
    for section in re.split(r"^## ", LANGUAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        heading, _, body = section.partition("\n")
        name = heading.strip("`").lower().replace("the head", "head")
        for number, table in enumerate(TABLE.finditer("\n" + body)):
            about = re.findall(r"`(\w+)`", table["before"]) if table["before"].startswith("In ") else []
            places = [f"{name}.{one}" for one in about] or [name if not number else f"{name}.{number}"]
            rows = [_row(line, has_designs="what" in table["of"].split("|", 1)[1]) for line in _lines(table["rows"])]
            for place in places:
                found[place] = rows
    return found


def _lines(rows: str) -> list[list[str]]:
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in rows.splitlines()]


def _row(cells: list[str], has_designs: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"keys": re.findall(r"`(\w+)`", cells[0]), "default": _plain(cells[1])}
    if has_designs:
        row["of"] = _plain(cells[2])
    return {**row, "text": _plain(cells[-1])}


def _plain(cell: str) -> str:
    """Return a cell without the signs of Markdown: a link as its words, code as it is."""
    return re.sub(r"\[([^\]]*)\]\([^)\s]*\)", r"\1", cell).replace("`", "").replace("\\|", "|")


def written() -> str:
    """Return the content of the file."""
    return json.dumps(documented_keys(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    KEYS.write_text(written(), encoding="utf-8")
