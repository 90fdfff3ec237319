"""The example and the list of reason codes in ``docs/linking.md``."""

from __future__ import annotations

import re
from pathlib import Path

from panels.link_status import STATUSES
from tests.panels.building import build, column, write

PAGE = (Path(__file__).parents[2] / "docs" / "linking.md").read_text(encoding="utf-8")


def block(word: str) -> str:
    found = re.search(rf"```csv {word}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def table(first: str) -> list[list[str]]:
    found = re.search(rf"^\| {first} \|.*\n\|[-|]+\|\n(?:\|.*\n)+", PAGE, re.MULTILINE)
    assert found is not None
    head, _, *rows = found[0].splitlines()
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in (head, *rows)]


def test_the_worked_example_is_what_comes_out(tmp_path: Path) -> None:
    write(tmp_path, bridge__csv=block("bridge"), accounts__csv=block("accounts"), s__csv="ENTNR,WAVE\nE1,2021\n")
    panel = build(
        tmp_path,
        """\
        panel:
          accounts: {files: accounts.csv, layout: nbb}
          survey: {files: s.csv, layout: eurostat_ict}
          link: {bridge: {files: bridge.csv}}
        """,
    )
    names, *rows = table("firm")
    found = zip(*(column(panel, name) for name in names), strict=True)
    shown = [
        ["missing" if one is None else f"{one:g}" if isinstance(one, float) else one for one in row] for row in found
    ]
    assert shown == rows


def test_the_reason_codes_are_all_of_them() -> None:
    _, *rows = table("status")
    assert rows == [[one.name, str(int(one.linked)), one.meaning] for one in STATUSES]
