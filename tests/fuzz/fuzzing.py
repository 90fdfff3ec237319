"""Mutants of specs through the first gate, and what must hold of every answer.

``python -m tests.fuzz.fuzzing --mutants 100000`` runs many and writes down those that break a rule.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import specs.grids
from specs.errors import Problem, SpecError
from tests.fuzz.mutations import mutant, tree_of, yaml_of
from tfplab.explaining.formats import FORMATS, render
from tfplab.explaining.gather import account_of
from tfplab.first_gate import make_plan

__all__ = ["Answer", "Fuzzer", "broken_rules", "whole_specs"]

ROOT = Path(__file__).parents[2]
CPU_SECONDS = 2.0
LONGEST = 3_000
"""Characters of a message: one that repeats a whole file is no answer."""
FOREIGN = re.compile(r"pydantic|Traceback|function-|Input should|ruamel|<class|object at 0x")


@dataclass(frozen=True)
class Answer:
    """What a user gets to see of a spec, and what it cost."""

    problems: tuple[Problem, ...]
    crash: str
    seconds: float


class _TooLong(BaseException):
    pass


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer; nothing in between can catch it as an error of its own."""

    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def answer(path: Path) -> Answer:
    """Check a spec, and explain it where nothing is wrong."""
    began = time.process_time()
    problems: tuple[Problem, ...] = ()
    crash = ""
    try:
        with _at_most(60.0):
            try:
                told = account_of(make_plan(path))
                for name in FORMATS:
                    render(told, name)
            except SpecError as error:
                problems = error.problems
    except _TooLong:
        crash = "no answer within a minute"
    except Exception:
        crash = traceback.format_exc()
    return Answer(problems, crash, time.process_time() - began)


def broken_rules(found: Answer) -> list[str]:
    """Return what is wrong with an answer: each is a defect of the house, not of the spec."""
    if found.crash:
        return [found.crash]
    wrong = []
    if found.seconds > CPU_SECONDS:
        wrong.append(f"{found.seconds:.1f} CPU-seconds")
    if [*found.problems] != sorted(found.problems, key=lambda one: (one.position, one.path)):
        wrong.append("problems are not sorted")
    lines: dict[str, list[str]] = {}
    for problem in found.problems:
        place, message = problem.position, str(problem)
        if place.file not in lines:
            lines[place.file] = _lines(Path(place.file))
        text = lines[place.file]
        if not 1 <= place.line <= len(text):
            wrong.append(f"no line {place.line}: {message[:300]}")
        elif not 1 <= place.column <= len(text[place.line - 1]) + 1:
            wrong.append(f"no column {place.column} in {text[place.line - 1][:200]!r}: {message[:300]}")
        if not problem.what:
            wrong.append(f"says nothing: {message[:300]}")
        if any(ord(sign) < 32 for sign in message):
            wrong.append(f"not one line of text: {message[:300]!r}")
        if len(message) > LONGEST:
            wrong.append(f"{len(message)} characters: {message[:300]}")
        if FOREIGN.search(message):
            wrong.append(f"words of a library: {message[:300]}")
    return wrong


def _lines(path: Path) -> list[str]:
    """Return the lines of a file as editors count them; of none that can be read, an empty one."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace") if path.is_file() else ""
    except OSError:
        text = ""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@cache
def whole_specs() -> list[str]:
    """Return the library's specs and those of the documentation, its parts within the published spec."""
    library = sorted((ROOT / "specs" / "library").glob("*.yaml"))
    found = [path.read_text(encoding="utf-8") for path in library]
    published = tree_of((ROOT / "specs" / "library" / "hrw_2026.yaml").read_text(encoding="utf-8"))
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for block in re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            tree = tree_of(block)
            if "refused" in block[:60] or not isinstance(tree, dict):
                continue
            if "tfplab" in tree:
                found.append(block)
            elif tree.keys() & published.keys():
                whole = {
                    key: {**one, **tree.get(key, {})} if isinstance(one, dict) else one
                    for key, one in published.items()
                }
                found.append(yaml_of({**tree, **whole}, random.Random(0)) + "\n")
    return found


def write_parents(folder: Path) -> None:
    """Write what mutants extend: specs, circles, chains, what is no spec and no file."""
    published = (ROOT / "specs" / "library" / "hrw_2026.yaml").read_text(encoding="utf-8")
    texts = {"p": published, "base": published, "few": "seed: 3\n", "loop": "extends: [few.yaml, pool.yaml]\n",
             "pool": "extends: loop.yaml\n", "back": "extends: s.yaml\n", "list": "- 1\n", "torn": "a: [1\n", "nil": "",
             "twice": "seed: 010\nseed: 2\nmodels: {table1: {errors: HC9}}\nextends: gone.yaml\n",
             "wide": f"extends: [{', '.join(f'chain{number}.yaml' for number in range(30))}]\n"}  # fmt: skip
    texts |= {f"chain{number}": f"extends: chain{number + 1}.yaml\n" for number in range(30)}
    texts["chain30"] = "extends: few.yaml\nmodels: {table1: null}\n"
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    (folder / "binary.yaml").write_bytes(bytes(range(256)) * 4)
    (folder / "wide16.yaml").write_bytes(published.encode("utf-16"))
    (folder / "large.yaml").write_text("#" + "x" * 300_000 + "\nseed: 1\n", encoding="utf-8")
    (folder / "folder.yaml").mkdir(exist_ok=True)
    (folder / "dangling.yaml").symlink_to("nowhere.yaml")
    (folder / "self.yaml").symlink_to("self.yaml")
    (folder / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.yaml")


class Fuzzer:
    """Mutants in a folder that has the demo's data.

    Parameters
    ----------
    folder : Path
        With ``data``; the mutants are written there as ``s.yaml``.
    seed : int
        The same seed gives the same mutants.
    specs : sequence of str, optional
        What they are made of.
    """

    def __init__(self, folder: Path, seed: int, specs: Sequence[str] | None = None) -> None:
        self.path = folder / "s.yaml"
        self.parent = folder / "p.yaml"
        self.chance = random.Random(seed)
        write_parents(folder)
        self.specs = list(specs if specs is not None else whole_specs())
        self.trees: list[Any] = [tree_of(text) for text in self.specs]
        self.refused = 0
        self.slowest = 0.0

    def next(self) -> tuple[bytes, list[str]]:
        """Make a mutant, check it, and return it with the rules that its answer breaks."""
        raw = mutant(self.chance.choice(self.specs), self.chance, self.trees)
        if self.chance.random() < 0.1:  # the parent of the next ones
            self.parent.write_bytes(raw)
        self.path.write_bytes(raw)
        # A case takes a millisecond or two, and thousands of them are well and good: not here.
        most, specs.grids.MAX_CASES = specs.grids.MAX_CASES, 300
        try:
            return raw, self._wrong()
        finally:
            specs.grids.MAX_CASES = most

    def _wrong(self) -> list[str]:
        found = answer(self.path)
        wrong = broken_rules(found)
        if self.chance.random() < 0.05:
            again = answer(self.path)
            if (again.problems, again.crash) != (found.problems, found.crash):
                wrong.append("another answer the second time")
        self.refused += bool(found.problems)
        self.slowest = max(self.slowest, found.seconds)
        return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--failures", type=Path, default=Path("fuzz_failures"))
    options = parser.parse_args()
    from panels.demo import write

    began = time.process_time()
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        fuzzer = Fuzzer(Path(folder), options.seed)
        start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(options.mutants):
            raw, wrong = fuzzer.next()
            if wrong:
                failures += 1
                options.failures.mkdir(exist_ok=True)
                (options.failures / f"{options.seed}_{number}.yaml").write_bytes(raw)
                (options.failures / f"{options.seed}_{number}.parent").write_bytes(fuzzer.parent.read_bytes())
                (options.failures / f"{options.seed}_{number}.txt").write_text("\n".join(wrong), encoding="utf-8")
            if (number + 1) % 1000 == 0 or wrong:
                spent = f"slowest {fuzzer.slowest:.2f} CPU-s, {time.process_time() - began:.0f} CPU-s in all"
                print(f"{number + 1} mutants, {fuzzer.refused} refused, {failures} break a rule, {spent}", flush=True)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) // 1024
    print(f"done: {options.mutants} mutants, {failures} break a rule, memory grew by {grown} MB")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
