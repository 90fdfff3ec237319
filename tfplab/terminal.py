"""What the terminal shows while a run is under way and when it is done. Silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from specs.counting import counted
from specs.fields import in_english

if TYPE_CHECKING:
    from rich.status import Status

__all__ = ["Progress", "summarise"]

FAILED_AT_MOST = 5
"""Cases of a variant that the summary names."""


class Progress(AbstractContextManager["Progress"]):
    """The step that is running now, on standard error, if that is a terminal.

    Parameters
    ----------
    quiet : bool
        Say nothing even there.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._status: Status | None = None
        self._watched = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Progress:
        if self._watched:
            from rich.console import Console

            self._status = Console(stderr=True).status("reading the spec")
            self._status.start()
        return self

    def step(self, what: str) -> None:
        """Say what runs now."""
        if self._status is not None:
            self._status.update(what)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()


def summarise(record: Mapping[str, Any], output: Path) -> None:
    """Print what was estimated, what failed, and where the report is.

    Parameters
    ----------
    record : mapping
        The content of ``run.json``.
    output : Path
        The bundle.
    """
    panel = record["panel"]
    print(f"{in_english(record['spec']['title']) or output.name}: {panel['rows']:,} rows, {panel['firms']:,} firms")
    for name, fit in record["productivity"].items():
        if fit["status"] == "failed":
            print(f"  productivity {name}: failed: {fit['reason']}")
        elif not fit["groups"]:
            print(f"  productivity {name}: {fit['method']}; {_sizes({'n_obs': fit['n_rows']})}")
        for group in fit["groups"]:
            found = ", ".join(f"{c['term']} {_number(c)}" for c in group["elasticities"] or group["coefficients"])
            of = ", ".join(f"{key} {level}" for key, level in (group["group"] or {}).items())
            print(f"  productivity {name}{f' ({of})' if of else ''}: {found or fit['method']}; {_sizes(group)}")
    for name, model in record["models"].items():
        if model["status"] == "ok":
            print(f"  model {name}: {_sizes(model, 'n_obs', 'n_firms')}")
        else:
            print(f"  model {name}: failed: {model['reason']}")
    for name, variant in record["variants"].items():
        failed = [case for case in variant["cases"] if case["status"] == "failed"]
        lost = f", {len(failed)} failed" if failed else ""
        print(f"  variant {name}: {counted(len(variant['cases']), 'case')} of {variant['of']}{lost}")
        for case in failed[:FAILED_AT_MOST]:
            print(f"    {case['name']}: failed: {case['reason']}")
        if len(failed) > FAILED_AT_MOST:
            print(f"    and {len(failed) - FAILED_AT_MOST} more: see variants.{name} in run.json")
    for name, figure in record["figures"].items():
        if figure["status"] == "failed":
            print(f"  figure {name}: failed: {figure['reason']}")
    if not record["productivity"] and not record["models"]:
        print("  the spec has neither productivity nor models: the panel was built, nothing was estimated")
    print(f"report: {output / 'report.html'}")


def _number(found: Mapping[str, Any]) -> str:
    if found.get("suppressed"):
        return "suppressed"
    return "none" if found["estimate"] is None else f"{found['estimate']:.4f}"


def _sizes(found: Mapping[str, Any], *keys: str) -> str:
    """Return how many rows and firms there are; disclosure may have taken either."""
    names = {"n_obs": "rows", "n_firms": "firms"}
    return ", ".join(
        f"{names[key]} suppressed" if found[key] is None else f"{found[key]:,} {names[key]}"
        for key in keys or ("n_obs",)
    )
