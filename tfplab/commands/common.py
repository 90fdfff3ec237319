"""What several commands share: the plan of a spec, the problems of one, options of the same name."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from specs.errors import Problem

if TYPE_CHECKING:  # imported where a plan is made
    from tfplab.cache.folder import CacheFolder
    from tfplab.plan import Plan

__all__ = ["Commands", "add_cache", "add_quiet", "add_set", "cache_of", "plan_of", "print_problems"]

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


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of a cache."""
    parser.add_argument(
        "--cache", type=Path, metavar="DIR",
        help="keep panels and productivity estimates in this folder for later runs; TFPLAB_CACHE by default, else none",
    )  # fmt: skip
    parser.add_argument(
        "--cache-limit",
        type=_size,
        metavar="SIZE",
        default=None,
        help="what the folder may take, 500MB, 20GB; 2GB by default",
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="neither read nor write one, whatever TFPLAB_CACHE says"
    )


def cache_of(options: argparse.Namespace) -> CacheFolder | None:
    """Return the cache that a command was asked to use.

    Raises
    ------
    CacheError
        If the folder holds something else.
    """
    if options.no_cache:
        return None
    named = os.environ.get("TFPLAB_CACHE", "").strip()
    folder = options.cache or (Path(named) if named else None)
    if folder is None:
        return None
    from tfplab.cache.folder import LIMIT, CacheFolder

    return CacheFolder(folder.expanduser(), options.cache_limit or LIMIT)


def _size(text: str) -> int:
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", text, re.IGNORECASE)
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, write 500MB or 20GB")
    return size


_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


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
