"""``tfplab check``: every mistake in a spec, with file, line and column."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from specs.errors import Problem, SpecError
from tfplab.commands.common import Commands, plan_of, print_problems

__all__ = ["add"]

FORMAT = 1
"""Of the JSON document: it counts up where a key is renamed or left out, not where one is added."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("check", help="every mistake in a spec, before any data are read")
    parser.add_argument("specs", nargs="+", type=Path, metavar="SPEC")
    parser.add_argument("--data", action="store_true", help="also open the files, read their columns and their values")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output, for programs")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    found = {path: _problems(path, options.data) for path in dict.fromkeys(options.specs)}
    if options.json:
        print(json.dumps(_document(found), ensure_ascii=False, indent=2))
    else:
        for path, problems in found.items():
            if not problems:
                print(f"{path}: well formed{', and so are its files and their values' if options.data else ''}")
        # Specs that extend the same file share its mistakes.
        everything = list(dict.fromkeys(problem for problems in found.values() for problem in problems))
        if everything:
            print_problems(everything)
    return 2 if any(found.values()) else 0


def _problems(path: Path, data: bool) -> tuple[Problem, ...]:
    try:
        plan = plan_of(path)
        if data:
            from tfplab.runner import build_panel

            build_panel(plan)
    except SpecError as error:
        return error.problems
    return ()


def _document(found: Mapping[Path, tuple[Problem, ...]]) -> dict[str, Any]:
    """Return what ``--json`` prints: lines and columns count from 1, columns in characters."""
    return {
        "format": FORMAT,
        "specs": [
            {"spec": str(path), "ok": not problems, "problems": [_written(one) for one in problems]}
            for path, problems in found.items()
        ],
    }


def _written(problem: Problem) -> dict[str, Any]:
    place = problem.position
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "path": problem.path,
        "what": problem.what,
        "meaning": problem.meaning,
        "advice": problem.advice,
    }
