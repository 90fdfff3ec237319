"""``tfplab editor``: the messages of ``tfplab check`` in an editor, as a spec is typed."""

from __future__ import annotations

import argparse
import os
import sys

from tfplab.commands.common import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("editor", help="a language server for editors: check's messages as a spec is typed")
    parser.add_argument("--stdio", action="store_true", help="speak over standard input and output, as it always does")
    parser.set_defaults(command=_run)


def _run(_: argparse.Namespace) -> int:
    from tfplab.editor.server import serve

    if sys.stdin.isatty():
        print("tfplab: an editor starts this command and speaks with it: docs/editor.md", file=sys.stderr)
    # Nothing else may write into the protocol's stream.
    protocol = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with protocol:
        return serve(sys.stdin.buffer, protocol)
