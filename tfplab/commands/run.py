"""``tfplab run``: estimate, and write the run bundle."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tfplab.commands.common import Commands, add_quiet, add_set, plan_of

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
    add_quiet(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.only import narrowed, with_locales
    from tfplab.runner import run_plan
    from tfplab.terminal import Progress, summarise

    output = options.output or Path("runs") / options.spec.stem
    with Progress(options.quiet) as progress:
        plan = plan_of(options.spec, options.seed, options.given)
        plan = with_locales(narrowed(plan, options.only), options.locale)
        asked = {"set": options.given, "only": options.only, "locale": options.locale}
        outcome = run_plan(plan, output, progress, {key: value for key, value in asked.items() if value})
    if not options.quiet:
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
