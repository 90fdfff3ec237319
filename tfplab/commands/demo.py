"""``tfplab demo``: synthetic microdata, a full run, and where its report is."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfplab.commands.common import Commands, add_quiet

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("demo", help="write synthetic microdata and a spec, run it, say where the report is")
    parser.add_argument("directory", nargs="?", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument(
        "--difficult",
        action="store_true",
        help="the same firms in files as they come: legal units, short years, corrected and repeated filings",
    )
    add_quiet(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.demo import run_demo
    from tfplab.terminal import Progress, summarise

    with Progress(options.quiet) as progress:
        outcome, output = run_demo(options.directory, progress, difficult=options.difficult)
    if not options.quiet:
        summarise(outcome.record, output)
    return 1 if outcome.failed else 0
