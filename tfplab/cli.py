"""The command line. Each command is one file; what it needs is imported when it runs, so that help stays fast."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from specs.errors import EstimationError, SpecError, TfplabError
from tfplab import __version__
from tfplab.commands import COMMANDS
from tfplab.commands.common import print_problems

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
        print_problems(error.problems)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tfplab", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"tfplab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    for one in COMMANDS:
        one.add(commands)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
