"""A short run of the fuzzer over specs: no traceback, no message without its place, no answer that takes long.

``python -m tests.fuzz.fuzzing --mutants 100000`` is the long one.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from specs.errors import Position, Problem
from tests.fuzz.fuzzing import Answer, Fuzzer, answer, broken_rules, whole_specs, write_parents

MUTANTS = int(os.environ.get("TFPLAB_MUTANTS", "100"))


@pytest.fixture
def folder(demo_folder: Path, tmp_path: Path) -> Path:
    (tmp_path / "data").symlink_to(demo_folder / "data")
    return tmp_path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize(
    ("seed", "mutants"), [(20260218, MUTANTS), pytest.param(7, 3_000, marks=pytest.mark.heavy)]
)  # fmt: skip
def test_mutants_keep_every_rule(folder: Path, seed: int, mutants: int) -> None:
    fuzzer = Fuzzer(folder, seed)
    for number in range(mutants):
        raw, wrong = fuzzer.next()
        assert not wrong, f"mutant {number} of seed {seed}: {wrong}\n{raw[:3000]!r}"
    assert mutants * 0.7 < fuzzer.refused < mutants  # the changes are not harmless, and not all fatal


def test_mutants_are_made_of_specs_that_are_well_formed(folder: Path) -> None:
    texts = whole_specs()
    assert len(texts) > 30
    for text in texts[:10]:
        (folder / "s.yaml").write_text(text, encoding="utf-8")
        assert answer(folder / "s.yaml").problems == ()


def test_the_rules_see_what_they_are_for(folder: Path) -> None:
    path = folder / "s.yaml"
    path.write_text("a: 1\nb: 2\n")
    here = str(path)

    def told(*problems: Problem, crash: str = "", seconds: float = 0.0) -> str:
        return " ".join(broken_rules(Answer(problems, crash, seconds)))

    assert told(Problem(Position(here, 2, 5), "b", "wrong")) == ""
    assert "no line 4" in told(Problem(Position(here, 4, 1), "b", "wrong"))
    assert "no column 9" in told(Problem(Position(here, 2, 9), "b", "wrong"))
    assert "says nothing" in told(Problem(Position(here, 1, 1), "b", ""))
    assert "not sorted" in told(Problem(Position(here, 2, 1), "b", "x"), Problem(Position(here, 1, 1), "a", "x"))
    assert "words of a library" in told(Problem(Position(here, 1, 1), "b", "Input should be a number"))
    assert "CPU-seconds" in told(seconds=9.0)
    assert told(crash="ValueError") == "ValueError"


def test_a_seed_gives_the_same_mutants(folder: Path) -> None:
    one, other = folder / "one", folder / "other"
    made = []
    for place in (one, other):
        place.mkdir()
        fuzzer = Fuzzer(place, 3)
        made.append([fuzzer.next()[0] for _ in range(6)])
    assert made[0] == made[1]
    assert (one / "pipe.yaml").is_fifo()
    with pytest.raises(FileExistsError):
        write_parents(one)
