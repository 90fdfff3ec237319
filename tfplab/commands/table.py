"""``tfplab table``: a table of a run once more, in another format or locale."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tfplab.commands.common import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("table", help="a table of a run in another format or locale, without estimating again")
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("tables", nargs="*", metavar="TABLE")
    parser.add_argument("--format", default="markdown", metavar="F", help="markdown (or md), html, latex (or tex), csv")
    parser.add_argument("--locale", metavar="L", help="en, nl_BE, fr_BE; the spec's first by default")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.tables import render_tables

    text = render_tables(options.run, options.tables, options.format, options.locale)
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, encoding="utf-8")
    return 0
