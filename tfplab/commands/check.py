"""``tfplab check``: every mistake in a spec, with file, line and column."""

from __future__ import annotations

import argparse
from pathlib import Path

from specs.errors import Problem, SpecError
from tfplab.commands.common import Commands, plan_of, print_problems

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("check", help="every mistake in a spec, before any data are read")
    parser.add_argument("specs", nargs="+", type=Path, metavar="SPEC")
    parser.add_argument("--data", action="store_true", help="also open the files, read their columns and their values")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    problems: list[Problem] = []
    for path in options.specs:
        try:
            plan = plan_of(path)
            if options.data:
                from tfplab.runner import build_panel

                build_panel(plan)
        except SpecError as error:
            problems.extend(error.problems)
        else:
            print(f"{path}: well formed{', and so are its files and their values' if options.data else ''}")
    # Specs that extend the same file share its mistakes.
    problems = list(dict.fromkeys(problems))
    if problems:
        print_problems(problems)
    return 2 if problems else 0
