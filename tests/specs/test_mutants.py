"""Whatever happens to a spec, a user sees problems at lines that exist, and never a traceback."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

from tests.specs.support import SHIPPED, all_problems

MUTANTS = int(os.environ.get("TFPLAB_MUTANTS", "400"))
PIECES = (
    "",
    " ",
    "  ",
    "\t",
    "\n",
    ":",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    "'",
    '"',
    "#",
    "&a ",
    "*a",
    "!x ",
    "|",
    ">",
    "%",
    "@",
    "~",
    "<<: ",
    "? ",
    "---\n",
    "010",
    ".inf",
    "null",
    "NO",
    "true",
    "1e999",
    "é",
    "\u2028",
    "\0",
    "\ufeff",
    "\\",
    "==",
    "=",
    "^",
    "-1",
    "like: tfp\n",
    "lag(",
    "in [",
    "and ",
    "year",
    "2023",
    "\U0001f600",
)


def mutant(text: str, chance: random.Random) -> bytes:
    """Return the text with one to four changes: insertions, deletions, exchanges, wrong bytes."""
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(text) + 1)
        end = min(len(text), place + chance.choice((0, 0, 1, 2, 10, 60)))
        kind = chance.randrange(4)
        if kind == 0:
            text = text[:place] + chance.choice(PIECES) + text[end:]
        elif kind == 1:
            text = text[:place] + text[end:]
        elif kind == 2:
            source = chance.randrange(len(text) + 1)
            text = text[:place] + text[source : source + chance.randint(1, 40)] + text[end:]
        else:
            lines = text.split("\n")
            at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
            text = "\n".join(lines)
    raw = text.encode()
    if chance.random() < 0.05:
        at = chance.randrange(len(raw) + 1)
        raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at:]
    return raw


def test_mutants_of_the_shipped_spec(tmp_path: Path) -> None:
    chance = random.Random(20260218)
    text = SHIPPED.read_text(encoding="utf-8")
    path = tmp_path / "s.yaml"
    refused = 0
    slowest = 0.0
    for _ in range(MUTANTS):
        raw = mutant(text, chance)
        path.write_bytes(raw)
        began = time.process_time()
        problems = all_problems(path, "s.yaml")
        slowest = max(slowest, time.process_time() - began)
        refused += bool(problems)
        lines = raw.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line, column, message in problems:
            assert 1 <= line <= len(lines), message
            assert 1 <= column <= len(lines[line - 1]) + 1, (message, lines[line - 1])
            assert "\n" not in message
            assert not any(word in message for word in ("pydantic", "Traceback", "function-", "Input should", "ruamel"))
    assert refused > MUTANTS // 2  # the changes are not harmless
    assert slowest < 2.0  # CPU-seconds; a mutant of 50 lines takes 0.02, and none may explode
