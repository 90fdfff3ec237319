"""``tfplab panel``: the panel, its ledger and its descriptive tables."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfplab.commands.common import Commands, add_quiet, plan_of

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("panel", help="build the panel; write its ledger and descriptive tables")
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    add_quiet(parser)
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.panel_report import write_panel_report
    from tfplab.terminal import Progress

    with Progress(options.quiet) as progress:
        written = write_panel_report(plan_of(options.spec), options.output, progress)
    if not options.quiet:
        print(f"panel: {written}")
    return 0
