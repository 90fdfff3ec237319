"""``run --watch``: run, wait until a file of the spec is saved, run again with all that the change left alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from specs.extends import read_spec

if TYPE_CHECKING:  # made by who calls
    from tfplab.plan import Plan

__all__ = ["POLL_SECONDS", "files_of", "watch"]

POLL_SECONDS = 0.3

State = dict[Path, tuple[int, int, int] | None]


def _sleep() -> None:
    time.sleep(POLL_SECONDS)


def watch(
    spec: Path,
    once: Callable[[], Plan | None],
    told: Callable[[str], None],
    pause: Callable[[], None] = _sleep,
) -> None:
    """Run once, and again whenever a file of the spec has been saved, until somebody presses Ctrl-C.

    Parameters
    ----------
    spec : Path
    once : callable
        Runs, tells what is wrong by itself, and returns the plan; None where the spec has mistakes.
    told : callable
        Hears that it waits.
    pause : callable, optional
        Returns when it is time to look again; raises KeyboardInterrupt to end.

    Notes
    -----
    What is saved during a run is seen after it: files are looked at before the run begins. Files are looked at by
    their times, which works on network drives, too, where nobody tells of changes.
    """
    files: tuple[Path, ...] = (spec,)
    while True:
        before = _state(files)
        plan = once()
        files = files_of(spec, plan)
        # Of a file that was not known before the run, what it is now is all that there is.
        before = {path: before.get(path, state) for path, state in _state(files).items()}
        try:
            told(f"waiting until {', '.join(path.name for path in files)} is saved; Ctrl-C ends")
            _wait(before, pause)
        except KeyboardInterrupt:
            return


def files_of(spec: Path, plan: Plan | None) -> tuple[Path, ...]:
    """Return the files of a spec: itself, what it extends, and layouts of its own.

    Without a plan the layouts are not known, and need not be: it is the spec that has to be put right first.
    """
    found = plan.files if plan is not None else read_spec(spec).files
    paths = [one.path for one in found if not one.shipped and one.path.resolve() != spec.resolve()]
    layouts = [path for _, path in plan.layout_files] if plan is not None else []
    return tuple(dict.fromkeys([spec, *paths, *layouts]))


def _wait(before: State, pause: Callable[[], None]) -> None:
    """Return once a file is another than before, and nobody writes to it any more."""
    latest = before
    while True:
        pause()
        now = _state(before)
        # Some editors remove a file and write it anew: it is saved when it is there, and as it was a moment ago.
        if now != before and now == latest and None not in now.values():
            return
        latest = now


def _state(files: Iterable[Path]) -> State:
    found: State = {}
    for path in files:
        try:
            status = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return found
