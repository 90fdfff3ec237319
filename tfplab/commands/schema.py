"""``tfplab schema``: the JSON schema of specs, for editors."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from specs.errors import BundleError, SpecError
from tfplab.commands.common import Commands, print_problems

__all__ = ["add", "schema_text"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("schema", help="the JSON schema of specs, for editors")
    parser.add_argument(
        "spec", nargs="?", type=Path, metavar="SPEC", help="whose names it offers: columns, variables, entries, models"
    )
    parser.add_argument("--fragment", action="store_true", help="of files that are extended: nothing need be there")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there instead of printing it")
    parser.set_defaults(command=_run)


def schema_text(spec: Path | None, *, fragment: bool = False) -> str:
    """Return the schema as JSON.

    Parameters
    ----------
    spec : Path or None
        Whose names it offers.
    fragment : bool

    Raises
    ------
    SpecError
        Where the spec cannot be read at all.
    """
    from tfplab.schema.document import schema_of
    from tfplab.schema.names import names_in

    names = None if spec is None else names_in(spec)
    return json.dumps(schema_of(names, fragment=fragment), ensure_ascii=False, separators=(",", ":")) + "\n"


def _run(options: argparse.Namespace) -> int:
    try:
        text = schema_text(options.spec, fragment=options.fragment)
    except SpecError as error:
        print_problems(error.problems)
        return 2
    if options.output is None:
        sys.stdout.write(text)
        return 0
    try:
        options.output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BundleError(f"{options.output} cannot be written: {error.strerror}") from None
    return 0
