"""``run --jobs``: the same bytes whatever the number of processes, and one that is ended fails one model."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tfplab.cache.test_kept import MORE, Silent, anew, ran
from tfplab import jobs
from tfplab.cache.folder import CacheFolder
from tfplab.cache.kept import Kept
from tfplab.cli import main
from tfplab.first_gate import make_plan
from tfplab.runner import estimate

COMMON = """\
  same:
    of: plain
    rows: common
    vary: {productivity.tfp.method: [wooldridge, wlp], formula: [tfp ~ k, tfp ~ sector]}
"""


@pytest.fixture
def spec(own_panel: Callable[..., Path]) -> Path:
    return own_panel(MORE.replace("figures:\n", COMMON + "figures:\n"), firms=60)


def left() -> list[multiprocessing.process.BaseProcess]:
    return multiprocessing.active_children()


def test_the_bytes_are_the_same_whatever_the_number(spec: Path, tmp_path: Path) -> None:
    plain = ran(spec)
    assert ran(spec, Kept(jobs=2)) == plain
    assert left() == []
    first = Kept(CacheFolder(tmp_path / "cache"), jobs=3)
    assert ran(spec, first) == plain
    assert anew(first)["productivity tfp"] == "nothing kept yet"
    again = Kept(CacheFolder(tmp_path / "cache"))
    assert ran(spec, again) == plain
    assert anew(again) == {}


def test_the_demo_and_its_survey_in_two_processes(demo_folder: Path, demo_bundle: Path) -> None:
    found = ran(demo_folder / "hrw_2026.yaml", Kept(jobs=2))
    assert found == (demo_bundle / "run.json").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_process_that_is_ended_fails_its_model_and_nothing_else(spec: Path) -> None:
    kept = Kept(in_memory=True, jobs=2)
    killed: list[int] = []

    class Killer(Silent):
        def step(self, what: str) -> None:
            if what == "estimating model boot" and not killed:
                # Told before the task is sent: the next process to be asked is one that is idle.
                pool = kept._pool
                assert pool is not None
                worker = next(one for one in pool._workers if one.task < 0)
                own = worker.ask

                def ask(*asked: object) -> None:
                    own(*asked)  # type: ignore[arg-type]
                    killed.append(worker.process.pid or 0)
                    os.kill(killed[0], signal.SIGKILL)

                worker.ask = ask  # type: ignore[method-assign, assignment]

    results = estimate(make_plan(spec), Killer(), kept)
    assert killed
    failed = {one.name: one.reason for one in results.failed}
    assert set(failed) == {"boot", "wrong"}
    assert failed["boot"] == (
        "the process that estimated it ended by signal 9, most likely for want of memory: take fewer --jobs"
    )
    # An accident is no result: the next run estimates it.
    again = estimate(make_plan(spec), Silent(), kept)
    assert {one.name for one in again.failed} == {"wrong"}
    assert left() == []


def test_a_run_that_is_stopped_ends_its_processes(spec: Path) -> None:
    class Stopper(Silent):
        def step(self, what: str) -> None:
            if what.startswith("estimating model swept"):
                raise KeyboardInterrupt

    kept = Kept(jobs=2)
    with pytest.raises(KeyboardInterrupt):
        estimate(make_plan(spec), Stopper(), kept)
    deadline = time.monotonic() + 10
    while left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left() == []


def test_a_defect_in_a_process_is_a_defect(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = jobs.Pool(2)
    plan = make_plan(spec)
    from tfplab.runner import build_panel

    panel = build_panel(plan)
    broken = jobs.FitTask(plan, plan.models[0])  # type: ignore[arg-type]
    try:
        with pytest.raises(jobs.WorkerError, match="Traceback"):
            pool.fits(panel, [broken, broken], lambda _: None)
    finally:
        pool.stop()


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5", ""])
def test_a_number_of_processes_is_one_or_more(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", "x.yaml", f"--jobs={number}"])
    assert stop.value.code == 2
    assert "is no number of processes: write 1 or more" in capsys.readouterr().err
