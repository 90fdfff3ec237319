"""``tfplab upgrade``: a spec of an older format in the one of today, comments kept."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from specs.errors import TfplabError
from tfplab.commands.common import Commands

if TYPE_CHECKING:
    from specs.upgrade import Upgraded

__all__ = ["add"]

_BOM = "\ufeff"


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("upgrade", help="a spec of an older format in the one of today, comments kept")
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE",
        help="write there; else to SPEC itself, and what it was before to SPEC.bak",
    )  # fmt: skip
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; show what would change, with exit status 1 if anything would",
    )
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from specs.upgrade import upgrade
    from tfplab.files import content_of, write_atomically

    path, output = options.spec, options.output
    if options.check and output is not None:
        raise TfplabError("--check writes nothing: leave out -o")
    if output is not None and path.exists() and output.exists() and output.samefile(path):
        output = None
    if output is not None and output.exists():
        raise TfplabError(f"{output}: it is there already, and would be written over")
    content = content_of(path)
    mark = _BOM if content.startswith(_BOM) else ""
    upgraded = upgrade(content.removeprefix(_BOM), str(path))
    after = mark + upgraded.text
    if after == content:
        print(f"{path}: nothing to do, it is in format {upgraded.found}")
        if output is None:
            return 0
    if options.check:
        before = content.splitlines(keepends=True)
        for line in difflib.unified_diff(before, after.splitlines(keepends=True), str(path), f"{path} (upgraded)"):
            sys.stdout.write(line.rstrip("\r\n") + "\n")
        return 1
    target = output or path
    kept = _free(path) if output is None else None
    if kept is not None:
        write_atomically(kept, content.encode())
    write_atomically(target, after.encode())
    _tell(upgraded, path, target, kept)
    return 0


def _free(path: Path) -> Path:
    """Return a name for what a file was before that no file has."""
    kept, number = path.with_name(f"{path.name}.bak"), 1
    while kept.exists() or kept.is_symlink():
        number += 1
        kept = path.with_name(f"{path.name}.bak{number}")
    return kept


def _tell(upgraded: Upgraded, path: Path, target: Path, kept: Path | None) -> None:
    from specs.formats import VERSION

    if upgraded.changes:
        print(f"{path}: from format {upgraded.found} to {VERSION}")
        for one in upgraded.changes:
            print(f"  {one}")
    print(f"written to {target}{f', what it was to {kept}' if kept else ''}")
