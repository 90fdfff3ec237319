"""``tfplab upgrade``: what is written where, and what was there before is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tfplab
from tfplab.cli import main

OLD = b"\xef\xbb\xbf# Mine.\r\n\r\ntitle: Old  # and good\r\npanel: {table: {files: plants.csv}}\r\n"
NEW = OLD.replace(b"title:", b"tfplab: 1\r\ntitle:")


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("old.yaml")
    path.write_bytes(OLD)
    return path


def test_it_is_written_in_place_and_what_was_there_is_kept(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.yaml.bak").write_text("not ours")
    assert main(["upgrade", "old.yaml"]) == 0
    assert old.read_bytes() == NEW
    assert Path("old.yaml.bak").read_text() == "not ours"
    assert Path("old.yaml.bak2").read_bytes() == OLD
    assert capsys.readouterr().out == (
        "old.yaml: from format 0 to 1\n  tfplab: 1 says in which format the spec is written\n"
        "written to old.yaml, what it was to old.yaml.bak2\n"
    )
    assert main(["upgrade", "old.yaml"]) == 0
    assert capsys.readouterr().out == "old.yaml: nothing to do, it is in format 1\n"
    assert old.read_bytes() == NEW
    assert sorted(one.name for one in Path().iterdir()) == ["old.yaml", "old.yaml.bak", "old.yaml.bak2"]


def test_check_shows_what_would_change_and_writes_nothing(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", "--check", "old.yaml"]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["--- old.yaml", "+++ old.yaml (upgraded)"]
    assert [line for line in shown[2:] if line[0] in "+-"] == ["+tfplab: 1"]
    assert old.read_bytes() == OLD
    old.write_bytes(NEW)
    assert main(["upgrade", "--check", "old.yaml"]) == 0
    assert [one.name for one in Path().iterdir()] == ["old.yaml"]


def test_another_file_is_written_only_where_there_is_none(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", "old.yaml", "-o", "new.yaml"]) == 0
    assert (old.read_bytes(), Path("new.yaml").read_bytes()) == (OLD, NEW)
    assert main(["upgrade", "new.yaml", "-o", "copy.yaml"]) == 0
    assert Path("copy.yaml").read_bytes() == NEW
    capsys.readouterr()
    assert main(["upgrade", "old.yaml", "-o", "new.yaml"]) == 2
    assert capsys.readouterr().err == "tfplab: new.yaml: it is there already, and would be written over\n"
    assert main(["upgrade", "old.yaml", "--check", "-o", "x.yaml"]) == 2
    # Its own name is no other file.
    assert main(["upgrade", "old.yaml", "-o", "./old.yaml"]) == 0
    assert Path("old.yaml.bak").read_bytes() == OLD


@pytest.mark.parametrize("command", ["check", "explain", "run", "panel", "upgrade"])
def test_every_command_refuses_a_newer_format(
    command: str, own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    path = own_panel()
    path.write_text(path.read_text().replace("tfplab: 1", "tfplab: 2"))
    output = ["-o", str(path.parent / "out")] if command in ("run", "panel") else []
    assert main([command, str(path), *output]) == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        f"{path}:1:9: tfplab: the format 2 is newer than this tfplab, this version reads format 1, its keys may mean "
        "something else: install a newer tfplab"
    )
    assert not (path.parent / "out").exists()


def test_what_check_says_of_an_old_spec_is_a_command_that_mends_it(
    own_panel: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_panel("models:\n  m: {design: cross_section, formula: tfp ~ size}\n")
    path.write_text(path.read_text().removeprefix("tfplab: 1\n"))
    monkeypatch.chdir(path.parent)
    assert main(["check", "own.yaml"]) == 2
    said = capsys.readouterr().err
    assert "begin with tfplab: 1, as tfplab upgrade own.yaml does" in said
    assert main(["upgrade", "own.yaml"]) == 0
    assert main(["check", "own.yaml"]) == 0
    assert [one.position.line for one in tfplab.Spec.parse("title: x\n").check()] == [1, 1]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b"- a\n", b"\0", b"x" * 300_000])
def test_what_is_no_spec_is_told_and_left(content: bytes, old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old.write_bytes(content)
    assert main(["upgrade", "old.yaml"]) == 2
    assert capsys.readouterr().err.startswith("old.yaml:1:")
    assert old.read_bytes() == content
    assert main(["upgrade", "nowhere.yaml"]) == 2
    assert [one.name for one in Path().iterdir()] == ["old.yaml"]
