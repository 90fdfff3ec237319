"""``tfplab run``: estimate, and write the run bundle."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from specs.errors import SpecError
from tfplab.commands.common import Commands, add_cache, add_quiet, add_set, cache_of, plan_of, print_problems

if TYPE_CHECKING:  # imported where a run begins
    from tfplab.cache.kept import Kept
    from tfplab.plan import Plan

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("run", help="estimate, and write the run bundle")
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the bundle; runs/<spec name> by default")
    parser.add_argument("--seed", type=int, metavar="N", help="instead of the seed in the spec")
    parser.add_argument(
        "--only", action="append", default=[], metavar="ID",
        help="a model, variant, productivity entry, table or figure and what it rests on, nothing else",
    )  # fmt: skip
    add_set(parser)
    parser.add_argument("--locale", action="append", default=[], metavar="L", help="of all tables: en, nl_BE, fr_BE")
    parser.add_argument(
        "--watch", action="store_true",
        help="run again whenever the spec is saved, with all that the change left alone; Ctrl-C ends",
    )  # fmt: skip
    parser.add_argument(
        "--jobs", type=_count, default=1, metavar="N", help="estimate in N processes at once; the results are the same"
    )
    add_cache(parser)
    add_quiet(parser)
    parser.set_defaults(command=_run)


def _count(text: str) -> int:
    if not text.strip().isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes: write 1 or more")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    from tfplab.cache.kept import Kept

    kept = Kept(cache_of(options), in_memory=options.watch, jobs=options.jobs)
    if options.watch:
        return _watch(options, kept)
    return _once(options, plan_of(options.spec, options.seed, options.given), kept)


def _once(options: argparse.Namespace, plan: Plan, kept: Kept) -> int:
    """Run a plan and tell what came of it; return the exit status."""
    from tfplab.only import narrowed, with_locales
    from tfplab.runner import run_plan
    from tfplab.terminal import Progress, summarise

    output = options.output or Path("runs") / options.spec.stem
    with Progress(options.quiet) as progress:
        plan = with_locales(narrowed(plan, options.only), options.locale)
        asked = {"set": options.given, "only": options.only, "locale": options.locale}
        outcome = run_plan(plan, output, progress, {key: value for key, value in asked.items() if value}, kept)
    if not options.quiet:
        for line in kept.told:
            print(line)
        summarise(outcome.record, output)
    for section in ("productivity", "models", "figures") if options.quiet else ():
        # The record's words: the spec's disclosure rule holds for them.
        for name, one in outcome.record[section].items():
            if one["status"] == "failed":
                print(f"tfplab: {name} failed: {one['reason']}", file=sys.stderr)
    for variant in outcome.record["variants"].values() if options.quiet else ():
        for case in variant["cases"]:
            if case["status"] == "failed":
                print(f"tfplab: {case['name']} failed: {case['reason']}", file=sys.stderr)
    return 1 if outcome.failed else 0


def _watch(options: argparse.Namespace, kept: Kept) -> int:
    """Run whenever the spec is saved; mistakes are told, and the bundle of the run before stays."""
    from tfplab.watching import watch

    def once() -> Plan | None:
        clock, plan = time.perf_counter(), None
        try:
            plan = plan_of(options.spec, options.seed, options.given)
            _once(options, plan, kept)
        except SpecError as error:
            print_problems(error.problems)
        else:
            told(f"done in {time.perf_counter() - clock:.1f} seconds")
        return plan

    def told(what: str) -> None:
        if not options.quiet:
            print(what, flush=True)

    watch(options.spec, once, told)
    return 0
