"""What several commands share: the plan of a spec, the problems of one, options of the same name."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from specs.errors import Problem

if TYPE_CHECKING:  # imported where a plan is made
    from tfplab.plan import Plan

__all__ = ["Commands", "add_quiet", "add_set", "plan_of", "print_problems"]

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""Where a command adds its parser."""


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that silences it."""
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")


def add_set(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that lays values over its spec."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="given",
        help="a value in the place of the spec's, models.table1.errors=HC3; several times for several",
    )  # fmt: skip


def plan_of(
    path: Path, seed: int | None = None, given: Sequence[str] = (), *, texts: Mapping[str, str] | None = None
) -> Plan:
    """Make the plan of a spec while no garbage is looked for: there is none, and looking costs a check 4 per cent."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        from tfplab.first_gate import make_plan

        return make_plan(path, seed, given, texts=texts)
    finally:
        if collecting:
            gc.enable()


def print_problems(problems: Sequence[Problem]) -> None:
    """Print problems, one a line, and how many there are."""
    for problem in problems:
        print(problem, file=sys.stderr)
    count = len(problems)
    print(f"tfplab: {count} problem{'s' if count > 1 else ''}; nothing was written", file=sys.stderr)
