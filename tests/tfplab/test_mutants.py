"""The whole first gate on broken specs: problems at lines that exist, never a traceback."""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

from specs.errors import SpecError
from tests.specs.test_mutants import mutant
from tfplab.first_gate import make_plan

MUTANTS = int(os.environ.get("TFPLAB_MUTANTS", "250"))
# The shipped spec does not use its productivity columns in every place; this one does.
EXTRA = """\
  before: lag(tfp)
productivity:
"""
MODEL = """\
  path: {like: table1, formula: tfp ~ before + lp + ai, where: tfp > 0, errors: {cluster: [firm]}}
tables:
"""


def exchanged(text: str, chance: random.Random) -> bytes:
    """Return the text with words in each other's places: well-formed YAML that means something else."""
    words = [match.span() for match in re.finditer(r"[\w.]+", text)]
    for _ in range(chance.randint(1, 3)):
        start, end = chance.choice(words)
        first, last = chance.choice(words)
        text = text[:start] + text[first:last] + text[end:]
        words = [match.span() for match in re.finditer(r"[\w.]+", text)]
    return text.encode()


def test_mutants_through_the_first_gate(demo_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").symlink_to(demo_folder / "data")
    text = (demo_folder / "hrw_2026.yaml").read_text()
    text = text.replace("productivity:\n", EXTRA, 1).replace("tables:\n", MODEL, 1)
    chance = random.Random(31)
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    make_plan(spec)
    for number in range(MUTANTS):
        broken = (mutant if number % 2 else exchanged)(text, chance)
        spec.write_bytes(broken)
        try:
            make_plan(spec)
        except SpecError as error:
            # The file as YAML counts its lines; the last may be empty.
            lines = len(re.split(rb"\r\n|\r|\n|\xe2\x80\xa8|\xe2\x80\xa9|\xc2\x85", broken))
            for problem in error.problems:
                if problem.position.file == str(spec):
                    assert 1 <= problem.position.line <= lines
                assert problem.position.column >= 1
                assert problem.what
