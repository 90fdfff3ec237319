"""``tfplab explain``: the plan in words and equations."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfplab.commands.common import Commands, plan_of

__all__ = ["add"]


def add(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("explain", help="the plan in words and equations")
    parser.add_argument("spec", type=Path, metavar="SPEC")
    parser.add_argument("--data", action="store_true", help="also what models with power: can find, from the panel")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from tfplab.explain import explain

    plan = plan_of(options.spec)
    if not options.data:
        print(explain(plan))
        return 0
    from tfplab.explain_power import power_told

    print(explain(plan, power_told(plan)))
    return 0
