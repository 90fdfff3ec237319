"""``tfplab explain``: the plan in words and equations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tfplab.commands.common import Commands, add_set, plan_of

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("explain", help="the plan in words and equations, and what a referee would ask")
    parser.add_argument("spec", type=Path, metavar="SPEC")
    add_set(parser)
    parser.add_argument("--format", choices=("text", "latex", "html"), default="text", help="text by default")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    parser.add_argument(
        "--data", action="store_true", help="also what the panel says: rows, firms, clusters, what power: can find"
    )
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.explaining.formats import render
    from tfplab.explaining.gather import account_of

    plan = plan_of(options.spec, given=options.given)
    seen = None
    if options.data:
        from tfplab.explaining.data import seen_of

        seen = seen_of(plan)
    text = render(account_of(plan, seen), options.format)
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, encoding="utf-8")
    return 0
