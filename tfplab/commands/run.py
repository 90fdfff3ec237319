"""``tfplab run``: estimate, and write the run bundle."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tfplab.commands.common import Commands, add_quiet, plan_of

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("run", help="estimate, and write the run bundle")
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the bundle; runs/<spec name> by default")
    parser.add_argument("--seed", type=int, metavar="N", help="instead of the seed in the spec")
    add_quiet(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.runner import run_plan
    from tfplab.terminal import Progress, summarise

    output = options.output or Path("runs") / options.spec.stem
    with Progress(options.quiet) as progress:
        outcome = run_plan(plan_of(options.spec, options.seed), output, progress)
    if not options.quiet:
        summarise(outcome.record, output)
    for section in ("productivity", "models", "figures") if options.quiet else ():
        # The record's words: the spec's disclosure rule holds for them.
        for name, one in outcome.record[section].items():
            if one["status"] == "failed":
                print(f"tfplab: {name} failed: {one['reason']}", file=sys.stderr)
    return 1 if outcome.failed else 0
