"""The command line. Each command is one function; what it needs is imported when it runs, so that help stays fast."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from specs.errors import EstimationError, Problem, SpecError, TfplabError
from tfplab import __version__

if TYPE_CHECKING:
    from tfplab.plan import Plan

__all__ = ["main"]

# One thread for linear algebra: sums in another order have other last digits, and `run.json` is compared by bytes.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

_DESCRIPTION = """\
tfplab estimates total factor productivity and what AI does to it, from one YAML spec to the published table.

  tfplab demo            synthetic microdata, a full run, and where its report is
  tfplab check SPEC      every mistake in a spec, with file, line and column
  tfplab explain SPEC    the plan in words and equations
  tfplab run SPEC        the run bundle: tables, figures, report.html, run.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words behind ``tfplab``; those of the process by default.

    Returns
    -------
    int
        0 well done; 1 a model failed; 2 the spec, its files, their values or the call are not as they must be.
    """
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except SpecError as error:
        _print_problems(error.problems)
        return 2
    except EstimationError as error:
        print(f"tfplab: {error}", file=sys.stderr)
        return 1
    except TfplabError as error:
        print(f"tfplab: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tfplab: stopped; nothing was written", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`tfplab table ... | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"tfplab: {error.strerror or error}: {error.filename or ''}".rstrip(": "), file=sys.stderr)
        return 2


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        print(problem, file=sys.stderr)
    count = len(problems)
    print(f"tfplab: {count} problem{'s' if count > 1 else ''}; nothing was written", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tfplab", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"tfplab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    demo = commands.add_parser("demo", help="write synthetic microdata and a spec, run it, say where the report is")
    demo.add_argument("directory", nargs="?", type=Path, default=Path("demo"), metavar="DIR")
    demo.add_argument(
        "--difficult",
        action="store_true",
        help="the same firms in files as they come: legal units, short years, corrected and repeated filings",
    )
    _quiet(demo)
    demo.set_defaults(command=_demo)

    check = commands.add_parser("check", help="every mistake in a spec, before any data are read")
    check.add_argument("specs", nargs="+", type=Path, metavar="SPEC")
    check.add_argument("--data", action="store_true", help="also open the files, read their columns and their values")
    check.set_defaults(command=_check)

    explain = commands.add_parser("explain", help="the plan in words and equations")
    explain.add_argument("spec", type=Path, metavar="SPEC")
    explain.add_argument("--data", action="store_true", help="also what models with power: can find, from the panel")
    explain.set_defaults(command=_explain)

    panel = commands.add_parser("panel", help="build the panel; write its ledger and descriptive tables")
    panel.add_argument("spec", type=Path, metavar="SPEC")
    panel.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    _quiet(panel)
    panel.set_defaults(command=_panel)

    run = commands.add_parser("run", help="estimate, and write the run bundle")
    run.add_argument("spec", type=Path, metavar="SPEC")
    run.add_argument("-o", "--output", type=Path, metavar="DIR", help="the bundle; runs/<spec name> by default")
    run.add_argument("--seed", type=int, metavar="N", help="instead of the seed in the spec")
    _quiet(run)
    run.set_defaults(command=_run)

    table = commands.add_parser("table", help="a table of a run in another format or locale, without estimating again")
    table.add_argument("run", type=Path, metavar="RUN")
    table.add_argument("tables", nargs="*", metavar="TABLE")
    table.add_argument("--format", default="markdown", metavar="F", help="markdown (or md), html, latex (or tex), csv")
    table.add_argument("--locale", metavar="L", help="en, nl_BE, fr_BE; the spec's first by default")
    table.add_argument("-o", "--output", type=Path, metavar="FILE", help="instead of standard output")
    table.set_defaults(command=_table)
    return parser


def _quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress and no summary")


def _plan(path: Path, seed: int | None = None) -> Plan:
    """Make the plan of a spec while no garbage is looked for: there is none, and looking costs a check 4 per cent."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        from tfplab.plan import make_plan

        return make_plan(path, seed)
    finally:
        if collecting:
            gc.enable()


def _check(options: argparse.Namespace) -> int:

    problems: list[Problem] = []
    for path in options.specs:
        try:
            plan = _plan(path)
            if options.data:
                from tfplab.runner import build_panel

                build_panel(plan)
        except SpecError as error:
            problems.extend(error.problems)
        else:
            print(f"{path}: well formed{', and so are its files and their values' if options.data else ''}")
    if problems:
        _print_problems(problems)
    return 2 if problems else 0


def _explain(options: argparse.Namespace) -> int:
    from tfplab.explain import explain

    plan = _plan(options.spec)
    if not options.data:
        print(explain(plan))
        return 0
    from tfplab.explain_power import power_told

    print(explain(plan, power_told(plan)))
    return 0


def _run(options: argparse.Namespace) -> int:
    from tfplab.runner import run_plan
    from tfplab.terminal import Progress, summarise

    output = options.output or Path("runs") / options.spec.stem
    with Progress(options.quiet) as progress:
        outcome = run_plan(_plan(options.spec, options.seed), output, progress)
    if not options.quiet:
        summarise(outcome.record, output)
    for section in ("productivity", "models", "figures") if options.quiet else ():
        # The record's words: the spec's disclosure rule holds for them.
        for name, one in outcome.record[section].items():
            if one["status"] == "failed":
                print(f"tfplab: {name} failed: {one['reason']}", file=sys.stderr)
    return 1 if outcome.failed else 0


def _panel(options: argparse.Namespace) -> int:
    from tfplab.panel_report import write_panel_report
    from tfplab.terminal import Progress

    with Progress(options.quiet) as progress:
        written = write_panel_report(_plan(options.spec), options.output, progress)
    if not options.quiet:
        print(f"panel: {written}")
    return 0


def _table(options: argparse.Namespace) -> int:
    from tfplab.tables import render_tables

    text = render_tables(options.run, options.tables, options.format, options.locale)
    if options.output is None:
        sys.stdout.write(text)
    else:
        options.output.write_text(text, encoding="utf-8")
    return 0


def _demo(options: argparse.Namespace) -> int:
    from tfplab.demo import run_demo
    from tfplab.terminal import Progress, summarise

    with Progress(options.quiet) as progress:
        outcome, output = run_demo(options.directory, progress, difficult=options.difficult)
    if not options.quiet:
        summarise(outcome.record, output)
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
