"""``run --jobs N``: productivity entries and models in processes of their own.

A worker gets the folder of a saved panel, not the panel, and reads it once; results come back as the records that they
are. Every worker computes on one thread, and what it computes does not depend on what else it did: results are the same
to the bit whatever the number of workers. A worker that the system ends fails what it was estimating, nothing else.
"""

from __future__ import annotations

import multiprocessing
import shutil
import signal
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from estimation.results import BoolArray, Estimates, Failed, ProductivityFit
from panels.frame import FirmPanel
from panels.saved import read_panel, save_panel
from tfplab.bootstrapping import Chain
from tfplab.cache.records import from_bytes, settled, to_bytes
from tfplab.common_rows import OnCommonRows
from tfplab.plan import ModelPlan, Plan, ProductivityPlan
from tfplab.steps import add_productivity, estimate_model, estimate_productivity

__all__ = ["ACCIDENT", "FitTask", "ModelTask", "Pool", "WorkerError"]

ACCIDENT = "the process that estimated it ended"
"""How the reason begins where a worker was ended."""

_RECORD, _FITS = "record", "fits"
_SECONDS = 5


class WorkerError(RuntimeError):
    """A defect of the program, found in a worker: its traceback."""


@dataclass(frozen=True, slots=True, eq=False)
class FitTask:
    """A productivity entry that is made of no other."""

    plan: Plan
    step: ProductivityPlan

    def failed(self, reason: str) -> Failed:
        """Return what is known of it where its worker was ended."""
        return Failed(self.step.name, self.step.method, reason)

    def done(self, state: _State) -> ProductivityFit | Failed:
        """Estimate it, in a worker."""
        return estimate_productivity(self.plan, self.step, state.panel(), {})


@dataclass(frozen=True, slots=True, eq=False)
class ModelTask:
    """A model, on all rows or on those that all cases of a variant have; `slim` leaves out what only families need."""

    model: ModelPlan
    slim: Callable[[Estimates | Failed], Estimates | Failed] | None = None

    def failed(self, reason: str) -> Failed:
        """Return what is known of it where its worker was ended."""
        return Failed(self.model.name, self.model.design, reason)

    def done(self, state: _State) -> Estimates | Failed:
        """Estimate it, in a worker."""
        chain, lost = state.chain()
        found = estimate_model(self.model, chain, lost)
        return found if self.slim is None else self.slim(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a worker finds what a task needs.

    Attributes
    ----------
    panel : Path
        The folder of the panel.
    fits : Path or None
        The file of the productivity entries, where models are estimated.
    plan : Plan or None
        What makes a chain of both.
    common : (n,) bool array or None
    """

    panel: Path
    fits: Path | None = None
    plan: Plan | None = None
    common: BoolArray | None = None


class _State:
    """What a worker has read; the latest alone."""

    def __init__(self) -> None:
        self._place: _Place | None = None
        self._panel: FirmPanel | None = None
        self._chain: tuple[Chain, Mapping[str, str]] | None = None

    def go_to(self, place: _Place) -> None:
        """Take another place from now on."""
        if self._place is None or self._place.panel != place.panel:
            self._panel = None
        elif self._panel is not None and self._chain is not None:
            self._panel.forget(self._chain[0].after)
        self._place, self._chain = place, None

    def panel(self) -> FirmPanel:
        """Return the panel without productivity columns."""
        assert self._place is not None
        if self._panel is None:
            folder = self._place.panel
            self._panel = read_panel(from_bytes((folder / _RECORD).read_bytes()), folder)
        return self._panel

    def chain(self) -> tuple[Chain, Mapping[str, str]]:
        """Return the chain of the panel and its productivity, and what could not be made of it."""
        place, panel = self._place, self.panel()
        if self._chain is None:
            assert place is not None
            assert place.plan is not None
            assert place.fits is not None
            fits = from_bytes(place.fits.read_bytes())
            after, lost = add_productivity(place.plan, panel, fits)
            chain = Chain(place.plan, panel, after, fits)
            self._chain = (chain if place.common is None else OnCommonRows(chain, place.common), lost)
        return self._chain


def _work(pipe: Connection) -> None:
    """Do one task after the other, in a process of its own."""
    # Ctrl-C reaches all processes of a terminal: the first ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from threadpoolctl import threadpool_limits

    state = _State()
    with suppress(EOFError, BrokenPipeError), threadpool_limits(1):
        while True:
            asked = pipe.recv()
            if isinstance(asked, _Place):
                state.go_to(asked)
                continue
            try:
                pipe.send((True, settled(asked.done(state))))
            except Exception:
                pipe.send((False, traceback.format_exc()))


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore Ctrl-C for a moment: a process that begins in it does not hear Ctrl-C while it is still importing."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone hears signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Worker:
    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other,), daemon=True)
        with _deaf():
            self.process.start()
        other.close()
        self.place: _Place | None = None
        self.task = -1

    def ask(self, place: _Place, number: int, task: FitTask | ModelTask) -> None:
        self.task = number
        if self.place is not place:
            self.pipe.send(place)
            self.place = place
        self.pipe.send(task)

    def stop(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(_SECONDS)


class Pool:
    """Processes that estimate, started when there is something for two of them.

    Parameters
    ----------
    jobs : int
        How many at most.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._workers: list[_Worker] = []
        self._folder: Path | None = None
        self._saved: list[tuple[FirmPanel, Path]] = []
        self._places: list[tuple[Chain, BoolArray | None, _Place]] = []
        self._count = 0

    def fits(self, panel: FirmPanel, tasks: Sequence[FitTask], told: Callable[[int], None]) -> list[Any]:
        """Estimate productivity entries on a panel, and return what comes of each."""
        return self._run(_Place(self._folder_of(panel)), tasks, told)

    def models(
        self, chain: Chain, tasks: Sequence[ModelTask], told: Callable[[int], None], common: BoolArray | None = None
    ) -> list[Any]:
        """Estimate models on a chain, and return what comes of each."""
        known = [place for one, mask, place in self._places if one is chain and mask is common]
        if not known:
            self._places = [(chain, common, self._place_of(chain, common))]
            known = [self._places[0][2]]
        return self._run(known[0], tasks, told)

    def stop(self) -> None:
        """End all processes, and remove what they read."""
        for worker in self._workers:
            worker.stop()
        self._workers, self._saved, self._places = [], [], []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _new(self, stem: str) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="tfplab-jobs-"))
        self._count += 1
        return self._folder / f"{stem}{self._count}"

    def _folder_of(self, panel: FirmPanel) -> Path:
        for one, folder in self._saved:
            if one is panel:
                return folder
        folder = self._new("panel")
        folder.mkdir()
        (folder / _RECORD).write_bytes(to_bytes(save_panel(panel, folder)))
        # Those of the spec and of the variant at hand: no more are asked for again.
        for _, old in self._saved[1:]:
            shutil.rmtree(old, ignore_errors=True)
        self._saved = [*self._saved[:1], (panel, folder)]
        return folder

    def _place_of(self, chain: Chain, common: BoolArray | None) -> _Place:
        for _, _, old in self._places:
            if old.fits is not None:
                old.fits.unlink(missing_ok=True)
        path = self._new(_FITS)
        path.write_bytes(to_bytes(dict(chain.fits)))
        plan = replace(chain.plan, figures=(), variants=(), worlds=())
        return _Place(self._folder_of(chain.before), path, plan, common)

    def _run(self, place: _Place, tasks: Sequence[FitTask | ModelTask], told: Callable[[int], None]) -> list[Any]:
        results: list[Any] = [None] * len(tasks)
        waiting, busy = deque(range(len(tasks))), 0
        while waiting or busy:
            while waiting and busy < self.jobs:
                worker = next((one for one in self._workers if one.task < 0), None)
                if worker is None:
                    worker = _Worker()
                    self._workers.append(worker)
                number = waiting.popleft()
                told(number)
                busy += 1
                with suppress(OSError):  # one that has ended is found below
                    worker.ask(place, number, tasks[number])
            asked = {one.pipe: one for one in self._workers if one.task >= 0}
            for pipe in wait(list(asked)):
                worker = asked[pipe]  # type: ignore[index]
                number, worker.task = worker.task, -1
                busy -= 1
                try:
                    well, found = worker.pipe.recv()
                except (EOFError, OSError):
                    results[number] = tasks[number].failed(_ended(worker))
                    self._workers.remove(worker)
                    worker.stop()
                    continue
                if not well:
                    raise WorkerError(found)
                results[number] = found
        return results


def _ended(worker: _Worker) -> str:
    worker.process.join(_SECONDS)
    code = worker.process.exitcode
    how = f"by signal {-code}" if code is not None and code < 0 else f"with status {code}"
    return f"{ACCIDENT} {how}, most likely for want of memory: take fewer --jobs"
