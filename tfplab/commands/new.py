"""``tfplab new``: a commented spec to start from, with the column names of the user's own files."""

from __future__ import annotations

import argparse
import sys

from specs.errors import BundleError, TfplabError
from tfplab.commands.common import Commands

__all__ = ["add"]

_ROLES = (
    "firm", "year", "value_added", "turnover", "labour", "capital", "materials", "adoption", "cohort", "sector", "size",
    "age", "region", "weight",
)  # fmt: skip
"""Columns that a flag can name."""


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "new",
        help="a commented spec to start from, filled with the columns of your files",
        description="Writes NAME.yaml; asks what is not said, on a terminal. Paths are relative to where you stand.",
    )
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="of the spec: NAME.yaml is written, and nothing overwritten"
    )
    parser.add_argument("--list", action="store_true", help="the designs and methods there are")
    parser.add_argument("--design", metavar="D", help="cross_section by default; --list names them")
    parser.add_argument("--method", default="", metavar="M", help="of the design: iv, logit, quantile ...")
    parser.add_argument(
        "--productivity", default="", metavar="M", help="its method, or none; the best that the columns allow"
    )
    parser.add_argument("--outcome", default="", metavar="COLUMN", help="explained in the place of productivity")
    parser.add_argument("--instrument", default="", metavar="COLUMN", help="for --method iv")
    parser.add_argument("--yes", action="store_true", help="ask nothing: every default")
    files = parser.add_argument_group("files")
    files.add_argument(
        "--table",
        "--data",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="a ready-made panel, any format",
    )
    files.add_argument("--accounts", nargs="+", action="extend", default=[], metavar="FILE", help="annual accounts")
    files.add_argument(
        "--survey", nargs="+", action="extend", default=[], metavar="YEAR=FILE", help="a survey, by wave"
    )
    files.add_argument("--deflators", default="", metavar="FILE", help="prices by nace and year")
    files.add_argument("--layout", default="nbb", help="of the accounts: nbb, or a YAML file")
    files.add_argument("--survey-layout", default="eurostat_ict", metavar="LAYOUT", help="eurostat_ict, or a YAML file")
    columns = parser.add_argument_group("columns", "guessed by names and values where no flag says them")
    for role in _ROLES:
        columns.add_argument(f"--{role.replace('_', '-')}", dest=f"role_{role}", metavar="COLUMN")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.scaffold.data import Files
    from tfplab.scaffold.questions import ask
    from tfplab.scaffold.spec import Wish, listing, place_of, scaffold

    if options.list:
        print(listing())
        return 0
    if options.name is None:
        raise TfplabError("new wants the NAME of a spec: tfplab new study --design did; --list says what there is")
    path = place_of(options.name)
    chosen = {role: getattr(options, f"role_{role}") for role in _ROLES if getattr(options, f"role_{role}")}
    files = Files(
        tuple(options.table), tuple(options.accounts), tuple(options.survey),
        (options.deflators,) if options.deflators else (), options.layout, options.survey_layout, chosen,
    )  # fmt: skip
    wish = Wish(
        options.design or "cross_section",
        options.method,
        files,
        options.productivity,
        options.outcome,
        options.instrument,
    )
    if not options.yes and sys.stdin is not None and sys.stdin.isatty():
        wish = ask(wish, options.design)
    text, data = scaffold(wish, path)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise BundleError(f"{path} is there already; nothing was written") from None
    print(f"{path}: written")
    for role in ("firm", "year", "adoption", "cohort", "value_added", "turnover", "labour", "capital", "materials"):
        if data.table and role in data.roles:
            print(f"  {role.replace('_', ' ')}: {data.roles[role]}")
    if data.unusable:
        print(f"  {len(data.unusable)} columns cannot be named in formulas; the spec says which and why")
    if data.missing:
        print("  its files are not there yet: write your paths under panel, or see them run: tfplab demo")
    else:
        print(f"next: tfplab check --data {path}; tfplab run {path}")
    return 0
