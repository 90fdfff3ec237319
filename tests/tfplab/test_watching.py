"""``run --watch``: what a save sets going, what mistakes leave alone, how it ends; and ``run --cache``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tfplab import watching
from tfplab.cli import main
from tfplab.watching import files_of, watch

MODEL = "models:\n  plain: {design: cross_section, where: year == 2015, formula: tfp ~ sector + k}\n"


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def acting(*acts: Callable[[], object]) -> Callable[[], None]:
    """A pause in which somebody does one thing after the other, and then presses Ctrl-C."""
    left: Iterator[Callable[[], object]] = iter(acts)

    def pause() -> None:
        act = next(left, None)
        if act is None:
            raise KeyboardInterrupt
        act()

    return pause


def nothing() -> None:
    """Nobody saves."""


def test_it_runs_again_when_a_file_is_saved_and_at_rest(tmp_path: Path) -> None:
    spec = tmp_path / "own.yaml"
    spec.write_text("title: a\n")
    runs: list[str] = []
    said: list[str] = []
    watch(
        spec, lambda: runs.append(spec.read_text()), said.append,
        acting(nothing, lambda: spec.write_text("title: b and\n"), lambda: spec.write_text("title: b and more\n"),
               nothing, nothing, spec.unlink, nothing, lambda: spec.write_text("title: c\n"), nothing),
    )  # fmt: skip
    assert runs == ["title: a\n", "title: b and more\n", "title: c\n"]
    assert said == ["waiting until own.yaml is saved; Ctrl-C ends"] * 3


def test_what_is_saved_during_a_run_is_seen_after_it(tmp_path: Path) -> None:
    spec = tmp_path / "own.yaml"
    spec.write_text("a")
    runs: list[str] = []

    def once() -> None:
        runs.append(spec.read_text())
        if len(runs) == 1:
            spec.write_text("saved meanwhile")

    watch(spec, once, lambda _: None, acting(nothing, nothing, nothing))
    assert runs == ["a", "saved meanwhile"]


def test_ctrl_c_during_a_run_is_passed_on(tmp_path: Path) -> None:
    def once() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(tmp_path / "own.yaml", once, lambda _: None, nothing)


def test_the_files_of_a_spec(own_panel: Callable[..., Path], tmp_path: Path) -> None:
    from tfplab.first_gate import make_plan

    base = own_panel(MODEL)
    spec = tmp_path / "mine.yaml"
    spec.write_text("extends: own.yaml\ntitle: Mine\n")
    assert [path.name for path in files_of(spec, make_plan(spec))] == ["mine.yaml", "own.yaml"]
    base.write_text("panel: [")
    assert [path.name for path in files_of(spec, None)] == ["mine.yaml", "own.yaml"]
    spec.unlink()
    assert files_of(spec, None) == (spec,)
    spec.write_text("extends: library/hrw_2026.yaml\n")
    assert files_of(spec, None) == (spec,)


@pytest.fixture
def watched(
    own_panel: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, Path, Path]]:
    """Run the command under --watch with somebody acting in its pauses."""
    spec, output = own_panel(MODEL, firms=60), tmp_path / "run"

    def run(*acts: Callable[[Path], object], words: tuple[str, ...] = ()) -> tuple[int, Path, Path]:
        pause = acting(*(one for act in acts for one in ((lambda act=act: act(spec)), nothing)))
        monkeypatch.setattr(watching, "_sleep", pause)
        monkeypatch.setattr(watching.watch, "__defaults__", (pause,))
        return main(["run", str(spec), "-o", str(output), "--watch", *words]), spec, output

    return run


def test_the_command_tells_what_was_done_again_and_why(
    watched: Callable[..., tuple[int, Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    def mistake(spec: Path) -> None:
        edit(spec, "method: wooldridge", "method: wooldrige")

    def right(spec: Path) -> None:
        edit(spec, "method: wooldrige", "method: wooldridge")
        edit(spec, "degree: 2", "degree: 3")

    def comment(spec: Path) -> None:
        edit(spec, "tfplab: 1", "tfplab: 1  # as it was")

    status, _, output = watched(comment, mistake, right)
    out, err = capsys.readouterr()
    assert status == 0
    rounds = out.split("waiting until own.yaml is saved; Ctrl-C ends\n")
    assert len(rounds) == 5
    assert "panel built anew: nothing kept yet" in rounds[0]
    assert "model plain estimated anew: nothing kept yet" in rounds[0]
    assert rounds[1].startswith("panel: as before\nproductivity tfp: as before\nmodel plain: as before\n")
    assert rounds[2] == ""
    assert 'productivity.tfp.method: "wooldrige" is' in err
    assert "nothing was written" in err
    assert "panel: as before\nproductivity tfp estimated anew: degree was 2 and is 3\n" in rounds[3]
    assert "model plain estimated anew: tfp, which it is made of, has changed" in rounds[3]
    assert "done in " in rounds[3]
    cache = json.loads((output / "manifest.json").read_text())["cache"]
    assert cache["panel"] == "as before"
    assert cache["productivity tfp"] == "anew: degree was 2 and is 3"


def test_a_mistake_leaves_the_bundle_of_the_run_before(
    watched: Callable[..., tuple[int, Path, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    kept: list[bytes] = []

    def break_it(spec: Path) -> None:
        kept.append((spec.parent / "run" / "run.json").read_bytes())
        edit(spec, "productivity:", "productivity: [")

    _, _, output = watched(break_it)
    assert (output / "run.json").read_bytes() == kept[0]
    assert capsys.readouterr().err.count("own.yaml:") >= 1


def test_a_cache_on_the_command_line(
    own_panel: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, cache = own_panel(MODEL, firms=60), tmp_path / "cache"

    def run(*words: str, status: int = 0) -> str:
        assert main(["run", str(spec), "-o", str(tmp_path / "run"), *words]) == status
        said = capsys.readouterr()
        return said.out + said.err

    assert "anew" not in run()
    plain = (tmp_path / "run" / "run.json").read_bytes()
    assert "cache" not in json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert "panel built anew: nothing kept yet" in run("--cache", str(cache))
    assert "productivity tfp: from the cache" in run("--cache", str(cache))
    assert (tmp_path / "run" / "run.json").read_bytes() == plain
    assert run("--cache", str(cache), "--quiet") == ""
    monkeypatch.setenv("TFPLAB_CACHE", str(cache))
    assert "panel: from the cache" in run()
    assert "from the cache" not in run("--no-cache")
    assert "not kept: it takes" in run("--cache", str(tmp_path / "small"), "--cache-limit", "1KB")
    assert "is no cache of tfplab" in run("--cache", str(spec.parent), status=2)


@pytest.mark.parametrize("size", ["big", "0", "-1", "1XB", ""])
def test_a_limit_is_a_size(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", "x.yaml", f"--cache-limit={size}"])
    assert stop.value.code == 2
    assert "is no size, write 500MB or 20GB" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_ends_it(own_panel: Callable[..., Path], tmp_path: Path) -> None:
    import signal

    spec = own_panel(firms=20)
    command = [sys.executable, "-m", "tfplab", "run", str(spec), "-o", str(tmp_path / "run"), "--watch"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=dict(os.environ)) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("waiting"):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
